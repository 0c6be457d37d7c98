// SPDX-License-Identifier: Apache-2.0
// file_output_stream.h: a file on its way as a standard stream, for what prints to one.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <streambuf>
#include <string>
#include <utility>

#include "firn/parquet_writer.h"
#include "firn/status.h"

namespace firn::cli {

// Thread-compatible. A stream can only say that something went wrong: what it was is
// kept.
class FileOutputStream final : private std::streambuf, public std::ostream {
 public:
  explicit FileOutputStream(std::unique_ptr<FileOutput> output)
      : std::ostream(static_cast<std::streambuf*>(this)), output_(std::move(output)) {}

  // OK, or the first error.
  const Status& status() const { return status_; }
  std::int64_t written_bytes() const { return written_bytes_; }

  // Hand over what is buffered and close the file.
  Status Close() {
    Send();
    if (status_.ok()) status_ = output_->Close();
    return status_;
  }

 private:
  static constexpr std::size_t kBufferBytes = 64 << 10;

  std::streamsize xsputn(const char* data, std::streamsize size) override {
    buffer_.append(data, static_cast<std::size_t>(size));
    if (buffer_.size() >= kBufferBytes) Send();
    return status_.ok() ? size : 0;
  }
  // Both bases have names for these.
  using Traits = std::char_traits<char>;
  Traits::int_type overflow(Traits::int_type c) override {
    if (c == Traits::eof()) return Traits::not_eof(c);
    const char byte = Traits::to_char_type(c);
    return xsputn(&byte, 1) == 1 ? c : Traits::eof();
  }

  void Send() {
    if (status_.ok()) status_ = output_->Append(buffer_);
    written_bytes_ += static_cast<std::int64_t>(buffer_.size());
    buffer_.clear();
  }

  const std::unique_ptr<FileOutput> output_;
  std::string buffer_;
  std::int64_t written_bytes_ = 0;
  Status status_;
};

}  // namespace firn::cli

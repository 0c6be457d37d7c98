// SPDX-License-Identifier: Apache-2.0
// positioned_file.h: what a file of Arrow's needs beside reading at a place. Internal to
// this room.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#include "arrow/buffer.h"
#include "arrow/io/interfaces.h"
#include "arrow/result.h"

namespace firn::parquet {

// A file that hands out buffers: who derives from it says how large it is and gives the
// bytes of a range, fewer at its end. Thread-compatible.
class PositionedFile : public arrow::io::RandomAccessFile {
 public:
  using arrow::io::RandomAccessFile::ReadAt;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t position,
                                                       std::int64_t size) override = 0;
  arrow::Result<std::int64_t> ReadAt(std::int64_t position, std::int64_t size,
                                     void* out) final {
    ARROW_ASSIGN_OR_RAISE(const auto bytes, ReadAt(position, size));
    const auto size_read = static_cast<std::size_t>(bytes->size());
    if (size_read > 0) std::memcpy(out, bytes->data(), size_read);
    return bytes->size();
  }

  arrow::Status Seek(std::int64_t position) final {
    position_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> Tell() const final { return position_; }
  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) final {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t read, ReadAt(position_, size, out));
    position_ += read;
    return read;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) final {
    ARROW_ASSIGN_OR_RAISE(auto bytes, ReadAt(position_, size));
    position_ += bytes->size();
    return bytes;
  }
  arrow::Status Close() final {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const final { return closed_; }

 private:
  std::int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace firn::parquet

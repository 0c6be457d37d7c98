// SPDX-License-Identifier: Apache-2.0
// row_bytes.h: the bytes of a file of rows, from its beginning to its end, as Arrow's
// readers take them.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/context.h"
#include "firn/status.h"

namespace firn::table {

// Fills `out` and returns how many bytes it got; fewer than `size` at the end alone.
using ReadBytes = std::function<Result<std::int64_t>(std::int64_t size, char* out)>;

// Whatever of Arrow's still refers to it when its stream is gone reads no more after
// Stop(). An error is kept as it was, since Arrow's
// statuses would lose what to do about it; a context that ends is one. Thread-safe.
class RowBytes final : public arrow::io::InputStream {
 public:
  // `context`, and what `read` refers to, must outlive the call of Stop().
  RowBytes(const base::Context& context, ReadBytes read)
      : context_(context), read_(std::move(read)) {}

  // Why a read failed, or OK.
  Status status() const;
  // Wait for the read under way; later ones fail.
  void Stop();

  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override;
  arrow::Result<std::int64_t> Tell() const override { return offset_; }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }

 private:
  const base::Context& context_;
  const ReadBytes read_;
  std::mutex reading_;
  bool stopped_ = false;     // Guarded by reading_.
  std::int64_t offset_ = 0;  // Guarded by reading_.
  bool closed_ = false;
  mutable std::mutex mutex_;
  Status status_;  // Guarded by mutex_.
};

// A stream whose first bytes may be looked at. A read takes memory as bytes come, not as
// many as a damaged length asks for. Thread-compatible.
class PeekableInput final : public arrow::io::InputStream {
 public:
  // `pool` must outlive it.
  PeekableInput(std::shared_ptr<arrow::io::InputStream> inner, arrow::MemoryPool* pool)
      : inner_(std::move(inner)), pool_(pool) {}

  // The next `size` bytes, or all there are, which are still to be read.
  arrow::Result<std::string_view> Peek(std::int64_t size) override;
  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override;
  arrow::Result<std::int64_t> Tell() const override { return offset_; }
  arrow::Status Close() override { return inner_->Close(); }
  bool closed() const override { return inner_->closed(); }

 private:
  const std::shared_ptr<arrow::io::InputStream> inner_;
  arrow::MemoryPool* const pool_;
  std::string seen_;  // Looked at, and not read yet: from begin_ on.
  std::size_t begin_ = 0;
  std::int64_t offset_ = 0;
};

}  // namespace firn::table

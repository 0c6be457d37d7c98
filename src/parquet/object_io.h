// SPDX-License-Identifier: Apache-2.0
// object_io.h: objects of a store as Arrow's streams and files. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "arrow/io/interfaces.h"
#include "arrow/result.h"

#include "io/store.h"
#include "parquet/range_fetcher.h"

namespace firn::parquet {

// An object being written. Thread-compatible. Close() of the stream leaves the object
// alone: who owns it decides when it becomes visible.
class ObjectOutput final : public arrow::io::OutputStream {
 public:
  // `object` must outlive the stream.
  explicit ObjectOutput(io::ObjectWriter& object) : object_(object) {}

  using arrow::io::OutputStream::Write;
  arrow::Status Write(const void* data, std::int64_t size) override;
  arrow::Result<std::int64_t> Tell() const override { return written_bytes_; }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }

  std::int64_t written_bytes() const { return written_bytes_; }

  // Keep at least the last `bytes` that are written from now on, and at most twice as
  // many.
  void KeepTail(std::size_t bytes) { tail_bytes_ = bytes; }
  const std::string& tail() const { return tail_; }

 private:
  io::ObjectWriter& object_;
  std::int64_t written_bytes_ = 0;
  std::size_t tail_bytes_ = 0;
  std::string tail_;
  bool closed_ = false;
};

// An object being read, for the parts of Parquet C++ that insist on a file. Every read is
// one request. Thread-compatible.
class ObjectInput final : public arrow::io::RandomAccessFile {
 public:
  // Both must outlive the file; requests are added to `counts`.
  ObjectInput(io::ObjectReader& object, FetchCounts& counts)
      : object_(object), counts_(counts) {}

  using arrow::io::RandomAccessFile::ReadAt;
  arrow::Result<std::int64_t> ReadAt(std::int64_t position, std::int64_t size,
                                     void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t position,
                                                       std::int64_t size) override;
  arrow::Result<std::int64_t> GetSize() override {
    return static_cast<std::int64_t>(object_.size_bytes());
  }
  arrow::Status Seek(std::int64_t position) override;
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override;
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }

 private:
  io::ObjectReader& object_;
  FetchCounts& counts_;
  std::int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace firn::parquet

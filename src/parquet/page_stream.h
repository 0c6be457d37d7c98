// SPDX-License-Identifier: Apache-2.0
// page_stream.h: the pages of a column chunk that are wanted, as one stream of bytes.
// Internal to this room.
//
// Parquet's page reader reads a chunk from a stream, one page header after another. Given
// a stream in which some data pages are left out, it decodes the rest without knowing:
// that is how pages are skipped without being fetched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "arrow/io/interfaces.h"
#include "arrow/result.h"

#include "parquet/range_fetcher.h"

namespace firn::parquet {

// Thread-compatible. The fetcher must outlive it.
class PageStream final : public arrow::io::InputStream {
 public:
  // REQUIRES: every range announced to `fetcher`; the stream takes each, or forgets it
  // where it is destroyed first.
  PageStream(RangeFetcher& fetcher, std::vector<ByteRange> ranges)
      : fetcher_(fetcher), ranges_(std::move(ranges)) {}
  ~PageStream() override;

  using arrow::io::InputStream::Read;
  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override;
  // Points into a fetched buffer unless the bytes lie in two of them.
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override;
  // Fewer than `size` bytes only at the end.
  arrow::Result<std::string_view> Peek(std::int64_t size) override;

  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }

 private:
  // Make at least `size` bytes, or all that are left, lie in front_ from front_offset_.
  arrow::Status Gather(std::int64_t size);
  std::int64_t available() const;

  RangeFetcher& fetcher_;
  const std::vector<ByteRange> ranges_;
  std::size_t next_range_ = 0;
  std::shared_ptr<arrow::Buffer> front_;
  std::int64_t front_offset_ = 0;
  // What is left of a buffer whose head was copied to the front.
  std::shared_ptr<arrow::Buffer> rest_;
  std::int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace firn::parquet

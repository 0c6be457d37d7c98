// SPDX-License-Identifier: Apache-2.0
// tail_file.h: a file of which only the end is at hand, for the parts of Parquet C++ that
// insist on a file to read a footer from. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "parquet/positioned_file.h"

namespace firn::parquet {

// A read before the tail is an IOError.
class TailFile final : public PositionedFile {
 public:
  // REQUIRES: tail.size() <= size_bytes.
  TailFile(std::int64_t size_bytes, std::string tail);

  using PositionedFile::ReadAt;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t position,
                                                       std::int64_t size) override;
  arrow::Result<std::int64_t> GetSize() override { return size_bytes_; }

 private:
  const std::int64_t size_bytes_;
  const std::shared_ptr<arrow::Buffer> tail_;
};

}  // namespace firn::parquet

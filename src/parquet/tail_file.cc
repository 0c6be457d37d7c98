// SPDX-License-Identifier: Apache-2.0
#include "parquet/tail_file.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace firn::parquet {

TailFile::TailFile(std::int64_t size_bytes, std::string tail)
    : size_bytes_(size_bytes), tail_(arrow::Buffer::FromString(std::move(tail))) {
  FIRN_ASSERT(tail_->size() <= size_bytes_);
}

arrow::Result<std::shared_ptr<arrow::Buffer>> TailFile::ReadAt(std::int64_t position,
                                                               std::int64_t size) {
  const std::int64_t begin = size_bytes_ - tail_->size();
  if (position < begin || position > size_bytes_ || size < 0) {
    return arrow::Status::IOError("read of ", size, " bytes at ", position,
                                  ", at hand from ", begin, " to ", size_bytes_);
  }
  return arrow::SliceBuffer(tail_, position - begin,
                            std::min(size, size_bytes_ - position));
}

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
#include "parquet/page_stream.h"

#include <algorithm>
#include <cstring>

#include "arrow/buffer.h"

#include "parquet/wall.h"

namespace firn::parquet {

PageStream::~PageStream() {
  for (; next_range_ < ranges_.size(); ++next_range_) {
    fetcher_.Forget(ranges_[next_range_]);
  }
}

std::int64_t PageStream::available() const {
  return front_ == nullptr ? 0 : front_->size() - front_offset_;
}

arrow::Status PageStream::Gather(std::int64_t size) {
  while (available() < size) {
    std::shared_ptr<arrow::Buffer> next = std::move(rest_);
    if (next == nullptr) {
      if (next_range_ == ranges_.size()) return arrow::Status::OK();
      auto taken = fetcher_.Take(ranges_[next_range_]);
      if (!taken.ok()) return ToArrow(taken.status());
      ++next_range_;
      next = std::move(taken).value();
    }
    if (available() == 0) {
      front_ = std::move(next);
      front_offset_ = 0;
      continue;
    }
    // Copy no more of the next buffer than is asked for; the rest stays where it is.
    const std::int64_t have = available();
    const std::int64_t more = std::min(size - have, next->size());
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::Buffer> joined,
                          arrow::AllocateBuffer(have + more));
    std::memcpy(joined->mutable_data(), front_->data() + front_offset_,
                static_cast<std::size_t>(have));
    std::memcpy(joined->mutable_data() + have, next->data(),
                static_cast<std::size_t>(more));
    if (more < next->size()) rest_ = arrow::SliceBuffer(next, more);
    front_ = std::move(joined);
    front_offset_ = 0;
  }
  return arrow::Status::OK();
}

arrow::Result<std::string_view> PageStream::Peek(std::int64_t size) {
  ARROW_RETURN_NOT_OK(Gather(size));
  if (available() == 0) return std::string_view();
  return std::string_view(reinterpret_cast<const char*>(front_->data()) + front_offset_,
                          static_cast<std::size_t>(std::min(size, available())));
}

arrow::Result<std::shared_ptr<arrow::Buffer>> PageStream::Read(std::int64_t size) {
  ARROW_RETURN_NOT_OK(Gather(size));
  const std::int64_t have = std::min(size, available());
  if (have <= 0) return std::make_shared<arrow::Buffer>(nullptr, 0);
  auto bytes = arrow::SliceBuffer(front_, front_offset_, have);
  front_offset_ += have;
  position_ += have;
  return bytes;
}

arrow::Result<std::int64_t> PageStream::Read(std::int64_t size, void* out) {
  ARROW_ASSIGN_OR_RAISE(const auto bytes, Read(size));
  std::memcpy(out, bytes->data(), static_cast<std::size_t>(bytes->size()));
  return bytes->size();
}

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
#include "table/row_bytes.h"

#include <arrow/buffer.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace firn::table {
namespace {

constexpr std::int64_t kFirstReadBytes = 1 << 20;
// A file may be far smaller than what would be looked at of a large one.
constexpr std::int64_t kFirstPeekBytes = 64 << 10;

// `size` bytes, or all there are: an inner stream may return fewer before its end.
arrow::Result<std::int64_t> ReadFully(arrow::io::InputStream& stream, std::int64_t size,
                                      char* out) {
  std::int64_t total = 0;
  while (total < size) {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t read,
                          stream.Read(size - total, out + total));
    if (read == 0) break;
    total += read;
  }
  return total;
}

// The same into a buffer that doubles as it fills.
arrow::Result<std::shared_ptr<arrow::Buffer>> ReadGrowing(arrow::io::InputStream& stream,
                                                          std::int64_t size,
                                                          arrow::MemoryPool* pool) {
  std::int64_t capacity = std::min(size, kFirstReadBytes);
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::ResizableBuffer> buffer,
                        arrow::AllocateResizableBuffer(capacity, pool));
  std::int64_t total = 0;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(
        const std::int64_t read,
        ReadFully(stream, capacity - total,
                  reinterpret_cast<char*>(buffer->mutable_data()) + total));
    total += read;
    if (total < capacity || total == size) break;
    capacity = std::min(size, capacity * 2);
    ARROW_RETURN_NOT_OK(buffer->Resize(capacity, /*shrink_to_fit=*/false));
  }
  ARROW_RETURN_NOT_OK(buffer->Resize(total));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

}  // namespace

Status RowBytes::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

void RowBytes::Stop() {
  std::lock_guard lock(reading_);
  stopped_ = true;
}

arrow::Result<std::int64_t> RowBytes::Read(std::int64_t size, void* out) {
  std::lock_guard reading(reading_);
  if (stopped_) return arrow::Status::Cancelled("nobody reads on");
  Status status = context_.Check();
  if (status.ok()) {
    const Result<std::int64_t> read = read_(size, static_cast<char*>(out));
    if (read.ok()) {
      offset_ += *read;
      return *read;
    }
    status = read.status();
  }
  std::lock_guard lock(mutex_);
  status_ = status;
  return arrow::Status::IOError(std::string(status.message()));
}

arrow::Result<std::shared_ptr<arrow::Buffer>> RowBytes::Read(std::int64_t size) {
  return ReadGrowing(*this, size, arrow::default_memory_pool());
}

arrow::Result<std::string_view> PeekableInput::Peek(std::int64_t size) {
  seen_.erase(0, begin_);
  begin_ = 0;
  while (static_cast<std::int64_t>(seen_.size()) < size) {
    const std::size_t have = seen_.size();
    const std::int64_t more =
        std::min(size - static_cast<std::int64_t>(have),
                 std::max(kFirstPeekBytes, static_cast<std::int64_t>(have)));
    seen_.resize(have + static_cast<std::size_t>(more));
    ARROW_ASSIGN_OR_RAISE(const std::int64_t read,
                          ReadFully(*inner_, more, seen_.data() + have));
    seen_.resize(have + static_cast<std::size_t>(read));
    if (read < more) break;
  }
  return std::string_view(seen_).substr(0, static_cast<std::size_t>(size));
}

arrow::Result<std::int64_t> PeekableInput::Read(std::int64_t size, void* out) {
  auto* at = static_cast<char*>(out);
  const std::size_t seen =
      std::min(static_cast<std::size_t>(size), seen_.size() - begin_);
  std::memcpy(at, seen_.data() + begin_, seen);
  begin_ += seen;
  if (begin_ == seen_.size()) {
    seen_ = {};
    begin_ = 0;
  }
  ARROW_ASSIGN_OR_RAISE(
      const std::int64_t read,
      ReadFully(*inner_, size - static_cast<std::int64_t>(seen), at + seen));
  offset_ += static_cast<std::int64_t>(seen) + read;
  return static_cast<std::int64_t>(seen) + read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> PeekableInput::Read(std::int64_t size) {
  return ReadGrowing(*this, size, pool_);
}

}  // namespace firn::table

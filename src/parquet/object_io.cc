// SPDX-License-Identifier: Apache-2.0
#include "parquet/object_io.h"

#include <algorithm>

#include "arrow/buffer.h"

#include "parquet/wall.h"

namespace firn::parquet {

arrow::Status ObjectOutput::Write(const void* data, std::int64_t size) {
  ARROW_RETURN_NOT_OK(ToArrow(
      object_.Append({static_cast<const char*>(data), static_cast<std::size_t>(size)})));
  written_bytes_ += size;
  if (tail_bytes_ > 0) {
    const std::string_view bytes(static_cast<const char*>(data),
                                 static_cast<std::size_t>(size));
    tail_ += bytes.substr(bytes.size() - std::min(bytes.size(), tail_bytes_));
    if (tail_.size() > 2 * tail_bytes_) tail_.erase(0, tail_.size() - tail_bytes_);
  }
  return arrow::Status::OK();
}

arrow::Result<std::int64_t> ObjectInput::ReadAt(std::int64_t position, std::int64_t size,
                                                void* out) {
  const auto end = static_cast<std::int64_t>(object_.size_bytes());
  if (position < 0 || size < 0 || position > end) {
    return arrow::Status::IOError("read of ", size, " bytes at ", position, " of ", end);
  }
  const std::int64_t bytes = std::min(size, end - position);
  ARROW_RETURN_NOT_OK(
      ToArrow(ReadCounted(object_, position, bytes, static_cast<char*>(out), counts_)));
  return bytes;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ObjectInput::ReadAt(std::int64_t position,
                                                                  std::int64_t size) {
  const auto end = static_cast<std::int64_t>(object_.size_bytes());
  // Allocate what is there, not what a damaged length asks for.
  const std::int64_t bytes = std::clamp<std::int64_t>(size, 0, end);
  ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::ResizableBuffer> buffer,
                        arrow::AllocateResizableBuffer(bytes));
  ARROW_ASSIGN_OR_RAISE(const std::int64_t read,
                        ReadAt(position, bytes, buffer->mutable_data()));
  ARROW_RETURN_NOT_OK(buffer->Resize(read));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

arrow::Status ObjectInput::Seek(std::int64_t position) {
  position_ = position;
  return arrow::Status::OK();
}

arrow::Result<std::int64_t> ObjectInput::Read(std::int64_t size, void* out) {
  ARROW_ASSIGN_OR_RAISE(const std::int64_t read, ReadAt(position_, size, out));
  position_ += read;
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ObjectInput::Read(std::int64_t size) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, size));
  position_ += buffer->size();
  return buffer;
}

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
#include "io/range_answer.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

#include "base/quote.h"

namespace firn::io {
namespace {

bool ParseCount(std::string_view text, std::uint64_t* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<std::uint64_t> WholeSize(const HttpResponse& response) {
  std::uint64_t size = 0;
  if (response.code != 206) {
    if (ParseCount(response.Header("Content-Length"), &size)) return size;
    return Status::Corruption("the answer gives no Content-Length");
  }
  const std::string_view range = response.Header("Content-Range");
  const std::size_t slash = range.rfind('/');
  if (slash != range.npos && ParseCount(range.substr(slash + 1), &size)) return size;
  return Status::Corruption("the answer to a range says Content-Range: " +
                            base::Quoted(range));
}

std::string RangeAnswer::header() const {
  return "bytes=" + std::to_string(offset_) + "-" + std::to_string(offset_ + size_ - 1);
}

Status RangeAnswer::Take(std::string_view bytes) {
  if (bytes.size() > size_ - got_) {
    return Status::Corruption("more came than the " + std::to_string(size_) +
                              " bytes that were asked for");
  }
  std::memcpy(out_ + got_, bytes.data(), bytes.size());
  got_ += bytes.size();
  return {};
}

Status RangeAnswer::Check(const HttpResponse& response, bool is_known) const {
  if (response.code != 206 && offset_ != 0) {
    return Status::Corruption("the store ignored the range asked for");
  }
  if (got_ == size_) return {};
  const Result<std::uint64_t> whole = WholeSize(response);
  if (!is_known && whole.ok() && *whole < offset_ + size_) {
    return Status::Conflict("the object has " + std::to_string(*whole) +
                            " bytes, and those asked for end at " +
                            std::to_string(offset_ + size_));
  }
  return Status::Corruption(std::to_string(got_) + " of " + std::to_string(size_) +
                            " bytes came");
}

Status TailAnswer::Take(std::string_view bytes) {
  if (bytes.size() > size_ - bytes_.size()) {
    return Status::Corruption("the store ignored the range asked for");
  }
  bytes_ += bytes;
  return {};
}

Status WholeAnswer::Take(std::string_view bytes) {
  if (bytes.size() > limit_bytes_ - bytes_.size()) {
    return Status::ResourceExhausted("the object is longer than the limit of " +
                                     std::to_string(limit_bytes_) + " bytes");
  }
  bytes_ += bytes;
  return {};
}

Status AsConflict(const Status& status, const std::string& location) {
  if (!status.Is(StatusCode::kAlreadyExists)) return status;
  return Status::Conflict("get " + location +
                          ": the object was replaced while it was read");
}

Status EndsBefore(const std::string& location, std::uint64_t offset) {
  return Status::Conflict("get " + location + ": the object ends before byte " +
                          std::to_string(offset));
}

Status TailAnswer::Check(std::uint64_t object_size) const {
  const std::uint64_t want = std::min(size_, object_size);
  if (bytes_.size() == want) return {};
  return Status::Corruption(std::to_string(bytes_.size()) + " of the last " +
                            std::to_string(want) + " bytes came");
}

}  // namespace firn::io

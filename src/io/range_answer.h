// SPDX-License-Identifier: Apache-2.0
// range_answer.h: the bytes of a read as they come, of a range or the whole, and whether
// they are those that were asked for (RFC 9110, section 14). Internal to this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "io/http_client.h"

namespace firn::io {

inline constexpr int kRangeNotSatisfiable = 416;

// The size of the whole object, from an answer that holds a part of it (`Content-Range:
// bytes 5-9/10`), or all of it or nothing but its head. Corruption where it does not say.
Result<std::uint64_t> WholeSize(const HttpResponse& response);

// Bytes [offset, offset + size), into memory of the caller's. Thread-compatible.
class RangeAnswer {
 public:
  // `out` has room for `size` bytes and outlives this. REQUIRES: size > 0.
  RangeAnswer(std::uint64_t offset, std::uint64_t size, char* out)
      : offset_(offset), size_(size), out_(out) {}

  std::string header() const;   // Value of the request's `Range`.
  void Restart() { got_ = 0; }  // Before each attempt.
  Status Take(std::string_view bytes);
  // Of an answer of 2xx. `is_known`: the object was seen before, and holds the range;
  // otherwise it may be shorter, which is a Conflict.
  Status Check(const HttpResponse& response, bool is_known) const;

 private:
  const std::uint64_t offset_;
  const std::uint64_t size_;
  char* const out_;
  std::uint64_t got_ = 0;
};

// The last `size` bytes, or all of a shorter object. Thread-compatible.
class TailAnswer {
 public:
  // REQUIRES: size > 0.
  explicit TailAnswer(std::uint64_t size) : size_(size) {}

  std::string header() const { return "bytes=-" + std::to_string(size_); }
  void Restart() { bytes_.clear(); }
  Status Take(std::string_view bytes);
  Status Check(std::uint64_t object_size) const;
  std::string& bytes() { return bytes_; }

 private:
  const std::uint64_t size_;
  std::string bytes_;
};

// All bytes of an object of at most `limit_bytes`. Thread-compatible.
class WholeAnswer {
 public:
  explicit WholeAnswer(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  void Restart() { bytes_.clear(); }
  Status Take(std::string_view bytes);  // ResourceExhausted above the limit.
  std::string& bytes() { return bytes_; }

 private:
  const std::uint64_t limit_bytes_;
  std::string bytes_;
};

// What a read of `location` ended with whose precondition names the object: where it
// failed (AlreadyExists, as for every precondition), another has taken its place.
Status AsConflict(const Status& status, const std::string& location);
// A range of an object that ends before the range begins.
Status EndsBefore(const std::string& location, std::uint64_t offset);

}  // namespace firn::io

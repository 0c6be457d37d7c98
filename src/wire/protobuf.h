// SPDX-License-Identifier: Apache-2.0
// protobuf.h: walks the fields of one protocol buffer message, in place.
//
// Knows the wire format and no schema. Nothing is copied or allocated, nothing recurses,
// and every length is compared with what is left before it is used.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace firn::wire {

enum class WireType : std::uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kLengthDelimited = 2,
  kFixed32 = 5,
};

struct Field {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t scalar = 0;  // Of a varint, fixed64 or fixed32 field.
  std::string_view bytes;    // Of a length-delimited field; points into the message.

  bool Is(std::uint32_t n, WireType t) const { return number == n && type == t; }
};

// Borrows the message. Thread-compatible.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message)
      : p_(reinterpret_cast<const std::uint8_t*>(message.data())),
        end_(p_ + message.size()) {}

  // Read the next field. False at the end, and where the message is malformed: then ok()
  // is false. Groups, which proto3 does not have, are malformed.
  bool Next(Field* field) {
    if (p_ == end_ || !ok_) return false;
    std::uint64_t tag = 0;
    const std::uint8_t* p = base::DecodeVarint(p_, end_, &tag);
    if (p == nullptr || tag >> 3 == 0 || tag >> 3 > kFieldNumberMax) return Fail();
    field->number = static_cast<std::uint32_t>(tag >> 3);
    field->type = static_cast<WireType>(tag & 7);
    const auto left = static_cast<std::uint64_t>(end_ - p);
    switch (field->type) {
      case WireType::kVarint:
        p = base::DecodeVarint(p, end_, &field->scalar);
        if (p == nullptr) return Fail();
        break;
      case WireType::kFixed64:
        if (left < 8) return Fail();
        std::memcpy(&field->scalar, p, 8);
        p += 8;
        break;
      case WireType::kFixed32: {
        if (left < 4) return Fail();
        std::uint32_t v;
        std::memcpy(&v, p, 4);
        field->scalar = v;
        p += 4;
        break;
      }
      case WireType::kLengthDelimited: {
        std::uint64_t size = 0;
        p = base::DecodeVarint(p, end_, &size);
        if (p == nullptr || size > static_cast<std::uint64_t>(end_ - p)) return Fail();
        field->bytes = {reinterpret_cast<const char*>(p), size};
        p += size;
        break;
      }
      default:
        return Fail();
    }
    p_ = p;
    return true;
  }

  bool ok() const { return ok_; }

 private:
  static constexpr std::uint64_t kFieldNumberMax = (1u << 29) - 1;

  bool Fail() {
    ok_ = false;
    return false;
  }

  const std::uint8_t* p_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

}  // namespace firn::wire

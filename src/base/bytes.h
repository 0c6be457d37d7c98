// SPDX-License-Identifier: Apache-2.0
// bytes.h: reading and writing fixed-width integers, varints and length-prefixed text.
//
// Fixed-width integers are little-endian. A varint is LEB128: seven bits a byte, low
// bits first, at most ten bytes; zigzag maps small negative numbers to small ones. These
// are the encodings of protocol buffers, and of firn's log.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "firn/status.h"

namespace firn::base {

static_assert(std::endian::native == std::endian::little,
              "firn's byte layouts are written for little-endian machines");

inline std::uint64_t ZigZag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
inline std::int64_t UnZigZag(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

inline constexpr int kVarintBytesMax = 10;

// Write `v` at `out`, which has room for kVarintBytesMax bytes. Returns one past the end.
inline std::uint8_t* EncodeVarint(std::uint8_t* out, std::uint64_t v) {
  while (v >= 0x80) {
    *out++ = static_cast<std::uint8_t>(v) | 0x80;
    v >>= 7;
  }
  *out++ = static_cast<std::uint8_t>(v);
  return out;
}

// Read a varint from [p, end). Returns one past it, or null where it is cut short or
// longer than 64 bits.
inline const std::uint8_t* DecodeVarint(const std::uint8_t* p, const std::uint8_t* end,
                                        std::uint64_t* v) {
  std::uint64_t result = 0;
  for (int shift = 0; shift < 64 && p < end; shift += 7) {
    const std::uint8_t byte = *p++;
    if (shift == 63 && byte > 1) return nullptr;
    result |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *v = result;
      return p;
    }
  }
  return nullptr;
}

// Appends to a string the caller owns. Thread-compatible.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  void U8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void U32(std::uint32_t v) { Fixed(v); }
  void U64(std::uint64_t v) { Fixed(v); }
  void F64(double v) { Fixed(std::bit_cast<std::uint64_t>(v)); }
  void Varint(std::uint64_t v) {
    std::uint8_t buffer[kVarintBytesMax];
    out_.append(reinterpret_cast<const char*>(buffer), EncodeVarint(buffer, v) - buffer);
  }
  void SignedVarint(std::int64_t v) { Varint(ZigZag(v)); }
  // A varint length and the bytes.
  void Text(std::string_view text) {
    Varint(text.size());
    out_.append(text);
  }
  void Raw(std::string_view bytes) { out_.append(bytes); }

 private:
  template <typename T>
  void Fixed(T v) {
    char buffer[sizeof(T)];
    std::memcpy(buffer, &v, sizeof(T));
    out_.append(buffer, sizeof(T));
  }
  std::string& out_;
};

// Reads what ByteWriter wrote. After the first read past the end or malformed varint,
// ok() is false and every read yields zero or empty: check once, at the end.
// Borrows the bytes; thread-compatible.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : p_(reinterpret_cast<const std::uint8_t*>(bytes.data())),
        end_(p_ + bytes.size()) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return p_ == end_; }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - p_); }

  std::uint8_t U8() { return Fixed<std::uint8_t>(); }
  std::uint32_t U32() { return Fixed<std::uint32_t>(); }
  std::uint64_t U64() { return Fixed<std::uint64_t>(); }
  double F64() { return std::bit_cast<double>(Fixed<std::uint64_t>()); }
  std::uint64_t Varint() {
    std::uint64_t v = 0;
    const std::uint8_t* next = ok_ ? DecodeVarint(p_, end_, &v) : nullptr;
    if (next == nullptr) {
      Fail();
      return 0;
    }
    p_ = next;
    return v;
  }
  std::int64_t SignedVarint() { return UnZigZag(Varint()); }
  std::string_view Text() { return Raw(Varint()); }
  std::string_view Raw(std::uint64_t size) {
    if (!ok_ || size > remaining()) {
      Fail();
      return {};
    }
    std::string_view view(reinterpret_cast<const char*>(p_), size);
    p_ += size;
    return view;
  }

 private:
  template <typename T>
  T Fixed() {
    if (!ok_ || remaining() < sizeof(T)) {
      Fail();
      return 0;
    }
    T v;
    std::memcpy(&v, p_, sizeof(T));
    p_ += sizeof(T);
    return v;
  }
  void Fail() {
    ok_ = false;
    p_ = end_;
  }
  const std::uint8_t* p_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

}  // namespace firn::base

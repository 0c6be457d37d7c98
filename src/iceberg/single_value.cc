// SPDX-License-Identifier: Apache-2.0

// GCC 12 takes the string member of a variant that holds a number for uninitialized when
// it inlines the destructor.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "iceberg/single_value.h"

#include <cstring>

#include "base/assert.h"
#include "base/utf8.h"

namespace firn::iceberg {
namespace {

template <typename T>
std::string LittleEndian(T v) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &v, sizeof(T));
  return out;
}

template <typename T>
T FromLittleEndian(std::string_view bytes) {
  T v;
  std::memcpy(&v, bytes.data(), sizeof(T));
  return v;
}

// Big-endian two's complement in as few bytes as hold the number.
std::string SerializeDecimal(Decimal decimal) {
  std::string out;
  auto rest = decimal.unscaled;
  bool more = true;
  while (more) {
    const auto byte = static_cast<signed char>(rest & 0xff);
    rest >>= 8;
    out.insert(out.begin(), static_cast<char>(byte));
    // What is left is sign alone, and the byte in front shows that sign.
    more = !(rest == 0 && byte >= 0) && !(rest == -1 && byte < 0);
  }
  return out;
}

Status WrongLength(std::string_view bytes, const PrimitiveType& type) {
  return Status::Corruption("value of type " + ToString(type) + " has " +
                            std::to_string(bytes.size()) + " bytes");
}

Result<Value> ParseDecimal(std::string_view bytes, const PrimitiveType& type) {
  if (bytes.empty() || bytes.size() > 16) return WrongLength(bytes, type);
  Decimal decimal;
  decimal.unscaled = static_cast<signed char>(bytes[0]) < 0 ? -1 : 0;
  for (const char byte : bytes) {
    decimal.unscaled = decimal.unscaled * 256 + static_cast<unsigned char>(byte);
  }
  if (!Fits(decimal, type)) {
    return Status::Corruption("decimal passes its type " + ToString(type));
  }
  return Value(decimal);
}

// Bytes of the code point that starts with `lead`; 1 where no code point starts so.
std::size_t CodePointBytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte >= 0xf0 && byte < 0xf8) return 4;
  if (byte >= 0xe0 && byte < 0xf0) return 3;
  if (byte >= 0xc0 && byte < 0xe0) return 2;
  return 1;
}

// Offset of the end of the first `length` code points.
std::size_t PrefixBytes(std::string_view text, std::size_t length) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < length && at < text.size(); ++i) {
    at = std::min(text.size(), at + CodePointBytes(text[at]));
  }
  return at;
}

void AppendCodePoint(std::uint32_t code, std::string* out) {
  const auto tail = [&](int shift) {
    out->push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3f)));
  };
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (code >> 6)));
    tail(0);
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | (code >> 12)));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xf0 | (code >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::optional<std::string> NextBytes(std::string prefix) {
  while (!prefix.empty()) {
    const auto last = static_cast<unsigned char>(prefix.back());
    prefix.pop_back();
    if (last == 0xff) continue;
    prefix.push_back(static_cast<char>(last + 1));
    return prefix;
  }
  return std::nullopt;
}

std::optional<std::string> NextString(std::string_view prefix) {
  while (!prefix.empty()) {
    std::size_t start = prefix.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(prefix[start]) & 0xc0) == 0x80) {
      --start;
    }
    // Text that is no UTF-8 is ordered by byte all the same.
    const base::Utf8Rune rune = base::DecodeUtf8(prefix.substr(start));
    if (rune.size_bytes != prefix.size() - start) return NextBytes(std::string(prefix));
    const std::uint32_t code = rune.code_point;
    prefix = prefix.substr(0, start);
    if (code >= 0x10ffff) continue;
    std::string out(prefix);
    // Surrogates are no code points of a string.
    AppendCodePoint(code + 1 == 0xd800 ? 0xe000 : code + 1, &out);
    return out;
  }
  return std::nullopt;
}

}  // namespace

std::string SerializeValue(const Value& value, const PrimitiveType& type) {
  FIRN_ASSERT(Fits(value, type));
  return std::visit(
      []<typename T>(const T& v) -> std::string {
        if constexpr (std::is_same_v<T, bool>) {
          return std::string(1, v ? '\x01' : '\x00');
        } else if constexpr (std::is_same_v<T, Decimal>) {
          return SerializeDecimal(v);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return v;
        } else if constexpr (std::is_same_v<T, Bytes>) {
          return v.bytes;
        } else {
          return LittleEndian(v);
        }
      },
      value);
}

Result<Value> ParseValue(std::string_view bytes, const PrimitiveType& type) {
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      if (bytes.size() != 1) return WrongLength(bytes, type);
      return Value(bytes[0] != 0);
    case PrimitiveKind::kInt:
    case PrimitiveKind::kDate:
      if (bytes.size() != 4) return WrongLength(bytes, type);
      return Value(FromLittleEndian<std::int32_t>(bytes));
    case PrimitiveKind::kLong:
      if (bytes.size() == 4) {
        return Value(std::int64_t{FromLittleEndian<std::int32_t>(bytes)});
      }
      [[fallthrough]];
    case PrimitiveKind::kTime:
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz:
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs: {
      if (bytes.size() == 4) {
        // The column was one of dates, or the length is wrong.
        const auto midnight = Promote(FromLittleEndian<std::int32_t>(bytes), type);
        if (midnight) return *midnight;
      }
      if (bytes.size() != 8) return WrongLength(bytes, type);
      const auto v = FromLittleEndian<std::int64_t>(bytes);
      if (!Fits(v, type)) return Status::Corruption("time of day passes one day");
      return Value(v);
    }
    case PrimitiveKind::kFloat:
      if (bytes.size() != 4) return WrongLength(bytes, type);
      return Value(FromLittleEndian<float>(bytes));
    case PrimitiveKind::kDouble:
      if (bytes.size() == 4) return Value(double{FromLittleEndian<float>(bytes)});
      if (bytes.size() != 8) return WrongLength(bytes, type);
      return Value(FromLittleEndian<double>(bytes));
    case PrimitiveKind::kDecimal:
      return ParseDecimal(bytes, type);
    case PrimitiveKind::kString:
      return Value(std::string(bytes));
    case PrimitiveKind::kUuid:
    case PrimitiveKind::kFixed:
    case PrimitiveKind::kBinary: {
      Value value(Bytes{std::string(bytes)});
      if (!Fits(value, type)) return WrongLength(bytes, type);
      return value;
    }
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      break;
  }
  return Status::Unimplemented("values of type " + ToString(type) + " are not read");
}

Value TruncateLowerBound(const Value& value, const PrimitiveType& type,
                         std::size_t length) {
  if (type.kind == PrimitiveKind::kString) {
    const std::string& text = std::get<std::string>(value);
    return text.substr(0, PrefixBytes(text, length));
  }
  if (type.kind == PrimitiveKind::kBinary) {
    return Bytes{std::get<Bytes>(value).bytes.substr(0, length)};
  }
  return value;
}

std::optional<Value> TruncateUpperBound(const Value& value, const PrimitiveType& type,
                                        std::size_t length) {
  if (type.kind == PrimitiveKind::kString) {
    const std::string& text = std::get<std::string>(value);
    const std::size_t prefix = PrefixBytes(text, length);
    if (prefix == text.size()) return value;
    auto next = NextString(std::string_view(text).substr(0, prefix));
    if (!next) return std::nullopt;
    return Value(*std::move(next));
  }
  if (type.kind == PrimitiveKind::kBinary) {
    const std::string& bytes = std::get<Bytes>(value).bytes;
    if (bytes.size() <= length) return value;
    auto next = NextBytes(bytes.substr(0, length));
    if (!next) return std::nullopt;
    return Value(Bytes{*std::move(next)});
  }
  return value;
}

}  // namespace firn::iceberg

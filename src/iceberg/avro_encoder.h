// SPDX-License-Identifier: Apache-2.0
// avro_encoder.h: values in Avro's binary encoding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "iceberg/avro_schema.h"
#include "iceberg/value.h"

namespace firn::iceberg {

// Appends to a string the caller owns; the caller keeps to the schema. Thread-compatible.
class AvroEncoder {
 public:
  explicit AvroEncoder(std::string& out) : out_(out) {}

  void Bool(bool v) { out_.U8(v ? 1 : 0); }
  void Int(std::int32_t v) { out_.SignedVarint(v); }
  void Long(std::int64_t v) { out_.SignedVarint(v); }
  void Float(float v) { out_.U32(std::bit_cast<std::uint32_t>(v)); }
  void Double(double v) { out_.F64(v); }
  void String(std::string_view v) {
    Long(static_cast<std::int64_t>(v.size()));
    out_.Raw(v);
  }
  void Bytes(std::string_view v) { String(v); }
  void Fixed(std::string_view v) { out_.Raw(v); }

  // The branch of AvroOptional that follows.
  void Absent() { Long(0); }
  void Present() { Long(1); }

  // An array of `count` items: items follow ArrayBegin, then ArrayEnd. An empty array is
  // both, with nothing between.
  void ArrayBegin(std::size_t count) {
    if (count > 0) Long(static_cast<std::int64_t>(count));
  }
  void ArrayEnd() { Long(0); }

  // A partition value as AvroFromPrimitive(type) has it. REQUIRES: Fits(value, type).
  void Primitive(const Value& value, const PrimitiveType& type, const AvroSchema& schema);

 private:
  base::ByteWriter out_;
};

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "iceberg/avro_encoder.h"

#include "base/assert.h"

namespace firn::iceberg {

void AvroEncoder::Primitive(const Value& value, const PrimitiveType& type,
                            const AvroSchema& schema) {
  FIRN_ASSERT(Fits(value, type));
  if (const auto* v = std::get_if<bool>(&value)) {
    Bool(*v);
  } else if (const auto* v = std::get_if<std::int32_t>(&value)) {
    Int(*v);
  } else if (const auto* v = std::get_if<std::int64_t>(&value)) {
    Long(*v);
  } else if (const auto* v = std::get_if<float>(&value)) {
    Float(*v);
  } else if (const auto* v = std::get_if<double>(&value)) {
    Double(*v);
  } else if (const auto* v = std::get_if<std::string>(&value)) {
    String(*v);
  } else if (const auto* v = std::get_if<struct Bytes>(&value)) {
    if (schema.kind == AvroKind::kFixed) {
      FIRN_ASSERT(v->bytes.size() == schema.fixed_bytes);
      Fixed(v->bytes);
    } else {
      Bytes(v->bytes);
    }
  } else if (const auto* v = std::get_if<Decimal>(&value)) {
    FIRN_ASSERT(schema.kind == AvroKind::kFixed);
    std::string big_endian(schema.fixed_bytes, '\0');
    auto rest = v->unscaled;
    for (auto it = big_endian.rbegin(); it != big_endian.rend(); ++it) {
      *it = static_cast<char>(rest & 0xff);
      rest >>= 8;
    }
    Fixed(big_endian);
  }
}

}  // namespace firn::iceberg

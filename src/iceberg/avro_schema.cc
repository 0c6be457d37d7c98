// SPDX-License-Identifier: Apache-2.0
#include "iceberg/avro_schema.h"

#include <array>
#include <cstdio>

#include "iceberg/type.h"
#include "iceberg/value.h"

namespace firn::iceberg {
namespace {

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsNamePart(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }

// Characters that a name may not have become `_xHEX`, and a digit in front gets a `_`
// before it, as other Iceberg writers do it.
std::string CompatibleName(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (i == 0 ? IsNameStart(c) : IsNamePart(c)) {
      out.push_back(c);
    } else if (i == 0 && c >= '0' && c <= '9') {
      out.push_back('_');
      out.push_back(c);
    } else {
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "_x%X", static_cast<unsigned char>(c));
      out.append(hex.data());
    }
  }
  return out;
}

AvroSchemaPtr Make(AvroSchema schema) {
  return std::make_shared<const AvroSchema>(std::move(schema));
}

AvroSchemaPtr Logical(AvroKind kind, const char* logical_type,
                      std::optional<bool> adjust_to_utc = std::nullopt) {
  AvroSchema schema;
  schema.kind = kind;
  schema.logical_type = logical_type;
  schema.adjust_to_utc = adjust_to_utc;
  schema.min_bytes = 1;
  return Make(std::move(schema));
}

AvroSchemaPtr Fixed(std::string name, int bytes, const char* logical_type) {
  AvroSchema schema;
  schema.kind = AvroKind::kFixed;
  schema.name = std::move(name);
  schema.logical_type = logical_type;
  schema.fixed_bytes = static_cast<std::uint32_t>(bytes);
  schema.min_bytes = schema.fixed_bytes;
  return Make(std::move(schema));
}

// Bytes that hold every number of so many decimal digits in two's complement.
int DecimalBytes(int precision) {
  Decimal::Unscaled bound = 1;
  for (int i = 0; i < precision; ++i) bound *= 10;
  int bytes = 1;
  while (bytes < 16 && (bound - 1) >> (8 * bytes - 1) != 0) ++bytes;
  return bytes;
}

}  // namespace

AvroSchemaPtr AvroPrimitive(AvroKind kind) {
  AvroSchema schema;
  schema.kind = kind;
  switch (kind) {
    case AvroKind::kNull:
      schema.min_bytes = 0;
      break;
    case AvroKind::kFloat:
      schema.min_bytes = 4;
      break;
    case AvroKind::kDouble:
      schema.min_bytes = 8;
      break;
    default:
      schema.min_bytes = 1;
      break;
  }
  return Make(std::move(schema));
}

AvroSchemaPtr AvroOptional(AvroSchemaPtr type) {
  AvroSchema schema;
  schema.kind = AvroKind::kUnion;
  schema.branches = {AvroPrimitive(AvroKind::kNull), std::move(type)};
  schema.min_bytes = 1;
  return Make(std::move(schema));
}

AvroSchemaPtr AvroArray(AvroSchemaPtr items, FieldId element_id) {
  AvroSchema schema;
  schema.kind = AvroKind::kArray;
  schema.items = std::move(items);
  schema.element_id = element_id;
  schema.min_bytes = 1;
  return Make(std::move(schema));
}

AvroSchemaPtr AvroIntMap(FieldId key_id, FieldId value_id, AvroSchemaPtr value) {
  AvroSchema schema;
  schema.kind = AvroKind::kArray;
  schema.logical_type = "map";
  std::vector<AvroField> fields;
  fields.push_back(MakeAvroField("key", key_id, AvroPrimitive(AvroKind::kInt)));
  fields.push_back(MakeAvroField("value", value_id, std::move(value)));
  schema.items =
      AvroRecord("k" + key_id.ToString() + "_v" + value_id.ToString(), std::move(fields));
  schema.min_bytes = 1;
  return Make(std::move(schema));
}

AvroField MakeAvroField(std::string name, FieldId id, AvroSchemaPtr type) {
  AvroField field;
  field.name = CompatibleName(name);
  if (field.name != name) field.iceberg_name = std::move(name);
  field.id = id;
  field.type = std::move(type);
  return field;
}

AvroSchemaPtr AvroRecord(std::string name, std::vector<AvroField> fields) {
  AvroSchema schema;
  schema.kind = AvroKind::kRecord;
  schema.name = std::move(name);
  for (const AvroField& field : fields) schema.min_bytes += field.type->min_bytes;
  schema.fields = std::move(fields);
  return Make(std::move(schema));
}

AvroSchemaPtr AvroFromPrimitive(const PrimitiveType& type) {
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      return AvroPrimitive(AvroKind::kBoolean);
    case PrimitiveKind::kInt:
      return AvroPrimitive(AvroKind::kInt);
    case PrimitiveKind::kLong:
      return AvroPrimitive(AvroKind::kLong);
    case PrimitiveKind::kFloat:
      return AvroPrimitive(AvroKind::kFloat);
    case PrimitiveKind::kDouble:
      return AvroPrimitive(AvroKind::kDouble);
    case PrimitiveKind::kDecimal: {
      AvroSchema schema = *Fixed(
          "decimal_" + std::to_string(type.precision) + "_" + std::to_string(type.scale),
          DecimalBytes(type.precision), "decimal");
      schema.precision = type.precision;
      schema.scale = type.scale;
      return Make(std::move(schema));
    }
    case PrimitiveKind::kDate:
      return Logical(AvroKind::kInt, "date");
    case PrimitiveKind::kTime:
      return Logical(AvroKind::kLong, "time-micros");
    case PrimitiveKind::kTimestamp:
      return Logical(AvroKind::kLong, "timestamp-micros", false);
    case PrimitiveKind::kTimestamptz:
      return Logical(AvroKind::kLong, "timestamp-micros", true);
    case PrimitiveKind::kTimestampNs:
      return Logical(AvroKind::kLong, "timestamp-nanos", false);
    case PrimitiveKind::kTimestamptzNs:
      return Logical(AvroKind::kLong, "timestamp-nanos", true);
    case PrimitiveKind::kString:
      return AvroPrimitive(AvroKind::kString);
    case PrimitiveKind::kUuid:
      return Fixed("uuid_fixed", 16, "uuid");
    case PrimitiveKind::kFixed:
      return Fixed("fixed_" + std::to_string(type.length_bytes), type.length_bytes, "");
    case PrimitiveKind::kBinary:
      return AvroPrimitive(AvroKind::kBytes);
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      break;  // No transform results in these.
  }
  return nullptr;
}

}  // namespace firn::iceberg

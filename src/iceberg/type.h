// SPDX-License-Identifier: Apache-2.0
// type.h: the types a column can have.
//
// Values: immutable once made, compared deeply by ==.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "firn/status.h"
#include "iceberg/ids.h"
#include "iceberg/value.h"

namespace firn::iceberg {

enum class PrimitiveKind : std::uint8_t {
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kDecimal,        // precision, scale
  kDate,           // Days since 1970-01-01.
  kTime,           // Microseconds since midnight.
  kTimestamp,      // Microseconds, without a zone.
  kTimestamptz,    // Microseconds, UTC.
  kTimestampNs,    // Format version 3.
  kTimestamptzNs,  // Format version 3.
  kString,
  kUuid,
  kFixed,  // length_bytes
  kBinary,
  kUnknown,  // Format version 3. NULL in every row, and in no file.
  kVariant,  // Format version 3. Its data is read as it is encoded.
};

struct PrimitiveType {
  PrimitiveKind kind = PrimitiveKind::kBoolean;
  int precision = 0;     // Of kDecimal: 1 to 38.
  int scale = 0;         // Of kDecimal: 0 to precision.
  int length_bytes = 0;  // Of kFixed: at least 1.
  bool operator==(const PrimitiveType&) const = default;
};

inline constexpr PrimitiveType kBoolean{PrimitiveKind::kBoolean};
inline constexpr PrimitiveType kInt{PrimitiveKind::kInt};
inline constexpr PrimitiveType kLong{PrimitiveKind::kLong};
inline constexpr PrimitiveType kFloat{PrimitiveKind::kFloat};
inline constexpr PrimitiveType kDouble{PrimitiveKind::kDouble};
inline constexpr PrimitiveType kDate{PrimitiveKind::kDate};
inline constexpr PrimitiveType kTime{PrimitiveKind::kTime};
inline constexpr PrimitiveType kTimestamp{PrimitiveKind::kTimestamp};
inline constexpr PrimitiveType kTimestamptz{PrimitiveKind::kTimestamptz};
inline constexpr PrimitiveType kTimestampNs{PrimitiveKind::kTimestampNs};
inline constexpr PrimitiveType kTimestamptzNs{PrimitiveKind::kTimestamptzNs};
inline constexpr PrimitiveType kString{PrimitiveKind::kString};
inline constexpr PrimitiveType kUuid{PrimitiveKind::kUuid};
inline constexpr PrimitiveType kBinary{PrimitiveKind::kBinary};
inline constexpr PrimitiveType kUnknown{PrimitiveKind::kUnknown};
inline constexpr PrimitiveType kVariant{PrimitiveKind::kVariant};
inline constexpr PrimitiveType FixedType(int length_bytes) {
  return {PrimitiveKind::kFixed, 0, 0, length_bytes};
}
inline constexpr PrimitiveType DecimalType(int precision, int scale) {
  return {PrimitiveKind::kDecimal, precision, scale, 0};
}

struct NestedField;
class Type;

struct StructType {
  std::vector<NestedField> fields;
  bool operator==(const StructType&) const;
};

struct ListType {
  FieldId element_id;
  bool element_required = false;
  std::shared_ptr<const Type> element;
  bool operator==(const ListType&) const;
};

struct MapType {
  FieldId key_id;
  FieldId value_id;
  bool value_required = false;  // A key is always required.
  std::shared_ptr<const Type> key;
  std::shared_ptr<const Type> value;
  bool operator==(const MapType&) const;
};

class Type {
 public:
  using Node = std::variant<PrimitiveType, StructType, ListType, MapType>;
  Type();                    // boolean
  Type(PrimitiveType type);  // NOLINT
  Type(StructType type);     // NOLINT
  Type(ListType type);       // NOLINT
  Type(MapType type);        // NOLINT

  const Node& node() const { return node_; }
  // Null where this is no primitive, struct, list or map.
  const PrimitiveType* primitive() const { return std::get_if<PrimitiveType>(&node_); }
  const StructType* struct_type() const { return std::get_if<StructType>(&node_); }
  const ListType* list() const { return std::get_if<ListType>(&node_); }
  const MapType* map() const { return std::get_if<MapType>(&node_); }

  // As the schema's JSON writes a primitive (`decimal(9, 2)`, `fixed[16]`), and
  // `struct<1: id: required long>`, `list<…>`, `map<…>` for people.
  std::string ToString() const;
  bool operator==(const Type&) const = default;

 private:
  Node node_;
};

struct NestedField {
  FieldId id;
  std::string name;
  bool required = false;
  Type type;
  std::string doc;  // Empty: none.
  // What the field is in rows written before it was added, and in new rows of a writer
  // that does not give it. Of primitive types, from format version 3 on; absent: NULL.
  OptionalValue initial_default{};
  OptionalValue write_default{};
  bool operator==(const NestedField&) const = default;
};

// Not before a field is complete, of which a struct has a vector.
inline Type::Type() = default;
inline Type::Type(PrimitiveType type) : node_(type) {}
inline Type::Type(StructType type) : node_(std::move(type)) {}
inline Type::Type(ListType type) : node_(std::move(type)) {}
inline Type::Type(MapType type) : node_(std::move(type)) {}

ListType MakeList(FieldId element_id, bool element_required, Type element);
MapType MakeMap(FieldId key_id, Type key, FieldId value_id, bool value_required,
                Type value);

std::string ToString(const PrimitiveType& type);
// The reverse of ToString. InvalidArgument for text that is no type; Unimplemented, by
// name, for the types of format version 3 that are not read (geometry, geography).
Result<PrimitiveType> ParsePrimitiveType(std::string_view text);

// The first format version that has the type: 1 or 3.
int FormatVersionOf(const PrimitiveType& type);

// Whether a column of type `from` may become `to` without rewriting files. Version 3 adds
// unknown to any type, and date to timestamp and timestamp_ns.
bool CanPromote(const PrimitiveType& from, const PrimitiveType& to,
                int format_version = 2);

// What is directly below a type, as fields: the fields of a struct, `element` of a list,
// `key` and `value` of a map, nothing of a primitive.
std::vector<NestedField> ChildFields(const Type& type);
// `type` with `children` in the place of ChildFields(type). REQUIRES: as many children as
// it has, unless it is a struct.
Type WithChildFields(const Type& type, std::vector<NestedField> children);

}  // namespace firn::iceberg

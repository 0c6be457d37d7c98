// SPDX-License-Identifier: Apache-2.0
// avro_schema.h: the schema of an Avro file, with the ids that Iceberg adds to it.
//
// Apache Avro 1.x, as far as manifests need it: every kind but enumerations used as keys,
// aliases and recursive types. Schemas are immutable and shared; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "iceberg/ids.h"
#include "iceberg/type.h"

namespace firn::iceberg {

enum class AvroKind : std::uint8_t {
  kNull,
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kBytes,
  kString,
  kFixed,
  kEnum,
  kArray,
  kMap,
  kRecord,
  kUnion,
};

struct AvroSchema;
using AvroSchemaPtr = std::shared_ptr<const AvroSchema>;

struct AvroField {
  std::string name;
  std::optional<FieldId> id;  // `field-id`
  AvroSchemaPtr type;
  // The name before characters that Avro does not allow were replaced
  // (`iceberg-field-name`); empty where it is `name`.
  std::string iceberg_name;
};

struct AvroSchema {
  AvroKind kind = AvroKind::kNull;
  std::string name;                     // Of kRecord, kFixed and kEnum.
  std::string logical_type;             // `date`, `map`, `decimal`, …; empty: none.
  std::optional<bool> adjust_to_utc;    // Of timestamp logical types.
  int precision = 0;                    // Of decimal.
  int scale = 0;                        // Of decimal.
  std::uint32_t fixed_bytes = 0;        // Of kFixed.
  std::uint32_t symbol_count = 0;       // Of kEnum.
  std::optional<FieldId> element_id;    // Of kArray.
  std::vector<AvroField> fields;        // Of kRecord.
  std::vector<AvroSchemaPtr> branches;  // Of kUnion.
  AvroSchemaPtr items;                  // Of kArray and kMap: items or values.
  std::uint64_t min_bytes = 0;          // Smallest encoding of a value.
};

// Bounds on a schema that is read.
inline constexpr int kAvroDepthMax = 32;
inline constexpr std::size_t kAvroNodesMax = 4096;  // Names written out in full.
inline constexpr std::uint32_t kAvroFixedBytesMax = 1 << 20;

AvroSchemaPtr AvroPrimitive(AvroKind kind);
// `["null", type]`: an optional value.
AvroSchemaPtr AvroOptional(AvroSchemaPtr type);
AvroSchemaPtr AvroArray(AvroSchemaPtr items, FieldId element_id);
// Iceberg's map with keys that are no strings: an array of records of key and value.
AvroSchemaPtr AvroIntMap(FieldId key_id, FieldId value_id, AvroSchemaPtr value);
// `name` is made fit for Avro, and kept as `iceberg-field-name` where that changes it.
AvroField MakeAvroField(std::string name, FieldId id, AvroSchemaPtr type);
AvroSchemaPtr AvroRecord(std::string name, std::vector<AvroField> fields);
// How a value of `type` is stored in a partition tuple.
AvroSchemaPtr AvroFromPrimitive(const PrimitiveType& type);

// JSON, as the header of an Avro file holds it.
std::string AvroSchemaToJson(const AvroSchema& schema);
// Corruption where the text is no Avro schema or passes a bound; Unimplemented for a
// recursive type, or an array whose items take no bytes.
Result<AvroSchemaPtr> AvroSchemaFromJson(std::string_view text);

}  // namespace firn::iceberg

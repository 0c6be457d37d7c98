// SPDX-License-Identifier: Apache-2.0
// schema.h: the columns of a table.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "iceberg/ids.h"
#include "iceberg/type.h"

namespace firn::iceberg {

// A value. Thread-safe once made: const methods only read.
struct Schema {
  SchemaId id;
  StructType root;
  // The columns that identify a row, where any do.
  std::vector<FieldId> identifier_field_ids;

  const std::vector<NestedField>& fields() const { return root.fields; }
  // The field with this id at any depth below structs, or null. Elements of lists and
  // keys and values of maps are no fields: see FindType. Cost: walks the schema.
  const NestedField* FindField(FieldId id) const;
  // The top-level column or dotted path of struct fields (`a.b`), or null.
  const NestedField* FindColumn(std::string_view name) const;
  // The type of whatever has this id: field, element, key or value. Null where none has.
  const Type* FindType(FieldId id) const;
  // The dotted path of whatever has this id (`labels.key`); empty where none has.
  std::string FindName(FieldId id) const;
  // The reverse of FindName: the id of a path; absent where it leads nowhere.
  std::optional<FieldId> FindId(std::string_view path) const;
  // Largest id in use, or 0.
  FieldId HighestFieldId() const;

  bool operator==(const Schema&) const = default;
  // Whether the columns and identifier fields are the same, whatever the schema's id.
  bool SameColumns(const Schema& other) const {
    return root == other.root && identifier_field_ids == other.identifier_field_ids;
  }
};

// Unique positive ids below kFieldIdMax, unique names within each struct, identifier
// fields that are required primitives, no types or defaults newer than `format_version`,
// defaults that fit their types, and nesting within kSchemaDepthMax. InvalidArgument that
// names the field.
Status CheckSchema(const Schema& schema, int format_version);

// Whether no two fields have one full name, as the column `a.b` and the field b of the
// struct `a` have: other engines refuse to load such a table. Ones that are there already
// are read. InvalidArgument that names both.
Status CheckFullNames(const Schema& schema);

inline constexpr int kSchemaDepthMax = 64;
inline constexpr std::size_t kSchemaFieldsMax = 100'000;

}  // namespace firn::iceberg

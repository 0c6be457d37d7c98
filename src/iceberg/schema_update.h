// SPDX-License-Identifier: Apache-2.0
// schema_update.h: changes of a table's columns, and the schema they make.
//
// Pure: nothing is committed here. The result goes into AddSchema and SetCurrentSchema
// (update.h). Files are not rewritten, so every change is one after which they still
// read.
//
// Paths are those of Schema::FindName: `labels.value`, `points.element.x`.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "firn/status.h"
#include "iceberg/schema.h"
#include "iceberg/table_metadata.h"
#include "iceberg/type.h"
#include "iceberg/value.h"

namespace firn::iceberg {

struct AddColumn {
  // A struct, or a list or map of structs; empty: the table itself.
  std::string parent;
  std::string name;
  Type type;  // Its ids are not looked at: all of them are given anew.
  bool required = false;
  std::string doc{};
  // Of rows written before, and of rows to come that do not give a value. Required
  // columns need one. Format version 3.
  OptionalValue default_value{};
  bool operator==(const AddColumn&) const = default;
};
struct DropColumn {
  std::string path;
  bool operator==(const DropColumn&) const = default;
};
struct RenameColumn {
  std::string path;
  std::string name;  // Of the field alone, without its path.
  bool operator==(const RenameColumn&) const = default;
};
enum class Place : std::uint8_t { kFirst, kBefore, kAfter };
// Moves a field among the fields of its struct.
struct MoveColumn {
  std::string path;
  Place place = Place::kFirst;
  std::string sibling{};  // Its name alone; of kBefore and kAfter.
  bool operator==(const MoveColumn&) const = default;
};
struct MakeOptional {
  std::string path;
  bool operator==(const MakeOptional&) const = default;
};
struct WidenType {
  std::string path;
  PrimitiveType type;
  bool operator==(const WidenType&) const = default;
};
struct SetDoc {
  std::string path;
  std::string doc;
  bool operator==(const SetDoc&) const = default;
};
// Of rows to come. Format version 3.
struct SetWriteDefault {
  std::string path;
  OptionalValue value;
  bool operator==(const SetWriteDefault&) const = default;
};
struct SetIdentifierFields {
  std::vector<std::string> paths;
  bool operator==(const SetIdentifierFields&) const = default;
};
// Make room for rows of `schema`, whose ids are not looked at: columns it has more are
// added as optional ones, columns it has as optional become optional unless they identify
// rows, and types widen to its types. Columns that it lacks, or has with a narrower type,
// stay as they are.
struct UnionByName {
  Schema schema;
  bool operator==(const UnionByName&) const = default;
};

using SchemaChange =
    std::variant<AddColumn, DropColumn, RenameColumn, MoveColumn, MakeOptional, WidenType,
                 SetDoc, SetWriteDefault, SetIdentifierFields, UnionByName>;

// The table's current schema after `changes`, one after the other. New fields get ids
// above the table's last one. The schema's own id is that of the current schema, and
// chosen when it is added. NotFound for a path that leads nowhere; AlreadyExists for a
// name that is taken; InvalidArgument, with why and what to do, for any other change that
// the table's format version, its files or its partition and sort fields do not allow.
// After which the rows that are there would not read is explained of all changes at once
// (schema_compatibility.h, each change's outcome being the reader).
Result<Schema> EvolveSchema(const TableMetadata& table,
                            const std::vector<SchemaChange>& changes);

// `type` with every id given anew: *last_id + 1 and so on, those of one struct in a row.
// Ids that pass the range of ids wrap, which CheckSchema tells.
Type AssignFreshIds(const Type& type, std::int64_t* last_id);

}  // namespace firn::iceberg

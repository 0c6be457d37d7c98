// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_actions.h"

#include <algorithm>
#include <utility>

#include "iceberg/next_id.h"

namespace firn::iceberg {
namespace {

// Whether `column` has to be added to the current schema: false where it is there.
Result<bool> IsNewColumn(const TableMetadata& metadata, const NestedField& column) {
  const std::vector<NestedField>& fields = metadata.current_schema().fields();
  const auto same_name =
      std::find_if(fields.begin(), fields.end(),
                   [&](const NestedField& field) { return field.name == column.name; });
  if (same_name != fields.end()) {
    if (same_name->id == column.id && same_name->type == column.type) return false;
    return Status::AlreadyExists("column " + column.name + " exists with id " +
                                 same_name->id.ToString() + " and type " +
                                 same_name->type.ToString());
  }
  for (const Schema& other : metadata.schemas) {
    if (other.FindType(column.id) != nullptr) {
      return Status::AlreadyExists("column id " + column.id.ToString() +
                                   " belongs to column " + other.FindName(column.id));
    }
  }
  return true;
}

}  // namespace

std::vector<Update> UpdatesTo(const TableMetadata& base, Schema schema) {
  schema.id = NextId(base.schemas);
  const FieldId last = std::max(base.last_column_id, schema.HighestFieldId());
  return {AddSchema{std::move(schema), last}, SetCurrentSchema{}};
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const AddRegisteredColumn& action) {
  const NestedField& column = action.column;
  if (column.required) {
    return Status::InvalidArgument("column " + column.name +
                                   ": rows that are there have no value, so a column "
                                   "that is added is optional");
  }
  FIRN_ASSIGN_OR_RETURN(const bool is_new, IsNewColumn(base, column));
  if (!is_new) return std::vector<Update>();
  Schema schema = base.current_schema();
  schema.root.fields.push_back(column);
  FIRN_RETURN_IF_ERROR(CheckFullNames(schema));
  return UpdatesTo(base, std::move(schema));
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const ReplaceSchema& action) {
  if (action.schema.SameColumns(base.current_schema())) return std::vector<Update>();
  if (base.current_schema_id != action.evolved_from) {
    return Status::Conflict(
        "the schema was changed meanwhile: this change was made to "
        "schema " +
        action.evolved_from.ToString() + ", the current one is " +
        base.current_schema_id.ToString());
  }
  return UpdatesTo(base, action.schema);
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const ReplaceSpec& action) {
  if (action.spec.IsCompatibleWith(base.default_spec())) return std::vector<Update>();
  if (base.default_spec_id != action.evolved_from) {
    return Status::Conflict(
        "the partition spec was changed meanwhile: this change was "
        "made to spec " +
        action.evolved_from.ToString() + ", the default one is " +
        base.default_spec_id.ToString());
  }
  PartitionSpec spec = action.spec;
  spec.id = NextId(base.partition_specs);
  return std::vector<Update>{AddPartitionSpec{std::move(spec)}, SetDefaultSpec{}};
}

}  // namespace firn::iceberg

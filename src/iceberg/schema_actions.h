// SPDX-License-Identifier: Apache-2.0
// schema_actions.h: changes of a table's schema and partition spec, as values.
//
// What a schema evolves to is worked out elsewhere; here it becomes the table's, if the
// table is still what it was worked out from. Pure.
#pragma once

#include <vector>

#include "firn/status.h"
#include "iceberg/ids.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// Add an optional top-level column with exactly this id: the caller keeps a registry of
// ids. A column with this name and type that is there already makes it no change.
// AlreadyExists where the name is taken by another type, or the id by another column;
// InvalidArgument for a required column.
struct AddRegisteredColumn {
  NestedField column;
};
// Make `schema` the current one. Conflict where another is current than the one it was
// evolved from.
struct ReplaceSchema {
  Schema schema;
  SchemaId evolved_from;
};
// Make `spec` the default one, for files written from then on. Conflict likewise.
struct ReplaceSpec {
  PartitionSpec spec;
  SpecId evolved_from;
};

// The updates that make `schema` the current one of `base`, with an id that is free
// there: some servers take no other.
std::vector<Update> UpdatesTo(const TableMetadata& base, Schema schema);

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const AddRegisteredColumn& action);
Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const ReplaceSchema& action);
Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const ReplaceSpec& action);

}  // namespace firn::iceberg

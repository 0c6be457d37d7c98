// SPDX-License-Identifier: Apache-2.0
// partition_update.h: changes of how a table is partitioned, and the spec they make.
//
// Pure: the result goes into AddPartitionSpec and SetDefaultSpec (update.h). Files that
// are there keep the spec that they were written with.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "firn/status.h"
#include "iceberg/layout_text.h"
#include "iceberg/partition_spec.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

struct AddPartitionField {
  PartitionTerm term;
  bool operator==(const AddPartitionField&) const = default;
};
struct RemovePartitionField {
  std::string name;
  bool operator==(const RemovePartitionField&) const = default;
};
struct RenamePartitionField {
  std::string name;
  std::string new_name;
  bool operator==(const RenamePartitionField&) const = default;
};
// These fields and no others.
struct ReplacePartitionFields {
  std::vector<PartitionTerm> terms;
  bool operator==(const ReplacePartitionFields&) const = default;
};
using PartitionChange = std::variant<AddPartitionField, RemovePartitionField,
                                     RenamePartitionField, ReplacePartitionFields>;

// The table's default spec after `changes`, one after the other. A field that some spec
// of the table has already gets the same id (and, unless the term names it, the same
// name); others get ids above the last one. In format version 1, where fields are known
// by their place, none goes away: its transform becomes void, and what is added comes
// last. NotFound for a name that no field has; AlreadyExists for a field that is there or
// a name that is taken; InvalidArgument for a term that does not go with the current
// schema.
Result<PartitionSpec> EvolvePartitionSpec(const TableMetadata& table,
                                          const std::vector<PartitionChange>& changes);

// The spec of a table to be made.
Result<PartitionSpec> MakePartitionSpec(const std::vector<PartitionTerm>& terms,
                                        const Schema& schema);

// The name that a field has by default: `host` for its identity, `host_bucket_16`,
// `path_trunc_4`, `ts_day`, `x_null` for void.
std::string PartitionFieldName(const Transform& transform, std::string_view column);

}  // namespace firn::iceberg

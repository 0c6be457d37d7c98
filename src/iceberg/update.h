// SPDX-License-Identifier: Apache-2.0
// update.h: one change of a table's metadata, as a value.
//
// The changes are those of the Iceberg REST protocol (CommitTableRequest.updates), so a
// list of them can be applied here (apply_updates.h) or sent to a catalog server
// (update_json.h).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "iceberg/ids.h"
#include "iceberg/partition_spec.h"
#include "iceberg/schema.h"
#include "iceberg/snapshot.h"
#include "iceberg/sort_order.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// -1 in an id means what the same list of updates added last.
inline constexpr std::int32_t kLastAdded = -1;

struct AssignUuid {
  std::string uuid;
  bool operator==(const AssignUuid&) const = default;
};
struct UpgradeFormatVersion {
  int format_version = 2;
  bool operator==(const UpgradeFormatVersion&) const = default;
};
struct AddSchema {
  Schema schema;  // Its id is chosen when the update is applied.
  // The highest that the table has given out, with those of `schema`. Servers of the
  // protocol's first versions have to be told.
  std::optional<FieldId> last_column_id = {};
  bool operator==(const AddSchema&) const = default;
};
struct SetCurrentSchema {
  SchemaId schema_id{kLastAdded};
  bool operator==(const SetCurrentSchema&) const = default;
};
struct AddPartitionSpec {
  PartitionSpec spec;
  bool operator==(const AddPartitionSpec&) const = default;
};
struct SetDefaultSpec {
  SpecId spec_id{kLastAdded};
  bool operator==(const SetDefaultSpec&) const = default;
};
struct AddSortOrder {
  SortOrder order;
  bool operator==(const AddSortOrder&) const = default;
};
struct SetDefaultSortOrder {
  SortOrderId order_id{kLastAdded};
  bool operator==(const SetDefaultSortOrder&) const = default;
};
struct AddSnapshot {
  Snapshot snapshot;
  bool operator==(const AddSnapshot&) const = default;
};
struct SetSnapshotRef {
  std::string name;
  SnapshotRef ref;
  bool operator==(const SetSnapshotRef&) const = default;
};
struct RemoveSnapshots {
  std::vector<SnapshotId> snapshot_ids;
  bool operator==(const RemoveSnapshots&) const = default;
};
struct RemoveSnapshotRef {
  std::string name;
  bool operator==(const RemoveSnapshotRef&) const = default;
};
struct SetLocation {
  std::string location;
  bool operator==(const SetLocation&) const = default;
};
struct SetProperties {
  std::map<std::string, std::string> properties;
  bool operator==(const SetProperties&) const = default;
};
struct RemoveProperties {
  std::vector<std::string> keys;
  bool operator==(const RemoveProperties&) const = default;
};
struct SetStatistics {
  StatisticsFile statistics;
  bool operator==(const SetStatistics&) const = default;
};
struct RemoveStatistics {
  SnapshotId snapshot_id;
  bool operator==(const RemoveStatistics&) const = default;
};

struct SetPartitionStatistics {
  PartitionStatisticsFile statistics;
  bool operator==(const SetPartitionStatistics&) const = default;
};
struct RemovePartitionStatistics {
  SnapshotId snapshot_id;
  bool operator==(const RemovePartitionStatistics&) const = default;
};
// Specs and schemas that no snapshot's files use any more, never the default ones.
struct RemovePartitionSpecs {
  std::vector<SpecId> spec_ids;
  bool operator==(const RemovePartitionSpecs&) const = default;
};
struct RemoveSchemas {
  std::vector<SchemaId> schema_ids;
  bool operator==(const RemoveSchemas&) const = default;
};

using Update =
    std::variant<AssignUuid, UpgradeFormatVersion, AddSchema, SetCurrentSchema,
                 AddPartitionSpec, SetDefaultSpec, AddSortOrder, SetDefaultSortOrder,
                 AddSnapshot, SetSnapshotRef, RemoveSnapshots, RemoveSnapshotRef,
                 SetLocation, SetProperties, RemoveProperties, SetStatistics,
                 RemoveStatistics, SetPartitionStatistics, RemovePartitionStatistics,
                 RemovePartitionSpecs, RemoveSchemas>;

}  // namespace firn::iceberg

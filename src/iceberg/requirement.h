// SPDX-License-Identifier: Apache-2.0
// requirement.h: what must still be true of a table for updates to be applied to it.
//
// As in the Iceberg REST protocol (CommitTableRequest.requirements).
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "firn/status.h"
#include "iceberg/ids.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// The table does not exist yet.
struct AssertCreate {
  bool operator==(const AssertCreate&) const = default;
};
struct AssertTableUuid {
  std::string uuid;
  bool operator==(const AssertTableUuid&) const = default;
};
// The ref points at this snapshot, or does not exist where it is absent.
struct AssertRefSnapshotId {
  std::string ref;
  std::optional<SnapshotId> snapshot_id;
  bool operator==(const AssertRefSnapshotId&) const = default;
};
struct AssertLastAssignedFieldId {
  FieldId field_id;
  bool operator==(const AssertLastAssignedFieldId&) const = default;
};
struct AssertCurrentSchemaId {
  SchemaId schema_id;
  bool operator==(const AssertCurrentSchemaId&) const = default;
};
struct AssertLastAssignedPartitionId {
  FieldId field_id;
  bool operator==(const AssertLastAssignedPartitionId&) const = default;
};
struct AssertDefaultSpecId {
  SpecId spec_id;
  bool operator==(const AssertDefaultSpecId&) const = default;
};
struct AssertDefaultSortOrderId {
  SortOrderId order_id;
  bool operator==(const AssertDefaultSortOrderId&) const = default;
};

using Requirement = std::variant<AssertCreate, AssertTableUuid, AssertRefSnapshotId,
                                 AssertLastAssignedFieldId, AssertCurrentSchemaId,
                                 AssertLastAssignedPartitionId, AssertDefaultSpecId,
                                 AssertDefaultSortOrderId>;

// OK, or Conflict that names the first requirement that does not hold. `metadata` is null
// where the table does not exist.
Status CheckRequirements(const std::vector<Requirement>& requirements,
                         const TableMetadata* metadata);

// What must be true of a table for updates that were worked out on `base` to mean the
// same: that it is this table, that main and every ref they move or forget are where they
// were, and that the ids they count on or replace are. Also where no snapshot is added
// main must be where it was: what the caller looked at is then still what it changes.
std::vector<Requirement> RequirementsOf(const TableMetadata& base,
                                        const std::vector<Update>& updates);

}  // namespace firn::iceberg

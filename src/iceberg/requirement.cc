// SPDX-License-Identifier: Apache-2.0
#include "iceberg/requirement.h"

#include <algorithm>

namespace firn::iceberg {
namespace {

std::string Describe(const std::optional<SnapshotId>& id) {
  return id ? id->ToString() : "none";
}

template <typename IdType>
Status Check(const char* what, IdType expected, IdType found) {
  if (expected == found) return Status::OK();
  return Status::Conflict(std::string(what) + " changed: expected " +
                          expected.ToString() + ", found " + found.ToString());
}

struct Checker {
  const TableMetadata& metadata;

  Status operator()(const AssertCreate&) const {
    return Status::Conflict("table exists already");
  }
  Status operator()(const AssertTableUuid& r) const {
    if (r.uuid == metadata.table_uuid) return Status::OK();
    return Status::Conflict("table uuid changed: expected " + r.uuid + ", found " +
                            metadata.table_uuid);
  }
  Status operator()(const AssertRefSnapshotId& r) const {
    const auto it = metadata.refs.find(r.ref);
    const auto found = it == metadata.refs.end() ? std::optional<SnapshotId>()
                                                 : std::optional(it->second.snapshot_id);
    if (found == r.snapshot_id) return Status::OK();
    return Status::Conflict("branch or tag " + r.ref + " changed: expected snapshot " +
                            Describe(r.snapshot_id) + ", found " + Describe(found));
  }
  Status operator()(const AssertLastAssignedFieldId& r) const {
    return Check("last assigned field id", r.field_id, metadata.last_column_id);
  }
  Status operator()(const AssertCurrentSchemaId& r) const {
    return Check("current schema", r.schema_id, metadata.current_schema_id);
  }
  Status operator()(const AssertLastAssignedPartitionId& r) const {
    return Check("last assigned partition id", r.field_id, metadata.last_partition_id);
  }
  Status operator()(const AssertDefaultSpecId& r) const {
    return Check("default partition spec", r.spec_id, metadata.default_spec_id);
  }
  Status operator()(const AssertDefaultSortOrderId& r) const {
    return Check("default sort order", r.order_id, metadata.default_sort_order_id);
  }
};

// Gathers what each kind of update depends on, each requirement once.
struct RequirementCollector {
  const TableMetadata& base;
  std::vector<Requirement> found;

  void Require(Requirement requirement) {
    if (std::ranges::find(found, requirement) == found.end()) {
      found.push_back(std::move(requirement));
    }
  }
  void RequireRef(const std::string& name) {
    const auto ref = base.refs.find(name);
    Require(AssertRefSnapshotId{name, ref == base.refs.end()
                                          ? std::optional<SnapshotId>()
                                          : std::optional(ref->second.snapshot_id)});
  }
  void RequireAllRefs() {
    for (const auto& [name, ref] : base.refs) RequireRef(name);
  }

  void operator()(const AddSchema&) {
    Require(AssertLastAssignedFieldId{base.last_column_id});
  }
  void operator()(const SetCurrentSchema&) {
    Require(AssertCurrentSchemaId{base.current_schema_id});
  }
  void operator()(const AddPartitionSpec&) {
    Require(AssertLastAssignedPartitionId{base.last_partition_id});
  }
  void operator()(const SetDefaultSpec&) {
    Require(AssertDefaultSpecId{base.default_spec_id});
  }
  void operator()(const SetDefaultSortOrder&) {
    Require(AssertDefaultSortOrderId{base.default_sort_order_id});
  }
  void operator()(const SetSnapshotRef& u) { RequireRef(u.name); }
  void operator()(const RemoveSnapshotRef& u) { RequireRef(u.name); }
  // What is removed must not have got a user meanwhile.
  void operator()(const RemoveSnapshots&) { RequireAllRefs(); }
  void operator()(const RemovePartitionSpecs&) {
    Require(AssertDefaultSpecId{base.default_spec_id});
    RequireAllRefs();
  }
  void operator()(const RemoveSchemas&) {
    Require(AssertCurrentSchemaId{base.current_schema_id});
    RequireAllRefs();
  }
  template <typename Independent>
  void operator()(const Independent&) {}
};

}  // namespace

std::vector<Requirement> RequirementsOf(const TableMetadata& base,
                                        const std::vector<Update>& updates) {
  RequirementCollector collector{base, {AssertTableUuid{base.table_uuid}}};
  collector.RequireRef(std::string(kMainBranch));
  for (const Update& update : updates) std::visit(collector, update);
  return std::move(collector.found);
}

Status CheckRequirements(const std::vector<Requirement>& requirements,
                         const TableMetadata* metadata) {
  for (const Requirement& requirement : requirements) {
    if (metadata == nullptr) {
      if (std::holds_alternative<AssertCreate>(requirement)) continue;
      return Status::Conflict("table does not exist");
    }
    FIRN_RETURN_IF_ERROR(std::visit(Checker{*metadata}, requirement));
  }
  return Status::OK();
}

}  // namespace firn::iceberg

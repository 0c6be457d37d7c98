// SPDX-License-Identifier: Apache-2.0
#include "iceberg/update_json.h"

#include "iceberg/json.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"
#include "iceberg/snapshot_json.h"
#include "iceberg/table_metadata_json.h"

namespace firn::iceberg {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct UpdateWriter {
  static ordered_json Action(const char* action) { return {{"action", action}}; }
  template <typename IdType>
  static ordered_json Values(const std::vector<IdType>& ids) {
    ordered_json out = ordered_json::array();
    for (const IdType id : ids) out.push_back(id.value);
    return out;
  }

  ordered_json operator()(const AssignUuid& u) const {
    ordered_json out = Action("assign-uuid");
    out["uuid"] = u.uuid;
    return out;
  }
  ordered_json operator()(const UpgradeFormatVersion& u) const {
    ordered_json out = Action("upgrade-format-version");
    out["format-version"] = u.format_version;
    return out;
  }
  ordered_json operator()(const AddSchema& u) const {
    ordered_json out = Action("add-schema");
    out["schema"] = ToJson(u.schema);
    if (u.last_column_id) out["last-column-id"] = u.last_column_id->value;
    return out;
  }
  ordered_json operator()(const SetCurrentSchema& u) const {
    ordered_json out = Action("set-current-schema");
    out["schema-id"] = u.schema_id.value;
    return out;
  }
  ordered_json operator()(const AddPartitionSpec& u) const {
    ordered_json out = Action("add-spec");
    out["spec"] = ToJson(u.spec);
    return out;
  }
  ordered_json operator()(const SetDefaultSpec& u) const {
    ordered_json out = Action("set-default-spec");
    out["spec-id"] = u.spec_id.value;
    return out;
  }
  ordered_json operator()(const AddSortOrder& u) const {
    ordered_json out = Action("add-sort-order");
    out["sort-order"] = ToJson(u.order);
    return out;
  }
  ordered_json operator()(const SetDefaultSortOrder& u) const {
    ordered_json out = Action("set-default-sort-order");
    out["sort-order-id"] = u.order_id.value;
    return out;
  }
  ordered_json operator()(const AddSnapshot& u) const {
    ordered_json out = Action("add-snapshot");
    out["snapshot"] = ToJson(u.snapshot);
    return out;
  }
  ordered_json operator()(const SetSnapshotRef& u) const {
    ordered_json out = Action("set-snapshot-ref");
    out["ref-name"] = u.name;
    out.update(ToJson(u.ref));
    return out;
  }
  ordered_json operator()(const RemoveSnapshots& u) const {
    ordered_json out = Action("remove-snapshots");
    out["snapshot-ids"] = Values(u.snapshot_ids);
    return out;
  }
  ordered_json operator()(const RemoveSnapshotRef& u) const {
    ordered_json out = Action("remove-snapshot-ref");
    out["ref-name"] = u.name;
    return out;
  }
  ordered_json operator()(const SetLocation& u) const {
    ordered_json out = Action("set-location");
    out["location"] = u.location;
    return out;
  }
  ordered_json operator()(const SetProperties& u) const {
    ordered_json out = Action("set-properties");
    out["updates"] = ordered_json::object();
    for (const auto& [key, value] : u.properties) out["updates"][key] = value;
    return out;
  }
  ordered_json operator()(const RemoveProperties& u) const {
    ordered_json out = Action("remove-properties");
    out["removals"] = u.keys;
    return out;
  }
  ordered_json operator()(const SetStatistics& u) const {
    ordered_json out = Action("set-statistics");
    out["snapshot-id"] = u.statistics.snapshot_id.value;
    out["statistics"] = ToJson(u.statistics);
    return out;
  }
  ordered_json operator()(const RemoveStatistics& u) const {
    ordered_json out = Action("remove-statistics");
    out["snapshot-id"] = u.snapshot_id.value;
    return out;
  }
  ordered_json operator()(const SetPartitionStatistics& u) const {
    ordered_json out = Action("set-partition-statistics");
    out["partition-statistics"] = ToJson(u.statistics);
    return out;
  }
  ordered_json operator()(const RemovePartitionStatistics& u) const {
    ordered_json out = Action("remove-partition-statistics");
    out["snapshot-id"] = u.snapshot_id.value;
    return out;
  }
  ordered_json operator()(const RemovePartitionSpecs& u) const {
    ordered_json out = Action("remove-partition-specs");
    out["spec-ids"] = Values(u.spec_ids);
    return out;
  }
  ordered_json operator()(const RemoveSchemas& u) const {
    ordered_json out = Action("remove-schemas");
    out["schema-ids"] = Values(u.schema_ids);
    return out;
  }
};

Result<const json*> Part(const JsonObject& in, const char* key) {
  const json* part = in.Find(key);
  if (part == nullptr) return in.Wrong(key, "an object");
  return part;
}

Result<std::vector<std::string>> StringList(const JsonObject& in, const char* key) {
  FIRN_ASSIGN_OR_RETURN(const json* array, in.Array(key));
  std::vector<std::string> out;
  for (const json& element : *array) {
    if (!element.is_string()) return in.Wrong(key, "an array of strings");
    out.push_back(element.get<std::string>());
  }
  return out;
}

Result<Update> ReadSetSnapshotRef(const JsonObject& in, const json& value) {
  SetSnapshotRef update;
  FIRN_ASSIGN_OR_RETURN(update.name, in.String("ref-name"));
  FIRN_ASSIGN_OR_RETURN(update.ref, SnapshotRefFromJson(value));
  return Update(std::move(update));
}

Result<Update> ReadRemoveSnapshots(const JsonObject& in) {
  RemoveSnapshots update;
  FIRN_ASSIGN_OR_RETURN(const json* ids, in.Array("snapshot-ids"));
  for (const json& id : *ids) {
    if (!id.is_number_integer()) return in.Wrong("snapshot-ids", "an array of integers");
    update.snapshot_ids.emplace_back(id.get<std::int64_t>());
  }
  return Update(std::move(update));
}

// Updates that carry one part: a schema, a spec, a snapshot and so on.
template <typename UpdateType, typename Read>
Result<Update> ReadPart(const JsonObject& in, const char* key, const Read& read) {
  FIRN_ASSIGN_OR_RETURN(const json* part, Part(in, key));
  FIRN_ASSIGN_OR_RETURN(auto value, read(*part));
  return Update(UpdateType{std::move(value)});
}

Result<Update> ReadAddSchema(const JsonObject& in) {
  FIRN_ASSIGN_OR_RETURN(const json* schema, Part(in, "schema"));
  AddSchema update;
  FIRN_ASSIGN_OR_RETURN(update.schema, SchemaFromJson(*schema));
  FIRN_ASSIGN_OR_RETURN(const auto last, in.OptionalInt32("last-column-id"));
  if (last) update.last_column_id = FieldId(*last);
  return Update(std::move(update));
}

// Updates that carry a list of ids, which must be there: an empty one changes nothing.
template <typename UpdateType, typename IdType>
Result<Update> ReadIdList(const JsonObject& in, const char* key) {
  FIRN_RETURN_IF_ERROR(in.Array(key).status());
  FIRN_ASSIGN_OR_RETURN(const auto numbers, in.Int32List(key));
  std::vector<IdType> ids;
  for (const std::int32_t number : numbers) ids.emplace_back(number);
  return Update(UpdateType{std::move(ids)});
}

// Updates that carry one id.
template <typename UpdateType, typename IdType>
Result<Update> ReadId(const JsonObject& in, const char* key) {
  FIRN_ASSIGN_OR_RETURN(const std::int32_t id, in.Int32(key));
  return Update(UpdateType{IdType(id)});
}

}  // namespace

ordered_json ToJson(const Update& update) { return std::visit(UpdateWriter{}, update); }

Result<Update> UpdateFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "update"));
  FIRN_ASSIGN_OR_RETURN(const std::string action, in.String("action"));
  if (action == "assign-uuid") {
    FIRN_ASSIGN_OR_RETURN(std::string uuid, in.String("uuid"));
    return Update(AssignUuid{std::move(uuid)});
  }
  if (action == "upgrade-format-version") {
    FIRN_ASSIGN_OR_RETURN(const std::int32_t version, in.Int32("format-version"));
    return Update(UpgradeFormatVersion{version});
  }
  if (action == "add-schema") return ReadAddSchema(in);
  if (action == "set-current-schema") {
    return ReadId<SetCurrentSchema, SchemaId>(in, "schema-id");
  }
  if (action == "add-spec") {
    return ReadPart<AddPartitionSpec>(in, "spec", PartitionSpecFromJson);
  }
  if (action == "set-default-spec") return ReadId<SetDefaultSpec, SpecId>(in, "spec-id");
  if (action == "add-sort-order") {
    return ReadPart<AddSortOrder>(in, "sort-order", SortOrderFromJson);
  }
  if (action == "set-default-sort-order") {
    return ReadId<SetDefaultSortOrder, SortOrderId>(in, "sort-order-id");
  }
  if (action == "add-snapshot") {
    return ReadPart<AddSnapshot>(in, "snapshot", SnapshotFromJson);
  }
  if (action == "set-snapshot-ref") return ReadSetSnapshotRef(in, value);
  if (action == "remove-snapshots") return ReadRemoveSnapshots(in);
  if (action == "remove-snapshot-ref") {
    FIRN_ASSIGN_OR_RETURN(std::string name, in.String("ref-name"));
    return Update(RemoveSnapshotRef{std::move(name)});
  }
  if (action == "set-location") {
    FIRN_ASSIGN_OR_RETURN(std::string location, in.String("location"));
    return Update(SetLocation{std::move(location)});
  }
  if (action == "set-properties") {
    if (in.Find("updates") == nullptr) return in.Wrong("updates", "an object of strings");
    FIRN_ASSIGN_OR_RETURN(auto properties, in.StringMap("updates"));
    return Update(SetProperties{std::move(properties)});
  }
  if (action == "remove-properties") {
    FIRN_ASSIGN_OR_RETURN(auto keys, StringList(in, "removals"));
    return Update(RemoveProperties{std::move(keys)});
  }
  if (action == "set-statistics") {
    return ReadPart<SetStatistics>(in, "statistics", StatisticsFileFromJson);
  }
  if (action == "remove-statistics") {
    FIRN_ASSIGN_OR_RETURN(const std::int64_t id, in.Int64("snapshot-id"));
    return Update(RemoveStatistics{SnapshotId(id)});
  }
  if (action == "set-partition-statistics") {
    return ReadPart<SetPartitionStatistics>(in, "partition-statistics",
                                            PartitionStatisticsFromJson);
  }
  if (action == "remove-partition-statistics") {
    FIRN_ASSIGN_OR_RETURN(const std::int64_t id, in.Int64("snapshot-id"));
    return Update(RemovePartitionStatistics{SnapshotId(id)});
  }
  if (action == "remove-partition-specs") {
    return ReadIdList<RemovePartitionSpecs, SpecId>(in, "spec-ids");
  }
  if (action == "remove-schemas") {
    return ReadIdList<RemoveSchemas, SchemaId>(in, "schema-ids");
  }
  return Status::Unimplemented("table update " + action + " is not known");
}

namespace {

struct RequirementWriter {
  static ordered_json TypeOf(const char* type) { return {{"type", type}}; }

  ordered_json operator()(const AssertCreate&) const { return TypeOf("assert-create"); }
  ordered_json operator()(const AssertTableUuid& r) const {
    ordered_json out = TypeOf("assert-table-uuid");
    out["uuid"] = r.uuid;
    return out;
  }
  ordered_json operator()(const AssertRefSnapshotId& r) const {
    ordered_json out = TypeOf("assert-ref-snapshot-id");
    out["ref"] = r.ref;
    // Null is sent, and means that the ref must not exist.
    out["snapshot-id"] = nullptr;
    if (r.snapshot_id) out["snapshot-id"] = r.snapshot_id->value;
    return out;
  }
  ordered_json operator()(const AssertLastAssignedFieldId& r) const {
    ordered_json out = TypeOf("assert-last-assigned-field-id");
    out["last-assigned-field-id"] = r.field_id.value;
    return out;
  }
  ordered_json operator()(const AssertCurrentSchemaId& r) const {
    ordered_json out = TypeOf("assert-current-schema-id");
    out["current-schema-id"] = r.schema_id.value;
    return out;
  }
  ordered_json operator()(const AssertLastAssignedPartitionId& r) const {
    ordered_json out = TypeOf("assert-last-assigned-partition-id");
    out["last-assigned-partition-id"] = r.field_id.value;
    return out;
  }
  ordered_json operator()(const AssertDefaultSpecId& r) const {
    ordered_json out = TypeOf("assert-default-spec-id");
    out["default-spec-id"] = r.spec_id.value;
    return out;
  }
  ordered_json operator()(const AssertDefaultSortOrderId& r) const {
    ordered_json out = TypeOf("assert-default-sort-order-id");
    out["default-sort-order-id"] = r.order_id.value;
    return out;
  }
};

template <typename RequirementType, typename IdType>
Result<Requirement> ReadAssert(const JsonObject& in, const char* key) {
  FIRN_ASSIGN_OR_RETURN(const std::int32_t id, in.Int32(key));
  return Requirement(RequirementType{IdType(id)});
}

}  // namespace

ordered_json ToJson(const Requirement& requirement) {
  return std::visit(RequirementWriter{}, requirement);
}

Result<Requirement> RequirementFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "requirement"));
  FIRN_ASSIGN_OR_RETURN(const std::string type, in.String("type"));
  if (type == "assert-create") return Requirement(AssertCreate{});
  if (type == "assert-table-uuid") {
    FIRN_ASSIGN_OR_RETURN(std::string uuid, in.String("uuid"));
    return Requirement(AssertTableUuid{std::move(uuid)});
  }
  if (type == "assert-ref-snapshot-id") {
    AssertRefSnapshotId requirement;
    FIRN_ASSIGN_OR_RETURN(requirement.ref, in.String("ref"));
    FIRN_ASSIGN_OR_RETURN(const auto id, in.OptionalInt64("snapshot-id"));
    if (id) requirement.snapshot_id = SnapshotId(*id);
    return Requirement(std::move(requirement));
  }
  if (type == "assert-last-assigned-field-id") {
    return ReadAssert<AssertLastAssignedFieldId, FieldId>(in, "last-assigned-field-id");
  }
  if (type == "assert-current-schema-id") {
    return ReadAssert<AssertCurrentSchemaId, SchemaId>(in, "current-schema-id");
  }
  if (type == "assert-last-assigned-partition-id") {
    return ReadAssert<AssertLastAssignedPartitionId, FieldId>(
        in, "last-assigned-partition-id");
  }
  if (type == "assert-default-spec-id") {
    return ReadAssert<AssertDefaultSpecId, SpecId>(in, "default-spec-id");
  }
  if (type == "assert-default-sort-order-id") {
    return ReadAssert<AssertDefaultSortOrderId, SortOrderId>(in, "default-sort-order-id");
  }
  return Status::Unimplemented("table requirement " + type + " is not known");
}

}  // namespace firn::iceberg

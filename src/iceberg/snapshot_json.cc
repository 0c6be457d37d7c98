// SPDX-License-Identifier: Apache-2.0
#include "iceberg/snapshot_json.h"

#include <utility>

#include "iceberg/json.h"

namespace firn::iceberg {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr std::pair<Operation, std::string_view> kOperations[] = {
    {Operation::kAppend, "append"},
    {Operation::kReplace, "replace"},
    {Operation::kOverwrite, "overwrite"},
    {Operation::kDelete, "delete"},
};

Status ReadManifests(const JsonObject& in, Snapshot* snapshot) {
  FIRN_ASSIGN_OR_RETURN(auto manifest_list, in.OptionalString("manifest-list"));
  if (manifest_list && !manifest_list->empty()) {
    snapshot->manifest_list = *std::move(manifest_list);
    return Status::OK();
  }
  const json* manifests = in.Find("manifests");
  if (manifests == nullptr) return in.Wrong("manifest-list", "a location");
  if (!manifests->is_array()) return in.Wrong("manifests", "an array of strings");
  for (const json& manifest : *manifests) {
    if (!manifest.is_string()) return in.Wrong("manifests", "an array of strings");
    snapshot->manifests.push_back(manifest.get<std::string>());
  }
  return Status::OK();
}

Status ReadSummary(const JsonObject& in, Snapshot* snapshot) {
  FIRN_ASSIGN_OR_RETURN(snapshot->summary, in.StringMap("summary"));
  const auto operation = snapshot->summary.extract("operation");
  if (operation.empty()) {
    // Version 1 need not say what was done, so it may have been anything.
    snapshot->operation = Operation::kOverwrite;
    return Status::OK();
  }
  for (const auto& [kind, name] : kOperations) {
    if (operation.mapped() != name) continue;
    snapshot->operation = kind;
    return Status::OK();
  }
  return Status::Corruption("snapshot " + snapshot->id.ToString() + ": operation " +
                            operation.mapped() + " is not known");
}

}  // namespace

ordered_json ToJson(const Snapshot& snapshot) {
  ordered_json out = {{"snapshot-id", snapshot.id.value}};
  if (snapshot.parent_id) out["parent-snapshot-id"] = snapshot.parent_id->value;
  // Those of format version 1 have none.
  if (snapshot.sequence_number.value != 0) {
    out["sequence-number"] = snapshot.sequence_number.value;
  }
  out["timestamp-ms"] = snapshot.timestamp_ms;
  if (snapshot.manifest_list.empty()) {
    out["manifests"] = snapshot.manifests;
  } else {
    out["manifest-list"] = snapshot.manifest_list;
  }
  ordered_json summary = {{"operation", ToString(snapshot.operation)}};
  for (const auto& [key, value] : snapshot.summary) summary[key] = value;
  out["summary"] = std::move(summary);
  if (snapshot.schema_id) out["schema-id"] = snapshot.schema_id->value;
  if (snapshot.first_row_id) out["first-row-id"] = *snapshot.first_row_id;
  if (snapshot.added_rows) out["added-rows"] = *snapshot.added_rows;
  if (snapshot.key_id) out["key-id"] = *snapshot.key_id;
  return out;
}

Result<Snapshot> SnapshotFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "snapshot"));
  Snapshot snapshot;
  FIRN_ASSIGN_OR_RETURN(const std::int64_t id, in.Int64("snapshot-id"));
  snapshot.id = SnapshotId(id);
  FIRN_ASSIGN_OR_RETURN(const auto parent, in.OptionalInt64("parent-snapshot-id"));
  if (parent && *parent != -1) snapshot.parent_id = SnapshotId(*parent);
  // Snapshots of a table that was once of version 1 have none: 0.
  FIRN_ASSIGN_OR_RETURN(const auto sequence, in.OptionalInt64("sequence-number"));
  snapshot.sequence_number = SequenceNumber(sequence.value_or(0));
  FIRN_ASSIGN_OR_RETURN(snapshot.timestamp_ms, in.Int64("timestamp-ms"));
  FIRN_RETURN_IF_ERROR(ReadManifests(in, &snapshot));
  FIRN_RETURN_IF_ERROR(ReadSummary(in, &snapshot));
  FIRN_ASSIGN_OR_RETURN(const auto schema_id, in.OptionalInt32("schema-id"));
  if (schema_id) snapshot.schema_id = SchemaId(*schema_id);
  FIRN_ASSIGN_OR_RETURN(snapshot.first_row_id, in.OptionalInt64("first-row-id"));
  FIRN_ASSIGN_OR_RETURN(snapshot.added_rows, in.OptionalInt64("added-rows"));
  FIRN_ASSIGN_OR_RETURN(snapshot.key_id, in.OptionalString("key-id"));
  return snapshot;
}

ordered_json ToJson(const SnapshotRef& ref) {
  ordered_json out = {{"snapshot-id", ref.snapshot_id.value},
                      {"type", ref.type == RefType::kBranch ? "branch" : "tag"}};
  if (ref.min_snapshots_to_keep)
    out["min-snapshots-to-keep"] = *ref.min_snapshots_to_keep;
  if (ref.max_snapshot_age_ms) out["max-snapshot-age-ms"] = *ref.max_snapshot_age_ms;
  if (ref.max_ref_age_ms) out["max-ref-age-ms"] = *ref.max_ref_age_ms;
  return out;
}

Result<SnapshotRef> SnapshotRefFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "snapshot ref"));
  SnapshotRef ref;
  FIRN_ASSIGN_OR_RETURN(const std::int64_t id, in.Int64("snapshot-id"));
  ref.snapshot_id = SnapshotId(id);
  FIRN_ASSIGN_OR_RETURN(const std::string type, in.String("type"));
  if (type != "branch" && type != "tag") return in.Wrong("type", "branch or tag");
  ref.type = type == "branch" ? RefType::kBranch : RefType::kTag;
  FIRN_ASSIGN_OR_RETURN(ref.min_snapshots_to_keep,
                        in.OptionalInt32("min-snapshots-to-keep"));
  FIRN_ASSIGN_OR_RETURN(ref.max_snapshot_age_ms, in.OptionalInt64("max-snapshot-age-ms"));
  FIRN_ASSIGN_OR_RETURN(ref.max_ref_age_ms, in.OptionalInt64("max-ref-age-ms"));
  return ref;
}

}  // namespace firn::iceberg

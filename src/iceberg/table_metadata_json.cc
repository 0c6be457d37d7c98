// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table_metadata_json.h"

#include "base/assert.h"
#include "iceberg/json.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"

namespace firn::iceberg {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::pair<Operation, std::string_view> kOperations[] = {
    {Operation::kAppend, "append"},
    {Operation::kReplace, "replace"},
    {Operation::kOverwrite, "overwrite"},
    {Operation::kDelete, "delete"},
};

// Read each element of the array under `key`; nothing where it is absent.
template <typename T, typename Read>
Status ReadList(const JsonObject& object, const char* key, const Read& read,
                std::vector<T>* out) {
  const json* array = object.Find(key);
  if (array == nullptr) return Status::OK();
  if (!array->is_array()) return object.Wrong(key, "an array");
  for (const json& element : *array) {
    FIRN_ASSIGN_OR_RETURN(T value, read(element));
    out->push_back(std::move(value));
  }
  return Status::OK();
}

template <typename T, typename Read>
Status ReadRequiredList(const JsonObject& object, const char* key, const Read& read,
                        std::vector<T>* out) {
  if (object.Find(key) == nullptr) return object.Wrong(key, "an array");
  return ReadList(object, key, read, out);
}

Result<SnapshotLogEntry> SnapshotLogEntryFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "snapshot-log entry"));
  SnapshotLogEntry entry;
  FIRN_ASSIGN_OR_RETURN(entry.timestamp_ms, in.Int64("timestamp-ms"));
  FIRN_ASSIGN_OR_RETURN(const std::int64_t id, in.Int64("snapshot-id"));
  entry.snapshot_id = SnapshotId(id);
  return entry;
}

Result<MetadataLogEntry> MetadataLogEntryFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "metadata-log entry"));
  MetadataLogEntry entry;
  FIRN_ASSIGN_OR_RETURN(entry.timestamp_ms, in.Int64("timestamp-ms"));
  FIRN_ASSIGN_OR_RETURN(entry.metadata_file, in.String("metadata-file"));
  return entry;
}

Result<BlobMetadata> BlobFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "blob-metadata"));
  BlobMetadata blob;
  FIRN_ASSIGN_OR_RETURN(blob.type, in.String("type"));
  FIRN_ASSIGN_OR_RETURN(const std::int64_t id, in.Int64("snapshot-id"));
  blob.snapshot_id = SnapshotId(id);
  FIRN_ASSIGN_OR_RETURN(const std::int64_t sequence, in.Int64("sequence-number"));
  blob.sequence_number = SequenceNumber(sequence);
  FIRN_ASSIGN_OR_RETURN(const auto fields, in.Int32List("fields"));
  for (const std::int32_t field : fields) blob.fields.emplace_back(field);
  FIRN_ASSIGN_OR_RETURN(blob.properties, in.StringMap("properties"));
  return blob;
}

}  // namespace

Result<PartitionStatisticsFile> PartitionStatisticsFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in,
                        JsonObject::Of(value, "partition-statistics"));
  PartitionStatisticsFile file;
  FIRN_ASSIGN_OR_RETURN(const std::int64_t id, in.Int64("snapshot-id"));
  file.snapshot_id = SnapshotId(id);
  FIRN_ASSIGN_OR_RETURN(file.statistics_path, in.String("statistics-path"));
  FIRN_ASSIGN_OR_RETURN(file.file_size_bytes, in.Int64("file-size-in-bytes"));
  return file;
}

namespace {

Status CheckFormatVersion(const JsonObject& in) {
  FIRN_ASSIGN_OR_RETURN(const std::int32_t version, in.Int32("format-version"));
  if (version == 1 || version == 3) {
    return Status::Unimplemented("table format version " + std::to_string(version) +
                                 " is not read yet");
  }
  if (version != 2) {
    return Status::InvalidArgument("table format version " + std::to_string(version) +
                                   " is not supported");
  }
  return Status::OK();
}

Status ReadStructure(const JsonObject& in, TableMetadata* out) {
  FIRN_RETURN_IF_ERROR(ReadRequiredList(in, "schemas", SchemaFromJson, &out->schemas));
  FIRN_ASSIGN_OR_RETURN(const std::int32_t schema_id, in.Int32("current-schema-id"));
  out->current_schema_id = SchemaId(schema_id);
  FIRN_RETURN_IF_ERROR(ReadRequiredList(in, "partition-specs", PartitionSpecFromJson,
                                        &out->partition_specs));
  FIRN_ASSIGN_OR_RETURN(const std::int32_t spec_id, in.Int32("default-spec-id"));
  out->default_spec_id = SpecId(spec_id);
  FIRN_ASSIGN_OR_RETURN(const std::int32_t partition_id, in.Int32("last-partition-id"));
  out->last_partition_id = FieldId(partition_id);
  FIRN_RETURN_IF_ERROR(
      ReadRequiredList(in, "sort-orders", SortOrderFromJson, &out->sort_orders));
  FIRN_ASSIGN_OR_RETURN(const std::int32_t order_id, in.Int32("default-sort-order-id"));
  out->default_sort_order_id = SortOrderId(order_id);
  return Status::OK();
}

Status ReadHistory(const JsonObject& in, TableMetadata* out) {
  FIRN_ASSIGN_OR_RETURN(const auto current, in.OptionalInt64("current-snapshot-id"));
  // -1 stands for none in files of older writers.
  if (current && *current != -1) out->current_snapshot_id = SnapshotId(*current);
  FIRN_RETURN_IF_ERROR(ReadList(in, "snapshots", SnapshotFromJson, &out->snapshots));
  FIRN_RETURN_IF_ERROR(
      ReadList(in, "snapshot-log", SnapshotLogEntryFromJson, &out->snapshot_log));
  FIRN_RETURN_IF_ERROR(
      ReadList(in, "metadata-log", MetadataLogEntryFromJson, &out->metadata_log));
  if (const json* refs = in.Find("refs")) {
    if (!refs->is_object()) return in.Wrong("refs", "an object");
    for (const auto& [name, value] : refs->items()) {
      FIRN_ASSIGN_OR_RETURN(SnapshotRef ref, SnapshotRefFromJson(value));
      out->refs.emplace(name, ref);
    }
  }
  // Branch main is there even where it is not written down.
  if (out->current_snapshot_id) {
    out->refs.try_emplace(
        std::string(kMainBranch),
        SnapshotRef{*out->current_snapshot_id, RefType::kBranch, {}, {}, {}});
  }
  FIRN_RETURN_IF_ERROR(
      ReadList(in, "statistics", StatisticsFileFromJson, &out->statistics));
  return ReadList(in, "partition-statistics", PartitionStatisticsFromJson,
                  &out->partition_statistics);
}

Result<TableMetadata> ReadTableMetadata(const JsonObject& in) {
  TableMetadata out;
  out.format_version = 2;
  FIRN_ASSIGN_OR_RETURN(out.table_uuid, in.String("table-uuid"));
  FIRN_ASSIGN_OR_RETURN(out.location, in.String("location"));
  FIRN_ASSIGN_OR_RETURN(const std::int64_t sequence, in.Int64("last-sequence-number"));
  out.last_sequence_number = SequenceNumber(sequence);
  FIRN_ASSIGN_OR_RETURN(out.last_updated_ms, in.Int64("last-updated-ms"));
  FIRN_ASSIGN_OR_RETURN(const std::int32_t column_id, in.Int32("last-column-id"));
  out.last_column_id = FieldId(column_id);
  FIRN_RETURN_IF_ERROR(ReadStructure(in, &out));
  FIRN_ASSIGN_OR_RETURN(out.properties, in.StringMap("properties"));
  FIRN_RETURN_IF_ERROR(ReadHistory(in, &out));
  FIRN_RETURN_IF_ERROR(CheckTableMetadata(out));
  return out;
}

ordered_json ToJson(const SnapshotLogEntry& entry) {
  return {{"snapshot-id", entry.snapshot_id.value}, {"timestamp-ms", entry.timestamp_ms}};
}

ordered_json ToJson(const MetadataLogEntry& entry) {
  return {{"metadata-file", entry.metadata_file}, {"timestamp-ms", entry.timestamp_ms}};
}

}  // namespace

ordered_json ToJson(const PartitionStatisticsFile& file) {
  return {{"snapshot-id", file.snapshot_id.value},
          {"statistics-path", file.statistics_path},
          {"file-size-in-bytes", file.file_size_bytes}};
}

namespace {

template <typename T>
ordered_json ListToJson(const std::vector<T>& values) {
  ordered_json out = ordered_json::array();
  for (const T& value : values) out.push_back(ToJson(value));
  return out;
}

}  // namespace

ordered_json ToJson(const Snapshot& snapshot) {
  ordered_json out = {{"snapshot-id", snapshot.id.value}};
  if (snapshot.parent_id) out["parent-snapshot-id"] = snapshot.parent_id->value;
  out["sequence-number"] = snapshot.sequence_number.value;
  out["timestamp-ms"] = snapshot.timestamp_ms;
  out["manifest-list"] = snapshot.manifest_list;
  ordered_json summary = {{"operation", ToString(snapshot.operation)}};
  for (const auto& [key, value] : snapshot.summary) summary[key] = value;
  out["summary"] = std::move(summary);
  if (snapshot.schema_id) out["schema-id"] = snapshot.schema_id->value;
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
  FIRN_ASSIGN_OR_RETURN(auto manifest_list, in.OptionalString("manifest-list"));
  if (!manifest_list && in.Find("manifests") != nullptr) {
    return Status::Unimplemented("snapshot " + snapshot.id.ToString() +
                                 " lists manifests without a manifest list (format "
                                 "version 1), which is not read yet");
  }
  if (!manifest_list) return in.Wrong("manifest-list", "a string");
  snapshot.manifest_list = *std::move(manifest_list);
  FIRN_ASSIGN_OR_RETURN(snapshot.summary, in.StringMap("summary"));
  const auto operation = snapshot.summary.extract("operation");
  if (!operation.empty()) {
    bool known = false;
    for (const auto& [kind, name] : kOperations) {
      if (operation.mapped() != name) continue;
      snapshot.operation = kind;
      known = true;
    }
    if (!known) {
      return Status::Corruption("snapshot " + snapshot.id.ToString() + ": operation " +
                                operation.mapped() + " is not known");
    }
  }
  FIRN_ASSIGN_OR_RETURN(const auto schema_id, in.OptionalInt32("schema-id"));
  if (schema_id) snapshot.schema_id = SchemaId(*schema_id);
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

ordered_json ToJson(const StatisticsFile& file) {
  ordered_json out = {{"snapshot-id", file.snapshot_id.value},
                      {"statistics-path", file.statistics_path},
                      {"file-size-in-bytes", file.file_size_bytes},
                      {"file-footer-size-in-bytes", file.file_footer_size_bytes}};
  if (file.key_metadata) out["key-metadata"] = *file.key_metadata;
  ordered_json blobs = ordered_json::array();
  for (const BlobMetadata& blob : file.blobs) {
    ordered_json fields = ordered_json::array();
    for (const FieldId field : blob.fields) fields.push_back(field.value);
    ordered_json blob_out = {{"type", blob.type},
                             {"snapshot-id", blob.snapshot_id.value},
                             {"sequence-number", blob.sequence_number.value},
                             {"fields", std::move(fields)}};
    if (!blob.properties.empty()) blob_out["properties"] = blob.properties;
    blobs.push_back(std::move(blob_out));
  }
  out["blob-metadata"] = std::move(blobs);
  return out;
}

Result<StatisticsFile> StatisticsFileFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "statistics"));
  StatisticsFile file;
  FIRN_ASSIGN_OR_RETURN(const std::int64_t id, in.Int64("snapshot-id"));
  file.snapshot_id = SnapshotId(id);
  FIRN_ASSIGN_OR_RETURN(file.statistics_path, in.String("statistics-path"));
  FIRN_ASSIGN_OR_RETURN(file.file_size_bytes, in.Int64("file-size-in-bytes"));
  FIRN_ASSIGN_OR_RETURN(file.file_footer_size_bytes,
                        in.Int64("file-footer-size-in-bytes"));
  FIRN_ASSIGN_OR_RETURN(file.key_metadata, in.OptionalString("key-metadata"));
  FIRN_RETURN_IF_ERROR(ReadList(in, "blob-metadata", BlobFromJson, &file.blobs));
  return file;
}

std::string TableMetadataToJson(const TableMetadata& metadata) {
  FIRN_ASSERT(metadata.format_version == 2);
  FIRN_ASSERT(CheckTableMetadata(metadata).ok());
  ordered_json refs = ordered_json::object();
  for (const auto& [name, ref] : metadata.refs) refs[name] = ToJson(ref);
  ordered_json properties = ordered_json::object();
  for (const auto& [key, value] : metadata.properties) properties[key] = value;

  ordered_json out = {
      {"format-version", 2},
      {"table-uuid", metadata.table_uuid},
      {"location", metadata.location},
      {"last-sequence-number", metadata.last_sequence_number.value},
      {"last-updated-ms", metadata.last_updated_ms},
      {"last-column-id", metadata.last_column_id.value},
      {"current-schema-id", metadata.current_schema_id.value},
      {"schemas", ListToJson(metadata.schemas)},
      {"default-spec-id", metadata.default_spec_id.value},
      {"partition-specs", ListToJson(metadata.partition_specs)},
      {"last-partition-id", metadata.last_partition_id.value},
      {"default-sort-order-id", metadata.default_sort_order_id.value},
      {"sort-orders", ListToJson(metadata.sort_orders)},
      {"properties", std::move(properties)},
  };
  // Readers of versions 1 and 2 take -1 for none; leaving it out serves all of them.
  if (metadata.current_snapshot_id) {
    out["current-snapshot-id"] = metadata.current_snapshot_id->value;
  }
  out["refs"] = std::move(refs);
  out["snapshots"] = ListToJson(metadata.snapshots);
  out["statistics"] = ListToJson(metadata.statistics);
  out["partition-statistics"] = ListToJson(metadata.partition_statistics);
  out["snapshot-log"] = ListToJson(metadata.snapshot_log);
  out["metadata-log"] = ListToJson(metadata.metadata_log);
  return JsonText(out);
}

Result<TableMetadata> TableMetadataFromJson(std::string_view text) {
  FIRN_ASSIGN_OR_RETURN(const json value, ParseJson(text));
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "table metadata"));
  FIRN_RETURN_IF_ERROR(CheckFormatVersion(in));
  auto metadata = ReadTableMetadata(in);
  // What is a wrong argument to the parts is a damaged file to whoever reads it.
  if (metadata.status().Is(StatusCode::kInvalidArgument)) {
    return Status::Corruption("table metadata: " +
                              std::string(metadata.status().message()));
  }
  return metadata;
}

}  // namespace firn::iceberg

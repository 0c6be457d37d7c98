// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table_metadata_json.h"

#include <algorithm>

#include "base/assert.h"
#include "iceberg/json.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"
#include "iceberg/snapshot_json.h"

namespace firn::iceberg {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

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

Result<EncryptionKey> EncryptionKeyFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "encryption key"));
  EncryptionKey key;
  FIRN_ASSIGN_OR_RETURN(key.key_id, in.String("key-id"));
  FIRN_ASSIGN_OR_RETURN(key.encrypted_key_metadata, in.String("encrypted-key-metadata"));
  FIRN_ASSIGN_OR_RETURN(key.encrypted_by_id, in.OptionalString("encrypted-by-id"));
  FIRN_ASSIGN_OR_RETURN(key.properties, in.StringMap("properties"));
  return key;
}

Result<int> ReadFormatVersion(const JsonObject& in) {
  FIRN_ASSIGN_OR_RETURN(const std::int32_t version, in.Int32("format-version"));
  if (version < 1) return in.Wrong("format-version", "a positive number");
  if (version > kFormatVersionMax) {
    return Status::Unimplemented(
        "table format version " + std::to_string(version) + " is not read, only 1 to " +
        std::to_string(kFormatVersionMax) + ": read the table with a later release");
  }
  return version;
}

// An id that format version 1 may leave out.
template <typename IdType>
Status ReadId(const JsonObject& in, const char* key, int version, IdType otherwise,
              IdType* out) {
  FIRN_ASSIGN_OR_RETURN(const auto id, in.OptionalInt32(key));
  if (!id && version > 1) return in.Wrong(key, "an integer");
  *out = id ? IdType(*id) : otherwise;
  return Status::OK();
}

Status ReadSchemas(const JsonObject& in, TableMetadata* out) {
  const json* only = in.Find("schema");
  if (out->format_version > 1 || in.Find("schemas") != nullptr) {
    FIRN_RETURN_IF_ERROR(ReadRequiredList(in, "schemas", SchemaFromJson, &out->schemas));
  } else {
    if (only == nullptr) return in.Wrong("schema", "a schema");
    FIRN_ASSIGN_OR_RETURN(Schema schema, SchemaFromJson(*only));
    out->schemas.push_back(std::move(schema));
  }
  const SchemaId first = out->schemas.empty() ? SchemaId(0) : out->schemas.front().id;
  return ReadId(in, "current-schema-id", out->format_version, first,
                &out->current_schema_id);
}

Status ReadSpecs(const JsonObject& in, TableMetadata* out) {
  const json* only = in.Find("partition-spec");
  if (out->format_version > 1 || in.Find("partition-specs") != nullptr) {
    FIRN_RETURN_IF_ERROR(ReadRequiredList(in, "partition-specs", PartitionSpecFromJson,
                                          &out->partition_specs));
  } else {
    if (only == nullptr) return in.Wrong("partition-spec", "an array");
    PartitionSpec spec;
    FIRN_ASSIGN_OR_RETURN(spec.fields, PartitionFieldsFromJson(*only));
    out->partition_specs.push_back(std::move(spec));
  }
  FieldId highest(kPartitionFieldIdFirst.value - 1);
  for (const PartitionSpec& spec : out->partition_specs) {
    highest = std::max(highest, spec.HighestFieldId());
  }
  FIRN_RETURN_IF_ERROR(ReadId(in, "default-spec-id", out->format_version, SpecId(0),
                              &out->default_spec_id));
  return ReadId(in, "last-partition-id", out->format_version, highest,
                &out->last_partition_id);
}

Status ReadSortOrders(const JsonObject& in, TableMetadata* out) {
  if (out->format_version == 1 && in.Find("sort-orders") == nullptr) {
    out->sort_orders.emplace_back();
  } else {
    FIRN_RETURN_IF_ERROR(
        ReadRequiredList(in, "sort-orders", SortOrderFromJson, &out->sort_orders));
  }
  return ReadId(in, "default-sort-order-id", out->format_version, kUnsortedOrderId,
                &out->default_sort_order_id);
}

Status ReadCounters(const JsonObject& in, TableMetadata* out) {
  if (out->format_version > 1) {
    FIRN_ASSIGN_OR_RETURN(const std::int64_t sequence, in.Int64("last-sequence-number"));
    out->last_sequence_number = SequenceNumber(sequence);
  }
  FIRN_ASSIGN_OR_RETURN(out->last_updated_ms, in.Int64("last-updated-ms"));
  FIRN_ASSIGN_OR_RETURN(const std::int32_t column_id, in.Int32("last-column-id"));
  out->last_column_id = FieldId(column_id);
  if (out->format_version >= 3) {
    FIRN_ASSIGN_OR_RETURN(out->next_row_id, in.Int64("next-row-id"));
  }
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
      // ClickHouse names no snapshot so, too.
      if (ref.snapshot_id == SnapshotId(-1)) continue;
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

Result<TableMetadata> ReadTableMetadata(const JsonObject& in, int format_version) {
  TableMetadata out;
  out.format_version = format_version;
  FIRN_ASSIGN_OR_RETURN(auto uuid, in.OptionalString("table-uuid"));
  if (!uuid && format_version > 1) return in.Wrong("table-uuid", "a string");
  out.table_uuid = std::move(uuid).value_or("");
  FIRN_ASSIGN_OR_RETURN(out.location, in.String("location"));
  FIRN_RETURN_IF_ERROR(ReadCounters(in, &out));
  FIRN_RETURN_IF_ERROR(ReadSchemas(in, &out));
  FIRN_RETURN_IF_ERROR(ReadSpecs(in, &out));
  FIRN_RETURN_IF_ERROR(ReadSortOrders(in, &out));
  FIRN_ASSIGN_OR_RETURN(out.properties, in.StringMap("properties"));
  FIRN_RETURN_IF_ERROR(ReadHistory(in, &out));
  if (format_version >= 3) {
    FIRN_RETURN_IF_ERROR(
        ReadList(in, "encryption-keys", EncryptionKeyFromJson, &out.encryption_keys));
  }
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

ordered_json ToJson(const EncryptionKey& key) {
  ordered_json out = {{"key-id", key.key_id},
                      {"encrypted-key-metadata", key.encrypted_key_metadata}};
  if (key.encrypted_by_id) out["encrypted-by-id"] = *key.encrypted_by_id;
  if (!key.properties.empty()) out["properties"] = key.properties;
  return out;
}

template <typename T>
ordered_json ListToJson(const std::vector<T>& values) {
  ordered_json out = ordered_json::array();
  for (const T& value : values) out.push_back(ToJson(value));
  return out;
}

}  // namespace

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
  FIRN_ASSERT(CheckTableMetadata(metadata).ok());
  ordered_json out = {{"format-version", metadata.format_version}};
  if (!metadata.table_uuid.empty()) out["table-uuid"] = metadata.table_uuid;
  out["location"] = metadata.location;
  if (metadata.format_version > 1) {
    out["last-sequence-number"] = metadata.last_sequence_number.value;
  }
  out["last-updated-ms"] = metadata.last_updated_ms;
  out["last-column-id"] = metadata.last_column_id.value;
  if (metadata.format_version == 1) out["schema"] = ToJson(metadata.current_schema());
  out["current-schema-id"] = metadata.current_schema_id.value;
  out["schemas"] = ListToJson(metadata.schemas);
  if (metadata.format_version == 1) {
    out["partition-spec"] = FieldsToJson(metadata.default_spec());
  }
  out["default-spec-id"] = metadata.default_spec_id.value;
  out["partition-specs"] = ListToJson(metadata.partition_specs);
  out["last-partition-id"] = metadata.last_partition_id.value;
  out["default-sort-order-id"] = metadata.default_sort_order_id.value;
  out["sort-orders"] = ListToJson(metadata.sort_orders);
  out["properties"] = metadata.properties;
  if (metadata.format_version >= 3) {
    out["next-row-id"] = metadata.next_row_id;
    if (!metadata.encryption_keys.empty()) {
      out["encryption-keys"] = ListToJson(metadata.encryption_keys);
    }
  }
  // Readers of versions 1 and 2 take -1 for none; leaving it out serves all of them.
  if (metadata.current_snapshot_id) {
    out["current-snapshot-id"] = metadata.current_snapshot_id->value;
  }
  ordered_json refs = ordered_json::object();
  for (const auto& [name, ref] : metadata.refs) refs[name] = ToJson(ref);
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
  FIRN_ASSIGN_OR_RETURN(const int format_version, ReadFormatVersion(in));
  auto metadata = ReadTableMetadata(in, format_version);
  // What is a wrong argument to the parts is a damaged file to whoever reads it.
  if (metadata.status().Is(StatusCode::kInvalidArgument)) {
    return Status::Corruption("table metadata: " +
                              std::string(metadata.status().message()));
  }
  return metadata;
}

}  // namespace firn::iceberg

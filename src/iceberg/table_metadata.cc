// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table_metadata.h"

#include <charconv>
#include <set>
#include <unordered_set>

#include "base/assert.h"

namespace firn::iceberg {
namespace {

template <typename T, typename IdType>
const T* FindById(const std::vector<T>& values, IdType id) {
  for (const T& value : values) {
    if (value.id == id) return &value;
  }
  return nullptr;
}

template <typename T>
Status CheckUniqueIds(const std::vector<T>& values, const char* what) {
  std::unordered_set<decltype(T::id)> ids;
  for (const T& value : values) {
    if (!ids.insert(value.id).second) {
      return Status::InvalidArgument(std::string(what) + " id " + value.id.ToString() +
                                     " appears twice");
    }
  }
  return Status::OK();
}

Status Missing(const char* what, const std::string& id) {
  return Status::InvalidArgument(std::string(what) + " " + id +
                                 " is not in the metadata");
}

// A configured directory: absolute as it is, relative below the table's location.
std::string Directory(const TableMetadata& metadata, const char* property,
                      const char* otherwise) {
  const std::string* configured = metadata.FindProperty(property);
  std::string path = configured != nullptr ? *configured : otherwise;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const bool absolute = path.starts_with('/') || path.find("://") != std::string::npos;
  if (absolute) return path;
  std::string base = metadata.location;
  while (!base.empty() && base.back() == '/') base.pop_back();
  return base + "/" + path;
}

}  // namespace

const Schema& TableMetadata::current_schema() const {
  const Schema* schema = FindSchema(current_schema_id);
  FIRN_ASSERT(schema != nullptr);
  return *schema;
}

const PartitionSpec& TableMetadata::default_spec() const {
  const PartitionSpec* spec = FindSpec(default_spec_id);
  FIRN_ASSERT(spec != nullptr);
  return *spec;
}

const SortOrder& TableMetadata::default_sort_order() const {
  const SortOrder* order = FindSortOrder(default_sort_order_id);
  FIRN_ASSERT(order != nullptr);
  return *order;
}

const Snapshot* TableMetadata::current_snapshot() const {
  return current_snapshot_id ? FindSnapshot(*current_snapshot_id) : nullptr;
}

const Snapshot* TableMetadata::FindSnapshot(SnapshotId id) const {
  return FindById(snapshots, id);
}
const Schema* TableMetadata::FindSchema(SchemaId id) const {
  return FindById(schemas, id);
}
const PartitionSpec* TableMetadata::FindSpec(SpecId id) const {
  return FindById(partition_specs, id);
}
const SortOrder* TableMetadata::FindSortOrder(SortOrderId id) const {
  return FindById(sort_orders, id);
}

const Schema& TableMetadata::SchemaOf(const Snapshot& snapshot) const {
  const Schema* schema = snapshot.schema_id ? FindSchema(*snapshot.schema_id) : nullptr;
  return schema != nullptr ? *schema : current_schema();
}

const NestedField* TableMetadata::FindFieldEver(FieldId id) const {
  if (const NestedField* field = current_schema().FindField(id)) return field;
  for (auto schema = schemas.rbegin(); schema != schemas.rend(); ++schema) {
    if (const NestedField* field = schema->FindField(id)) return field;
  }
  return nullptr;
}

const std::string* TableMetadata::FindProperty(const std::string& key) const {
  const auto it = properties.find(key);
  return it == properties.end() ? nullptr : &it->second;
}

std::int64_t TableMetadata::PropertyCount(const std::string& key,
                                          std::int64_t otherwise) const {
  const std::string* text = FindProperty(key);
  if (text == nullptr) return otherwise;
  std::int64_t count = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, count);
  return error == std::errc() && at == end ? count : otherwise;
}

bool TableMetadata::PropertyFlag(const std::string& key, bool otherwise) const {
  const std::string* text = FindProperty(key);
  if (text == nullptr) return otherwise;
  if (*text == "true" || *text == "True" || *text == "TRUE") return true;
  if (*text == "false" || *text == "False" || *text == "FALSE") return false;
  return otherwise;
}

bool TableMetadata::IsAncestor(SnapshotId ancestor, SnapshotId descendant) const {
  std::optional<SnapshotId> at = descendant;
  // A chain longer than the list of snapshots has a cycle.
  for (std::size_t steps = 0; at && steps <= snapshots.size(); ++steps) {
    if (*at == ancestor) return true;
    const Snapshot* snapshot = FindSnapshot(*at);
    at = snapshot != nullptr ? snapshot->parent_id : std::nullopt;
  }
  return false;
}

std::string TableMetadata::MetadataDirectory() const {
  return Directory(*this, kPropertyMetadataPath, "metadata");
}

std::string TableMetadata::DataDirectory() const {
  return Directory(*this, kPropertyDataPath, "data");
}

namespace {

Status CheckDefaults(const TableMetadata& metadata) {
  const Schema* schema = metadata.FindSchema(metadata.current_schema_id);
  if (schema == nullptr) {
    return Missing("current schema", metadata.current_schema_id.ToString());
  }
  if (metadata.FindSpec(metadata.default_spec_id) == nullptr) {
    return Missing("default partition spec", metadata.default_spec_id.ToString());
  }
  // The unsorted order need not be written down.
  if (metadata.FindSortOrder(metadata.default_sort_order_id) == nullptr) {
    return Missing("default sort order", metadata.default_sort_order_id.ToString());
  }
  return Status::OK();
}

Status CheckCounters(const TableMetadata& metadata) {
  for (const Schema& schema : metadata.schemas) {
    FIRN_RETURN_IF_ERROR(CheckSchema(schema, metadata.format_version)
                             .With("schema " + schema.id.ToString()));
    if (schema.HighestFieldId() > metadata.last_column_id) {
      return Status::InvalidArgument("last column id " +
                                     metadata.last_column_id.ToString() +
                                     " is below a field's id");
    }
  }
  for (const PartitionSpec& spec : metadata.partition_specs) {
    if (!spec.fields.empty() && spec.HighestFieldId() > metadata.last_partition_id) {
      return Status::InvalidArgument("last partition id " +
                                     metadata.last_partition_id.ToString() +
                                     " is below a partition field's id");
    }
  }
  for (const Snapshot& snapshot : metadata.snapshots) {
    if (snapshot.sequence_number > metadata.last_sequence_number) {
      return Status::InvalidArgument("snapshot " + snapshot.id.ToString() +
                                     " has a sequence number above the last one, " +
                                     metadata.last_sequence_number.ToString());
    }
  }
  return Status::OK();
}

Status CheckFormatVersion(const TableMetadata& metadata) {
  const int version = metadata.format_version;
  if (version < 1 || version > kFormatVersionMax) {
    return Status::InvalidArgument("format version " + std::to_string(version) +
                                   " is not from 1 to " +
                                   std::to_string(kFormatVersionMax));
  }
  if (version >= 2 && metadata.table_uuid.empty()) {
    return Status::InvalidArgument("table uuid is empty");
  }
  if (version == 1 && metadata.last_sequence_number.value != 0) {
    return Status::InvalidArgument(
        "a table of format version 1 has no sequence numbers: upgrade it to version 2");
  }
  if (version < 3 && (metadata.next_row_id != 0 || !metadata.encryption_keys.empty())) {
    return Status::InvalidArgument("row ids and encryption keys need format version 3");
  }
  return Status::OK();
}

Status CheckRowLineage(const TableMetadata& metadata) {
  if (metadata.next_row_id < 0) return Status::InvalidArgument("next row id is negative");
  for (const Snapshot& snapshot : metadata.snapshots) {
    const std::int64_t first = snapshot.first_row_id.value_or(0);
    const std::int64_t added = snapshot.added_rows.value_or(0);
    const bool within = first >= 0 && added >= 0 && first <= metadata.next_row_id &&
                        added <= metadata.next_row_id - first;
    if (snapshot.first_row_id.has_value() && !within) {
      return Status::InvalidArgument("snapshot " + snapshot.id.ToString() +
                                     " has row ids that do not lie below the next one, " +
                                     std::to_string(metadata.next_row_id));
    }
  }
  return Status::OK();
}

Status CheckRefs(const TableMetadata& metadata) {
  std::unordered_set<SnapshotId> ids;
  for (const Snapshot& snapshot : metadata.snapshots) ids.insert(snapshot.id);
  if (metadata.current_snapshot_id && !ids.contains(*metadata.current_snapshot_id)) {
    return Missing("current snapshot", metadata.current_snapshot_id->ToString());
  }
  for (const auto& [name, ref] : metadata.refs) {
    if (!ids.contains(ref.snapshot_id)) {
      return Missing("snapshot", ref.snapshot_id.ToString()).With("ref " + name);
    }
  }
  const auto main = metadata.refs.find(std::string(kMainBranch));
  const auto main_id = main == metadata.refs.end()
                           ? std::optional<SnapshotId>()
                           : std::optional(main->second.snapshot_id);
  if (main_id != metadata.current_snapshot_id) {
    return Status::InvalidArgument("branch main is not the current snapshot");
  }
  return Status::OK();
}

}  // namespace

Status CheckTableMetadata(const TableMetadata& metadata) {
  FIRN_RETURN_IF_ERROR(CheckFormatVersion(metadata));
  if (metadata.location.empty()) return Status::InvalidArgument("location is empty");
  FIRN_RETURN_IF_ERROR(CheckUniqueIds(metadata.schemas, "schema"));
  FIRN_RETURN_IF_ERROR(CheckUniqueIds(metadata.partition_specs, "partition spec"));
  FIRN_RETURN_IF_ERROR(CheckUniqueIds(metadata.sort_orders, "sort order"));
  FIRN_RETURN_IF_ERROR(CheckUniqueIds(metadata.snapshots, "snapshot"));
  FIRN_RETURN_IF_ERROR(CheckDefaults(metadata));
  FIRN_RETURN_IF_ERROR(CheckCounters(metadata));
  FIRN_RETURN_IF_ERROR(CheckRowLineage(metadata));
  return CheckRefs(metadata);
}

}  // namespace firn::iceberg

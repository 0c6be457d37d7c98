// SPDX-License-Identifier: Apache-2.0
// table_metadata.h: all that one metadata file says of a table.
//
// A value, changed only by ApplyUpdates (apply_updates.h), which makes a new one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/time.h"
#include "iceberg/ids.h"
#include "iceberg/partition_spec.h"
#include "iceberg/schema.h"
#include "iceberg/snapshot.h"
#include "iceberg/sort_order.h"

namespace firn::iceberg {

// One change of the current snapshot.
struct SnapshotLogEntry {
  TimestampMs timestamp_ms = 0;
  SnapshotId snapshot_id;
  bool operator==(const SnapshotLogEntry&) const = default;
};

// One earlier metadata file.
struct MetadataLogEntry {
  TimestampMs timestamp_ms = 0;
  std::string metadata_file;
  bool operator==(const MetadataLogEntry&) const = default;
};

struct BlobMetadata {
  std::string type;
  SnapshotId snapshot_id;
  SequenceNumber sequence_number;
  std::vector<FieldId> fields;
  std::map<std::string, std::string> properties;
  bool operator==(const BlobMetadata&) const = default;
};

// A Puffin file of statistics of one snapshot.
struct StatisticsFile {
  SnapshotId snapshot_id;
  std::string statistics_path;
  std::int64_t file_size_bytes = 0;
  std::int64_t file_footer_size_bytes = 0;
  std::optional<std::string> key_metadata;  // Base64, as it was read.
  std::vector<BlobMetadata> blobs;
  bool operator==(const StatisticsFile&) const = default;
};

struct PartitionStatisticsFile {
  SnapshotId snapshot_id;
  std::string statistics_path;
  std::int64_t file_size_bytes = 0;
  bool operator==(const PartitionStatisticsFile&) const = default;
};

// A key of the table's encryption, as format version 3 keeps it. Not used here, and kept.
struct EncryptionKey {
  std::string key_id;
  std::string encrypted_key_metadata;  // Base64, as it was read.
  std::optional<std::string> encrypted_by_id;
  std::map<std::string, std::string> properties;
  bool operator==(const EncryptionKey&) const = default;
};

// Names of table properties that this room obeys.
inline constexpr char kPropertyPreviousVersionsMax[] =
    "write.metadata.previous-versions-max";
inline constexpr char kPropertyDeleteAfterCommit[] =
    "write.metadata.delete-after-commit.enabled";
inline constexpr char kPropertyMergeEnabled[] = "commit.manifest-merge.enabled";
inline constexpr char kPropertyMergeMinCount[] = "commit.manifest.min-count-to-merge";
inline constexpr char kPropertyManifestTargetSize[] = "commit.manifest.target-size-bytes";
inline constexpr char kPropertyRetries[] = "commit.retry.num-retries";
inline constexpr char kPropertyRetryMinWaitMs[] = "commit.retry.min-wait-ms";
inline constexpr char kPropertyRetryMaxWaitMs[] = "commit.retry.max-wait-ms";
inline constexpr char kPropertyRetryTotalMs[] = "commit.retry.total-timeout-ms";
inline constexpr char kPropertyMetadataPath[] = "write.metadata.path";
inline constexpr char kPropertyMetadataCompression[] = "write.metadata.compression-codec";
inline constexpr char kPropertyNameMapping[] = "schema.name-mapping.default";
inline constexpr char kPropertyDataPath[] = "write.data.path";
inline constexpr char kPropertySummaryPartitionLimit[] = "write.summary.partition-limit";
inline constexpr char kPropertyMaxSnapshotAgeMs[] = "history.expire.max-snapshot-age-ms";
inline constexpr char kPropertyMinSnapshotsToKeep[] =
    "history.expire.min-snapshots-to-keep";
inline constexpr char kPropertyMaxRefAgeMs[] = "history.expire.max-ref-age-ms";
// Of deletions; of rows that take the place of those with their keys (MERGE); of other
// rows that take the place of some (UPDATE).
inline constexpr char kPropertyDeleteIsolation[] = "write.delete.isolation-level";
inline constexpr char kPropertyMergeIsolation[] = "write.merge.isolation-level";
inline constexpr char kPropertyUpdateIsolation[] = "write.update.isolation-level";
inline constexpr char kPropertyGcEnabled[] = "gc.enabled";
// Iceberg has no word for this one: expire snapshots with the commits themselves.
inline constexpr char kPropertyExpireAfterCommit[] =
    "firn.history.expire-after-commit.enabled";

inline constexpr int kFormatVersionMax = 3;

struct TableMetadata {
  int format_version = 2;  // 1 to kFormatVersionMax.
  std::string table_uuid;  // May be empty in version 1.
  std::string location;
  SequenceNumber last_sequence_number;
  TimestampMs last_updated_ms = 0;
  FieldId last_column_id;
  std::vector<Schema> schemas;
  SchemaId current_schema_id;
  std::vector<PartitionSpec> partition_specs;
  SpecId default_spec_id;
  FieldId last_partition_id;
  std::vector<SortOrder> sort_orders;
  SortOrderId default_sort_order_id;
  std::map<std::string, std::string> properties;
  std::optional<SnapshotId> current_snapshot_id;
  std::vector<Snapshot> snapshots;
  std::vector<SnapshotLogEntry> snapshot_log;
  std::vector<MetadataLogEntry> metadata_log;  // Oldest first.
  std::map<std::string, SnapshotRef> refs;
  std::vector<StatisticsFile> statistics;
  std::vector<PartitionStatisticsFile> partition_statistics;
  // Of version 3: above every row id that was given out.
  std::int64_t next_row_id = 0;
  std::vector<EncryptionKey> encryption_keys;
  bool operator==(const TableMetadata&) const = default;

  // The three defaults exist in every TableMetadata that was parsed or built here.
  const Schema& current_schema() const;
  const PartitionSpec& default_spec() const;
  const SortOrder& default_sort_order() const;
  // Null where there is none.
  const Snapshot* current_snapshot() const;
  const Snapshot* FindSnapshot(SnapshotId id) const;
  const Schema* FindSchema(SchemaId id) const;
  const PartitionSpec* FindSpec(SpecId id) const;
  const SortOrder* FindSortOrder(SortOrderId id) const;
  // The schema that `snapshot` was written with, or the current one where it does not
  // say.
  const Schema& SchemaOf(const Snapshot& snapshot) const;
  // The field of that id in the current schema, or else in the newest that had one: a
  // column that was dropped. Null where none had.
  const NestedField* FindFieldEver(FieldId id) const;

  // Null where the property is not set. Valid until this metadata goes.
  const std::string* FindProperty(const std::string& key) const;
  // The property as a whole number; `otherwise` where it is absent or is none.
  std::int64_t PropertyCount(const std::string& key, std::int64_t otherwise) const;
  bool PropertyFlag(const std::string& key, bool otherwise) const;

  // Whether `ancestor` is `descendant` or one of its parents, as far as they are kept.
  bool IsAncestor(SnapshotId ancestor, SnapshotId descendant) const;

  // The directory of new metadata files and of new data files, without a final slash:
  // `<location>/metadata` and `<location>/data` unless properties say otherwise.
  std::string MetadataDirectory() const;
  std::string DataDirectory() const;
};

// What must be true of any table's metadata: defaults that exist, unique ids, refs that
// point at snapshots, main that is the current snapshot, counters not below what they
// count, and nothing that the format version does not have. InvalidArgument that names
// the first fault.
Status CheckTableMetadata(const TableMetadata& metadata);

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// manifest.h: the lists of files that snapshots are made of.
//
//   snapshot ── manifest list ──┬── manifest ──┬── data file
//                               │              └── data file
//                               └── manifest ───── data file
//
// A manifest holds files of one partition spec, a manifest list the summaries that let a
// scan skip a manifest unread. Both are immutable. Encodings: manifest_avro.h,
// manifest_list_avro.h.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "iceberg/data_file.h"
#include "iceberg/ids.h"
#include "iceberg/partition_spec.h"
#include "iceberg/schema.h"

namespace firn::iceberg {

enum class EntryStatus : std::uint8_t { kExisting = 0, kAdded = 1, kDeleted = 2 };

struct ManifestEntry {
  EntryStatus status = EntryStatus::kAdded;
  // Absent: inherited from the manifest list (InheritFrom). Entries that are not kAdded
  // always have all three.
  std::optional<SnapshotId> snapshot_id;
  std::optional<SequenceNumber> sequence_number;
  std::optional<SequenceNumber> file_sequence_number;
  DataFile data_file;
  bool operator==(const ManifestEntry&) const = default;
  bool is_live() const { return status != EntryStatus::kDeleted; }
};

enum class ManifestContent : std::uint8_t { kData = 0, kDeletes = 1 };

// What the head of a manifest says of all its entries.
struct ManifestHeader {
  Schema schema;
  PartitionSpec spec;
  ManifestContent content = ManifestContent::kData;
  int format_version = 2;
  bool operator==(const ManifestHeader&) const = default;
};

// What the partition values of a manifest's files are, for one field of its spec.
struct FieldSummary {
  bool contains_null = false;
  std::optional<bool> contains_nan;
  std::optional<std::string> lower_bound;  // SerializeValue; absent: all NULL or NaN.
  std::optional<std::string> upper_bound;
  bool operator==(const FieldSummary&) const = default;
};

// One manifest, as a manifest list names it.
struct ManifestFile {
  std::string manifest_path;
  std::int64_t manifest_length_bytes = 0;
  SpecId spec_id;
  ManifestContent content = ManifestContent::kData;
  SequenceNumber sequence_number;      // When the manifest was added.
  SequenceNumber min_sequence_number;  // Smallest of its live files.
  SnapshotId added_snapshot_id;
  // Of the counts where a list of version 1 leaves some out. ManifestIo counts then.
  static constexpr std::int32_t kCountUnknown = -1;
  std::int32_t added_files_count = 0;
  std::int32_t existing_files_count = 0;
  std::int32_t deleted_files_count = 0;
  std::int64_t added_rows_count = 0;
  std::int64_t existing_rows_count = 0;
  std::int64_t deleted_rows_count = 0;
  std::vector<FieldSummary> partitions;  // One for each field of the spec, or empty.
  std::optional<std::string> key_metadata;
  bool operator==(const ManifestFile&) const = default;

  bool has_live_files() const { return added_files_count + existing_files_count > 0; }
};

// Of which columns the metrics of files are wanted. Null: all. Passing over those of the
// others takes a third of the time.
using MetricsOf = std::set<FieldId>;

// Fill in what the entry leaves to its manifest. Corruption where an entry that is not
// kAdded lacks a number of its own.
Status InheritFrom(const ManifestFile& manifest, ManifestEntry* entry);

// Counts and partition summaries of `entries`; path, length and sequence numbers are left
// to the caller, but min_sequence_number is the smallest explicit one of the live entries
// (or `sequence_number` where one inherits).
// REQUIRES: every partition has as many values as the spec has fields.
ManifestFile SummarizeManifest(const ManifestHeader& header,
                               const std::vector<ManifestEntry>& entries,
                               SnapshotId snapshot_id, SequenceNumber sequence_number);

}  // namespace firn::iceberg

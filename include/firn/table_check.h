// SPDX-License-Identifier: Apache-2.0
// table_check.h: what a check of one Iceberg table found. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace firn {

enum class TableFaultKind : std::uint8_t {
  kMetadata,      // What the metadata file says excludes itself.
  kManifestList,  // Of a snapshot: missing, damaged, or not what the snapshot sums up.
  kManifest,      // Missing, damaged, or not what its list says of it.
  kMissingFile,   // A data or delete file that a snapshot names is not there.
  kFile,          // It is there and is not what it ought to be: its size, or no Parquet.
  kRowCount,      // It has another number of rows than its manifest says.
  kMetrics,       // Its manifest's counts or bounds exclude values that it has: a reader
                  // that trusts them would lose rows.
  kPartition,     // It has values that belong to another partition.
  kContent,       // What a check of the file itself found (file_check.h).
};
// "metadata", "manifest list", "manifest", "missing file", "file", "row count",
// "metrics", "partition", "content".
std::string_view TableFaultKindName(TableFaultKind kind);

struct TableFault {
  TableFaultKind kind = TableFaultKind::kMetadata;
  std::string location;  // Of the metadata file, list, manifest or file.
  std::string column;    // Its name, or a partition field's; or empty.
  std::string found;     // What is there.
  std::string expected;  // What ought to be, where that can be said.
  bool operator==(const TableFault&) const = default;
};
// One line: `LOCATION: column a.b: metrics: FOUND, expected EXPECTED`.
std::string ToString(const TableFault& fault);

struct TableCheck {
  std::string table;
  std::string metadata_location;
  std::int64_t snapshots = 0;
  std::int64_t manifests = 0;
  std::int64_t files = 0;         // Data files, each once however many snapshots have it.
  std::int64_t delete_files = 0;  // Likewise.
  std::int64_t rows = 0;          // Of the data files.
  std::int64_t bytes_read = 0;    // Of data and delete files.
  std::vector<TableFault> faults;
  bool more_faults = false;  // There were more than are kept.

  bool sound() const { return faults.empty(); }
};

struct TableCheckOptions {
  // Also read every Parquet file from front to back: pages, checksums, statistics, page
  // indexes and bloom filters. Otherwise footers are what is read of files.
  bool content = false;
  std::size_t faults_max = 1000;
  // Called now and then with the share that is done, in [0, 1]. May be empty.
  std::function<void(double)> on_progress;
};

}  // namespace firn

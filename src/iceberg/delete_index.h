// SPDX-License-Identifier: Apache-2.0
// delete_index.h: which delete files apply to a data file (the specification's "Scan
// Planning").
//
//   deletion vector    names the file; data number <= its number; it stands for every
//                      position delete of the file
//   position deletes   same partition, or the file is the only one named;
//                      data number <= its number
//   equality deletes   same partition, or of an unpartitioned spec;
//                      data number < its number
//
// A delete file that surely names other files only, by its bounds of paths or of equality
// columns, is left out.
//
// 1. Add every delete file of the snapshot.
// 2. Finish sorts those of each partition by sequence number.
// 3. Find looks up the path and the partition: what is older is never looked at.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/budget.h"
#include "firn/status.h"
#include "iceberg/manifest.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// The ids that Iceberg reserves for the columns of position deletes.
inline constexpr FieldId kDeletedFilePath{2147483546};
inline constexpr FieldId kDeletedPosition{2147483545};

struct DeleteFile {
  DataFile file;
  SequenceNumber sequence_number;
  std::size_t index = 0;  // Among those of the plan.
  // Of equality deletes: equal for those that hold in one partition, empty for those that
  // hold everywhere.
  std::string scope;
  // Of position deletes: they are of one data file alone.
  bool is_of_one_file = false;
  bool is_vector() const { return file.file_format == FileFormat::kPuffin; }
};
using DeleteFilePtr = std::shared_ptr<const DeleteFile>;

// Thread-compatible while it is filled, thread-safe afterwards.
class DeleteIndex {
 public:
  // `metadata` must outlive it. Memory is drawn on `budget`, which may be null.
  DeleteIndex(const TableMetadata& metadata, base::ByteBudget* budget);

  // Corruption that names the file where an equality delete has no columns, a deletion
  // vector does not say where it lies or of which file it is, or a data file has two;
  // ResourceExhausted where the budget is.
  Status Add(ManifestEntry&& entry);
  void Finish();

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }

  // The columns whose metrics Find() asks data files for.
  const MetricsOf& metrics_of() const { return metrics_of_; }

  // All equality delete files.
  std::vector<DeleteFilePtr> equalities() const;

  // What applies to a data file, a deletion vector first. REQUIRES: Finish() was called,
  // and the entry has inherited its numbers.
  std::vector<DeleteFilePtr> Find(const ManifestEntry& data) const;

 private:
  using BySequence = std::vector<DeleteFilePtr>;

  Status AddVector(DeleteFilePtr file);
  bool MayEqual(const DataFile& deletes, const DataFile& data) const;
  bool IsUnpartitioned(SpecId id) const;

  const TableMetadata& metadata_;
  base::ByteBudget* const budget_;
  base::ByteReservation memory_;
  bool has_memory_ = false;
  std::size_t count_ = 0;
  MetricsOf metrics_of_;
  std::unordered_map<std::string, DeleteFilePtr> vectors_;       // By data file.
  std::unordered_map<std::string, BySequence> of_file_;          // Likewise.
  std::unordered_map<std::string, BySequence> of_partition_;     // By PartitionKeyOf.
  std::unordered_map<std::string, BySequence> equal_partition_;  // Likewise.
  BySequence equal_everywhere_;
};

}  // namespace firn::iceberg

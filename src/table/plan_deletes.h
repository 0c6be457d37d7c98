// SPDX-License-Identifier: Apache-2.0
// plan_deletes.h: what the delete files of one plan say, each read once.
//
//   positions   of a data file: its deletion vector, or else what all position delete
//               files that apply say of it; kept for the file's other splits, and let go
//               with the last of them
//   shared      a position delete file about several data files is read when the first of
//               them asks, and what it says of each is kept until the plan goes
//   equality    a set of rows for the delete files of one partition that compare the same
//               columns, shared by all data files that some of them apply to; likewise
//
// All of it draws on the context's budget.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/budget.h"
#include "base/context.h"
#include "firn/status.h"
#include "iceberg/plan_stream.h"
#include "table/equality_set.h"
#include "table/position_set.h"
#include "table/projected_file.h"
#include "table/scan_environment.h"
#include "table/scan_total.h"

namespace firn::table {

// A data file of a plan, and what is kept for its splits. It goes with the last of them.
class PlannedTask {
 public:
  explicit PlannedTask(iceberg::ScanTask task) : task_(std::move(task)) {}
  const iceberg::ScanTask& task() const { return task_; }

 private:
  friend class PlanDeletes;
  using Positions = std::shared_ptr<const PositionSet>;

  const iceberg::ScanTask task_;
  std::mutex mutex_;
  // Both below: guarded by mutex_.
  std::optional<Result<Positions>> positions_;
  base::ByteReservation memory_;  // Of what only this file's positions take.
};

// Thread-safe. An error is kept as well: who asks again gets it again.
class PlanDeletes {
 public:
  // What is referred to must outlive it.
  PlanDeletes(const base::Context& context, const ScanEnvironment& environment,
              const NameMappings& mappings, const iceberg::TableMetadata& metadata,
              std::shared_ptr<ScanTotal> total);

  // Who may ask: every task of the plan, where all are known, so that nothing is read
  // that is of none of them; or else whatever the index has deletes for. REQUIRES: before
  // anything is asked.
  void Expect(const iceberg::ScanTask& task);
  void ExpectAny(const iceberg::DeleteIndex& index);

  // The deleted rows of the data file; null where it has none. Errors name the delete
  // file: what opening it says; Corruption for a position that is NULL, negative, or
  // beyond the data file's rows; ResourceExhausted where the budget is. The set is
  // accounted for as long as `task` is there.
  Result<std::shared_ptr<const PositionSet>> PositionsOf(PlannedTask& task);

  // The sets that equality delete files of the task are in, and the columns they compare.
  // Errors are those of EqualitySet::Load.
  struct Equality {
    const std::vector<iceberg::FieldId>* ids = nullptr;
    const EqualitySet* rows = nullptr;
  };
  Result<std::vector<Equality>> EqualitiesOf(const iceberg::ScanTask& task);

 private:
  // One thing that is made once, by whoever asks first. The others wait.
  template <typename T>
  struct Once {
    std::mutex mutex;
    std::optional<Result<T>> made;
    template <typename Make>
    const Result<T>& Get(const Make& make) {
      const std::lock_guard lock(mutex);
      if (!made) made.emplace(make());
      return *made;
    }
  };
  using SharedSet = std::shared_ptr<PositionSet>;
  using SetsByFile = std::unordered_map<std::string, SharedSet>;
  struct PositionFile {
    std::vector<std::string> data_files;  // That are asked about. Empty: any may be.
    Once<SetsByFile> sets;
  };
  using GrowMemory = std::function<Status(std::int64_t bytes)>;
  // The columns that files compare, and where.
  using EqualityKey = std::pair<std::vector<iceberg::FieldId>, std::string>;
  struct EqualityFiles {
    std::map<std::size_t, iceberg::DeleteFilePtr> files;  // By place in the index.
    Once<std::unique_ptr<const EqualitySet>> rows;
  };

  void ExpectEquality(const iceberg::DeleteFilePtr& file);
  Result<std::shared_ptr<const PositionSet>> Gather(const iceberg::ScanTask& task,
                                                    const GrowMemory& grow);
  // What a position delete file, or a vector, says of the task's data file; null:
  // nothing.
  Result<SharedSet> SetOf(const iceberg::ScanTask& task, const iceberg::DeleteFile& file,
                          const GrowMemory& grow);
  Result<SharedSet> ReadVector(const iceberg::DeleteFile& file, const GrowMemory& grow);
  Result<SetsByFile> ReadPositions(const iceberg::DeleteFile& file,
                                   const std::vector<std::string>& data_files,
                                   const GrowMemory& grow);
  Status CheckPositions(const iceberg::ScanTask& task, const iceberg::DeleteFile& file,
                        const PositionSet& set) const;
  PositionFile& SharedFile(const iceberg::DeleteFile& file);
  Status GrowShared(std::int64_t bytes);

  const base::Context& context_;
  const ScanEnvironment& environment_;
  const NameMappings& mappings_;
  const NameMappings position_mappings_;
  const iceberg::TableMetadata& metadata_;
  const std::shared_ptr<ScanTotal> total_;
  std::map<EqualityKey, EqualityFiles> equalities_;  // Filled before anything is asked.

  std::mutex mutex_;
  // Both below: guarded by mutex_. Files stay where they are.
  std::map<std::size_t, PositionFile> position_files_;  // By place in the index.
  base::ByteReservation memory_;                        // Of their sets.
};

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
// plan_deletes.h: what the delete files of one plan say, each read once.
//
//   positions   of a data file: its deletion vector, or else what all position delete
//               files that apply say of it; kept for the file's other splits
//   equality    a set of rows for the delete files of one partition that compare the same
//               columns, shared by all data files that some of them apply to
//
// A position delete file is often about many data files: it is read whole when the first
// of them asks, and what it says of each planned one is kept apart. All is kept until the
// plan goes, on the context's budget.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/budget.h"
#include "base/context.h"
#include "firn/status.h"
#include "iceberg/plan.h"
#include "table/equality_set.h"
#include "table/position_set.h"
#include "table/projected_file.h"
#include "table/scan_environment.h"
#include "table/scan_total.h"

namespace firn::table {

// Thread-safe. An error is kept as well: who asks again gets it again.
class PlanDeletes {
 public:
  // What is referred to must outlive it; `tasks` are all of the plan's.
  PlanDeletes(const base::Context& context, const ScanEnvironment& environment,
              const NameMappings& mappings, const iceberg::TableMetadata& metadata,
              const std::vector<iceberg::ScanTask>& tasks,
              std::shared_ptr<ScanTotal> total);

  // The deleted rows of the data file of tasks[task]; null where it has none. Errors name
  // the delete file: what opening it says; Corruption for a position that is NULL,
  // negative, or beyond the data file's rows; ResourceExhausted where the budget is.
  Result<std::shared_ptr<const PositionSet>> PositionsOf(std::size_t task);

  // The sets that equality delete files of tasks[task] are in, and the columns they
  // compare. Errors are those of EqualitySet::Load.
  struct Equality {
    const std::vector<iceberg::FieldId>* ids = nullptr;
    const EqualitySet* rows = nullptr;
  };
  Result<std::vector<Equality>> EqualitiesOf(std::size_t task);

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
    std::vector<const std::string*> data_files;  // That it applies to.
    Once<SetsByFile> sets;
  };
  // The columns that files compare, and where.
  using EqualityKey = std::pair<std::vector<iceberg::FieldId>, std::string>;
  struct EqualityFiles {
    std::map<std::size_t, iceberg::DeleteFilePtr> files;  // By place in the index.
    Once<std::unique_ptr<const EqualitySet>> rows;
  };

  Result<std::shared_ptr<const PositionSet>> Gather(const iceberg::ScanTask& task);
  Result<SharedSet> ReadVector(const iceberg::DeleteFile& file);
  Result<SetsByFile> ReadPositions(const iceberg::DeleteFile& file,
                                   const std::vector<const std::string*>& data_files);
  Status CheckPositions(const iceberg::ScanTask& task, const iceberg::DeleteFile& file,
                        const PositionSet& set) const;
  Status Grow(std::int64_t bytes);

  const base::Context& context_;
  const ScanEnvironment& environment_;
  const NameMappings& mappings_;
  const NameMappings position_mappings_;
  const iceberg::TableMetadata& metadata_;
  const std::vector<iceberg::ScanTask>& tasks_;
  const std::shared_ptr<ScanTotal> total_;

  std::vector<std::unique_ptr<Once<std::shared_ptr<const PositionSet>>>> positions_;
  // By the delete file's place in the planner's index. Filled at once: no one is added.
  std::map<std::size_t, PositionFile> position_files_;
  std::map<EqualityKey, EqualityFiles> equalities_;

  std::mutex memory_mutex_;
  base::ByteReservation memory_;  // Of the position sets.
};

}  // namespace firn::table

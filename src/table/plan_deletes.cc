// SPDX-License-Identifier: Apache-2.0
#include "table/plan_deletes.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "table/deletion_vector.h"

namespace firn::table {
namespace {

constexpr char kPathName[] = "file_path";
constexpr char kPositionName[] = "pos";
// Named one by one, more data files make a predicate that costs more than it saves.
constexpr std::size_t kPathsInPredicate = 64;

// The two columns of position delete files; that of the deleted rows is not read.
std::vector<iceberg::NestedField> PositionFields() {
  return {{iceberg::kDeletedFilePath, kPathName, true, iceberg::kString, ""},
          {iceberg::kDeletedPosition, kPositionName, true, iceberg::kLong, ""}};
}

iceberg::NameMapping PositionMapping() {
  iceberg::Schema schema;
  schema.root.fields = PositionFields();
  return iceberg::MakeNameMapping(schema);
}

std::string NameOf(const iceberg::DeleteFile& file) {
  return (file.is_vector() ? "deletion vector in " : "position delete file ") +
         file.file.file_path;
}

bool IsEquality(const iceberg::DeleteFile& file) {
  return file.file.content == iceberg::FileContent::kEqualityDeletes;
}

}  // namespace

PlanDeletes::PlanDeletes(const base::Context& context, const ScanEnvironment& environment,
                         const NameMappings& mappings,
                         const iceberg::TableMetadata& metadata,
                         const std::vector<iceberg::ScanTask>& tasks,
                         std::shared_ptr<ScanTotal> total)
    : context_(context),
      environment_(environment),
      mappings_(mappings),
      position_mappings_(PositionMapping()),
      metadata_(metadata),
      tasks_(tasks),
      total_(std::move(total)) {
  for (const iceberg::ScanTask& task : tasks) {
    positions_.push_back(
        task.deletes.empty()
            ? nullptr
            : std::make_unique<Once<std::shared_ptr<const PositionSet>>>());
    for (const iceberg::DeleteFilePtr& file : task.deletes) {
      if (IsEquality(*file)) {
        equalities_[{file->file.equality_ids, file->scope}].files.emplace(file->index,
                                                                          file);
      } else if (!file->is_vector()) {
        position_files_[file->index].data_files.push_back(&task.file.file_path);
      }
    }
  }
}

Result<std::shared_ptr<const PositionSet>> PlanDeletes::PositionsOf(std::size_t task) {
  FIRN_ASSERT(task < tasks_.size());
  if (positions_[task] == nullptr) return std::shared_ptr<const PositionSet>();
  return positions_[task]->Get([&] { return Gather(tasks_[task]); });
}

Result<std::vector<PlanDeletes::Equality>> PlanDeletes::EqualitiesOf(std::size_t task) {
  FIRN_ASSERT(task < tasks_.size());
  std::vector<Equality> equalities;
  std::set<const EqualityFiles*> seen;
  for (const iceberg::DeleteFilePtr& file : tasks_[task].deletes) {
    if (!IsEquality(*file)) continue;
    const auto at = equalities_.find({file->file.equality_ids, file->scope});
    FIRN_ASSERT(at != equalities_.end());
    if (!seen.insert(&at->second).second) continue;
    const auto& rows = at->second.rows.Get([&] {
      std::vector<iceberg::DeleteFilePtr> files;
      for (const auto& [index, one] : at->second.files) files.push_back(one);
      return EqualitySet::Load(context_, environment_, mappings_, metadata_, files,
                               total_);
    });
    FIRN_RETURN_IF_ERROR(rows.status());
    equalities.push_back({&at->first.first, rows->get()});
  }
  return equalities;
}

Status PlanDeletes::Grow(std::int64_t bytes) {
  const std::lock_guard lock(memory_mutex_);
  if (memory_.bytes() == 0) {
    FIRN_ASSIGN_OR_RETURN(memory_, base::ByteReservation::Make(context_.budget(), 0));
  }
  return memory_.Grow(bytes);
}

Result<std::shared_ptr<const PositionSet>> PlanDeletes::Gather(
    const iceberg::ScanTask& task) {
  std::vector<SharedSet> sets;
  for (const iceberg::DeleteFilePtr& file : task.deletes) {
    if (IsEquality(*file)) continue;
    SharedSet set;
    if (file->is_vector()) {
      FIRN_ASSIGN_OR_RETURN(set, ReadVector(*file));
    } else {
      PositionFile& positions = position_files_.at(file->index);
      const auto& by_file =
          positions.sets.Get([&] { return ReadPositions(*file, positions.data_files); });
      FIRN_RETURN_IF_ERROR(by_file.status());
      const auto found = by_file->find(task.file.file_path);
      if (found == by_file->end()) continue;
      set = found->second;
    }
    FIRN_RETURN_IF_ERROR(CheckPositions(task, *file, *set));
    sets.push_back(std::move(set));
  }
  if (sets.empty()) return std::shared_ptr<const PositionSet>();
  if (sets.size() == 1) return sets.front();
  auto all = std::make_shared<PositionSet>();
  for (const SharedSet& set : sets) all->AddAll(*set);
  FIRN_RETURN_IF_ERROR(
      Grow(all->memory_bytes()).With("deletes of " + task.file.file_path));
  return all;
}

Status PlanDeletes::CheckPositions(const iceberg::ScanTask& task,
                                   const iceberg::DeleteFile& file,
                                   const PositionSet& set) const {
  const auto last = set.last();
  if (!last || *last < task.file.record_count) return Status::OK();
  return Status::Corruption(NameOf(file) + " deletes row " + std::to_string(*last) +
                            " of " + task.file.file_path + ", which has " +
                            std::to_string(task.file.record_count));
}

Result<PlanDeletes::SharedSet> PlanDeletes::ReadVector(const iceberg::DeleteFile& file) {
  FIRN_ASSIGN_OR_RETURN(
      PositionSet set,
      ReadDeletionVector(context_, environment_.store, file,
                         [this](std::int64_t bytes) { return Grow(bytes); }));
  scan::ScanStats read;
  read.requests = 1;
  read.bytes_read = *file.file.content_size_bytes;
  total_->Add(read);
  return std::make_shared<PositionSet>(std::move(set));
}

Result<PlanDeletes::SetsByFile> PlanDeletes::ReadPositions(
    const iceberg::DeleteFile& file, const std::vector<const std::string*>& data_files) {
  SetsByFile sets;
  for (const std::string* path : data_files) {
    sets.emplace(*path, std::make_shared<PositionSet>());
  }
  ProjectedRead read;
  read.columns = PositionFields();
  read.needs_all_columns = true;
  if (data_files.size() <= kPathsInPredicate) {
    expr::In in{kPathName, {}};
    for (const std::string* path : data_files) in.literals.emplace_back(*path);
    read.predicate = expr::MakePredicate(std::move(in));
    read.predicate_fields = {{kPathName, iceberg::kDeletedFilePath}};
  }
  FIRN_ASSIGN_OR_RETURN(const auto stream,
                        OpenProjected(context_, environment_, position_mappings_,
                                      file.file, nullptr, read, total_));
  const std::string what = NameOf(file);
  while (true) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
    if (batch == nullptr) break;
    const auto& paths = static_cast<const arrow::StringArray&>(*batch->column(0));
    const auto& positions = static_cast<const arrow::Int64Array&>(*batch->column(1));
    if (paths.null_count() > 0 || positions.null_count() > 0) {
      return Status::Corruption(what + " has a NULL for a path or a position");
    }
    std::int64_t grown = 0;
    auto at = sets.end();
    for (std::int64_t row = 0; row < batch->num_rows(); ++row) {
      const std::string_view path = paths.GetView(row);
      // Rows are sorted by path: the last one's set is the next one's, nearly always.
      if (at == sets.end() || at->first != path) at = sets.find(std::string(path));
      if (at == sets.end()) continue;
      if (positions.Value(row) < 0) {
        return Status::Corruption(what + " deletes row " +
                                  std::to_string(positions.Value(row)) + " of " +
                                  at->first);
      }
      const std::int64_t before = at->second->memory_bytes();
      at->second->Add(positions.Value(row));
      grown += at->second->memory_bytes() - before;
    }
    FIRN_RETURN_IF_ERROR(Grow(std::max<std::int64_t>(0, grown)).With(what));
  }
  return sets;
}

}  // namespace firn::table

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
// About what a data file's set takes beside its path and its positions.
constexpr std::int64_t kSetBytes = 200;

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

Status Grow(const base::Context& context, std::int64_t bytes,
            base::ByteReservation* memory) {
  if (memory->bytes() == 0) {
    FIRN_ASSIGN_OR_RETURN(*memory, base::ByteReservation::Make(context.budget(), 0));
  }
  return memory->Grow(bytes);
}

}  // namespace

PlanDeletes::PlanDeletes(const base::Context& context, const ScanEnvironment& environment,
                         const NameMappings& mappings,
                         const iceberg::TableMetadata& metadata,
                         std::shared_ptr<ScanTotal> total)
    : context_(context),
      environment_(environment),
      mappings_(mappings),
      position_mappings_(PositionMapping()),
      metadata_(metadata),
      total_(std::move(total)) {}

void PlanDeletes::Expect(const iceberg::ScanTask& task) {
  for (const iceberg::DeleteFilePtr& file : task.deletes) {
    if (IsEquality(*file)) {
      ExpectEquality(file);
    } else if (!file->is_of_one_file) {
      SharedFile(*file).data_files.push_back(task.file.file_path);
    }
  }
}

void PlanDeletes::ExpectAny(const iceberg::DeleteIndex& index) {
  for (const iceberg::DeleteFilePtr& file : index.equalities()) ExpectEquality(file);
}

void PlanDeletes::ExpectEquality(const iceberg::DeleteFilePtr& file) {
  equalities_[{file->file.equality_ids, file->scope}].files.emplace(file->index, file);
}

Result<std::shared_ptr<const PositionSet>> PlanDeletes::PositionsOf(PlannedTask& task) {
  if (task.task_.deletes.empty()) return std::shared_ptr<const PositionSet>();
  const std::lock_guard lock(task.mutex_);
  if (!task.positions_) {
    task.positions_.emplace(Gather(task.task_, [&](std::int64_t bytes) {
      return Grow(context_, bytes, &task.memory_);
    }));
  }
  return *task.positions_;
}

Result<std::vector<PlanDeletes::Equality>> PlanDeletes::EqualitiesOf(
    const iceberg::ScanTask& task) {
  std::vector<Equality> equalities;
  std::set<const EqualityFiles*> seen;
  for (const iceberg::DeleteFilePtr& file : task.deletes) {
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

PlanDeletes::PositionFile& PlanDeletes::SharedFile(const iceberg::DeleteFile& file) {
  const std::lock_guard lock(mutex_);
  return position_files_[file.index];
}

Status PlanDeletes::GrowShared(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  return Grow(context_, bytes, &memory_);
}

Result<PlanDeletes::SharedSet> PlanDeletes::SetOf(const iceberg::ScanTask& task,
                                                  const iceberg::DeleteFile& file,
                                                  const GrowMemory& grow) {
  if (file.is_vector()) return ReadVector(file, grow);
  const std::string& path = task.file.file_path;
  if (file.is_of_one_file) {
    FIRN_ASSIGN_OR_RETURN(const SetsByFile sets, ReadPositions(file, {path}, grow));
    return sets.at(path);
  }
  PositionFile& shared = SharedFile(file);
  const auto& sets = shared.sets.Get([&] {
    return ReadPositions(file, shared.data_files,
                         [this](std::int64_t bytes) { return GrowShared(bytes); });
  });
  FIRN_RETURN_IF_ERROR(sets.status());
  const auto found = sets->find(path);
  return found == sets->end() ? nullptr : found->second;
}

Result<std::shared_ptr<const PositionSet>> PlanDeletes::Gather(
    const iceberg::ScanTask& task, const GrowMemory& grow) {
  std::vector<SharedSet> sets;
  for (const iceberg::DeleteFilePtr& file : task.deletes) {
    if (IsEquality(*file)) continue;
    FIRN_ASSIGN_OR_RETURN(SharedSet set, SetOf(task, *file, grow));
    if (set == nullptr) continue;
    FIRN_RETURN_IF_ERROR(CheckPositions(task, *file, *set));
    sets.push_back(std::move(set));
  }
  if (sets.empty()) return std::shared_ptr<const PositionSet>();
  if (sets.size() == 1) return sets.front();
  auto all = std::make_shared<PositionSet>();
  for (const SharedSet& set : sets) all->AddAll(*set);
  FIRN_RETURN_IF_ERROR(
      grow(all->memory_bytes()).With("deletes of " + task.file.file_path));
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

Result<PlanDeletes::SharedSet> PlanDeletes::ReadVector(const iceberg::DeleteFile& file,
                                                       const GrowMemory& grow) {
  FIRN_ASSIGN_OR_RETURN(PositionSet set,
                        ReadDeletionVector(context_, environment_.store, file, grow));
  scan::ScanStats read;
  read.requests = 1;
  read.bytes_read = *file.file.content_size_bytes;
  total_->Add(read);
  return std::make_shared<PositionSet>(std::move(set));
}

Result<PlanDeletes::SetsByFile> PlanDeletes::ReadPositions(
    const iceberg::DeleteFile& file, const std::vector<std::string>& data_files,
    const GrowMemory& grow) {
  const bool any = data_files.empty();
  SetsByFile sets;
  for (const std::string& path : data_files) {
    sets.emplace(path, std::make_shared<PositionSet>());
  }
  ProjectedRead read;
  read.columns = PositionFields();
  read.needs_all_columns = true;
  if (!any && data_files.size() <= kPathsInPredicate) {
    expr::In in{kPathName, {}};
    for (const std::string& path : data_files) in.literals.emplace_back(path);
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
      if (at == sets.end() || at->first != path) {
        at = sets.find(std::string(path));
        if (at == sets.end() && any) {
          at = sets.emplace(path, std::make_shared<PositionSet>()).first;
          grown += static_cast<std::int64_t>(path.size()) + kSetBytes;
        }
      }
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
    FIRN_RETURN_IF_ERROR(grow(std::max<std::int64_t>(0, grown)).With(what));
  }
  return sets;
}

}  // namespace firn::table

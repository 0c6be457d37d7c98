// SPDX-License-Identifier: Apache-2.0
#include "table/compaction_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "iceberg/new_snapshot.h"
#include "iceberg/partition_order.h"

namespace firn::table {
namespace {

using iceberg::DataFile;
using iceberg::ScanTask;
using iceberg::TableMetadata;

constexpr char kPropertyTargetFileSize[] = "write.target-file-size-bytes";
constexpr std::int64_t kTargetFileBytesDefault = std::int64_t{512} << 20;

// By spec, and by partition where the spec is the default one.
using Partitions = std::map<iceberg::PartitionKey, std::vector<ScanTask>>;

void DropMetrics(DataFile* file) {
  file->column_sizes.clear();
  file->value_counts.clear();
  file->null_value_counts.clear();
  file->nan_value_counts.clear();
  file->lower_bounds.clear();
  file->upper_bounds.clear();
  file->split_offsets.clear();
}

// How many files of about the target size `bytes` are written as. A rest that is too
// small for a file of its own is spread over the others.
std::int64_t OutputCount(std::int64_t bytes, const CompactionSizes& sizes) {
  if (bytes <= sizes.target_bytes) return 1;
  const std::int64_t below = bytes / sizes.target_bytes;
  const std::int64_t rest = bytes % sizes.target_bytes;
  if (rest > sizes.min_bytes) return below + 1;
  const std::int64_t spread_max = sizes.target_bytes + sizes.target_bytes / 10;
  return bytes / below <= std::min(spread_max, sizes.max_bytes) ? below : below + 1;
}

std::int64_t OutputTarget(std::int64_t bytes, const CompactionSizes& sizes) {
  const std::int64_t count = OutputCount(bytes, sizes);
  if (count == 1) return sizes.max_bytes;
  // A little more than its share, for what is written is not the size of what was read.
  const std::int64_t share = (bytes + count - 1) / count;
  return std::min(share + share / 20, sizes.max_bytes);
}

// Whether rows of a file may have been deleted after it was added. What is written anew
// is as new as the deletes that it folds in, and deletes of whole partitions seem to
// apply to it still: they are no reason to do it again.
bool HasLaterDeletes(const ScanTask& task) {
  return std::any_of(task.deletes.begin(), task.deletes.end(), [&](const auto& deletes) {
    return deletes->sequence_number > task.sequence_number;
  });
}

class Grouper {
 public:
  Grouper(const CompactionOptions& options, const CompactionSizes& sizes,
          iceberg::SpecId default_spec)
      : options_(options), sizes_(sizes), default_spec_(default_spec) {}

  bool IsCandidate(const ScanTask& task) const {
    const DataFile& file = task.file;
    if (file.file_format != iceberg::FileFormat::kParquet || file.key_metadata) {
      return false;
    }
    return options_.rewrite_all || !task.deletes.empty() ||
           file.spec_id != default_spec_ || file.file_size_bytes < sizes_.min_bytes ||
           file.file_size_bytes > sizes_.max_bytes;
  }

  std::vector<CompactionGroup> Group(Partitions partitions) const {
    std::vector<CompactionGroup> groups;
    for (auto& [partition, candidates] : partitions) {
      std::stable_sort(candidates.begin(), candidates.end(),
                       [](const ScanTask& a, const ScanTask& b) {
                         return a.sequence_number < b.sequence_number;
                       });
      CompactionGroup group;
      for (ScanTask& candidate : candidates) {
        const std::int64_t bytes = candidate.file.file_size_bytes;
        if (!group.tasks.empty() && group.bytes + bytes > options_.group_bytes_max) {
          Take(std::exchange(group, {}), &groups);
        }
        group.bytes += bytes;
        group.rows += candidate.file.record_count;
        group.has_deletes |= !candidate.deletes.empty();
        group.tasks.push_back(std::move(candidate));
      }
      if (!group.tasks.empty()) Take(std::move(group), &groups);
    }
    return groups;
  }

 private:
  void Take(CompactionGroup group, std::vector<CompactionGroup>* groups) const {
    const std::int64_t count = std::ssize(group.tasks);
    const bool is_old = group.tasks.front().file.spec_id != default_spec_;
    const bool enough =
        count >= options_.input_files_min || group.bytes > sizes_.target_bytes;
    const bool folds =
        std::any_of(group.tasks.begin(), group.tasks.end(), HasLaterDeletes);
    if (!options_.rewrite_all && !is_old && !folds && !(count > 1 && enough) &&
        group.bytes <= sizes_.max_bytes) {
      return;
    }
    group.file_bytes_target = OutputTarget(group.bytes, sizes_);
    groups->push_back(std::move(group));
  }

  const CompactionOptions& options_;
  const CompactionSizes& sizes_;
  const iceberg::SpecId default_spec_;
};

}  // namespace

Result<CompactionSizes> SizesOf(const CompactionOptions& options,
                                const TableMetadata& metadata) {
  CompactionSizes sizes;
  sizes.target_bytes = options.target_file_bytes.value_or(
      std::min(metadata.PropertyCount(kPropertyTargetFileSize, kTargetFileBytesDefault),
               options.output_bytes_max / 9 * 5));
  sizes.min_bytes = options.file_bytes_min.value_or(sizes.target_bytes / 4 * 3);
  sizes.max_bytes = options.file_bytes_max.value_or(sizes.target_bytes / 5 * 9);
  if (sizes.min_bytes < 0 || sizes.target_bytes <= sizes.min_bytes ||
      sizes.max_bytes <= sizes.target_bytes) {
    return Status::InvalidArgument(
        "sizes of files of " + std::to_string(sizes.min_bytes) + ", " +
        std::to_string(sizes.target_bytes) + " and " + std::to_string(sizes.max_bytes) +
        " bytes: they must ascend from minimum to target to maximum");
  }
  if (options.input_files_min < 1 || options.group_bytes_max < 1) {
    return Status::InvalidArgument("a group has a file and a byte at least");
  }
  return sizes;
}

Result<CompactionPlan> PlanCompaction(const base::Context& context,
                                      const iceberg::ManifestIo& manifests,
                                      const TableMetadata& metadata,
                                      const CompactionOptions& options) {
  FIRN_ASSIGN_OR_RETURN(const CompactionSizes sizes, SizesOf(options, metadata));
  FIRN_RETURN_IF_ERROR(iceberg::CheckFilesAreWritable(metadata));
  CompactionPlan plan;
  const iceberg::Snapshot* snapshot = metadata.current_snapshot();
  if (snapshot == nullptr) return plan;
  plan.planned_on = snapshot->id;
  plan.sequence_number = snapshot->sequence_number;
  const Grouper grouper(options, sizes, metadata.default_spec_id);
  Partitions partitions;
  std::int64_t candidates = 0;
  FIRN_ASSIGN_OR_RETURN(
      const iceberg::PlanStats stats,
      iceberg::PlanFiles(context, manifests, metadata, *snapshot,
                         metadata.current_schema(), nullptr, [&](ScanTask&& task) {
                           if (candidates == options.candidates_max ||
                               !grouper.IsCandidate(task)) {
                             return Status::OK();
                           }
                           ++candidates;
                           DropMetrics(&task.file);
                           iceberg::PartitionKey key{task.file.spec_id, {}};
                           if (key.spec_id == metadata.default_spec_id) {
                             key.values = task.file.partition;
                           }
                           partitions[std::move(key)].push_back(std::move(task));
                           return Status::OK();
                         }));
  plan.files = stats.files_planned;
  plan.groups = grouper.Group(std::move(partitions));
  return plan;
}

}  // namespace firn::table

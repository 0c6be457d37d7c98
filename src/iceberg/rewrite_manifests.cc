// SPDX-License-Identifier: Apache-2.0
#include "iceberg/rewrite_manifests.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "base/assert.h"
#include "iceberg/history.h"
#include "iceberg/manifest_merge.h"
#include "iceberg/new_snapshot.h"
#include "iceberg/partition_order.h"
#include "iceberg/ref_actions.h"
#include "iceberg/snapshot_summary.h"

namespace firn::iceberg {
namespace {

// The data manifests of one spec, and what is in them.
struct SpecManifests {
  std::vector<ManifestFile> files;
  std::map<PartitionValues, std::int64_t, PartitionLess> partitions;  // Live files.
  std::int64_t entries = 0;
  std::int64_t bytes = 0;
  std::int64_t entries_per_manifest = 1;
  bool overlap = false;

  std::int64_t CreatedCount() const {
    return (entries + entries_per_manifest - 1) / entries_per_manifest;
  }
  // A quarter more than needed is no reason: sizes are estimates.
  bool NeedsRewrite() const {
    return overlap || 4 * std::ssize(files) > 5 * CreatedCount();
  }
};

using LiveVisitor = std::function<Status(ManifestEntry&&)>;

Status VisitLive(const base::Context& context, const ManifestIo& manifests,
                 const ManifestFile& manifest, const LiveVisitor& visit) {
  FIRN_RETURN_IF_ERROR(context.Check());
  return manifests
      .ReadManifest(context, manifest,
                    [&](const ManifestHeader&, ManifestEntry&& entry) {
                      return entry.is_live() ? visit(std::move(entry)) : Status::OK();
                    })
      .status();
}

struct Plan {
  std::map<SpecId, SpecManifests> rewritten;
  std::vector<ManifestFile> kept;
  ManifestCounts counts;
};

Status ReadPartitions(const base::Context& context, const ManifestIo& manifests,
                      std::int64_t target_bytes, SpecManifests* spec) {
  using Range = std::pair<PartitionValues, PartitionValues>;
  std::vector<Range> ranges;
  for (const ManifestFile& manifest : spec->files) {
    std::optional<Range> range;
    FIRN_RETURN_IF_ERROR(
        VisitLive(context, manifests, manifest, [&](ManifestEntry&& entry) {
          const PartitionValues& partition = entry.data_file.partition;
          ++spec->partitions[partition];
          ++spec->entries;
          if (!range) range.emplace(partition, partition);
          if (PartitionLess()(partition, range->first)) range->first = partition;
          if (PartitionLess()(range->second, partition)) range->second = partition;
          return Status::OK();
        }));
    spec->bytes += manifest.manifest_length_bytes;
    if (range) ranges.push_back(*std::move(range));
  }
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    if (PartitionLess()(a.first, b.first)) return true;
    if (PartitionLess()(b.first, a.first)) return false;
    return PartitionLess()(a.second, b.second);
  });
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    // Two may share the partition that was cut between them.
    if (PartitionLess()(ranges[i].first, ranges[i - 1].second)) spec->overlap = true;
  }
  const std::int64_t entry_bytes =
      std::max<std::int64_t>(1, spec->bytes / std::max<std::int64_t>(1, spec->entries));
  spec->entries_per_manifest = std::max<std::int64_t>(1, target_bytes / entry_bytes);
  return Status::OK();
}

Result<Plan> MakePlan(const base::Context& context, const ManifestIo& manifests,
                      const TableMetadata& base, std::vector<ManifestFile> existing,
                      const RewriteManifests& action) {
  Plan plan;
  std::map<SpecId, SpecManifests> specs;
  for (ManifestFile& manifest : existing) {
    if (!manifest.has_live_files()) continue;
    if (manifest.content == ManifestContent::kDeletes || manifest.key_metadata) {
      plan.kept.push_back(std::move(manifest));
    } else {
      specs[manifest.spec_id].files.push_back(std::move(manifest));
    }
  }
  const std::int64_t target_bytes =
      action.target_bytes.value_or(MergePolicy::Of(base).target_bytes);
  for (auto& [spec_id, spec] : specs) {
    if (base.FindSpec(spec_id) == nullptr) {
      return Status::Corruption("manifest " + spec.files.front().manifest_path +
                                " has the partition spec " + spec_id.ToString() +
                                ", which the table does not have");
    }
    FIRN_RETURN_IF_ERROR(ReadPartitions(context, manifests, target_bytes, &spec));
    if (!spec.NeedsRewrite()) {
      std::ranges::move(spec.files, std::back_inserter(plan.kept));
      continue;
    }
    plan.counts.replaced += std::ssize(spec.files);
    plan.counts.created += spec.CreatedCount();
    plan.counts.entries += spec.entries;
    plan.rewritten.emplace(spec_id, std::move(spec));
  }
  plan.counts.kept = std::ssize(plan.kept);
  return plan;
}

// Writes the entries of one spec, partition by partition.
class SpecRewriter {
 public:
  SpecRewriter(const base::Context& context, const ManifestIo& manifests,
               SnapshotManifests& writer, const SpecManifests& spec,
               ManifestHeader header, std::vector<ManifestFile>* out)
      : context_(context),
        manifests_(manifests),
        writer_(writer),
        spec_(spec),
        header_(std::move(header)),
        out_(out) {}

  Status Run(std::int64_t entries_max) {
    auto first = spec_.partitions.begin();
    while (first != spec_.partitions.end()) {
      auto last = first;
      std::int64_t count = 0;
      do {
        count += last->second;
        ++last;
      } while (last != spec_.partitions.end() && count + last->second <= entries_max);
      // The last partition of this round, which is part of it.
      FIRN_RETURN_IF_ERROR(WriteRange(first->first, std::prev(last)->first));
      first = last;
    }
    return Flush(pending_.size());
  }
  std::int64_t written() const { return written_; }

 private:
  std::size_t per_manifest() const {
    return static_cast<std::size_t>(spec_.entries_per_manifest);
  }

  Status WriteRange(const PartitionValues& first, const PartitionValues& last) {
    const bool is_one = !PartitionLess()(first, last);
    const std::size_t begin = pending_.size();
    for (const ManifestFile& manifest : spec_.files) {
      FIRN_RETURN_IF_ERROR(
          VisitLive(context_, manifests_, manifest, [&](ManifestEntry&& entry) -> Status {
            const PartitionValues& partition = entry.data_file.partition;
            if (PartitionLess()(partition, first) || PartitionLess()(last, partition)) {
              return Status::OK();
            }
            entry.status = EntryStatus::kExisting;
            pending_.push_back(std::move(entry));
            ++written_;
            return is_one ? FlushFull() : Status::OK();
          }));
    }
    if (is_one) return Status::OK();
    std::stable_sort(pending_.begin() + static_cast<std::ptrdiff_t>(begin),
                     pending_.end(), [](const ManifestEntry& a, const ManifestEntry& b) {
                       return PartitionLess()(a.data_file.partition,
                                              b.data_file.partition);
                     });
    return FlushFull();
  }

  // Write what fills manifests of what is pending.
  Status FlushFull() {
    const std::size_t full = pending_.size() - pending_.size() % per_manifest();
    return Flush(full);
  }

  // Write the first `count` of what is pending.
  Status Flush(std::size_t count) {
    const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(count);
    for (auto next = pending_.begin(); next != end;) {
      std::vector<ManifestEntry> entries;
      for (; next != end && entries.size() < per_manifest(); ++next) {
        entries.push_back(std::move(*next));
      }
      FIRN_RETURN_IF_ERROR(writer_.Write(header_, std::move(entries), out_));
    }
    pending_.erase(pending_.begin(), end);
    return Status::OK();
  }

  const base::Context& context_;
  const ManifestIo& manifests_;
  SnapshotManifests& writer_;
  const SpecManifests& spec_;
  const ManifestHeader header_;
  std::vector<ManifestFile>* const out_;
  std::vector<ManifestEntry> pending_;
  std::int64_t written_ = 0;
};

}  // namespace

Result<ManifestCounts> PlanRewrite(const base::Context& context,
                                   const ManifestIo& manifests, const TableMetadata& base,
                                   const RewriteManifests& action) {
  FIRN_RETURN_IF_ERROR(CheckFilesAreWritable(base));
  const Snapshot* head = FindRef(base, action.branch);
  if (head == nullptr) return ManifestCounts();
  FIRN_ASSIGN_OR_RETURN(auto existing, manifests.ReadManifestList(context, *head));
  FIRN_ASSIGN_OR_RETURN(const Plan plan,
                        MakePlan(context, manifests, base, std::move(existing), action));
  return plan.counts;
}

Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const RewriteManifests& action) {
  FIRN_RETURN_IF_ERROR(CheckFilesAreWritable(base));
  NewSnapshot snapshot(context, environment, base, action.branch);
  if (snapshot.parent() == nullptr) return std::vector<Update>();
  FIRN_ASSIGN_OR_RETURN(auto existing, snapshot.ParentManifests());
  FIRN_ASSIGN_OR_RETURN(Plan plan, MakePlan(context, environment.manifests, base,
                                            std::move(existing), action));
  if (plan.rewritten.empty()) return std::vector<Update>();

  SnapshotManifests writer(context, environment, base, snapshot.id());
  std::vector<ManifestFile> manifests;
  // The newest spec first: its manifests are the ones most often looked for.
  for (auto spec = plan.rewritten.rbegin(); spec != plan.rewritten.rend(); ++spec) {
    FIRN_ASSIGN_OR_RETURN(ManifestHeader header,
                          writer.HeaderOf(spec->first, ManifestContent::kData));
    SpecRewriter rewriter(context, environment.manifests, writer, spec->second,
                          std::move(header), &manifests);
    FIRN_RETURN_IF_ERROR(rewriter.Run(action.entries_max).With("rewrite manifests"));
    FIRN_ASSERT(rewriter.written() == spec->second.entries);
  }
  std::map<std::string, std::string> summary = {
      {kSummaryManifestsCreated, std::to_string(manifests.size())},
      {kSummaryManifestsKept, std::to_string(plan.counts.kept)},
      {kSummaryManifestsReplaced, std::to_string(plan.counts.replaced)},
      {kSummaryEntriesProcessed, std::to_string(plan.counts.entries)}};
  std::ranges::move(plan.kept, std::back_inserter(manifests));
  const Snapshot* const parent = snapshot.parent();
  FIRN_ASSIGN_OR_RETURN(Snapshot made,
                        std::move(snapshot).Write(
                            Operation::kReplace, manifests,
                            SnapshotSummary().Finish(std::move(summary), parent, base)));
  std::vector<Update> updates;
  const Update move = MoveRef(base, action.branch, made.id);
  updates.push_back(AddSnapshot{std::move(made)});
  updates.push_back(move);
  return updates;
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// Claim: to plan a scan of 5,000 files takes less than 30 ms, and of one day of 100 files
// less than 10 ms. A table of 8 columns, partitioned by day, 50 days of 100 files, each
// day in a manifest of its own (so do settle loops leave it) on the local disk below
// TMPDIR (or the first argument); then the same with 10 position delete files and 10
// equality delete files a day, and a deletion vector for every fifth file. The files are
// described, not written: what is measured is reading manifests and matching.
//
// Prints the median of 31 plans after one that is not counted, by the clock and by the
// CPU, the longest by the clock, and what was pruned.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "check.h"
#include "iceberg/manifest_io.h"
#include "iceberg/plan.h"
#include "iceberg/random.h"
#include "iceberg/single_value.h"

namespace {

using namespace firn;
using namespace firn::iceberg;

constexpr int kDays = 50;
constexpr int kFilesPerDay = 100;
constexpr std::int32_t kFirstDay = 20'000;
constexpr std::int64_t kDayUs = 86'400'000'000;
constexpr int kPlans = 31;

Schema EightColumns() {
  Schema schema;
  schema.root.fields = {{FieldId(1), "ts", true, kTimestamptz, ""},
                        {FieldId(2), "tenant", true, kString, ""},
                        {FieldId(3), "host", true, kString, ""},
                        {FieldId(4), "metric", true, kString, ""},
                        {FieldId(5), "value", false, kDouble, ""},
                        {FieldId(6), "count", false, kLong, ""},
                        {FieldId(7), "flags", false, kInt, ""},
                        {FieldId(8), "message", false, kString, ""}};
  return schema;
}

// What a Parquet writer reports of a hundred thousand rows.
DataFile Describe(const TableMetadata& table, int day, int i, RandomSource& random) {
  DataFile file;
  file.file_path = table.location + "/data/ts_day=" + std::to_string(kFirstDay + day) +
                   "/t_data_20260101_" + random.NextUuid() + ".parquet";
  file.partition = {Value(kFirstDay + day)};
  file.record_count = 100'000;
  file.file_size_bytes = 6'000'000 + i;
  file.split_offsets = {4};
  const std::int64_t low = (kFirstDay + day) * kDayUs + i * (kDayUs / kFilesPerDay);
  for (const NestedField& field : table.current_schema().fields()) {
    const PrimitiveType& type = *field.type.primitive();
    file.column_sizes[field.id] = 5000 + static_cast<std::int64_t>(random.Next() % 999);
    file.value_counts[field.id] = file.record_count;
    file.null_value_counts[field.id] = field.required ? 0 : 17;
    Value lower = low;
    Value upper = low + kDayUs / kFilesPerDay - 1;
    if (type == kString) {
      lower = field.name + "-aaaa-" + std::to_string(random.Next() % 1000);
      upper = field.name + "-zzzz-" + std::to_string(random.Next() % 1000);
    } else if (type == kDouble) {
      lower = 0.25 + i;
      upper = 99.5 + i;
      file.nan_value_counts[field.id] = 0;
    } else if (type == kInt) {
      lower = std::int32_t{0};
      upper = std::int32_t{7};
    }
    file.lower_bounds[field.id] = SerializeValue(lower, type);
    file.upper_bounds[field.id] = SerializeValue(upper, type);
  }
  return file;
}

DataFile DescribeDeletes(const TableMetadata& table, int day, FileContent content,
                         RandomSource& random) {
  DataFile file;
  file.content = content;
  file.file_path = table.location + "/data/" + random.NextUuid() + "-deletes.parquet";
  file.partition = {Value(kFirstDay + day)};
  file.record_count = 1000;
  file.file_size_bytes = 20'000;
  if (content == FileContent::kEqualityDeletes)
    file.equality_ids = {FieldId(2), FieldId(3)};
  return file;
}

double CpuMs() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

class Table {
 public:
  Table(const std::string& directory, bool with_deletes)
      : store_(io::MakeLocalStore()), manifests_(*store_) {
    metadata_.format_version = 3;
    metadata_.location = "file://" + directory + (with_deletes ? "/deletes" : "/plain");
    metadata_.schemas = {EightColumns()};
    metadata_.partition_specs = {
        {SpecId(0), {{FieldId(1), FieldId(1000), "ts_day", Transform::Day()}}}};
    std::vector<ManifestFile> list;
    for (int day = 0; day < kDays; ++day) {
      std::vector<DataFile> files;
      std::vector<DataFile> deletes;
      for (int i = 0; i < kFilesPerDay; ++i) {
        files.push_back(Describe(metadata_, day, i, random_));
        if (!with_deletes) continue;
        if (i % 10 == 0) {
          for (const auto content :
               {FileContent::kPositionDeletes, FileContent::kEqualityDeletes}) {
            deletes.push_back(DescribeDeletes(metadata_, day, content, random_));
          }
        }
        if (i % 5 != 0) continue;
        deletes.push_back(
            DescribeDeletes(metadata_, day, FileContent::kPositionDeletes, random_));
        deletes.back().file_format = FileFormat::kPuffin;
        deletes.back().referenced_data_file = files.back().file_path;
        deletes.back().content_offset = 4;
        deletes.back().content_size_bytes = 1000;
      }
      Add(ManifestContent::kData, 2 * day + 1, files, list);
      if (with_deletes) Add(ManifestContent::kDeletes, 2 * day + 2, deletes, list);
    }
    snapshot_.id = SnapshotId(1);
    snapshot_.sequence_number = SequenceNumber(2 * kDays);
    snapshot_.manifest_list = metadata_.location + "/metadata/list.avro";
    Check(manifests_.WriteManifestList(context_, snapshot_, list));
  }

  void Measure(const char* name, const expr::PredicatePtr& predicate) {
    std::vector<double> all_ms;
    std::vector<double> all_cpu_ms;
    FilePlan plan;
    for (int i = 0; i <= kPlans; ++i) {
      const double cpu_ms = CpuMs();
      const auto start = std::chrono::steady_clock::now();
      plan = Check(PlanFiles(context_, manifests_, metadata_, snapshot_,
                             metadata_.current_schema(), predicate));
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - start;
      if (i == 0) continue;
      all_ms.push_back(took.count());
      all_cpu_ms.push_back(CpuMs() - cpu_ms);
    }
    std::ranges::sort(all_ms);
    std::ranges::sort(all_cpu_ms);
    std::printf(
        "{\"bench\":\"plan\",\"case\":\"%s\",\"median_ms\":%.2f,\"median_cpu_ms\":%.2f,"
        "\"longest_ms\":%.2f,"
        "\"files\":%lld,\"manifests\":%lld,\"manifests_pruned\":%lld,"
        "\"files_pruned\":%lld,\"delete_files\":%lld,\"delete_files_planned\":%lld}\n",
        name, all_ms[all_ms.size() / 2], all_cpu_ms[all_cpu_ms.size() / 2], all_ms.back(),
        static_cast<long long>(plan.stats.files_planned),
        static_cast<long long>(plan.stats.manifests_total +
                               plan.stats.delete_manifests_total),
        static_cast<long long>(plan.stats.manifests_pruned +
                               plan.stats.delete_manifests_pruned),
        static_cast<long long>(plan.stats.files_pruned_by_partition +
                               plan.stats.files_pruned_by_metrics +
                               plan.stats.files_in_pruned_manifests),
        static_cast<long long>(plan.stats.delete_files_total),
        static_cast<long long>(plan.stats.delete_files_planned));
  }

 private:
  void Add(ManifestContent content, std::int64_t number,
           const std::vector<DataFile>& files, std::vector<ManifestFile>& list) {
    const ManifestHeader header{metadata_.current_schema(), metadata_.partition_specs[0],
                                content, metadata_.format_version};
    std::vector<ManifestEntry> entries;
    for (const DataFile& file : files) {
      entries.emplace_back();
      entries.back().data_file = file;
    }
    const std::string location =
        metadata_.location + "/metadata/" + std::to_string(number) + ".avro";
    const std::int64_t length =
        Check(manifests_.WriteManifest(context_, location, header, entries));
    list.push_back(
        SummarizeManifest(header, entries, SnapshotId(1), SequenceNumber(number)));
    list.back().manifest_path = location;
    list.back().manifest_length_bytes = length;
    list.back().content = content;
    list.back().sequence_number = SequenceNumber(number);
  }

  const base::Context context_;
  RandomSource random_{1};
  const std::unique_ptr<io::Store> store_;
  const ManifestIo manifests_;
  TableMetadata metadata_;
  Snapshot snapshot_;
};

expr::PredicatePtr OneDay() {
  const std::int64_t start = (kFirstDay + kDays / 2) * kDayUs;
  return expr::Conjoin(expr::MakePredicate(expr::Compare{"ts", expr::CompareOp::kGtEq,
                                                         expr::Timestamp{start}}),
                       expr::MakePredicate(expr::Compare{
                           "ts", expr::CompareOp::kLt, expr::Timestamp{start + kDayUs}}));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string parent =
      argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string();
  std::string directory = parent + "/firn-bench-plan-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {
    Die(Status::Unavailable("no directory can be made below " + parent));
  }
  Table plain(directory, false);
  plain.Measure("all", nullptr);
  plain.Measure("one day", OneDay());
  Table deletes(directory, true);
  deletes.Measure("all, with deletes", nullptr);
  deletes.Measure("one day, with deletes", OneDay());
  std::filesystem::remove_all(directory);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Claim: to plan a scan of 5,000 files takes less than 30 ms, and of one day of 100 files
// less than 10 ms. A table of 8 columns, partitioned by day, 50 days of 100 files, each
// day in a manifest of its own (so do settle loops leave it) on the local disk below
// TMPDIR (or the first argument); then the same with 10 position delete files and 10
// equality delete files a day, and a deletion vector for every fifth file. The files are
// described, not written: what is measured is reading manifests and matching.
//
// Prints the median of 31 plans after one that is not counted, by the clock and by the
// CPU, the longest by the clock, and what was pruned; with one thread, and with two.
//
// Claim: a table of a million files is planned in memory that does not depend on their
// number. FIRN_BENCH_PLAN_FILES files (100,000 if it is not set), 10,000 a manifest, each
// case in a process of its own: all tasks gathered; split after split, as a scan takes
// them; only the first, as a LIMIT does; and cancelled by another thread once a tenth was
// planned. Prints the time, how long it was until the first split, after the cancellation
// or the drop until the end, and the process's largest resident set.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "iceberg/manifest_io.h"
#include "iceberg/plan.h"
#include "iceberg/random.h"
#include "imagined_file.h"
#include "table/split_packer.h"

namespace {

using namespace firn;
using namespace firn::iceberg;

constexpr int kDays = 50;
constexpr int kFilesPerDay = 100;
constexpr int kPlans = 31;
constexpr int kFilesPerManifest = 10'000;

// File `i` of the `of` files of a day.
DataFile DescribeData(const TableMetadata& table, int day, int i, int of,
                      RandomSource& random) {
  const std::int64_t span_us = kDayUs / of;
  const std::int64_t first_us = (kFirstDay + day) * kDayUs + i * span_us;
  return Describe(
      table, {kFirstDay + day, i, 100'000, 6'000'000 + i, first_us, first_us + span_us},
      random);
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

// A table of metadata alone.
class Table {
 public:
  explicit Table(const std::string& location)
      : store_(io::MakeLocalStore()), manifests_(*store_) {
    metadata_.format_version = 3;
    metadata_.location = location;
    metadata_.schemas = {EightColumns()};
    metadata_.partition_specs = {ByDay()};
    snapshot_.id = SnapshotId(1);
    snapshot_.manifest_list = location + "/metadata/list.avro";
  }

  const TableMetadata& metadata() const { return metadata_; }
  RandomSource& random() { return random_; }

  void Add(ManifestContent content, const std::vector<DataFile>& files) {
    const ManifestHeader header{metadata_.current_schema(), metadata_.partition_specs[0],
                                content, metadata_.format_version};
    std::vector<ManifestEntry> entries;
    for (const DataFile& file : files) {
      entries.emplace_back();
      entries.back().data_file = file;
    }
    const SequenceNumber number(snapshot_.sequence_number.value + 1);
    snapshot_.sequence_number = number;
    const std::string location =
        metadata_.location + "/metadata/" + number.ToString() + ".avro";
    const std::int64_t length =
        Check(manifests_.WriteManifest(context_, location, header, entries));
    ManifestFile manifest = SummarizeManifest(header, entries, snapshot_.id, number);
    manifest.manifest_path = location;
    manifest.manifest_length_bytes = length;
    manifest.content = content;
    manifest.sequence_number = number;
    list_.push_back(std::move(manifest));
  }
  void Finish() { Check(manifests_.WriteManifestList(context_, snapshot_, list_)); }

  FilePlan Plan(const expr::PredicatePtr& predicate, int threads) const {
    return Check(PlanFiles(context_, manifests_, metadata_, snapshot_,
                           metadata_.current_schema(), predicate, {{}, threads}));
  }
  std::unique_ptr<PlanStream> Stream(const base::Context& context, int threads) const {
    return Check(PlanStream::Open(context, manifests_, metadata_, snapshot_,
                                  metadata_.current_schema(), nullptr, {{}, threads}));
  }

 private:
  const base::Context context_;
  RandomSource random_{1};
  const std::unique_ptr<io::Store> store_;
  const ManifestIo manifests_;
  TableMetadata metadata_;
  Snapshot snapshot_;
  std::vector<ManifestFile> list_;
};

void FillDays(Table& table, bool with_deletes) {
  for (int day = 0; day < kDays; ++day) {
    std::vector<DataFile> files;
    std::vector<DataFile> deletes;
    for (int i = 0; i < kFilesPerDay; ++i) {
      files.push_back(
          DescribeData(table.metadata(), day, i, kFilesPerDay, table.random()));
      if (!with_deletes) continue;
      if (i % 10 == 0) {
        for (const auto content :
             {FileContent::kPositionDeletes, FileContent::kEqualityDeletes}) {
          deletes.push_back(
              DescribeDeletes(table.metadata(), day, content, table.random()));
        }
      }
      if (i % 5 != 0) continue;
      deletes.push_back(DescribeDeletes(table.metadata(), day,
                                        FileContent::kPositionDeletes, table.random()));
      deletes.back().file_format = FileFormat::kPuffin;
      deletes.back().referenced_data_file = files.back().file_path;
      deletes.back().content_offset = 4;
      deletes.back().content_size_bytes = 1000;
    }
    table.Add(ManifestContent::kData, files);
    if (with_deletes) table.Add(ManifestContent::kDeletes, deletes);
  }
  table.Finish();
}

using Clock = std::chrono::steady_clock;
double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void Measure(const Table& table, const char* name, const expr::PredicatePtr& predicate,
             int threads) {
  std::vector<double> all_ms;
  std::vector<double> all_cpu_ms;
  FilePlan plan;
  for (int i = 0; i <= kPlans; ++i) {
    const double cpu_ms = CpuMs();
    const auto start = Clock::now();
    plan = table.Plan(predicate, threads);
    const double took_ms = MsSince(start);
    if (i == 0) continue;
    all_ms.push_back(took_ms);
    all_cpu_ms.push_back(CpuMs() - cpu_ms);
  }
  std::ranges::sort(all_ms);
  std::ranges::sort(all_cpu_ms);
  const PlanStats& stats = plan.stats;
  std::printf(
      "{\"bench\":\"plan\",\"case\":\"%s\",\"threads\":%d,\"median_ms\":%.2f,"
      "\"median_cpu_ms\":%.2f,\"longest_ms\":%.2f,\"files\":%lld,\"manifests\":%lld,"
      "\"manifests_pruned\":%lld,\"files_pruned\":%lld,\"delete_files\":%lld,"
      "\"delete_files_planned\":%lld}\n",
      name, threads, all_ms[all_ms.size() / 2], all_cpu_ms[all_cpu_ms.size() / 2],
      all_ms.back(), static_cast<long long>(stats.files_planned),
      static_cast<long long>(stats.manifests_total + stats.delete_manifests_total),
      static_cast<long long>(stats.manifests_pruned + stats.delete_manifests_pruned),
      static_cast<long long>(stats.files_pruned_by_partition +
                             stats.files_pruned_by_metrics +
                             stats.files_in_pruned_manifests),
      static_cast<long long>(stats.delete_files_total),
      static_cast<long long>(stats.delete_files_planned));
}

void FillMany(Table& table, std::int64_t count) {
  for (int day = 0; day * std::int64_t{kFilesPerManifest} < count; ++day) {
    std::vector<DataFile> files;
    for (int i = 0; i < kFilesPerManifest; ++i) {
      files.push_back(
          DescribeData(table.metadata(), day, i, kFilesPerManifest, table.random()));
    }
    table.Add(ManifestContent::kData, files);
  }
  table.Finish();
}

// What planning many files showed.
struct Planned {
  std::int64_t files = 0;
  std::int64_t splits = 0;
  double first_ms = 0;  // Until the first split.
  double end_ms = 0;    // From the cancellation, or the last split wanted, to the end.
};

Planned Gather(const Table& table, int threads) {
  const auto start = Clock::now();
  const FilePlan plan = table.Plan(nullptr, threads);
  return {static_cast<std::int64_t>(plan.tasks.size()), 0, MsSince(start), 0};
}

// Take splits until there are no more, or `goes_on` says so of the files planned.
Planned Take(const Table& table, const base::Context& context, int threads,
             const std::function<bool(const Planned&)>& goes_on) {
  Planned planned;
  const auto start = Clock::now();
  auto stream = table.Stream(context, threads);
  table::SplitPacker packer({}, threads);
  while (goes_on(planned)) {
    auto tasks = stream->Next();
    if (!tasks.ok() || tasks->empty()) break;
    planned.files += static_cast<std::int64_t>(tasks->size());
    for (ScanTask& task : *tasks) packer.Add(std::move(task));
    planned.splits += static_cast<std::int64_t>(packer.Take().size());
    if (planned.first_ms == 0) planned.first_ms = MsSince(start);
  }
  const auto ended = Clock::now();
  stream.reset();
  planned.end_ms = MsSince(ended);
  return planned;
}

Planned Cancel(const Table& table, std::int64_t count, int threads) {
  const base::Context context;
  std::atomic<std::int64_t> files{0};
  Clock::time_point cancelled;
  std::jthread other([&] {
    while (files.load() < count / 10) std::this_thread::yield();
    cancelled = Clock::now();
    context.Cancel();
  });
  Planned planned = Take(table, context, threads, [&](const Planned& so_far) {
    files.store(so_far.files);
    return true;
  });
  const auto ended = Clock::now();
  other.join();
  planned.end_ms = std::chrono::duration<double, std::milli>(ended - cancelled).count();
  return planned;
}

// Run `work` in a process of its own, which prints what it found.
void InProcess(const std::function<void()>& work) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) Die(Status::Unavailable("no process can be started"));
  if (child == 0) {
    work();
    std::fflush(stdout);
    ::_exit(0);
  }
  int state = 0;
  if (::waitpid(child, &state, 0) != child || state != 0) {
    Die(Status::Internal("a case of the benchmark failed"));
  }
}

void MeasureMany(const char* name, std::int64_t count, int threads,
                 const std::function<Planned()>& plan) {
  InProcess([&] {
    const double cpu_ms = CpuMs();
    const auto start = Clock::now();
    const Planned planned = plan();
    const double took_ms = MsSince(start);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::printf(
        "{\"bench\":\"plan\",\"case\":\"%s\",\"threads\":%d,\"table_files\":%lld,"
        "\"files\":%lld,\"splits\":%lld,\"ms\":%.1f,\"cpu_ms\":%.1f,"
        "\"first_ms\":%.1f,\"end_ms\":%.1f,\"peak_rss_mb\":%.1f}\n",
        name, threads, static_cast<long long>(count),
        static_cast<long long>(planned.files), static_cast<long long>(planned.splits),
        took_ms, CpuMs() - cpu_ms, planned.first_ms, planned.end_ms,
        static_cast<double>(usage.ru_maxrss) / 1024);
  });
}

void RunMany(const std::string& location) {
  const char* const set = std::getenv("FIRN_BENCH_PLAN_FILES");
  const std::int64_t count = set == nullptr ? 100'000 : std::atoll(set);
  InProcess([&] {
    Table table(location);
    FillMany(table, count);
  });
  const Table table(location);
  const base::Context context;
  const auto to_the_end = [](const Planned&) { return true; };
  for (const int threads : {1, 2}) {
    MeasureMany("many, gathered", count, threads, [&] { return Gather(table, threads); });
    MeasureMany("many, split after split", count, threads,
                [&] { return Take(table, context, threads, to_the_end); });
  }
  MeasureMany("many, the first split", count, 2, [&] {
    return Take(table, context, 2,
                [](const Planned& planned) { return planned.splits == 0; });
  });
  MeasureMany("many, cancelled", count, 2, [&] { return Cancel(table, count, 2); });
}

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
  RunMany("file://" + directory + "/many");
  for (const bool with_deletes : {false, true}) {
    Table table("file://" + directory + (with_deletes ? "/deletes" : "/plain"));
    FillDays(table, with_deletes);
    for (const int threads : {1, 2}) {
      Measure(table, with_deletes ? "all, with deletes" : "all", nullptr, threads);
      Measure(table, with_deletes ? "one day, with deletes" : "one day", OneDay(),
              threads);
    }
  }
  std::filesystem::remove_all(directory);
  return 0;
}

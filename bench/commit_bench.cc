// SPDX-License-Identifier: Apache-2.0
// Claim: small commits stay quick, and the metadata they leave stays small. 300 commits
// of one 1,000-row file each to a table of 8 columns, partitioned by day, with the
// properties firn sets by default, an SQLite catalog and the local disk below TMPDIR (or
// the first argument). The data files are described, not written: what is measured is the
// commit.
//
// Prints the median of commits 250 to 300, by the clock and by the CPU, what one durable
// object of 4 KB takes on this disk at the same time (a commit is three of them and one
// transaction of SQLite), the longest commit, and the bytes below the table's directory;
// then the same with old snapshots expired by the commits.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "check.h"
#include "iceberg/commit.h"
#include "iceberg/sql_catalog.h"
#include "iceberg/table_metadata.h"
#include "imagined_file.h"

namespace {

using namespace firn;
using namespace firn::iceberg;

constexpr int kCommits = 300;
constexpr int kCommitsPerDay = 10;
constexpr std::int64_t kRows = 1000;

std::uint64_t BytesBelow(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

double ClockMs() {
  const std::chrono::duration<double, std::milli> now =
      std::chrono::steady_clock::now().time_since_epoch();
  return now.count();
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void Run(const std::string& directory, const char* name,
         const std::map<std::string, std::string>& properties) {
  const base::Context context;
  const base::Clock& clock = base::SystemClock();
  RandomSource random(1);
  const auto store = io::MakeLocalStore();
  SqlCatalogOptions options;
  options.uri = "sqlite:///" + directory + "/" + name + ".db";
  options.warehouse = "file://" + directory + "/" + name;
  const auto catalog = Check(OpenSqlCatalog(options, *store, clock, random));
  Check(catalog->CreateNamespace(context, {{"bench"}}, {}));
  CreateTableRequest request;
  request.identifier = {{{"bench"}}, "t"};
  request.schema = EightColumns();
  request.spec = ByDay();
  request.properties = properties;
  Check(catalog->CreateTable(context, request));

  const ManifestIo manifests(*store);
  std::vector<double> all_ms;
  std::vector<double> late_ms;
  std::vector<double> late_cpu_ms;
  std::vector<double> object_ms;
  const std::string bytes(4096, 'x');
  for (int i = 0; i < kCommits; ++i) {
    const double cpu_ms = CpuMs();
    const double start_ms = ClockMs();
    Check(CommitWithRetry(
        context, {*catalog, manifests, clock, random}, request.identifier,
        [&](const LoadedTable& table, Transaction& transaction) -> Result<BuildDecision> {
          const std::int32_t day = kFirstDay + i / kCommitsPerDay;
          const std::int64_t first_us = day * kDayUs + i * kRows;
          const ImaginedFile file{day, i, kRows, 60'000 + i, first_us, first_us + kRows};
          transaction.Append({Describe(*table.metadata, file, random)});
          transaction.SetProperties({{"firn.position.writer", std::to_string(i)}});
          return BuildDecision::kCommit;
        }));
    all_ms.push_back(ClockMs() - start_ms);
    if (i < kCommits - 50) continue;
    late_ms.push_back(all_ms.back());
    late_cpu_ms.push_back(CpuMs() - cpu_ms);
    const double put_ms = ClockMs();
    Check(store->PutIfAbsent(
        context, "file://" + directory + "/" + name + "-o" + std::to_string(i), bytes));
    object_ms.push_back(ClockMs() - put_ms);
  }
  const auto table = Check(catalog->LoadTable(context, request.identifier));
  std::printf(
      "{\"bench\":\"commit\",\"case\":\"%s\",\"commits\":%d,\"median_ms\":%.2f,"
      "\"median_cpu_ms\":%.2f,\"object_ms\":%.2f,\"longest_ms\":%.2f,"
      "\"metadata_bytes\":%llu,\"snapshots\":%zu}\n",
      name, kCommits, Median(late_ms), Median(late_cpu_ms), Median(object_ms),
      *std::ranges::max_element(all_ms),
      static_cast<unsigned long long>(BytesBelow(directory + "/" + name)),
      table.metadata->snapshots.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string parent =
      argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string();
  std::string directory = parent + "/firn-bench-commit-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {
    Die(Status::Unavailable("no directory can be made below " + parent));
  }
  Run(directory, "defaults", {});
  Run(directory, "expiring",
      {{kPropertyExpireAfterCommit, "true"},
       {kPropertyMaxSnapshotAgeMs, "1"},
       {kPropertyMinSnapshotsToKeep, "50"}});
  std::filesystem::remove_all(directory);
  return 0;
}

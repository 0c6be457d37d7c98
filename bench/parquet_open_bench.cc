// SPDX-License-Identifier: Apache-2.0
// What it takes before a row of a Parquet file is read: to open one whose footer is in
// the cache, and what that asks of a store; to plan 100 row groups that statistics rule
// out.
//
// Files are in memory, but for one on the local disk. Prints one JSON object a line: CPU
// of the thread, medians of the runs; `target` is what the figure is to stay below.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "arrow/array/builder_primitive.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "base/clock.h"
#include "check.h"
#include "io/memory_store.h"
#include "parquet/footer_cache.h"
#include "parquet/reader.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using Batches = std::vector<std::shared_ptr<arrow::RecordBatch>>;

constexpr int kRuns = 5;

void Check(const arrow::Status& status) {
  if (!status.ok()) Die(Status::Internal(status.ToString()));
}

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Seconds of `body` once, on average over `rounds`; the median of the runs.
double MedianSeconds(int rounds, const std::function<void()>& body) {
  std::vector<double> seconds;
  for (int run = 0; run < kRuns; ++run) {
    const double begin = CpuSeconds();
    for (int i = 0; i < rounds; ++i) body();
    seconds.push_back((CpuSeconds() - begin) / rounds);
  }
  return Median(std::move(seconds));
}

// Objects in memory at the locations that they are asked for.
class Fixture {
 public:
  // Write `batches` to `location`; returns the file's size.
  std::uint64_t Write(const std::string& location, const Batches& batches,
                      const WriterOptions& options) {
    const auto writer =
        firn::Check(FileWriter::Open(firn::Check(store_.OpenWriter(context_, location)),
                                     batches.front()->schema(), options));
    for (const auto& batch : batches) firn::Check(writer->Write(*batch));
    return static_cast<std::uint64_t>(
        firn::Check(std::move(*writer).Finish()).size_bytes);
  }
  std::unique_ptr<FileReader> Open(const std::string& location, std::uint64_t size,
                                   FooterCache* cache = nullptr) {
    ReaderOptions options;
    options.footer_cache = cache;
    return firn::Check(FileReader::Open(context_, store_, location, size, options));
  }
  const base::Context& context() const { return context_; }
  io::MemoryStore& store() { return store_; }

 private:
  const base::Context context_;
  io::MemoryStore store_{base::SystemClock()};
};

// `columns` columns of random numbers but the first, which counts the rows.
Batches Numbers(int columns, std::int64_t rows) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  std::mt19937_64 random(42);
  for (int c = 0; c < columns; ++c) {
    arrow::Int64Builder builder;
    for (std::int64_t n = 0; n < rows; ++n) {
      Check(builder.Append(c == 0 ? n : static_cast<std::int64_t>(random() >> 20)));
    }
    fields.push_back(arrow::field("c" + std::to_string(c), arrow::int64(), false));
    arrays.push_back(builder.Finish().ValueOrDie());
  }
  return {arrow::RecordBatch::Make(arrow::schema(fields), rows, arrays)};
}

void OpenBench(Fixture& fixture) {
  const std::string location =
      "s3://bucket/warehouse/metrics.db/samples/data/ts_day=2026-11-21/"
      "01JD7Z9K3M8Q4R5T6V7W8X9Y0Z.parquet";
  const std::uint64_t size = fixture.Write(location, Numbers(20, 1000), {});
  FooterCache cache(8 << 20);
  fixture.Open(location, size, &cache);
  std::int64_t asked = 0;
  fixture.store().SetFaultHook([&asked](const io::StoreOperation&) {
    ++asked;
    return io::MemoryStore::Fault{};
  });
  const double hit =
      MedianSeconds(100'000, [&] { fixture.Open(location, size, &cache); });
  fixture.store().SetFaultHook(nullptr);
  std::printf(
      "{\"bench\":\"parquet_open\",\"case\":\"open, footer cached, immutable\","
      "\"cpu_us\":%.3f,\"target\":1.0,\"requests\":%lld}\n",
      hit * 1e6, static_cast<long long>(asked));

  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / "firn-parquet-open-bench.parquet";
  std::filesystem::remove(path);
  const auto local = io::MakeLocalStore();
  const auto writer = firn::Check(FileWriter::Open(
      firn::Check(local->OpenWriter(fixture.context(), "file://" + path.string())),
      Numbers(20, 1).front()->schema(), {}));
  firn::Check(std::move(*writer).Finish().status());
  ReaderOptions options;
  options.footer_cache = &cache;
  for (const bool known : {true, false}) {
    const std::optional<std::uint64_t> known_size =
        known ? std::optional(std::filesystem::file_size(path)) : std::nullopt;
    const double seconds = MedianSeconds(20'000, [&] {
      firn::Check(FileReader::Open(fixture.context(), *local, "file://" + path.string(),
                                   known_size, options)
                      .status());
    });
    std::printf(
        "{\"bench\":\"parquet_open\",\"case\":\"open, footer cached, local, %s\","
        "\"cpu_us\":%.3f}\n",
        known ? "immutable" : "may be replaced", seconds * 1e6);
  }
  std::filesystem::remove(path);
}

void PlanBench(Fixture& fixture) {
  WriterOptions options;
  options.row_group_rows = 1000;
  const std::string location = "memory://bench/plan";
  const std::uint64_t size = fixture.Write(location, Numbers(20, 100'000), options);
  const auto reader = fixture.Open(location, size);
  for (const bool none : {true, false}) {
    ScanSpec spec;
    spec.columns = {{"c1"}};
    // No row, or the rows of one row group.
    spec.predicate = expr::MakePredicate(
        expr::Compare{"c0", expr::CompareOp::kEq, std::int64_t{none ? -1 : 50'500}});
    std::int64_t pruned = 0;
    const double seconds = MedianSeconds(2000, [&] {
      pruned = firn::Check(reader->Plan(fixture.context(), spec)).row_groups_pruned;
    });
    std::printf(
        "{\"bench\":\"parquet_open\",\"case\":\"plan, 100 row groups, %s\","
        "\"cpu_us\":%.2f,\"target\":%s,\"row_groups_pruned\":%lld}\n",
        none ? "none is left" : "one is left, after its dictionary", seconds * 1e6,
        none ? "100" : "null", static_cast<long long>(pruned));
  }
}

void Run() {
  Fixture fixture;
  OpenBench(fixture);
  PlanBench(fixture);
}

}  // namespace
}  // namespace firn::parquet

int main() { firn::parquet::Run(); }

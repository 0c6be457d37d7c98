// SPDX-License-Identifier: Apache-2.0
// What writing into a partitioned table costs: 10 M rows of 8 columns, made as they are
// written, zstd 3, into a store that keeps nothing.
//
//   bare          Arrow's Parquet writer alone, one file, the same rows and settings
//   day           TableWriter, partitioned by day
//   interleaved   TableWriter, 1,000 partitions, a row of each in turn
//   unsorted      TableWriter, not partitioned: what sorting is compared with
//   sorted        the same in a sort order that the rows are far from, within 256 MB
//
// Each in a process of its own. Prints one JSON object a line: CPU seconds without those
// of making rows, and the peak of resident memory. `day` is to cost at most 1.10 of
// `bare` and 400 MB, `sorted` at most 2.5 of `unsorted`. Arguments: rows, and the one
// case to run (for a profile).
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/array/builder_time.h"
#include "arrow/io/interfaces.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "arrow_check.h"
#include "iceberg/schema_arrow.h"
#include "io/file.h"
#include "io/memory_store.h"
#include "parquet/arrow/writer.h"
#include "parquet/properties.h"
#include "table/table_writer.h"

namespace firn::table {
namespace {

constexpr std::int64_t kBatchRows = 8192;
constexpr std::int64_t kPartitions = 1'000;
constexpr std::int64_t kSecondUs = 1'000'000;

double CpuSeconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}
double PeakMegabytes() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1024;
}

class NullStream final : public arrow::io::OutputStream {
 public:
  using arrow::io::OutputStream::Write;
  arrow::Status Write(const void*, std::int64_t size) override {
    bytes_ += size;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> Tell() const override { return bytes_; }
  arrow::Status Close() override { return arrow::Status::OK(); }
  bool closed() const override { return false; }

 private:
  std::int64_t bytes_ = 0;
};

class NullObject final : public io::ObjectWriter {
 public:
  Status Append(std::string_view) override { return Status::OK(); }
  Status Close() override { return Status::OK(); }
};

// Takes writes and has nothing.
class NullStore final : public io::Store {
 public:
  Result<std::unique_ptr<io::ObjectReader>> OpenReader(const base::Context&,
                                                       const std::string& location,
                                                       const io::OpenOptions&) override {
    return Status::NotFound(location);
  }
  Result<std::unique_ptr<io::ObjectWriter>> OpenWriter(const base::Context&,
                                                       const std::string&,
                                                       const io::WriteOptions&) override {
    return std::unique_ptr<io::ObjectWriter>(std::make_unique<NullObject>());
  }
  Result<std::string> Get(const base::Context&, const std::string& location,
                          std::uint64_t) override {
    return Status::NotFound(location);
  }
  Status PutIfAbsent(const base::Context&, const std::string&,
                     std::string_view) override {
    return Status::OK();
  }
  Status Remove(const base::Context&, const std::string&) override {
    return Status::OK();
  }
  Status List(const base::Context&, const std::string&,
              const std::function<Status(const io::ObjectInfo&)>&) override {
    return Status::OK();
  }
};

iceberg::Schema BenchSchema() {
  using iceberg::FieldId;
  iceberg::Schema schema;
  schema.root.fields = {{FieldId(1), "id", true, iceberg::kLong, ""},
                        {FieldId(2), "ts", true, iceberg::kTimestamptz, ""},
                        {FieldId(3), "bucket", true, iceberg::kInt, ""},
                        {FieldId(4), "host", false, iceberg::kString, ""},
                        {FieldId(5), "path", false, iceberg::kString, ""},
                        {FieldId(6), "status", false, iceberg::kInt, ""},
                        {FieldId(7), "duration", false, iceberg::kDouble, ""},
                        {FieldId(8), "bytes", false, iceberg::kLong, ""}};
  return schema;
}

// A day has a fifth of the rows; ids are in no order.
std::shared_ptr<arrow::RecordBatch> MakeBatch(
    const std::shared_ptr<arrow::Schema>& schema, std::int64_t first, std::int64_t rows,
    std::int64_t total, std::mt19937_64& random) {
  arrow::Int64Builder id, bytes;
  arrow::TimestampBuilder ts(schema->field(1)->type(), arrow::default_memory_pool());
  arrow::Int32Builder bucket, status;
  arrow::StringBuilder host, path;
  arrow::DoubleBuilder duration;
  const std::int64_t step_us = 5 * 86'400 * kSecondUs / total;
  for (std::int64_t n = first; n < first + rows; ++n) {
    const std::uint64_t bits = random();
    Check(id.Append(static_cast<std::int64_t>(bits >> 2)));
    Check(ts.Append(20'000 * 86'400 * kSecondUs + n * step_us));
    Check(bucket.Append(static_cast<std::int32_t>(n % kPartitions)));
    Check(host.Append("host-" + std::to_string(bits % 50)));
    Check(path.Append("/api/v1/item/" + std::to_string(bits % 20'011)));
    Check(status.Append(bits % 20 == 0 ? 500 : 200));
    Check(duration.Append(static_cast<double>(bits % 1'000'000) / 1000));
    Check(bytes.Append(static_cast<std::int64_t>(bits % 65'537)));
  }
  return arrow::RecordBatch::Make(
      schema, rows,
      {Check(id.Finish()), Check(ts.Finish()), Check(bucket.Finish()),
       Check(host.Finish()), Check(path.Finish()), Check(status.Finish()),
       Check(duration.Finish()), Check(bytes.Finish())});
}

// The CPU that `write` and `finish` take, without that of making the rows.
double Measure(std::int64_t total,
               const std::function<void(const arrow::RecordBatch&)>& write,
               const std::function<void()>& finish) {
  const auto schema = Check(iceberg::ToArrowSchema(BenchSchema()));
  std::mt19937_64 random(42);
  double cpu = 0;
  for (std::int64_t first = 0; first < total; first += kBatchRows) {
    const auto batch =
        MakeBatch(schema, first, std::min(kBatchRows, total - first), total, random);
    const double begin = CpuSeconds();
    write(*batch);
    cpu += CpuSeconds() - begin;
  }
  const double begin = CpuSeconds();
  finish();
  return cpu + CpuSeconds() - begin;
}

double WriteBare(std::int64_t total) {
  const parquet::WriterOptions ours;
  ::parquet::WriterProperties::Builder builder;
  builder.compression(arrow::Compression::ZSTD)
      ->compression_level(3)
      ->data_pagesize(ours.page_bytes)
      ->max_rows_per_page(ours.page_rows)
      ->dictionary_pagesize_limit(ours.dictionary_bytes)
      ->max_row_group_length(ours.row_group_rows)
      ->enable_write_page_index()
      ->enable_page_checksum();
  const auto stream = std::make_shared<NullStream>();
  const auto writer = Check(::parquet::arrow::FileWriter::Open(
      *Check(iceberg::ToArrowSchema(BenchSchema())), arrow::default_memory_pool(), stream,
      builder.build()));
  const double cpu = Measure(
      total, [&](const auto& batch) { Check(writer->WriteRecordBatch(batch)); },
      [&] { Check(writer->Close()); });
  std::printf(
      "{\"bench\":\"table_write\",\"case\":\"bare\",\"rows\":%lld,\"cpu_s\":%.2f,"
      "\"bytes\":%lld,\"peak_rss_mb\":%.0f}\n",
      static_cast<long long>(total), cpu, static_cast<long long>(Check(stream->Tell())),
      PeakMegabytes());
  return cpu;
}

double WriteTable(const char* name, std::int64_t total, double compared_with,
                  std::vector<iceberg::PartitionField> spec,
                  std::vector<iceberg::SortField> order,
                  const TableWriterOptions& options) {
  iceberg::TableMetadata metadata;
  metadata.location = "memory://w/t";
  metadata.schemas = {BenchSchema()};
  metadata.partition_specs = {{iceberg::SpecId(0), std::move(spec)}};
  metadata.default_sort_order_id = iceberg::SortOrderId(order.empty() ? 0 : 1);
  metadata.sort_orders = {{metadata.default_sort_order_id, std::move(order)}};
  const iceberg::LoadedTable table{
      {{{"ns"}}, "t"}, "", std::make_shared<iceberg::TableMetadata>(metadata)};
  NullStore store;
  const base::Context context;
  base::UlidSource ulids(base::SystemClock());
  const std::string spills =
      std::filesystem::temp_directory_path() / ("firn-bench-" + ulids.Next().ToString());
  auto writer = Check(TableWriter::Make(
      {{context, store, base::SystemClock(), ulids}, io::LocalFileSystem(), spills},
      table, options));
  const double cpu = Measure(
      total, [&](const auto& batch) { Check(writer->Write(batch)); },
      [&] { Check(writer->Flush()); });
  const TableWriterStats stats = writer->stats();
  std::printf(
      "{\"bench\":\"table_write\",\"case\":\"%s\",\"rows\":%lld,\"cpu_s\":%.2f,"
      "\"cpu_ratio\":%.3f,\"files\":%lld,\"bytes\":%lld,\"spilled_bytes\":%lld,"
      "\"rolled_early\":%lld,\"peak_rss_mb\":%.0f}\n",
      name, static_cast<long long>(total), cpu,
      compared_with > 0 ? cpu / compared_with : 1.0, static_cast<long long>(stats.files),
      static_cast<long long>(stats.file_bytes),
      static_cast<long long>(stats.spilled_bytes),
      static_cast<long long>(stats.files_rolled_early), PeakMegabytes());
  std::fflush(stdout);
  writer.reset();
  std::filesystem::remove_all(spills);
  return cpu;
}

// What `run` returns, in a process of its own: no case finds memory that another has
// warmed, and each has its own peak.
double InChild(const std::function<double()>& run) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t child = fork();
  if (child < 0) std::abort();
  double cpu = 0;
  if (child == 0) {
    cpu = run();
    std::fflush(stdout);
    _exit(write(ends[1], &cpu, sizeof cpu) == sizeof cpu ? 0 : 1);
  }
  int status = 0;
  const bool done = waitpid(child, &status, 0) == child && status == 0 &&
                    read(ends[0], &cpu, sizeof cpu) == sizeof cpu;
  close(ends[0]);
  close(ends[1]);
  if (!done) std::exit(1);
  return cpu;
}

void Run(std::int64_t total, std::string_view only) {
  using iceberg::FieldId;
  using iceberg::Transform;
  const auto measure = [&](std::string_view name, const std::function<double()>& run) {
    return only.empty() || only == name ? InChild(run) : 0.0;
  };
  const double bare = measure("bare", [&] { return WriteBare(total); });
  measure("day", [&] {
    return WriteTable("day", total, bare,
                      {{FieldId(2), FieldId(1000), "day", Transform::Day()}}, {}, {});
  });
  const double unsorted = measure(
      "unsorted", [&] { return WriteTable("unsorted", total, bare, {}, {}, {}); });
  TableWriterOptions small;
  small.memory_bytes_max = 256 << 20;
  measure("sorted", [&] {
    return WriteTable(
        "sorted", total, unsorted, {},
        {{FieldId(1), Transform::Identity(), iceberg::SortDirection::kAscending,
          iceberg::NullOrder::kNullsFirst}},
        small);
  });
  measure("interleaved", [&] {
    return WriteTable("interleaved", total, bare,
                      {{FieldId(3), FieldId(1000), "bucket", Transform::Identity()}}, {},
                      {});
  });
}

}  // namespace
}  // namespace firn::table

int main(int argc, char** argv) {
  firn::table::Run(argc > 1 ? std::atoll(argv[1]) : 10'000'000, argc > 2 ? argv[2] : "");
}

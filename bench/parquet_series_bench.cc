// SPDX-License-Identifier: Apache-2.0
// One metric out of fifty, from a settled file of 2.4 M samples sorted by (metric,
// series_id, ts): what a cold PromQL selector costs. Also what writing such a file costs
// and how large it is.
//
// Prints one JSON object a line. Times are of the reading thread's CPU, medians over the
// runs: the file is in memory, so there is nothing to wait for.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_dict.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/array/builder_time.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/key_value_metadata.h"

#include "arrow_check.h"
#include "parquet/footer_cache.h"
#include "parquet/reader.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

constexpr int kMetrics = 50;
constexpr int kSeriesPerMetric = 200;
constexpr int kSamples = 240;
constexpr std::int64_t kRows = std::int64_t{kMetrics} * kSeriesPerMetric * kSamples;

class StringWriter final : public io::ObjectWriter {
 public:
  explicit StringWriter(std::string& out) : out_(out) {}
  Status Append(std::string_view bytes) override {
    out_.append(bytes);
    return Status::OK();
  }
  Status Close() override { return Status::OK(); }

 private:
  std::string& out_;
};

class StringReader final : public io::ObjectReader {
 public:
  explicit StringReader(const std::string& bytes) : bytes_(bytes) {}
  std::uint64_t size_bytes() const override { return bytes_.size(); }
  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    bytes_.copy(out, size, offset);
    return Status::OK();
  }

 private:
  const std::string& bytes_;
};

std::shared_ptr<arrow::Field> Field(const char* name,
                                    std::shared_ptr<arrow::DataType> type, bool nullable,
                                    int id) {
  return arrow::field(name, std::move(type), nullable)
      ->WithMetadata(
          arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(id)}));
}

// Gauges of one decimal and counters, 15 s apart; every series stands for one label set.
std::vector<std::shared_ptr<arrow::RecordBatch>> Samples() {
  const auto us = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto schema = arrow::schema(
      {Field("metric", arrow::dictionary(arrow::int32(), arrow::utf8()), false, 1),
       Field("series_id", arrow::fixed_size_binary(16), false, 2),
       Field("ts", us, false, 3), Field("value", arrow::float64(), true, 4),
       Field("flags", arrow::int32(), false, 5)});
  std::mt19937_64 random(42);
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (int metric = 0; metric < kMetrics; ++metric) {
    arrow::StringDictionary32Builder name;
    arrow::FixedSizeBinaryBuilder id(arrow::fixed_size_binary(16));
    arrow::TimestampBuilder ts(us, arrow::default_memory_pool());
    arrow::DoubleBuilder value;
    arrow::Int32Builder flags;
    std::vector<std::string> ids(kSeriesPerMetric, std::string(16, '\0'));
    for (std::string& text : ids) {
      for (char& c : text) c = static_cast<char>(random());
    }
    std::sort(ids.begin(), ids.end());
    for (const std::string& series : ids) {
      double v = static_cast<double>(random() % 100'000);
      for (int i = 0; i < kSamples; ++i) {
        Check(name.Append("metric_" + std::to_string(100 + metric)));
        Check(id.Append(series));
        Check(ts.Append(1'700'000'000'000'000 + i * std::int64_t{15'000'000}));
        v += metric % 2 == 0 ? static_cast<double>(random() % 500)
                             : (static_cast<double>(random() % 2001) - 1000) / 10;
        Check(value.Append(std::round(v * 10) / 10));
        Check(flags.Append(0));
      }
    }
    batches.push_back(arrow::RecordBatch::Make(
        schema, kSeriesPerMetric * kSamples,
        {name.Finish().ValueOrDie(), id.Finish().ValueOrDie(), ts.Finish().ValueOrDie(),
         value.Finish().ValueOrDie(), flags.Finish().ValueOrDie()}));
  }
  return batches;
}

double ThreadCpuMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double MedianMs(int runs, const std::function<void()>& body) {
  std::vector<double> ms;
  for (int i = 0; i < runs; ++i) {
    const double start = ThreadCpuMs();
    body();
    ms.push_back(ThreadCpuMs() - start);
  }
  std::nth_element(ms.begin(), ms.begin() + runs / 2, ms.end());
  return ms[static_cast<std::size_t>(runs) / 2];
}

WriterOptions SampleOptions(std::int64_t page_rows) {
  WriterOptions options;
  options.page_rows = page_rows;
  options.columns[3].dictionary = false;
  options.columns[3].encoding = Encoding::kDeltaBinaryPacked;
  options.columns[4].dictionary = false;
  options.sorting_columns = {{1}, {2}, {3}};
  return options;
}

// Open, plan and read; returns the rows and adds the stream's counters to `stats`.
std::int64_t ReadAll(const std::string& file, const ScanSpec& spec, FooterCache* cache,
                     bool checksums, scan::ScanStats& stats) {
  const base::Context context;
  ReaderOptions options;
  options.footer_cache = cache;
  options.verify_page_checksums = checksums;
  const auto reader = Check(FileReader::Open(
      context, std::make_shared<StringReader>(file), "memory://bench", options));
  const auto stream =
      Check(reader->Read(context, spec, Check(reader->Plan(context, spec))));
  std::int64_t rows = 0;
  while (const auto batch = Check(stream->Next())) rows += batch->num_rows();
  stats = stream->stats();
  return rows;
}

void Report(const char* name, std::int64_t page_rows, const std::string& file,
            const ScanSpec& spec, bool cached, bool checksums, int runs) {
  FooterCache cache(8 << 20);
  scan::ScanStats stats;
  std::int64_t rows = 0;
  const double ms = MedianMs(runs, [&] {
    rows = ReadAll(file, spec, cached ? &cache : nullptr, checksums, stats);
  });
  std::printf(
      "{\"bench\":\"parquet_series\",\"case\":\"%s\",\"page_rows\":%lld,"
      "\"footer_cached\":%s,\"checksums\":%s,\"cpu_ms\":%.3f,\"rows\":%lld,"
      "\"bytes_read\":%lld,\"requests\":%lld,\"pages_pruned\":%lld}\n",
      name, static_cast<long long>(page_rows), cached ? "true" : "false",
      checksums ? "true" : "false", ms, static_cast<long long>(rows),
      static_cast<long long>(stats.bytes_read), static_cast<long long>(stats.requests),
      static_cast<long long>(stats.pages_pruned));
}

void Run() {
  const auto batches = Samples();
  for (const std::int64_t page_rows : {20'000, 1 << 16, 1 << 17, 1 << 20}) {
    std::string file;
    FileReport report;
    const double write_ms = MedianMs(3, [&] {
      file.clear();
      const auto writer =
          Check(FileWriter::Open(std::make_unique<StringWriter>(file),
                                 batches.front()->schema(), SampleOptions(page_rows)));
      for (const auto& batch : batches) Check(writer->Write(*batch));
      report = Check(std::move(*writer).Finish());
    });
    std::printf(
        "{\"bench\":\"parquet_series\",\"case\":\"write\",\"page_rows\":%lld,"
        "\"cpu_ns_per_row\":%.1f,\"bytes_per_row\":%.3f",
        static_cast<long long>(page_rows), write_ms * 1e6 / kRows,
        static_cast<double>(report.size_bytes) / kRows);
    for (const ColumnReport& column : report.columns) {
      std::printf(",\"%s_bytes_per_row\":%.4f", column.path.c_str(),
                  static_cast<double>(column.size_bytes) / kRows);
    }
    std::printf("}\n");

    ScanSpec one;
    one.columns = {{"series_id", 2}, {"ts", 3}, {"value", 4}, {"flags", 5}};
    one.predicate_columns = {{"metric", 1}};
    one.predicate = expr::MakePredicate(
        expr::Compare{"metric", expr::CompareOp::kEq, std::string("metric_123")});
    Report("one_metric", page_rows, file, one, true, true, 31);
    Report("one_metric", page_rows, file, one, true, false, 31);
    Report("one_metric", page_rows, file, one, false, true, 31);
    ScanSpec window = one;
    window.predicate = expr::Conjoin(
        one.predicate, expr::MakePredicate(expr::Compare{
                           "ts", expr::CompareOp::kGtEq,
                           expr::Timestamp{1'700'000'000'000'000 + 220 * 15'000'000LL}}));
    Report("one_metric_last_5m", page_rows, file, window, true, true, 31);
    ScanSpec all = one;
    all.predicate = nullptr;
    Report("every_row", page_rows, file, all, true, true, 5);
  }
}

}  // namespace
}  // namespace firn::parquet

int main() { firn::parquet::Run(); }

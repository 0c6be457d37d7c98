// SPDX-License-Identifier: Apache-2.0
// What writing a Parquet file costs beside Arrow's own writer with the same settings, on
// the same batches, in the same run: CPU of the writing thread and the pool's peak.
//
// Rows: 1 KB log records, and metric samples (sorted, long runs of equal text), the
// latter also run-end encoded, which Arrow's writer does not take.
//
// The two writers take turns, so that a change of the machine's pace meets both. Prints
// one JSON object a line; `cpu_ratio`, the median of the turns' ratios, is to be at most
// 1.05, and `peak_row_groups` below 2.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "arrow/array/array_run_end.h"
#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/array/builder_time.h"
#include "arrow/io/interfaces.h"
#include "arrow/memory_pool.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/byte_size.h"
#include "arrow/util/type_fwd.h"

#include "arrow_check.h"
#include "parquet/arrow/writer.h"
#include "parquet/properties.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using Batches = std::vector<std::shared_ptr<arrow::RecordBatch>>;

constexpr int kRuns = 9;
constexpr std::int64_t kBatchRows = 8192;
// Rows of the default size of a row group. Of small row groups it is mostly the hash
// tables of dictionaries that the peak consists of: up to 6 MB a column, in Arrow's
// writer as in ours.
const std::int64_t kRowGroupBytes = WriterOptions().row_group_bytes;

double ThreadCpuMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Counts what it is given and keeps nothing.
class NullObject final : public io::ObjectWriter {
 public:
  Status Append(std::string_view) override { return Status::OK(); }
  Status Close() override { return Status::OK(); }
};
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

// Ten fields of a request log, a kilobyte a row.
Batches LogRecords(std::int64_t rows) {
  const auto schema = arrow::schema({
      arrow::field("id", arrow::int64(), false),
      arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false),
      arrow::field("status", arrow::int32(), false),
      arrow::field("duration", arrow::float64(), false),
      arrow::field("host", arrow::utf8(), false),
      arrow::field("method", arrow::utf8(), false),
      arrow::field("path", arrow::utf8(), false),
      arrow::field("user", arrow::utf8()),
      arrow::field("trace", arrow::utf8(), false),
      arrow::field("message", arrow::utf8(), false),
  });
  const char* const methods[] = {"GET", "POST", "PUT", "DELETE"};
  std::mt19937_64 random(42);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  std::vector<std::string> words;
  for (int i = 0; i < 5000; ++i) {
    std::string& word = words.emplace_back();
    for (std::uint64_t n = 3 + below(9); n > 0; --n) {
      word.push_back(static_cast<char>('a' + below(26)));
    }
  }
  Batches batches;
  for (std::int64_t first = 0; first < rows; first += kBatchRows) {
    arrow::Int64Builder id;
    arrow::TimestampBuilder at(schema->field(1)->type(), arrow::default_memory_pool());
    arrow::Int32Builder status;
    arrow::DoubleBuilder duration;
    arrow::StringBuilder host, method, path, user, trace, message;
    const std::int64_t end = std::min(rows, first + kBatchRows);
    for (std::int64_t n = first; n < end; ++n) {
      Check(id.Append(n));
      Check(at.Append(1'700'000'000'000'000 + n * 1300 + static_cast<int>(below(1000))));
      Check(status.Append(below(20) == 0 ? 500 : 200));
      Check(duration.Append(static_cast<double>(below(1'000'000)) / 1000));
      Check(host.Append("host-" + std::to_string(below(50))));
      Check(method.Append(methods[below(4)]));
      Check(path.Append("/api/v1/" + words[below(200)] + "/" +
                        std::to_string(below(100'000))));
      Check(below(10) == 0 ? user.AppendNull()
                           : user.Append("user" + std::to_string(below(20'000))));
      std::string hex;
      for (int i = 0; i < 32; ++i) hex.push_back("0123456789abcdef"[below(16)]);
      Check(trace.Append(hex));
      std::string text;
      while (text.size() < 850) text += words[below(words.size())] + ' ';
      Check(message.Append(text));
    }
    batches.push_back(arrow::RecordBatch::Make(
        schema, end - first,
        {id.Finish().ValueOrDie(), at.Finish().ValueOrDie(), status.Finish().ValueOrDie(),
         duration.Finish().ValueOrDie(), host.Finish().ValueOrDie(),
         method.Finish().ValueOrDie(), path.Finish().ValueOrDie(),
         user.Finish().ValueOrDie(), trace.Finish().ValueOrDie(),
         message.Finish().ValueOrDie()}));
  }
  return batches;
}

// Gauges of one decimal, 240 samples a series, sorted by metric, series and time; metric
// and host come spelled out, or in runs.
Batches Samples(std::int64_t rows, bool in_runs) {
  constexpr std::int64_t kSamples = 240;
  const auto text =
      in_runs ? arrow::run_end_encoded(arrow::int32(), arrow::utf8()) : arrow::utf8();
  const auto schema = arrow::schema({
      arrow::field("metric", text, false),
      arrow::field("host", text, false),
      arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false),
      arrow::field("value", arrow::float64(), false),
  });
  std::mt19937_64 random(42);
  Batches batches;
  double v = 0;
  for (std::int64_t first = 0; first < rows; first += 100 * kSamples) {
    arrow::StringBuilder metric, host;
    arrow::Int32Builder ends;
    arrow::TimestampBuilder ts(schema->field(2)->type(), arrow::default_memory_pool());
    arrow::DoubleBuilder value;
    const std::int64_t end = std::min(rows, first + 100 * kSamples);
    for (std::int64_t n = first; n < end; ++n) {
      const bool begins = n % kSamples == 0;
      if (begins || !in_runs) {
        Check(metric.Append("metric_" + std::to_string(n / kSamples / 200)));
        Check(host.Append("host-" + std::to_string(n / kSamples % 200)));
      }
      if (begins && n > first) Check(ends.Append(static_cast<std::int32_t>(n - first)));
      Check(ts.Append(1'700'000'000'000'000 + n % kSamples * 15'000'000));
      v = begins ? static_cast<double>(random() % 10'000) : v;
      v += (static_cast<double>(random() % 2001) - 1000) / 10;
      Check(value.Append(std::round(v * 10) / 10));
    }
    Check(ends.Append(static_cast<std::int32_t>(end - first)));
    arrow::ArrayVector columns = {metric.Finish().ValueOrDie(),
                                  host.Finish().ValueOrDie(), ts.Finish().ValueOrDie(),
                                  value.Finish().ValueOrDie()};
    if (in_runs) {
      const auto run_ends = ends.Finish().ValueOrDie();
      for (int i = 0; i < 2; ++i) {
        columns[i] = arrow::RunEndEncodedArray::Make(end - first, run_ends, columns[i])
                         .ValueOrDie();
      }
    }
    batches.push_back(arrow::RecordBatch::Make(schema, end - first, std::move(columns)));
  }
  return batches;
}

struct Setting {
  const char* name;
  Codec codec;
  arrow::Compression::type theirs;
  std::optional<int> level;
};
constexpr Setting kSettings[] = {
    {"zstd 1", Codec::kZstd, arrow::Compression::ZSTD, 1},
    {"zstd 3", Codec::kZstd, arrow::Compression::ZSTD, 3},
    {"snappy", Codec::kSnappy, arrow::Compression::SNAPPY, std::nullopt},
    {"uncompressed", Codec::kUncompressed, arrow::Compression::UNCOMPRESSED,
     std::nullopt},
};

// Rows that make a row group of about kRowGroupBytes, for both.
std::int64_t RowGroupRows(const Batches& batches) {
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  for (const auto& batch : batches) {
    bytes += Check(arrow::util::ReferencedBufferSize(*batch));
    rows += batch->num_rows();
  }
  return std::max<std::int64_t>(1, rows * kRowGroupBytes / bytes);
}

struct Measured {
  double cpu_ms = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t file_bytes = 0;
};

Measured WriteOurs(const Batches& batches, const Setting& setting, std::int64_t rows) {
  arrow::ProxyMemoryPool pool(arrow::default_memory_pool());
  WriterOptions options;
  options.codec = setting.codec;
  options.codec_level = setting.level;
  options.row_group_rows = rows;
  options.row_group_bytes = std::int64_t{1} << 40;
  options.pool = &pool;
  const double begin = ThreadCpuMs();
  const auto writer = firn::Check(FileWriter::Open(std::make_unique<NullObject>(),
                                                   batches.front()->schema(), options));
  for (const auto& batch : batches) firn::Check(writer->Write(*batch));
  const FileReport report = firn::Check(std::move(*writer).Finish());
  return {ThreadCpuMs() - begin, pool.max_memory(), report.size_bytes};
}

Measured WriteTheirs(const Batches& batches, const Setting& setting, std::int64_t rows) {
  arrow::ProxyMemoryPool pool(arrow::default_memory_pool());
  const WriterOptions ours;
  ::parquet::WriterProperties::Builder builder;
  builder.memory_pool(&pool)
      ->compression(setting.theirs)
      ->data_pagesize(ours.page_bytes)
      ->max_rows_per_page(ours.page_rows)
      ->dictionary_pagesize_limit(ours.dictionary_bytes)
      ->max_row_group_length(rows)
      ->enable_write_page_index()
      ->enable_page_checksum();
  if (setting.level.has_value()) builder.compression_level(*setting.level);
  const auto stream = std::make_shared<NullStream>();
  const double begin = ThreadCpuMs();
  const auto writer = Check(::parquet::arrow::FileWriter::Open(
      *batches.front()->schema(), &pool, stream, builder.build()));
  for (const auto& batch : batches) Check(writer->WriteRecordBatch(*batch));
  Check(writer->Close());
  return {ThreadCpuMs() - begin, pool.max_memory(), Check(stream->Tell())};
}

template <typename T, typename Value>
T Median(std::vector<T> runs, Value value) {
  std::sort(runs.begin(), runs.end(),
            [&](const T& a, const T& b) { return value(a) < value(b); });
  return runs[runs.size() / 2];
}

// `ours` and `theirs` hold the same rows.
void Compare(const char* rows_name, const Batches& ours, const Batches& theirs) {
  std::int64_t rows = 0;
  for (const auto& batch : ours) rows += batch->num_rows();
  const std::int64_t group_rows = RowGroupRows(theirs);
  for (const Setting& setting : kSettings) {
    std::vector<Measured> a, b;
    std::vector<double> ratios;
    for (int i = 0; i < kRuns; ++i) {
      a.push_back(WriteOurs(ours, setting, group_rows));
      b.push_back(WriteTheirs(theirs, setting, group_rows));
      ratios.push_back(a.back().cpu_ms / b.back().cpu_ms);
    }
    const auto cpu_ms = [](const Measured& run) { return run.cpu_ms; };
    const Measured firn_run = Median(std::move(a), cpu_ms);
    const Measured arrow_run = Median(std::move(b), cpu_ms);
    const double ratio = Median(std::move(ratios), [](double value) { return value; });
    std::printf(
        "{\"bench\":\"parquet_write\",\"rows\":\"%s\",\"codec\":\"%s\","
        "\"cpu_ns_per_row\":%.1f,\"arrow_cpu_ns_per_row\":%.1f,\"cpu_ratio\":%.3f,"
        "\"peak_bytes\":%lld,\"arrow_peak_bytes\":%lld,\"peak_row_groups\":%.2f,"
        "\"file_bytes\":%lld,\"arrow_file_bytes\":%lld}\n",
        rows_name, setting.name, firn_run.cpu_ms * 1e6 / static_cast<double>(rows),
        arrow_run.cpu_ms * 1e6 / static_cast<double>(rows), ratio,
        static_cast<long long>(firn_run.peak_bytes),
        static_cast<long long>(arrow_run.peak_bytes),
        static_cast<double>(firn_run.peak_bytes) / static_cast<double>(kRowGroupBytes),
        static_cast<long long>(firn_run.file_bytes),
        static_cast<long long>(arrow_run.file_bytes));
    std::fflush(stdout);
  }
}

void Run() {
  const Batches records = LogRecords(200'000);
  Compare("log_records_1k", records, records);
  const Batches samples = Samples(1'200'000, false);
  Compare("samples", samples, samples);
  Compare("samples_in_runs", Samples(1'200'000, true), samples);
}

}  // namespace
}  // namespace firn::parquet

int main() { firn::parquet::Run(); }

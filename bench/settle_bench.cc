// SPDX-License-Identifier: Apache-2.0
// What it costs to write samples to metrics.samples, and how large they are there.
//
//   bench_settle [--hosts 200] [--metrics 50] [--rounds 1000] [--runs 3] [--keep DIR]
//
// The series of the ingest claim (bench_remote_write_load): 8 or 9 labels, half counters
// and half gauges with noise, a sample every 15 s; 10 M samples as a rule. They go
// through SamplesBatchBuilder and DataWriter as a settle's do, into memory. One JSON
// object a line: layouts of the labels, then encodings of the values. Times are of the
// writing thread's CPU, medians over the runs. --keep writes the files for other readers.
#include <arrow/array/array_primitive.h>
#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/series_id.h"
#include "base/ulid.h"
#include "check.h"
#include "firn/labels.h"
#include "iceberg/random.h"
#include "iceberg/sql_catalog.h"
#include "io/memory_store.h"
#include "table/data_writer.h"
#include "tsdb/samples_batch.h"
#include "tsdb/settler.h"
#include "tsdb/tables.h"

namespace firn {
namespace {

constexpr TimestampMs kStepMs = 15'000;
constexpr TimestampMs kFirstMs = 1'767'312'000'000;  // 2026-01-02, midnight.

struct Load {
  int hosts = 200;
  int metrics = 50;
  int rounds = 1000;
  int runs = 3;
  std::string keep;

  std::int64_t samples() const { return std::int64_t{hosts} * metrics * rounds; }
};

struct Series {
  base::SeriesId id;
  Labels labels;
  int digits = 0;  // Decimals of its values.
  std::vector<double> values;
};

Series MakeSeries(int host, int metric, int rounds) {
  const bool is_counter = metric % 2 == 0;
  std::minstd_rand random(1 + static_cast<unsigned>(host * 50 + metric));
  const auto number = [](const char* prefix, int n) {
    return prefix + std::to_string(n);
  };
  std::vector<Label> labels = {
      {"__name__", number("bench_metric_", metric) + (is_counter ? "_total" : "")},
      {"az", number("az-", host % 3)},
      {"cluster", number("cluster-", host % 4)},
      {"env", "production"},
      {"instance", number("host-", host) + ".example.internal:9100"},
      {"job", "node"},
      {"region", number("region-", host % 2)},
      {"team", number("team-", metric % 7)}};
  if (!is_counter) labels.push_back({"unit", number("unit-", metric % 5)});
  Series series;
  series.labels = Labels::FromUnsorted(std::move(labels));
  series.id = base::ComputeSeriesId("", series.labels);
  constexpr double kScales[] = {1, 100, 1000};
  constexpr int kDigits[] = {0, 2, 3};
  const double scale = kScales[metric / 2 % 3];
  series.digits = is_counter ? 0 : kDigits[metric / 2 % 3];
  double value = static_cast<double>(random() % 100'000);
  for (int i = 0; i < rounds; ++i) {
    if (is_counter) {
      value += static_cast<double>(random() % 100);
    } else {
      const double noise = static_cast<double>(random() % 1'000) - 500.0;
      value = (std::round(value * scale) + noise) / scale;
    }
    series.values.push_back(value);
  }
  return series;
}

std::vector<Series> MakeAll(const Load& load) {
  std::vector<Series> all;
  for (int host = 0; host < load.hosts; ++host) {
    for (int metric = 0; metric < load.metrics; ++metric) {
      all.push_back(MakeSeries(host, metric, load.rounds));
    }
  }
  std::sort(all.begin(), all.end(), [](const Series& a, const Series& b) {
    const std::string_view metric_a = a.labels.metric_name();
    const std::string_view metric_b = b.labels.metric_name();
    return std::tie(metric_a, a.id) < std::tie(metric_b, b.id);
  });
  return all;
}

double ThreadCpuS() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size()) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Counts what is written, and keeps it where a file name is given.
class Object final : public io::ObjectWriter {
 public:
  explicit Object(const std::string& path) {
    if (!path.empty()) file_.open(path, std::ios::binary);
  }
  Status Append(std::string_view bytes) override {
    if (file_.is_open())
      file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return Status::OK();
  }
  Status Close() override {
    if (file_.is_open()) file_.close();
    return Status::OK();
  }

 private:
  std::ofstream file_;
};

void PrintReport(const parquet::FileReport& report) {
  const auto rows = static_cast<double>(report.row_count);
  std::printf(",\"row_groups\":%zu,\"bytes_per_sample\":%.4f",
              report.split_offsets.size(), static_cast<double>(report.size_bytes) / rows);
  for (const parquet::ColumnReport& column : report.columns) {
    std::printf(",\"%s\":%.4f", column.path.c_str(),
                static_cast<double>(column.size_bytes) / rows);
  }
}

// The samples as rows of the table's `columns` (all where absent).
void WriteSamples(const Load& load, const std::vector<Series>& all, const char* name,
                  const iceberg::TableMetadata& metadata,
                  const std::optional<std::vector<std::string>>& columns,
                  tsdb::SampleRows rows) {
  std::vector<TimestampMs> timestamps;
  for (int i = 0; i < load.rounds; ++i) timestamps.push_back(kFirstMs + i * kStepMs);
  const std::string path = load.keep.empty() ? "" : load.keep + "/" + name + ".parquet";
  std::vector<double> build, write;
  parquet::FileReport report;
  std::int64_t peak_bytes = 0;
  for (int run = 0; run < load.runs; ++run) {
    arrow::ProxyMemoryPool pool(arrow::default_memory_pool());
    parquet::WriterOptions options =
        tsdb::SamplesFileOptions(metadata.current_schema()).parquet;
    options.pool = &pool;
    const auto builder =
        Check(tsdb::SamplesBatchBuilder::Make(metadata, columns, rows, &pool));
    if (columns.has_value()) {
      options.columns.erase(tsdb::kLabelsKeyId);
      options.columns.erase(tsdb::kLabelsValueId);
    }
    const double start = ThreadCpuS();
    double written = 0;
    auto file = Check(parquet::FileWriter::Open(std::make_unique<Object>(path),
                                                builder->schema(), options));
    const auto flush = [&] {
      const auto batch = Check(builder->Flush());
      const double before = ThreadCpuS();
      Check(file->Write(*batch));
      written += ThreadCpuS() - before;
    };
    for (const Series& series : all) {
      builder->BeginSeries("", series.id, series.labels);
      Check(builder->Append(timestamps.data(), series.values.data(), load.rounds));
      if (builder->row_count() >= tsdb::SamplesBatchBuilder::kBatchRows) flush();
    }
    flush();
    const double before = ThreadCpuS();
    report = Check(std::move(*file).Finish());
    written += ThreadCpuS() - before;
    write.push_back(written);
    build.push_back(ThreadCpuS() - start - written);
    peak_bytes = pool.max_memory();
  }
  const auto samples = static_cast<double>(load.samples());
  std::printf(
      "{\"bench\":\"settle\",\"case\":\"%s\",\"samples\":%lld,\"series\":%zu,\"runs\":%d,"
      "\"build_ns_per_sample\":%.1f,\"write_ns_per_sample\":%.1f,\"peak_mb\":%.1f",
      name, static_cast<long long>(load.samples()), all.size(), load.runs,
      Median(build) * 1e9 / samples, Median(write) * 1e9 / samples,
      static_cast<double>(peak_bytes) / 1e6);
  PrintReport(report);
  std::printf("}\n");
  std::fflush(stdout);
}

// --- Encodings of the values alone.
enum class ValueForm { kPlain, kByteStreamSplit, kMantissaDouble, kMantissaLong };

// The smallest power of ten by which every value becomes a whole number m such that
// m / power gives the same bits again; 1 where there is none.
double PowerOf(const std::vector<double>& values) {
  for (double power = 1; power <= 1e6; power *= 10) {
    const bool exact = std::all_of(values.begin(), values.end(), [&](double v) {
      const double m = std::round(v * power);
      const double back = m / power;
      return std::fabs(m) < 9e15 && std::memcmp(&back, &v, sizeof v) == 0;
    });
    if (exact) return power;
  }
  return 1;
}

std::shared_ptr<arrow::Field> Field(const char* name,
                                    std::shared_ptr<arrow::DataType> type, int id) {
  return arrow::field(name, std::move(type))
      ->WithMetadata(
          arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(id)}));
}

template <typename T>
std::shared_ptr<arrow::Buffer> Copy(const std::vector<T>& values) {
  return arrow::Buffer::FromString(std::string(
      reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
}

void WriteValues(const Load& load, const std::vector<Series>& all, const char* name,
                 ValueForm form, int level, std::int64_t page_bytes) {
  const bool mantissa =
      form == ValueForm::kMantissaDouble || form == ValueForm::kMantissaLong;
  const bool split =
      form == ValueForm::kByteStreamSplit || form == ValueForm::kMantissaDouble;
  const auto type = form == ValueForm::kMantissaLong ? arrow::int64() : arrow::float64();
  arrow::FieldVector fields = {Field("value", type, 1)};
  if (mantissa) fields.push_back(Field("divisor", arrow::float64(), 2));
  const auto schema = arrow::schema(fields);
  parquet::WriterOptions options;
  options.codec_level = level;
  options.page_bytes = page_bytes;
  options.page_rows = page_bytes / 8;
  options.columns[1].dictionary = false;
  if (split) options.columns[1].encoding = parquet::Encoding::kByteStreamSplit;
  std::vector<double> cpu;
  parquet::FileReport report;
  for (int run = 0; run < load.runs; ++run) {
    const double start = ThreadCpuS();
    auto file =
        Check(parquet::FileWriter::Open(std::make_unique<Object>(""), schema, options));
    std::vector<double> values, powers;
    std::vector<std::int64_t> longs;
    const auto flush = [&] {
      const auto rows = static_cast<std::int64_t>(values.size());
      arrow::ArrayVector columns = {
          form == ValueForm::kMantissaLong
              ? std::shared_ptr<arrow::Array>(
                    std::make_shared<arrow::Int64Array>(rows, Copy(longs)))
              : std::make_shared<arrow::DoubleArray>(rows, Copy(values))};
      if (mantissa) {
        columns.push_back(std::make_shared<arrow::DoubleArray>(rows, Copy(powers)));
      }
      Check(file->Write(*arrow::RecordBatch::Make(schema, rows, columns)));
      values.clear();
      powers.clear();
      longs.clear();
    };
    for (const Series& series : all) {
      const double power = mantissa ? PowerOf(series.values) : 1;
      for (const double v : series.values) {
        const double m = mantissa ? std::round(v * power) : v;
        values.push_back(m);
        if (mantissa) powers.push_back(power);
        if (form == ValueForm::kMantissaLong) {
          longs.push_back(static_cast<std::int64_t>(m));
        }
      }
      if (values.size() >= std::size_t{tsdb::SamplesBatchBuilder::kBatchRows}) flush();
    }
    flush();
    report = Check(std::move(*file).Finish());
    cpu.push_back(ThreadCpuS() - start);
  }
  std::printf(
      "{\"bench\":\"settle\",\"case\":\"%s\",\"zstd_level\":%d,\"page_bytes\":%lld,"
      "\"samples\":%lld,\"runs\":%d,\"cpu_ns_per_sample\":%.1f",
      name, level, static_cast<long long>(page_bytes),
      static_cast<long long>(load.samples()), load.runs,
      Median(cpu) * 1e9 / static_cast<double>(load.samples()));
  PrintReport(report);
  std::printf("}\n");
  std::fflush(stdout);
}

iceberg::TableMetadata SamplesMetadata() {
  const base::Clock& clock = base::SystemClock();
  io::MemoryStore store(clock);
  iceberg::RandomSource random;
  iceberg::SqlCatalogOptions options;
  options.uri = "sqlite://";
  options.warehouse = "memory://w";
  const auto catalog =
      Check(iceberg::OpenSqlCatalog(std::move(options), store, clock, random));
  return *Check(tsdb::OpenOrCreateTables(base::Context(), *catalog, {})).samples.metadata;
}

void Run(const Load& load) {
  const std::vector<Series> all = MakeAll(load);
  const iceberg::TableMetadata metadata = SamplesMetadata();
  using tsdb::SampleRows;
  const std::vector<std::string> no_map = {"tenant",   "metric",  "series_id", "ts",
                                           "start_ts", "value",   "value_int", "flags",
                                           "job",      "instance"};
  WriteSamples(load, all, "map", metadata, std::nullopt, SampleRows::kSpelledOut);
  WriteSamples(load, all, "no_map", metadata, no_map, SampleRows::kSpelledOut);
  WriteSamples(load, all, "map_in_runs", metadata, std::nullopt, SampleRows::kRuns);
  WriteSamples(load, all, "no_map_in_runs", metadata, no_map, SampleRows::kRuns);
  constexpr std::int64_t kPage = 1 << 20;
  WriteValues(load, all, "plain", ValueForm::kPlain, 3, kPage);
  WriteValues(load, all, "split", ValueForm::kByteStreamSplit, 3, kPage);
  WriteValues(load, all, "mantissa_split", ValueForm::kMantissaDouble, 3, kPage);
  WriteValues(load, all, "mantissa_long", ValueForm::kMantissaLong, 3, kPage);
  WriteValues(load, all, "mantissa_split", ValueForm::kMantissaDouble, 9, 4 * kPage);
}

bool ParseFlags(int argc, char** argv, Load* load) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--hosts")
      load->hosts = std::atoi(argv[i + 1]);
    else if (flag == "--metrics")
      load->metrics = std::atoi(argv[i + 1]);
    else if (flag == "--rounds")
      load->rounds = std::atoi(argv[i + 1]);
    else if (flag == "--runs")
      load->runs = std::atoi(argv[i + 1]);
    else if (flag == "--keep")
      load->keep = argv[i + 1];
    else
      return false;
  }
  return argc % 2 == 1 && load->hosts > 0 && load->metrics > 0 && load->rounds > 0 &&
         load->runs > 0;
}

}  // namespace
}  // namespace firn

int main(int argc, char** argv) {
  firn::Load load;
  if (!firn::ParseFlags(argc, argv, &load)) {
    std::fprintf(stderr, "usage: see the top of settle_bench.cc\n");
    return 2;
  }
  firn::Run(load);
}

// SPDX-License-Identifier: Apache-2.0
// The files of the scan claims, and firn's reading of them.
//
//   bench_parquet_scan                           both of the next two, and firn's scans
//   bench_parquet_scan make records FILE ROWS    log records of about 1 KB, sorted by ts
//   bench_parquet_scan make columns FILE ROWS    50 columns of 64-bit values
//   bench_parquet_scan read FILE [--columns A,B] [--where TEXT] [--threads N]
//
// `read` streams every batch and prints one JSON object: rows, seconds, cpu_seconds,
// bytes_read, file_bytes, requests, row_groups_pruned, peak_rss_bytes. Rows are those of
// the pages that are left: pruning does not filter. parquet_peers_bench.py runs it beside
// the peers.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/array/builder_time.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "arrow_check.h"
#include "base/context.h"
#include "expr/bind.h"
#include "expr/filter_text.h"
#include "io/store.h"
#include "io/temporary_directory.h"
#include "parquet/reader.h"
#include "parquet/writer.h"

namespace firn {
namespace {

constexpr std::int64_t kBatchRows = 8192;
constexpr std::int64_t kRowGroupRows = 1 << 17;
constexpr int kColumns = 50;
constexpr std::int64_t kStartUs = 1'700'000'000'000'000;

using Random = std::mt19937_64;

// Words of a vocabulary of 4,000, the common ones often, with numbers between them: it
// compresses about as log lines do.
class LogText {
 public:
  explicit LogText(Random& random) : random_(random) {
    for (int i = 0; i < 4'000; ++i) {
      std::string word;
      for (auto length = 2 + random_() % 9; length > 0; --length) {
        word.push_back(static_cast<char>('a' + random_() % 26));
      }
      words_.push_back(std::move(word));
    }
  }
  std::string Line(std::size_t bytes) {
    std::string line;
    while (line.size() < bytes) {
      if (random_() % 6 == 0) {
        line += std::to_string(random_() % 1'000'000);
      } else {
        const std::size_t rank = random_() % words_.size();
        line += words_[random_() % (rank + 1)];
      }
      line.push_back(' ');
    }
    return line;
  }

 private:
  Random& random_;
  std::vector<std::string> words_;
};

std::shared_ptr<arrow::Schema> RecordSchema() {
  using arrow::field;
  return arrow::schema({
      field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false),
      field("host", arrow::utf8(), false),
      field("service", arrow::utf8(), false),
      field("level", arrow::utf8(), false),
      field("trace_id", arrow::utf8(), false),
      field("status", arrow::int32(), false),
      field("duration_ms", arrow::float64(), false),
      field("sent_bytes", arrow::int64(), true),
      field("message", arrow::utf8(), false),
  });
}

std::shared_ptr<arrow::RecordBatch> RecordBatch(Random& random, LogText& text,
                                                std::int64_t first, std::int64_t rows) {
  static constexpr const char* kLevels[] = {"debug", "info", "info",
                                            "info",  "warn", "error"};
  arrow::TimestampBuilder ts(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                             arrow::default_memory_pool());
  arrow::StringBuilder host, service, level, trace_id, message;
  arrow::Int32Builder status;
  arrow::DoubleBuilder duration;
  arrow::Int64Builder sent;
  for (std::int64_t row = first; row < first + rows; ++row) {
    Check(ts.Append(kStartUs + row * 1'000 + static_cast<std::int64_t>(random() % 900)));
    Check(host.Append("host-" + std::to_string(random() % 50)));
    Check(service.Append("service-" + std::to_string(random() % 20)));
    Check(level.Append(kLevels[random() % 6]));
    char id[33];
    std::snprintf(id, sizeof id, "%016llx%016llx",
                  static_cast<unsigned long long>(random()),
                  static_cast<unsigned long long>(random()));
    Check(trace_id.Append(id, 32));
    Check(status.Append(200 + 100 * static_cast<int>(random() % 4)));
    Check(duration.Append(static_cast<double>(random() % 1'000'000) / 1'000.0));
    Check(random() % 10 == 0
              ? sent.AppendNull()
              : sent.Append(static_cast<std::int64_t>(random() % 100'000)));
    Check(message.Append(text.Line(880 + random() % 80)));
  }
  arrow::ArrayVector columns(9);
  Check(ts.Finish(&columns[0]));
  Check(host.Finish(&columns[1]));
  Check(service.Finish(&columns[2]));
  Check(level.Finish(&columns[3]));
  Check(trace_id.Finish(&columns[4]));
  Check(status.Finish(&columns[5]));
  Check(duration.Finish(&columns[6]));
  Check(sent.Finish(&columns[7]));
  Check(message.Finish(&columns[8]));
  return arrow::RecordBatch::Make(RecordSchema(), rows, std::move(columns));
}

std::shared_ptr<arrow::Schema> ColumnsSchema() {
  arrow::FieldVector fields;
  for (int i = 0; i < kColumns; ++i) {
    fields.push_back(arrow::field("c" + std::to_string(i), arrow::int64(), false));
  }
  return arrow::schema(std::move(fields));
}

std::shared_ptr<arrow::RecordBatch> ColumnsBatch(Random& random, std::int64_t rows) {
  arrow::ArrayVector columns;
  for (int i = 0; i < kColumns; ++i) {
    arrow::Int64Builder builder;
    for (std::int64_t row = 0; row < rows; ++row) {
      Check(builder.Append(static_cast<std::int64_t>(random() % 1'000'000'000)));
    }
    columns.push_back(Check(builder.Finish()));
  }
  return arrow::RecordBatch::Make(ColumnsSchema(), rows, std::move(columns));
}

void Make(const std::string& kind, const std::string& path, std::int64_t rows) {
  const auto store = io::MakeLocalStore();
  const base::Context context;
  parquet::WriterOptions options;
  options.codec_level = 1;
  options.row_group_rows = kRowGroupRows;
  options.row_group_bytes = std::int64_t{1} << 30;
  const bool records = kind == "records";
  auto object = Check(store->OpenWriter(context, Check(io::ParseLocation(path))));
  const auto writer = Check(parquet::FileWriter::Open(
      std::move(object), records ? RecordSchema() : ColumnsSchema(), options));
  Random random(1);
  LogText text(random);
  for (std::int64_t row = 0; row < rows; row += kBatchRows) {
    const std::int64_t count = std::min(kBatchRows, rows - row);
    Check(writer->Write(records ? *RecordBatch(random, text, row, count)
                                : *ColumnsBatch(random, count)));
  }
  Check(std::move(*writer).Finish().status());
}

struct ReadRequest {
  std::string path;
  parquet::ScanSpec spec;
  int threads = 1;
};

struct ReadResult {
  std::int64_t rows = 0;
  std::int64_t bytes_read = 0;
  std::int64_t requests = 0;
  std::int64_t file_bytes = 0;
  std::int64_t row_groups_pruned = 0;
};

void Read(const ReadRequest& request, ReadResult& result) {
  const auto store = io::MakeLocalStore();
  const base::Context context;
  std::shared_ptr<io::ObjectReader> object =
      Check(store->OpenReader(context, Check(io::ParseLocation(request.path))));
  result.file_bytes = static_cast<std::int64_t>(object->size_bytes());
  const auto reader = Check(parquet::FileReader::Open(context, object, request.path, {}));
  parquet::ScanSpec spec = request.spec;
  spec.batch_rows = kBatchRows;
  spec.text_form = parquet::TextForm::kViews;
  spec.threads = request.threads;
  spec.ordered = false;
  if (spec.predicate != nullptr) {
    spec.predicate = Check(expr::BindToSchema(spec.predicate, *reader->schema()));
  }
  const parquet::FilePlan plan = Check(reader->Plan(context, spec));
  result.row_groups_pruned = plan.row_groups_pruned;
  result.bytes_read += plan.bytes_read;
  result.requests += plan.requests;
  const auto stream = Check(reader->Read(context, spec, plan));
  while (const auto batch = Check(stream->Next())) result.rows += batch->num_rows();
  result.bytes_read += stream->stats().bytes_read;
  result.requests += stream->stats().requests;
}

void ReadAndPrint(const ReadRequest& request) {
  const auto cpu_seconds = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return std::pair(seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss);
  };
  ReadResult result;
  const double cpu_before = cpu_seconds().first;
  const auto start = std::chrono::steady_clock::now();
  Read(request, result);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto [cpu_after, peak_kib] = cpu_seconds();
  std::printf(
      "{\"rows\":%lld,\"seconds\":%.4f,\"cpu_seconds\":%.4f,\"bytes_read\":%lld,"
      "\"file_bytes\":%lld,\"requests\":%lld,\"row_groups_pruned\":%lld,"
      "\"peak_rss_bytes\":%lld}\n",
      static_cast<long long>(result.rows), took.count(), cpu_after - cpu_before,
      static_cast<long long>(result.bytes_read),
      static_cast<long long>(result.file_bytes), static_cast<long long>(result.requests),
      static_cast<long long>(result.row_groups_pruned),
      static_cast<long long>(peak_kib) * 1024);
}

std::vector<parquet::ColumnRef> ParseColumns(std::string_view text) {
  std::vector<parquet::ColumnRef> columns;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    columns.push_back({std::string(text.substr(0, comma))});
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
  }
  return columns;
}

void MakeAndRead() {
  const io::TemporaryDirectory directory;
  ReadRequest request;
  request.path = directory / "records.parquet";
  Make("records", request.path, 500'000);
  for (request.threads = 1; request.threads <= 2; ++request.threads) {
    ReadAndPrint(request);
  }
  request.path = directory / "columns.parquet";
  Make("columns", request.path, 1'000'000);
  request.threads = 1;
  request.spec.columns = ParseColumns("c7,c23,c41");
  ReadAndPrint(request);
}

int Run(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (argc == 1) {
    MakeAndRead();
    return 0;
  }
  if (verb == "make" && argc == 5) {
    Make(argv[2], argv[3], std::atoll(argv[4]));
    return 0;
  }
  if (verb != "read" || argc < 3 || argc % 2 == 0) {
    std::fprintf(stderr, "usage: see the top of parquet_scan_bench.cc\n");
    return 2;
  }
  ReadRequest request;
  request.path = argv[2];
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--columns") {
      request.spec.columns = ParseColumns(argv[i + 1]);
    } else if (flag == "--where") {
      request.spec.predicate = Check(expr::ParseFilter(argv[i + 1]));
    } else if (flag == "--threads") {
      request.threads = std::atoi(argv[i + 1]);
    }
  }
  ReadAndPrint(request);
  return 0;
}

}  // namespace
}  // namespace firn

int main(int argc, char** argv) { return firn::Run(argc, argv); }

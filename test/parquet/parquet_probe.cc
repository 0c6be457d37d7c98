// SPDX-License-Identifier: Apache-2.0
// Turns an Arrow IPC file into firn's Parquet and any Parquet file into Arrow IPC, by
// firn's writer and reader, for the Python tests of this directory.
//
//   parquet_probe to-parquet IN.arrow OUT.parquet [OPTION=VALUE…]
//   parquet_probe to-arrow IN.parquet OUT.arrow [OPTION=VALUE…]
//
// to-parquet prints one line a leaf; probe_options.h says which options there are. An
// error goes to standard error, and its code is the first word after the program's name.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"
#include "arrow/ipc/writer.h"
#include "arrow/record_batch.h"

#include "base/budget.h"
#include "base/context.h"
#include "expr/literal.h"
#include "io/store.h"
#include "parquet/memory_pool.h"
#include "parquet/reader.h"
#include "parquet/writer.h"
#include "probe_options.h"

namespace firn::parquet {
namespace {

// A file asks for no more than this, whatever it says of itself.
constexpr std::int64_t kReadBytesMax = std::int64_t{512} << 20;

Status FromArrow(const arrow::Status& status) {
  return status.ok() ? Status::OK() : Status::Internal(status.ToString());
}

#define PROBE_ASSIGN_OR_RETURN(lhs, expr)                                   \
  auto FIRN_CONCAT(result_, __LINE__) = (expr);                             \
  FIRN_RETURN_IF_ERROR(FromArrow(FIRN_CONCAT(result_, __LINE__).status())); \
  lhs = std::move(FIRN_CONCAT(result_, __LINE__)).ValueUnsafe()

Status ToParquet(const base::Context& context, io::Store& store, const std::string& from,
                 const std::string& to, const std::vector<std::string>& arguments) {
  PROBE_ASSIGN_OR_RETURN(const auto input, arrow::io::ReadableFile::Open(from));
  PROBE_ASSIGN_OR_RETURN(const auto source,
                         arrow::ipc::RecordBatchFileReader::Open(input));
  FIRN_ASSIGN_OR_RETURN(const WriterOptions options, ProbeWriterOptions(arguments));
  FIRN_ASSIGN_OR_RETURN(const std::string location, io::ParseLocation(to));
  FIRN_ASSIGN_OR_RETURN(auto object, store.OpenWriter(context, location));
  FIRN_ASSIGN_OR_RETURN(const auto writer,
                        FileWriter::Open(std::move(object), source->schema(), options));
  for (int i = 0; i < source->num_record_batches(); ++i) {
    PROBE_ASSIGN_OR_RETURN(const auto batch, source->ReadRecordBatch(i));
    FIRN_RETURN_IF_ERROR(writer->Write(*batch));
  }
  FIRN_ASSIGN_OR_RETURN(const FileReport report, std::move(*writer).Finish());
  for (const ColumnReport& column : report.columns) {
    const auto text = [](const std::optional<expr::Literal>& bound) {
      return bound.has_value() ? expr::ToString(*bound) : std::string("-");
    };
    std::printf("%d\t%s\t%lld\t%lld\t%lld\t%lld\t%s\t%s\n", column.field_id,
                column.path.c_str(), static_cast<long long>(column.size_bytes),
                static_cast<long long>(column.value_count),
                static_cast<long long>(column.null_count),
                static_cast<long long>(column.nan_count), text(column.lower).c_str(),
                text(column.upper).c_str());
  }
  return Status::OK();
}

Status ToArrow(const base::Context& context, io::Store& store, const std::string& from,
               const std::string& to, std::vector<std::string> arguments) {
  const ScanSpec spec = TakeProbeScanSpec(arguments);
  FIRN_ASSIGN_OR_RETURN(ReaderOptions options, ProbeReaderOptions(arguments));
  base::ByteBudget budget("probe", kReadBytesMax);
  BudgetMemoryPool pool(budget);
  options.pool = &pool;
  FIRN_ASSIGN_OR_RETURN(const std::string location, io::ParseLocation(from));
  FIRN_ASSIGN_OR_RETURN(const auto reader,
                        FileReader::Open(context, store, location, {}, options));
  FIRN_ASSIGN_OR_RETURN(auto plan, reader->Plan(context, spec));
  FIRN_ASSIGN_OR_RETURN(const auto stream, reader->Read(context, spec, std::move(plan)));
  PROBE_ASSIGN_OR_RETURN(const auto output, arrow::io::FileOutputStream::Open(to));
  PROBE_ASSIGN_OR_RETURN(const auto sink,
                         arrow::ipc::MakeFileWriter(output, stream->schema()));
  while (true) {
    FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
    if (batch == nullptr) break;
    FIRN_RETURN_IF_ERROR(FromArrow(batch->ValidateFull()));
    FIRN_RETURN_IF_ERROR(FromArrow(sink->WriteRecordBatch(*batch)));
  }
  FIRN_RETURN_IF_ERROR(FromArrow(sink->Close()));
  return FromArrow(output->Close());
}

int Main(int argc, char** argv) {
  const std::string verb = argc >= 4 ? argv[1] : "";
  const std::vector<std::string> arguments(argv + std::min(argc, 4), argv + argc);
  const base::Context context;
  const auto store = io::MakeLocalStore();
  Status status = Status::InvalidArgument("to-parquet|to-arrow IN OUT [OPTION=VALUE…]");
  if (verb == "to-parquet") {
    status = ToParquet(context, *store, argv[2], argv[3], arguments);
  } else if (verb == "to-arrow") {
    status = ToArrow(context, *store, argv[2], argv[3], arguments);
  }
  if (status.ok()) return 0;
  std::fprintf(stderr, "parquet_probe: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace
}  // namespace firn::parquet

int main(int argc, char** argv) { return firn::parquet::Main(argc, argv); }

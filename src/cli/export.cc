// SPDX-License-Identifier: Apache-2.0
// firn export: the rows of a table, of files or of a query as one file.
#include <arrow/record_batch.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/cancel_on_signal.h"
#include "cli/commands.h"
#include "cli/file_output_stream.h"
#include "cli/row_printer.h"
#include "cli/run_stats.h"
#include "cli/sql_source.h"

#include "base/context.h"
#include "base/json.h"
#include "firn/files.h"

namespace firn::cli {
namespace {

constexpr std::string_view kWhat = "export";

bool IsParquetName(std::string_view name) {
  return name.ends_with(".parquet") || name.ends_with(".parq") || name.ends_with(".pq");
}

// A location has a slash, a wildcard or a name as data files have it; the rest is a
// table.
bool IsLocation(std::string_view name) {
  return name.find_first_of("/*?") != std::string_view::npos || IsParquetName(name);
}

// The format that the name asks for, or nothing.
std::string FormatOf(std::string_view name) {
  if (IsParquetName(name)) return "parquet";
  if (name.ends_with(".csv")) return "csv";
  if (name.ends_with(".ndjson") || name.ends_with(".jsonl")) return "ndjson";
  if (name.ends_with(".json")) return "json";
  if (name.ends_with(".arrow") || name.ends_with(".arrows")) return "arrow";
  return "";
}

std::string StatementOf(const ExportFlags& flags) {
  if (!flags.query.empty()) return flags.query;
  return "SELECT " + QuotedColumns(flags.columns) + " FROM " +
         (IsLocation(flags.source_name) ? QuotedName(flags.source_name)
                                        : QuotedTable(flags.source_name));
}

// What is wrong with the flags, or OK. Sets the format.
Status CheckUsage(const ExportFlags& flags, std::string& format) {
  if (flags.query.empty() == flags.source_name.empty()) {
    return Status::InvalidArgument(
        "name a table, a location or --query, and one of them");
  }
  if (!flags.query.empty() && !(flags.filter.empty() && flags.columns.empty())) {
    return Status::InvalidArgument(
        "--filter and --columns are parts of what --query says");
  }
  format = flags.format.empty() ? FormatOf(flags.to) : flags.format;
  if (format.empty()) {
    return Status::InvalidArgument(
        "--to " + flags.to +
        ": a name ends with .parquet, .csv, .ndjson, .json or .arrow, or --format says");
  }
  ParquetOptions parquet;
  parquet.compression = flags.compression;
  return CheckParquetOptions(parquet);
}

class StandardOutput final : public FileOutput {
 public:
  StandardOutput(std::ostream& out, const base::Context& context)
      : out_(out), context_(context) {}
  Status Append(std::string_view bytes) override {
    FIRN_RETURN_IF_ERROR(context_.Check());
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return out_ ? Status::OK() : Status::Unavailable("standard output takes no more");
  }
  Status Close() override {
    out_.flush();
    return out_ ? Status::OK() : Status::Unavailable("standard output takes no more");
  }

 private:
  std::ostream& out_;
  const base::Context& context_;
};

// Prints to a file, and stops where that takes no more.
class FilePrinter final : public RowPrinter {
 public:
  FilePrinter(RowPrinter& inner, const FileOutputStream& file,
              const base::Context& context)
      : inner_(inner), file_(file), context_(context) {}
  Status Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    return After(inner_.Begin(schema));
  }
  Status Add(const arrow::RecordBatch& batch) override {
    FIRN_RETURN_IF_ERROR(context_.Check());
    rows_ += batch.num_rows();
    return After(inner_.Add(batch));
  }
  Status End() override { return After(inner_.End()); }

 private:
  // The file knows better than the printer why it failed.
  Status After(const Status& printed) const {
    return file_.status().ok() ? printed : file_.status();
  }
  RowPrinter& inner_;
  const FileOutputStream& file_;
  const base::Context& context_;
};

struct Exported {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
};

Result<Exported> Write(const base::Context& context, SqlSource& source,
                       const ExportFlags& flags, const std::string& format,
                       std::unique_ptr<FileOutput> output) {
  FileOutputStream file(std::move(output));
  ParquetOptions parquet;
  parquet.compression = flags.compression;
  FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RowPrinter> printer,
                        RowPrinter::Make(format, file, parquet));
  FilePrinter checked(*printer, file, context);
  FIRN_RETURN_IF_ERROR(source.Run(context, StatementOf(flags),
                                  {flags.source_name, flags.filter}, checked));
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_RETURN_IF_ERROR(file.Close());
  return Exported{checked.rows(), file.written_bytes()};
}

void Report(World& world, const CommonFlags& common, const ExportFlags& flags,
            const std::string& format, const Exported& exported) {
  if (flags.to == "-" || common.quiet) return;
  if (common.json) {
    world.out << R"({"to":)" << base::JsonString(flags.to) << R"(,"format":)"
              << base::JsonString(format) << R"(,"rows":)" << exported.rows
              << R"(,"bytes":)" << exported.bytes << "}\n";
    return;
  }
  world.out << flags.to << ": " << exported.rows << " rows, " << exported.bytes
            << " bytes of " << format << "\n";
}

std::string_view RemedyFor(const Status& status, const SqlSource& source) {
  if (status.Is(StatusCode::kAlreadyExists)) return "--overwrite replaces it.";
  if (LacksTables(source, status)) return "Tables need --warehouse URI or --server URL.";
  return {};
}

}  // namespace

int Export(World& world, const CommonFlags& common, const ExportFlags& flags) {
  const RunStats stats(world.clock);
  std::string format;
  Status usage = CheckUsage(flags, format);
  if (usage.ok()) usage = RowPrinter::Make(format, world.out).status();
  if (!usage.ok()) {
    return PrintBadUsage(world, kWhat, usage,
                         "`firn export --help` shows what it takes.");
  }
  const Result<Config> config = ReaderConfig(world, flags.source);
  if (!config.ok()) return PrintBadUsage(world, kWhat, config.status());
  FilesOptions options;
  options.storage = config->db.storage;
  const Result<std::unique_ptr<Files>> files = world.open_files(options);
  if (!files.ok()) return PrintError(world, kWhat, files.status());
  const Result<std::unique_ptr<SqlSource>> source = SqlSource::Open(world, flags.source);
  if (!source.ok()) return PrintSourceError(world, kWhat, source.status());

  const base::Context context;
  const CancelOnSignalScope scope(world, context);
  if (!flags.source_name.empty() && !IsLocation(flags.source_name)) {
    const Status there = (*source)->CheckTable(context, flags.source_name);
    if (!there.ok()) {
      return PrintError(world, kWhat, there, "`firn table ls` lists the tables.");
    }
  }
  std::unique_ptr<FileOutput> output;
  if (flags.to == "-") {
    output = std::make_unique<StandardOutput>(world.out, context);
  } else {
    Result<std::unique_ptr<FileOutput>> created =
        (*files)->Create(context, flags.to, flags.overwrite);
    if (!created.ok()) {
      return PrintError(world, kWhat, created.status(),
                        RemedyFor(created.status(), **source));
    }
    output = std::move(*created);
  }
  const Result<Exported> exported =
      Write(context, **source, flags, format, std::move(output));
  if (!exported.ok()) {
    return PrintError(world, kWhat, exported.status(),
                      RemedyFor(exported.status(), **source));
  }
  Report(world, common, flags, format, *exported);
  if (common.stats) stats.Print(world, exported->rows, (*source)->stats());
  return kDone;
}

}  // namespace firn::cli

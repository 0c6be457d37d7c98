// SPDX-License-Identifier: Apache-2.0
#include "table/row_file.h"

#include <arrow/array/array_base.h>
#include <arrow/csv/api.h>
#include <arrow/io/compressed.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "table/arrow_status.h"
#include "table/decimal_text.h"
#include "table/lenient_rows.h"
#include "table/ndjson_schema.h"
#include "table/text_columns.h"

namespace firn::table {
namespace {

using InputPtr = std::shared_ptr<arrow::io::InputStream>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

// Text that is parsed at once; a row is never longer.
constexpr std::int32_t kBlockBytes = 4 << 20;
// What is looked at where types are guessed: a block, and what follows it, so that the
// reader sees that the block is not the last.
constexpr std::int64_t kSampleBytes = 2 * std::int64_t{kBlockBytes} + 1;
constexpr std::string_view kIpcFileMagic("ARROW1\0\0", 8);

struct Name {
  std::string_view text;
  RowFormat format;
};
constexpr Name kFormats[] = {{"parquet", RowFormat::kParquet},
                             {"csv", RowFormat::kCsv},
                             {"tsv", RowFormat::kTsv},
                             {"ndjson", RowFormat::kNdjson},
                             {"arrow", RowFormat::kArrow}};
constexpr Name kEndings[] = {
    {".parquet", RowFormat::kParquet}, {".parq", RowFormat::kParquet},
    {".pq", RowFormat::kParquet},      {".csv", RowFormat::kCsv},
    {".tsv", RowFormat::kTsv},         {".ndjson", RowFormat::kNdjson},
    {".jsonl", RowFormat::kNdjson},    {".json", RowFormat::kNdjson},
    {".arrow", RowFormat::kArrow},     {".arrows", RowFormat::kArrow},
    {".feather", RowFormat::kArrow},   {".ipc", RowFormat::kArrow}};

struct Compression {
  std::string_view ending;
  arrow::Compression::type type;
};
constexpr Compression kCompressions[] = {{".gz", arrow::Compression::GZIP},
                                         {".bz2", arrow::Compression::BZ2},
                                         {".lz4", arrow::Compression::LZ4_FRAME},
                                         {".zst", arrow::Compression::ZSTD}};

const Compression* CompressionOf(std::string_view name) {
  for (const Compression& compression : kCompressions) {
    if (name.ends_with(compression.ending)) return &compression;
  }
  return nullptr;
}

// `bytes`, decompressed as the end of `name` says.
Result<InputPtr> Decompressed(InputPtr bytes, std::string_view name) {
  const Compression* const compression = CompressionOf(name);
  if (compression == nullptr) return bytes;
  FIRN_ASSIGN_OR_RETURN(std::unique_ptr<arrow::util::Codec> codec,
                        FromArrow(arrow::util::Codec::Create(compression->type)));
  // The stream refers to its codec.
  const std::shared_ptr<arrow::util::Codec> shared = std::move(codec);
  FIRN_ASSIGN_OR_RETURN(InputPtr stream, FromArrow(arrow::io::CompressedInputStream::Make(
                                             shared.get(), std::move(bytes))));
  return InputPtr(stream.get(), [stream, shared](arrow::io::InputStream*) {});
}

// A column of text that is to become another type.
struct TextColumn {
  int index;
  std::shared_ptr<arrow::DataType> type;
};

class ReaderStream final : public RowStream {
 public:
  ReaderStream(const base::Context& context, std::string name,
               std::shared_ptr<RowBytes> bytes,
               std::shared_ptr<arrow::RecordBatchReader> reader, SchemaPtr schema,
               std::vector<TextColumn> texts, bool untrusted, arrow::MemoryPool* pool)
      : context_(context),
        name_(std::move(name)),
        bytes_(std::move(bytes)),
        reader_(std::move(reader)),
        schema_(std::move(schema)),
        texts_(std::move(texts)),
        untrusted_(untrusted),
        pool_(pool) {}

  ~ReaderStream() override {
    reader_.reset();
    bytes_->Stop();
  }

  const SchemaPtr& schema() const override { return schema_; }
  scan::ScanStats stats() const override { return stats_; }
  std::int64_t RowNumber(std::int64_t row) const override { return first_row_ + row; }

  Result<BatchPtr> Next() override {
    FIRN_RETURN_IF_ERROR(context_.Check());
    first_row_ = stats_.rows + 1;
    Result<BatchPtr> batch = Read();
    if (!batch.ok()) {
      const Status read = bytes_->status();
      return (read.ok() ? batch.status() : read).With(name_);
    }
    if (*batch != nullptr) stats_.rows += (*batch)->num_rows();
    return batch;
  }

 private:
  Result<BatchPtr> Read() {
    BatchPtr batch;
    FIRN_RETURN_IF_ERROR(FromArrow(reader_->ReadNext(&batch)));
    if (batch == nullptr) return batch;
    // Offsets and lengths are the file's own.
    if (untrusted_) FIRN_RETURN_IF_ERROR(FromArrow(batch->ValidateFull()));
    if (texts_.empty()) return batch;
    std::vector<std::shared_ptr<arrow::Array>> columns = batch->columns();
    for (const TextColumn& text : texts_) {
      auto& column = columns[static_cast<std::size_t>(text.index)];
      auto values = FromText(column, text.type, pool_);
      if (!values.ok()) {
        return values.status().With("column " + schema_->field(text.index)->name());
      }
      column = std::move(*values);
    }
    return arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(columns));
  }

  const base::Context& context_;
  const std::string name_;
  const std::shared_ptr<RowBytes> bytes_;
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  const SchemaPtr schema_;
  const std::vector<TextColumn> texts_;
  const bool untrusted_;
  arrow::MemoryPool* const pool_;
  std::int64_t first_row_ = 1;
  scan::ScanStats stats_;
};

// Arrow's threads may free what they read ahead after the stream and its pool are gone,
// so the text is in Arrow's own pool: a few blocks of it.
arrow::io::IOContext TextContext() { return arrow::io::IOContext(); }

// ---- CSV ----

using CsvTypes = std::unordered_map<std::string, std::shared_ptr<arrow::DataType>>;

// Rows of the wrong number of values are an error, unless `skipped` is there to take
// them.
Result<std::shared_ptr<arrow::csv::StreamingReader>> OpenCsvReader(
    const InputPtr& bytes, RowFormat format, const CsvTypes& types,
    const std::shared_ptr<SkippedRows>& skipped = nullptr) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;  // Errors then name their row.
  read.block_size = kBlockBytes;
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.newlines_in_values = true;
  if (format == RowFormat::kTsv) parse.delimiter = '\t';
  if (skipped != nullptr) {
    parse.invalid_row_handler = [skipped](const arrow::csv::InvalidRow& row) {
      // Arrow counts the heading.
      const bool goes_on =
          skipped->Add({row.number - 1, "",
                        std::to_string(row.actual_columns) + " values where there are " +
                            std::to_string(row.expected_columns) + " columns",
                        std::string(row.text)});
      return goes_on ? arrow::csv::InvalidRowResult::Skip
                     : arrow::csv::InvalidRowResult::Error;
    };
  }
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = {""};
  convert.strings_can_be_null = true;
  convert.quoted_strings_can_be_null = false;
  convert.column_types = types;
  // Of rows that may be left out, the table says which are no UTF-8.
  convert.check_utf8 = skipped == nullptr;
  return FromArrow(
      arrow::csv::StreamingReader::Make(TextContext(), bytes, read, parse, convert));
}

// ---- NDJSON ----

// What Arrow's reader of JSON cannot read of a table's type, or reads in another unit.
bool IsTextInJson(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DATE32:
    case arrow::Type::TIME64:
    case arrow::Type::BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
      return true;
    default:
      return false;
  }
}
// Whether a nested type has values inside of those that Arrow's reader of JSON would take
// for something else, such as the digits of bytes for the bytes.
bool HasTextInside(const arrow::DataType& type) {
  return std::any_of(type.fields().begin(), type.fields().end(), [](const auto& field) {
    return (IsTextInJson(*field->type()) &&
            field->type()->id() != arrow::Type::TIMESTAMP) ||
           HasTextInside(*field->type());
  });
}
bool IsTextInCsv(const arrow::DataType& type) {
  return type.id() == arrow::Type::BINARY ||
         type.id() == arrow::Type::FIXED_SIZE_BINARY ||
         type.id() == arrow::Type::DECIMAL128;  // decimal_text.h
}
bool IsText(const arrow::DataType&) { return true; }

// The wanted columns as they are asked of the reader, those that are text there as text.
SchemaPtr AsRead(const SchemaPtr& wanted, bool (*is_text)(const arrow::DataType&)) {
  arrow::FieldVector fields;
  for (const auto& field : wanted->fields()) {
    // NULL in a required column is for the table to say, with its row.
    fields.push_back(field->WithNullable(true)->WithType(
        is_text(*field->type()) ? arrow::utf8() : AsParsed(field->type())));
  }
  return arrow::schema(std::move(fields));
}

CsvTypes TypesByName(const arrow::Schema& schema) {
  CsvTypes types;
  for (const auto& field : schema.fields()) types.emplace(field->name(), field->type());
  return types;
}

// Opens one file: what is the same for the three formats.
class RowFile {
 public:
  RowFile(const base::Context& context, std::shared_ptr<RowBytes> bytes, std::string name,
          const RowFileOptions& options)
      : context_(context),
        bytes_(std::move(bytes)),
        name_(std::move(name)),
        options_(options),
        pool_(options.pool != nullptr ? options.pool : arrow::default_memory_pool()) {}

  Result<std::unique_ptr<RowStream>> Open() {
    FIRN_ASSIGN_OR_RETURN(InputPtr plain, Decompressed(bytes_, name_));
    const bool is_text = options_.format != RowFormat::kArrow;
    auto buffered = std::make_shared<PeekableInput>(
        std::move(plain), is_text ? TextContext().pool() : pool_);
    switch (options_.format) {
      case RowFormat::kCsv:
      case RowFormat::kTsv:
        return OpenCsv(std::move(buffered));
      case RowFormat::kNdjson:
        return OpenNdjson(std::move(buffered));
      case RowFormat::kArrow:
        return OpenArrow(std::move(buffered));
      case RowFormat::kParquet:
        break;
    }
    return Status::InvalidArgument("Parquet is read from its end");
  }

 private:
  using Buffered = std::shared_ptr<PeekableInput>;

  // The beginning of the file, which is still to be read.
  static Result<InputPtr> Sample(const Buffered& bytes) {
    FIRN_ASSIGN_OR_RETURN(const std::string_view text,
                          FromArrow(bytes->Peek(kSampleBytes)));
    return InputPtr(arrow::io::BufferReader::FromString(std::string(text)));
  }

  Result<std::unique_ptr<RowStream>> OpenCsv(Buffered bytes) {
    SchemaPtr wanted = options_.wanted;
    if (wanted == nullptr) {
      FIRN_ASSIGN_OR_RETURN(const InputPtr sample, Sample(bytes));
      // Rows that are left out decide nothing.
      const auto left_out =
          options_.on_rejected ? std::make_shared<SkippedRows>() : nullptr;
      FIRN_ASSIGN_OR_RETURN(const auto guess,
                            OpenCsvReader(sample, options_.format, {}, left_out));
      wanted = AsTable(*guess->schema());
    }
    if (options_.on_rejected) {
      const auto skipped = std::make_shared<SkippedRows>();
      CsvTypes types = TypesByName(*AsRead(wanted, IsText));
      // Columns that the table has not are text, too: their rows are to be kept as they
      // are.
      FIRN_ASSIGN_OR_RETURN(const InputPtr heading, Sample(bytes));
      FIRN_ASSIGN_OR_RETURN(const auto named,
                            OpenCsvReader(heading, options_.format, types,
                                          std::make_shared<SkippedRows>()));
      for (const auto& field : named->schema()->fields()) {
        types.try_emplace(field->name(), arrow::utf8());
      }
      FIRN_ASSIGN_OR_RETURN(auto reader,
                            OpenCsvReader(bytes, options_.format, types, skipped));
      return Lenient(MakeCsvReader(std::move(reader), skipped), *wanted);
    }
    const SchemaPtr asked = AsRead(wanted, IsTextInCsv);
    FIRN_ASSIGN_OR_RETURN(auto reader,
                          OpenCsvReader(bytes, options_.format, TypesByName(*asked)));
    return Stream(std::move(reader), *wanted, IsTextInCsv, false);
  }

  Result<std::unique_ptr<RowStream>> OpenNdjson(Buffered bytes) {
    FIRN_ASSIGN_OR_RETURN(const std::string_view first, FromArrow(bytes->Peek(1)));
    if (first == "[") {
      return Status::InvalidArgument(
          "a JSON array is not read; write one object a line (NDJSON)");
    }
    SchemaPtr wanted = options_.wanted;
    if (wanted == nullptr) {
      FIRN_ASSIGN_OR_RETURN(const std::string_view text,
                            FromArrow(bytes->Peek(kSampleBytes)));
      FIRN_ASSIGN_OR_RETURN(wanted, GuessNdjsonSchema(text, kBlockBytes, pool_));
    }
    for (const auto& field : wanted->fields()) {
      if (field->type()->num_fields() == 0 || !HasTextInside(*field->type())) continue;
      return Status::InvalidArgument(
          "column " + field->name() +
          " has bytes, dates or times inside, which are not read from NDJSON; write "
          "Parquet or Arrow");
    }
    return Lenient(MakeNdjsonReader(std::move(bytes), AsRead(wanted, IsTextInJson),
                                    kBlockBytes, pool_),
                   *wanted);
  }

  static SchemaPtr AsTable(const arrow::Schema& guessed) {
    arrow::FieldVector fields;
    for (const auto& field : guessed.fields()) {
      fields.push_back(field->WithType(AsTableType(field->type())));
    }
    return arrow::schema(std::move(fields));
  }

  Result<std::unique_ptr<RowStream>> OpenArrow(Buffered bytes) {
    FIRN_ASSIGN_OR_RETURN(const std::string_view first,
                          FromArrow(bytes->Peek(std::int64_t{kIpcFileMagic.size()})));
    // A file is its magic, the stream and an index of it ("IPC File Format").
    if (first == kIpcFileMagic) {
      FIRN_RETURN_IF_ERROR(
          FromArrow(bytes->Advance(static_cast<std::int64_t>(kIpcFileMagic.size()))));
    }
    auto options = arrow::ipc::IpcReadOptions::Defaults();
    options.memory_pool = pool_;
    options.use_threads = false;
    FIRN_ASSIGN_OR_RETURN(
        std::shared_ptr<arrow::RecordBatchReader> reader,
        FromArrow(arrow::ipc::RecordBatchStreamReader::Open(InputPtr(bytes), options)));
    const SchemaPtr schema = reader->schema();
    return Stream(
        std::move(reader), *schema, [](const arrow::DataType&) { return false; }, true);
  }

  std::unique_ptr<RowStream> Lenient(std::unique_ptr<TextRowReader> reader,
                                     const arrow::Schema& wanted) {
    OnRejected rejected = options_.on_rejected;
    if (!rejected) {
      rejected = [](const RejectedRow& row) {
        return Status::InvalidArgument(
            "line " + std::to_string(row.row) +
            (row.column.empty() ? "" : ", column " + row.column) + ": " + row.reason);
      };
    }
    return MakeLenientStream(context_, name_, bytes_, std::move(reader), wanted,
                             std::move(rejected), pool_);
  }

  // `reader` gives the columns of the file, those that `is_text` says as text.
  Result<std::unique_ptr<RowStream>> Stream(
      std::shared_ptr<arrow::RecordBatchReader> reader, const arrow::Schema& wanted,
      bool (*is_text)(const arrow::DataType&), bool untrusted) {
    arrow::FieldVector fields = reader->schema()->fields();
    std::vector<TextColumn> texts;
    for (int i = 0; i < reader->schema()->num_fields(); ++i) {
      auto& field = fields[static_cast<std::size_t>(i)];
      const auto target = wanted.GetFieldByName(field->name());
      if (target == nullptr || !is_text(*target->type())) continue;
      texts.push_back({i, target->type()});
      field = field->WithType(target->type());
    }
    return std::unique_ptr<RowStream>(std::make_unique<ReaderStream>(
        context_, name_, bytes_, std::move(reader), arrow::schema(std::move(fields)),
        std::move(texts), untrusted, pool_));
  }

  const base::Context& context_;
  const std::shared_ptr<RowBytes> bytes_;
  const std::string name_;
  const RowFileOptions& options_;
  arrow::MemoryPool* const pool_;
};

}  // namespace

Result<RowFormat> ParseRowFormat(std::string_view text) {
  std::string names;
  for (const Name& name : kFormats) {
    if (name.text == text) return name.format;
    names += (names.empty() ? "" : ", ") + std::string(name.text);
  }
  return Status::InvalidArgument("no format is called " + std::string(text) +
                                 "; there are " + names);
}

std::optional<RowFormat> RowFormatOfName(std::string_view name) {
  if (const Compression* compression = CompressionOf(name)) {
    name.remove_suffix(compression->ending.size());
  }
  for (const Name& ending : kEndings) {
    if (name.ends_with(ending.text)) return ending.format;
  }
  return std::nullopt;
}

Result<std::unique_ptr<RowStream>> OpenRowFile(const base::Context& context,
                                               std::shared_ptr<RowBytes> bytes,
                                               const std::string& name,
                                               const RowFileOptions& options) {
  auto stream = RowFile(context, bytes, name, options).Open();
  if (stream.ok()) return stream;
  bytes->Stop();
  const Status read = bytes->status();
  return (read.ok() ? stream.status() : read).With(name);
}

}  // namespace firn::table

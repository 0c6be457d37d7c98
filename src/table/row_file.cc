// SPDX-License-Identifier: Apache-2.0
#include "table/row_file.h"

#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/io/compressed.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "table/arrow_status.h"
#include "table/csv_rows.h"
#include "table/ndjson_rows.h"
#include "table/ndjson_schema.h"

namespace firn::table {
namespace {

using InputPtr = std::shared_ptr<arrow::io::InputStream>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

// A line of NDJSON is no longer, and the first so many bytes say which columns there are.
constexpr std::int32_t kBlockBytes = 4 << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
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

// A column as what it lies there as: which text is no UTF-8, and which milliseconds are
// no whole day, is told row by row (batch_validator.h).
std::shared_ptr<arrow::ArrayData> LayoutOf(const arrow::ArrayData& data) {
  auto layout = data.Copy();
  arrow::FieldVector fields = data.type->fields();
  for (std::size_t i = 0; i < layout->child_data.size() && i < fields.size(); ++i) {
    layout->child_data[i] = LayoutOf(*layout->child_data[i]);
    fields[i] = fields[i]->WithType(layout->child_data[i]->type);
  }
  switch (data.type->id()) {
    case arrow::Type::STRING:
      layout->type = arrow::binary();
      break;
    case arrow::Type::LARGE_STRING:
      layout->type = arrow::large_binary();
      break;
    case arrow::Type::STRING_VIEW:
      layout->type = arrow::binary_view();
      break;
    case arrow::Type::DATE64:
      layout->type = arrow::int64();
      break;
    case arrow::Type::STRUCT:
      layout->type = arrow::struct_(std::move(fields));
      break;
    case arrow::Type::LIST:
      layout->type = arrow::list(fields[0]);
      break;
    case arrow::Type::LARGE_LIST:
      layout->type = arrow::large_list(fields[0]);
      break;
    case arrow::Type::MAP:
      layout->type = std::make_shared<arrow::MapType>(fields[0]);
      break;
    case arrow::Type::DICTIONARY: {
      if (data.dictionary == nullptr) return layout;
      const auto& coded = static_cast<const arrow::DictionaryType&>(*data.type);
      layout->dictionary = LayoutOf(*data.dictionary);
      layout->type = arrow::dictionary(coded.index_type(), layout->dictionary->type);
      break;
    }
    default:
      return data.Copy();  // Of which Arrow looks at the values as well.
  }
  return layout;
}

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

// The batches of a stream of Arrow's.
class ArrowRows final : public RowStream {
 public:
  ArrowRows(const base::Context& context, std::string name,
            std::shared_ptr<RowBytes> bytes,
            std::shared_ptr<arrow::RecordBatchReader> reader)
      : context_(context),
        name_(std::move(name)),
        bytes_(std::move(bytes)),
        reader_(std::move(reader)),
        schema_(reader_->schema()) {}

  ~ArrowRows() override {
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
    // Offsets and lengths are the file's own.
    for (int i = 0; batch != nullptr && i < batch->num_columns(); ++i) {
      const auto layout = arrow::MakeArray(LayoutOf(*batch->column(i)->data()));
      const Status sound = FromArrow(layout->ValidateFull());
      if (!sound.ok()) return sound.With("column " + batch->column_name(i));
    }
    return batch;
  }

  const base::Context& context_;
  const std::string name_;
  const std::shared_ptr<RowBytes> bytes_;
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  const SchemaPtr schema_;
  std::int64_t first_row_ = 1;
  scan::ScanStats stats_;
};

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
    auto buffered = std::make_shared<PeekableInput>(std::move(plain), pool_);
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

  Result<std::unique_ptr<RowStream>> OpenCsv(Buffered bytes) {
    const char delimiter = options_.format == RowFormat::kTsv ? '\t' : ',';
    return OpenCsvRows(context_, {name_, delimiter, bytes_, std::move(bytes)},
                       options_.wanted, Rejected(), pool_);
  }

  Result<std::unique_ptr<RowStream>> OpenNdjson(Buffered bytes) {
    FIRN_ASSIGN_OR_RETURN(const std::string_view mark,
                          FromArrow(bytes->Peek(std::int64_t{kByteOrderMark.size()})));
    if (mark == kByteOrderMark) {
      FIRN_RETURN_IF_ERROR(
          FromArrow(bytes->Advance(static_cast<std::int64_t>(mark.size()))));
    }
    FIRN_ASSIGN_OR_RETURN(const std::string_view first, FromArrow(bytes->Peek(1)));
    if (first == "[") {
      return Status::InvalidArgument(
          "a JSON array is not read; write one object a line (NDJSON)");
    }
    SchemaPtr wanted = options_.wanted;
    if (wanted == nullptr) {
      FIRN_ASSIGN_OR_RETURN(const std::string_view text,
                            FromArrow(bytes->Peek(kBlockBytes)));
      FIRN_ASSIGN_OR_RETURN(wanted, GuessNdjsonSchema(text, kBlockBytes));
    }
    arrow::FieldVector fields;
    for (const auto& field : wanted->fields()) {
      // NULL in a required column is for the table to say.
      fields.push_back(field->WithNullable(true));
    }
    return MakeNdjsonRows(context_, name_, bytes_, std::move(bytes),
                          arrow::schema(std::move(fields)), kBlockBytes, Rejected(),
                          pool_);
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
    return std::unique_ptr<RowStream>(
        std::make_unique<ArrowRows>(context_, name_, bytes_, std::move(reader)));
  }

  OnRejected Rejected() const {
    if (options_.on_rejected) return options_.on_rejected;
    return [](const RejectedRow& row) {
      return Status::InvalidArgument(
          "line " + std::to_string(row.row) +
          (row.column.empty() ? "" : ", column " + row.column) + ": " + row.reason);
    };
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

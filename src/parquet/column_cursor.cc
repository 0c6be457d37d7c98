// SPDX-License-Identifier: Apache-2.0
#include "parquet/column_cursor.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "arrow/array/array_base.h"
#include "arrow/array/array_binary.h"
#include "arrow/array/builder_dict.h"
#include "arrow/array/concatenate.h"
#include "arrow/array/util.h"
#include "arrow/buffer.h"
#include "arrow/chunked_array.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "parquet/arrow/reader.h"
#include "parquet/column_reader.h"
#include "parquet/encrypted_pages.h"
#include "parquet/file_reader.h"
#include "parquet/page_stream.h"
#include "parquet/properties.h"
#include "parquet/row_position.h"
#include "parquet/schema.h"
#include "parquet/types.h"
#include "parquet/view_array.h"
#include "parquet/view_cursor.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using ::parquet::internal::RecordReader;

bool IsView(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING_VIEW || type.id() == arrow::Type::BINARY_VIEW;
}

Status EndsEarly(int leaf, std::int64_t wanted, std::int64_t got) {
  return Status::Corruption("column " + std::to_string(leaf) + ": asked for " +
                            std::to_string(wanted) + " rows, its pages hold " +
                            std::to_string(got));
}

std::unique_ptr<::parquet::PageReader> OpenPages(
    const Footer& footer, RangeFetcher& fetcher, int row_group,
    const LeafSelection& selection, const ::parquet::ReaderProperties& properties) {
  const auto chunk = footer.metadata().RowGroup(row_group)->ColumnChunk(selection.leaf);
  // Parquet C++ before 3.0 called version 2 pages uncompressed whatever they were.
  const bool always_compressed = footer.metadata().writer_version().VersionLt(
      ::parquet::ApplicationVersion::PARQUET_CPP_10353_FIXED_VERSION());
  auto stream = std::make_unique<PageStream>(fetcher, selection.chunk.ranges);
  if (chunk->crypto_metadata() != nullptr) {
    return OpenEncryptedPages(footer, row_group, selection.leaf, std::move(stream),
                              properties);
  }
  return ::parquet::PageReader::Open(
      std::move(stream), chunk->num_values(), chunk->compression(), properties,
      *footer.metadata().schema()->Column(selection.leaf), always_compressed);
}

::parquet::ReaderProperties PropertiesOf(const CursorOptions& options) {
  ::parquet::ReaderProperties properties(options.pool);
  properties.set_page_checksum_verification(options.verify_page_checksums);
  return properties;
}

// Whether the Arrow type holds the column's values as Parquet's reader leaves them.
bool IsDirect(arrow::Type::type type, ::parquet::Type::type physical) {
  using arrow::Type;
  switch (physical) {
    case ::parquet::Type::BOOLEAN:
      return type == Type::BOOL;
    case ::parquet::Type::INT32:
      return type == Type::INT32 || type == Type::DATE32;
    case ::parquet::Type::INT64:
      return type == Type::INT64 || type == Type::TIMESTAMP;
    case ::parquet::Type::FLOAT:
      return type == Type::FLOAT;
    case ::parquet::Type::DOUBLE:
      return type == Type::DOUBLE;
    case ::parquet::Type::BYTE_ARRAY:
      return type == Type::STRING || type == Type::BINARY;
    case ::parquet::Type::FIXED_LEN_BYTE_ARRAY:
      return type == Type::FIXED_SIZE_BINARY;
    default:
      return false;
  }
}

bool IsFlatDirect(const Footer& footer, const ColumnPart& column) {
  const int leaf = column.leaves.front();
  return footer.IsFlat(column) && footer.FieldOfLeaf(leaf).has_value() &&
         IsDirect(footer.schema()->field(column.field)->type()->id(),
                  footer.metadata().schema()->Column(leaf)->physical_type());
}

std::shared_ptr<arrow::DataType> FlatType(const Footer& footer, int field,
                                          TextForm text_form) {
  const auto& type = footer.schema()->field(field)->type();
  if (text_form == TextForm::kPlain) return type;
  const bool views = text_form == TextForm::kViews;
  switch (type->id()) {
    case arrow::Type::STRING:
      return views ? arrow::utf8_view() : arrow::dictionary(arrow::int32(), type);
    case arrow::Type::BINARY:
      return views ? arrow::binary_view() : type;
    default:
      return type;
  }
}

// A plain column of a type that needs no conversion: skipping costs no decoding where
// the encoding allows it.
class FlatCursor final : public ColumnCursor {
 public:
  FlatCursor(const Footer& footer, RangeFetcher& fetcher, int row_group,
             std::shared_ptr<arrow::DataType> type, const LeafSelection& selection,
             const CursorOptions& options)
      : leaf_(selection.leaf),
        type_(std::move(type)),
        pool_(options.pool),
        position_(selection.chunk.rows) {
    const auto* column = footer.metadata().schema()->Column(leaf_);
    decodes_to_dictionary_ =
        type_->id() == arrow::Type::DICTIONARY &&
        HasPlainText(*footer.metadata().RowGroup(row_group)->ColumnChunk(leaf_));
    reader_ = RecordReader::Make(column,
                                 ::parquet::internal::LevelInfo::ComputeLevelInfo(column),
                                 options.pool, decodes_to_dictionary_);
    reader_->SetPageReader(
        OpenPages(footer, fetcher, row_group, selection, PropertiesOf(options)));
  }

  Result<ArrayPtr> Read(const std::vector<RowRange>& ranges) override {
    std::int64_t rows = 0;
    for (const RowRange& range : ranges) rows += range.row_count();
    reader_->Reset();
    reader_->Reserve(rows);
    for (const RowRange& range : ranges) {
      const std::int64_t between = position_.MoveTo(range.first);
      if (between > 0) {
        const std::int64_t skipped = reader_->SkipRecords(between);
        if (skipped != between) return EndsEarly(leaf_, between, skipped);
      }
      const std::int64_t wanted = position_.MoveTo(range.end);
      const std::int64_t read = reader_->ReadRecords(wanted);
      if (read != wanted) return EndsEarly(leaf_, wanted, read);
    }
    FIRN_ASSIGN_OR_RETURN(ArrayPtr array, Transfer());
    if (array->length() != rows) return EndsEarly(leaf_, rows, array->length());
    return array;
  }

 private:
  Result<ArrayPtr> Transfer() {
    switch (type_->id()) {
      case arrow::Type::DICTIONARY:
        return TransferDictionary();
      case arrow::Type::STRING_VIEW:
      case arrow::Type::BINARY_VIEW:
        return TransferViews();
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
      case arrow::Type::FIXED_SIZE_BINARY:
        return Join(dynamic_cast<::parquet::internal::BinaryRecordReader&>(*reader_)
                        .GetBuilderChunks());
      case arrow::Type::BOOL:
        return TransferBool();
      default: {
        const std::int64_t rows = reader_->values_written();
        const std::int64_t nulls = reader_->nullable_values() ? reader_->null_count() : 0;
        std::shared_ptr<arrow::Buffer> valid;
        if (reader_->nullable_values()) valid = reader_->ReleaseIsValid();
        return arrow::MakeArray(arrow::ArrayData::Make(
            type_, rows, {std::move(valid), reader_->ReleaseValues()}, nulls));
      }
    }
  }

  Result<ArrayPtr> TransferDictionary() {
    if (decodes_to_dictionary_) {
      return Join(dynamic_cast<::parquet::internal::DictionaryRecordReader&>(*reader_)
                      .GetResult()
                      ->chunks());
    }
    arrow::StringDictionary32Builder builder(pool_);
    for (const ArrayPtr& chunk :
         dynamic_cast<::parquet::internal::BinaryRecordReader&>(*reader_)
             .GetBuilderChunks()) {
      const auto& text = static_cast<const arrow::BinaryArray&>(*chunk);
      for (std::int64_t i = 0; i < text.length(); ++i) {
        FIRN_ARROW_RETURN_IF_ERROR(text.IsNull(i) ? builder.AppendNull()
                                                  : builder.Append(text.GetView(i)));
      }
    }
    ArrayPtr array;
    FIRN_ARROW_RETURN_IF_ERROR(builder.Finish(&array));
    return array;
  }

  // Of text that had to be decoded anyway.
  Result<ArrayPtr> TransferViews() {
    const arrow::ArrayVector chunks =
        dynamic_cast<::parquet::internal::BinaryRecordReader&>(*reader_)
            .GetBuilderChunks();
    // Of a damaged page, not as many as the reader says.
    std::int64_t rows = 0;
    std::int64_t nulls = 0;
    for (const ArrayPtr& chunk : chunks) {
      rows += chunk->length();
      nulls += chunk->null_count();
    }
    ViewArray array(rows, nulls > 0, pool_);
    for (const ArrayPtr& chunk : chunks) {
      const auto& text = static_cast<const arrow::BinaryArray&>(*chunk);
      array.SetSource(text.value_data());
      for (std::int64_t i = 0; i < text.length(); ++i) {
        if (text.IsNull(i)) {
          array.AppendNull();
        } else {
          array.Append(::parquet::ByteArray(text.GetView(i)));
        }
      }
    }
    return std::move(array).Finish(type_);
  }

  // One byte a value becomes one bit.
  Result<ArrayPtr> TransferBool() {
    const std::int64_t rows = reader_->values_written();
    const std::int64_t nulls = reader_->nullable_values() ? reader_->null_count() : 0;
    FIRN_ARROW_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> bits,
                                arrow::AllocateEmptyBitmap(rows, pool_));
    const std::uint8_t* values = reader_->values();
    std::uint8_t* out = bits->mutable_data();
    for (std::int64_t i = 0; i < rows; ++i) {
      out[i / 8] |= static_cast<std::uint8_t>((values[i] & 1) << (i % 8));
    }
    std::shared_ptr<arrow::Buffer> valid;
    if (reader_->nullable_values()) valid = reader_->ReleaseIsValid();
    return arrow::MakeArray(
        arrow::ArrayData::Make(type_, rows, {std::move(valid), std::move(bits)}, nulls));
  }

  // Builders give several chunks where text passes 2 GB, or a dictionary changes.
  Result<ArrayPtr> Join(const arrow::ArrayVector& chunks) {
    arrow::ArrayVector full;
    for (const ArrayPtr& chunk : chunks) {
      if (chunk->length() > 0) full.push_back(chunk);
    }
    if (full.empty()) return FromArrow(arrow::MakeEmptyArray(type_, pool_));
    ArrayPtr array = full.front();
    if (full.size() > 1) {
      FIRN_ARROW_ASSIGN_OR_RETURN(array, arrow::Concatenate(full, pool_));
    }
    if (array->type()->Equals(*type_)) return array;
    // Same layout, other name: binary read as text.
    const auto data = array->data()->Copy();
    data->type = type_;
    if (type_->id() == arrow::Type::DICTIONARY) {
      data->dictionary = data->dictionary->Copy();
      data->dictionary->type =
          static_cast<const arrow::DictionaryType&>(*type_).value_type();
    }
    return arrow::MakeArray(data);
  }

  const int leaf_;
  const std::shared_ptr<arrow::DataType> type_;
  arrow::MemoryPool* const pool_;
  RowPosition position_;
  bool decodes_to_dictionary_ = false;
  std::shared_ptr<RecordReader> reader_;
};

std::unique_ptr<ColumnCursor> MakeFlatCursor(const Footer& footer, RangeFetcher& fetcher,
                                             int row_group,
                                             std::shared_ptr<arrow::DataType> type,
                                             LeafSelection selection,
                                             const CursorOptions& options) {
  if (!IsView(*type) || !HasPlainText(*footer.metadata().RowGroup(row_group)->ColumnChunk(
                            selection.leaf))) {
    return std::make_unique<FlatCursor>(footer, fetcher, row_group, std::move(type),
                                        selection, options);
  }
  auto pages = OpenPages(footer, fetcher, row_group, selection, PropertiesOf(options));
  return MakeViewCursor(*footer.metadata().schema()->Column(selection.leaf),
                        std::move(type), std::move(selection.chunk.rows),
                        std::move(pages), options.pool);
}

// The selected pages of one row group, in the shape of a file, for Arrow's reader.
using PageOpener = std::function<std::unique_ptr<::parquet::PageReader>(int leaf)>;

class SelectedRowGroup final : public ::parquet::RowGroupReader::Contents {
 public:
  SelectedRowGroup(std::unique_ptr<::parquet::RowGroupMetaData> metadata,
                   const ::parquet::ReaderProperties& properties, PageOpener open)
      : metadata_(std::move(metadata)), properties_(properties), open_(std::move(open)) {}
  std::unique_ptr<::parquet::PageReader> GetColumnPageReader(int leaf) override {
    return open_(leaf);
  }
  const ::parquet::RowGroupMetaData* metadata() const override { return metadata_.get(); }
  const ::parquet::ReaderProperties* properties() const override { return &properties_; }

 private:
  const std::unique_ptr<::parquet::RowGroupMetaData> metadata_;
  const ::parquet::ReaderProperties properties_;
  const PageOpener open_;
};

class SelectedFile final : public ::parquet::ParquetFileReader::Contents {
 public:
  SelectedFile(std::shared_ptr<::parquet::FileMetaData> metadata,
               const ::parquet::ReaderProperties& properties, PageOpener open)
      : metadata_(std::move(metadata)), properties_(properties), open_(std::move(open)) {}
  void Close() override {}
  std::shared_ptr<::parquet::RowGroupReader> GetRowGroup(int index) override {
    return std::make_shared<::parquet::RowGroupReader>(std::make_unique<SelectedRowGroup>(
        metadata_->RowGroup(index), properties_, open_));
  }
  std::shared_ptr<::parquet::FileMetaData> metadata() const override { return metadata_; }
  std::shared_ptr<::parquet::PageIndexReader> GetPageIndexReader() override {
    return nullptr;
  }
  ::parquet::BloomFilterReader& GetBloomFilterReader() override {
    throw ::parquet::ParquetException("a selection of pages has no bloom filters");
  }

 private:
  const std::shared_ptr<::parquet::FileMetaData> metadata_;
  const ::parquet::ReaderProperties properties_;
  const PageOpener open_;
};

// A selection has no file to read ahead from: the fetcher does that.
::parquet::ArrowReaderProperties OfSelection() {
  ::parquet::ArrowReaderProperties properties;
  properties.set_pre_buffer(false);
  return properties;
}

// Any column that Arrow can read: nested ones, and those whose values are converted. It
// decodes every row of its pages and drops what is not wanted.
class ArrowCursor final : public ColumnCursor {
 public:
  ArrowCursor(std::int64_t batch_rows, arrow::MemoryPool* pool, RowRanges rows)
      : batch_rows_(batch_rows), pool_(pool), position_(std::move(rows)) {}

  Status Open(const Footer& footer, RangeFetcher& fetcher, int row_group,
              std::vector<LeafSelection> leaves, const CursorOptions& options) {
    std::vector<int> indices;
    for (const LeafSelection& leaf : leaves) indices.push_back(leaf.leaf);
    leaf_ = indices.front();
    const ::parquet::ReaderProperties properties = PropertiesOf(options);
    PageOpener open = [&footer, &fetcher, row_group, properties,
                       leaves = std::move(leaves)](int leaf) {
      const auto found =
          std::find_if(leaves.begin(), leaves.end(),
                       [leaf](const LeafSelection& l) { return l.leaf == leaf; });
      if (found == leaves.end()) {
        throw ::parquet::ParquetException("a leaf that was not selected");
      }
      return OpenPages(footer, fetcher, row_group, *found, properties);
    };
    auto file = std::make_unique<::parquet::ParquetFileReader>();
    file->Open(std::make_unique<SelectedFile>(footer.metadata_ptr(), properties,
                                              std::move(open)));
    ::parquet::ArrowReaderProperties arrow_properties = OfSelection();
    arrow_properties.set_batch_size(batch_rows_);
    FIRN_ARROW_ASSIGN_OR_RETURN(file_, ::parquet::arrow::FileReader::Make(
                                           pool_, std::move(file), arrow_properties));
    FIRN_ARROW_ASSIGN_OR_RETURN(batches_,
                                file_->GetRecordBatchReader({row_group}, indices));
    return Status::OK();
  }

  Result<ArrayPtr> Read(const std::vector<RowRange>& ranges) override {
    arrow::ArrayVector pieces;
    for (const RowRange& range : ranges) {
      FIRN_RETURN_IF_ERROR(Advance(position_.MoveTo(range.first), nullptr));
      FIRN_RETURN_IF_ERROR(Advance(position_.MoveTo(range.end), &pieces));
    }
    if (pieces.size() == 1) return pieces.front();
    return FromArrow(arrow::Concatenate(pieces, pool_));
  }

 private:
  // Pass `rows` rows, and add them to `pieces` where it is given.
  Status Advance(std::int64_t rows, arrow::ArrayVector* pieces) {
    while (rows > 0) {
      if (current_ == nullptr || offset_ == current_->length()) {
        std::shared_ptr<arrow::RecordBatch> batch;
        FIRN_ARROW_RETURN_IF_ERROR(batches_->ReadNext(&batch));
        if (batch == nullptr || batch->num_rows() == 0) return EndsEarly(leaf_, rows, 0);
        current_ = batch->column(0);
        offset_ = 0;
      }
      const std::int64_t part = std::min(rows, current_->length() - offset_);
      if (pieces != nullptr) pieces->push_back(current_->Slice(offset_, part));
      offset_ += part;
      rows -= part;
    }
    return Status::OK();
  }

  const std::int64_t batch_rows_;
  arrow::MemoryPool* const pool_;
  RowPosition position_;
  int leaf_ = 0;
  std::unique_ptr<::parquet::arrow::FileReader> file_;  // Outlives batches_.
  std::shared_ptr<arrow::RecordBatchReader> batches_;
  ArrayPtr current_;
  std::int64_t offset_ = 0;
};

// Says which column an error is about.
class NamedCursor final : public ColumnCursor {
 public:
  NamedCursor(const std::string& name, std::unique_ptr<ColumnCursor> cursor)
      : name_("column " + name), cursor_(std::move(cursor)) {}
  Result<ArrayPtr> Read(const std::vector<RowRange>& ranges) override {
    return Guard(name_, [&] { return cursor_->Read(ranges); });
  }

 private:
  const std::string name_;
  const std::unique_ptr<ColumnCursor> cursor_;
};

}  // namespace

ChunkSelection SelectPages(const ChunkPages& pages, ChunkSpan span,
                           std::int64_t row_count, const RowRanges& wanted,
                           std::int64_t block_bytes) {
  ChunkSelection selection;
  if (pages.pages.empty() || pages.encrypted) {
    selection.rows = RowRanges::All(row_count);
    for (std::int64_t at = span.start; at < span.end; at += block_bytes) {
      // Where a row lies is not known: as if all took as many bytes.
      const double place = static_cast<double>(at - span.start) /
                           static_cast<double>(span.end - span.start);
      selection.ranges.push_back(
          {at, std::min(block_bytes, span.end - at),
           static_cast<std::int64_t>(place * static_cast<double>(row_count))});
    }
    return selection;
  }
  const std::int64_t first_page = pages.pages.front().offset;
  if (first_page > span.start) {
    selection.ranges.push_back({span.start, first_page - span.start});
  }
  for (const PageSpan& page : pages.pages) {
    if (!wanted.Overlaps(page.rows.first, page.rows.end)) {
      ++selection.pages_pruned;
      continue;
    }
    selection.ranges.push_back({page.offset, page.size_bytes, page.rows.first});
    selection.rows.Append(page.rows);
  }
  return selection;
}

Result<std::shared_ptr<arrow::DataType>> CursorType(const Footer& footer,
                                                    const ColumnPart& column,
                                                    TextForm text_form) {
  if (IsFlatDirect(footer, column)) {
    return FlatType(footer, column.field, text_form);
  }
  if (footer.IsWhole(column)) return footer.schema()->field(column.field)->type();
  // What Arrow's reader makes of some leaves, it knows best: asked for no row group, it
  // reads nothing.
  const ::parquet::ReaderProperties properties;
  auto file = std::make_unique<::parquet::ParquetFileReader>();
  file->Open(std::make_unique<SelectedFile>(
      footer.metadata_ptr(), properties,
      [](int) -> std::unique_ptr<::parquet::PageReader> { return nullptr; }));
  FIRN_ARROW_ASSIGN_OR_RETURN(const auto reader, ::parquet::arrow::FileReader::Make(
                                                     arrow::default_memory_pool(),
                                                     std::move(file), OfSelection()));
  FIRN_ARROW_ASSIGN_OR_RETURN(const auto batches,
                              reader->GetRecordBatchReader({}, column.leaves));
  return batches->schema()->field(0)->type();
}

Result<std::unique_ptr<ColumnCursor>> MakeColumnCursor(
    const Footer& footer, RangeFetcher& fetcher, int row_group, const ColumnPart& column,
    std::vector<LeafSelection> leaves, const CursorOptions& options) {
  const std::string& name = footer.schema()->field(column.field)->name();
  std::unique_ptr<ColumnCursor> cursor;
  if (IsFlatDirect(footer, column)) {
    cursor = MakeFlatCursor(footer, fetcher, row_group,
                            FlatType(footer, column.field, options.text_form),
                            std::move(leaves.front()), options);
  } else {
    auto any = std::make_unique<ArrowCursor>(options.batch_rows, options.pool,
                                             leaves.front().chunk.rows);
    FIRN_RETURN_IF_ERROR(
        any->Open(footer, fetcher, row_group, std::move(leaves), options));
    cursor = std::move(any);
  }
  return std::unique_ptr<ColumnCursor>(
      std::make_unique<NamedCursor>(name, std::move(cursor)));
}

}  // namespace firn::parquet

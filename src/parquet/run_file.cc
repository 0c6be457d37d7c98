// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "arrow/array/array_base.h"
#include "arrow/array/array_binary.h"
#include "arrow/array/array_nested.h"
#include "arrow/array/array_primitive.h"
#include "arrow/array/array_run_end.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/compression.h"

#include "base/assert.h"
#include "parquet/arrow/schema.h"
#include "parquet/bloom_filter.h"
#include "parquet/bloom_filter_writer.h"
#include "parquet/column_writer.h"
#include "parquet/file_body.h"
#include "parquet/file_writer.h"
#include "parquet/metadata.h"
#include "parquet/object_io.h"
#include "parquet/page_index.h"
#include "parquet/run_chunk.h"
#include "parquet/run_ends.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

constexpr char kMagic[] = {'P', 'A', 'R', '1'};

// The bytes of a value as PLAIN stores them, but for the length.
std::optional<std::string_view> WordOf(const arrow::Array& values, std::int64_t i) {
  if (values.IsNull(i)) return std::nullopt;
  switch (values.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return static_cast<const arrow::BinaryArray&>(values).GetView(i);
    case arrow::Type::FIXED_SIZE_BINARY:
      return static_cast<const arrow::FixedSizeBinaryArray&>(values).GetView(i);
    case arrow::Type::INT32:
      return std::string_view(
          reinterpret_cast<const char*>(
              static_cast<const arrow::Int32Array&>(values).raw_values() + i),
          sizeof(std::int32_t));
    default:
      return std::nullopt;
  }
}

bool IsWord(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
    case arrow::Type::INT32:
      return true;
    default:
      return false;
  }
}

// One column of the schema: its leaves begin at `first_leaf`.
struct Column {
  std::string name;
  std::shared_ptr<arrow::DataType> type;  // Of the value, where the column has runs.
  bool nullable = false;
  bool has_runs = false;
  int first_leaf = 0;
  int leaf_count = 0;
};

class RunFile final : public FileBody {
 public:
  RunFile(std::shared_ptr<ObjectOutput> sink,
          std::shared_ptr<::parquet::SchemaDescriptor> schema,
          std::vector<Column> columns, const FileBodyOptions& options)
      : sink_(std::move(sink)),
        schema_(std::move(schema)),
        columns_(std::move(columns)),
        options_(options),
        properties_(*options_.properties),
        write_context_(options.pool, options_.arrow_properties.get()),
        metadata_builder_(
            ::parquet::FileMetaDataBuilder::Make(schema_.get(), options_.properties)) {
    if (properties_.page_index_enabled()) {
      page_index_ = ::parquet::PageIndexBuilder::Make(schema_.get());
    }
    if (properties_.bloom_filter_enabled()) {
      bloom_filters_ = ::parquet::BloomFilterBuilder::Make(schema_.get(), &properties_);
    }
  }

  Status Begin() {
    FIRN_ARROW_RETURN_IF_ERROR(sink_->Write(kMagic, sizeof kMagic));
    return Status::OK();
  }

  Status NewRowGroup() override {
    EndRowGroup();
    row_group_ = metadata_builder_->AppendRowGroup();
    if (page_index_ != nullptr) page_index_->AppendRowGroup();
    if (bloom_filters_ != nullptr) bloom_filters_->AppendRowGroup();
    for (const Column& column : columns_) {
      for (int leaf = column.first_leaf; leaf < column.first_leaf + column.leaf_count;
           ++leaf) {
        Chunk& chunk = chunks_.emplace_back();
        chunk.metadata = row_group_->NextColumnChunk();
        if (bloom_filters_ != nullptr) {
          chunk.bloom_filter = bloom_filters_->CreateBloomFilter(leaf);
        }
        if (column.has_runs) {
          chunk.runs =
              std::make_unique<RunChunk>(*schema_->Column(leaf), ChunkOptions(leaf));
        } else {
          chunk.writer = ::parquet::ColumnWriter::Make(
              chunk.metadata, OpenPager(leaf, chunk.metadata, /*buffered=*/true),
              &properties_, chunk.bloom_filter);
        }
      }
    }
    return Status::OK();
  }

  Status Write(const arrow::RecordBatch& batch) override {
    FIRN_ASSERT(row_group_ != nullptr);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      FIRN_RETURN_IF_ERROR(
          columns_[i].has_runs
              ? AppendRuns(columns_[i], *batch.column(static_cast<int>(i)))
              : AppendFlat(columns_[i], *batch.column(static_cast<int>(i))));
    }
    rows_ += batch.num_rows();
    return Status::OK();
  }

  Status Close(
      const std::shared_ptr<const arrow::KeyValueMetadata>& key_values) override {
    using ::parquet::IndexKind;
    EndRowGroup();
    if (bloom_filters_ != nullptr) {
      metadata_builder_->SetIndexLocations(IndexKind::kBloomFilter,
                                           bloom_filters_->WriteTo(sink_.get()));
    }
    if (page_index_ != nullptr) {
      page_index_->Finish();
      const auto locations = page_index_->WriteTo(sink_.get());
      metadata_builder_->SetIndexLocations(IndexKind::kColumnIndex,
                                           locations.column_index_locations);
      metadata_builder_->SetIndexLocations(IndexKind::kOffsetIndex,
                                           locations.offset_index_locations);
    }
    metadata_ = metadata_builder_->Finish(key_values);
    ::parquet::WriteFileMetaData(*metadata_, sink_.get());
    return Status::OK();
  }

  std::shared_ptr<::parquet::FileMetaData> metadata() const override { return metadata_; }

 private:
  // A leaf's part of the row group: `runs` or `writer`.
  struct Chunk {
    ::parquet::ColumnChunkMetaDataBuilder* metadata = nullptr;
    ::parquet::BloomFilter* bloom_filter = nullptr;  // Of bloom_filters_, or none.
    std::unique_ptr<RunChunk> runs;
    std::shared_ptr<::parquet::ColumnWriter> writer;
  };

  RunChunkOptions ChunkOptions(int leaf) const {
    const auto& path = schema_->Column(leaf)->path();
    RunChunkOptions options;
    options.page_rows = properties_.max_rows_per_page();
    options.page_bytes = properties_.data_pagesize();
    options.dictionary_bytes = properties_.dictionary_pagesize_limit();
    options.dictionary = properties_.dictionary_enabled(path);
    options.statistics = properties_.statistics_enabled(path);
    options.page_v2 =
        properties_.data_page_version() == ::parquet::ParquetDataPageVersion::V2;
    return options;
  }

  // Pages of a plain column wait in memory while other columns are filled.
  std::unique_ptr<::parquet::PageWriter> OpenPager(
      int leaf, ::parquet::ColumnChunkMetaDataBuilder* metadata, bool buffered) {
    const auto& column = properties_.column_properties(schema_->Column(leaf)->path());
    const bool indexed = page_index_ != nullptr && column.page_index_enabled();
    return ::parquet::PageWriter::Open(
        sink_, column.compression(), metadata, /*row_group_ordinal=*/-1,
        static_cast<std::int16_t>(leaf), options_.pool, buffered, nullptr, nullptr,
        properties_.page_checksum_enabled(),
        indexed ? page_index_->GetColumnIndexBuilder(leaf) : nullptr,
        indexed ? page_index_->GetOffsetIndexBuilder(leaf) : nullptr,
        column.codec_options() != nullptr ? *column.codec_options()
                                          : arrow::util::CodecOptions());
  }

  Status AppendFlat(const Column& column, const arrow::Array& values) {
    const std::int16_t* levels = nullptr;
    if (column.nullable) {
      levels_.assign(static_cast<std::size_t>(values.length()), 1);
      if (values.null_count() > 0) {
        for (std::int64_t i = 0; i < values.length(); ++i) {
          levels_[static_cast<std::size_t>(i)] = values.IsValid(i) ? 1 : 0;
        }
      }
      levels = levels_.data();
    } else if (values.null_count() > 0) {
      return Status::InvalidArgument("column " + column.name + ": NULL, but required");
    }
    const Chunk& chunk = chunks_[static_cast<std::size_t>(column.first_leaf)];
    FIRN_ARROW_RETURN_IF_ERROR(chunk.writer->WriteArrow(
        levels, nullptr, values.length(), values, &write_context_, column.nullable));
    return Status::OK();
  }

  Status AppendRuns(const Column& column, const arrow::Array& array) {
    return VisitRuns(
        static_cast<const arrow::RunEndEncodedArray&>(array),
        [&](const arrow::Array& values, std::int64_t i, std::int64_t rows) -> Status {
          if (values.IsNull(i)) return AppendNull(column, rows);
          if (column.type->id() == arrow::Type::MAP) {
            return AppendMap(column, static_cast<const arrow::MapArray&>(values), i,
                             rows);
          }
          if (!IsWord(*column.type)) {
            return Status::InvalidArgument("column " + column.name + ": runs of " +
                                           column.type->ToString() + " must be NULL");
          }
          words_.assign(1, WordOf(values, i));
          runs_of(column, 0).AppendWords(rows, words_);
          return Status::OK();
        });
  }

  Status AppendNull(const Column& column, std::int64_t rows) {
    if (!column.nullable) {
      return Status::InvalidArgument("column " + column.name + ": NULL, but required");
    }
    for (int leaf = 0; leaf < column.leaf_count; ++leaf) {
      runs_of(column, leaf).AppendNull(rows);
    }
    return Status::OK();
  }

  Status AppendMap(const Column& column, const arrow::MapArray& maps, std::int64_t i,
                   std::int64_t rows) {
    const auto& type = static_cast<const arrow::MapType&>(*column.type);
    if (!IsWord(*type.key_type()) || !IsWord(*type.item_type())) {
      return Status::InvalidArgument("column " + column.name + ": runs of " +
                                     type.ToString() + " must be NULL");
    }
    for (int leaf = 0; leaf < 2; ++leaf) {
      const arrow::Array& texts = leaf == 0 ? *maps.keys() : *maps.items();
      const bool nullable = leaf == 1 && type.item_field()->nullable();
      words_.clear();
      for (auto at = maps.value_offset(i); at < maps.value_offset(i + 1); ++at) {
        words_.push_back(WordOf(texts, at));
        if (!words_.back().has_value() && !nullable) {
          return Status::InvalidArgument("column " + column.name +
                                         ": NULL in a map, but required");
        }
      }
      runs_of(column, leaf).AppendWords(rows, words_);
    }
    return Status::OK();
  }

  RunChunk& runs_of(const Column& column, int leaf) {
    return *chunks_[static_cast<std::size_t>(column.first_leaf + leaf)].runs;
  }

  // Chunks reach the object in the order of the schema.
  void EndRowGroup() {
    if (row_group_ == nullptr) return;
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      Chunk& chunk = chunks_[i];
      if (chunk.runs == nullptr) {
        bytes += chunk.writer->Close();
        continue;
      }
      const auto pager =
          OpenPager(static_cast<int>(i), chunk.metadata, /*buffered=*/false);
      bytes += std::move(*chunk.runs)
                   .WriteTo(*pager, *chunk.metadata, chunk.bloom_filter, options_.pool);
      chunk.runs.reset();
    }
    chunks_.clear();
    row_group_->set_num_rows(rows_);
    row_group_->Finish(bytes);
    row_group_ = nullptr;
    rows_ = 0;
  }

  const std::shared_ptr<ObjectOutput> sink_;
  const std::shared_ptr<::parquet::SchemaDescriptor> schema_;
  const std::vector<Column> columns_;
  const FileBodyOptions options_;
  const ::parquet::WriterProperties& properties_;
  ::parquet::ArrowWriteContext write_context_;
  const std::unique_ptr<::parquet::FileMetaDataBuilder> metadata_builder_;
  std::unique_ptr<::parquet::PageIndexBuilder> page_index_;
  std::unique_ptr<::parquet::BloomFilterBuilder> bloom_filters_;
  std::shared_ptr<::parquet::FileMetaData> metadata_;

  ::parquet::RowGroupMetaDataBuilder* row_group_ = nullptr;
  std::vector<Chunk> chunks_;
  std::int64_t rows_ = 0;
  std::vector<std::int16_t> levels_;
  std::vector<std::optional<std::string_view>> words_;
};

int LeavesOf(const arrow::DataType& type) {
  if (type.num_fields() == 0) return 1;
  int leaves = 0;
  for (const auto& field : type.fields()) leaves += LeavesOf(*field->type());
  return leaves;
}

}  // namespace

Result<std::unique_ptr<FileBody>> OpenRunFile(const arrow::Schema& schema,
                                              std::shared_ptr<ObjectOutput> sink,
                                              const FileBodyOptions& options) {
  std::vector<Column> columns;
  int leaf = 0;
  for (const auto& field : schema.fields()) {
    Column column{field->name(), field->type(), field->nullable(), false, leaf, 0};
    if (IsRunEnded(*field->type())) {
      column.has_runs = true;
      column.type = RunValueType(*field->type());
    }
    column.leaf_count = LeavesOf(*column.type);
    if (!column.has_runs && column.leaf_count != 1) {
      return Status::InvalidArgument("column " + column.name + ": " +
                                     column.type->ToString() +
                                     " beside run-end encoded columns");
    }
    leaf += column.leaf_count;
    columns.push_back(std::move(column));
  }
  std::shared_ptr<::parquet::SchemaDescriptor> descriptor;
  FIRN_ARROW_RETURN_IF_ERROR(
      ::parquet::arrow::ToParquetSchema(SpelledOut(schema).get(), *options.properties,
                                        *options.arrow_properties, &descriptor));
  FIRN_ASSERT(descriptor->num_columns() == leaf);
  auto file = std::make_unique<RunFile>(std::move(sink), std::move(descriptor),
                                        std::move(columns), options);
  FIRN_RETURN_IF_ERROR(file->Begin());
  return file;
}

}  // namespace firn::parquet

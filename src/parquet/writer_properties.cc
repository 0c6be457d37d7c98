// SPDX-License-Identifier: Apache-2.0
#include "parquet/writer_properties.h"

#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "arrow/util/compression.h"

#include "parquet/encryption_properties.h"
#include "parquet/schema.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

using ::parquet::Compression;
using ::parquet::Type;
using Builder = ::parquet::WriterProperties::Builder;

Compression::type CodecOf(Codec codec) {
  switch (codec) {
    case Codec::kUncompressed:
      return Compression::UNCOMPRESSED;
    case Codec::kSnappy:
      return Compression::SNAPPY;
    case Codec::kGzip:
      return Compression::GZIP;
    case Codec::kBrotli:
      return Compression::BROTLI;
    case Codec::kLz4:
      return Compression::LZ4;  // Arrow's name for the raw format.
    case Codec::kZstd:
      return Compression::ZSTD;
  }
  return Compression::UNCOMPRESSED;
}

::parquet::Encoding::type EncodingOf(Encoding encoding) {
  switch (encoding) {
    case Encoding::kPlain:
      return ::parquet::Encoding::PLAIN;
    case Encoding::kDeltaBinaryPacked:
      return ::parquet::Encoding::DELTA_BINARY_PACKED;
    case Encoding::kDeltaLengthByteArray:
      return ::parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY;
    case Encoding::kDeltaByteArray:
      return ::parquet::Encoding::DELTA_BYTE_ARRAY;
    case Encoding::kByteStreamSplit:
      return ::parquet::Encoding::BYTE_STREAM_SPLIT;
  }
  return ::parquet::Encoding::PLAIN;
}

bool Encodes(Encoding encoding, Type::type type) {
  switch (encoding) {
    case Encoding::kPlain:
      return true;
    case Encoding::kDeltaBinaryPacked:
      return type == Type::INT32 || type == Type::INT64;
    case Encoding::kDeltaLengthByteArray:
      return type == Type::BYTE_ARRAY;
    case Encoding::kDeltaByteArray:
      return type == Type::BYTE_ARRAY || type == Type::FIXED_LEN_BYTE_ARRAY;
    case Encoding::kByteStreamSplit:
      return type == Type::FLOAT || type == Type::DOUBLE || type == Type::INT32 ||
             type == Type::INT64 || type == Type::FIXED_LEN_BYTE_ARRAY;
  }
  return false;
}

Status CheckSize(std::string_view option, std::int64_t value) {
  if (value > 0) return Status::OK();
  return Status::InvalidArgument(std::string(option) + " " + std::to_string(value) +
                                 ": must be above 0");
}

Status CheckSizes(const WriterOptions& options) {
  FIRN_RETURN_IF_ERROR(CheckSize("row_group_rows", options.row_group_rows));
  FIRN_RETURN_IF_ERROR(CheckSize("row_group_bytes", options.row_group_bytes));
  FIRN_RETURN_IF_ERROR(CheckSize("page_bytes", options.page_bytes));
  FIRN_RETURN_IF_ERROR(CheckSize("page_rows", options.page_rows));
  return CheckSize("dictionary_bytes", options.dictionary_bytes);
}

// A level that the codec has. REQUIRES: a codec with levels.
Status CheckLevel(Codec codec, int level) {
  FIRN_ARROW_ASSIGN_OR_RETURN(
      const int least, arrow::util::Codec::MinimumCompressionLevel(CodecOf(codec)));
  FIRN_ARROW_ASSIGN_OR_RETURN(
      const int greatest, arrow::util::Codec::MaximumCompressionLevel(CodecOf(codec)));
  if (least <= level && level <= greatest) return Status::OK();
  return Status::InvalidArgument(
      "codec_level " + std::to_string(level) + ": " + std::string(ToString(codec)) +
      " has " + std::to_string(least) + " to " + std::to_string(greatest));
}

Status SetFileCodec(const WriterOptions& options, Builder& builder) {
  builder.compression(CodecOf(options.codec));
  if (!options.codec_level.has_value() || !HasLevels(options.codec)) {
    return Status::OK();
  }
  FIRN_RETURN_IF_ERROR(CheckLevel(options.codec, *options.codec_level));
  builder.compression_level(*options.codec_level);
  return Status::OK();
}

// The file's level says nothing of another codec.
Status SetColumnCodec(const std::shared_ptr<::parquet::schema::ColumnPath>& path,
                      const ColumnOptions& column, const WriterOptions& options,
                      Builder& builder) {
  if (!column.codec.has_value() && !column.codec_level.has_value()) return Status::OK();
  const Codec codec = column.codec.value_or(options.codec);
  builder.compression(path, CodecOf(codec));
  if (!column.codec_level.has_value()) {
    builder.codec_options(path, std::make_shared<arrow::util::CodecOptions>());
    return Status::OK();
  }
  FIRN_RETURN_IF_ERROR(CheckCodecLevel({codec, column.codec_level}));
  builder.compression_level(path, *column.codec_level);
  return Status::OK();
}

Status SetBloomFilter(const ::parquet::ColumnDescriptor& leaf,
                      const BloomFilterOptions& bloom, Builder& builder) {
  if (leaf.physical_type() == Type::BOOLEAN) {
    return Status::InvalidArgument("bloom_filter: none for booleans");
  }
  // About what fits in 128 MiB at 1 %, the longest filter that Parquet C++ makes.
  constexpr std::int64_t kDistinctMax = 100'000'000;
  if (bloom.distinct_values < 1 || bloom.distinct_values > kDistinctMax) {
    return Status::InvalidArgument("bloom_filter.distinct_values " +
                                   std::to_string(bloom.distinct_values) +
                                   ": must be 1 to " + std::to_string(kDistinctMax));
  }
  if (!(bloom.false_positive_rate > 0 && bloom.false_positive_rate < 1)) {
    return Status::InvalidArgument("bloom_filter.false_positive_rate " +
                                   std::to_string(bloom.false_positive_rate) +
                                   ": must lie between 0 and 1");
  }
  ::parquet::BloomFilterOptions filter;
  filter.ndv = bloom.distinct_values;
  filter.fpp = bloom.false_positive_rate;
  builder.enable_bloom_filter(leaf.path(), filter);
  return Status::OK();
}

Status SetColumn(const ::parquet::ColumnDescriptor& leaf, const ColumnOptions& column,
                 const WriterOptions& options, Builder& builder) {
  const auto path = leaf.path();
  if (!Encodes(column.encoding, leaf.physical_type())) {
    return Status::InvalidArgument("encoding " + std::string(ToString(column.encoding)) +
                                   ": cannot store " +
                                   ::parquet::TypeToString(leaf.physical_type()));
  }
  builder.encoding(path, EncodingOf(column.encoding));
  if (column.dictionary) {
    builder.enable_dictionary(path);
  } else {
    builder.disable_dictionary(path);
  }
  if (!column.statistics) builder.disable_statistics(path);
  if (!column.statistics || !column.page_index || !options.page_index) {
    builder.disable_write_page_index(path);
  }
  FIRN_RETURN_IF_ERROR(SetColumnCodec(path, column, options, builder));
  if (!column.bloom_filter.has_value()) return Status::OK();
  if (options.encryption.has_value()) {
    // Any column's: Parquet C++ has nothing to encrypt them with, and writes none at all.
    return Status::Unimplemented("bloom_filter: not in an encrypted file");
  }
  return SetBloomFilter(leaf, *column.bloom_filter, builder);
}

// Leaves by field id, where they have one.
std::map<std::int32_t, int> LeafByFieldId(const ::parquet::SchemaDescriptor& schema) {
  std::map<std::int32_t, int> leaves;
  for (int i = 0; i < schema.num_columns(); ++i) {
    const std::int32_t field_id = schema.Column(i)->schema_node()->field_id();
    if (field_id >= 0) leaves.emplace(field_id, i);
  }
  return leaves;
}

Status NoSuchLeaf(std::string_view option, std::int32_t field_id) {
  return Status::InvalidArgument(std::string(option) + ": field id " +
                                 std::to_string(field_id) +
                                 ", which no leaf of the schema has");
}

}  // namespace

bool HasLevels(Codec codec) {
  return arrow::util::Codec::SupportsCompressionLevel(CodecOf(codec));
}

Status CheckCodecLevel(const CodecLevel& form) {
  if (!form.level.has_value()) return Status::OK();
  if (!HasLevels(form.codec)) {
    return Status::InvalidArgument("codec_level " + std::to_string(*form.level) + ": " +
                                   std::string(ToString(form.codec)) + " has no levels");
  }
  return CheckLevel(form.codec, *form.level);
}

Result<std::shared_ptr<::parquet::WriterProperties>> MakeWriterProperties(
    const ::parquet::SchemaDescriptor& schema, const WriterOptions& options,
    arrow::MemoryPool* pool) {
  FIRN_RETURN_IF_ERROR(CheckSizes(options));
  Builder builder;
  builder.memory_pool(pool)
      ->data_pagesize(options.page_bytes)
      ->max_rows_per_page(options.page_rows)
      ->dictionary_pagesize_limit(options.dictionary_bytes)
      ->max_row_group_length(options.row_group_rows)
      ->data_page_version(options.page_version == PageVersion::kV2
                              ? ::parquet::ParquetDataPageVersion::V2
                              : ::parquet::ParquetDataPageVersion::V1)
      // `<application> version <version>`: parquet-java puts aside the statistics of text
      // and bytes in files of writers that it cannot tell.
      ->created_by("firn version " FIRN_VERSION)
      ->enable_write_page_index();
  if (options.page_checksums) builder.enable_page_checksum();
  FIRN_RETURN_IF_ERROR(SetFileCodec(options, builder));

  const auto leaves = LeafByFieldId(schema);
  for (const auto& [field_id, unused] : options.columns) {
    if (!leaves.contains(field_id)) return NoSuchLeaf("columns", field_id);
  }
  for (const auto& [path, unused] : options.columns_by_path) {
    if (schema.ColumnIndex(path) < 0) {
      return Status::InvalidArgument("columns_by_path: '" + path +
                                     "', which is no leaf of the schema");
    }
  }
  for (int i = 0; i < schema.num_columns(); ++i) {
    const ::parquet::ColumnDescriptor& leaf = *schema.Column(i);
    const std::string path = leaf.path()->ToDotString();
    FIRN_RETURN_IF_ERROR(
        SetColumn(leaf, OptionsOf(options, path, leaf.schema_node()->field_id()), options,
                  builder)
            .With("column " + path));
  }
  std::vector<::parquet::SortingColumn> sorting;
  for (const SortingColumn& column : options.sorting_columns) {
    const auto leaf = leaves.find(column.field_id);
    if (leaf == leaves.end()) return NoSuchLeaf("sorting_columns", column.field_id);
    sorting.push_back({leaf->second, column.descending, column.nulls_first});
  }
  builder.set_sorting_columns(std::move(sorting));
  if (options.encryption.has_value()) {
    FIRN_ASSIGN_OR_RETURN(auto encryption, MakeEncryption(schema, *options.encryption));
    builder.encryption(std::move(encryption));
  }
  return builder.build();
}

}  // namespace firn::parquet

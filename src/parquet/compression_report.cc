// SPDX-License-Identifier: Apache-2.0
#include "parquet/compression_report.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "arrow/util/compression.h"

#include "base/json.h"
#include "parquet/metadata.h"
#include "parquet/schema.h"
#include "parquet/size_statistics.h"
#include "parquet/statistics.h"
#include "parquet/text_table.h"

namespace firn::parquet {
namespace {

using ::parquet::Type;

void AddOnce(std::string name, std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    names.push_back(std::move(name));
  }
}

std::string CodecName(::parquet::Compression::type codec) {
  switch (codec) {
    case ::parquet::Compression::UNCOMPRESSED:
      return "uncompressed";
    case ::parquet::Compression::LZ4:
      return "lz4";
    default:
      return arrow::util::Codec::GetCodecAsString(codec);
  }
}

// How the values are stored, which leaves out the levels: they are RLE always. Old files
// do not say what is what; a boolean's own RLE is then not told from a level's.
void AddEncodings(const ::parquet::ColumnChunkMetaData& chunk,
                  std::vector<std::string>& names) {
  const auto& stats = chunk.encoding_stats();
  for (const auto& pages : stats) {
    if (pages.page_type != ::parquet::PageType::DICTIONARY_PAGE) {
      AddOnce(::parquet::EncodingToString(pages.encoding), names);
    }
  }
  if (!stats.empty()) return;
  for (const auto encoding : chunk.encodings()) {
    if (encoding == ::parquet::Encoding::RLE ||
        encoding == ::parquet::Encoding::BIT_PACKED)
      continue;
    AddOnce(::parquet::EncodingToString(encoding), names);
  }
}

// Bytes of a value where all have the same; 0 for text, and for bits.
std::int64_t WidthOf(const ::parquet::ColumnDescriptor& leaf) {
  switch (leaf.physical_type()) {
    case Type::INT32:
    case Type::FLOAT:
      return 4;
    case Type::INT64:
    case Type::DOUBLE:
      return 8;
    case Type::INT96:
      return 12;
    case Type::FIXED_LEN_BYTE_ARRAY:
      return leaf.type_length();
    default:
      return 0;
  }
}

std::optional<std::int64_t> RawBytes(const ::parquet::ColumnDescriptor& leaf,
                                     const ::parquet::ColumnChunkMetaData& chunk) {
  const auto statistics = chunk.encoded_statistics();
  const bool required = leaf.max_definition_level() == 0;
  if (!required && (statistics == nullptr || !statistics->has_null_count)) {
    return std::nullopt;
  }
  const std::int64_t values =
      chunk.num_values() - (required ? 0 : statistics->null_count);
  if (leaf.physical_type() == Type::BOOLEAN) return (values + 7) / 8;
  if (leaf.physical_type() != Type::BYTE_ARRAY) return values * WidthOf(leaf);
  const auto sizes = chunk.size_statistics();
  if (sizes == nullptr || !sizes->unencoded_byte_array_data_bytes.has_value()) {
    return std::nullopt;
  }
  constexpr std::int64_t kLengthBytes = 4;
  return *sizes->unencoded_byte_array_data_bytes + kLengthBytes * values;
}

void AddChunk(const ::parquet::ColumnDescriptor& leaf,
              const ::parquet::ColumnChunkMetaData& chunk, ColumnCompression& out) {
  AddOnce(CodecName(chunk.compression()), out.codecs);
  AddEncodings(chunk, out.encodings);
  out.value_count += chunk.num_values();
  out.encoded_bytes += chunk.total_uncompressed_size();
  out.compressed_bytes += chunk.total_compressed_size();
  out.encrypted = out.encrypted || chunk.crypto_metadata() != nullptr;
  const auto raw = RawBytes(leaf, chunk);
  out.raw_bytes = raw.has_value() && out.raw_bytes >= 0 ? out.raw_bytes + *raw : -1;
}

std::string Join(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) {
    if (!joined.empty()) joined += ',';
    joined += name;
  }
  return joined;
}

void AppendJsonStrings(const std::vector<std::string>& names, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ',';
    base::AppendJsonString(out, names[i]);
  }
  out += ']';
}

void AppendJsonCount(std::string_view name, std::int64_t count, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  if (count < 0) {
    out += "null";
  } else {
    base::AppendJsonInt(out, count);
  }
}

std::string Ratio(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", ratio);
  return text;
}

}  // namespace

double ColumnCompression::ratio() const {
  if (compressed_bytes == 0) return 0;
  return static_cast<double>(raw_bytes >= 0 ? raw_bytes : encoded_bytes) /
         static_cast<double>(compressed_bytes);
}

CompressionReport MakeCompressionReport(const ::parquet::FileMetaData& metadata,
                                        const std::vector<bool>& locked) {
  CompressionReport report;
  report.row_group_count = metadata.num_row_groups();
  for (int g = 0; g < metadata.num_row_groups(); ++g) {
    report.row_count += metadata.RowGroup(g)->num_rows();
  }
  for (int i = 0; i < metadata.num_columns(); ++i) {
    const ::parquet::ColumnDescriptor& leaf = *metadata.schema()->Column(i);
    if (locked[static_cast<std::size_t>(i)]) {
      report.locked.push_back(leaf.path()->ToDotString());
      continue;
    }
    ColumnCompression& column = report.columns.emplace_back();
    column.path = leaf.path()->ToDotString();
    column.type = ::parquet::TypeToString(leaf.physical_type());
    column.raw_bytes = 0;
    for (int g = 0; g < metadata.num_row_groups(); ++g) {
      AddChunk(leaf, *metadata.RowGroup(g)->ColumnChunk(i), column);
    }
  }
  return report;
}

std::string ToText(const CompressionReport& report) {
  TextTable table(
      {"column", "type", "codec", "encodings", "raw", "encoded", "compressed", "ratio"});
  ColumnCompression all;
  all.raw_bytes = 0;
  const auto count = [](std::int64_t bytes) {
    return bytes < 0 ? std::string("-") : std::to_string(bytes);
  };
  for (const ColumnCompression& column : report.columns) {
    table.AddRow({column.path, column.type, Join(column.codecs), Join(column.encodings),
                  count(column.raw_bytes), count(column.encoded_bytes),
                  count(column.compressed_bytes), Ratio(column.ratio())});
    all.raw_bytes =
        all.raw_bytes < 0 || column.raw_bytes < 0 ? -1 : all.raw_bytes + column.raw_bytes;
    all.encoded_bytes += column.encoded_bytes;
    all.compressed_bytes += column.compressed_bytes;
  }
  table.AddRow({"all columns", "", "", "", count(all.raw_bytes), count(all.encoded_bytes),
                count(all.compressed_bytes), Ratio(all.ratio())});
  std::string text = table.ToString();
  for (const std::string& path : report.locked) text += path + " is locked\n";
  return text;
}

std::string ToJson(const CompressionReport& report) {
  std::string out = "{\"rows\":";
  base::AppendJsonInt(out, report.row_count);
  AppendJsonCount("row_groups", report.row_group_count, out);
  out += ",\"columns\":[";
  for (std::size_t i = 0; i < report.columns.size(); ++i) {
    const ColumnCompression& column = report.columns[i];
    out += i > 0 ? ",{\"path\":" : "{\"path\":";
    base::AppendJsonString(out, column.path);
    out += ",\"type\":";
    base::AppendJsonString(out, column.type);
    out += ",\"codecs\":";
    AppendJsonStrings(column.codecs, out);
    out += ",\"encodings\":";
    AppendJsonStrings(column.encodings, out);
    AppendJsonCount("values", column.value_count, out);
    AppendJsonCount("raw_bytes", column.raw_bytes, out);
    AppendJsonCount("encoded_bytes", column.encoded_bytes, out);
    AppendJsonCount("compressed_bytes", column.compressed_bytes, out);
    out += ",\"ratio\":";
    base::AppendJsonDouble(out, column.ratio());
    out += column.encrypted ? ",\"encrypted\":true}" : ",\"encrypted\":false}";
  }
  out += "],\"locked\":";
  AppendJsonStrings(report.locked, out);
  out += '}';
  return out;
}

}  // namespace firn::parquet

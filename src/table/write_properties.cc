// SPDX-License-Identifier: Apache-2.0
#include "table/write_properties.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/nearest_word.h"
#include "base/quote.h"

namespace firn::table {
namespace {

constexpr std::string_view kBloomFilter = "write.parquet.bloom-filter-enabled.column.";
constexpr std::string_view kBloomFpp = "write.parquet.bloom-filter-fpp.column.";
constexpr std::string_view kStats = "write.parquet.stats-enabled.column.";
constexpr std::string_view kMetrics = "write.metadata.metrics.column.";
constexpr std::string_view kLevel = "write.parquet.compression-level";

Status BadValue(std::string_view value, const std::string& wanted) {
  return Status::InvalidArgument(base::Quoted(value) + " is not " + wanted);
}

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::int64_t> Positive(std::string_view value) {
  const auto number = ParseNumber<std::int64_t>(value);
  if (!number.has_value() || *number <= 0) return BadValue(value, "a number above 0");
  return *number;
}

Result<bool> Flag(std::string_view value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return BadValue(value, "true or false");
}

Result<MetricsMode> ParseMode(std::string_view value) {
  using Kind = MetricsMode::Kind;
  if (value == "none") return MetricsMode{Kind::kNone};
  if (value == "counts") return MetricsMode{Kind::kCounts};
  if (value == "full") return MetricsMode{Kind::kFull};
  constexpr std::string_view kPrefix = "truncate(";
  if (value.starts_with(kPrefix) && value.ends_with(')')) {
    const auto length = ParseNumber<std::int32_t>(
        value.substr(kPrefix.size(), value.size() - kPrefix.size() - 1));
    if (length.has_value() && *length > 0) {
      return MetricsMode{Kind::kTruncate, static_cast<std::size_t>(*length)};
    }
  }
  const std::string_view modes[] = {"none", "counts", "truncate(16)", "full"};
  return BadValue(value,
                  "none, counts, truncate(N) or full" + base::DidYouMean(value, modes));
}

// What has values of its own, by its full name: structs, lists and maps have none.
using LeafIds = std::map<std::string, iceberg::FieldId>;

void NameLeaves(const iceberg::Type& type, const std::string& path, LeafIds* ids) {
  const auto add = [&](const std::string& name, iceberg::FieldId id,
                       const iceberg::Type& inner) {
    const std::string inner_path = path.empty() ? name : path + "." + name;
    if (inner.primitive() != nullptr) ids->emplace(inner_path, id);
    NameLeaves(inner, inner_path, ids);
  };
  if (const auto* node = type.struct_type()) {
    for (const auto& field : node->fields) add(field.name, field.id, field.type);
  } else if (const auto* list = type.list()) {
    add("element", list->element_id, *list->element);
  } else if (const auto* map = type.map()) {
    add("key", map->key_id, *map->key);
    add("value", map->value_id, *map->value);
  }
}

// A column's own options, which begin as those of all.
parquet::ColumnOptions& OptionsOf(iceberg::FieldId id, TableWriterOptions* options) {
  return options->parquet.columns.try_emplace(id.value, options->parquet.default_column)
      .first->second;
}

// The properties of one column each. True where the key is one of them.
Result<bool> SetOfColumn(std::string_view key, std::string_view value, const LeafIds& ids,
                         TableWriterOptions* options) {
  for (const std::string_view prefix : {kBloomFilter, kBloomFpp, kStats, kMetrics}) {
    if (!key.starts_with(prefix)) continue;
    const auto id = ids.find(std::string(key.substr(prefix.size())));
    if (id == ids.end()) return true;
    if (prefix == kMetrics) {
      FIRN_ASSIGN_OR_RETURN(options->metrics.columns[id->second], ParseMode(value));
      return true;
    }
    parquet::ColumnOptions& column = OptionsOf(id->second, options);
    if (prefix == kStats) {
      FIRN_ASSIGN_OR_RETURN(column.statistics, Flag(value));
    } else if (prefix == kBloomFilter) {
      FIRN_ASSIGN_OR_RETURN(const bool enabled, Flag(value));
      column.bloom_filter =
          enabled ? std::optional(parquet::BloomFilterOptions{}) : std::nullopt;
    } else {
      // Keys come in order, so that what is enabled is known by now.
      const auto rate = ParseNumber<double>(value);
      if (!rate.has_value() || !(*rate > 0 && *rate < 1)) {
        return BadValue(value, "a rate between 0 and 1");
      }
      if (column.bloom_filter.has_value()) {
        column.bloom_filter->false_positive_rate = *rate;
      }
    }
    return true;
  }
  return false;
}

Status SetOfFile(std::string_view key, std::string_view value,
                 TableWriterOptions* options) {
  parquet::WriterOptions& parquet = options->parquet;
  const std::pair<std::string_view, std::int64_t*> sizes[] = {
      {"write.target-file-size-bytes", &options->file_bytes_target},
      {"write.parquet.row-group-size-bytes", &parquet.row_group_bytes},
      {"write.parquet.page-size-bytes", &parquet.page_bytes},
      {"write.parquet.page-row-limit", &parquet.page_rows},
      {"write.parquet.dict-size-bytes", &parquet.dictionary_bytes}};
  for (const auto& [name, size] : sizes) {
    if (key != name) continue;
    FIRN_ASSIGN_OR_RETURN(*size, Positive(value));
  }
  if (key == "write.metadata.metrics.default") {
    FIRN_ASSIGN_OR_RETURN(options->metrics.of_others, ParseMode(value));
  } else if (key == "write.parquet.compression-codec") {
    FIRN_ASSIGN_OR_RETURN(const parquet::Codec codec, parquet::ParseCodec(value));
    // The level was meant for the codec it came with.
    if (codec != parquet.codec) parquet.codec_level = std::nullopt;
    parquet.codec = codec;
  } else if (key == kLevel) {
    const auto level = ParseNumber<int>(value);
    if (!level.has_value()) return BadValue(value, "a whole number");
    parquet.codec_level = *level;
  } else if (key == "write.parquet.page-version") {
    if (value != "v1" && value != "v2") return BadValue(value, "v1 or v2");
    parquet.page_version =
        value == "v1" ? parquet::PageVersion::kV1 : parquet::PageVersion::kV2;
  }
  return Status::OK();
}

LeafIds LeavesOf(const iceberg::Schema& schema) {
  LeafIds ids;
  NameLeaves(iceberg::Type(schema.root), "", &ids);
  return ids;
}

// In the order of keys: a codec comes before its level.
Status Set(const std::map<std::string, std::string>& properties, const LeafIds& ids,
           TableWriterOptions* options) {
  for (const auto& [key, value] : properties) {
    const auto of_column = SetOfColumn(key, value, ids, options);
    FIRN_RETURN_IF_ERROR(of_column.status().With("property " + key));
    if (*of_column) continue;
    FIRN_RETURN_IF_ERROR(SetOfFile(key, value, options).With("property " + key));
  }
  return Status::OK();
}

}  // namespace

Result<TableWriterOptions> WithWriteProperties(
    TableWriterOptions options, const std::map<std::string, std::string>& properties,
    const iceberg::Schema& schema) {
  const LeafIds ids = LeavesOf(schema);
  for (const auto& [name, form] : std::exchange(options.column_codecs, {})) {
    const auto id = ids.find(name);
    if (id == ids.end()) continue;
    parquet::ColumnOptions& column = OptionsOf(id->second, &options);
    column.codec = form.codec;
    column.codec_level = form.level;
  }
  FIRN_RETURN_IF_ERROR(Set(properties, ids, &options));
  return options;
}

Status CheckWriteProperties(const std::map<std::string, std::string>& properties,
                            const iceberg::Schema& schema) {
  const LeafIds ids = LeavesOf(schema);
  for (const auto& [key, value] : properties) {
    for (const std::string_view prefix : {kBloomFilter, kBloomFpp, kStats, kMetrics}) {
      if (!key.starts_with(prefix)) continue;
      const std::string column = key.substr(prefix.size());
      if (ids.contains(column)) continue;
      std::vector<std::string_view> names;
      for (const auto& [name, id] : ids) names.push_back(name);
      return Status::InvalidArgument(
          "property " + key + ": the table has no column of values " +
          base::Quoted(column) + base::DidYouMean(column, names));
    }
  }
  TableWriterOptions options;
  FIRN_RETURN_IF_ERROR(Set(properties, ids, &options));
  const auto level = properties.find(std::string(kLevel));
  if (level == properties.end() || !parquet::HasLevels(options.parquet.codec)) {
    return Status::OK();
  }
  return parquet::CheckCodecLevel({options.parquet.codec, options.parquet.codec_level})
      .With("property " + level->first);
}

}  // namespace firn::table

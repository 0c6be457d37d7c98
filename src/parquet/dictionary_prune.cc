// SPDX-License-Identifier: Apache-2.0
#include "parquet/dictionary_prune.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "expr/conjuncts.h"
#include "parquet/bounds.h"
#include "parquet/column_page.h"
#include "parquet/column_reader.h"
#include "parquet/page_stream.h"
#include "parquet/properties.h"
#include "parquet/schema.h"

namespace firn::parquet {
namespace {

using ::parquet::Encoding;
using ::parquet::Type;

// Read in one short request, and asked in less time than a page takes to decode.
constexpr std::int64_t kDictionaryBytesMax = 64 << 10;
constexpr std::int32_t kEntriesMax = 16 << 10;

// One column of one known value, or of NULL alone.
class OneValue final : public expr::StatisticsSource {
 public:
  explicit OneValue(std::string column) : column_(std::move(column)) {}

  void SetNull() {
    null_ = true;
    value_.reset();
  }
  // Without a value it is NaN.
  void Set(std::optional<expr::Literal> value) {
    null_ = false;
    value_ = std::move(value);
  }
  bool Find(const std::string& column, expr::ColumnStatistics* out) const override {
    if (column != column_) return false;
    const bool nan = !null_ && !value_.has_value();
    const expr::Literal* value = value_.has_value() ? &*value_ : nullptr;
    *out = {1, null_ ? 1 : 0, nan ? 1 : 0, value, value};
    return true;
  }

 private:
  const std::string column_;
  bool null_ = true;
  std::optional<expr::Literal> value_;
};

bool IsReal(const ::parquet::ColumnDescriptor& column) {
  return column.physical_type() == Type::FLOAT ||
         column.physical_type() == Type::DOUBLE || column.logical_type()->is_float16();
}

// Whether every page of the chunk refers to its dictionary.
bool IsAllDictionary(const ::parquet::ColumnChunkMetaData& chunk) {
  bool some = false;
  for (const ::parquet::PageEncodingStats& stats : chunk.encoding_stats()) {
    if (stats.page_type != ::parquet::PageType::DATA_PAGE &&
        stats.page_type != ::parquet::PageType::DATA_PAGE_V2) {
      continue;
    }
    some = true;
    if (stats.encoding != Encoding::RLE_DICTIONARY &&
        stats.encoding != Encoding::PLAIN_DICTIONARY) {
      return false;
    }
  }
  return some;
}

// Where the dictionary lies, if it is worth reading.
Result<std::optional<ByteRange>> DictionaryRange(
    const Footer& footer, const ::parquet::ColumnChunkMetaData& chunk) {
  if (!chunk.has_dictionary_page() || !IsAllDictionary(chunk)) {
    return std::optional<ByteRange>();
  }
  FIRN_ASSIGN_OR_RETURN(const ChunkSpan span, footer.SpanOf(chunk));
  const std::int64_t first = chunk.dictionary_page_offset();
  const std::int64_t end = chunk.data_page_offset();
  if (first < span.start || end > span.end || end <= first ||
      end - first > kDictionaryBytesMax) {
    return std::optional<ByteRange>();
  }
  return std::optional<ByteRange>(ByteRange{first, end - first});
}

// Cuts a page of values in the plain encoding into values.
class PlainValues {
 public:
  PlainValues(const ::parquet::ColumnDescriptor& column, std::string_view page)
      : width_(WidthOf(column)), rest_(page) {}

  // Nothing where the page ends within the value.
  std::optional<std::string_view> Next() {
    std::size_t size = width_;
    if (width_ == 0) {
      std::uint32_t length = 0;
      if (rest_.size() < sizeof length) return std::nullopt;
      std::memcpy(&length, rest_.data(), sizeof length);
      rest_.remove_prefix(sizeof length);
      size = length;
    }
    if (rest_.size() < size) return std::nullopt;
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }

 private:
  // 0: values carry their length.
  static std::size_t WidthOf(const ::parquet::ColumnDescriptor& column) {
    switch (column.physical_type()) {
      case Type::INT32:
      case Type::FLOAT:
        return 4;
      case Type::INT64:
      case Type::DOUBLE:
        return 8;
      case Type::FIXED_LEN_BYTE_ARRAY:
        return static_cast<std::size_t>(column.type_length());
      default:
        return 0;
    }
  }

  const std::size_t width_;
  std::string_view rest_;
};

// Whether some entry of the dictionary may satisfy `predicate`, which is on `name` alone.
Result<bool> SomeEntryMayMatch(const ::parquet::DictionaryPage& page,
                               const ::parquet::ColumnDescriptor& column,
                               const std::string& name,
                               const expr::Predicate& predicate) {
  const bool plain =
      page.encoding() == Encoding::PLAIN || page.encoding() == Encoding::PLAIN_DICTIONARY;
  if (!plain || page.num_values() > kEntriesMax) return true;
  PlainValues values(column, std::string_view(reinterpret_cast<const char*>(page.data()),
                                              static_cast<std::size_t>(page.size())));
  OneValue entry(name);
  for (std::int32_t i = 0; i < page.num_values(); ++i) {
    const auto bytes = values.Next();
    if (!bytes.has_value()) {
      return Status::Corruption("dictionary of column " + name + " ends in entry " +
                                std::to_string(i) + " of " +
                                std::to_string(page.num_values()));
    }
    auto value = DecodeBound(column, *bytes);
    if (!value.has_value() && !IsReal(column)) return true;  // Beyond literals.
    entry.Set(std::move(value));
    if (expr::MayMatch(predicate, entry)) return true;
  }
  return false;
}

// The conjuncts on one column that its dictionary may answer.
std::map<std::string, expr::And> AskableConjuncts(const expr::PredicatePtr& predicate,
                                                  const PredicateColumns& columns,
                                                  const RowGroupStatistics& statistics) {
  std::map<std::string, expr::And> by_column;
  for (const expr::PredicatePtr& conjunct : expr::SplitConjuncts(predicate)) {
    const auto names = expr::ColumnsOf(*conjunct);
    if (names.size() != 1 || !columns.contains(*names.begin())) continue;
    const std::string& name = *names.begin();
    // Nowhere false: no entry will say otherwise.
    if (!expr::MayMatch(*expr::MakePredicate(expr::Not{conjunct}), statistics)) continue;
    OneValue null(name);
    if (expr::MayMatch(*expr::MakePredicate(expr::IsNull{name}), statistics) &&
        expr::MayMatch(*conjunct, null)) {
      continue;
    }
    by_column[name].operands.push_back(conjunct);
  }
  return by_column;
}

}  // namespace

Result<bool> DictionariesMayMatch(const Footer& footer, RangeFetcher& fetcher,
                                  arrow::MemoryPool* pool, bool verify_checksums,
                                  int row_group, const expr::PredicatePtr& predicate,
                                  const PredicateColumns& columns,
                                  const RowGroupStatistics& statistics) {
  const auto group = footer.metadata().RowGroup(row_group);
  for (auto& [name, conjuncts] : AskableConjuncts(predicate, columns, statistics)) {
    const int leaf = columns.at(name);
    const auto chunk = group->ColumnChunk(leaf);
    const auto& column = *footer.metadata().schema()->Column(leaf);
    // An encrypted page cannot be read by itself.
    if (!HasBounds(column) || chunk->crypto_metadata() != nullptr) continue;
    FIRN_ASSIGN_OR_RETURN(const auto range, DictionaryRange(footer, *chunk));
    if (!range.has_value()) continue;
    ::parquet::ReaderProperties properties(pool);
    properties.set_page_checksum_verification(verify_checksums);
    fetcher.Announce({*range});
    const auto pages = ::parquet::PageReader::Open(
        std::make_shared<PageStream>(fetcher, std::vector<ByteRange>{*range}),
        chunk->num_values(), chunk->compression(), properties, column);
    const auto page = pages->NextPage();
    if (page == nullptr || page->type() != ::parquet::PageType::DICTIONARY_PAGE) continue;
    FIRN_ASSIGN_OR_RETURN(
        const bool may_match,
        SomeEntryMayMatch(static_cast<const ::parquet::DictionaryPage&>(*page), column,
                          name, *expr::MakePredicate(conjuncts)));
    if (!may_match) return false;
  }
  return true;
}

}  // namespace firn::parquet

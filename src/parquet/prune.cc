// SPDX-License-Identifier: Apache-2.0
#include "parquet/prune.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "base/assert.h"
#include "expr/conjuncts.h"
#include "parquet/bloom_filter.h"
#include "parquet/bloom_filter_reader.h"
#include "parquet/bounds.h"
#include "parquet/file_reader.h"
#include "parquet/object_io.h"
#include "parquet/properties.h"
#include "parquet/schema.h"

namespace firn::parquet {
namespace {

using expr::Literal;
using ::parquet::Type;

const ColumnRef* FindRef(const ScanSpec& spec, const std::string& name) {
  if (spec.columns.has_value()) {
    for (const ColumnRef& column : *spec.columns) {
      if (column.name == name) return &column;
    }
  }
  for (const ColumnRef& column : spec.predicate_columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

// The pages that hold the rows of one interval.
class IntervalStatistics final : public expr::StatisticsSource {
 public:
  struct Cursor {
    const ChunkPages* pages;
    std::size_t page = 0;
  };
  explicit IntervalStatistics(std::map<std::string, Cursor> cursors)
      : cursors_(std::move(cursors)) {}

  // REQUIRES: `row` does not go back.
  void MoveTo(std::int64_t row) {
    for (auto& [name, cursor] : cursors_) {
      while (cursor.pages->pages[cursor.page].rows.end <= row) ++cursor.page;
    }
  }
  bool Find(const std::string& column, expr::ColumnStatistics* out) const override {
    const auto found = cursors_.find(column);
    if (found == cursors_.end()) return false;
    const PageValues& values = found->second.pages->values[found->second.page];
    const std::int64_t rows =
        found->second.pages->pages[found->second.page].rows.row_count();
    *out = {};
    out->value_count = rows;
    out->null_count = values.all_null ? rows : values.null_count;
    if (values.lower.has_value()) out->lower = &*values.lower;
    if (values.upper.has_value()) out->upper = &*values.upper;
    return true;
  }

 private:
  std::map<std::string, Cursor> cursors_;
};

template <typename T>
std::uint64_t HashOf(const ::parquet::BloomFilter& filter, const std::string& bytes) {
  T value;
  FIRN_ASSERT(bytes.size() == sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return filter.Hash(value);
}

// Whether the filter may hold `literal`; true where the two do not fit together.
bool MayHold(const ::parquet::BloomFilter& filter,
             const ::parquet::ColumnDescriptor& column, const Literal& literal) {
  const PlainValue value = EncodePlain(column, literal);
  if (value.kind != PlainValue::kStored) return value.kind == PlainValue::kUnknown;
  switch (column.physical_type()) {
    case Type::INT32:
      return filter.FindHash(HashOf<std::int32_t>(filter, value.bytes));
    case Type::INT64:
      return filter.FindHash(HashOf<std::int64_t>(filter, value.bytes));
    case Type::FLOAT:
      return filter.FindHash(HashOf<float>(filter, value.bytes));
    case Type::DOUBLE:
      return filter.FindHash(HashOf<double>(filter, value.bytes));
    case Type::BYTE_ARRAY:
      return filter.FindHash(filter.Hash(std::string_view(value.bytes)));
    case Type::FIXED_LEN_BYTE_ARRAY: {
      const ::parquet::FLBA fixed(
          reinterpret_cast<const std::uint8_t*>(value.bytes.data()));
      return filter.FindHash(
          filter.Hash(fixed, static_cast<std::uint32_t>(value.bytes.size())));
    }
    default:
      return true;
  }
}

// The column and the literals one of which it must equal, if that is what `p` says.
std::pair<const std::string*, std::vector<const Literal*>> Equalities(
    const expr::Predicate& p) {
  if (const auto* compare = std::get_if<expr::Compare>(&p.node())) {
    if (compare->op == expr::CompareOp::kEq) {
      return {&compare->column, {&compare->literal}};
    }
  } else if (const auto* in = std::get_if<expr::In>(&p.node())) {
    std::vector<const Literal*> literals;
    for (const Literal& literal : in->literals) literals.push_back(&literal);
    return {&in->column, std::move(literals)};
  }
  return {nullptr, {}};
}

}  // namespace

PredicateColumns BindPredicate(const Footer& footer, const ScanSpec& spec) {
  PredicateColumns columns;
  if (spec.predicate == nullptr) return columns;
  for (const std::string& name : expr::ColumnsOf(*spec.predicate)) {
    const ColumnRef* ref = FindRef(spec, name);
    const auto found = footer.Find(ref != nullptr ? *ref : ColumnRef{name, -1});
    if (found.has_value() && footer.IsFlat(found->part)) {
      columns.emplace(name, found->part.leaves.front());
    }
  }
  return columns;
}

RowGroupStatistics::RowGroupStatistics(const Footer& footer, int row_group,
                                       const PredicateColumns& columns) {
  entries_.reserve(columns.size());
  for (const auto& [name, leaf] : columns) {
    entries_.emplace_back(name, &footer.StatisticsOf(leaf)[row_group]);
  }
}

bool RowGroupStatistics::Find(const std::string& column,
                              expr::ColumnStatistics* out) const {
  for (const auto& [name, statistics] : entries_) {
    if (name != column) continue;
    *out = {};
    out->value_count = statistics->value_count;
    out->null_count = statistics->null_count;
    if (statistics->lower.has_value()) out->lower = &*statistics->lower;
    if (statistics->upper.has_value()) out->upper = &*statistics->upper;
    return true;
  }
  return false;
}

Result<bool> BloomMayMatch(const Footer& footer, io::ObjectReader& object,
                           FetchCounts& counts, int row_group,
                           const expr::PredicatePtr& predicate,
                           const PredicateColumns& columns) {
  const auto group = footer.metadata().RowGroup(row_group);
  for (const expr::PredicatePtr& conjunct : expr::SplitConjuncts(predicate)) {
    const auto [name, literals] = Equalities(*conjunct);
    if (name == nullptr) continue;
    const auto bound = columns.find(*name);
    if (bound == columns.end()) continue;
    const int leaf = bound->second;
    const auto at = group->ColumnChunk(leaf)->bloom_filter_offset();
    if (!at.has_value()) continue;
    if (*at < 0 || *at >= footer.data_end()) {
      return Status::Corruption("bloom filter of row group " + std::to_string(row_group) +
                                " outside the file");
    }
    // The footer is at hand, and knows the keys where the filter is encrypted.
    const auto file = ::parquet::ParquetFileReader::Open(
        std::make_shared<ObjectInput>(object, counts),
        ::parquet::default_reader_properties(), footer.metadata_ptr());
    const auto of_group = file->GetBloomFilterReader().RowGroup(row_group);
    const auto filter =
        of_group == nullptr ? nullptr : of_group->GetColumnBloomFilter(leaf);
    if (filter == nullptr) continue;
    const auto& column = *footer.metadata().schema()->Column(leaf);
    if (std::none_of(literals.begin(), literals.end(), [&](const Literal* literal) {
          return MayHold(*filter, column, *literal);
        })) {
      return false;
    }
  }
  return true;
}

RowRanges PruneByPages(
    const expr::Predicate& predicate,
    const std::map<std::string, std::shared_ptr<const ChunkPages>>& pages,
    std::int64_t row_count) {
  std::set<std::int64_t> beginnings = {0};
  std::map<std::string, IntervalStatistics::Cursor> cursors;
  for (const auto& [name, chunk] : pages) {
    if (chunk->values.empty()) continue;
    cursors[name] = {chunk.get()};
    for (const PageSpan& page : chunk->pages) beginnings.insert(page.rows.first);
  }
  RowRanges kept;
  IntervalStatistics statistics(std::move(cursors));
  for (auto it = beginnings.begin(); it != beginnings.end(); ++it) {
    const auto next = std::next(it);
    const RowRange interval = {*it, next == beginnings.end() ? row_count : *next};
    if (interval.row_count() == 0) continue;
    statistics.MoveTo(interval.first);
    if (expr::MayMatch(predicate, statistics)) kept.Append(interval);
  }
  return kept;
}

}  // namespace firn::parquet

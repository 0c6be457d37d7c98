// SPDX-License-Identifier: Apache-2.0
#include "parquet/file_report.h"

#include <memory>
#include <optional>
#include <utility>

#include "expr/literal.h"
#include "parquet/bounds.h"
#include "parquet/metadata.h"
#include "parquet/schema.h"
#include "parquet/statistics.h"

namespace firn::parquet {
namespace {

using expr::Literal;

bool IsReal(const ::parquet::ColumnDescriptor& leaf) {
  return leaf.physical_type() == ::parquet::Type::FLOAT ||
         leaf.physical_type() == ::parquet::Type::DOUBLE;
}

std::int64_t StartOf(const ::parquet::ColumnChunkMetaData& chunk) {
  return chunk.has_dictionary_page() && chunk.dictionary_page_offset() > 0
             ? std::min(chunk.dictionary_page_offset(), chunk.data_page_offset())
             : chunk.data_page_offset();
}

// Adds one row group after another to the report of one leaf.
class ColumnSum {
 public:
  ColumnSum(const ::parquet::ColumnDescriptor& leaf, ColumnReport& out)
      : leaf_(leaf), out_(out), flat_(leaf.max_repetition_level() == 0) {
    out_.field_id = leaf.schema_node()->field_id();
    out_.path = leaf.path()->ToDotString();
    out_.null_count = 0;
    bounded_ = flat_ && HasBounds(leaf);
    if (flat_ && IsReal(leaf)) out_.nan_count = 0;
  }

  void Add(const ::parquet::ColumnChunkMetaData& chunk, std::int64_t nan_count) {
    out_.size_bytes += chunk.total_compressed_size();
    out_.value_count += chunk.num_values();
    if (out_.nan_count >= 0) out_.nan_count += nan_count;
    const auto statistics = chunk.encoded_statistics();
    if (statistics == nullptr || !statistics->has_null_count) {
      out_.null_count = -1;
      bounded_ = false;
      return;
    }
    if (out_.null_count >= 0) out_.null_count += statistics->null_count;
    if (!bounded_) return;
    if (!statistics->has_min || !statistics->has_max) {
      // Fine where nothing was there to bound.
      const std::int64_t ordinary = chunk.num_values() - statistics->null_count -
                                    (out_.nan_count >= 0 ? nan_count : 0);
      bounded_ = ordinary == 0;
      return;
    }
    Widen(out_.lower, DecodeBound(leaf_, statistics->min()), -1);
    Widen(out_.upper, DecodeBound(leaf_, statistics->max()), 1);
  }

  void Finish() {
    if (bounded_) return;
    out_.lower.reset();
    out_.upper.reset();
  }

 private:
  void Widen(std::optional<Literal>& bound, std::optional<Literal> value, int direction) {
    if (!value.has_value()) {
      bounded_ = false;
      return;
    }
    if (auto* real = std::get_if<double>(&*value); real != nullptr && *real == 0) {
      *real = direction < 0 ? -0.0 : 0.0;
    }
    if (bound.has_value()) {
      const auto order = expr::CompareLiterals(*value, *bound);
      if (!order.has_value() || *order == 0 || (*order > 0) != (direction > 0)) return;
    }
    bound = std::move(value);
  }

  const ::parquet::ColumnDescriptor& leaf_;
  ColumnReport& out_;
  const bool flat_;
  bool bounded_ = true;
};

}  // namespace

FileReport MakeFileReport(const ::parquet::FileMetaData& metadata,
                          const std::vector<std::vector<std::int64_t>>& nan_counts,
                          std::int64_t size_bytes) {
  FileReport report;
  report.row_count = metadata.num_rows();
  report.size_bytes = size_bytes;
  const int leaves = metadata.num_columns();
  report.columns.resize(static_cast<std::size_t>(leaves));
  std::vector<ColumnSum> sums;
  for (int i = 0; i < leaves; ++i) {
    sums.emplace_back(*metadata.schema()->Column(i), report.columns[i]);
  }
  for (int g = 0; g < metadata.num_row_groups(); ++g) {
    const auto row_group = metadata.RowGroup(g);
    for (int i = 0; i < leaves; ++i) {
      const auto chunk = row_group->ColumnChunk(i);
      if (i == 0) report.split_offsets.push_back(StartOf(*chunk));
      sums[i].Add(*chunk, nan_counts[g][i]);
    }
  }
  for (ColumnSum& sum : sums) sum.Finish();
  return report;
}

}  // namespace firn::parquet

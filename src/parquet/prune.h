// SPDX-License-Identifier: Apache-2.0
// prune.h: what of a row group a predicate rules out without reading data. Internal to
// this room.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "expr/predicate.h"
#include "firn/status.h"
#include "parquet/footer.h"
#include "parquet/range_fetcher.h"
#include "parquet/reader.h"

namespace firn::parquet {

// The columns of a predicate that the file has with one value a row: the leaf by the name
// that the predicate uses. The rest prunes nothing.
using PredicateColumns = std::map<std::string, int>;
PredicateColumns BindPredicate(const Footer& footer, const ScanSpec& spec);

// The statistics of one row group's column chunks. Borrows the footer and the columns.
class RowGroupStatistics final : public expr::StatisticsSource {
 public:
  RowGroupStatistics(const Footer& footer, int row_group,
                     const PredicateColumns& columns);
  bool Find(const std::string& column, expr::ColumnStatistics* out) const override;

 private:
  std::vector<std::pair<std::string_view, const ChunkStatistics*>> entries_;
};

// Whether the row group's bloom filters leave a match possible. Asks those of columns
// that some conjunct compares by Eq or In. May throw Parquet's exceptions.
Result<bool> BloomMayMatch(const Footer& footer, io::ObjectReader& object,
                           FetchCounts& counts, int row_group,
                           const expr::PredicatePtr& predicate,
                           const PredicateColumns& columns);

// The rows that the pages' bounds leave possible. Pages of different columns begin at
// different rows: every interval between two beginnings is asked about by itself.
RowRanges PruneByPages(
    const expr::Predicate& predicate,
    const std::map<std::string, std::shared_ptr<const ChunkPages>>& pages,
    std::int64_t row_count);

}  // namespace firn::parquet

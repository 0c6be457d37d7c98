// SPDX-License-Identifier: Apache-2.0
// dictionary_prune.h: what the dictionaries of a row group rule out. Internal to this
// room.
//
// 1. Conjuncts on one column are asked together, where its chunk is encoded by its
//    dictionary alone, and where neither its statistics nor its NULLs answer already.
// 2. Each entry is asked whether it may satisfy them. A dictionary without such an entry
//    means a row group without such a row.
// 3. A dictionary of many entries or bytes is left alone: who reads it might as well read
//    the column.
#pragma once

#include "expr/predicate.h"
#include "firn/status.h"
#include "parquet/footer.h"
#include "parquet/prune.h"
#include "parquet/range_fetcher.h"

namespace arrow {
class MemoryPool;
}  // namespace arrow

namespace firn::parquet {

// Whether the row group's dictionaries leave a match possible. Corruption where one is
// damaged. May throw Parquet's exceptions.
Result<bool> DictionariesMayMatch(const Footer& footer, RangeFetcher& fetcher,
                                  arrow::MemoryPool* pool, bool verify_checksums,
                                  int row_group, const expr::PredicatePtr& predicate,
                                  const PredicateColumns& columns,
                                  const RowGroupStatistics& statistics);

}  // namespace firn::parquet

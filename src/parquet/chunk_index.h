// SPDX-License-Identifier: Apache-2.0
// chunk_index.h: the page index and the bloom filter of one column chunk, as the file has
// them and held against nothing. Internal to this room.
#pragma once

#include <memory>

#include "arrow/type_fwd.h"

#include "firn/status.h"
#include "parquet/bloom_filter.h"
#include "parquet/footer.h"
#include "parquet/page_index.h"
#include "parquet/range_fetcher.h"

namespace firn::parquet {

// Null where the file has none.
struct ChunkIndex {
  std::shared_ptr<::parquet::OffsetIndex> offsets;
  std::shared_ptr<::parquet::ColumnIndex> bounds;
};

// Corruption where an index lies outside the file, or is none. May throw Parquet's
// exceptions.
Result<ChunkIndex> LoadChunkIndex(const Footer& footer, RangeFetcher& fetcher,
                                  int row_group, int leaf);

// Likewise; null where there is none. Its reads are added to `counts`.
Result<std::unique_ptr<::parquet::BloomFilter>> LoadBloomFilter(const Footer& footer,
                                                                io::ObjectReader& object,
                                                                FetchCounts& counts,
                                                                int row_group, int leaf);

}  // namespace firn::parquet

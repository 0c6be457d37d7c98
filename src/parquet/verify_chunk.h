// SPDX-License-Identifier: Apache-2.0
// verify_chunk.h: reads one column chunk and holds it against its metadata. Internal to
// this room.
#pragma once

#include "arrow/type_fwd.h"

#include "base/context.h"
#include "firn/file_check.h"
#include "firn/status.h"
#include "io/store.h"
#include "parquet/fault_list.h"
#include "parquet/footer.h"
#include "parquet/range_fetcher.h"

namespace firn::parquet {

// What chunks are read with. Borrows everything.
struct ChunkVerification {
  const base::Context& context;
  const Footer& footer;
  io::ObjectReader& object;
  RangeFetcher& fetcher;
  FetchCounts& bloom_counts;
  arrow::MemoryPool* pool;
  std::int64_t request_bytes_max;
  FileCheck& check;
  FaultList& faults;
};

// Whether the chunk stands for no value and says of no page where it would be, as some
// writer leaves it in a row group without rows.
bool IsWithoutPages(const ::parquet::ColumnChunkMetaData& chunk);

// Adds what is wrong with the chunk to the faults, and what was done to the check.
// Errors as Verify returns them. REQUIRES: the leaf is unlocked.
Status VerifyChunk(const ChunkVerification& with, int row_group, int leaf);

}  // namespace firn::parquet

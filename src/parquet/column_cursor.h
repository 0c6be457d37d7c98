// SPDX-License-Identifier: Apache-2.0
// column_cursor.h: the wanted rows of one column of a row group. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "arrow/type_fwd.h"

#include "firn/status.h"
#include "parquet/footer.h"
#include "parquet/range_fetcher.h"
#include "parquet/reader.h"
#include "parquet/row_ranges.h"

namespace firn::parquet {

// The pages of one leaf that hold some wanted row.
struct ChunkSelection {
  std::vector<ByteRange> ranges;  // The dictionary, then the pages.
  RowRanges rows;                 // Of those pages: the wanted ones and their neighbours.
  std::int64_t pages_pruned = 0;
};
// A chunk without a page index is taken whole, in ranges of at most `block_bytes`, and so
// is an encrypted one.
ChunkSelection SelectPages(const ChunkPages& pages, ChunkSpan span,
                           std::int64_t row_count, const RowRanges& wanted,
                           std::int64_t block_bytes);

struct CursorOptions {
  arrow::MemoryPool* pool = nullptr;
  std::int64_t batch_rows = 0;
  bool verify_page_checksums = true;
  TextForm text_form = TextForm::kPlain;
};

// What a cursor reads of one leaf.
struct LeafSelection {
  int leaf = 0;
  ChunkSelection chunk;
};

// Reads forward over one column, or a part of one. Thread-compatible. May throw Parquet's
// exceptions. The fetcher and the footer must outlive it.
class ColumnCursor {
 public:
  virtual ~ColumnCursor() = default;

  // The values of `ranges`, which ascend and lie after every row read before. They are
  // skipped to: whatever lies between is decoded only as far as the encoding demands.
  // REQUIRES: every row is among the rows of each leaf's selection.
  virtual Result<std::shared_ptr<arrow::Array>> Read(
      const std::vector<RowRange>& ranges) = 0;
};

// A cursor over `column`, whose selected ranges have been announced to `fetcher`.
// REQUIRES: `leaves` are those of the column, and all select the same rows.
Result<std::unique_ptr<ColumnCursor>> MakeColumnCursor(
    const Footer& footer, RangeFetcher& fetcher, int row_group, const ColumnPart& column,
    std::vector<LeafSelection> leaves, const CursorOptions& options);

// The type a cursor gives for the column. May throw Parquet's exceptions.
Result<std::shared_ptr<arrow::DataType>> CursorType(const Footer& footer,
                                                    const ColumnPart& column,
                                                    TextForm text_form);

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
// view_cursor.h: text and bytes as views of the pages they were stored in. Internal to
// this room.
//
// Long values are not copied one by one: the batch shares a copy of each plain page and
// of the dictionary it took them from (Arrow's BinaryView layout). A batch of few rows
// may so hold whole pages.
#pragma once

#include <memory>

#include "arrow/type_fwd.h"

#include "parquet/column_cursor.h"
#include "parquet/row_ranges.h"

namespace parquet {
class ColumnChunkMetaData;
class ColumnDescriptor;
class PageReader;
}  // namespace parquet

namespace firn::parquet {

// Whether a chunk of byte arrays is stored plain and by dictionary only: of other
// encodings there is nothing to point into, and Parquet's reader makes no dictionaries.
bool HasPlainText(const ::parquet::ColumnChunkMetaData& chunk);

// A cursor over `column`, a byte array outside lists, whose wanted pages `pages` gives
// and which hold `rows`. It gives `type`, utf8_view or binary_view. REQUIRES: the chunk
// HasPlainText(). What `column` and
// `pool` point to must outlive it, and `pool` every batch. Corruption where the pages are
// damaged.
std::unique_ptr<ColumnCursor> MakeViewCursor(const ::parquet::ColumnDescriptor& column,
                                             std::shared_ptr<arrow::DataType> type,
                                             RowRanges rows,
                                             std::unique_ptr<::parquet::PageReader> pages,
                                             arrow::MemoryPool* pool);

}  // namespace firn::parquet

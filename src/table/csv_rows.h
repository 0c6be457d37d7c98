// SPDX-License-Identifier: Apache-2.0
// csv_rows.h: the rows of a file of CSV or TSV. Internal to row_file.h.
//
// The text is split into values (csv_text.h); rows of another number of values than the
// heading are put apart. What the text stands for is said by text_values.h, value by
// value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/context.h"
#include "firn/status.h"
#include "table/row_bytes.h"
#include "table/row_stream.h"
#include "table/text_rows.h"

namespace arrow {
class MemoryPool;
class Schema;
}  // namespace arrow

namespace firn::table {

struct CsvFile {
  std::string name;  // Put before errors.
  char delimiter = ',';
  std::shared_ptr<RowBytes> bytes;
  std::shared_ptr<PeekableInput> text;  // Reads from `bytes` in the end.
};

// Columns that `wanted` has become of its types, others are text. Null: all are guessed
// from the beginning. `context` and `pool` must outlive the stream. InvalidArgument for a
// file without a heading; where columns are wanted, one of nothing at all has no rows.
Result<std::unique_ptr<RowStream>> OpenCsvRows(
    const base::Context& context, CsvFile file,
    const std::shared_ptr<arrow::Schema>& wanted, OnRejected rejected,
    arrow::MemoryPool* pool);

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
// ndjson_rows.h: the rows of a file of NDJSON. Internal to row_file.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/context.h"
#include "table/row_bytes.h"
#include "table/row_stream.h"
#include "table/text_rows.h"

namespace arrow {
class MemoryPool;
class Schema;
}  // namespace arrow

namespace firn::table {

// The objects of `text`, one a line, with the columns of `schema`: what else is on a line
// is a fault of it. Blank lines are none. `text` reads from `bytes` in the end; `name` is
// put before errors. `context` and `pool` must outlive the stream. Next() returns
// InvalidArgument for a line that does not fit into `block_bytes` with its end.
std::unique_ptr<RowStream> MakeNdjsonRows(const base::Context& context, std::string name,
                                          std::shared_ptr<RowBytes> bytes,
                                          std::shared_ptr<PeekableInput> text,
                                          std::shared_ptr<arrow::Schema> schema,
                                          std::int64_t block_bytes, OnRejected rejected,
                                          arrow::MemoryPool* pool);

}  // namespace firn::table

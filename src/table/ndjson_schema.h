// SPDX-License-Identifier: Apache-2.0
// ndjson_schema.h: which columns a file of NDJSON has, by its beginning. Internal to
// row_file.h.
//
// Arrow says which values are numbers, text and so on, and which text is a time. It gives
// up at the first line that it does not like. So lines that do not parse decide nothing,
// and of two lines that do not go together the first one decides: what is wrong with the
// other says whoever reads the file with these columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "firn/status.h"

namespace arrow {
class MemoryPool;
class Schema;
}  // namespace arrow

namespace firn::table {

// The columns of `text`, which begins with a line and may end within one, as a table may
// have them. Of a longer text than `block_bytes` only so much decides. InvalidArgument
// where no line is an object that parses.
Result<std::shared_ptr<arrow::Schema>> GuessNdjsonSchema(std::string_view text,
                                                         std::int32_t block_bytes,
                                                         arrow::MemoryPool* pool);

}  // namespace firn::table

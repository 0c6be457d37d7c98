// SPDX-License-Identifier: Apache-2.0
// ndjson_schema.h: which columns a file of NDJSON has, by its beginning. Internal to
// row_file.h.
//
// Lines that are no object, or have one name twice or elements of several types in one
// list, decide nothing. Of two lines that do not go together the first one decides: what
// is wrong with the other says whoever reads the file with these columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "firn/status.h"

namespace arrow {
class Schema;
}  // namespace arrow

namespace firn::table {

// Names at every depth. A file of more has data for names.
inline constexpr std::int64_t kGuessedFieldsMax = 5'000;

// The columns of `text`, which begins with a line and may end within one, as a table may
// have them. Of a longer text than `block_bytes` only so much decides. InvalidArgument
// where no line is an object that parses, which says what is wrong with the first, where
// there is no name, and where there are more than kGuessedFieldsMax.
Result<std::shared_ptr<arrow::Schema>> GuessNdjsonSchema(std::string_view text,
                                                         std::int32_t block_bytes);

}  // namespace firn::table

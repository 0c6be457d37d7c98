// SPDX-License-Identifier: Apache-2.0
// schema_change_text.h: changes of a table's columns as people write them.
//
//   add        host.zone string 'where it stands'
//   drop       host.zone
//   rename     host.zone=rack
//   widen      size long
//   optional   size
//   move       zone first          host.zone before name          zone after host
//   document   zone=where it stands
//
// Columns are dotted paths; of a name that is no word, or has a dot in it, the name alone
// goes between double quotes: `host."the zone"`, `"http.code"`. Types are those of
// schema_text.h. InvalidArgument names the character, counted from 1, and what was
// expected there. Whether the table takes the change is asked later (EvolveSchema). Pure.
#pragma once

#include <string_view>

#include "firn/status.h"
#include "iceberg/schema_update.h"

namespace firn::iceberg {

Result<AddColumn> ParseAddColumn(std::string_view text);
Result<DropColumn> ParseDropColumn(std::string_view text);
Result<RenameColumn> ParseRenameColumn(std::string_view text);
Result<WidenType> ParseWidenType(std::string_view text);
Result<MakeOptional> ParseMakeOptional(std::string_view text);
// The sibling is a name, or a path beside the column's.
Result<MoveColumn> ParseMoveColumn(std::string_view text);
// All after the first `=` is the doc.
Result<SetDoc> ParseSetDoc(std::string_view text);

}  // namespace firn::iceberg

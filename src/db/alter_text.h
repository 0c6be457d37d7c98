// SPDX-License-Identifier: Apache-2.0
// alter_text.h: what AlterTable (firn/table_changes.h) says. Pure.
#pragma once

#include "firn/status.h"
#include "firn/table_changes.h"
#include "iceberg/alteration.h"

namespace firn::db {

// InvalidArgument names the text and the character; also where nothing is to change.
Result<iceberg::Alteration> ParseAlteration(const AlterTable& change);

}  // namespace firn::db

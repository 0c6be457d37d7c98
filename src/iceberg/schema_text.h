// SPDX-License-Identifier: Apache-2.0
// schema_text.h: a table's columns as people write them.
//
//   id long required, ts timestamptz, price decimal(9, 2) 'in euros', key fixed(16),
//   tags map<string, string>, points list<struct<x double, y double required>>
//
// Types are Iceberg's; those of SQL stand for them: bigint, integer, text, varchar, real,
// bool, bytes. `not null` is another way to say required. A text between single quotes is
// the column's doc. Names that are no words go between double quotes. Words are read in
// any case. Pure.
#pragma once

#include <string_view>

#include "firn/status.h"
#include "iceberg/schema.h"

namespace firn::iceberg {

// The schema of a table to be made, with ids from 1 on. InvalidArgument names the
// character, counted from 1, and what was expected there; or what is wrong with the
// schema (CheckSchema, of `format_version`).
Result<Schema> ParseSchemaText(std::string_view text, int format_version);

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// schema_arrow.h: Iceberg schemas to and from Arrow's.
//
// Field ids travel in field metadata under the key `PARQUET:field_id`, which Arrow's
// Parquet writer stores and its reader returns.
#pragma once

#include <memory>

#include "firn/status.h"
#include "iceberg/schema.h"

namespace arrow {
class Schema;
}  // namespace arrow

namespace firn::iceberg {

// Types map as Parquet files of Iceberg tables store them: timestamptz to
// timestamp[us, tz=UTC], uuid to fixed_size_binary[16], string to utf8, decimal to
// decimal128, list to list<element>, map to map<key, value>, unknown to null, variant to
// struct<metadata: binary, value: binary>, whose fields have no ids, as the Parquet
// format stores it (VariantEncoding.md says what the bytes are). InvalidArgument for a
// schema that nests too deeply.
Result<std::shared_ptr<arrow::Schema>> ToArrowSchema(const Schema& schema);

// The reverse, but for variants. Every field must carry an id; large and view types of
// strings, binaries and lists are taken as their plain ones, the extension arrow.uuid as
// uuid and arrow.parquet.variant as variant. Docs and defaults do not travel.
// InvalidArgument names a field without an id, Unimplemented one with a type that Iceberg
// lacks.
Result<Schema> FromArrowSchema(const arrow::Schema& schema);

// The schema of a table for data of this schema, with ids from 1 on, whatever ids it
// carries; for UnionByName too. Types that Iceberg lacks become the narrowest that hold
// their values (int16 to int, uint64 to decimal(20, 0), timestamps of milliseconds to
// those of microseconds, dictionaries to their values): casting is left to who writes the
// data (table/batch_validator.h does it). Unimplemented names a field that has none.
Result<Schema> NewSchemaFromArrow(const arrow::Schema& schema);

inline constexpr char kArrowFieldIdKey[] = "PARQUET:field_id";

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// write_properties.h: table properties that say how files are written, by Iceberg's
// names.
//
//   write.parquet.compression-codec                 write.target-file-size-bytes
//   write.parquet.compression-level                 write.metadata.metrics.default
//   write.parquet.row-group-size-bytes              write.metadata.metrics.column.COLUMN
//   write.parquet.page-size-bytes
//   write.parquet.page-row-limit
//   write.parquet.dict-size-bytes
//   write.parquet.page-version
//   write.parquet.bloom-filter-enabled.column.COLUMN
//   write.parquet.bloom-filter-fpp.column.COLUMN
//   write.parquet.stats-enabled.column.COLUMN
//
// A metrics mode is `none`, `counts`, `truncate(N)` or `full`. Other properties are other
// engines', and columns that the schema lacks were dropped: both are passed over, as
// Iceberg's own writers do. Pure.
#pragma once

#include <map>
#include <string>

#include "firn/status.h"
#include "iceberg/schema.h"
#include "table/table_writer_options.h"

namespace firn::table {

// `options` as the properties change it, `column_codecs` of columns that the schema has
// moved to their ids. InvalidArgument for a bad value, naming the key, the value and what
// there is.
Result<TableWriterOptions> WithWriteProperties(
    TableWriterOptions options, const std::map<std::string, std::string>& properties,
    const iceberg::Schema& schema);

// Whether such properties are fit to be set: what WithWriteProperties() says of them, and
// InvalidArgument for a column that the schema lacks or that holds no values itself (a
// struct, list or map), and for a level that the codec does not have.
Status CheckWriteProperties(const std::map<std::string, std::string>& properties,
                            const iceberg::Schema& schema);

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
// table_properties.h: properties that people set on tables, held against what firn reads
// of them, so that none is stored that every later write would refuse, or that would
// count for nothing.
//
//   write.parquet.*, write.metadata.metrics.*, write.target-file-size-bytes
//                                 as write_properties.h reads them
//   commit.*, history.expire.*, gc.enabled, read.split.*, write.metadata.*,
//   write.summary.*
//                                 numbers, true or false, as iceberg/table_metadata.h
//   write.{delete,merge,update}.isolation-level
//                                 as iceberg/isolation_level.h
//   schema.name-mapping.default   a name mapping
//   format-version, uuid, …       no properties, but parts of the metadata: refused
//   firn.position.*, firn.schema-version
//                                 firn's own: refused
//
// Others of Iceberg's names are other engines' to read, and names outside of Iceberg's
// (iceberg_properties.h) anybody's: both are taken as they are. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "firn/status.h"
#include "iceberg/schema.h"
#include "iceberg/table_metadata.h"

namespace firn::table {

// The properties of a new table: `given` without a `format-version` of 2, which it has.
// InvalidArgument names property and value, and says what is allowed.
Result<std::map<std::string, std::string>> NewTableProperties(
    std::map<std::string, std::string> given, const iceberg::Schema& schema);

struct PropertyChanges {
  std::map<std::string, std::string> set;
  std::vector<std::string> removed;
};

// Whether these changes may be made of the table. InvalidArgument as above, and for a key
// that is set and removed, or removed twice; NotFound for one to remove that is not
// there.
Status CheckPropertyChanges(const PropertyChanges& changes,
                            const iceberg::TableMetadata& metadata);

}  // namespace firn::table

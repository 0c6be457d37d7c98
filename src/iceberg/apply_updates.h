// SPDX-License-Identifier: Apache-2.0
// apply_updates.h: metadata and updates make new metadata. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "firn/status.h"
#include "firn/time.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// Newest format version of tables that this room changes.
inline constexpr int kFormatVersionWrittenMax = 2;
// Defaults for the metadata log.
inline constexpr std::int64_t kPreviousVersionsMaxDefault = 100;

// What a new table starts from.
struct NewTable {
  std::string uuid;
  std::string location;
  Schema schema;
  PartitionSpec spec;  // Field ids are given by the caller, from 1000 on.
  SortOrder sort_order;
  std::map<std::string, std::string> properties;
  TimestampMs now_ms = 0;
};
// Field ids of the schema are kept as they are. InvalidArgument where a part is wrong.
Result<TableMetadata> MakeTableMetadata(NewTable table);

// Apply `updates` in order. `base_location` is the metadata file that `base` was read
// from: it enters the metadata log, which is cut to
// `write.metadata.previous-versions-max` entries. last_updated_ms becomes the larger of
// `now_ms`, the base's, and the newest added snapshot's: it never goes back. The result
// satisfies CheckTableMetadata. InvalidArgument where an update does not apply; `base` is
// untouched.
Result<TableMetadata> ApplyUpdates(const TableMetadata& base,
                                   const std::string& base_location,
                                   const std::vector<Update>& updates,
                                   TimestampMs now_ms);

// The metadata files that `base`, with itself at `base_location`, knew of and `next` no
// longer does: what may be removed once `next` is committed.
std::vector<std::string> ForgottenMetadataFiles(const TableMetadata& base,
                                                const std::string& base_location,
                                                const TableMetadata& next);

}  // namespace firn::iceberg

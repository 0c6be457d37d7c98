// SPDX-License-Identifier: Apache-2.0
// table_metadata_json.h: the metadata file: format version 2, as JSON.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "firn/status.h"
#include "iceberg/snapshot.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// Largest metadata file that is read.
inline constexpr std::uint64_t kMetadataFileBytesMax = std::uint64_t{256} << 20;

// REQUIRES: metadata.format_version == 2 and CheckTableMetadata(metadata) is OK.
std::string TableMetadataToJson(const TableMetadata& metadata);

// Fields that are not known are ignored. Unimplemented, by name, for format versions 1
// and 3; InvalidArgument for another version; Corruption, naming the field, where the
// text is no table metadata of version 2.
Result<TableMetadata> TableMetadataFromJson(std::string_view text);

// Parts of it, which the REST protocol sends by themselves.
nlohmann::ordered_json ToJson(const Snapshot& snapshot);
Result<Snapshot> SnapshotFromJson(const nlohmann::json& json);
nlohmann::ordered_json ToJson(const SnapshotRef& ref);
Result<SnapshotRef> SnapshotRefFromJson(const nlohmann::json& json);
nlohmann::ordered_json ToJson(const StatisticsFile& file);
Result<StatisticsFile> StatisticsFileFromJson(const nlohmann::json& json);
nlohmann::ordered_json ToJson(const PartitionStatisticsFile& file);
Result<PartitionStatisticsFile> PartitionStatisticsFromJson(const nlohmann::json& json);

}  // namespace firn::iceberg

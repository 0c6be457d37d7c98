// SPDX-License-Identifier: Apache-2.0
// table_metadata_json.h: the metadata file as JSON, format versions 1 to 3.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "firn/status.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// Largest metadata file that is read.
inline constexpr std::uint64_t kMetadataFileBytesMax = std::uint64_t{256} << 20;

// In the metadata's own format version. REQUIRES: CheckTableMetadata(metadata) is OK.
std::string TableMetadataToJson(const TableMetadata& metadata);

// What version 1 leaves out is filled in: the list of schemas, specs and sort orders,
// field ids of specs, counters. Its table UUID may stay empty. Fields that are not known
// are ignored. Unimplemented, by name, for later format versions and for what this
// program does not read of version 3 (types, transforms of several columns); Corruption,
// naming the field, where the text is no table metadata.
Result<TableMetadata> TableMetadataFromJson(std::string_view text);

// A part of it, which the REST protocol sends by itself.
nlohmann::ordered_json ToJson(const StatisticsFile& file);
Result<StatisticsFile> StatisticsFileFromJson(const nlohmann::json& json);
nlohmann::ordered_json ToJson(const PartitionStatisticsFile& file);
Result<PartitionStatisticsFile> PartitionStatisticsFromJson(const nlohmann::json& json);

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// file_report.h: what a table's metadata needs of a file, from its footer. Internal to
// this room.
#pragma once

#include <cstdint>
#include <vector>

#include "parquet/writer.h"

namespace parquet {
class FileMetaData;
}  // namespace parquet

namespace firn::parquet {

// `nan_counts` is [row group][leaf]; only those of float and double leaves count. May
// throw Parquet's exceptions.
FileReport MakeFileReport(const ::parquet::FileMetaData& metadata,
                          const std::vector<std::vector<std::int64_t>>& nan_counts,
                          std::int64_t size_bytes);

}  // namespace firn::parquet

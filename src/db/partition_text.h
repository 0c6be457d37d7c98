// SPDX-License-Identifier: Apache-2.0
// partition_text.h: what a partition of a table is called, whatever became of its
// columns.
//
// Pure.
#pragma once

#include <string>

#include "iceberg/partition_spec.h"
#include "iceberg/table_metadata.h"

namespace firn::db {

// As iceberg::PartitionPath calls it. The source of an older spec's field may be dropped
// since: its type is then that of an older schema that had it, and where the metadata has
// none of those any more, the value is told as the manifest has it (days since 1970 for a
// date). REQUIRES: values.size() == spec.fields.size().
std::string PartitionText(const iceberg::TableMetadata& metadata,
                          const iceberg::PartitionSpec& spec,
                          const iceberg::PartitionValues& values);

}  // namespace firn::db

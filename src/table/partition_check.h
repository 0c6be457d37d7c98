// SPDX-License-Identifier: Apache-2.0
// partition_check.h: rows that no partition of a table's spec can have.
//
// The truncation of a number near the least of its type is none of the type: Iceberg's
// Java library lets an int wrap around to the greatest, and readers that prune by such a
// partition lose the row. So the row is refused, as the value of a decimal is that would
// need a digit more.
#pragma once

#include <vector>

#include "firn/status.h"
#include "iceberg/partition_spec.h"
#include "iceberg/schema.h"
#include "table/batch_validator.h"
#include "table/transform_batch.h"

namespace arrow {
class MemoryPool;
}  // namespace arrow

namespace firn::table {

// Immutable, thread-safe.
class PartitionCheck {
 public:
  // InvalidArgument for a spec that cannot be written.
  static Result<PartitionCheck> Make(const iceberg::PartitionSpec& spec,
                                     const iceberg::Schema& schema);

  // Mark those rows of a batch as invalid. Errors are those of allocation.
  Status Mark(CheckedBatch& batch, arrow::MemoryPool* pool) const;

 private:
  struct Truncated {
    SourceColumn source;
    std::string column;
    std::int32_t width;
  };
  std::vector<Truncated> fields_;
};

}  // namespace firn::table

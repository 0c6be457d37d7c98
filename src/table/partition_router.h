// SPDX-License-Identifier: Apache-2.0
// partition_router.h: which rows of a batch belong to which partition.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "firn/status.h"
#include "iceberg/partition_spec.h"
#include "table/row_key.h"

namespace firn::table {

// Rows of one partition that lie together.
struct PartitionRows {
  std::string key;  // RowKeyEncoder's, of the spec's fields.
  std::int64_t begin = 0;
  std::int64_t end = 0;  // Not included.
  iceberg::PartitionValues values;
};

// A batch and its rows by partition. A partition comes more than once where its rows lie
// in long stretches: that is cheaper than to move them.
struct RoutedBatch {
  std::shared_ptr<arrow::RecordBatch> rows;  // The batch itself, or its rows regrouped.
  std::vector<PartitionRows> partitions;     // In order of `begin`, covering all rows.
};

// Immutable, thread-safe.
class PartitionRouter {
 public:
  // InvalidArgument or Unimplemented for a spec that cannot be written.
  static Result<PartitionRouter> Make(const iceberg::PartitionSpec& spec,
                                      const iceberg::Schema& schema);

  // REQUIRES: the batch has the Arrow schema of the table. Nothing is copied where every
  // partition's rows lie together; otherwise each row is, once, into `pool`. The order of
  // the rows of a partition is kept.
  Result<RoutedBatch> Route(std::shared_ptr<arrow::RecordBatch> batch,
                            arrow::MemoryPool* pool) const;

 private:
  explicit PartitionRouter(std::vector<KeyField> fields) : encoder_(std::move(fields)) {}
  RowKeyEncoder encoder_;
};

}  // namespace firn::table

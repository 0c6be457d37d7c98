// SPDX-License-Identifier: Apache-2.0
// transform_batch.h: partition and sort transforms of whole columns.
//
// Value for value the same as iceberg::ApplyTransform, without a Value for each. Pure
// functions over Arrow data; errors are those of allocation (ResourceExhausted).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "firn/status.h"
#include "iceberg/schema.h"
#include "iceberg/transform.h"

namespace arrow {
class Array;
class MemoryPool;
class RecordBatch;
}  // namespace arrow

namespace firn::table {

// Where a primitive column lies in batches of a table's Arrow schema.
struct SourceColumn {
  std::vector<int> path;  // Of the top-level column, then of a field in each struct.
  iceberg::PrimitiveType type;
};

// InvalidArgument where the schema has no primitive field of that id outside lists and
// maps.
Result<SourceColumn> FindSource(const iceberg::Schema& schema, iceberg::FieldId id);

// The column, with the NULLs of the structs around it.
// REQUIRES: the batch has the Arrow schema of the schema that `source` was found in.
Result<std::shared_ptr<arrow::Array>> ReadSource(const SourceColumn& source,
                                                 const arrow::RecordBatch& batch,
                                                 arrow::MemoryPool* pool);

// The transform of each value, in the Arrow type of its result: the column itself for
// identity. A bucket, year, month, hour or day takes one new buffer.
// REQUIRES: ResultType(transform, source) is OK and `column` has the Arrow type that
// ToArrowSchema gives `source`.
Result<std::shared_ptr<arrow::Array>> TransformColumn(
    const iceberg::Transform& transform, const iceberg::PrimitiveType& source,
    const std::shared_ptr<arrow::Array>& column, arrow::MemoryPool* pool);

// One value of a column that has the Arrow type of `type`.
iceberg::OptionalValue ValueAt(const arrow::Array& column, std::int64_t row,
                               const iceberg::PrimitiveType& type);

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
// row_key.h: rows as bytes that compare as the rows are to be ordered.
//
// A key is the cells of its fields one after another, each
//
//   00           NULL, nulls first          02   NULL, nulls last
//   01 value     a value; of a descending field every bit of it is inverted
//
// Integers, dates and times are big-endian with the sign bit inverted; numbers with a
// fraction are ordered -NaN, -infinity, …, -0.0, 0.0, …, infinity, NaN, as the
// specification has it; text and bytes end in 00 00, and a 00 within is 00 ff. So memcmp
// orders keys, and equal keys are equal rows as far as the fields go. Keys are never
// stored in a table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firn/status.h"
#include "iceberg/partition_spec.h"
#include "iceberg/sort_order.h"
#include "table/transform_batch.h"

namespace arrow {
class Array;
class BinaryArray;
class MemoryPool;
class RecordBatch;
}  // namespace arrow

namespace firn::table {

struct KeyField {
  std::optional<SourceColumn> source;  // Absent: always NULL.
  iceberg::Transform transform;
  iceberg::PrimitiveType result;
  bool descending = false;
  bool nulls_last = false;
  bool one_nan = false;  // Every NaN is the same, as a partition's value is.
};

// A void transform needs no source. InvalidArgument or Unimplemented otherwise, naming
// the field.
Result<std::vector<KeyField>> PartitionKeyFields(const iceberg::PartitionSpec& spec,
                                                 const iceberg::Schema& schema);
Result<std::vector<KeyField>> SortKeyFields(const iceberg::SortOrder& order,
                                            const iceberg::Schema& schema);

// Immutable, thread-safe.
class RowKeyEncoder {
 public:
  explicit RowKeyEncoder(std::vector<KeyField> fields) : fields_(std::move(fields)) {}

  const std::vector<KeyField>& fields() const { return fields_; }
  // What the fields' transforms make of a batch, a column each.
  Result<std::vector<std::shared_ptr<arrow::Array>>> Columns(
      const arrow::RecordBatch& batch, arrow::MemoryPool* pool) const;
  // Append the key of one row, given Columns() of its batch; or one field's cell of it.
  void AppendKey(const std::vector<std::shared_ptr<arrow::Array>>& columns,
                 std::int64_t row, std::string* key) const;
  void AppendCell(const KeyField& field, const arrow::Array& column, std::int64_t row,
                  std::string* key) const;
  // The key of each row.
  Result<std::shared_ptr<arrow::BinaryArray>> Encode(const arrow::RecordBatch& batch,
                                                     arrow::MemoryPool* pool) const;

 private:
  std::vector<KeyField> fields_;
};

}  // namespace firn::table

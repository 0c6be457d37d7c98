// SPDX-License-Identifier: Apache-2.0
// batch_validator.h: batches as a table's fixed schema wants them, or what is wrong.
//
// Columns are found by name, in any order; a narrower type is widened, text in any of
// Arrow's forms becomes plain text, a missing optional column becomes NULL. Nothing is
// inferred. Values are looked at only where the type does not vouch for them: NULL in
// what is required, UTF-8, times of day, decimals, lengths of fixed values, timestamps
// that were counted in larger units, dates counted in milliseconds, unsigned numbers of
// 64 bits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firn/status.h"
#include "iceberg/schema.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::table {

struct InvalidRow {
  std::int64_t row = 0;  // Of the batch.
  std::string column;    // `labels.key`
  std::string reason;    // With the value, where there is one.
  bool operator==(const InvalidRow&) const = default;

  std::string ToString() const {
    return "column " + column + ", row " + std::to_string(row) + ": " + reason;
  }
};

struct CheckedBatch {
  // In the table's Arrow schema. What is wrong in an invalid row may be NULL here.
  std::shared_ptr<arrow::RecordBatch> rows;
  std::vector<InvalidRow> invalid;  // By row, the first fault of each.

  // Ask `judge` of each row that is valid so far, in their order: what is wrong with it,
  // or nothing. What was wrong before stays what is said of a row.
  Status MarkInvalid(
      const std::function<Result<std::optional<InvalidRow>>(std::int64_t row)>& judge);
};

// Immutable, thread-safe.
class BatchValidator {
 public:
  static Result<BatchValidator> Make(const iceberg::Schema& schema);

  const std::shared_ptr<arrow::Schema>& schema() const { return arrow_schema_; }

  // InvalidArgument, naming the column, for what is wrong with the batch as a whole: an
  // unknown column, a required one that is missing, a type that does not go into the
  // table's. A column that needs no change is not copied.
  Result<CheckedBatch> Check(const arrow::RecordBatch& batch,
                             arrow::MemoryPool* pool) const;

 private:
  BatchValidator(iceberg::Schema schema, std::shared_ptr<arrow::Schema> arrow_schema)
      : schema_(std::move(schema)), arrow_schema_(std::move(arrow_schema)) {}

  iceberg::Schema schema_;
  std::shared_ptr<arrow::Schema> arrow_schema_;
};

}  // namespace firn::table

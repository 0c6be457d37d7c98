// SPDX-License-Identifier: Apache-2.0
// column_conform.h: one column as a table's type wants it. Internal to BatchValidator.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "firn/status.h"
#include "iceberg/type.h"

namespace arrow {
class Array;
class DataType;
class ListArray;
class MemoryPool;
}  // namespace arrow

namespace firn::table {

// From an index into the values of a nested column to the row of the batch.
// Thread-compatible; what it points to must outlive it.
class RowPath {
 public:
  RowPath() = default;  // The index is the row.
  // The index is that of a struct or list (or map) `parent`, itself found by `outer`.
  RowPath(const RowPath* outer, const arrow::Array* parent, const arrow::ListArray* list)
      : outer_(outer), parent_(parent), list_(list) {}
  // Absent where the value lies under a NULL, or in no list: it is not part of any row.
  std::optional<std::int64_t> RowOf(std::int64_t index) const;

 private:
  const RowPath* outer_ = nullptr;
  const arrow::Array* parent_ = nullptr;
  const arrow::ListArray* list_ = nullptr;  // Null: a struct.
};

// The first fault of each row: column and reason.
using RowFaults = std::map<std::int64_t, std::pair<std::string, std::string>>;

struct ConformTarget {
  const iceberg::Type& type;
  std::shared_ptr<arrow::DataType> arrow_type;  // ToArrowSchema's, of `type`.
  bool required = false;
  std::string path;  // For errors.
};

// `column` in the target's type. InvalidArgument where its type does not go there; what
// is wrong with single values is added to `faults`.
Result<std::shared_ptr<arrow::Array>> ConformColumn(
    const ConformTarget& target, const std::shared_ptr<arrow::Array>& column,
    const RowPath& rows, arrow::MemoryPool* pool, RowFaults* faults);

// NULL in all rows of a column that is not there. Required fields inside of its structs
// are not NULL, as writers want them, and mean nothing.
Result<std::shared_ptr<arrow::Array>> NullColumn(
    const std::shared_ptr<arrow::DataType>& type, std::int64_t rows,
    arrow::MemoryPool* pool);

// A primitive one. REQUIRES: target.type is primitive, and `column` neither coded by a
// dictionary nor of an extension type.
Result<std::shared_ptr<arrow::Array>> ConformPrimitive(
    const ConformTarget& target, const std::shared_ptr<arrow::Array>& column,
    const RowPath& rows, arrow::MemoryPool* pool, RowFaults* faults);

// Note what is wrong with the value at `index`, unless it is part of no row.
void AddFault(const RowPath& rows, std::int64_t index, const std::string& path,
              std::string reason, RowFaults* faults);
// `the value "…"`, shortened.
std::string ValueText(const arrow::Array& column, std::int64_t index);
Status WrongType(const ConformTarget& target, const arrow::DataType& type);

}  // namespace firn::table

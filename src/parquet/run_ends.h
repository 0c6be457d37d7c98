// SPDX-License-Identifier: Apache-2.0
// run_ends.h: Arrow's run-end encoded columns, as this room takes them.
//
// Such a column has a value for each run of rows and the row at which each run ends. A
// slice of it keeps both arrays and says where it begins.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "arrow/array/array_primitive.h"
#include "arrow/array/array_run_end.h"
#include "arrow/array/builder_base.h"
#include "arrow/array/data.h"
#include "arrow/type.h"

#include "firn/status.h"
#include "parquet/wall.h"

namespace firn::parquet {

inline bool IsRunEnded(const arrow::DataType& type) {
  return type.id() == arrow::Type::RUN_END_ENCODED;
}

// REQUIRES: IsRunEnded(type).
inline const std::shared_ptr<arrow::DataType>& RunValueType(const arrow::DataType& type) {
  return static_cast<const arrow::RunEndEncodedType&>(type).value_type();
}

// The schema with columns as they are stored: runs spelled out.
inline std::shared_ptr<arrow::Schema> SpelledOut(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) {
    fields.push_back(IsRunEnded(*field->type())
                         ? field->WithType(RunValueType(*field->type()))
                         : field);
  }
  return arrow::schema(std::move(fields), schema.metadata());
}

// Calls visit(values, i, rows) for each run: `rows` rows of the slice hold values[i].
// REQUIRES: run ends are int32.
template <typename Visit>
Status VisitRuns(const arrow::RunEndEncodedArray& array, Visit visit) {
  const auto& ends = static_cast<const arrow::Int32Array&>(*array.run_ends());
  const std::int64_t end = array.offset() + array.length();
  std::int64_t row = array.offset();
  for (std::int64_t i = array.FindPhysicalOffset(); row < end; ++i) {
    const std::int64_t run_end = std::min<std::int64_t>(ends.Value(i), end);
    FIRN_RETURN_IF_ERROR(visit(*array.values(), i, run_end - row));
    row = run_end;
  }
  return Status::OK();
}

// The array with its runs spelled out.
inline arrow::Result<std::shared_ptr<arrow::Array>> SpellOut(
    const arrow::RunEndEncodedArray& array, arrow::MemoryPool* pool) {
  ARROW_ASSIGN_OR_RAISE(const auto builder,
                        arrow::MakeBuilder(RunValueType(*array.type()), pool));
  ARROW_RETURN_NOT_OK(builder->Reserve(array.length()));
  const Status status = VisitRuns(
      array, [&](const arrow::Array& values, std::int64_t i, std::int64_t rows) {
        arrow::Status appended;
        const arrow::ArraySpan span(*values.data());
        for (std::int64_t row = 0; row < rows && appended.ok(); ++row) {
          appended = builder->AppendArraySlice(span, i, 1);
        }
        return FromArrow(appended);
      });
  if (!status.ok()) return ToArrow(status);
  return builder->Finish();
}

}  // namespace firn::parquet

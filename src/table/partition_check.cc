// SPDX-License-Identifier: Apache-2.0
#include "table/partition_check.h"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "iceberg/value.h"

namespace firn::table {
namespace {

using iceberg::PrimitiveKind;
using iceberg::PrimitiveType;
__extension__ typedef __int128 Int128;

bool IsWhole(PrimitiveKind kind) {
  return kind == PrimitiveKind::kInt || kind == PrimitiveKind::kLong ||
         kind == PrimitiveKind::kDecimal;
}

// The value as it counts, and the least of the type.
std::pair<Int128, Int128> Unscaled(const iceberg::Value& value,
                                   const PrimitiveType& type) {
  if (const auto* v = std::get_if<std::int32_t>(&value)) {
    return {*v, std::numeric_limits<std::int32_t>::min()};
  }
  if (const auto* v = std::get_if<std::int64_t>(&value)) {
    return {*v, std::numeric_limits<std::int64_t>::min()};
  }
  Int128 bound = 1;
  for (int digit = 0; digit < type.precision; ++digit) bound *= 10;
  return {std::get<iceberg::Decimal>(value).unscaled, 1 - bound};
}

}  // namespace

Result<PartitionCheck> PartitionCheck::Make(const iceberg::PartitionSpec& spec,
                                            const iceberg::Schema& schema) {
  PartitionCheck check;
  for (const iceberg::PartitionField& field : spec.fields) {
    if (field.transform.kind != iceberg::TransformKind::kTruncate) continue;
    FIRN_ASSIGN_OR_RETURN(SourceColumn source, FindSource(schema, field.source_id));
    if (!IsWhole(source.type.kind)) continue;
    check.fields_.push_back(
        {std::move(source), schema.FindName(field.source_id), field.transform.parameter});
  }
  return check;
}

Status PartitionCheck::Mark(CheckedBatch& batch, arrow::MemoryPool* pool) const {
  for (const Truncated& field : fields_) {
    const PrimitiveType& type = field.source.type;
    FIRN_ASSIGN_OR_RETURN(const auto column, ReadSource(field.source, *batch.rows, pool));
    const auto judge = [&](std::int64_t row) -> Result<std::optional<InvalidRow>> {
      const iceberg::OptionalValue value = ValueAt(*column, row, type);
      if (!value.has_value()) return std::nullopt;
      const auto [number, least] = Unscaled(*value, type);
      if (number - (number % field.width + field.width) % field.width >= least) {
        return std::nullopt;
      }
      return InvalidRow{row, field.column,
                        iceberg::ValueToString(*value, type) +
                            " has no partition: truncated to a multiple of " +
                            std::to_string(field.width) + " it is no " +
                            iceberg::ToString(type)};
    };
    FIRN_RETURN_IF_ERROR(batch.MarkInvalid(judge));
  }
  return Status::OK();
}

}  // namespace firn::table

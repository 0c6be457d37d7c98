// SPDX-License-Identifier: Apache-2.0
#include "table/type_widening.h"

#include <arrow/array/array_base.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

namespace firn::table {
namespace {

using arrow::DataType;
using arrow::Type;

bool IsWideningInteger(const DataType& from, const DataType& to) {
  if (!arrow::is_integer(from.id()) || !arrow::is_integer(to.id())) return false;
  if (arrow::bit_width(from.id()) >= arrow::bit_width(to.id())) return false;
  return arrow::is_signed_integer(to.id()) || !arrow::is_signed_integer(from.id());
}

bool IsWideningDecimal(const DataType& from, const DataType& to) {
  if (!arrow::is_decimal(from.id()) || !arrow::is_decimal(to.id())) return false;
  const auto& narrow = static_cast<const arrow::DecimalType&>(from);
  const auto& wide = static_cast<const arrow::DecimalType&>(to);
  return narrow.scale() == wide.scale() && narrow.precision() <= wide.precision();
}

}  // namespace

bool IsNarrower(const DataType& narrow, const DataType& wide) {
  if (narrow.Equals(wide)) return false;
  switch (narrow.id()) {
    case Type::NA:
      return true;
    case Type::HALF_FLOAT:
      return wide.id() == Type::FLOAT || wide.id() == Type::DOUBLE;
    case Type::FLOAT:
      return wide.id() == Type::DOUBLE;
    case Type::STRING:
    case Type::STRING_VIEW:
      return wide.id() == Type::LARGE_STRING;
    case Type::BINARY:
    case Type::BINARY_VIEW:
      return wide.id() == Type::LARGE_BINARY;
    default:
      return IsWideningInteger(narrow, wide) || IsWideningDecimal(narrow, wide);
  }
}

std::shared_ptr<DataType> CommonType(const std::shared_ptr<DataType>& a,
                                     const std::shared_ptr<DataType>& b) {
  if (a->Equals(*b) || IsNarrower(*b, *a)) return a;
  if (IsNarrower(*a, *b)) return b;
  return nullptr;
}

Result<std::shared_ptr<arrow::Array>> Widen(const std::shared_ptr<arrow::Array>& array,
                                            const std::shared_ptr<DataType>& type,
                                            arrow::MemoryPool* pool) {
  arrow::compute::ExecContext context(pool);
  auto wide =
      arrow::compute::Cast(*array, type, arrow::compute::CastOptions::Safe(), &context);
  if (wide.ok()) return *std::move(wide);
  const std::string what =
      "widen " + array->type()->ToString() + " to " + type->ToString() + ": ";
  return wide.status().IsOutOfMemory()
             ? Status::ResourceExhausted(what + wide.status().message())
             : Status::Internal(what + wide.status().ToString());
}

}  // namespace firn::table

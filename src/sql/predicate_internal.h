// SPDX-License-Identifier: Apache-2.0
// predicate_internal.h: DuckDB's table filters as firn predicates, for pruning.
//
// A translation may select more rows than the filter, never fewer: DuckDB's own code
// applies the filter to every row afterwards. So whatever is not understood (an arbitrary
// expression, a Bloom filter, a bound that moves while the query runs) becomes "no
// condition", a null predicate. The rules by construct:
//
//   AND    the conjuncts that are understood
//   OR     nothing, unless every alternative is understood
//   IN     nothing, unless every value is
//   optional filter   as its child: DuckDB adds it only where a row that fails the child
//                     cannot be in the result, as with the keys of a join's other side
//
// DuckDB's and firn's comparisons agree (expr/predicate.h): NaN is above every other
// number and equal to itself, and a comparison with NULL is not true.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrow/type.h"
#include "duckdb.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/expression/bound_function_expression.hpp"
#include "duckdb/planner/expression/bound_operator_expression.hpp"
#include "duckdb/planner/filter/conjunction_filter.hpp"
#include "duckdb/planner/filter/constant_filter.hpp"
#include "duckdb/planner/filter/expression_filter.hpp"
#include "duckdb/planner/filter/in_filter.hpp"
#include "duckdb/planner/filter/optional_filter.hpp"

#include "expr/number.h"
#include "expr/predicate.h"

namespace firn::sql {

inline expr::Int128 Int128Of(duckdb::hugeint_t value) {
  return static_cast<expr::Int128>(
      expr::Uint128{static_cast<std::uint64_t>(value.upper)} << 64 | value.lower);
}

inline std::optional<expr::Literal> DecimalOf(const duckdb::Value& value) {
  if (value.type().id() != duckdb::LogicalTypeId::DECIMAL) return std::nullopt;
  expr::Decimal decimal{0, duckdb::DecimalType::GetScale(value.type())};
  switch (value.type().InternalType()) {
    case duckdb::PhysicalType::INT16:
      decimal.unscaled = value.GetValueUnsafe<std::int16_t>();
      break;
    case duckdb::PhysicalType::INT32:
      decimal.unscaled = value.GetValueUnsafe<std::int32_t>();
      break;
    case duckdb::PhysicalType::INT64:
      decimal.unscaled = value.GetValueUnsafe<std::int64_t>();
      break;
    case duckdb::PhysicalType::INT128:
      decimal.unscaled = Int128Of(value.GetValueUnsafe<duckdb::hugeint_t>());
      break;
    default:
      return std::nullopt;
  }
  return expr::Literal(decimal);
}

// A point in time to compare with a column of `unit`. DuckDB keeps the unit of a column
// without a time zone, as which it sees one of nanoseconds (nanosecond_internal.h), and
// makes microseconds of any other.
inline std::optional<expr::Literal> TimestampOf(const duckdb::Value& value,
                                                arrow::TimeUnit::type unit) {
  using duckdb::LogicalTypeId;
  std::int64_t us = 0;
  switch (value.type().id()) {
    case LogicalTypeId::TIMESTAMP_TZ:
      if (unit == arrow::TimeUnit::NANO) return std::nullopt;
      us = duckdb::TimestampTZValue::Get(value).value;
      break;
    case LogicalTypeId::TIMESTAMP:
      if (unit != arrow::TimeUnit::MICRO) return std::nullopt;
      us = duckdb::TimestampValue::Get(value).value;
      break;
    case LogicalTypeId::TIMESTAMP_SEC:
      if (unit != arrow::TimeUnit::SECOND ||
          __builtin_mul_overflow(duckdb::TimestampSValue::Get(value).value, 1'000'000,
                                 &us)) {
        return std::nullopt;
      }
      break;
    case LogicalTypeId::TIMESTAMP_MS:
      if (unit != arrow::TimeUnit::MILLI ||
          __builtin_mul_overflow(duckdb::TimestampMSValue::Get(value).value, 1000, &us)) {
        return std::nullopt;
      }
      break;
    case LogicalTypeId::TIMESTAMP_NS: {
      if (unit != arrow::TimeUnit::NANO) return std::nullopt;
      const std::int64_t ns = duckdb::TimestampNSValue::Get(value).value;
      // Towards the past, without leaving the range: DuckDB's -infinity is at its end.
      const std::int64_t rest = (ns % 1000 + 1000) % 1000;
      return expr::Literal(expr::Timestamp{ns / 1000 - (ns % 1000 < 0 ? 1 : 0),
                                           static_cast<std::int16_t>(rest)});
    }
    default:
      return std::nullopt;
  }
  return expr::Literal(expr::Timestamp{us});
}

// `value` as a literal that may be compared with a column of type `type`, or nothing
// where firn's comparison could differ from DuckDB's.
inline std::optional<expr::Literal> LiteralOf(const duckdb::Value& value,
                                              const arrow::DataType& type) {
  if (value.IsNull()) return std::nullopt;
  switch (type.id()) {
    case arrow::Type::DICTIONARY:
      return LiteralOf(value,
                       *static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::BOOL:
      if (value.type().id() != duckdb::LogicalTypeId::BOOLEAN) return std::nullopt;
      return expr::Literal(duckdb::BooleanValue::Get(value));
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::UINT64: {
      if (!value.type().IsIntegral()) return std::nullopt;
      duckdb::Value wide;
      std::string ignored;
      if (!value.DefaultTryCastAs(duckdb::LogicalType::HUGEINT, wide, &ignored)) {
        return std::nullopt;
      }
      const expr::Int128 number = Int128Of(duckdb::HugeIntValue::Get(wide));
      const auto narrow = static_cast<std::int64_t>(number);
      if (narrow == number) return expr::Literal(narrow);
      return expr::Literal(expr::Decimal{number, 0});
    }
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
      return DecimalOf(value);
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
      if (value.type().id() != duckdb::LogicalTypeId::FLOAT) return std::nullopt;
      return expr::Literal(static_cast<double>(duckdb::FloatValue::Get(value)));
    case arrow::Type::DOUBLE:
      if (value.type().id() != duckdb::LogicalTypeId::DOUBLE) return std::nullopt;
      return expr::Literal(duckdb::DoubleValue::Get(value));
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      if (value.type().id() != duckdb::LogicalTypeId::VARCHAR) return std::nullopt;
      return expr::Literal(duckdb::StringValue::Get(value));
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      if (value.type().id() != duckdb::LogicalTypeId::BLOB) return std::nullopt;
      return expr::Literal(expr::Binary{duckdb::StringValue::Get(value)});
    case arrow::Type::DATE32:
      if (value.type().id() != duckdb::LogicalTypeId::DATE) return std::nullopt;
      return expr::Literal(expr::Date{duckdb::DateValue::Get(value).days});
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      if (static_cast<const arrow::TimeType&>(type).unit() == arrow::TimeUnit::NANO ||
          value.type().id() != duckdb::LogicalTypeId::TIME) {
        return std::nullopt;  // Nanoseconds are rounded for DuckDB.
      }
      return expr::Literal(expr::TimeOfDay{duckdb::TimeValue::Get(value).micros * 1000});
    case arrow::Type::TIMESTAMP:
      return TimestampOf(value, static_cast<const arrow::TimestampType&>(type).unit());
    default:
      return std::nullopt;
  }
}

inline expr::PredicatePtr CompareOf(const duckdb::ConstantFilter& filter,
                                    const std::string& column,
                                    const arrow::DataType& type) {
  using duckdb::ExpressionType;
  expr::CompareOp op;
  switch (filter.comparison_type) {
    case ExpressionType::COMPARE_EQUAL:
      op = expr::CompareOp::kEq;
      break;
    case ExpressionType::COMPARE_NOTEQUAL:
      op = expr::CompareOp::kNotEq;
      break;
    case ExpressionType::COMPARE_LESSTHAN:
      op = expr::CompareOp::kLt;
      break;
    case ExpressionType::COMPARE_LESSTHANOREQUALTO:
      op = expr::CompareOp::kLtEq;
      break;
    case ExpressionType::COMPARE_GREATERTHAN:
      op = expr::CompareOp::kGt;
      break;
    case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
      op = expr::CompareOp::kGtEq;
      break;
    default:
      return nullptr;
  }
  std::optional<expr::Literal> literal = LiteralOf(filter.constant, type);
  if (!literal) return nullptr;
  return expr::MakePredicate(expr::Compare{column, op, std::move(*literal)});
}

inline expr::PredicatePtr InOf(const duckdb::InFilter& filter, const std::string& column,
                               const arrow::DataType& type) {
  expr::In in{column, {}};
  for (const duckdb::Value& value : filter.values) {
    if (value.IsNull()) continue;  // Equal to nothing.
    std::optional<expr::Literal> literal = LiteralOf(value, type);
    if (!literal) return nullptr;
    in.literals.push_back(std::move(*literal));
  }
  if (in.literals.empty()) return nullptr;
  return expr::MakePredicate(std::move(in));
}

// The shapes of expressions that are understood, over a column: `column IS NULL`, and
// prefix(column, constant), which DuckDB also makes of some LIKEs. `column` is how the
// expression refers to it: by binding while it is planned, by position in a filter.
inline bool IsNullTest(const duckdb::Expression& expression,
                       duckdb::ExpressionClass column) {
  if (expression.GetExpressionType() != duckdb::ExpressionType::OPERATOR_IS_NULL) {
    return false;
  }
  const auto& children = expression.Cast<duckdb::BoundOperatorExpression>().children;
  return children.size() == 1 && children[0]->GetExpressionClass() == column;
}

inline bool IsPrefixTest(const duckdb::Expression& expression,
                         duckdb::ExpressionClass column) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_FUNCTION) {
    return false;
  }
  const auto& call = expression.Cast<duckdb::BoundFunctionExpression>();
  const std::string& name = call.function.name;
  if (name != "prefix" && name != "starts_with" && name != "^@") return false;
  return call.children.size() == 2 && call.children[0]->GetExpressionClass() == column &&
         call.children[1]->GetExpressionClass() ==
             duckdb::ExpressionClass::BOUND_CONSTANT;
}

inline expr::PredicatePtr ExpressionOf(const duckdb::ExpressionFilter& filter,
                                       const std::string& column,
                                       const arrow::DataType& type) {
  if (IsNullTest(*filter.expr, duckdb::ExpressionClass::BOUND_REF)) {
    return expr::MakePredicate(expr::IsNull{column});
  }
  if (!IsPrefixTest(*filter.expr, duckdb::ExpressionClass::BOUND_REF)) return nullptr;
  const auto& call = filter.expr->Cast<duckdb::BoundFunctionExpression>();
  const auto& prefix = call.children[1]->Cast<duckdb::BoundConstantExpression>();
  const std::optional<expr::Literal> literal = LiteralOf(prefix.value, type);
  if (!literal || !std::holds_alternative<std::string>(*literal)) return nullptr;
  return expr::MakePredicate(expr::StartsWith{column, std::get<std::string>(*literal)});
}

// The condition that `filter` on `column` implies, or null. `type` is the column's.
inline expr::PredicatePtr PredicateOf(const duckdb::TableFilter& filter,
                                      const std::string& column,
                                      const arrow::DataType& type) {
  using duckdb::TableFilterType;
  switch (filter.filter_type) {
    case TableFilterType::CONSTANT_COMPARISON:
      return CompareOf(filter.Cast<duckdb::ConstantFilter>(), column, type);
    case TableFilterType::IN_FILTER:
      return InOf(filter.Cast<duckdb::InFilter>(), column, type);
    case TableFilterType::IS_NULL:
      return expr::MakePredicate(expr::IsNull{column});
    case TableFilterType::IS_NOT_NULL:
      return expr::MakePredicate(expr::IsNotNull{column});
    case TableFilterType::EXPRESSION_FILTER:
      return ExpressionOf(filter.Cast<duckdb::ExpressionFilter>(), column, type);
    case TableFilterType::OPTIONAL_FILTER: {
      const auto& child = filter.Cast<duckdb::OptionalFilter>().child_filter;
      return child ? PredicateOf(*child, column, type) : nullptr;
    }
    case TableFilterType::CONJUNCTION_AND: {
      expr::PredicatePtr all;
      for (const auto& child :
           filter.Cast<duckdb::ConjunctionAndFilter>().child_filters) {
        all = expr::Conjoin(std::move(all), PredicateOf(*child, column, type));
      }
      return all;
    }
    case TableFilterType::CONJUNCTION_OR: {
      expr::Or any;
      for (const auto& child : filter.Cast<duckdb::ConjunctionOrFilter>().child_filters) {
        expr::PredicatePtr operand = PredicateOf(*child, column, type);
        if (!operand) return nullptr;
        any.operands.push_back(std::move(operand));
      }
      if (any.operands.empty()) return nullptr;
      return expr::MakePredicate(std::move(any));
    }
    default:
      return nullptr;
  }
}

}  // namespace firn::sql

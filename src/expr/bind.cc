// SPDX-License-Identifier: Apache-2.0
#include "expr/bind.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arrow/extension_type.h"
#include "arrow/type.h"
#include "arrow/util/float16.h"

#include "base/nearest_word.h"
#include "expr/civil_text.h"
#include "expr/column_path.h"
#include "expr/column_text.h"
#include "expr/filter_text.h"
#include "expr/key_range.h"
#include "expr/literal.h"
#include "expr/number.h"

namespace firn::expr {
namespace {

constexpr std::int64_t kUsPerDay = 86'400'000'000;
constexpr int kUuidBytes = 16;

using TypePtr = std::shared_ptr<arrow::DataType>;

// The type of a column's values, or null where there is no such column.
TypePtr FindType(const arrow::Schema& schema, const std::string& column) {
  TypePtr type;
  for (const int index : FindColumnPath(schema.fields(), column)) {
    type = (type == nullptr ? schema.field(index) : type->field(index))->type();
  }
  return type;
}

// How a filter may name the fields and those of the structs among them.
void NameColumns(const arrow::FieldVector& fields, const std::string& outer,
                 std::vector<std::string>* names) {
  for (const auto& field : fields) {
    names->push_back(outer + field->name());
    if (field->type()->id() != arrow::Type::STRUCT) continue;
    NameColumns(field->type()->fields(), names->back() + ".", names);
  }
}

// `; did you mean host?`, or "" where no column's name is near.
std::string NearestColumn(const arrow::Schema& schema, const std::string& column) {
  std::vector<std::string> names;
  NameColumns(schema.fields(), "", &names);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view nearest = base::NearestWord(column, views);
  return nearest.empty() ? "" : "; did you mean " + ColumnText(nearest) + "?";
}

TypePtr ValueTypeOf(TypePtr type) {
  while (true) {
    if (type->id() == arrow::Type::DICTIONARY) {
      type = static_cast<const arrow::DictionaryType&>(*type).value_type();
    } else if (type->id() == arrow::Type::EXTENSION) {
      type = static_cast<const arrow::ExtensionType&>(*type).storage_type();
    } else {
      return type;
    }
  }
}

bool IsNumber(const Literal& literal) {
  return std::holds_alternative<std::int64_t>(literal) ||
         std::holds_alternative<double>(literal) ||
         std::holds_alternative<Decimal>(literal);
}

template <typename T>
std::optional<Literal> AsLiteral(std::optional<T> value) {
  if (!value.has_value()) return std::nullopt;
  return Literal(*std::move(value));
}

// The number that `text` is, written without an exponent.
std::optional<Literal> NumberOfText(const std::string& text) {
  // Everything else that the grammar has starts or goes on otherwise.
  if (text.find_first_not_of("0123456789.-+") != std::string::npos) return std::nullopt;
  const auto parsed = ParseFilter("c = " + text);
  if (!parsed.ok()) return std::nullopt;
  const auto* compare = std::get_if<Compare>(&(*parsed)->node());
  if (compare == nullptr || !IsNumber(compare->literal)) return std::nullopt;
  return compare->literal;
}

std::optional<Literal> TextAs(const std::string& text, const ValueMeaning& meaning,
                              const arrow::DataType& type) {
  switch (meaning.family) {
    case ValueFamily::kText:
      return Literal(text);
    case ValueFamily::kDecimal:
    case ValueFamily::kWideDecimal:
      return NumberOfText(text);
    case ValueFamily::kDate:
      return AsLiteral(ParseDate(text));
    case ValueFamily::kTime:
      return AsLiteral(ParseTime(text));
    case ValueFamily::kTimestamp:
      return AsLiteral(ParseTimestamp(text));
    case ValueFamily::kBytes:
      if (type.id() != arrow::Type::FIXED_SIZE_BINARY) return Literal(Binary{text});
      if (type.byte_width() != kUuidBytes) return std::nullopt;
      return AsLiteral(ParseUuid(text));
    default:
      return std::nullopt;
  }
}

Literal NearestReal(const Decimal& value, const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::HALF_FLOAT:
      return arrow::util::Float16::FromDouble(NearestDouble(value)).ToDouble();
    case arrow::Type::FLOAT:
      return double{NearestFloat(value)};
    default:
      return NearestDouble(value);
  }
}

// The literal as one that compares with values of the type, or nothing.
std::optional<Literal> LiteralAs(const Literal& literal, const arrow::DataType& type) {
  const ValueMeaning meaning = MeaningOf(type);
  if (meaning.family == ValueFamily::kNull) return literal;
  if (const auto* text = std::get_if<std::string>(&literal)) {
    return TextAs(*text, meaning, type);
  }
  switch (meaning.family) {
    case ValueFamily::kBool:
      if (std::holds_alternative<bool>(literal)) return literal;
      return std::nullopt;
    case ValueFamily::kReal:
      if (const auto* decimal = std::get_if<Decimal>(&literal)) {
        return NearestReal(*decimal, type);
      }
      [[fallthrough]];
    case ValueFamily::kInteger:
    case ValueFamily::kDecimal:
    case ValueFamily::kWideDecimal:
      if (IsNumber(literal)) return literal;
      return std::nullopt;
    case ValueFamily::kDate:
      if (std::holds_alternative<Date>(literal)) return literal;
      return std::nullopt;
    case ValueFamily::kTime:
      if (std::holds_alternative<TimeOfDay>(literal)) return literal;
      return std::nullopt;
    case ValueFamily::kTimestamp:
      if (std::holds_alternative<Timestamp>(literal)) return literal;
      if (const auto* date = std::get_if<Date>(&literal)) {
        std::int64_t us = 0;
        if (__builtin_mul_overflow(std::int64_t{date->days}, kUsPerDay, &us)) {
          return std::nullopt;
        }
        return Literal(Timestamp{us});
      }
      return std::nullopt;
    case ValueFamily::kBytes:
      if (std::holds_alternative<Binary>(literal)) return literal;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

class Binder {
 public:
  explicit Binder(const arrow::Schema& schema) : schema_(schema) {}

  Result<PredicatePtr> Visit(const PredicatePtr& predicate) const {
    return std::visit([&](const auto& node) { return Bind(predicate, node); },
                      predicate->node());
  }

 private:
  Result<TypePtr> TypeOf(const std::string& column) const {
    TypePtr type = FindType(schema_, column);
    if (type == nullptr) {
      return Status::InvalidArgument("filter: there is no column " + ColumnText(column) +
                                     NearestColumn(schema_, column));
    }
    return type;
  }

  Result<Literal> BindLiteral(const std::string& column, const TypePtr& type,
                              const Literal& literal) const {
    auto bound = LiteralAs(literal, *ValueTypeOf(type));
    if (bound.has_value()) return *std::move(bound);
    return Status::InvalidArgument("filter: column " + ColumnText(column) + " is " +
                                   type->ToString() + ", which " + ToString(literal) +
                                   " does not compare with");
  }

  // StartsWith and Like.
  Status CheckText(const std::string& column) const {
    FIRN_ASSIGN_OR_RETURN(const TypePtr type, TypeOf(column));
    const ValueFamily family = MeaningOf(*ValueTypeOf(type)).family;
    if (family == ValueFamily::kText || family == ValueFamily::kBytes ||
        family == ValueFamily::kNull) {
      return Status::OK();
    }
    return Status::InvalidArgument("filter: column " + ColumnText(column) + " is " +
                                   type->ToString() + ", which is no text");
  }

  Result<PredicatePtr> Bind(const PredicatePtr&, const Compare& node) const {
    FIRN_ASSIGN_OR_RETURN(const TypePtr type, TypeOf(node.column));
    FIRN_ASSIGN_OR_RETURN(Literal literal, BindLiteral(node.column, type, node.literal));
    return MakePredicate(Compare{node.column, node.op, std::move(literal)});
  }
  Result<PredicatePtr> Bind(const PredicatePtr&, const In& node) const {
    FIRN_ASSIGN_OR_RETURN(const TypePtr type, TypeOf(node.column));
    In bound{node.column, {}};
    for (const Literal& literal : node.literals) {
      FIRN_ASSIGN_OR_RETURN(bound.literals.emplace_back(),
                            BindLiteral(node.column, type, literal));
    }
    return MakePredicate(std::move(bound));
  }
  Result<PredicatePtr> Bind(const PredicatePtr& whole, const IsNull& node) const {
    FIRN_RETURN_IF_ERROR(TypeOf(node.column).status());
    return whole;
  }
  Result<PredicatePtr> Bind(const PredicatePtr& whole, const IsNotNull& node) const {
    FIRN_RETURN_IF_ERROR(TypeOf(node.column).status());
    return whole;
  }
  Result<PredicatePtr> Bind(const PredicatePtr& whole, const StartsWith& node) const {
    FIRN_RETURN_IF_ERROR(CheckText(node.column));
    return whole;
  }
  Result<PredicatePtr> Bind(const PredicatePtr& whole, const Like& node) const {
    FIRN_RETURN_IF_ERROR(CheckText(node.column));
    return whole;
  }
  Result<PredicatePtr> Bind(const PredicatePtr&, const And& node) const {
    And bound;
    FIRN_ASSIGN_OR_RETURN(bound.operands, BindAll(node.operands));
    return MakePredicate(std::move(bound));
  }
  Result<PredicatePtr> Bind(const PredicatePtr&, const Or& node) const {
    Or bound;
    FIRN_ASSIGN_OR_RETURN(bound.operands, BindAll(node.operands));
    return MakePredicate(std::move(bound));
  }
  Result<PredicatePtr> Bind(const PredicatePtr&, const Not& node) const {
    FIRN_ASSIGN_OR_RETURN(PredicatePtr operand, Visit(node.operand));
    return MakePredicate(Not{std::move(operand)});
  }
  Result<std::vector<PredicatePtr>> BindAll(
      const std::vector<PredicatePtr>& operands) const {
    std::vector<PredicatePtr> bound;
    for (const PredicatePtr& operand : operands) {
      FIRN_ASSIGN_OR_RETURN(bound.emplace_back(), Visit(operand));
    }
    return bound;
  }

  const arrow::Schema& schema_;
};

}  // namespace

Result<PredicatePtr> BindToSchema(const PredicatePtr& predicate,
                                  const arrow::Schema& schema) {
  if (predicate == nullptr) return predicate;
  return Binder(schema).Visit(predicate);
}

}  // namespace firn::expr

// SPDX-License-Identifier: Apache-2.0
// test_predicates.h: columns of every type with random values, random predicates on them,
// and an oracle that evaluates those row by row, for this room's tests.
//
// The oracle knows nothing of how firn compares: numbers and times are rationals to it.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "arrow/array/array_base.h"
#include "arrow/array/builder_base.h"
#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_decimal.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/array/builder_time.h"
#include "arrow/builder.h"
#include "arrow/type.h"
#include "arrow/util/decimal.h"
#include "arrow/util/float16.h"
#include "boost/multiprecision/cpp_int.hpp"

#include "expr/predicate.h"

namespace firn::parquet {

using Rational = boost::multiprecision::cpp_rational;
using Cell = std::optional<expr::Literal>;

// A literal as the oracle sees it: numbers and times by rank (-infinity, finite,
// infinity, NaN) and value, text by its bytes.
struct Ordinal {
  int rank = 0;
  Rational value;
  std::string bytes;

  std::weak_ordering operator<=>(const Ordinal& other) const {
    if (rank != other.rank) return rank <=> other.rank;
    if (value < other.value) return std::weak_ordering::less;
    if (value > other.value) return std::weak_ordering::greater;
    return bytes.compare(other.bytes) <=> 0;
  }
  bool operator==(const Ordinal& other) const { return (*this <=> other) == 0; }
};

inline Rational RationalOf(expr::Decimal::Unscaled value) {
  boost::multiprecision::cpp_int wide = static_cast<std::int64_t>(value >> 64);
  wide *= boost::multiprecision::cpp_int(1) << 64;
  wide += static_cast<std::uint64_t>(value);
  return Rational(wide);
}

inline Ordinal OrdinalOf(const expr::Literal& literal) {
  struct Visitor {
    Ordinal operator()(bool v) const { return {0, Rational(v ? 1 : 0), {}}; }
    Ordinal operator()(std::int64_t v) const { return {0, Rational(v), {}}; }
    Ordinal operator()(double v) const {
      if (std::isnan(v)) return {2, {}, {}};
      if (std::isinf(v)) return {v < 0 ? -1 : 1, {}, {}};
      return {0, Rational(v), {}};
    }
    Ordinal operator()(const std::string& v) const { return {0, {}, v}; }
    Ordinal operator()(expr::Timestamp v) const {
      return {0, Rational(v.us) * 1000 + v.ns, {}};
    }
    Ordinal operator()(expr::Date v) const { return {0, Rational(v.days), {}}; }
    Ordinal operator()(const expr::Binary& v) const { return {0, {}, v.bytes}; }
    Ordinal operator()(const expr::Decimal& v) const {
      Rational value = RationalOf(v.unscaled);
      for (int i = 0; i < v.scale; ++i) value /= 10;
      return {0, value, {}};
    }
    Ordinal operator()(expr::TimeOfDay v) const { return {0, Rational(v.ns), {}}; }
  };
  return std::visit(Visitor(), literal);
}

// % and _ by trying everything. Texts and patterns of these tests are ASCII.
inline bool MatchesPattern(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '%') {
    return MatchesPattern(text, pattern.substr(1)) ||
           (!text.empty() && MatchesPattern(text.substr(1), pattern));
  }
  return !text.empty() && (pattern[0] == '_' || pattern[0] == text[0]) &&
         MatchesPattern(text.substr(1), pattern.substr(1));
}

// Evaluates predicates on one row; `row` gives the value of a column, null for NULL.
class RowOracle {
 public:
  using Row = std::function<const Ordinal*(const std::string& column)>;
  explicit RowOracle(Row row) : row_(std::move(row)) {}

  // True, false, or unknown.
  std::optional<bool> Eval(const expr::Predicate& p) const {
    return std::visit([&](const auto& node) { return Ask(node); }, p.node());
  }

 private:
  using Truth = std::optional<bool>;

  Truth Ask(const expr::Compare& p) const {
    const Ordinal* cell = row_(p.column);
    if (cell == nullptr) return std::nullopt;
    const std::weak_ordering order = *cell <=> OrdinalOf(p.literal);
    switch (p.op) {
      case expr::CompareOp::kEq:
        return order == 0;
      case expr::CompareOp::kNotEq:
        return order != 0;
      case expr::CompareOp::kLt:
        return order < 0;
      case expr::CompareOp::kLtEq:
        return order <= 0;
      case expr::CompareOp::kGt:
        return order > 0;
      case expr::CompareOp::kGtEq:
        return order >= 0;
    }
    return std::nullopt;
  }
  Truth Ask(const expr::In& p) const {
    if (p.literals.empty()) return false;
    const Ordinal* cell = row_(p.column);
    if (cell == nullptr) return std::nullopt;
    for (const expr::Literal& literal : p.literals) {
      if (*cell == OrdinalOf(literal)) return true;
    }
    return false;
  }
  Truth Ask(const expr::IsNull& p) const { return row_(p.column) == nullptr; }
  Truth Ask(const expr::IsNotNull& p) const { return row_(p.column) != nullptr; }
  Truth Ask(const expr::StartsWith& p) const {
    const Ordinal* cell = row_(p.column);
    if (cell == nullptr) return std::nullopt;
    return cell->bytes.compare(0, p.prefix.size(), p.prefix) == 0;
  }
  Truth Ask(const expr::Like& p) const {
    const Ordinal* cell = row_(p.column);
    if (cell == nullptr) return std::nullopt;
    return MatchesPattern(cell->bytes, p.pattern);
  }
  Truth Ask(const expr::And& p) const { return Fold(p.operands, false); }
  Truth Ask(const expr::Or& p) const { return Fold(p.operands, true); }
  Truth Ask(const expr::Not& p) const {
    const Truth truth = Eval(*p.operand);
    if (!truth.has_value()) return truth;
    return !*truth;
  }
  // `deciding` decides alone; otherwise an unknown operand does.
  Truth Fold(const std::vector<expr::PredicatePtr>& operands, bool deciding) const {
    Truth result = !deciding;
    for (const expr::PredicatePtr& operand : operands) {
      const Truth truth = Eval(*operand);
      if (truth == deciding) return deciding;
      if (!truth.has_value()) result = std::nullopt;
    }
    return result;
  }

  const Row row_;
};

// Random values and literals of one Arrow type, drawn from a few so that they meet.
class ValueMaker {
 public:
  ValueMaker(std::shared_ptr<arrow::DataType> type, std::uint64_t seed)
      : type_(std::move(type)), random_(seed) {
    for (int i = 1 + Below(12); i > 0; --i) pool_.push_back(Draw());
  }

  std::uint64_t Random() { return random_(); }
  int Below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  bool Chance(int percent) { return Below(100) < percent; }

  expr::Literal Value() {
    return Chance(85)
               ? pool_[static_cast<std::size_t>(Below(static_cast<int>(pool_.size())))]
               : Draw();
  }
  // To compare with: a value, one beside it, or one of a related type.
  expr::Literal LiteralToAsk() {
    const expr::Literal value = Value();
    return Chance(50) ? value : Beside(value);
  }
  bool is_text() const {
    const auto id = type_->id();
    return id == arrow::Type::STRING || id == arrow::Type::LARGE_STRING;
  }
  bool is_bytes() const {
    const auto id = type_->id();
    return id == arrow::Type::BINARY || id == arrow::Type::FIXED_SIZE_BINARY;
  }
  std::string Text(int size_max) {
    static const char kBytes[] = {'a', 'b', 'z'};
    std::string text(static_cast<std::size_t>(Below(size_max + 1)), 'a');
    for (char& c : text) c = kBytes[Below(3)];
    return text;
  }

 private:
  template <typename T>
  std::int64_t Integer() {
    using Limits = std::numeric_limits<T>;
    switch (Below(8)) {
      case 0:
        return static_cast<std::int64_t>(Limits::max());
      case 1:
        return static_cast<std::int64_t>(Limits::min());
      case 2:
        return static_cast<std::int64_t>(static_cast<T>(random_()));
      default:
        return static_cast<T>(Below(40) - (std::is_signed_v<T> ? 20 : 0));
    }
  }
  double Real(double greatest) {
    switch (Below(10)) {
      case 0:
        return std::nan("");
      case 1:
        return INFINITY;
      case 2:
        return -INFINITY;
      case 3:
        return -0.0;
      case 4:
        return Chance(50) ? greatest : -greatest;
      default:
        return (Below(33) - 16) / 4.0;
    }
  }
  // Of at most `digits` digits.
  expr::Decimal::Unscaled Unscaled(int digits) {
    expr::Decimal::Unscaled end = 1;
    for (int i = 0; i < std::min(digits, 38); ++i) end *= 10;
    switch (Below(6)) {
      case 0:
        return end - 1;
      case 1:
        return 1 - end;
      case 2: {
        const auto wide = static_cast<expr::Decimal::Unscaled>(random_()) * 0x7fffffff *
                          static_cast<std::int64_t>(random_() >> 33);
        return wide % end;
      }
      default:
        return Below(60) - 30;
    }
  }
  std::string RandomBytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = Chance(70) ? '\0' : static_cast<char>(Below(256));
    return bytes;
  }
  expr::Literal Time(std::int64_t unit_ns) {
    const std::int64_t count = 86'400'000'000'000 / unit_ns;
    const std::int64_t at =
        Chance(20) ? count - 1
        : Chance(20)
            ? static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(count))
            : Below(40);
    return expr::TimeOfDay{at * unit_ns};
  }
  // Not beyond what nanoseconds or microseconds hold, as the writer converts to them.
  expr::Literal PointInTime(arrow::TimeUnit::type unit) {
    if (unit == arrow::TimeUnit::NANO) {
      const std::int64_t ns = Integer<std::int64_t>();
      const std::int64_t rest = (ns % 1000 + 1000) % 1000;
      return expr::Timestamp{ns / 1000 - (ns % 1000 < 0 ? 1 : 0),
                             static_cast<std::int16_t>(rest)};
    }
    const std::int64_t unit_us = unit == arrow::TimeUnit::SECOND  ? 1'000'000
                                 : unit == arrow::TimeUnit::MILLI ? 1000
                                                                  : 1;
    const std::int64_t greatest = std::numeric_limits<std::int64_t>::max() / unit_us;
    const std::int64_t at = Chance(10)   ? greatest
                            : Chance(10) ? -greatest
                                         : Below(40) - 20;
    return expr::Timestamp{at * unit_us};
  }

  expr::Literal Draw() {
    using arrow::Type;
    switch (type_->id()) {
      case Type::BOOL:
        return Chance(50);
      case Type::INT8:
        return Integer<std::int8_t>();
      case Type::INT16:
        return Integer<std::int16_t>();
      case Type::INT32:
        return Integer<std::int32_t>();
      case Type::INT64:
        return Integer<std::int64_t>();
      case Type::UINT8:
        return Integer<std::uint8_t>();
      case Type::UINT16:
        return Integer<std::uint16_t>();
      case Type::UINT32:
        return Integer<std::uint32_t>();
      case Type::UINT64: {
        const auto value = static_cast<std::uint64_t>(Integer<std::uint64_t>());
        if (value >> 63 == 0) return static_cast<std::int64_t>(value);
        return expr::Decimal{value, 0};
      }
      case Type::HALF_FLOAT:
        return Real(65504);
      case Type::FLOAT:
        return Real(std::numeric_limits<float>::max());
      case Type::DOUBLE:
        return Real(std::numeric_limits<double>::max());
      case Type::DECIMAL128:
      case Type::DECIMAL256: {
        const auto& decimal = static_cast<const arrow::DecimalType&>(*type_);
        return expr::Decimal{Unscaled(decimal.precision()), decimal.scale()};
      }
      case Type::DATE32:
        return expr::Date{static_cast<std::int32_t>(Integer<std::int32_t>())};
      case Type::TIME32:
      case Type::TIME64:
        switch (static_cast<const arrow::TimeType&>(*type_).unit()) {
          case arrow::TimeUnit::MILLI:
            return Time(1'000'000);
          case arrow::TimeUnit::MICRO:
            return Time(1000);
          default:
            return Time(1);
        }
      case Type::TIMESTAMP:
        return PointInTime(static_cast<const arrow::TimestampType&>(*type_).unit());
      case Type::BINARY:
        return expr::Binary{RandomBytes(static_cast<std::size_t>(Below(6)))};
      case Type::FIXED_SIZE_BINARY:
        return expr::Binary{RandomBytes(static_cast<std::size_t>(type_->byte_width()))};
      default:
        return Chance(10) ? std::string(100, 'b') + Text(3) : Text(4);
    }
  }

  expr::Literal Beside(const expr::Literal& value) {
    if (const auto* v = std::get_if<std::int64_t>(&value)) return BesideInteger(*v);
    if (const auto* v = std::get_if<double>(&value)) {
      if (Chance(30)) return std::int64_t{Below(20) - 10};
      if (Chance(30)) return expr::Decimal{Below(200) - 100, 2};
      return std::nextafter(*v, Chance(50) ? INFINITY : -INFINITY);
    }
    if (const auto* v = std::get_if<expr::Decimal>(&value)) {
      if (Chance(30)) return (Below(33) - 16) / 4.0;
      if (Chance(30)) return Integer<std::int64_t>();
      if (Chance(20)) return Real(1e300);
      if (Chance(30) && v->scale < 38) {
        return expr::Decimal{v->unscaled / 100 * 10 + 1, v->scale + 1};
      }
      return expr::Decimal{v->unscaled + (Chance(50) ? 1 : -1), v->scale};
    }
    if (const auto* v = std::get_if<expr::Timestamp>(&value)) {
      if (Chance(50))
        return expr::Timestamp{v->us, static_cast<std::int16_t>(Below(1000))};
      return expr::Timestamp{v->us / 2 * 2 + Below(2), v->ns};
    }
    if (const auto* v = std::get_if<expr::TimeOfDay>(&value)) {
      return expr::TimeOfDay{v->ns + Below(3) - 1};
    }
    if (const auto* v = std::get_if<std::string>(&value)) {
      return Chance(50) ? *v + "a" : v->substr(0, v->size() / 2);
    }
    if (const auto* v = std::get_if<expr::Binary>(&value)) {
      return expr::Binary{Chance(50) ? v->bytes + '\0'
                                     : v->bytes.substr(0, v->bytes.size() / 2)};
    }
    return Draw();
  }
  expr::Literal BesideInteger(std::int64_t value) {
    switch (Below(4)) {
      case 0:
        return static_cast<double>(value) + (Below(5) - 2) / 4.0;
      case 1:
        return expr::Decimal{expr::Decimal::Unscaled{value} * 10 + Below(3) - 1, 1};
      case 2:
        return Real(1e300);
      default:
        return value / 2 * 2 + Below(2);
    }
  }

  const std::shared_ptr<arrow::DataType> type_;
  std::mt19937_64 random_;
  std::vector<expr::Literal> pool_;
};

// A random predicate on `columns`, which hold values of the maker's type.
class PredicateMaker {
 public:
  PredicateMaker(ValueMaker& values, std::vector<std::string> columns)
      : values_(values), columns_(std::move(columns)) {}

  expr::PredicatePtr Tree(int depth) {
    if (depth == 0 || values_.Chance(40)) return Leaf();
    if (values_.Chance(25)) return expr::MakePredicate(expr::Not{Tree(depth - 1)});
    std::vector<expr::PredicatePtr> operands;
    for (int n = 1 + values_.Below(3); n > 0; --n) operands.push_back(Tree(depth - 1));
    if (values_.Chance(60)) return expr::MakePredicate(expr::And{std::move(operands)});
    return expr::MakePredicate(expr::Or{std::move(operands)});
  }

 private:
  expr::PredicatePtr Leaf() {
    const std::string& column = columns_[static_cast<std::size_t>(
        values_.Below(static_cast<int>(columns_.size())))];
    switch (values_.Below(values_.is_text() ? 12 : values_.is_bytes() ? 11 : 10)) {
      case 0:
        return expr::MakePredicate(expr::IsNull{column});
      case 1:
        return expr::MakePredicate(expr::IsNotNull{column});
      case 2:
      case 3: {
        expr::In in{column, {}};
        for (int n = values_.Below(5); n > 0; --n) {
          in.literals.push_back(values_.LiteralToAsk());
        }
        return expr::MakePredicate(std::move(in));
      }
      case 10:
        return expr::MakePredicate(expr::StartsWith{
            column, values_.is_text() ? values_.Text(2) : std::string(1, '\0')});
      case 11:
        return expr::MakePredicate(expr::Like{
            column,
            values_.Text(1) + (values_.Chance(50) ? "_" : "%") + values_.Text(1) + "%"});
      default:
        return expr::MakePredicate(expr::Compare{
            column,
            values_.Chance(40) ? expr::CompareOp::kEq
                               : static_cast<expr::CompareOp>(values_.Below(6)),
            values_.LiteralToAsk()});
    }
  }

  ValueMaker& values_;
  const std::vector<std::string> columns_;
};

}  // namespace firn::parquet

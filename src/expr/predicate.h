// SPDX-License-Identifier: Apache-2.0
// predicate.h: conditions on columns, as values.
//
// A predicate is an immutable tree. It is three-valued, as in SQL: a comparison with
// NULL is unknown, and a row is selected only where the predicate is true. Numbers are
// ordered with NaN above every other value and equal to itself, and -0.0 equals 0.0, as
// DuckDB and Iceberg's sort order have it. A column is named by its top-level name, or by
// the names of the path that leads into a struct, joined by dots. Thread-safe: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "firn/time.h"

namespace firn::expr {

// A point in time: microseconds since the epoch, UTC, and nanoseconds past them, so that
// finer times take nothing from the range. What has no time zone is taken for UTC.
struct Timestamp {
  TimestampUs us = 0;
  std::int16_t ns = 0;  // [0, 1000)
  auto operator<=>(const Timestamp&) const = default;
};
struct Date {
  std::int32_t days = 0;  // Since 1970-01-01.
  auto operator<=>(const Date&) const = default;
};
struct TimeOfDay {
  std::int64_t ns = 0;  // Since midnight.
  auto operator<=>(const TimeOfDay&) const = default;
};
// Raw bytes: binary, fixed, and a UUID's sixteen.
struct Binary {
  std::string bytes;
  auto operator<=>(const Binary&) const = default;
};
// unscaled / 10^scale. Also an integer that int64 does not hold. 1.0 and 1.00 are two
// literals of one value: == tells them apart, CompareLiterals() does not.
struct Decimal {
  __extension__ typedef __int128 Unscaled;
  Unscaled unscaled = 0;
  std::int32_t scale = 0;  // REQUIRES: |scale| <= kDecimalScaleMax.
  bool operator==(const Decimal&) const = default;
};
inline constexpr std::int32_t kDecimalScaleMax = 76;

using Literal = std::variant<bool, std::int64_t, double, std::string, Timestamp, Date,
                             Binary, Decimal, TimeOfDay>;

enum class CompareOp : std::uint8_t { kEq, kNotEq, kLt, kLtEq, kGt, kGtEq };

class Predicate;
using PredicatePtr = std::shared_ptr<const Predicate>;

struct Compare {
  std::string column;
  CompareOp op;
  Literal literal;
};
struct In {
  std::string column;
  std::vector<Literal> literals;  // Of one type, or numbers.
};
struct IsNull {
  std::string column;
};
struct IsNotNull {
  std::string column;
};
struct StartsWith {
  std::string column;
  std::string prefix;
};
// A text of the pattern's shape: % stands for any text, _ for one character, and what
// follows a \ for itself. Upper and lower case differ.
struct Like {
  std::string column;
  std::string pattern;  // REQUIRES: does not end within an escape.
};
struct And {
  std::vector<PredicatePtr> operands;
};
struct Or {
  std::vector<PredicatePtr> operands;
};
struct Not {
  PredicatePtr operand;
};

class Predicate {
 public:
  using Node =
      std::variant<Compare, In, IsNull, IsNotNull, StartsWith, Like, And, Or, Not>;
  explicit Predicate(Node node) : node_(std::move(node)) {}
  const Node& node() const { return node_; }

 private:
  Node node_;
};

template <typename T>
PredicatePtr MakePredicate(T node) {
  return std::make_shared<const Predicate>(Predicate::Node(std::move(node)));
}
// Conjunction of both; either may be null, which means true.
PredicatePtr Conjoin(PredicatePtr a, PredicatePtr b);

// The text that ParseFilter() reads back as an equal predicate, given that no And or Or
// has a single operand: it is written as that operand.
std::string ToString(const Predicate& predicate);

// Whether both are the same tree of the same literals. NaN is NaN here, and -0.0 is not
// 0.0.
bool AreEqual(const Predicate& a, const Predicate& b);

// What is known of the values of one column in a file, a row group or a page. Absent
// bounds mean unknown. Bounds may be truncated: `lower` is then at or below every value
// and `upper` at or above, which is all that pruning needs. Bounds never cover NaN.
struct ColumnStatistics {
  std::int64_t value_count = -1;  // Including NULLs; -1: unknown.
  std::int64_t null_count = -1;   // -1: unknown.
  std::int64_t nan_count = -1;    // -1: unknown, there may be some.
  const Literal* lower = nullptr;
  const Literal* upper = nullptr;
};

// Answers what is known of a column. Returns false where nothing is.
class StatisticsSource {
 public:
  virtual ~StatisticsSource() = default;
  virtual bool Find(const std::string& column, ColumnStatistics* out) const = 0;
};

// Whether some row may satisfy the predicate. False is certain; true is not.
bool MayMatch(const Predicate& predicate, const StatisticsSource& statistics);

}  // namespace firn::expr

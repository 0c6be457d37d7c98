// SPDX-License-Identifier: Apache-2.0
// Random data, predicates and truncated statistics: what MayMatch and SelectRows leave
// out no row satisfies. The oracle evaluates rows one by one, with NULL, on its own.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <random>

#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_dict.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "expr/predicate.h"
#include "expr/select.h"

namespace firn::expr {
namespace {

using Cell = std::optional<Literal>;
using Column = std::vector<Cell>;
using Truth = std::optional<bool>;

constexpr int kCases = 20'000;
const std::array<std::string, 4> kNames = {"i", "d", "s", "k"};  // k: s as a dictionary

// The order by way of 80-bit floats, which hold every int64 and every double.
std::optional<int> Order(const Literal& a, const Literal& b) {
  const auto number = [](const Literal& v) -> std::optional<long double> {
    if (const auto* i = std::get_if<std::int64_t>(&v)) return *i;
    if (const auto* d = std::get_if<double>(&v)) return *d;
    return std::nullopt;
  };
  const auto x = number(a);
  const auto y = number(b);
  if (x && y) {
    if (std::isnan(*x) || std::isnan(*y))
      return int{std::isnan(*x)} - int{std::isnan(*y)};
    return int{*x > *y} - int{*x < *y};
  }
  const auto* s = std::get_if<std::string>(&a);
  const auto* t = std::get_if<std::string>(&b);
  if (s && t) return s->compare(*t);
  return std::nullopt;
}

// By trying everything. No byte of these tests' texts is part of a longer character.
bool Matches(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '%' && Matches(text, pattern.substr(1))) return true;
  if (text.empty()) return false;
  if (pattern[0] == '%') return Matches(text.substr(1), pattern);
  return (pattern[0] == '_' || pattern[0] == text[0]) &&
         Matches(text.substr(1), pattern.substr(1));
}

class Oracle {
 public:
  explicit Oracle(std::function<Cell(const std::string&)> row) : row_(std::move(row)) {}

  Truth Eval(const Predicate& p) const {
    return std::visit([&](const auto& node) { return Ask(node); }, p.node());
  }

 private:
  Truth Ask(const Compare& p) const {
    const Cell cell = row_(p.column);
    if (!cell) return std::nullopt;
    const auto order = Order(*cell, p.literal);
    if (!order) return std::nullopt;  // Foreign types: not asked for below.
    switch (p.op) {
      case CompareOp::kEq:
        return *order == 0;
      case CompareOp::kNotEq:
        return *order != 0;
      case CompareOp::kLt:
        return *order < 0;
      case CompareOp::kLtEq:
        return *order <= 0;
      case CompareOp::kGt:
        return *order > 0;
      case CompareOp::kGtEq:
        return *order >= 0;
    }
    return std::nullopt;
  }
  Truth Ask(const In& p) const {
    if (p.literals.empty()) return false;
    const Cell cell = row_(p.column);
    if (!cell) return std::nullopt;
    for (const Literal& literal : p.literals) {
      if (Order(*cell, literal) == 0) return true;
    }
    return false;
  }
  Truth Ask(const IsNull& p) const { return !row_(p.column).has_value(); }
  Truth Ask(const IsNotNull& p) const { return row_(p.column).has_value(); }
  Truth Ask(const StartsWith& p) const {
    const Cell cell = row_(p.column);
    if (!cell) return std::nullopt;
    return std::get<std::string>(*cell).starts_with(p.prefix);
  }
  Truth Ask(const Like& p) const {
    const Cell cell = row_(p.column);
    if (!cell) return std::nullopt;
    return Matches(std::get<std::string>(*cell), p.pattern);
  }
  Truth Ask(const And& p) const {
    Truth result = true;
    for (const auto& operand : p.operands) {
      const Truth t = Eval(*operand);
      if (t == false) return false;
      if (!t) result = std::nullopt;
    }
    return result;
  }
  Truth Ask(const Or& p) const {
    Truth result = false;
    for (const auto& operand : p.operands) {
      const Truth t = Eval(*operand);
      if (t == true) return true;
      if (!t) result = std::nullopt;
    }
    return result;
  }
  Truth Ask(const Not& p) const {
    const Truth t = Eval(*p.operand);
    if (!t) return t;
    return !*t;
  }
  std::function<Cell(const std::string&)> row_;
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  bool Chance(int percent) { return Below(100) < percent; }

  Literal Integer() {
    static const std::int64_t kEdges[] = {std::numeric_limits<std::int64_t>::min(),
                                          std::numeric_limits<std::int64_t>::max(),
                                          (std::int64_t{1} << 53) + 1,
                                          std::int64_t{1} << 53};
    return Chance(15) ? kEdges[Below(4)] : std::int64_t{Below(9) - 4};
  }
  Literal Real() {
    static const double kEdges[] = {std::nan(""),
                                    INFINITY,
                                    -INFINITY,
                                    -0.0,
                                    9007199254740992.0,
                                    9223372036854775808.0,
                                    -9223372036854775808.0};
    return Chance(30) ? kEdges[Below(7)] : (Below(17) - 8) / 2.0;
  }
  std::string Text(int length_max) {
    static const char kBytes[] = {'a', 'b', '\xff'};
    std::string text;
    for (int n = Below(length_max + 1); n > 0; --n) text += kBytes[Below(3)];
    return text;
  }
  Literal ValueOf(const std::string& column) {
    if (column == "i") return Integer();
    if (column == "d") return Real();
    return Text(4);
  }
  // A literal to compare the column with: numbers may be of the other type.
  Literal LiteralFor(const std::string& column) {
    if (column == "s" || column == "k") return Text(3);
    return Chance(50) ? Integer() : Real();
  }

  PredicatePtr Leaf() {
    const std::string& column = kNames[Below(4)];
    switch (Below(column == "s" || column == "k" ? 7 : 5)) {
      case 0:
        return MakePredicate(IsNull{column});
      case 1:
        return MakePredicate(IsNotNull{column});
      case 2: {
        In in{column, {}};
        for (int n = Below(4); n > 0; --n) in.literals.push_back(LiteralFor(column));
        return MakePredicate(std::move(in));
      }
      case 5:
        return MakePredicate(StartsWith{column, Text(2)});
      case 6:
        return MakePredicate(
            Like{column, Text(1) + (Chance(50) ? "%" : "_") + Text(1) + "%"});
      default:
        return MakePredicate(
            Compare{column, static_cast<CompareOp>(Below(6)), LiteralFor(column)});
    }
  }
  PredicatePtr Tree(int depth) {
    if (depth == 0 || Chance(30)) return Leaf();
    if (Chance(30)) return MakePredicate(Not{Tree(depth - 1)});
    std::vector<PredicatePtr> operands;
    for (int n = Below(4); n > 0; --n) operands.push_back(Tree(depth - 1));
    if (Chance(50)) return MakePredicate(And{std::move(operands)});
    return MakePredicate(Or{std::move(operands)});
  }

 private:
  std::mt19937_64 random_;
};

// True statistics of a column, then made vaguer at random.
class RandomStatistics final : public StatisticsSource {
 public:
  void Add(World& world, const std::string& name, const Column& column) {
    Entry& e = entries_[name];
    e.known = !world.Chance(10);
    std::int64_t nulls = 0;
    std::int64_t nans = 0;
    for (const Cell& cell : column) {
      if (!cell) {
        ++nulls;
        continue;
      }
      const auto* number = std::get_if<double>(&*cell);
      if (number != nullptr && std::isnan(*number)) {
        ++nans;
        continue;
      }
      if (!e.lower || *Order(*cell, *e.lower) < 0) e.lower = cell;
      if (!e.upper || *Order(*cell, *e.upper) > 0) e.upper = cell;
    }
    if (world.Chance(80)) e.value_count = static_cast<std::int64_t>(column.size());
    if (world.Chance(80)) e.null_count = nulls;
    if (world.Chance(60)) e.nan_count = nans;
    if (e.lower && world.Chance(40)) Truncate(world, *e.lower, false);
    if (e.upper && world.Chance(40) && !Truncate(world, *e.upper, true)) e.upper.reset();
    if (world.Chance(10)) e.lower.reset();
    if (world.Chance(10)) e.upper.reset();
  }
  bool Find(const std::string& column, ColumnStatistics* out) const override {
    const auto it = entries_.find(column);
    if (it == entries_.end() || !it->second.known) return false;
    const Entry& e = it->second;
    *out = {e.value_count, e.null_count, e.nan_count, e.lower ? &*e.lower : nullptr,
            e.upper ? &*e.upper : nullptr};
    return true;
  }

 private:
  struct Entry {
    bool known = true;
    std::int64_t value_count = -1, null_count = -1, nan_count = -1;
    Cell lower, upper;
  };
  // Cut a text to one byte, rounding outwards. False where there is no such bound.
  static bool Truncate(World&, Literal& bound, bool up) {
    auto* text = std::get_if<std::string>(&bound);
    if (text == nullptr || text->size() <= 1) return true;
    text->resize(1);
    if (!up) return true;
    if (static_cast<unsigned char>((*text)[0]) == 0xff) return false;
    ++(*text)[0];
    return true;
  }
  std::map<std::string, Entry> entries_;
};

std::shared_ptr<arrow::RecordBatch> ToBatch(const std::map<std::string, Column>& columns,
                                            std::int64_t rows) {
  arrow::Int64Builder i;
  arrow::DoubleBuilder d;
  arrow::StringBuilder s;
  arrow::StringDictionary32Builder k;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto add = [&](auto& builder, const char* name, auto type) {
      const Cell& cell = columns.at(name)[row];
      const auto status =
          cell ? builder.Append(std::get<decltype(type)>(*cell)) : builder.AppendNull();
      EXPECT_TRUE(status.ok());
    };
    add(i, "i", std::int64_t{});
    add(d, "d", double{});
    add(s, "s", std::string{});
    add(k, "k", std::string{});
  }
  const auto schema = arrow::schema(
      {arrow::field("i", arrow::int64()), arrow::field("d", arrow::float64()),
       arrow::field("s", arrow::utf8()),
       arrow::field("k", arrow::dictionary(arrow::int32(), arrow::utf8()))});
  return arrow::RecordBatch::Make(schema, rows,
                                  {i.Finish().ValueOrDie(), d.Finish().ValueOrDie(),
                                   s.Finish().ValueOrDie(), k.Finish().ValueOrDie()});
}

TEST(PruneProperty, WhatIsLeftOutNoRowSatisfies) {
  int pruned = 0;
  for (int seed = 0; seed < kCases; ++seed) {
    World world(static_cast<std::uint64_t>(seed));
    const int rows = world.Below(6);
    std::map<std::string, Column> columns;
    RandomStatistics statistics;
    for (const std::string& name : kNames) {
      const int null_percent = world.Below(3) * 45;
      const bool constant = world.Chance(20);
      const Literal value = world.ValueOf(name);
      for (int row = 0; row < rows; ++row) {
        columns[name].push_back(world.Chance(null_percent)
                                    ? Cell()
                                    : Cell(constant ? value : world.ValueOf(name)));
      }
      columns[name].resize(static_cast<std::size_t>(rows));
      statistics.Add(world, name, columns[name]);
    }
    const PredicatePtr predicate = world.Tree(3);
    const bool may_match = MayMatch(*predicate, statistics);
    pruned += may_match ? 0 : 1;
    std::vector<std::uint8_t> mask;
    SelectRows(*predicate, *ToBatch(columns, rows), mask);
    ASSERT_EQ(mask.size(), static_cast<std::size_t>(rows));
    for (int row = 0; row < rows; ++row) {
      const Oracle oracle([&](const std::string& name) { return columns.at(name)[row]; });
      const bool selected = oracle.Eval(*predicate) == true;
      ASSERT_EQ(mask[row] != 0, selected)
          << "seed " << seed << " row " << row << ": " << ToString(*predicate);
      ASSERT_TRUE(may_match || !selected)
          << "seed " << seed << " row " << row << ": " << ToString(*predicate);
    }
  }
  // The test would pass if nothing were ever pruned: it must not.
  EXPECT_GT(pruned, kCases / 10);
  EXPECT_LT(pruned, kCases * 9 / 10);
}

}  // namespace
}  // namespace firn::expr

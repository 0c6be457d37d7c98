// SPDX-License-Identifier: Apache-2.0
// select.cc: a predicate on the rows of an Arrow batch.
//
// 1. Negations are carried down to the leaves, as in may_match.cc: a leaf's mask is of
// the
//    rows where it is true, or where it is false; a NULL is in neither.
// 2. Numbers are mapped to 64-bit keys of the same order, so that every comparison is
//    whether a key lies in one closed range of keys.
// 3. Masks are combined by And and Or, which keep "may match" conservative because no
//    negation is left above them.
#include "expr/select.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "arrow/array/array_base.h"
#include "arrow/array/array_binary.h"
#include "arrow/array/array_dict.h"
#include "arrow/array/array_primitive.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "expr/literal.h"

namespace firn::expr {
namespace {

using Mask = std::vector<std::uint8_t>;

constexpr std::int64_t kKeyMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kKeyMax = std::numeric_limits<std::int64_t>::max();

// Keys of doubles ascend as CompareNumbers orders them; NaN has the greatest.
std::int64_t KeyOf(double v) {
  if (std::isnan(v)) return kKeyMax;
  if (v == 0) return 0;
  const auto bits = std::bit_cast<std::int64_t>(v);
  return bits >= 0 ? bits : kKeyMin - bits;
}

// Keys [first, last]; empty where first > last. `outside` asks for the rest instead.
struct KeyRange {
  std::int64_t first = kKeyMin;
  std::int64_t last = kKeyMax;
  bool outside = false;
  bool Contains(std::int64_t key) const {
    return (first <= key && key <= last) != outside;
  }
  static KeyRange Nothing() { return {0, -1, false}; }
};

KeyRange RangeOf(CompareOp op, std::int64_t key) {
  switch (op) {
    case CompareOp::kEq:
      return {key, key, false};
    case CompareOp::kNotEq:
      return {key, key, true};
    case CompareOp::kLt:
      return key == kKeyMin ? KeyRange::Nothing() : KeyRange{kKeyMin, key - 1, false};
    case CompareOp::kLtEq:
      return {kKeyMin, key, false};
    case CompareOp::kGt:
      return key == kKeyMax ? KeyRange::Nothing() : KeyRange{key + 1, kKeyMax, false};
    case CompareOp::kGtEq:
      return {key, kKeyMax, false};
  }
  return {};
}

// A literal between two neighbouring keys, `below` being the lower: nothing equals it.
KeyRange RangeBetween(CompareOp op, std::optional<std::int64_t> below) {
  switch (op) {
    case CompareOp::kEq:
      return KeyRange::Nothing();
    case CompareOp::kNotEq:
      return {};
    case CompareOp::kLt:
    case CompareOp::kLtEq:
      return below.has_value() ? RangeOf(CompareOp::kLtEq, *below) : KeyRange::Nothing();
    case CompareOp::kGt:
    case CompareOp::kGtEq:
      return below.has_value() ? RangeOf(CompareOp::kGt, *below) : KeyRange{};
  }
  return {};
}

// Integers, dates and timestamps are their own keys.
KeyRange IntegerRange(CompareOp op, double literal) {
  if (std::isnan(literal)) return RangeBetween(op, kKeyMax);
  const double floor = std::floor(literal);
  if (CompareNumbers(kKeyMin, floor) > 0) return RangeBetween(op, std::nullopt);
  if (CompareNumbers(kKeyMax, floor) < 0) return RangeBetween(op, kKeyMax);
  const auto key = static_cast<std::int64_t>(floor);
  return floor == literal ? RangeOf(op, key) : RangeBetween(op, key);
}

KeyRange DoubleRange(CompareOp op, std::int64_t literal) {
  const auto nearest = static_cast<double>(literal);
  const auto order = CompareNumbers(literal, nearest);
  const std::int64_t key = KeyOf(nearest);
  if (order == 0) return RangeOf(op, key);
  return RangeBetween(op, order > 0 ? key : key - 1);
}

enum class Family : std::uint8_t {
  kBool,
  kInteger,
  kDouble,
  kDate,
  kTimestamp,
  kText,
  kBytes,
  kOther
};

// The keys that `op literal` selects in a column of `family`; nothing where they have no
// common order.
std::optional<KeyRange> KeysOf(Family family, CompareOp op, const Literal& literal) {
  switch (family) {
    case Family::kBool:
      if (const auto* v = std::get_if<bool>(&literal)) return RangeOf(op, *v ? 1 : 0);
      return std::nullopt;
    case Family::kInteger:
      if (const auto* v = std::get_if<std::int64_t>(&literal)) return RangeOf(op, *v);
      if (const auto* v = std::get_if<double>(&literal)) return IntegerRange(op, *v);
      return std::nullopt;
    case Family::kDouble:
      if (const auto* v = std::get_if<double>(&literal)) return RangeOf(op, KeyOf(*v));
      if (const auto* v = std::get_if<std::int64_t>(&literal)) return DoubleRange(op, *v);
      return std::nullopt;
    case Family::kDate:
      if (const auto* v = std::get_if<Date>(&literal)) return RangeOf(op, v->days);
      return std::nullopt;
    case Family::kTimestamp:
      if (const auto* v = std::get_if<Timestamp>(&literal)) return RangeOf(op, v->us);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

Family FamilyOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return Family::kBool;
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
      return Family::kInteger;
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      return Family::kDouble;
    case arrow::Type::DATE32:
      return Family::kDate;
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).unit() ==
                     arrow::TimeUnit::MICRO
                 ? Family::kTimestamp
                 : Family::kOther;
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return Family::kText;
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
      return Family::kBytes;
    default:
      return Family::kOther;
  }
}

template <typename ArrayType, typename Test>
void FillFrom(const arrow::Array& array, Test test, Mask& mask) {
  const auto& typed = static_cast<const ArrayType&>(array);
  const std::int64_t rows = array.length();
  if (array.null_count() == 0) {
    for (std::int64_t i = 0; i < rows; ++i) {
      mask[i] = static_cast<std::uint8_t>(test(typed, i));
    }
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    mask[i] = static_cast<std::uint8_t>(array.IsValid(i) && test(typed, i));
  }
}

// mask[i] = test(key of row i), 0 for NULL.
template <typename Test>
void FillByKey(const arrow::Array& array, Test test, Mask& mask) {
  const auto integer = [&](const auto& a, std::int64_t i) {
    return test(static_cast<std::int64_t>(a.Value(i)));
  };
  const auto real = [&](const auto& a, std::int64_t i) {
    return test(KeyOf(a.Value(i)));
  };
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return FillFrom<arrow::BooleanArray>(array, integer, mask);
    case arrow::Type::INT8:
      return FillFrom<arrow::Int8Array>(array, integer, mask);
    case arrow::Type::INT16:
      return FillFrom<arrow::Int16Array>(array, integer, mask);
    case arrow::Type::INT32:
      return FillFrom<arrow::Int32Array>(array, integer, mask);
    case arrow::Type::INT64:
      return FillFrom<arrow::Int64Array>(array, integer, mask);
    case arrow::Type::UINT8:
      return FillFrom<arrow::UInt8Array>(array, integer, mask);
    case arrow::Type::UINT16:
      return FillFrom<arrow::UInt16Array>(array, integer, mask);
    case arrow::Type::UINT32:
      return FillFrom<arrow::UInt32Array>(array, integer, mask);
    case arrow::Type::FLOAT:
      return FillFrom<arrow::FloatArray>(array, real, mask);
    case arrow::Type::DOUBLE:
      return FillFrom<arrow::DoubleArray>(array, real, mask);
    case arrow::Type::DATE32:
      return FillFrom<arrow::Date32Array>(array, integer, mask);
    case arrow::Type::TIMESTAMP:
      return FillFrom<arrow::TimestampArray>(array, integer, mask);
    default:
      std::fill(mask.begin(), mask.end(), 1);
  }
}

// mask[i] = test(bytes of row i), 0 for NULL.
template <typename Test>
void FillByBytes(const arrow::Array& array, Test test, Mask& mask) {
  const auto view = [&](const auto& a, std::int64_t i) { return test(a.GetView(i)); };
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return FillFrom<arrow::BinaryArray>(array, view, mask);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return FillFrom<arrow::LargeBinaryArray>(array, view, mask);
    case arrow::Type::FIXED_SIZE_BINARY:
      return FillFrom<arrow::FixedSizeBinaryArray>(array, view, mask);
    default:
      std::fill(mask.begin(), mask.end(), 1);
  }
}

std::optional<std::string_view> BytesOf(Family family, const Literal& literal) {
  if (family == Family::kText) {
    if (const auto* text = std::get_if<std::string>(&literal)) return *text;
  } else if (family == Family::kBytes) {
    if (const auto* binary = std::get_if<Binary>(&literal)) return binary->bytes;
  }
  return std::nullopt;
}

// A list of literals as sorted keys or sorted bytes; nothing where one has no order with
// the column. A literal that no value can equal is left out.
std::optional<std::vector<std::int64_t>> KeySetOf(Family family, const In& in) {
  std::vector<std::int64_t> keys;
  for (const Literal& literal : in.literals) {
    const auto range = KeysOf(family, CompareOp::kEq, literal);
    if (!range.has_value()) return std::nullopt;
    if (range->first == range->last) keys.push_back(range->first);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::optional<std::vector<std::string_view>> ByteSetOf(Family family, const In& in) {
  std::vector<std::string_view> set;
  for (const Literal& literal : in.literals) {
    const auto bytes = BytesOf(family, literal);
    if (!bytes.has_value()) return std::nullopt;
    set.push_back(*bytes);
  }
  std::sort(set.begin(), set.end());
  return set;
}

class Selector {
 public:
  explicit Selector(const arrow::RecordBatch& batch) : batch_(batch) {}

  Mask Visit(const Predicate& predicate, bool negated) const {
    return std::visit([&](const auto& node) { return Ask(node, negated); },
                      predicate.node());
  }

 private:
  Mask Constant(bool value) const {
    return Mask(static_cast<std::size_t>(batch_.num_rows()), value ? 1 : 0);
  }

  // Apply `fill(array, family, mask)` to the column, or to its dictionary and then to the
  // rows that refer to it.
  template <typename Fill>
  Mask OnColumn(const std::string& column, Fill fill) const {
    const std::shared_ptr<arrow::Array> array = batch_.GetColumnByName(column);
    if (array == nullptr) return Constant(true);
    Mask mask = Constant(true);
    if (array->type_id() != arrow::Type::DICTIONARY) {
      fill(*array, FamilyOf(*array->type()), mask);
      return mask;
    }
    const auto& coded = static_cast<const arrow::DictionaryArray&>(*array);
    const arrow::Array& entries = *coded.dictionary();
    Mask of_entry(static_cast<std::size_t>(entries.length()), 1);
    fill(entries, FamilyOf(*entries.type()), of_entry);
    FillByKey(
        *coded.indices(), [&](std::int64_t index) { return of_entry[index] != 0; }, mask);
    return mask;
  }

  Mask Ask(const Compare& p, bool negated) const {
    const CompareOp op = negated ? Negate(p.op) : p.op;
    return OnColumn(p.column, [&](const arrow::Array& array, Family family, Mask& mask) {
      if (const auto keys = KeysOf(family, op, p.literal)) {
        FillByKey(array, [&](std::int64_t key) { return keys->Contains(key); }, mask);
      } else if (const auto bytes = BytesOf(family, p.literal)) {
        FillByBytes(
            array, [&](std::string_view v) { return Holds(v.compare(*bytes) <=> 0, op); },
            mask);
      }
    });
  }

  Mask Ask(const In& p, bool negated) const {
    if (p.literals.empty()) return Constant(negated);
    return OnColumn(p.column, [&](const arrow::Array& array, Family family, Mask& mask) {
      const auto has = [negated](const auto& set, const auto& v) {
        return std::binary_search(set.begin(), set.end(), v) != negated;
      };
      if (const auto keys = KeySetOf(family, p)) {
        FillByKey(array, [&](std::int64_t key) { return has(*keys, key); }, mask);
      } else if (const auto set = ByteSetOf(family, p)) {
        FillByBytes(array, [&](std::string_view v) { return has(*set, v); }, mask);
      }
    });
  }

  Mask Ask(const StartsWith& p, bool negated) const {
    return OnColumn(p.column, [&](const arrow::Array& array, Family family, Mask& mask) {
      if (family != Family::kText && family != Family::kBytes) return;
      FillByBytes(
          array, [&](std::string_view v) { return v.starts_with(p.prefix) != negated; },
          mask);
    });
  }

  Mask Ask(const IsNull& p, bool negated) const { return Nulls(p.column, !negated); }
  Mask Ask(const IsNotNull& p, bool negated) const { return Nulls(p.column, negated); }
  Mask Nulls(const std::string& column, bool want_null) const {
    const std::shared_ptr<arrow::Array> array = batch_.GetColumnByName(column);
    // A dictionary may hold NULL as an entry, so its rows' NULLs are not all of them.
    if (array == nullptr || array->type_id() == arrow::Type::DICTIONARY) {
      return NullsOfDictionary(array.get(), want_null);
    }
    Mask mask = Constant(!want_null);
    if (array->null_count() == 0) return mask;
    for (std::int64_t i = 0; i < array->length(); ++i) {
      mask[i] = static_cast<std::uint8_t>(array->IsNull(i) == want_null);
    }
    return mask;
  }
  Mask NullsOfDictionary(const arrow::Array* array, bool want_null) const {
    Mask mask = Constant(true);
    if (array == nullptr) return mask;
    const auto& coded = static_cast<const arrow::DictionaryArray&>(*array);
    for (std::int64_t i = 0; i < coded.length(); ++i) {
      const bool null =
          coded.IsNull(i) || coded.dictionary()->IsNull(coded.GetValueIndex(i));
      mask[i] = static_cast<std::uint8_t>(null == want_null);
    }
    return mask;
  }

  Mask Ask(const And& p, bool negated) const {
    return Combine(p.operands, negated, !negated);
  }
  Mask Ask(const Or& p, bool negated) const {
    return Combine(p.operands, negated, negated);
  }
  Mask Ask(const Not& p, bool negated) const { return Visit(*p.operand, !negated); }

  Mask Combine(const std::vector<PredicatePtr>& operands, bool negated, bool all) const {
    Mask mask = Constant(all);
    for (const PredicatePtr& operand : operands) {
      const Mask other = Visit(*operand, negated);
      for (std::size_t i = 0; i < mask.size(); ++i) {
        mask[i] = all ? (mask[i] & other[i]) : (mask[i] | other[i]);
      }
    }
    return mask;
  }

  const arrow::RecordBatch& batch_;
};

}  // namespace

void SelectRows(const Predicate& predicate, const arrow::RecordBatch& batch,
                std::vector<std::uint8_t>& mask) {
  mask = Selector(batch).Visit(predicate, false);
}

}  // namespace firn::expr

// SPDX-License-Identifier: Apache-2.0
// column_mask.cc: comparing the values of an array.
//
// The range of keys is cut to what the array's native type holds, so that the loop over
// its values compares in that type and branches on nothing.
#include "expr/column_mask.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include "arrow/array/array_base.h"
#include "arrow/array/array_binary.h"
#include "arrow/array/array_decimal.h"
#include "arrow/array/array_primitive.h"
#include "arrow/util/bit_util.h"
#include "arrow/util/decimal.h"
#include "arrow/util/float16.h"

#include "expr/key_range.h"
#include "expr/like.h"
#include "expr/literal.h"

namespace firn::expr {
namespace {

// A decimal as Arrow stores it. Its buffers need not be aligned to it.
struct Stored128 {
  std::byte bytes[sizeof(Int128)];
  operator Int128() const {
    Int128 value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
};

struct StoredHalf {
  std::uint16_t bits;
  operator double() const { return arrow::util::Float16::FromBits(bits).ToDouble(); }
};

// The type that values stored as V are compared in.
template <typename V>
struct KeyType {
  using Type = V;
};
template <>
struct KeyType<Stored128> {
  using Type = Int128;
};
template <typename V>
using Key = typename KeyType<V>::Type;

template <typename K>
constexpr Int128 Least() {
  if constexpr (std::is_same_v<K, Int128>) return kInt128Min;
  return std::numeric_limits<K>::min();
}
template <typename K>
constexpr Int128 Greatest() {
  if constexpr (std::is_same_v<K, Int128>) return kInt128Max;
  return std::numeric_limits<K>::max();
}

template <typename Stored, typename ArrayType>
const Stored* ValuesOf(const arrow::Array& array) {
  return reinterpret_cast<const Stored*>(
      static_cast<const ArrayType&>(array).raw_values());
}

template <typename Stored>
const Stored* FixedValuesOf(const arrow::Array& array) {
  static_assert(alignof(Stored) == 1 || sizeof(Stored) <= 8);
  return reinterpret_cast<const Stored*>(
      static_cast<const arrow::FixedSizeBinaryArray&>(array).raw_values());
}

// Call `visit` with the array's values where they are integers of some width. False where
// they are not.
template <typename Visit>
bool VisitIntegers(const arrow::Array& array, Visit visit) {
  using arrow::Type;
  switch (array.type_id()) {
    case Type::INT8:
      visit(ValuesOf<std::int8_t, arrow::Int8Array>(array));
      return true;
    case Type::INT16:
      visit(ValuesOf<std::int16_t, arrow::Int16Array>(array));
      return true;
    case Type::INT32:
    case Type::DATE32:
    case Type::TIME32:
      visit(array.data()->GetValues<std::int32_t>(1));
      return true;
    case Type::INT64:
    case Type::DATE64:
    case Type::TIME64:
    case Type::TIMESTAMP:
      visit(array.data()->GetValues<std::int64_t>(1));
      return true;
    case Type::UINT8:
      visit(ValuesOf<std::uint8_t, arrow::UInt8Array>(array));
      return true;
    case Type::UINT16:
      visit(ValuesOf<std::uint16_t, arrow::UInt16Array>(array));
      return true;
    case Type::UINT32:
      visit(ValuesOf<std::uint32_t, arrow::UInt32Array>(array));
      return true;
    case Type::UINT64:
      visit(ValuesOf<std::uint64_t, arrow::UInt64Array>(array));
      return true;
    case Type::DECIMAL32:
      visit(FixedValuesOf<std::int32_t>(array));
      return true;
    case Type::DECIMAL64:
      visit(FixedValuesOf<std::int64_t>(array));
      return true;
    case Type::DECIMAL128:
      visit(FixedValuesOf<Stored128>(array));
      return true;
    default:
      return false;
  }
}

template <typename Visit>
bool VisitReals(const arrow::Array& array, Visit visit) {
  switch (array.type_id()) {
    case arrow::Type::HALF_FLOAT:
      visit(ValuesOf<StoredHalf, arrow::HalfFloatArray>(array));
      return true;
    case arrow::Type::FLOAT:
      visit(ValuesOf<float, arrow::FloatArray>(array));
      return true;
    case arrow::Type::DOUBLE:
      visit(ValuesOf<double, arrow::DoubleArray>(array));
      return true;
    default:
      return false;
  }
}

template <typename V>
void FillRange(const V* values, const KeyRange& range, Mask& mask) {
  using K = Key<V>;
  const Int128 least = std::max(range.first, Least<K>());
  const Int128 greatest = std::min(range.last, Greatest<K>());
  const std::uint8_t outside = range.outside ? 1 : 0;
  if (least > greatest) {
    std::fill(mask.begin(), mask.end(), outside);
    return;
  }
  const K first = static_cast<K>(least);
  const K last = static_cast<K>(greatest);
  const std::size_t rows = mask.size();
  std::uint8_t* const out = mask.data();
  for (std::size_t i = 0; i < rows; ++i) {
    const K value = values[i];
    out[i] = static_cast<std::uint8_t>((value >= first) & (value <= last)) ^ outside;
  }
}

// A range of keys of doubles, as doubles.
template <typename V>
void FillRealRange(const V* values, const KeyRange& range, Mask& mask) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Int128 nan = RealKey(std::numeric_limits<double>::quiet_NaN());
  const Int128 least = std::max(range.first, Int128{RealKey(-kInfinity)});
  const Int128 greatest = std::min(range.last, Int128{RealKey(kInfinity)});
  const bool has_nan = range.first <= nan && nan <= range.last;
  const std::uint8_t outside = range.outside ? 1 : 0;
  // Where no number is in the range, none is above the one and below the other.
  const bool empty = least > greatest;
  const double first = empty ? kInfinity : RealOfKey(static_cast<std::int64_t>(least));
  const double last = empty ? -kInfinity : RealOfKey(static_cast<std::int64_t>(greatest));
  const std::size_t rows = mask.size();
  std::uint8_t* const out = mask.data();
  for (std::size_t i = 0; i < rows; ++i) {
    const double value = values[i];
    const bool in = ((value >= first) & (value <= last)) | (has_nan & (value != value));
    out[i] = static_cast<std::uint8_t>(in) ^ outside;
  }
}

void FillBool(const arrow::Array& array, std::uint8_t of_false, std::uint8_t of_true,
              Mask& mask) {
  const auto& typed = static_cast<const arrow::BooleanArray&>(array);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    mask[i] = typed.Value(static_cast<std::int64_t>(i)) ? of_true : of_false;
  }
}

void FillKeys(const arrow::Array& array, const KeyRange& range, Mask& mask) {
  const auto fill = [&](const auto* values) { FillRange(values, range, mask); };
  const auto fill_reals = [&](const auto* values) { FillRealRange(values, range, mask); };
  if (array.type_id() == arrow::Type::BOOL) {
    FillBool(array, range.Contains(0) ? 1 : 0, range.Contains(1) ? 1 : 0, mask);
  } else if (!VisitIntegers(array, fill)) {
    VisitReals(array, fill_reals);
  }
}

// Rows whose key is one of `keys`, which ascend, or none of them.
void FillKeySet(const arrow::Array& array, const std::vector<Int128>& keys, bool negated,
                Mask& mask) {
  const auto has = [&](Int128 key) {
    return std::binary_search(keys.begin(), keys.end(), key) != negated;
  };
  if (array.type_id() == arrow::Type::BOOL) {
    return FillBool(array, has(0) ? 1 : 0, has(1) ? 1 : 0, mask);
  }
  const auto fill = [&](const auto* values) {
    using K = Key<std::remove_const_t<std::remove_pointer_t<decltype(values)>>>;
    std::vector<K> own;
    for (const Int128 key : keys) {
      if (Least<K>() <= key && key <= Greatest<K>()) own.push_back(static_cast<K>(key));
    }
    for (std::size_t i = 0; i < mask.size(); ++i) {
      const K value = values[i];
      mask[i] = std::binary_search(own.begin(), own.end(), value) != negated ? 1 : 0;
    }
  };
  const auto fill_reals = [&](const auto* values) {
    for (std::size_t i = 0; i < mask.size(); ++i) {
      mask[i] = has(RealKey(values[i])) ? 1 : 0;
    }
  };
  if (!VisitIntegers(array, fill)) VisitReals(array, fill_reals);
}

template <typename ArrayType, typename Test>
void FillTested(const arrow::Array& array, Test test, Mask& mask) {
  const auto& typed = static_cast<const ArrayType&>(array);
  const auto rows = static_cast<std::int64_t>(mask.size());
  if (array.null_count() == 0) {
    for (std::int64_t i = 0; i < rows; ++i) mask[i] = test(typed.GetView(i)) ? 1 : 0;
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    mask[i] = array.IsValid(i) && test(typed.GetView(i)) ? 1 : 0;
  }
}

// mask[i] = test(bytes of row i), 0 for NULL.
template <typename Test>
void FillByBytes(const arrow::Array& array, Test test, Mask& mask) {
  using arrow::Type;
  switch (array.type_id()) {
    case Type::STRING:
    case Type::BINARY:
      return FillTested<arrow::BinaryArray>(array, test, mask);
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return FillTested<arrow::LargeBinaryArray>(array, test, mask);
    case Type::STRING_VIEW:
    case Type::BINARY_VIEW:
      return FillTested<arrow::BinaryViewArray>(array, test, mask);
    case Type::FIXED_SIZE_BINARY:
      return FillTested<arrow::FixedSizeBinaryArray>(array, test, mask);
    default:
      std::fill(mask.begin(), mask.end(), 1);
  }
}

// A number to compare decimals of 256 bits with, at their scale.
class WideNumber {
 public:
  explicit WideNumber(const Truncated& number)
      : negative_(number.negative), exact_(number.exact) {
    // No decimal has more digits.
    constexpr std::size_t kDigitsMax = 76;
    beyond_ = number.digits.size() > kDigitsMax;
    if (beyond_) return;
    for (const char digit : number.digits) {
      magnitude_ *= arrow::Decimal256(10);
      magnitude_ += arrow::Decimal256(digit - '0');
    }
  }

  // value <=> number
  std::weak_ordering CompareTo(const arrow::Decimal256& value) const {
    const bool value_negative = value < arrow::Decimal256(0);
    if (value_negative != negative_) {
      return value_negative ? std::weak_ordering::less : std::weak_ordering::greater;
    }
    const auto order =
        CompareMagnitudes(arrow::Decimal256(arrow::Decimal256::Abs(value)));
    return negative_ ? 0 <=> order : order;
  }

 private:
  std::weak_ordering CompareMagnitudes(const arrow::Decimal256& value) const {
    if (beyond_ || value < magnitude_) return std::weak_ordering::less;
    if (value > magnitude_) return std::weak_ordering::greater;
    return exact_ ? std::weak_ordering::equivalent : std::weak_ordering::less;
  }

  const bool negative_;
  const bool exact_;
  bool beyond_ = false;
  arrow::Decimal256 magnitude_ = 0;
};

// mask[i] = test(value of row i)
template <typename Test>
void FillWide(const arrow::Array& array, Test test, Mask& mask) {
  const auto& typed = static_cast<const arrow::Decimal256Array&>(array);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    mask[i] =
        test(arrow::Decimal256(typed.GetValue(static_cast<std::int64_t>(i)))) ? 1 : 0;
  }
}

void FillWideCompare(const Compare& leaf, CompareOp op, std::int32_t scale,
                     const arrow::Array& array, Mask& mask) {
  const auto number = TruncateAtScale(leaf.literal, scale);
  if (!number.has_value()) return std::fill(mask.begin(), mask.end(), 1);
  const WideNumber wide(*number);
  FillWide(
      array, [&](const auto& value) { return Holds(wide.CompareTo(value), op); }, mask);
  ClearNulls(array, mask);
}

void FillWideIn(const In& leaf, bool negated, std::int32_t scale,
                const arrow::Array& array, Mask& mask) {
  std::vector<WideNumber> numbers;
  for (const Literal& literal : leaf.literals) {
    const auto number = TruncateAtScale(literal, scale);
    if (!number.has_value()) return std::fill(mask.begin(), mask.end(), 1);
    numbers.emplace_back(*number);
  }
  const auto in = [&](const arrow::Decimal256& value) {
    return std::any_of(numbers.begin(), numbers.end(), [&](const WideNumber& number) {
      return number.CompareTo(value) == 0;
    });
  };
  FillWide(array, [&](const auto& value) { return in(value) != negated; }, mask);
  ClearNulls(array, mask);
}

}  // namespace

void ClearNulls(const arrow::Array& array, Mask& mask) {
  if (array.type_id() == arrow::Type::NA) {
    std::fill(mask.begin(), mask.end(), 0);
    return;
  }
  const std::uint8_t* const valid = array.null_bitmap_data();
  if (valid == nullptr || array.null_count() == 0) return;
  const std::int64_t offset = array.offset();
  for (std::size_t i = 0; i < mask.size(); ++i) {
    mask[i] &= static_cast<std::uint8_t>(
        arrow::bit_util::GetBit(valid, offset + static_cast<std::int64_t>(i)));
  }
}

void FillMask(const Compare& leaf, bool negated, const arrow::Array& array, Mask& mask) {
  const CompareOp op = negated ? Negate(leaf.op) : leaf.op;
  const ValueMeaning meaning = MeaningOf(*array.type());
  if (meaning.family == ValueFamily::kNull) {
    ClearNulls(array, mask);
  } else if (meaning.family == ValueFamily::kWideDecimal) {
    FillWideCompare(leaf, op, meaning.scale, array, mask);
  } else if (const auto range = KeysOf(meaning, op, leaf.literal)) {
    FillKeys(array, *range, mask);
    ClearNulls(array, mask);
  } else if (const auto bytes = BytesOf(meaning, leaf.literal)) {
    if (op == CompareOp::kEq || op == CompareOp::kNotEq) {
      const bool equal = op == CompareOp::kEq;
      FillByBytes(
          array, [&](std::string_view v) { return (v == *bytes) == equal; }, mask);
    } else {
      FillByBytes(
          array, [&](std::string_view v) { return Holds(v.compare(*bytes) <=> 0, op); },
          mask);
    }
  } else {
    std::fill(mask.begin(), mask.end(), 1);
  }
}

void FillMask(const In& leaf, bool negated, const arrow::Array& array, Mask& mask) {
  const ValueMeaning meaning = MeaningOf(*array.type());
  if (leaf.literals.empty()) {
    // NULL is not in an empty list either.
    std::fill(mask.begin(), mask.end(), negated ? 1 : 0);
  } else if (meaning.family == ValueFamily::kNull) {
    ClearNulls(array, mask);
  } else if (meaning.family == ValueFamily::kWideDecimal) {
    FillWideIn(leaf, negated, meaning.scale, array, mask);
  } else if (const auto keys = KeysOf(meaning, leaf)) {
    FillKeySet(array, *keys, negated, mask);
    ClearNulls(array, mask);
  } else {
    std::vector<std::string_view> set;
    for (const Literal& literal : leaf.literals) {
      const auto bytes = BytesOf(meaning, literal);
      if (!bytes.has_value()) return std::fill(mask.begin(), mask.end(), 1);
      set.push_back(*bytes);
    }
    std::sort(set.begin(), set.end());
    FillByBytes(
        array,
        [&](std::string_view v) {
          return std::binary_search(set.begin(), set.end(), v) != negated;
        },
        mask);
  }
}

void FillMask(const StartsWith& leaf, bool negated, const arrow::Array& array,
              Mask& mask) {
  if (array.type_id() == arrow::Type::NA) return ClearNulls(array, mask);
  FillByBytes(
      array, [&](std::string_view v) { return v.starts_with(leaf.prefix) != negated; },
      mask);
}

void FillMask(const Like& leaf, bool negated, const arrow::Array& array, Mask& mask) {
  if (array.type_id() == arrow::Type::NA) return ClearNulls(array, mask);
  const LikePattern pattern(leaf.pattern);
  FillByBytes(
      array, [&](std::string_view v) { return pattern.Matches(v) != negated; }, mask);
}

}  // namespace firn::expr

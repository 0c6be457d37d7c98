// SPDX-License-Identifier: Apache-2.0
// value_range.h: the least and greatest of a column's values, and whether bounds that a
// file states hold them. Internal to this room.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "expr/literal.h"
#include "parquet/bounds.h"
#include "parquet/schema.h"
#include "parquet/statistics.h"
#include "parquet/types.h"

namespace firn::parquet {

// A bound as people read it.
inline std::string BoundText(const ::parquet::ColumnDescriptor& column,
                             std::string_view encoded) {
  constexpr std::size_t kBytesMax = 64;
  const auto literal = DecodeBound(column, encoded.substr(0, kBytesMax));
  std::string text = literal.has_value()
                         ? expr::ToString(*literal)
                         : "a value of " + std::to_string(encoded.size()) + " bytes";
  if (encoded.size() > kBytesMax) text += "…";
  return text;
}

// A value that a file stores by the plain encoding, without a length. Compares by the
// column's order. Borrows the bytes. Copyable.
template <typename DType>
class StoredBound {
 public:
  using T = typename DType::c_type;

  // Nothing where the bytes are none of the type, or NaN: such a bound says nothing.
  static std::optional<StoredBound> Decode(const ::parquet::ColumnDescriptor& column,
                                           std::string_view encoded) {
    StoredBound bound;
    bound.bytes_ = encoded;
    const auto* data = reinterpret_cast<const std::uint8_t*>(encoded.data());
    if constexpr (std::is_same_v<T, ::parquet::ByteArray>) {
      bound.value_ = T(static_cast<std::uint32_t>(encoded.size()), data);
    } else if constexpr (std::is_same_v<T, ::parquet::FixedLenByteArray>) {
      bound.value_ = T(data);
      bound.is_cut_ = encoded.size() != static_cast<std::size_t>(column.type_length());
      // A number that was cut short is another number.
      const auto& logical = *column.logical_type();
      if (bound.is_cut_ &&
          (logical.is_decimal() || logical.is_float16() ||
           encoded.size() > static_cast<std::size_t>(column.type_length()))) {
        return std::nullopt;
      }
      if (logical.is_float16() && !DecodeBound(column, encoded).has_value()) {
        return std::nullopt;
      }
    } else {
      if (encoded.size() != sizeof(T)) return std::nullopt;
      if constexpr (std::is_same_v<T, bool>) {
        bound.value_ = encoded[0] != 0;
      } else {
        std::memcpy(&bound.value_, data, sizeof(T));
      }
      if constexpr (std::is_floating_point_v<T>) {
        if (std::isnan(bound.value_)) return std::nullopt;
      }
    }
    return bound;
  }

  // Whether this is less than `other`; one of them may be cut short.
  bool Less(const StoredBound& other,
            const ::parquet::TypedComparator<DType>& order) const {
    if (is_cut_ || other.is_cut_) return bytes_ < other.bytes_;
    return order.Compare(value_, other.value_);
  }

 private:
  StoredBound() = default;
  T value_{};
  std::string_view bytes_;
  bool is_cut_ = false;
};

// Thread-compatible. REQUIRES: HasBounds(column), which must outlive it.
template <typename DType>
class ValueRange {
 public:
  using T = typename DType::c_type;

  explicit ValueRange(const ::parquet::ColumnDescriptor& column)
      : column_(column),
        order_(::parquet::MakeComparator<DType>(&column)),
        values_(::parquet::MakeStatistics<DType>(&column)) {}

  void Add(const T* values, std::int64_t count) {
    if (count > 0) values_->Update(values, count, 0);
  }
  void Reset() { values_->Reset(); }

  // What is wrong with the bounds that a file states, or empty. `exact` ones have to be
  // the least and greatest values themselves.
  struct Misfit {
    std::string found;
    std::string expected;
  };
  std::optional<Misfit> Compare(const std::string* lower, bool lower_exact,
                                const std::string* upper, bool upper_exact) const {
    if (!values_->HasMinMax()) return std::nullopt;
    const std::string least = values_->EncodeMin();
    const std::string greatest = values_->EncodeMax();
    const auto low = Decode(lower);
    const auto high = Decode(upper);
    // Who wrote NaN for the one compared it with what became the other.
    if ((lower != nullptr && !low) || (upper != nullptr && !high)) return std::nullopt;
    if (low) {
      const auto value = Decode(&least);
      if (value && value->Less(*low, *order_)) {
        return Misfit{"min is " + Text(*lower), "at most " + Text(least)};
      }
      if (value && lower_exact && low->Less(*value, *order_)) {
        return Misfit{"exact min is " + Text(*lower), Text(least)};
      }
    }
    if (high) {
      const auto value = Decode(&greatest);
      if (value && high->Less(*value, *order_)) {
        return Misfit{"max is " + Text(*upper), "at least " + Text(greatest)};
      }
      if (value && upper_exact && value->Less(*high, *order_)) {
        return Misfit{"exact max is " + Text(*upper), Text(greatest)};
      }
    }
    return std::nullopt;
  }

  // Whether `a` is less than `b`, or nothing where either says nothing.
  std::optional<bool> Less(const std::string& a, const std::string& b) const {
    const auto first = Decode(&a);
    const auto second = Decode(&b);
    if (!first || !second) return std::nullopt;
    return first->Less(*second, *order_);
  }

 private:
  std::optional<StoredBound<DType>> Decode(const std::string* encoded) const {
    if (encoded == nullptr) return std::nullopt;
    return StoredBound<DType>::Decode(column_, *encoded);
  }
  std::string Text(const std::string& encoded) const {
    return BoundText(column_, encoded);
  }

  const ::parquet::ColumnDescriptor& column_;
  const std::shared_ptr<::parquet::TypedComparator<DType>> order_;
  const std::shared_ptr<::parquet::TypedStatistics<DType>> values_;
};

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
#include "parquet/bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "expr/number.h"
#include "parquet/schema.h"
#include "parquet/statistics.h"
#include "parquet/types.h"

namespace firn::parquet {
namespace {

using expr::Literal;
using ::parquet::LogicalType;
using ::parquet::Type;
using LogicalPtr = std::shared_ptr<const LogicalType>;

// A column with its descriptor, which refers to the node.
class Column {
 public:
  Column(Type::type physical, LogicalPtr logical, int length = -1,
         ::parquet::ColumnOrder order = ::parquet::ColumnOrder::type_defined_)
      : node_(::parquet::schema::PrimitiveNode::Make(
            "c", ::parquet::Repetition::OPTIONAL, std::move(logical), physical, length)) {
    static_cast<::parquet::schema::PrimitiveNode&>(*node_).SetColumnOrder(order);
  }
  std::optional<Literal> Decode(std::string_view encoded) const {
    return DecodeBound(descriptor(), encoded);
  }
  PlainValue Encode(const Literal& literal) const {
    return EncodePlain(descriptor(), literal);
  }
  Bounds Decode(const ::parquet::EncodedStatistics& statistics) const {
    return DecodeBounds(descriptor(), statistics);
  }
  bool has_bounds() const { return HasBounds(descriptor()); }

 private:
  ::parquet::ColumnDescriptor descriptor() const { return {node_, 1, 0}; }
  const ::parquet::schema::NodePtr node_;
};

template <typename T>
std::string Plain(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

TEST(Bounds, UnsignedIntegers) {
  const Column narrow(Type::INT32, LogicalType::Int(32, false));
  EXPECT_EQ(narrow.Decode(Plain(std::uint32_t{0xffffffff})),
            Literal(std::int64_t{0xffffffff}));
  const Column wide(Type::INT64, LogicalType::Int(64, false));
  EXPECT_EQ(wide.Decode(Plain(std::uint64_t{5})), Literal(std::int64_t{5}));
  const auto greatest = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(wide.Decode(Plain(greatest)), Literal(expr::Decimal{greatest, 0}));
  EXPECT_EQ(wide.Encode(expr::Decimal{greatest, 0}).bytes, Plain(greatest));
  EXPECT_EQ(wide.Encode(std::int64_t{-1}).kind, PlainValue::kNone);
  EXPECT_EQ(narrow.Encode(std::int64_t{1} << 32).kind, PlainValue::kNone);
  EXPECT_EQ(narrow.Encode(1.5).kind, PlainValue::kNone);
  EXPECT_EQ(narrow.Encode(Literal("1")).kind, PlainValue::kUnknown);
}

TEST(Bounds, DecimalsOfEveryPhysicalType) {
  const Column narrow(Type::INT32, LogicalType::Decimal(9, 2));
  EXPECT_EQ(narrow.Decode(Plain(std::int32_t{-150})), Literal(expr::Decimal{-150, 2}));
  EXPECT_EQ(narrow.Encode(-1.5).bytes, Plain(std::int32_t{-150}));
  EXPECT_EQ(narrow.Encode(expr::Decimal{1, 3}).kind, PlainValue::kNone);
  const Column wide(Type::INT64, LogicalType::Decimal(18, 0));
  EXPECT_EQ(wide.Decode(Plain(std::int64_t{7})), Literal(expr::Decimal{7, 0}));

  const Column fixed(Type::FIXED_LEN_BYTE_ARRAY, LogicalType::Decimal(20, 2), 9);
  const std::string minus_two = std::string(8, '\xff') + '\xfe';
  EXPECT_EQ(fixed.Decode(minus_two), Literal(expr::Decimal{-2, 2}));
  EXPECT_EQ(fixed.Encode(expr::Decimal{-2, 2}).bytes, minus_two);
  EXPECT_EQ(fixed.Encode(expr::Decimal{expr::kInt128Max, 2}).kind, PlainValue::kNone);
  EXPECT_FALSE(fixed.Decode(minus_two.substr(0, 8)).has_value()) << "cut short";

  const Column any(Type::BYTE_ARRAY, LogicalType::Decimal(60, 2));
  EXPECT_EQ(any.Decode(std::string(20, '\xff') + '\x80'),
            Literal(expr::Decimal{-128, 2}));
  EXPECT_EQ(any.Decode("\x01\x02"), Literal(expr::Decimal{258, 2}));
  EXPECT_FALSE(any.Decode('\x01' + std::string(16, '\0')).has_value()) << "129 bits";
  EXPECT_FALSE(any.Decode('\0' + std::string(16, '\xff')).has_value()) << "sign lost";
  EXPECT_FALSE(any.Decode("").has_value());
  EXPECT_EQ(any.Encode(expr::Decimal{1, 2}).kind, PlainValue::kUnknown);

  ::parquet::EncodedStatistics cut;
  cut.set_min("\x01").set_max("\x02");
  EXPECT_TRUE(any.Decode(cut).lower.has_value());
  cut.is_min_value_exact = false;
  EXPECT_FALSE(any.Decode(cut).lower.has_value());
  EXPECT_FALSE(any.Decode(cut).upper.has_value());
}

TEST(Bounds, TimesOfEveryUnit) {
  using Unit = LogicalType::TimeUnit;
  const Column ms(Type::INT32, LogicalType::Time(true, Unit::MILLIS));
  EXPECT_EQ(ms.Decode(Plain(std::int32_t{1})), Literal(expr::TimeOfDay{1'000'000}));
  EXPECT_EQ(ms.Encode(expr::TimeOfDay{1'000'001}).kind, PlainValue::kNone);
  EXPECT_EQ(ms.Encode(expr::TimeOfDay{3'000'000}).bytes, Plain(std::int32_t{3}));
  const Column us(Type::INT64, LogicalType::Time(true, Unit::MICROS));
  EXPECT_FALSE(us.Decode(Plain(std::numeric_limits<std::int64_t>::max())).has_value());

  const Column ns(Type::INT64, LogicalType::Timestamp(false, Unit::NANOS));
  EXPECT_EQ(ns.Decode(Plain(std::int64_t{-1})), Literal(expr::Timestamp{-1, 999}));
  EXPECT_EQ(ns.Encode(expr::Timestamp{-1, 999}).bytes, Plain(std::int64_t{-1}));
  EXPECT_EQ(ns.Encode(expr::Timestamp{std::int64_t{1} << 60}).kind, PlainValue::kNone);
  const Column ts_ms(Type::INT64, LogicalType::Timestamp(true, Unit::MILLIS));
  EXPECT_EQ(ts_ms.Decode(Plain(std::int64_t{-5})), Literal(expr::Timestamp{-5000}));
  EXPECT_FALSE(ts_ms.Decode(Plain(std::int64_t{1} << 60)).has_value());
  EXPECT_EQ(ts_ms.Encode(expr::Timestamp{1}).kind, PlainValue::kNone);
  EXPECT_EQ(ts_ms.Encode(expr::Date{1}).kind, PlainValue::kUnknown);
}

TEST(Bounds, RealNumbersThatAreNone) {
  const Column real(Type::DOUBLE, LogicalType::None());
  ::parquet::EncodedStatistics one_nan;
  one_nan.set_min(Plain(1.0)).set_max(Plain(std::nan("")));
  EXPECT_FALSE(real.Decode(one_nan).lower.has_value());
  EXPECT_FALSE(real.Decode(one_nan).upper.has_value());
  EXPECT_EQ(real.Encode(0.0).kind, PlainValue::kUnknown) << "-0.0 equals it";
  EXPECT_EQ(real.Encode(std::nan("")).kind, PlainValue::kUnknown);
  EXPECT_EQ(real.Encode(expr::Decimal{1, 1}).kind, PlainValue::kNone);
  EXPECT_EQ(real.Encode(expr::Decimal{5, 1}).bytes, Plain(0.5));
  EXPECT_EQ(real.Encode((std::int64_t{1} << 53) + 1).kind, PlainValue::kNone);

  const Column narrow(Type::FLOAT, LogicalType::None());
  EXPECT_EQ(narrow.Encode(0.1).kind, PlainValue::kNone);
  EXPECT_EQ(narrow.Encode(0.5).bytes, Plain(0.5f));
  const Column half(Type::FIXED_LEN_BYTE_ARRAY, LogicalType::Float16(), 2);
  EXPECT_EQ(half.Decode(Plain(std::uint16_t{0x3e00})), Literal(1.5));
  EXPECT_EQ(half.Encode(1.5).bytes, Plain(std::uint16_t{0x3e00}));
  EXPECT_EQ(half.Encode(1e-9).kind, PlainValue::kNone);
}

TEST(Bounds, OrdersThatAreNotKnown) {
  const auto undefined = ::parquet::ColumnOrder::undefined_;
  EXPECT_TRUE(Column(Type::INT64, LogicalType::None(), -1, undefined).has_bounds());
  EXPECT_FALSE(
      Column(Type::INT64, LogicalType::Int(64, false), -1, undefined).has_bounds());
  EXPECT_FALSE(
      Column(Type::BYTE_ARRAY, LogicalType::String(), -1, undefined).has_bounds());
  EXPECT_FALSE(
      Column(Type::BYTE_ARRAY, LogicalType::Decimal(9, 2), -1, undefined).has_bounds());
  EXPECT_FALSE(Column(Type::INT96, LogicalType::None()).has_bounds());
  EXPECT_FALSE(
      Column(Type::FIXED_LEN_BYTE_ARRAY, LogicalType::Interval(), 12).has_bounds());
  EXPECT_TRUE(Column(Type::FIXED_LEN_BYTE_ARRAY, LogicalType::UUID(), 16).has_bounds());
}

TEST(Bounds, FixedBytesOfAnotherLengthAreNotStored) {
  const Column id(Type::FIXED_LEN_BYTE_ARRAY, LogicalType::UUID(), 16);
  EXPECT_EQ(id.Encode(expr::Binary{"short"}).kind, PlainValue::kNone);
  EXPECT_EQ(id.Encode(expr::Binary{std::string(16, 'x')}).kind, PlainValue::kStored);
}

}  // namespace
}  // namespace firn::parquet

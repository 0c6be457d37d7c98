// SPDX-License-Identifier: Apache-2.0
// Random data of one type, in a file of a random layout, under random predicates: what
// pruned reading and SelectRows leave is what the oracle selects of the rows written.
//
// FIRN_CASES in the environment is the number of cases a type, each a file and a
// predicate; a failure names its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrow/array/array_primitive.h"
#include "arrow/io/memory.h"
#include "arrow/record_batch.h"
#include "arrow/table.h"

#include "expr/select.h"
#include "parquet/arrow/writer.h"
#include "parquet/properties.h"
#include "parquet/reader.h"
#include "parquet/test_objects.h"
#include "parquet/test_predicates.h"

namespace firn::parquet {
namespace {

using expr::Literal;
using TypePtr = std::shared_ptr<arrow::DataType>;

int CaseCount() {
  const char* text = std::getenv("FIRN_CASES");
  return text != nullptr ? std::atoi(text) : 210;
}
// Writing takes longer than asking: a file serves several cases.
constexpr int kPredicatesPerFile = 3;

struct TypeCase {
  std::string name;
  TypePtr type;
};

std::vector<TypeCase> AllTypes() {
  using arrow::TimeUnit;
  return {{"bool", arrow::boolean()},
          {"int8", arrow::int8()},
          {"int16", arrow::int16()},
          {"int32", arrow::int32()},
          {"int64", arrow::int64()},
          {"uint8", arrow::uint8()},
          {"uint16", arrow::uint16()},
          {"uint32", arrow::uint32()},
          {"uint64", arrow::uint64()},
          {"half", arrow::float16()},
          {"float", arrow::float32()},
          {"double", arrow::float64()},
          {"decimal7_2", arrow::decimal128(7, 2)},
          {"decimal18_3", arrow::decimal128(18, 3)},
          {"decimal38_10", arrow::decimal128(38, 10)},
          {"decimal50_5", arrow::decimal256(50, 5)},
          {"string", arrow::utf8()},
          {"large_string", arrow::large_utf8()},
          {"binary", arrow::binary()},
          {"fixed5", arrow::fixed_size_binary(5)},
          {"fixed16", arrow::fixed_size_binary(16)},
          {"date", arrow::date32()},
          {"time_ms", arrow::time32(TimeUnit::MILLI)},
          {"time_us", arrow::time64(TimeUnit::MICRO)},
          {"time_ns", arrow::time64(TimeUnit::NANO)},
          {"timestamp_s", arrow::timestamp(TimeUnit::SECOND)},
          {"timestamp_ms", arrow::timestamp(TimeUnit::MILLI)},
          {"timestamp_us", arrow::timestamp(TimeUnit::MICRO)},
          {"timestamp_ns", arrow::timestamp(TimeUnit::NANO)},
          {"timestamp_ms_utc", arrow::timestamp(TimeUnit::MILLI, "UTC")},
          {"timestamp_us_utc", arrow::timestamp(TimeUnit::MICRO, "UTC")},
          {"timestamp_ns_utc", arrow::timestamp(TimeUnit::NANO, "UTC")}};
}

// Appends the value that a literal stands for; `as` makes it of the literal.
template <typename Builder, typename As>
void Fill(arrow::ArrayBuilder& builder, const std::vector<Cell>& cells, As as) {
  auto& typed = static_cast<Builder&>(builder);
  for (const Cell& cell : cells) {
    const auto status = cell ? typed.Append(as(*cell)) : typed.AppendNull();
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
}

template <typename Builder>
void FillIntegers(arrow::ArrayBuilder& builder, const std::vector<Cell>& cells) {
  Fill<Builder>(builder, cells, [](const Literal& literal) {
    using Value = typename Builder::value_type;
    if (const auto* wide = std::get_if<expr::Decimal>(&literal)) {
      return static_cast<Value>(wide->unscaled);
    }
    return static_cast<Value>(std::get<std::int64_t>(literal));
  });
}

arrow::Decimal128 Decimal128Of(const Literal& literal) {
  const auto unscaled = std::get<expr::Decimal>(literal).unscaled;
  return {static_cast<std::int64_t>(unscaled >> 64),
          static_cast<std::uint64_t>(unscaled)};
}

std::int64_t TimeCount(const Literal& literal, arrow::TimeUnit::type unit) {
  std::int64_t unit_ns = 1;
  if (unit == arrow::TimeUnit::SECOND) unit_ns = 1'000'000'000;
  if (unit == arrow::TimeUnit::MILLI) unit_ns = 1'000'000;
  if (unit == arrow::TimeUnit::MICRO) unit_ns = 1000;
  if (const auto* time = std::get_if<expr::TimeOfDay>(&literal)) {
    return time->ns / unit_ns;
  }
  const auto& point = std::get<expr::Timestamp>(literal);
  const auto ns = static_cast<expr::Decimal::Unscaled>(point.us) * 1000 + point.ns;
  return static_cast<std::int64_t>(ns / unit_ns);
}

void FillArray(arrow::ArrayBuilder& b, const arrow::DataType& type,
               const std::vector<Cell>& cells) {
  using arrow::Type;
  const auto real = [](const Literal& v) { return std::get<double>(v); };
  const auto text = [](const Literal& v) { return std::get<std::string>(v); };
  const auto bytes = [](const Literal& v) { return std::get<expr::Binary>(v).bytes; };
  switch (type.id()) {
    case Type::BOOL:
      return Fill<arrow::BooleanBuilder>(
          b, cells, [](const Literal& v) { return std::get<bool>(v); });
    case Type::INT8:
      return FillIntegers<arrow::Int8Builder>(b, cells);
    case Type::INT16:
      return FillIntegers<arrow::Int16Builder>(b, cells);
    case Type::INT32:
      return FillIntegers<arrow::Int32Builder>(b, cells);
    case Type::INT64:
      return FillIntegers<arrow::Int64Builder>(b, cells);
    case Type::UINT8:
      return FillIntegers<arrow::UInt8Builder>(b, cells);
    case Type::UINT16:
      return FillIntegers<arrow::UInt16Builder>(b, cells);
    case Type::UINT32:
      return FillIntegers<arrow::UInt32Builder>(b, cells);
    case Type::UINT64:
      return FillIntegers<arrow::UInt64Builder>(b, cells);
    case Type::HALF_FLOAT:
      return Fill<arrow::HalfFloatBuilder>(b, cells, [](const Literal& v) {
        return arrow::util::Float16::FromDouble(std::get<double>(v)).bits();
      });
    case Type::FLOAT:
      return Fill<arrow::FloatBuilder>(b, cells, [](const Literal& v) {
        return static_cast<float>(std::get<double>(v));
      });
    case Type::DOUBLE:
      return Fill<arrow::DoubleBuilder>(b, cells, real);
    case Type::DECIMAL128:
      return Fill<arrow::Decimal128Builder>(b, cells, Decimal128Of);
    case Type::DECIMAL256:
      return Fill<arrow::Decimal256Builder>(
          b, cells, [](const Literal& v) { return arrow::Decimal256(Decimal128Of(v)); });
    case Type::DATE32:
      return Fill<arrow::Date32Builder>(
          b, cells, [](const Literal& v) { return std::get<expr::Date>(v).days; });
    case Type::TIME32:
      return Fill<arrow::Time32Builder>(b, cells, [](const Literal& v) {
        return static_cast<std::int32_t>(TimeCount(v, arrow::TimeUnit::MILLI));
      });
    case Type::TIME64:
      return Fill<arrow::Time64Builder>(b, cells, [&](const Literal& v) {
        return TimeCount(v, static_cast<const arrow::TimeType&>(type).unit());
      });
    case Type::TIMESTAMP:
      return Fill<arrow::TimestampBuilder>(b, cells, [&](const Literal& v) {
        return TimeCount(v, static_cast<const arrow::TimestampType&>(type).unit());
      });
    case Type::STRING:
      return Fill<arrow::StringBuilder>(b, cells, text);
    case Type::LARGE_STRING:
      return Fill<arrow::LargeStringBuilder>(b, cells, text);
    case Type::BINARY:
      return Fill<arrow::BinaryBuilder>(b, cells, bytes);
    case Type::FIXED_SIZE_BINARY:
      return Fill<arrow::FixedSizeBinaryBuilder>(b, cells, bytes);
    default:
      FAIL() << "no values of " << type.ToString();
  }
}

std::shared_ptr<arrow::Array> ToArray(const TypePtr& type,
                                      const std::vector<Cell>& cells) {
  const auto builder = arrow::MakeBuilder(type).ValueOrDie();
  FillArray(*builder, *type, cells);
  return builder->Finish().ValueOrDie();
}

// Values with runs of NULL, and sorted sometimes, so that groups and pages differ.
std::vector<Cell> RandomCells(ValueMaker& values, int rows) {
  std::vector<Cell> cells;
  const int null_percent = values.Below(3) * 10;
  while (static_cast<int>(cells.size()) < rows) {
    if (values.Chance(null_percent)) {
      for (int run = values.Below(40); run >= 0; --run) cells.emplace_back();
    } else {
      const Cell value = values.Value();
      for (int run = values.Chance(50) ? 0 : values.Below(40); run >= 0; --run) {
        cells.push_back(value);
      }
    }
  }
  cells.resize(static_cast<std::size_t>(rows));
  if (values.Chance(40)) {
    std::stable_sort(cells.begin(), cells.end(), [](const Cell& a, const Cell& b) {
      if (!a || !b) return a.has_value() < b.has_value();
      return (OrdinalOf(*a) <=> OrdinalOf(*b)) < 0;
    });
  }
  return cells;
}

std::string WriteRandomLayout(ValueMaker& values, const TypePtr& type,
                              const arrow::Table& table) {
  ::parquet::WriterProperties::Builder builder;
  const auto version = values.Chance(80) ? ::parquet::ParquetVersion::PARQUET_2_6
                                         : ::parquet::ParquetVersion::PARQUET_2_4;
  // 2.4 has no nanoseconds: they would be rounded on the way.
  const bool nanoseconds =
      type->id() == arrow::Type::TIMESTAMP &&
      static_cast<const arrow::TimestampType&>(*type).unit() == arrow::TimeUnit::NANO;
  builder.version(nanoseconds ? ::parquet::ParquetVersion::PARQUET_2_6 : version);
  builder.data_page_version(values.Chance(50) ? ::parquet::ParquetDataPageVersion::V1
                                              : ::parquet::ParquetDataPageVersion::V2);
  builder.write_batch_size(1 + values.Below(30));
  builder.max_rows_per_page(1 + values.Below(60));
  builder.dictionary_pagesize_limit(1 + values.Below(2000));
  if (values.Chance(40)) builder.disable_dictionary();
  if (values.Chance(25)) builder.disable_statistics();
  if (values.Chance(20)) builder.max_statistics_size(3);
  if (values.Chance(70)) {
    builder.enable_write_page_index();
  } else {
    builder.disable_write_page_index();
  }
  if (values.Chance(50)) builder.enable_store_decimal_as_integer();
  if (values.Chance(40) && type->id() != arrow::Type::BOOL) {
    builder.enable_bloom_filter("c", {.ndv = 64, .fpp = 0.02});
  }
  ::parquet::ArrowWriterProperties::Builder arrow_builder;
  if (values.Chance(60)) arrow_builder.store_schema();
  const auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto status = ::parquet::arrow::WriteTable(
      table, arrow::default_memory_pool(), sink, 1 + values.Below(200), builder.build(),
      arrow_builder.build());
  EXPECT_TRUE(status.ok()) << status.ToString();
  return sink->Finish().ValueOrDie()->ToString();
}

// Stages that pruned something, summed over all cases of a type.
struct Pruned {
  std::int64_t by_statistics = 0;
  std::int64_t by_bloom = 0;
  std::int64_t by_page_index = 0;
  std::int64_t by_dictionary = 0;
  std::int64_t pages = 0;
  std::int64_t rows = 0;
};

class PredicateProperty : public testing::TestWithParam<TypeCase> {
 protected:
  // The numbers of the rows selected of what is read under `predicate`, which may be
  // null.
  std::vector<std::int64_t> ReadAndSelect(FileReader& reader, ScanSpec spec,
                                          const expr::Predicate& select) {
    std::vector<std::int64_t> selected;
    auto plan = reader.Plan(context_, spec);
    EXPECT_TRUE(plan.ok()) << plan.status();
    if (!plan.ok()) return selected;
    pruned_.by_statistics += plan->row_groups_pruned_by_statistics;
    pruned_.by_bloom += plan->row_groups_pruned_by_bloom;
    pruned_.by_page_index += plan->row_groups_pruned_by_page_index;
    pruned_.by_dictionary += plan->row_groups_pruned_by_dictionary;
    pruned_.pages += plan->pages_pruned;
    EXPECT_EQ(plan->row_groups_pruned, plan->row_groups_pruned_by_statistics +
                                           plan->row_groups_pruned_by_bloom +
                                           plan->row_groups_pruned_by_page_index +
                                           plan->row_groups_pruned_by_dictionary);
    auto stream = reader.Read(context_, spec, *plan);
    EXPECT_TRUE(stream.ok()) << stream.status();
    if (!stream.ok()) return selected;
    std::vector<std::uint8_t> mask;
    while (true) {
      auto batch = (*stream)->Next();
      EXPECT_TRUE(batch.ok()) << batch.status();
      if (!batch.ok() || *batch == nullptr) break;
      pruned_.rows -= (*batch)->num_rows();
      expr::SelectRows(select, **batch, mask);
      const auto& n =
          static_cast<const arrow::Int64Array&>(*(*batch)->GetColumnByName("n"));
      for (std::int64_t i = 0; i < n.length(); ++i) {
        if (mask[static_cast<std::size_t>(i)] != 0) selected.push_back(n.Value(i));
      }
    }
    return selected;
  }

  void RunFile(std::uint64_t seed) {
    const TypePtr& type = GetParam().type;
    ValueMaker values(type, seed);
    const int rows = values.Chance(5) ? 0 : values.Below(300);
    const std::vector<Cell> c = RandomCells(values, rows);
    const std::vector<Cell> e = RandomCells(values, rows);
    std::vector<Cell> numbers;
    for (std::int64_t i = 0; i < rows; ++i) numbers.emplace_back(i);
    const auto table = arrow::Table::Make(
        arrow::schema({arrow::field("n", arrow::int64(), false), arrow::field("c", type),
                       arrow::field("e", type)}),
        {ToArray(arrow::int64(), numbers), ToArray(type, c), ToArray(type, e)}, rows);
    auto reader = FileReader::Open(
        context_, std::make_shared<StringReader>(WriteRandomLayout(values, type, *table)),
        "memory://w/a.parquet", {});
    ASSERT_TRUE(reader.ok()) << reader.status();

    const auto ordinals = [](const std::vector<Cell>& cells) {
      std::vector<std::optional<Ordinal>> out;
      for (const Cell& cell : cells) {
        out.push_back(cell ? std::optional(OrdinalOf(*cell)) : std::nullopt);
      }
      return out;
    };
    const auto c_ordinals = ordinals(c);
    const auto e_ordinals = ordinals(e);
    PredicateMaker predicates(values, {"c", "e"});
    for (int i = 0; i < kPredicatesPerFile; ++i) {
      const expr::PredicatePtr predicate = predicates.Tree(2);
      std::vector<std::int64_t> expected;
      for (std::int64_t row = 0; row < rows; ++row) {
        const RowOracle oracle([&](const std::string& column) -> const Ordinal* {
          const auto& cell = (column == "c" ? c_ordinals : e_ordinals)[row];
          return cell ? &*cell : nullptr;
        });
        if (oracle.Eval(*predicate) == true) expected.push_back(row);
      }
      ScanSpec spec;
      spec.batch_rows = 1 + values.Below(100);
      spec.predicate = predicate;
      pruned_.rows += rows;
      ASSERT_EQ(ReadAndSelect(**reader, spec, *predicate), expected)
          << GetParam().name << ", seed " << seed << ": " << ToString(*predicate);
      spec.predicate = nullptr;
      pruned_.rows += rows;
      ASSERT_EQ(ReadAndSelect(**reader, spec, *predicate), expected)
          << GetParam().name << ", seed " << seed
          << ", unpruned: " << ToString(*predicate);
    }
  }

  base::Context context_;
  Pruned pruned_;
};

TEST_P(PredicateProperty, PrunedReadingIsPlainReading) {
  const int cases = CaseCount();
  for (int seed = 0; seed * kPredicatesPerFile < cases; ++seed) {
    RunFile(static_cast<std::uint64_t>(seed));
    if (HasFatalFailure()) return;
  }
  // The test would pass if nothing were pruned: each stage must have had a part.
  if (cases < 210) return;
  EXPECT_GT(pruned_.by_statistics, 0);
  EXPECT_GT(pruned_.by_page_index, 0);
  EXPECT_GT(pruned_.pages, 0);
  EXPECT_GT(pruned_.rows, 0);
  if (GetParam().type->id() == arrow::Type::BOOL) return;  // Has neither of the two.
  EXPECT_GT(pruned_.by_bloom, 0);
  EXPECT_GT(pruned_.by_dictionary, 0);
}

INSTANTIATE_TEST_SUITE_P(EveryType, PredicateProperty, testing::ValuesIn(AllTypes()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace firn::parquet

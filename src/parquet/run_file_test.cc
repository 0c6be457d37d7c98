// SPDX-License-Identifier: Apache-2.0
// Run-end encoded columns come back as the same rows, with the same report, as those
// spelled out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "arrow/array/util.h"

#include "parquet/reader.h"
#include "parquet/test_objects.h"
#include "parquet/test_runs.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using testing::HasSubstr;

std::vector<ColumnRef> AllColumns(const arrow::RecordBatch& batch) {
  const std::map<std::string, int> ids = {{"n", 1},   {"d", 5},       {"i", 3},
                                          {"s", 7},   {"metric", 8},  {"b", 9},
                                          {"id", 10}, {"labels", 20}, {"events", 26}};
  std::vector<ColumnRef> columns;
  for (const auto& field : batch.schema()->fields()) {
    columns.push_back({field->name(), ids.at(field->name())});
  }
  return columns;
}

TEST(RunFile, RowsAndReportAreThoseOfTheSpelledOut) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](std::int64_t n) {
      return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
    };
    const std::int64_t longest = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 9 : 200;
    std::vector<std::int32_t> ends;
    for (std::int64_t end = 0; end < 1500;) {
      end += 1 + below(longest);
      ends.push_back(static_cast<std::int32_t>(end));
    }
    const Rows rows = MakeRows(ends, seed);
    WriterOptions options;
    options.row_group_rows = 100 + below(2000);
    options.page_rows = 1 + below(300);
    options.page_bytes = 200 + below(10'000);
    options.dictionary_bytes = 1 + below(4000);
    options.default_column.dictionary = below(4) != 0;
    options.default_column.statistics = below(4) != 0;
    options.page_version = below(2) == 0 ? PageVersion::kV1 : PageVersion::kV2;
    std::string spelled_out, in_runs;
    const std::int64_t batch_rows = 1 + below(700);
    const auto expected = WriteIn(*rows.spelled_out, batch_rows, options, spelled_out);
    const auto report = WriteIn(*rows.in_runs, batch_rows, options, in_runs);
    ASSERT_TRUE(expected.ok()) << expected.status();
    ASSERT_TRUE(report.ok()) << report.status();

    EXPECT_EQ(report->row_count, expected->row_count);
    EXPECT_EQ(report->split_offsets.size(), expected->split_offsets.size());
    ASSERT_EQ(report->columns.size(), expected->columns.size());
    for (std::size_t i = 0; i < report->columns.size(); ++i) {
      const ColumnReport& a = report->columns[i];
      const ColumnReport& b = expected->columns[i];
      EXPECT_EQ(a.field_id, b.field_id);
      EXPECT_EQ(a.path, b.path);
      EXPECT_EQ(a.value_count, b.value_count) << a.path;
      EXPECT_EQ(a.null_count, b.null_count) << a.path;
      EXPECT_EQ(a.nan_count, b.nan_count) << a.path;
      EXPECT_EQ(a.lower, b.lower) << a.path;
      EXPECT_EQ(a.upper, b.upper) << a.path;
    }
    ScanSpec spec;
    spec.columns = AllColumns(*rows.spelled_out);
    ExpectRows(in_runs, spec, *rows.spelled_out, true);
    spec.predicate_columns = {{"metric", 8}, {"i", 3}};
    spec.predicate = expr::Conjoin(
        expr::MakePredicate(
            expr::Compare{"metric", expr::CompareOp::kEq, std::string("metric_101")}),
        expr::MakePredicate(expr::Compare{"i", expr::CompareOp::kLt, std::int64_t{0}}));
    ExpectRows(in_runs, spec, *rows.spelled_out, false);
  }
}

TEST(RunFile, PagesArePrunedByTheirBounds) {
  std::vector<std::int32_t> ends;
  for (std::int32_t end = 50; end <= 5000; end += 50) ends.push_back(end);
  const Rows rows = MakeRows(ends, 1);
  WriterOptions options;
  options.page_rows = 100;
  std::string bytes;
  ASSERT_TRUE(WriteIn(*rows.in_runs, 1000, options, bytes).ok());
  const base::Context context;
  const auto reader =
      FileReader::Open(context, std::make_shared<StringReader>(bytes), "m", {});
  ScanSpec spec;
  spec.columns = {{"n", 1}};
  spec.predicate_columns = {{"metric", 8}};
  spec.predicate = expr::MakePredicate(
      expr::Compare{"metric", expr::CompareOp::kEq, std::string("metric_101")});
  const auto stream =
      (*reader)->Read(context, spec, (*reader)->Plan(context, spec).value());
  std::vector<std::int64_t> found;
  while (const auto batch = (*stream)->Next().value()) {
    const auto& n = static_cast<const arrow::Int64Array&>(*batch->column(0));
    for (std::int64_t i = 0; i < n.length(); ++i) found.push_back(n.Value(i));
  }
  // Metric 101 has the runs 35 to 69: rows 1750 to 3499.
  ASSERT_FALSE(found.empty());
  EXPECT_LE(found.front(), 1750);
  EXPECT_GE(found.back(), 3499);
  EXPECT_LE(found.size(), 1750u + 2 * 100);
}

TEST(RunFile, RefusesWhatItCannotWrite) {
  const Rows rows = MakeRows({3, 6}, 1);
  const auto write = [](const std::shared_ptr<arrow::Field>& field,
                        const std::shared_ptr<arrow::Array>& array,
                        const WriterOptions& options = {}) {
    std::string bytes;
    return WriteIn(*arrow::RecordBatch::Make(arrow::schema({field}), array->length(),
                                             {array}),
                   10, options, bytes)
        .status();
  };
  const auto null_text =
      InRuns(arrow::MakeArrayOfNull(arrow::utf8(), 1).ValueOrDie(), {5});
  const auto required = Id(arrow::field("s", null_text->type(), false), 1);
  Status status = write(required, null_text);
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("column s: NULL, but required"));

  const auto optional = Id(arrow::field("s", null_text->type()), 1);
  EXPECT_TRUE(write(optional, null_text).ok());

  arrow::DoubleBuilder one;
  ASSERT_TRUE(one.Append(1).ok());
  const auto doubles = InRuns(one.Finish().ValueOrDie(), {5});
  status = write(Id(arrow::field("d", doubles->type()), 1), doubles);
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("column d: runs of double must be NULL"));

  // A list beside runs.
  std::string bytes;
  const auto events = EveryTypeBatch(6, 1);
  const auto both = arrow::RecordBatch::Make(
      arrow::schema({rows.in_runs->schema()->GetFieldByName("s"),
                     events->schema()->GetFieldByName("events")}),
      6, {rows.in_runs->GetColumnByName("s"), events->GetColumnByName("events")});
  status = WriteIn(*both, 10, {}, bytes).status();
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("beside run-end encoded columns"));
}

TEST(RunFile, AFullDiskEndsTheFile) {
  std::string bytes = "untouched";
  auto object = std::make_unique<StringWriter>(bytes);
  object->set_limit_bytes(3000);
  const Rows rows = MakeRows({500, 1000, 2000}, 1);
  WriterOptions options;
  options.row_group_rows = 500;
  auto writer = FileWriter::Open(std::move(object), rows.in_runs->schema(), options);
  ASSERT_TRUE(writer.ok());
  const Status status = (*writer)->Write(*rows.in_runs);
  EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted)) << status;
  EXPECT_EQ(std::move(**writer).Finish().status(), status);
  writer->reset();
  EXPECT_EQ(bytes, "untouched");
}

}  // namespace
}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
#include "parquet/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "arrow/array/builder_dict.h"

#include "parquet/memory_pool.h"
#include "parquet/reader.h"
#include "parquet/test_objects.h"

namespace firn::parquet {
namespace {

using expr::Literal;
using testing::HasSubstr;

std::shared_ptr<arrow::RecordBatch> Doubles(const std::vector<double>& values) {
  arrow::DoubleBuilder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  EXPECT_TRUE(builder.AppendNull().ok());
  const auto array = builder.Finish().ValueOrDie();
  return arrow::RecordBatch::Make(
      arrow::schema({Id(arrow::field("v", arrow::float64()), 1)}), array->length(),
      {array});
}

Result<FileReport> WriteAll(
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
    const WriterOptions& options, std::string& bytes) {
  FIRN_ASSIGN_OR_RETURN(auto writer,
                        FileWriter::Open(std::make_unique<StringWriter>(bytes),
                                         batches.front()->schema(), options));
  for (const auto& batch : batches) FIRN_RETURN_IF_ERROR(writer->Write(*batch));
  return std::move(*writer).Finish();
}

TEST(FileWriter, ReportsWhatAManifestNeeds) {
  std::string bytes;
  WriterOptions options;
  options.row_group_rows = 400;
  const auto report = WriteAll({EveryTypeBatch(1000, 1)}, options, bytes);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->row_count, 1000);
  EXPECT_EQ(report->size_bytes, static_cast<std::int64_t>(bytes.size()));
  ASSERT_EQ(report->split_offsets.size(), 3u);
  EXPECT_EQ(report->split_offsets[0], 4);
  EXPECT_LT(report->split_offsets[1], report->split_offsets[2]);
  std::map<int, ColumnReport> by_id;
  for (const ColumnReport& column : report->columns) by_id[column.field_id] = column;
  ASSERT_EQ(by_id.size(), 19u);
  EXPECT_EQ(by_id[1].lower, Literal(std::int64_t{0}));
  EXPECT_EQ(by_id[1].upper, Literal(std::int64_t{999}));
  EXPECT_EQ(by_id[1].null_count, 0);
  EXPECT_EQ(by_id[1].nan_count, -1);
  EXPECT_EQ(by_id[2].lower, Literal(false));
  EXPECT_EQ(by_id[8].lower, Literal("metric_100"));
  EXPECT_EQ(by_id[8].upper, Literal("metric_128"));
  EXPECT_EQ(by_id[10].lower, Literal(expr::Binary{std::string(16, '\0')}));
  EXPECT_EQ(by_id[11].lower, Literal(expr::Timestamp{1'700'000'000'000'000}));
  EXPECT_EQ(by_id[11].upper, Literal(expr::Timestamp{1'700'000'090'000'000}));
  EXPECT_EQ(by_id[12].lower, Literal(expr::Date{19'000}));
  EXPECT_GT(by_id[5].nan_count, 0);
  EXPECT_GT(by_id[5].null_count, 0);
  EXPECT_EQ(by_id[5].value_count, 1000);
  EXPECT_EQ(by_id[21].path, "labels.key_value.key");
  EXPECT_GT(by_id[21].value_count, 1000) << "elements, and one for each empty map";
  EXPECT_FALSE(by_id[21].lower.has_value()) << "inside a map";
  EXPECT_EQ(by_id[25].nan_count, -1) << "inside a list";
  EXPECT_EQ(by_id[27].path, "point.x");
  EXPECT_GT(by_id[27].nan_count, 0) << "a struct is not a list";
  EXPECT_TRUE(by_id[27].lower.has_value());
}

TEST(FileWriter, BoundsLeaveNaNOutAndSignZeros) {
  const double nan = std::nan("");
  std::string bytes;
  WriterOptions options;
  auto report = WriteAll({Doubles({nan, 1.5, -2.5})}, options, bytes);
  EXPECT_EQ(report->columns[0].lower, Literal(-2.5));
  EXPECT_EQ(report->columns[0].upper, Literal(1.5));
  EXPECT_EQ(report->columns[0].nan_count, 1);
  EXPECT_EQ(report->columns[0].null_count, 1);
  report = WriteAll({Doubles({0.0, nan, -0.0})}, options, bytes);
  EXPECT_TRUE(std::signbit(std::get<double>(*report->columns[0].lower)));
  EXPECT_FALSE(std::signbit(std::get<double>(*report->columns[0].upper)));
  report = WriteAll({Doubles({nan, nan})}, options, bytes);
  EXPECT_FALSE(report->columns[0].lower.has_value());
  EXPECT_FALSE(report->columns[0].upper.has_value());
  EXPECT_EQ(report->columns[0].nan_count, 2);
  // A row group of NaN alone has no bounds, and takes none from the others.
  options.row_group_rows = 3;
  report = WriteAll({Doubles({nan, nan}), Doubles({7.0, 8.0})}, options, bytes);
  EXPECT_EQ(report->split_offsets.size(), 2u);
  EXPECT_EQ(report->columns[0].lower, Literal(7.0));
  EXPECT_EQ(report->columns[0].upper, Literal(8.0));
}

TEST(FileWriter, NoBoundsWithoutStatisticsOrBeyondFourKilobytes) {
  arrow::StringBuilder text;
  ASSERT_TRUE(text.Append(std::string(5000, 'x')).ok() && text.Append("a").ok());
  const auto batch =
      arrow::RecordBatch::Make(arrow::schema({Id(arrow::field("s", arrow::utf8()), 1)}),
                               2, {text.Finish().ValueOrDie()});
  std::string bytes;
  auto report = WriteAll({batch}, {}, bytes);
  EXPECT_FALSE(report->columns[0].lower.has_value());
  EXPECT_EQ(report->columns[0].null_count, 0);
  WriterOptions options;
  options.default_column.statistics = false;
  report = WriteAll({batch}, options, bytes);
  EXPECT_EQ(report->columns[0].null_count, -1);
}

TEST(FileWriter, EmptyFileIsValid) {
  std::string bytes;
  const auto report = WriteAll({EveryTypeBatch(0, 1)}, {}, bytes);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->row_count, 0);
  EXPECT_TRUE(report->split_offsets.empty());
  EXPECT_FALSE(report->columns[0].lower.has_value());
  const base::Context context;
  const auto reader =
      FileReader::Open(context, std::make_shared<StringReader>(bytes), "m", {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->row_count(), 0);
  const auto stream = (*reader)->Read(context, {}, (*reader)->Plan(context, {}).value());
  EXPECT_EQ((*stream)->Next().value(), nullptr);
}

TEST(FileWriter, DictionaryInputAndKeyValues) {
  const auto field =
      Id(arrow::field("s", arrow::dictionary(arrow::int32(), arrow::utf8())), 1);
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (const char* word : {"up", "down", "up"}) {
    arrow::StringDictionary32Builder words;
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(words.Append(word).ok());
    ASSERT_TRUE(words.AppendNull().ok());
    batches.push_back(arrow::RecordBatch::Make(arrow::schema({field}), 1001,
                                               {words.Finish().ValueOrDie()}));
  }
  std::string bytes;
  WriterOptions options;
  options.key_values = {{"iceberg.schema", "{}"}};
  const auto report = WriteAll(batches, options, bytes);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->columns[0].lower, Literal("down"));
  EXPECT_EQ(report->columns[0].null_count, 3);
  EXPECT_LT(report->columns[0].size_bytes, 200)
      << "dictionaries that change from batch to batch are stored as one";
  const base::Context context;
  const auto reader =
      FileReader::Open(context, std::make_shared<StringReader>(bytes), "m", {});
  EXPECT_EQ((*reader)->schema()->field(0)->type()->ToString(), "string");
  EXPECT_EQ((*reader)->FindKeyValue("iceberg.schema"), "{}");
  EXPECT_EQ((*reader)->FindKeyValue("absent"), std::nullopt);
}

TEST(FileWriter, RefusesWhatCannotBeWritten) {
  std::string bytes;
  const auto codes =
      Id(arrow::field("c", arrow::dictionary(arrow::int32(), arrow::int64())), 1);
  const Status status =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), arrow::schema({codes}), {})
          .status();
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("column c: dictionary of int64"));

  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), EveryTypeSchema(), {});
  ASSERT_TRUE(writer.ok());
  EXPECT_TRUE((*writer)->Write(*Doubles({1})).Is(StatusCode::kInvalidArgument));
  EXPECT_TRUE((*writer)->Write(*EveryTypeBatch(5, 1)).ok()) << "nothing was harmed";
}

TEST(FileWriter, AFullDiskEndsTheFile) {
  std::string bytes = "untouched";
  auto object = std::make_unique<StringWriter>(bytes);
  object->set_limit_bytes(10'000);
  WriterOptions options;
  options.row_group_rows = 500;
  auto writer = FileWriter::Open(std::move(object), EveryTypeSchema(), options);
  ASSERT_TRUE(writer.ok());
  Status status;
  for (int i = 0; i < 10 && status.ok(); ++i) {
    status = (*writer)->Write(*EveryTypeBatch(500, 1));
  }
  EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("disk full"));
  EXPECT_EQ((*writer)->Write(*EveryTypeBatch(1, 1)), status) << "refused from then on";
  EXPECT_EQ(std::move(**writer).Finish().status(), status);
  writer->reset();
  EXPECT_EQ(bytes, "untouched");
}

TEST(FileWriter, HoldsLessThanTwoRowGroups) {
  base::ByteBudget budget("writer", std::int64_t{1} << 40);
  BudgetMemoryPool pool(budget);
  std::string bytes;
  WriterOptions options;
  options.pool = &pool;
  options.row_group_bytes = 2 << 20;
  options.page_bytes = 64 << 10;
  options.dictionary_bytes = 64 << 10;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches(20, EveryTypeBatch(5000, 1));
  const auto report = WriteAll(batches, options, bytes);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->split_offsets.size(), 5u);
  // Beside the row group, every leaf has a page and a dictionary in the making.
  const auto leaves = static_cast<std::int64_t>(report->columns.size());
  EXPECT_LT(pool.max_memory(),
            2 * options.row_group_bytes +
                leaves * (options.page_bytes + options.dictionary_bytes));
  EXPECT_EQ(budget.used_bytes(), 0);

  base::ByteBudget tight("tight", 200'000);
  BudgetMemoryPool small(tight);
  options.pool = &small;
  const Status status = WriteAll(batches, options, bytes).status();
  EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted)) << status;
  EXPECT_EQ(tight.used_bytes(), 0);
}

}  // namespace
}  // namespace firn::parquet

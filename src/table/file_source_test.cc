// SPDX-License-Identifier: Apache-2.0
// Parquet files without a table: which there are, what their schemas come to, and what a
// scan of them reads.
#include "table/file_source.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/float16.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/memory_store.h"
#include "parquet/writer.h"
#include "table/data_files.h"
#include "table/type_widening.h"

namespace firn::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FileSourceTest : public testing::Test {
 protected:
  void Put(const std::string& name, std::string_view bytes = "x") {
    EXPECT_TRUE(store_.PutIfAbsent(context_, "memory://w/" + name, bytes).ok());
  }
  std::vector<std::string> Find(const std::string& text) {
    const auto found = FindDataFiles(context_, store_, text);
    if (!found.ok()) return {found.status().ToString()};
    std::vector<std::string> names;
    for (const std::string& at : found->locations) names.push_back(at.substr(11));
    return names;
  }

  void Write(const std::string& name, const arrow::RecordBatch& batch,
             std::int64_t row_group_rows = 100) {
    parquet::WriterOptions options;
    options.row_group_rows = row_group_rows;
    options.page_rows = 25;
    auto object = store_.OpenWriter(context_, "memory://w/" + name);
    ASSERT_TRUE(object.ok());
    auto writer = parquet::FileWriter::Open(std::move(*object), batch.schema(), options);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Write(batch).ok());
    ASSERT_TRUE(std::move(**writer).Finish().ok());
  }

  // One column of numbers from `first` on, of the builder's type.
  template <typename Builder>
  static std::shared_ptr<arrow::RecordBatch> Numbers(const std::string& name, int first,
                                                     int count) {
    Builder builder;
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(
          builder.Append(static_cast<typename Builder::value_type>(first + i)).ok());
    }
    const auto array = *builder.Finish();
    return arrow::RecordBatch::Make(arrow::schema({arrow::field(name, array->type())}),
                                    count, {array});
  }

  Result<std::shared_ptr<scan::BatchSource>> Open(const std::string& text) {
    return MakeFileSource(context_, {store_, footers_, nullptr}, text);
  }

  // Rows as "1|NULL", split after split.
  Result<std::vector<std::string>> Rows(const std::string& text,
                                        const scan::ScanRequest& request = {},
                                        scan::ScanStats* stats = nullptr) {
    FIRN_ASSIGN_OR_RETURN(const auto source, Open(text));
    FIRN_ASSIGN_OR_RETURN(const auto plan, source->Plan(context_, request));
    std::vector<std::string> rows;
    for (std::size_t i = 0;; ++i) {
      FIRN_ASSIGN_OR_RETURN(const auto stream, plan->OpenSplit(i));
      if (stream == nullptr) break;
      for (;;) {
        FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
        if (batch == nullptr) break;
        EXPECT_TRUE(batch->Validate().ok());
        for (std::int64_t row = 0; row < batch->num_rows(); ++row) {
          std::string line;
          for (const auto& column : batch->columns()) {
            line += (line.empty() ? "" : "|") + (*column->GetScalar(row))->ToString();
          }
          rows.push_back(line);
        }
      }
    }
    if (stats != nullptr) *stats = plan->stats();
    return rows;
  }

  const base::Context context_;
  base::ManualClock clock_{1'700'000'000'000'000};
  io::MemoryStore store_{clock_};
  parquet::FooterCache footers_{1 << 20};
};

TEST_F(FileSourceTest, PatternsMatchSegmentBySegment) {
  const auto matches = [](const char* pattern, const char* path) {
    return MatchesPattern(pattern, path);
  };
  EXPECT_TRUE(matches("*.parquet", "a.parquet"));
  EXPECT_FALSE(matches("*.parquet", "a.parquet.crc"));
  EXPECT_FALSE(matches("*.parquet", "d/a.parquet"));
  EXPECT_TRUE(matches("a?c*", "abcdef"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_TRUE(matches("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(matches("*a*b", "xxaxxbxx"));
  EXPECT_TRUE(matches("**", "a"));
  EXPECT_TRUE(matches("**", "a/b/c"));
  EXPECT_TRUE(matches("**/x", "x"));
  EXPECT_TRUE(matches("**/x", "a/b/x"));
  EXPECT_TRUE(matches("a/**/b/*.p", "a/b/1.p"));
  EXPECT_TRUE(matches("a/**/b/*.p", "a/c/b/b/1.p"));
  EXPECT_FALSE(matches("a/**/b/*.p", "a/c/1.p"));
  EXPECT_TRUE(matches("d=*/*", "d=1/x"));
  // Hidden unless asked for by name; a partition is not hidden.
  EXPECT_FALSE(matches("*", ".x"));
  EXPECT_FALSE(matches("*", "_x"));
  EXPECT_TRUE(matches("_*", "_x"));
  EXPECT_FALSE(matches("**", "a/_temporary/x"));
  EXPECT_TRUE(matches("*/*", "_d=1/x"));
  // Quadratic at worst: this would not end if it were exponential.
  EXPECT_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a').c_str()));
}

TEST_F(FileSourceTest, FindsAFileADirectoryOrAPattern) {
  for (const char* name :
       {"d/b.parquet", "d/a.parquet", "d/sub/c.pq", "d/.h.parquet", "d/_s/x.parquet",
        "d/_p=1/y.parquet", "d/README", "e/note.txt", "one"}) {
    Put(name);
  }
  EXPECT_THAT(Find("memory://w/one"), ElementsAre("one"));
  EXPECT_THAT(Find("memory://w/d"), ElementsAre("d/_p=1/y.parquet", "d/a.parquet",
                                                "d/b.parquet", "d/sub/c.pq"));
  EXPECT_EQ(Find("memory://w/d/"), Find("memory://w/d"));
  EXPECT_THAT(Find("memory://w/d/*.parquet"), ElementsAre("d/a.parquet", "d/b.parquet"));
  EXPECT_THAT(Find("memory://w/*/R*"), ElementsAre("d/README"));
  EXPECT_THAT(Find("memory://w/d/**/*.p*"), ElementsAre("d/_p=1/y.parquet", "d/a.parquet",
                                                        "d/b.parquet", "d/sub/c.pq"));
  const auto expect_not_found = [&](const char* text, const char* said) {
    const auto status = FindDataFiles(context_, store_, text).status();
    EXPECT_EQ(status.code(), StatusCode::kNotFound) << status;
    EXPECT_THAT(status.message(), HasSubstr(said));
  };
  expect_not_found("memory://w/none", "memory://w/none");
  expect_not_found("memory://w/none/", "memory://w/none");
  expect_not_found("memory://w/d/*.csv", "no file matches memory://w/d/*.csv");
  expect_not_found("memory://w/e/", "no file *.parquet, *.parq or *.pq below");
}

TEST_F(FileSourceTest, FilesOfOneDirectoryAreOneTable) {
  Write("d/a.parquet", *Numbers<arrow::Int64Builder>("n", 0, 3));
  Write("d/b.parquet", *Numbers<arrow::Int64Builder>("n", 3, 2));
  EXPECT_THAT(*Rows("memory://w/d"), ElementsAre("0", "1", "2", "3", "4"));
  scan::ScanRequest only_count;
  only_count.columns.emplace();
  EXPECT_EQ(Rows("memory://w/d", only_count)->size(), 5U);
}

TEST_F(FileSourceTest, ColumnsGoByNameAndAreWidened) {
  Write("d/a.parquet", *Numbers<arrow::Int32Builder>("n", 0, 2));
  Write("d/b.parquet", *Numbers<arrow::Int64Builder>("n", 5'000'000, 1));
  const auto both =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("m", arrow::float32()),
                                              arrow::field("n", arrow::int32())}),
                               1,
                               {Numbers<arrow::FloatBuilder>("m", 7, 1)->column(0),
                                Numbers<arrow::Int32Builder>("n", 9, 1)->column(0)});
  Write("d/c.parquet", *both);
  const auto source = Open("memory://w/d");
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->schema()->ToString(), "n: int64\nm: float");
  EXPECT_THAT(*Rows("memory://w/d"),
              ElementsAre("0|null", "1|null", "5000000|null", "9|7"));
  scan::ScanRequest request;
  request.columns = {"m"};
  request.predicate =
      expr::MakePredicate(expr::Compare{"n", expr::CompareOp::kGt, std::int64_t{100}});
  scan::ScanStats stats;
  EXPECT_THAT(*Rows("memory://w/d", request, &stats), ElementsAre("null"));
  EXPECT_EQ(stats.files_pruned, 2);
  EXPECT_EQ(stats.files_planned, 1);
}

TEST_F(FileSourceTest, HalvesAreReadAsFloats) {
  arrow::HalfFloatBuilder half;
  ASSERT_TRUE(half.Append(arrow::util::Float16::FromFloat(1.5F).bits()).ok());
  ASSERT_TRUE(half.AppendNull().ok());
  Write("a.parquet",
        *arrow::RecordBatch::Make(arrow::schema({arrow::field("h", arrow::float16())}), 2,
                                  {*half.Finish()}));
  EXPECT_THAT(*Rows("memory://w/a.parquet"), ElementsAre("1.5", "null"));
  scan::ScanRequest request;
  request.predicate = expr::MakePredicate(expr::Compare{"h", expr::CompareOp::kGt, 1.25});
  EXPECT_EQ(Rows("memory://w/a.parquet", request)->size(), 2U);
  request.predicate = expr::MakePredicate(expr::Compare{"h", expr::CompareOp::kGt, 2.0});
  EXPECT_TRUE(Rows("memory://w/a.parquet", request)->empty());
}

TEST_F(FileSourceTest, TypesWithNothingInCommonAreNamed) {
  Write("d/a.parquet", *Numbers<arrow::Int64Builder>("n", 0, 2));
  arrow::StringBuilder text;
  ASSERT_TRUE(text.Append("x").ok());
  Write("d/b.parquet",
        *arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::utf8())}), 1,
                                  {*text.Finish()}));
  EXPECT_EQ(Open("memory://w/d").status().message(),
            "memory://w/d/b.parquet: column n is string, expected int64 as in "
            "memory://w/d/a.parquet");
  Write("e/a.parquet", *Numbers<arrow::Int64Builder>("n", 0, 2));
  Write("e/b.parquet", *Numbers<arrow::Int64Builder>("N", 0, 2));
  EXPECT_THAT(Open("memory://w/e").status().message(),
              HasSubstr("column N is n in memory://w/e/a.parquet"));
}

TEST_F(FileSourceTest, WhatIsNoParquetFileNamesItself) {
  Put("d/text.parquet", "a,b\n1,2\nand so on, for a while");
  Put("d/empty.parquet", "");
  for (const char* name : {"d/text.parquet", "d/empty.parquet"}) {
    const auto status = Open("memory://w/" + std::string(name)).status();
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    EXPECT_THAT(status.message(), HasSubstr(std::string(name) + ": not a Parquet file"));
  }
}

TEST_F(FileSourceTest, EachRowGroupIsASplitAndStagesAreCounted) {
  Write("a.parquet", *Numbers<arrow::Int64Builder>("n", 0, 1000));
  const auto source = Open("memory://w/a.parquet");
  ASSERT_TRUE(source.ok()) << source.status();
  const auto whole = (*source)->Plan(context_, {});
  ASSERT_TRUE(whole.ok());
  EXPECT_TRUE((*whole)->HasSplit(9).value());
  EXPECT_FALSE((*whole)->HasSplit(10).value());
  EXPECT_EQ((*whole)->estimated_rows(), 1000);
  scan::ScanRequest request;
  request.predicate = expr::Conjoin(
      expr::MakePredicate(expr::Compare{"n", expr::CompareOp::kGtEq, std::int64_t{330}}),
      expr::MakePredicate(expr::Compare{"n", expr::CompareOp::kLtEq, std::int64_t{340}}));
  scan::ScanStats stats;
  const auto rows = Rows("memory://w/a.parquet", request, &stats);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->front(), "325");
  EXPECT_EQ(rows->size(), 25U);
  EXPECT_EQ(stats.files_planned, 1);
  EXPECT_EQ(stats.row_groups_read, 1);
  EXPECT_EQ(stats.row_groups_pruned, 9);
  EXPECT_EQ(stats.row_groups_pruned_by_statistics, 9);
  EXPECT_GE(stats.pages_pruned, 3);
  EXPECT_EQ(stats.requests, 1);  // The end of so short a file is all of it.
  EXPECT_GT(stats.bytes_read, 0);
}

TEST_F(FileSourceTest, ManyFilesAreOpenedForTheirSplits) {
  for (int i = 0; i < 70; ++i) {
    Write("d/" + std::to_string(100 + i) + ".parquet",
          *Numbers<arrow::Int64Builder>("n", i, 1));
  }
  scan::ScanRequest request;
  request.predicate =
      expr::MakePredicate(expr::Compare{"n", expr::CompareOp::kEq, std::int64_t{42}});
  scan::ScanStats stats;
  EXPECT_THAT(*Rows("memory://w/d", request, &stats), ElementsAre("42"));
  EXPECT_EQ(stats.files_planned, 70);
  EXPECT_EQ(stats.row_groups_pruned, 69);
  EXPECT_EQ(stats.row_groups_read, 1);
}

TEST_F(FileSourceTest, WideningKeepsEveryValue) {
  const auto common = [](std::shared_ptr<arrow::DataType> a,
                         std::shared_ptr<arrow::DataType> b) {
    const auto type = CommonType(a, b);
    const auto other = CommonType(b, a);
    EXPECT_EQ(type == nullptr, other == nullptr);
    return type == nullptr ? std::string("none") : type->ToString();
  };
  EXPECT_EQ(common(arrow::int8(), arrow::int64()), "int64");
  EXPECT_EQ(common(arrow::uint32(), arrow::int64()), "int64");
  EXPECT_EQ(common(arrow::uint64(), arrow::int64()), "none");
  EXPECT_EQ(common(arrow::int32(), arrow::uint64()), "none");
  EXPECT_EQ(common(arrow::float32(), arrow::float64()), "double");
  EXPECT_EQ(common(arrow::int32(), arrow::float64()), "none");
  EXPECT_EQ(common(arrow::decimal128(9, 2), arrow::decimal128(18, 2)),
            "decimal128(18, 2)");
  EXPECT_EQ(common(arrow::decimal128(9, 2), arrow::decimal128(18, 3)), "none");
  EXPECT_EQ(common(arrow::utf8(), arrow::large_utf8()), "large_string");
  EXPECT_EQ(common(arrow::null(), arrow::utf8()), "string");
  EXPECT_EQ(common(arrow::list(arrow::int32()), arrow::list(arrow::int64())), "none");
  arrow::UInt32Builder builder;
  ASSERT_TRUE(builder.Append(4'000'000'000U).ok() && builder.AppendNull().ok());
  const auto wide =
      Widen(*builder.Finish(), arrow::int64(), arrow::default_memory_pool());
  ASSERT_TRUE(wide.ok()) << wide.status();
  EXPECT_EQ((*wide)->ToString(), "[\n  4000000000,\n  null\n]");
}

TEST_F(FileSourceTest, OfAStructTheFieldsAskedForAreRead) {
  // {a, b, c: {d, e}}, and every seventh of them NULL.
  const auto ints = [](int factor) {
    arrow::Int64Builder builder;
    for (int i = 0; i < 300; ++i) EXPECT_TRUE(builder.Append(factor * i).ok());
    return *builder.Finish();
  };
  const auto valid = *arrow::AllocateBitmap(300);
  for (int i = 0; i < 300; ++i) {
    arrow::bit_util::SetBitTo(valid->mutable_data(), i, i % 7 != 0);
  }
  const auto inner = *arrow::StructArray::Make(arrow::ArrayVector{ints(3), ints(4)},
                                               std::vector<std::string>{"d", "e"});
  const auto outer =
      *arrow::StructArray::Make(arrow::ArrayVector{ints(1), ints(2), inner},
                                std::vector<std::string>{"a", "b", "c"}, valid);
  Write("s.parquet",
        *arrow::RecordBatch::Make(arrow::schema({arrow::field("s", outer->type())}), 300,
                                  {outer}));
  scan::ScanRequest request;
  request.columns = {"s"};
  const auto all = Rows("memory://w/s.parquet", request).value();
  EXPECT_EQ(all[8], outer->GetScalar(8).ValueOrDie()->ToString());

  request.parts = {{"s", "c", "e"}, {"s", "a"}};
  const auto some = Rows("memory://w/s.parquet", request).value();
  ASSERT_EQ(some.size(), 300u);
  EXPECT_EQ(some[7], "null");
  EXPECT_EQ(some[8],
            "{a:int64 = 8, b:int64 = null, c:struct<d: int64, e: int64> = "
            "{d:int64 = null, e:int64 = 32}}");

  // All of it, or what the file does not have.
  for (const auto& parts : std::vector<std::vector<std::vector<std::string>>>{
           {{"s", "a"}, {"s"}}, {{"s", "none"}}, {{"s", "c"}, {"s", "x.y"}}}) {
    request.parts = parts;
    EXPECT_EQ(Rows("memory://w/s.parquet", request).value(), all);
  }
}

TEST_F(FileSourceTest, TextIsReadWhateverFormFilesHaveItIn) {
  const std::string text = "more than the twelve bytes of a view";
  const auto write = [&](const std::string& name, auto&& builder) {
    EXPECT_TRUE(builder.Append(text).ok() && builder.Append("short").ok() &&
                builder.AppendNull().ok());
    const auto array = *builder.Finish();
    Write(name, *arrow::RecordBatch::Make(
                    arrow::schema({arrow::field("t", array->type())}), 3, {array}));
  };
  write("text/a.parquet", arrow::StringBuilder());
  write("bytes/a.parquet", arrow::BinaryBuilder());
  const std::vector<std::string> rows = {text, "short", "null"};
  EXPECT_EQ(Open("memory://w/text").value()->schema()->ToString(), "t: string_view");
  EXPECT_EQ(Rows("memory://w/text").value(), rows);
  EXPECT_EQ(Open("memory://w/bytes").value()->schema()->ToString(), "t: binary_view");
  EXPECT_EQ(Rows("memory://w/bytes").value().size(), 3u);

  arrow::NullBuilder nulls;
  ASSERT_TRUE(nulls.AppendNull().ok());
  Write("text/c.parquet",
        *arrow::RecordBatch::Make(arrow::schema({arrow::field("t", arrow::null())}), 1,
                                  {*nulls.Finish()}));
  EXPECT_EQ(Open("memory://w/text").value()->schema()->ToString(), "t: string_view");
  EXPECT_EQ(Rows("memory://w/text").value(),
            (std::vector<std::string>{text, "short", "null", "null"}));
}

}  // namespace
}  // namespace firn::table

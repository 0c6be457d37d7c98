// SPDX-License-Identifier: Apache-2.0
// Text of which some rows do not parse, read through OpenRowFile.
#include "table/rejected_row.h"

#include <arrow/array/array_base.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "table/row_file.h"

namespace firn::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RejectedRowTest : public testing::Test {
 protected:
  // Each row that is good as `number: value | value`; the others are in rejected_.
  std::vector<std::string> Read(RowFormat format, const std::string& text) {
    std::vector<std::string> rows;
    rejected_.clear();
    std::size_t at = 0;
    const auto bytes = std::make_shared<RowBytes>(
        context_, [&](std::int64_t size, char* out) -> Result<std::int64_t> {
          const std::size_t count =
              std::min(static_cast<std::size_t>(size), text.size() - at);
          std::memcpy(out, text.data() + at, count);
          at += count;
          return static_cast<std::int64_t>(count);
        });
    RowFileOptions options{format, wanted_, arrow::default_memory_pool()};
    options.on_rejected = [this](const RejectedRow& row) {
      rejected_.push_back(row);
      return rejected_.size() > rejected_max_ ? Status::ResourceExhausted("no more")
                                              : Status::OK();
    };
    const auto stream = OpenRowFile(context_, bytes, "x.file", options);
    status_ = stream.status();
    while (status_.ok()) {
      const auto batch = (*stream)->Next();
      status_ = batch.status();
      if (!status_.ok() || *batch == nullptr) break;
      EXPECT_TRUE((*batch)->ValidateFull().ok());
      EXPECT_TRUE((*batch)->schema()->Equals(*(*stream)->schema()));
      for (std::int64_t row = 0; row < (*batch)->num_rows(); ++row) {
        std::string out = std::to_string((*stream)->RowNumber(row)) + ":";
        for (int i = 0; i < (*batch)->num_columns(); ++i) {
          const auto value = (*batch)->column(i)->GetScalar(row).ValueOrDie();
          out += (i == 0 ? " " : " | ") + value->ToString();
        }
        rows.push_back(std::move(out));
      }
    }
    return rows;
  }

  // `row column record`, which say where; the reasons are Arrow's for the most part.
  std::vector<std::string> Rejected() const {
    std::vector<std::string> out;
    for (const RejectedRow& row : rejected_) {
      EXPECT_FALSE(row.reason.empty());
      out.push_back(std::to_string(row.row) + " " + row.column + " " + row.record);
    }
    return out;
  }

  base::Context context_;
  std::shared_ptr<arrow::Schema> wanted_ =
      arrow::schema({arrow::field("id", arrow::int64()),
                     arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                     arrow::field("name", arrow::utf8())});
  std::vector<RejectedRow> rejected_;
  std::size_t rejected_max_ = 1'000'000;
  Status status_;
};

TEST_F(RejectedRowTest, CsvLeavesOutWhatDoesNotParse) {
  EXPECT_THAT(Read(RowFormat::kCsv,
                   "id,ts,name\n"
                   "1,2024-01-02T03:04:05Z,one\n"
                   "two,2024-01-02T03:04:05Z,\n"
                   "3,yesterday,three\n"
                   "4,2024-01-02T03:04:05Z\n"
                   " 5 ,,\"5\n5\"\n"
                   "six,never,x\n"
                   "7,,seven\n"),
              ElementsAre("2: 1 | 2024-01-02 03:04:05.000000Z | one",
                          "6: 5 | null | 5\n5", "9: 7 | null | seven"));
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_THAT(Rejected(),
              ElementsAre(R"(3 id {"id":"two","ts":"2024-01-02T03:04:05Z","name":null})",
                          R"(4 ts {"id":"3","ts":"yesterday","name":"three"})",
                          "5  4,2024-01-02T03:04:05Z",
                          R"(8 id {"id":"six","ts":"never","name":"x"})"));
  EXPECT_EQ(rejected_[0].reason, "\"two\" is no long");
  EXPECT_THAT(rejected_[1].reason, HasSubstr("yesterday"));
  EXPECT_EQ(rejected_[2].reason, "2 values where there are 3 columns");
}

TEST_F(RejectedRowTest, NdjsonLeavesOutLines) {
  EXPECT_THAT(
      Read(RowFormat::kNdjson,
           "{\"id\":1,\"name\":\"one\"}\n"
           "\n"
           "{\"id\":\"three\"}\n"
           "{\"id\":4,\n"
           "{\"id\":5,\"ts\":\"2024-01-02T03:04:05Z\",\"name\":\"five\"}\r\n"
           "{\"id\":6,\"other\":1}\n"
           "word\n"
           "{\"id\":8}{\"id\":9}\n"
           "{\"id\":9,\"ts\":\"soon\"}\n"
           "{\"id\":10}"),
      ElementsAre("1: 1 | null | one", "5: 5 | 2024-01-02 03:04:05.000000Z | five",
                  "10: 10 | null | null"));
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_THAT(Rejected(),
              ElementsAre("3 id {\"id\":\"three\"}", "4  {\"id\":4,",
                          "6  {\"id\":6,\"other\":1}", "7  word",
                          "8  {\"id\":8}{\"id\":9}", "9 ts {\"id\":9,\"ts\":\"soon\"}"));
  EXPECT_EQ(rejected_[4].reason, "there is more on it than one object");
  EXPECT_EQ(rejected_[0].reason, "\"three\" is no long");
}

// Over many blocks, each row is in one of the two, with its number.
TEST_F(RejectedRowTest, EveryRowIsGoodOrRejectedInALargeFile) {
  constexpr int kRows = 300'000;
  std::string csv = "id,ts,name\n";
  std::string ndjson;
  for (int i = 1; i <= kRows; ++i) {
    const std::string id = std::to_string(i);
    const std::string name(40, 'x');
    const bool wide = i % 1013 == 0;
    const bool bad = i % 997 == 0;
    csv += (bad ? "bad" : id) + ",," + name + (wide ? ",\n" : "\n");
    ndjson += "{\"id\":" + (bad ? "\"bad\"" : id) + ",\"name\":\"" + name +
              (wide ? "}\n" : "\"}\n");
  }
  for (const RowFormat format : {RowFormat::kCsv, RowFormat::kNdjson}) {
    const auto rows = Read(format, format == RowFormat::kCsv ? csv : ndjson);
    ASSERT_TRUE(status_.ok()) << status_;
    EXPECT_EQ(rows.size() + rejected_.size(), std::size_t{kRows});
    for (const std::string& row : rows) {
      const std::string number = row.substr(0, row.find(':'));
      // Under its heading, each row of CSV is a line further down.
      const int id = std::stoi(number) - (format == RowFormat::kCsv ? 1 : 0);
      ASSERT_EQ(row.substr(0, row.find(" |")), number + ": " + std::to_string(id));
    }
    std::vector<std::int64_t> numbers;
    for (const RejectedRow& row : rejected_) numbers.push_back(row.row);
    std::vector<std::int64_t> expected;
    for (int i = 1; i <= kRows; ++i) {
      if (i % 1013 != 0 && i % 997 != 0) continue;
      expected.push_back(format == RowFormat::kCsv ? i + 1 : i);
    }
    EXPECT_EQ(numbers, expected);
  }
}

TEST_F(RejectedRowTest, LinesThatAreNoObjectsAreRejected) {
  EXPECT_THAT(Read(RowFormat::kNdjson, "null\n{\"id\":2}\nnull\n{\"id\":\"x\"}\n[]\n"),
              ElementsAre("2: 2 | null | null"));
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_THAT(Rejected(),
              ElementsAre("1  null", "3  null", "4 id {\"id\":\"x\"}", "5  []"));
}

// Lines are parsed many at a time: as one text these are as many objects as lines.
TEST_F(RejectedRowTest, AnObjectDoesNotGoOnInAnotherLine) {
  wanted_ = arrow::schema(
      {arrow::field("id", arrow::int64()),
       arrow::field("o", arrow::struct_({arrow::field("id", arrow::int64())}))});
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"o\":\n{\"id\":1}}{\"id\":2}\n{\"id\":3}\n"),
              ElementsAre("3: 3 | null"));
  EXPECT_THAT(Rejected(), ElementsAre("1  {\"o\":", "2  {\"id\":1}}{\"id\":2}"));
  const std::string nul = std::string("{\"id\":1}{\"id\":2}") + '\0';
  EXPECT_THAT(Read(RowFormat::kNdjson, nul + "\n{\"id\":3}\n"),
              ElementsAre("2: 3 | null"));
  EXPECT_THAT(Rejected(), ElementsAre("1  " + nul));
}

// Those that do not fit are none, and no others: decimal_text.h.
TEST_F(RejectedRowTest, DecimalsAreThoseOfTheFile) {
  const auto wide = arrow::decimal128(38, 10);
  wanted_ = arrow::schema(
      {arrow::field("m", arrow::decimal128(9, 2)), arrow::field("w", wide)});
  const std::string big = "41038131617600698983578434408680";
  EXPECT_THAT(Read(RowFormat::kCsv, "m,w\n 1.5 ,2\n1e8,\n," + big + "\n1e-100000000,\n"),
              ElementsAre("2: 1.50 | 2.0000000000"));
  EXPECT_TRUE(status_.ok()) << status_;
  ASSERT_EQ(rejected_.size(), 3U);
  EXPECT_EQ(rejected_[1].reason, "\"" + big + "\" is no decimal(38, 10)");

  wanted_ = arrow::schema(
      {arrow::field("m", arrow::decimal128(9, 2)), arrow::field("w", wide),
       arrow::field("o", arrow::struct_({arrow::field("l", arrow::list(wide))}))});
  EXPECT_THAT(Read(RowFormat::kNdjson,
                   "{\"m\":1.5,\"w\":\"2\"}\n"
                   "{\"m\":1e8}\n"
                   "{\"w\":" +
                       big +
                       "}\n"
                       "{\"m\":1e-100000000}\n"
                       "{\"o\":{\"l\":[" +
                       big +
                       "]}}\n"
                       "{\"o\":{\"l\":[\"1e-100000000\"]}}\n"
                       "{\"m\":7}\n"),
              ElementsAre("1: 1.50 | 2.0000000000 | null", "7: 7.00 | null | null"));
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_EQ(rejected_.size(), 5U);
}

// What the file guesses its columns by may be bad, too; and columns that the table has
// not are text.
TEST_F(RejectedRowTest, WhatIsLeftOutDecidesNoTypes) {
  wanted_ = nullptr;
  EXPECT_THAT(Read(RowFormat::kCsv, "id,v\n1,10\n2,20,30\n3,30\n"),
              ElementsAre("2: 1 | 10", "4: 3 | 30"));
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_THAT(Rejected(), ElementsAre("3  2,20,30"));
  EXPECT_THAT(Read(RowFormat::kNdjson, "null\n{\"id\":1}\n"), ElementsAre("2: 1"));
  EXPECT_THAT(
      Read(RowFormat::kNdjson, "{\"id\":1}\n{\"id\":2,}\n{\"id\":\"x\"}\n{\"id\":4}\n"),
      ElementsAre("1: 1", "4: 4"));
  EXPECT_THAT(Rejected(), ElementsAre("2  {\"id\":2,}", "3 id {\"id\":\"x\"}"));
  wanted_ = arrow::schema({arrow::field("id", arrow::int64())});
  EXPECT_THAT(Read(RowFormat::kCsv, "id,other\n1,007\n2,x\n"),
              ElementsAre("2: 1 | 007", "3: 2 | x"));
}

// However many there are, they are told as they come.
TEST_F(RejectedRowTest, AFileWithAnotherDelimiterIsRejectedRowByRow) {
  std::string csv = "id,ts,name\n";
  std::size_t rows = 0;
  for (; csv.size() < (96U << 20); ++rows) csv += "1;2;" + std::string(1000, 'x') + "\n";
  EXPECT_THAT(Read(RowFormat::kCsv, csv), ElementsAre());
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_EQ(rejected_.size(), rows);
}

TEST_F(RejectedRowTest, AFileOfNothingGoodIsEmpty) {
  EXPECT_THAT(Read(RowFormat::kCsv, "id,ts,name\nx,,\ny,,\n"), ElementsAre());
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_EQ(rejected_.size(), 2U);
  EXPECT_THAT(Read(RowFormat::kNdjson, "x\ny"), ElementsAre());
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_EQ(rejected_.size(), 2U);
}

TEST_F(RejectedRowTest, WhoIsToldMayEndIt) {
  rejected_max_ = 0;
  Read(RowFormat::kNdjson, "x\n");
  EXPECT_TRUE(status_.Is(StatusCode::kResourceExhausted)) << status_;
  Read(RowFormat::kCsv, "id,ts,name\nx,,\n");
  EXPECT_TRUE(status_.Is(StatusCode::kResourceExhausted)) << status_;
}

TEST_F(RejectedRowTest, ALineTooLongIsNamed) {
  Read(RowFormat::kNdjson,
       "{\"id\":1}\n{\"name\":\"" + std::string(9 << 20, 'x') + "\"}");
  EXPECT_TRUE(status_.Is(StatusCode::kInvalidArgument)) << status_;
  EXPECT_THAT(std::string(status_.message()), HasSubstr("line 2 is longer than"));
}

}  // namespace
}  // namespace firn::table

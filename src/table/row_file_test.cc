// SPDX-License-Identifier: Apache-2.0
#include "table/row_file.h"

#include <arrow/array/array_base.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/io/compressed.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/budget.h"
#include "parquet/memory_pool.h"

namespace firn::table {
namespace {

using testing::HasSubstr;

std::shared_ptr<RowBytes> BytesOf(const base::Context& context, std::string text) {
  return std::make_shared<RowBytes>(
      context,
      [text = std::move(text), at = std::size_t{0}](
          std::int64_t size, char* out) mutable -> Result<std::int64_t> {
        const std::size_t count =
            std::min(static_cast<std::size_t>(size), text.size() - at);
        std::memcpy(out, text.data() + at, count);
        at += count;
        return static_cast<std::int64_t>(count);
      });
}

class RowFileTest : public testing::Test {
 protected:
  // `name: type` of each column, then a line a row.
  std::string Read(RowFormat format, const std::string& text,
                   const std::shared_ptr<arrow::Schema>& wanted = nullptr,
                   const std::string& name = "x.file") {
    base::ByteBudget budget("of a file of rows", 256 << 20);
    parquet::BudgetMemoryPool pool(budget);
    auto stream =
        OpenRowFile(context_, BytesOf(context_, text), name, {format, wanted, &pool});
    if (!stream.ok()) return std::string(stream.status().message());
    std::string out;
    for (const auto& field : (*stream)->schema()->fields()) {
      out += (out.empty() ? "" : ", ") + field->name() + ": " + field->type()->ToString();
    }
    for (;;) {
      auto batch = (*stream)->Next();
      if (!batch.ok()) {
        code_ = batch.status().code();
        return std::string(batch.status().message());
      }
      if (*batch == nullptr) return out;
      EXPECT_TRUE((*batch)->schema()->Equals(*(*stream)->schema()));
      for (std::int64_t row = 0; row < (*batch)->num_rows(); ++row) {
        out += "\n";
        for (int i = 0; i < (*batch)->num_columns(); ++i) {
          const auto value = (*batch)->column(i)->GetScalar(row).ValueOrDie();
          out += (i == 0 ? "" : " | ") + value->ToString();
        }
      }
    }
  }

  base::Context context_;
  StatusCode code_ = StatusCode::kOk;
};

TEST_F(RowFileTest, CsvIsGuessedOnceForTheWholeFile) {
  EXPECT_EQ(Read(RowFormat::kCsv,
                 "n,x,t,at,zoned,b,none\n"
                 "1,1.5,word,2024-01-02 03:04:05,2024-01-02T03:04:05Z,true,\n"
                 ",,\"\",2024-01-02 03:04:05.25,2024-01-02T03:04:05+01:00,false,\n"),
            "n: int64, x: double, t: string, at: timestamp[us], "
            "zoned: timestamp[us, tz=UTC], b: bool, none: string\n"
            "1 | 1.5 | word | 2024-01-02 03:04:05.000000 | "
            "2024-01-02 03:04:05.000000Z | true | null\n"
            "null | null |  | 2024-01-02 03:04:05.250000 | "
            "2024-01-02 02:04:05.000000Z | false | null");
}

TEST_F(RowFileTest, CsvValuesMayHoldNewlinesAndQuotes) {
  EXPECT_EQ(Read(RowFormat::kCsv, "a,b\n\"two\nlines\",\"say \"\"x\"\"\"\n"),
            "a: string, b: string\ntwo\nlines | say \"x\"");
  EXPECT_EQ(Read(RowFormat::kTsv, "a\tb\n1\t2,3\n"), "a: int64, b: string\n1 | 2,3");
}

TEST_F(RowFileTest, WantedTypesAreNotGuessed) {
  const auto wanted = arrow::schema(
      {arrow::field("id", arrow::utf8()), arrow::field("d", arrow::decimal128(9, 2)),
       arrow::field("u", arrow::fixed_size_binary(16)),
       arrow::field("b", arrow::binary()), arrow::field("day", arrow::date32()),
       arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))});
  std::string uuid;
  for (char i = 0; i < 16; ++i) uuid += i;
  const std::string row =
      "7 | 1.50 | " + uuid + " | hi | 2024-01-02 | 2024-01-02 03:04:05.000001Z";
  EXPECT_THAT(Read(RowFormat::kCsv,
                   "id,d,u,b,day,ts\n7,1.50,00010203-0405-0607-0809-0a0b0c0d0e0f,6869,"
                   "2024-01-02,2024-01-02T03:04:05.000001Z\n",
                   wanted),
              HasSubstr("\n" + row));
  EXPECT_THAT(
      Read(RowFormat::kNdjson,
           R"({"id":"7","d":"1.50","u":"000102030405060708090a0b0c0d0e0f","b":"6869",)"
           R"("day":"2024-01-02","ts":"2024-01-02T03:04:05.000001Z"})"
           "\n",
           wanted),
      HasSubstr("\n" + row));
}

TEST_F(RowFileTest, NdjsonIsGuessedWithItsTimes) {
  EXPECT_EQ(
      Read(
          RowFormat::kNdjson,
          R"({"n":1,"t":"word","at":"2024-01-02T03:04:05.5","z":"2024-01-02T03:04:05Z","o":{"k":[1,2]}})"
          "\n"
          R"({"n":null,"t":"2024-01-02T03:04:05Z","o":null,"more":null})"
          "\n"),
      "n: int64, t: string, at: timestamp[us], z: timestamp[us, tz=UTC], "
      "o: struct<k: list<item: int64>>, more: string\n"
      "1 | word | 2024-01-02 03:04:05.500000 | 2024-01-02 03:04:05.000000Z | "
      "{k:list<item: int64> = list<item: int64>[1, 2]} | null\n"
      "null | 2024-01-02T03:04:05Z | null | null | null | null");
}

TEST_F(RowFileTest, WhatDoesNotParseIsNamed) {
  EXPECT_THAT(
      Read(RowFormat::kCsv, "a\n1\n2,3\n"),
      testing::AllOf(HasSubstr("x.file"), HasSubstr("Expected 1 columns, got 2")));
  const auto longs = arrow::schema({arrow::field("a", arrow::int64())});
  EXPECT_THAT(Read(RowFormat::kCsv, "a\n1\nx\n", longs),
              testing::AllOf(HasSubstr("x.file"), HasSubstr("Row #3"), HasSubstr("'x'")));
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"a\":1}\n{\"a\":\"x\"}\n", longs),
              testing::AllOf(HasSubstr("x.file"), HasSubstr("/a"), HasSubstr("line 2")));
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"a\":1}\nnonsense\n"), HasSubstr("x.file"));
  EXPECT_THAT(Read(RowFormat::kNdjson, "[{\"a\":1}]"), HasSubstr("one object a line"));
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"a\":1}\n{\"a\":2,}\n"),
              HasSubstr("x.file: line 2: JSON parse error: Missing a name"));
  EXPECT_THAT(
      Read(RowFormat::kNdjson, "{\"a\":1}\n{\"a\":2}\n{\"a\":\"x\"}\n"),
      HasSubstr("line 3: JSON parse error: Column(/a) changed from number to string"));
  EXPECT_THAT(Read(RowFormat::kArrow, "this is no stream of Arrow's"),
              HasSubstr("x.file"));
  const auto bytes = arrow::schema({arrow::field("a", arrow::binary())});
  EXPECT_THAT(Read(RowFormat::kCsv, "a\n616\n", bytes),
              testing::AllOf(HasSubstr("column a"), HasSubstr("\"616\"")));
}

std::string IpcText(bool file) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues({1, 2, 3}).ok());
  const auto batch =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), 3,
                               {builder.Finish().ValueOrDie()});
  auto out = arrow::io::BufferOutputStream::Create().ValueOrDie();
  auto writer = (file ? arrow::ipc::MakeFileWriter(out, batch->schema())
                      : arrow::ipc::MakeStreamWriter(out, batch->schema()))
                    .ValueOrDie();
  EXPECT_TRUE(writer->WriteRecordBatch(*batch).ok() && writer->Close().ok());
  return out->Finish().ValueOrDie()->ToString();
}

TEST_F(RowFileTest, ArrowComesAsAStreamAndAsAFile) {
  EXPECT_EQ(Read(RowFormat::kArrow, IpcText(false)), "n: int64\n1\n2\n3");
  EXPECT_EQ(Read(RowFormat::kArrow, IpcText(true)), "n: int64\n1\n2\n3");
}

// Whatever byte is wrong, an error or values; never a crash.
TEST_F(RowFileTest, DamagedArrowIsAnErrorOrOtherValues) {
  const std::string good = IpcText(false);
  int read = 0;
  int refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    for (const std::string& text : {bad, good.substr(0, i)}) {
      ++(Read(RowFormat::kArrow, text).starts_with("n: int64") ? read : refused);
    }
  }
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, 0);
}

TEST_F(RowFileTest, CompressedFilesAreReadByTheEndOfTheirNames) {
  const std::string text = "a\n1\n";
  for (const auto& [ending, type] : {std::pair{".gz", arrow::Compression::GZIP},
                                     std::pair{".zst", arrow::Compression::ZSTD},
                                     std::pair{".bz2", arrow::Compression::BZ2},
                                     std::pair{".lz4", arrow::Compression::LZ4_FRAME}}) {
    auto codec = arrow::util::Codec::Create(type).ValueOrDie();
    auto out = arrow::io::BufferOutputStream::Create().ValueOrDie();
    auto compressed =
        arrow::io::CompressedOutputStream::Make(codec.get(), out).ValueOrDie();
    ASSERT_TRUE(
        compressed->Write(text.data(), static_cast<std::int64_t>(text.size())).ok());
    ASSERT_TRUE(compressed->Close().ok());
    const std::string bytes = out->Finish().ValueOrDie()->ToString();
    const std::string name = std::string("x.csv") + ending;
    EXPECT_EQ(RowFormatOfName(name), RowFormat::kCsv);
    EXPECT_EQ(Read(RowFormat::kCsv, bytes, nullptr, name), "a: int64\n1");
  }
}

// Arrow's parser of JSON takes a `null` for no row, and ends the process at one.
TEST_F(RowFileTest, LinesThatAreNoObjectsAreNamed) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const auto longs = arrow::schema({arrow::field("a", arrow::int64())});
  for (const auto& wanted : {longs, std::shared_ptr<arrow::Schema>()}) {
    for (const std::string& line : {std::string("null"), std::string("\"x\""),
                                    std::string("7"), "{\"a\":1,\"b\":" + deep + "}"}) {
      EXPECT_THAT(Read(RowFormat::kNdjson, "{\"a\":1}\n" + line + "\n", wanted),
                  HasSubstr("line 2: it is "));
      EXPECT_EQ(code_, StatusCode::kInvalidArgument);
      EXPECT_THAT(Read(RowFormat::kNdjson, line + "\n{\"a\":1}\n", wanted),
                  HasSubstr("line 1: it is "));
    }
  }
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"a\":1}\n{\"ab\":1}\n", longs),
              HasSubstr("line 2: the table has no column ab"));
}

TEST_F(RowFileTest, BytesInsideOfStructsAreRefusedInNdjson) {
  const auto wanted = arrow::schema(
      {arrow::field("p", arrow::struct_({arrow::field("b", arrow::binary())}))});
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"p\":{\"b\":\"00ff\"}}\n", wanted),
              HasSubstr("column p has bytes, dates or times inside"));
}

TEST_F(RowFileTest, TimesOfDayAreRead) {
  const auto wanted =
      arrow::schema({arrow::field("t", arrow::time64(arrow::TimeUnit::MICRO))});
  EXPECT_THAT(Read(RowFormat::kNdjson,
                   "{\"t\":\"03:04:05.000001\"}\n{\"t\":\"23:59\"}\n{}\n", wanted),
              HasSubstr("\n03:04:05.000001\n23:59:00.000000\nnull"));
  for (const char* wrong : {"24:00", "3:04", "03:60", "03:04:05.", "03:04:05.1234567",
                            "03:04x", "03:04:5", ""}) {
    EXPECT_THAT(
        Read(RowFormat::kNdjson, "{\"t\":\"" + std::string(wrong) + "\"}\n", wanted),
        HasSubstr("is no time of day"))
        << wrong;
  }
}

TEST_F(RowFileTest, ALaterValueOfAnotherTypeIsAnError) {
  std::string text = "n\n";
  for (int i = 0; i < 3'000'000; ++i) text += "1\n";
  text += "word\n";
  EXPECT_THAT(Read(RowFormat::kCsv, text), HasSubstr("word"));
  EXPECT_EQ(code_, StatusCode::kInvalidArgument);
}

TEST_F(RowFileTest, AnErrorOfTheBytesIsReturnedAsItIs) {
  const auto failing = std::make_shared<RowBytes>(
      context_, [](std::int64_t, char*) -> Result<std::int64_t> {
        return Status::Unavailable("the disk is gone");
      });
  const auto stream =
      OpenRowFile(context_, failing, "x.csv", {RowFormat::kCsv, nullptr, nullptr});
  EXPECT_TRUE(stream.status().Is(StatusCode::kUnavailable)) << stream.status();
  const base::Context cancelled;
  cancelled.Cancel();
  EXPECT_TRUE(OpenRowFile(cancelled, BytesOf(cancelled, "a\n1\n"), "x.csv",
                          {RowFormat::kCsv, nullptr, nullptr})
                  .status()
                  .Is(StatusCode::kCancelled));
}

TEST(RowFormat, IsSaidByANameOrAWord) {
  EXPECT_EQ(RowFormatOfName("s3://b/x.jsonl.zst"), RowFormat::kNdjson);
  EXPECT_EQ(RowFormatOfName("x.parquet"), RowFormat::kParquet);
  EXPECT_EQ(RowFormatOfName("x.txt"), std::nullopt);
  EXPECT_TRUE(ParseRowFormat("arrow").ok());
  EXPECT_THAT(std::string(ParseRowFormat("xml").status().message()),
              HasSubstr("parquet, csv, tsv, ndjson, arrow"));
}

}  // namespace
}  // namespace firn::table

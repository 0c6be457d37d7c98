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
#include <map>
#include <random>
#include <tuple>
#include <vector>

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
  EXPECT_EQ(Read(RowFormat::kCsv, "a\n1\n2,3\n"),
            "x.file: line 3: 2 values where there are 1 columns");
  const auto longs = arrow::schema({arrow::field("a", arrow::int64())});
  EXPECT_EQ(Read(RowFormat::kCsv, "a\n1\nx\n", longs),
            "x.file: line 3, column a: \"x\" is no long");
  EXPECT_EQ(Read(RowFormat::kNdjson, "{\"a\":1}\n{\"a\":\"x\"}\n", longs),
            "x.file: line 2, column a: \"x\" is no long");
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"a\":1}\nnonsense\n"), HasSubstr("x.file"));
  EXPECT_THAT(Read(RowFormat::kNdjson, "[{\"a\":1}]"), HasSubstr("one object a line"));
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"a\":1}\n{\"a\":2,}\n"),
              HasSubstr("x.file: line 2: byte 8: a name between quotes is missing"));
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"a\":1}\n{\"a\":2}\n{\"a\":\"x\"}\n"),
              HasSubstr("line 3, column a: \"x\" is no long"));
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

// Of each type, what firn itself writes of it, and what else is none of it.
TEST_F(RowFileTest, NdjsonHasEveryTypeAtEveryDepth) {
  const auto us = arrow::TimeUnit::MICRO;
  const arrow::FieldVector fields = {arrow::field("b", arrow::boolean()),
                                     arrow::field("i", arrow::int32()),
                                     arrow::field("l", arrow::int64()),
                                     arrow::field("f", arrow::float32()),
                                     arrow::field("d", arrow::float64()),
                                     arrow::field("m", arrow::decimal128(9, 2)),
                                     arrow::field("day", arrow::date32()),
                                     arrow::field("t", arrow::time64(us)),
                                     arrow::field("at", arrow::timestamp(us)),
                                     arrow::field("z", arrow::timestamp(us, "UTC")),
                                     arrow::field("s", arrow::utf8()),
                                     arrow::field("y", arrow::binary()),
                                     arrow::field("u", arrow::fixed_size_binary(2))};
  const std::string row =
      R"({"b":true,"i":-5,"l":9223372036854775807,"f":1.5,"d":-1e-3,"m":1.50,)"
      R"("day":"2024-01-02","t":"03:04:05","at":"2024-01-02T03:04:05",)"
      R"("z":"2024-01-02T03:04:05Z","s":"\u00e4","y":"6869","u":"6869"})";
  const std::string values =
      "true | -5 | 9223372036854775807 | 1.5 | -0.001 | 1.50 | 2024-01-02 | "
      "03:04:05.000000 | 2024-01-02 03:04:05.000000 | 2024-01-02 03:04:05.000000Z | ä | "
      "hi | hi";
  EXPECT_THAT(Read(RowFormat::kNdjson, row + "\n{}\n", arrow::schema(fields)),
              HasSubstr("\n" + values + "\nnull | "));
  const auto nested =
      arrow::schema({arrow::field("o", arrow::struct_(fields)),
                     arrow::field("p", arrow::list(arrow::struct_(fields)))});
  const std::string deep =
      Read(RowFormat::kNdjson, "{\"o\":" + row + ",\"p\":[" + row + "]}\n", nested);
  EXPECT_THAT(deep, HasSubstr("2024-01-02 03:04:05.000000Z"));
  const std::map<std::string, std::vector<std::string>> none = {
      {"b", {"1", "\"true\""}},
      {"i", {"1.5", "1e3", "2147483648", "\"1\"", "true"}},
      {"l", {"1.0", "9223372036854775808"}},
      {"f", {"1e39", "-1e39", "\"1\"", "\"nan\"", "\"Infinity\"", "true"}},
      {"d", {"1e400", "\"1\""}},
      {"m", {"1.501", "1e8", "true", "\"x\""}},
      {"day", {"\"2024-13-01\"", "20240102", "\"2024-01-02T00:00\""}},
      {"t", {"\"24:00\"", "3"}},
      {"at", {"\"2024-13-02T03:04:05\"", "\"2024-01-02T03:04:05Z\"", "1704164645"}},
      {"z", {"\"2024-01-02T03:04:05\"", "\"2024-01-02T03:04:05.1234567Z\"", "1.5"}},
      {"s", {"1", "true"}},
      {"y", {"\"6\"", "\"xy\"", "6869"}},
      {"u", {"\"686970\"", "\"x\""}}};
  for (const auto& [name, wrong] : none) {
    std::vector<std::string> all = wrong;
    all.insert(all.end(), {"[]", "{}", "[1,2]"});
    for (const std::string& value : all) {
      const std::string object = "{\"" + name + "\":" + value + "}";
      EXPECT_THAT(
          Read(RowFormat::kNdjson, "{}\n" + object, arrow::schema(fields)),
          testing::StartsWith("x.file: line 2, column " + name + ": " + value + " "))
          << value;
      EXPECT_THAT(Read(RowFormat::kNdjson, "{\"o\":" + object + "}", nested),
                  testing::StartsWith("x.file: line 1, column o." + name + ": " + value))
          << value;
      EXPECT_THAT(Read(RowFormat::kNdjson, "{\"p\":[{}," + object + "]}", nested),
                  testing::StartsWith("x.file: line 1, column p.element." + name + ": "))
          << value;
    }
  }
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"o\":5}", nested),
              HasSubstr("column o: 5 is no object, as a struct is written"));
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"p\":{}}", nested),
              HasSubstr("column p: {} is no array, as a list is written"));
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"o\":{\"x\":1}}", nested),
              HasSubstr("line 1: the table has no column o.x"));
  EXPECT_THAT(Read(RowFormat::kNdjson, "{\"i\":1,\"i\":2}", arrow::schema(fields)),
              HasSubstr("line 1, column i: the name is there twice"));
}

TEST_F(RowFileTest, TimestampsSayWhatIsWrongWithThem) {
  const auto us = arrow::TimeUnit::MICRO;
  const auto zoned = arrow::schema({arrow::field("z", arrow::timestamp(us, "UTC"))});
  const auto local = arrow::schema({arrow::field("z", arrow::timestamp(us))});
  EXPECT_EQ(
      Read(RowFormat::kCsv, "z\n2024-13-01T00:00:00Z\n", zoned),
      "x.file: line 2, column z: \"2024-13-01T00:00:00Z\" is no date and time, such "
      "as 2024-01-02T03:04:05Z");
  EXPECT_THAT(Read(RowFormat::kCsv, "z\n2024-01-01T00:00:00\n", zoned),
              HasSubstr("has no time zone"));
  EXPECT_THAT(Read(RowFormat::kCsv, "z\n2024-01-01\n", zoned),
              HasSubstr("has no time zone"));
  EXPECT_THAT(Read(RowFormat::kCsv, "z\n2024-01-01T00:00:00+01:00\n", local),
              HasSubstr("has a time zone"));
  EXPECT_THAT(Read(RowFormat::kCsv, "z\n2024-01-01T00:00:00.1234567Z\n", zoned),
              HasSubstr("is finer than a timestamptz"));
}

// As firn's own export writes them.
TEST_F(RowFileTest, WhatIsNotFiniteIsTakenBack) {
  const auto wanted = arrow::schema(
      {arrow::field("f", arrow::float32()), arrow::field("d", arrow::float64())});
  const std::string values = "\nnan | inf\n-inf | nan\n3.4e+38 | 0\n0 | 5e-324";
  EXPECT_THAT(Read(RowFormat::kNdjson,
                   "{\"f\":\"NaN\",\"d\":\"+Inf\"}\n{\"f\":\"-Inf\",\"d\":NaN}\n"
                   "{\"f\":3.4e38,\"d\":1e-400}\n{\"f\":1e-60,\"d\":5e-324}\n",
                   wanted),
              HasSubstr(values));
  EXPECT_THAT(Read(RowFormat::kCsv,
                   "f,d\nNaN,+Inf\n-Inf,nan\n3.4e38,1e-400\n1e-60,5e-324\n", wanted),
              HasSubstr(values));
}

TEST_F(RowFileTest, MapsAreObjects) {
  const auto us = arrow::TimeUnit::MICRO;
  const auto wanted = arrow::schema(
      {arrow::field("id", arrow::int64()),
       arrow::field("m", arrow::map(arrow::utf8(), arrow::decimal128(9, 2))),
       arrow::field("n", arrow::map(arrow::date32(), arrow::list(arrow::int32()))),
       arrow::field("k",
                    std::make_shared<arrow::MapType>(
                        arrow::field("key", arrow::int64(), false),
                        arrow::field("value", arrow::timestamp(us, "UTC"), false)))});
  const std::string read =
      Read(RowFormat::kNdjson,
           "{\"id\":1}\n"
           "{\"id\":2,\"m\":null,\"n\":{}}\n"
           "{\"id\":3,\"m\":{\"a\":1.5,\"\\u00e4\":null},\"n\":{\"2024-01-02\":[1,2]}}\n"
           "{\"id\":4,\"k\":{\"-5\":\"2024-01-02T03:04:05Z\"}}\n",
           wanted);
  EXPECT_THAT(read, HasSubstr("\n1 | null | null | null\n2 | null | "));
  EXPECT_THAT(read, HasSubstr("{key:string = a, value:decimal128(9, 2) = 1.50}"));
  EXPECT_THAT(read, HasSubstr("{key:string = ä, value:decimal128(9, 2) = null}"));
  EXPECT_THAT(read, HasSubstr("key:date32[day] = 2024-01-02"));
  EXPECT_THAT(read, HasSubstr("key:int64 = -5"));
  for (const auto& [line, said] :
       {std::pair{R"({"m":[]})", "column m: [] is no object, as a map is written"},
        std::pair{R"({"m":{"a":true}})", "column m.value: true is no decimal(9, 2)"},
        std::pair{R"({"m":{"a":1,"a":2}})", "column m.key: \"a\" is there twice"},
        std::pair{R"({"n":{"x":[]}})", "column n.key: \"x\" is no date"},
        std::pair{R"({"n":{"2024-01-02":[1.5]}})",
                  "column n.value.element: 1.5 is no int"},
        std::pair{R"({"n":{"2024-01-02":[],"x":[1]}})", "column n.key: \"x\" is no date"},
        std::pair{R"({"k":{"1":null}})", "column k.value: NULL in a required column"}}) {
    EXPECT_THAT(Read(RowFormat::kNdjson, line, wanted), HasSubstr(said)) << line;
  }
}

TEST_F(RowFileTest, CsvHasNoTextForWhatIsNested) {
  const auto wanted = arrow::schema(
      {arrow::field("id", arrow::int64()), arrow::field("l", arrow::list(arrow::utf8())),
       arrow::field("m", arrow::map(arrow::utf8(), arrow::utf8())),
       arrow::field("o", arrow::struct_({arrow::field("x", arrow::int64())}))});
  EXPECT_THAT(Read(RowFormat::kCsv, "id\n1\n", wanted), testing::EndsWith("\n1"));
  EXPECT_THAT(Read(RowFormat::kCsv, "id,l,m,o\n1,,\"\",\n", wanted),
              testing::EndsWith("\n1 | null | null | null"));
  EXPECT_THAT(
      Read(RowFormat::kCsv, "id,l\n1,\n2,[]\n", wanted),
      HasSubstr("line 3, column l: \"[]\" is no list, which text of CSV cannot be"));
}

TEST_F(RowFileTest, CsvNumbersAreDecimal) {
  const auto longs = arrow::schema({arrow::field("a", arrow::int64())});
  const auto ints = arrow::schema({arrow::field("a", arrow::int32())});
  const auto reals = arrow::schema({arrow::field("a", arrow::float64())});
  const auto floats = arrow::schema({arrow::field("a", arrow::float32())});
  const auto decimals = arrow::schema({arrow::field("a", arrow::decimal128(9, 2))});
  for (const char* text : {"0x10", "+5", "1_000", "1 0", "0x1p3", "--1", "five"}) {
    for (const auto& wanted : {longs, ints, reals, floats, decimals}) {
      EXPECT_THAT(Read(RowFormat::kCsv, std::string("a\n") + text + "\n", wanted),
                  HasSubstr("line 2, column a: \"" + std::string(text) + "\" is no "))
          << text;
    }
  }
  EXPECT_THAT(Read(RowFormat::kCsv, "a\n 007 \n-1\n", longs), HasSubstr("\n7\n-1"));
  EXPECT_THAT(Read(RowFormat::kCsv, "a\n2147483648\n", ints),
              HasSubstr("\"2147483648\" is out of range for int"));
  EXPECT_THAT(Read(RowFormat::kCsv, "a\n1e39\n", floats),
              HasSubstr("\"1e39\" is out of range for float"));
  EXPECT_THAT(Read(RowFormat::kCsv, "a\n-1e400\n", reals),
              HasSubstr("\"-1e400\" is out of range for double"));
  // Nor are they guessed to be numbers.
  EXPECT_EQ(Read(RowFormat::kCsv, "a\n0x10\n"), "a: string\n0x10");
}

TEST_F(RowFileTest, LinesOfCsvAreThoseOfTheFile) {
  const auto longs = arrow::schema(
      {arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});
  for (const auto& [text, line] :
       {std::pair{"a,b\nx,\n", 2}, std::pair{"\xef\xbb\xbf\"a\",b\n\n\n1,\nx,\n", 5},
        std::pair{"a,b\r\n1,\"2\r\n3\"\r\nx,\r\n", 4},
        std::pair{"\n\na,b\n1,\"\n\"\"\n\"\n\nx,\n", 8},
        std::pair{"a,b\n1,5\"\n1\nx,\n", 3}, std::pair{"a,b\r1,2\rx,\r", 3},
        std::pair{"a,\"b\"\n1,\"x\"\"\ny\"\nx,\"\n\"\n", 4}}) {
    EXPECT_THAT(Read(RowFormat::kCsv, text, longs),
                testing::StartsWith("x.file: line " + std::to_string(line)))
        << text;
  }
}

TEST_F(RowFileTest, CsvEndsAtAQuoteThatIsNeverClosed) {
  EXPECT_EQ(Read(RowFormat::kCsv, "id,s\n1,a\n2,\"abc\n3,x\n"),
            "x.file: line 3: the quote that begins there is never closed");
  EXPECT_EQ(Read(RowFormat::kCsv, "id,s\n\"1\n\",\"a"),
            "x.file: line 3: the quote that begins there is never closed");
  EXPECT_EQ(Read(RowFormat::kCsv, "id,\"s\n1,a\n"),
            "x.file: line 1: the quote that begins there is never closed");
  EXPECT_THAT(Read(RowFormat::kCsv, "id,s\n1,\"a\""), testing::EndsWith("\n1 | a"));
  EXPECT_THAT(Read(RowFormat::kCsv, "id,s\n1,a\"\n"), testing::EndsWith("\n1 | a\""));
}

// Of whatever text, what is looked at here is split as Arrow's parser does it: a row that
// is left out stands on its line, and another one follows where no quote is open.
TEST_F(RowFileTest, LinesAndQuotesOfCsvAreThoseOfItsParser) {
  const auto wanted = arrow::schema({arrow::field("x", arrow::utf8())});
  const auto left_out = [&](const std::string& text, Status* status) {
    std::vector<RejectedRow> rows;
    RowFileOptions options{RowFormat::kCsv, wanted, nullptr};
    options.on_rejected = [&](const RejectedRow& row) {
      rows.push_back(row);
      return Status::OK();
    };
    auto stream = OpenRowFile(context_, BytesOf(context_, text), "x.csv", options);
    *status = stream.status();
    while (status->ok()) {
      const auto batch = (*stream)->Next();
      *status = batch.status();
      if (!batch.ok() || *batch == nullptr) break;
    }
    return rows;
  };
  std::mt19937 random(27);  // NOLINT(bugprone-random-generator-seed): repeatable.
  for (int i = 0; i < 20'000; ++i) {
    const std::string heading = i % 2 == 0 ? "a\n" : "a,b,c,d\n";
    std::string text = heading;
    for (auto left = random() % 16; left > 0; --left)
      text += "x,\"\"\n\n\r"[random() % 7];
    Status status;
    for (const RejectedRow& row : left_out(text, &status)) {
      std::size_t at = 0;
      for (std::int64_t line = 1; line < row.row; ++line) {
        at = text.find_first_of("\r\n", at);
        at += text.compare(at, 2, "\r\n") == 0 ? 2 : 1;
      }
      EXPECT_TRUE(std::string_view(text).substr(at).starts_with(row.record))
          << testing::PrintToString(text) << " line " << row.row;
    }
    EXPECT_TRUE(status.ok() || status.message().ends_with("is never closed")) << status;
    const auto more = left_out(text + (status.ok() ? "\ny,y" : "\"\ny,y"), &status);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(!more.empty() && more.back().record == "y,y")
        << testing::PrintToString(text);
  }
}

// As firn's own export writes NULL in a column that is alone.
TEST_F(RowFileTest, ABlankLineIsARowOfOneColumn) {
  EXPECT_EQ(Read(RowFormat::kCsv, "a\n1\n\n2\n\n"), "a: int64\n1\nnull\n2\nnull");
  EXPECT_EQ(Read(RowFormat::kTsv, "\na\r\n\r\n\"\"\r\nx"), "a: string\nnull\n\nx");
  EXPECT_EQ(Read(RowFormat::kCsv, "a,b\n1,2\n\n3,4\n\n"),
            "a: int64, b: int64\n1 | 2\n3 | 4");
  const auto longs = arrow::schema({arrow::field("a", arrow::int64())});
  EXPECT_THAT(Read(RowFormat::kCsv, "\na\n\n\n1\n\nx\n", longs),
              testing::StartsWith("x.file: line 7, column a: "));
  // Wherever a block ends.
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    std::string text = "a" + end;
    for (int i = 0; i < 2'500'000; ++i) text += i % 2 == 0 ? end : "1" + end;
    text += "x" + end;
    EXPECT_THAT(Read(RowFormat::kCsv, text, longs),
                testing::StartsWith("x.file: line 2500002, column a: "));
  }
}

TEST_F(RowFileTest, AHeadingThatIsNoUtf8SaysWhatToDo) {
  const auto longs = arrow::schema({arrow::field("b", arrow::int64())});
  for (const auto& wanted : {longs, std::shared_ptr<arrow::Schema>()}) {
    EXPECT_THAT(Read(RowFormat::kCsv, "caf\xe9,b\n1,2\n", wanted),
                testing::AllOf(HasSubstr("its heading is no UTF-8: "),
                               HasSubstr("iconv -f WINDOWS-1252 -t UTF-8")));
    for (const char* mark : {"\xff\xfe", "\xfe\xff", ""}) {
      EXPECT_THAT(
          Read(RowFormat::kCsv, mark + std::string("b\0\n\0001\0\n\0", 8), wanted),
          HasSubstr("its heading is no UTF-8, but UTF-16: "));
    }
  }
}

TEST_F(RowFileTest, ARowOfCsvHasABound) {
  const std::string long_text((4 << 20) + 1, 'x');
  EXPECT_EQ(Read(RowFormat::kCsv, "a,b\n1,2\n3," + long_text + "\n4,5\n"),
            "x.file: from line 3 on a row is longer than 4 MiB");
  EXPECT_EQ(
      Read(RowFormat::kCsv, "a,b\n1,2\n\"\n3\",\"" + long_text + "\n4,5\n"),
      "x.file: from line 3 on a row is longer than 4 MiB; the quote of line 4 is not "
      "closed in it");
  EXPECT_EQ(Read(RowFormat::kCsv, long_text),
            "x.file: from line 1 on a row is longer than 4 MiB");
  EXPECT_THAT(Read(RowFormat::kCsv, "a,b\n1,z\n3," + long_text.substr(4) + "\n4,y\n"),
              testing::EndsWith("\n4 | y"));
}

TEST_F(RowFileTest, AnEmptyFileOfCsvHasNoRows) {
  const auto longs = arrow::schema({arrow::field("b", arrow::int64(), false)});
  for (const char* text : {"", "\n\n", "\xef\xbb\xbf"}) {
    EXPECT_EQ(Read(RowFormat::kCsv, text, longs), "b: int64");
    EXPECT_EQ(Read(RowFormat::kCsv, text),
              "x.file: it is empty: the names of the columns are to be its first line");
  }
}

// Nothing reads on when the stream is gone, nor is anything kept of it.
TEST_F(RowFileTest, AStreamOfCsvMayBeDroppedEarly) {
  std::string text = "id,s\n1,a\nx,b\n";
  for (int i = 0; i < 1'000'000; ++i) text += "2,abcdefghijklm\n";
  const auto wanted = arrow::schema(
      {arrow::field("id", arrow::int64()), arrow::field("s", arrow::utf8())});
  for (int i = 0; i < 20; ++i) {
    auto bytes = BytesOf(context_, text);
    const std::weak_ptr<RowBytes> kept = bytes;
    auto stream = OpenRowFile(context_, std::move(bytes), "x.csv",
                              {RowFormat::kCsv, wanted, nullptr});
    ASSERT_TRUE(stream.ok()) << stream.status();
    EXPECT_TRUE((*stream)->Next().status().Is(StatusCode::kInvalidArgument));
    stream->reset();
    EXPECT_TRUE(kept.expired());
  }
}

TEST_F(RowFileTest, AByteOrderMarkIsNoPartOfTheFirstLine) {
  EXPECT_EQ(Read(RowFormat::kNdjson, "\xef\xbb\xbf{\"a\":1}\n"), "a: int64\n1");
  EXPECT_EQ(Read(RowFormat::kCsv,
                 "\xef\xbb\xbf"
                 "a\n1\n"),
            "a: int64\n1");
}

// Lines of two bytes into a table of many columns, and lines with a name each: what is
// parsed at once is bounded by what that makes.
TEST_F(RowFileTest, WideTablesAreReadInParts) {
  arrow::FieldVector fields;
  std::string names;
  for (int i = 0; i < 4'000; ++i) {
    fields.push_back(arrow::field("c" + std::to_string(i), arrow::int64()));
    names += "{\"c" + std::to_string(i) + "\":1}\n";
  }
  const auto wanted = arrow::schema(fields);
  std::string empty;
  std::string csv = "c0\n";
  for (int i = 0; i < 20'000; ++i) empty += "{}\n";
  for (int i = 0; i < 20'000; ++i) csv += "1\n";
  for (const auto& [format, text, rows] : {std::tuple{RowFormat::kNdjson, empty, 20'000},
                                           std::tuple{RowFormat::kNdjson, names, 4'000},
                                           std::tuple{RowFormat::kCsv, csv, 20'000}}) {
    base::ByteBudget budget("of a file of rows", 64 << 20);
    parquet::BudgetMemoryPool pool(budget);
    auto stream =
        OpenRowFile(context_, BytesOf(context_, text), "x", {format, wanted, &pool});
    ASSERT_TRUE(stream.ok()) << stream.status();
    std::int64_t read = 0;
    for (;;) {
      const auto batch = (*stream)->Next();
      ASSERT_TRUE(batch.ok()) << batch.status();
      if (*batch == nullptr) break;
      EXPECT_LE((*batch)->num_rows() * 4'000, 3'000'000);
      read += (*batch)->num_rows();
    }
    EXPECT_EQ(read, rows);
  }
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

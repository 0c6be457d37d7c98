// SPDX-License-Identifier: Apache-2.0
// The Avro codec against itself and against bytes that mean harm.
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "iceberg/avro_encoder.h"
#include "iceberg/avro_file.h"
#include "iceberg/avro_rewrite.h"

namespace firn::iceberg {
namespace {

AvroSchemaPtr PairSchema() {
  return AvroRecord(
      "pair",
      {MakeAvroField("id", FieldId(1), AvroPrimitive(AvroKind::kLong)),
       MakeAvroField("text", FieldId(2), AvroOptional(AvroPrimitive(AvroKind::kString))),
       MakeAvroField("sizes", FieldId(3),
                     AvroOptional(AvroIntMap(FieldId(4), FieldId(5),
                                             AvroPrimitive(AvroKind::kLong))))});
}

std::string PairFile(AvroCodec codec, int objects) {
  AvroFileWriter writer(PairSchema(), {{"who", "test"}}, codec);
  for (int i = 0; i < objects; ++i) {
    AvroEncoder out(writer.object());
    out.Long(i);
    if (i % 3 == 0) {
      out.Absent();
    } else {
      out.Present();
      out.String("text " + std::to_string(i));
    }
    out.Present();
    out.ArrayBegin(2);
    out.Int(7);
    out.Long(-i);
    out.Int(8);
    out.Long(std::numeric_limits<std::int64_t>::min());
    out.ArrayEnd();
    EXPECT_TRUE(writer.EndObject().ok());
  }
  auto file = std::move(writer).Finish();
  EXPECT_TRUE(file.ok()) << file.status();
  return *file;
}

Result<std::int64_t> CountObjects(std::string_view bytes) {
  FIRN_ASSIGN_OR_RETURN(const AvroFileReader reader, AvroFileReader::Open(bytes));
  std::int64_t count = 0;
  FIRN_RETURN_IF_ERROR(reader.ReadObjects([&](AvroDecoder& in) {
    ++count;
    return in.Skip(reader.schema());
  }));
  return count;
}

TEST(AvroFile, RoundTrips) {
  for (const AvroCodec codec : {AvroCodec::kNull, AvroCodec::kDeflate}) {
    const std::string bytes = PairFile(codec, 10'000);
    const auto reader = AvroFileReader::Open(bytes);
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_EQ(reader->metadata().at("who"), "test");
    std::int64_t next = 0;
    const Status read = reader->ReadObjects([&](AvroDecoder& in) {
      bool found = false;
      return in.ReadRecord(
          reader->schema(),
          [&](const AvroField& field) -> Status {
            if (field.id == FieldId(1)) {
              std::int64_t id = -1;
              FIRN_RETURN_IF_ERROR(in.ReadLong(*field.type, &id, &found));
              EXPECT_EQ(id, next++);
              return Status::OK();
            }
            if (field.id == FieldId(2)) {
              std::string text;
              FIRN_RETURN_IF_ERROR(in.ReadBytes(*field.type, &text, &found));
              EXPECT_EQ(found, (next - 1) % 3 != 0);
              if (found) {
                EXPECT_EQ(text, "text " + std::to_string(next - 1));
              }
              return Status::OK();
            }
            return in.Skip(*field.type);
          },
          &found);
    });
    EXPECT_TRUE(read.ok()) << read;
    EXPECT_EQ(next, 10'000);
  }
}

TEST(AvroRewrite, ChangesWhatItIsToldAndKeepsTheRest) {
  AvroChanges none;
  none.text = [](FieldId, std::string_view text) -> Result<std::string> {
    return std::string(text);
  };
  none.number = [](FieldId, std::int64_t n) -> Result<std::int64_t> { return n; };
  for (const AvroCodec codec : {AvroCodec::kNull, AvroCodec::kDeflate}) {
    const std::string bytes = PairFile(codec, 10'000);
    const auto same = RewriteAvroFile(bytes, none);
    ASSERT_TRUE(same.ok()) << same.status();
    // Arrays come in other blocks; once more, nothing is different.
    EXPECT_EQ(*CountObjects(*same), 10'000);
    EXPECT_EQ(*RewriteAvroFile(*same, none), *same);
    EXPECT_EQ(AvroFileReader::Open(*same)->metadata(),
              AvroFileReader::Open(bytes)->metadata());
    AvroChanges longer = none;
    longer.text = [](FieldId id, std::string_view text) -> Result<std::string> {
      EXPECT_EQ(id, FieldId(2));
      return std::string(text) + "!";
    };
    longer.number = [](FieldId id, std::int64_t n) -> Result<std::int64_t> {
      return id == FieldId(1) ? n + 1 : n;
    };
    const auto changed = RewriteAvroFile(bytes, longer);
    ASSERT_TRUE(changed.ok()) << changed.status();
    AvroChanges shorter = none;
    shorter.text = [](FieldId, std::string_view text) -> Result<std::string> {
      EXPECT_TRUE(text.ends_with('!'));
      return std::string(text.substr(0, text.size() - 1));
    };
    shorter.number = [](FieldId id, std::int64_t n) -> Result<std::int64_t> {
      return id == FieldId(1) ? n - 1 : n;
    };
    EXPECT_EQ(*RewriteAvroFile(*changed, shorter), *same);
  }
  EXPECT_EQ(RewriteAvroFile("no Avro", none).status().code(), StatusCode::kCorruption);
  AvroChanges refusing = none;
  refusing.text = [](FieldId, std::string_view) -> Result<std::string> {
    return Status::Unimplemented("no");
  };
  EXPECT_EQ(RewriteAvroFile(PairFile(AvroCodec::kNull, 3), refusing).status().code(),
            StatusCode::kUnimplemented);
}

TEST(AvroFile, EmptyFileHasNoObjects) {
  EXPECT_EQ(*CountObjects(PairFile(AvroCodec::kDeflate, 0)), 0);
}

TEST(AvroFile, EqualInputGivesEqualBytes) {
  EXPECT_EQ(PairFile(AvroCodec::kDeflate, 100), PairFile(AvroCodec::kDeflate, 100));
}

TEST(AvroFile, EveryPrefixIsRefused) {
  const std::string bytes = PairFile(AvroCodec::kNull, 20);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto count = CountObjects(std::string_view(bytes).substr(0, size));
    // A cut at the end of the header leaves a file without blocks.
    if (count.ok()) {
      EXPECT_EQ(*count, 0) << size;
    } else {
      EXPECT_EQ(count.status().code(), StatusCode::kCorruption) << count.status();
    }
  }
}

TEST(AvroFile, ChangedBytesNeverCrash) {
  std::mt19937_64 random(20260102);
  for (const AvroCodec codec : {AvroCodec::kNull, AvroCodec::kDeflate}) {
    const std::string good = PairFile(codec, 20);
    for (int round = 0; round < 700; ++round) {
      std::string bytes = good;
      for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      const auto count = CountObjects(bytes);
      if (count.ok()) {
        EXPECT_LE(*count, static_cast<std::int64_t>(bytes.size()));
      }
    }
  }
}

// A container file by hand: schema, one block of `objects` in `block`.
std::string HandMade(const std::string& schema, std::int64_t objects,
                     const std::string& block, const std::string& codec = "null") {
  std::string file("Obj\x01", 4);
  AvroEncoder out(file);
  out.ArrayBegin(2);
  out.String("avro.schema");
  out.Bytes(schema);
  out.String("avro.codec");
  out.Bytes(codec);
  out.ArrayEnd();
  const std::string sync(16, 's');
  out.Fixed(sync);
  out.Long(objects);
  out.Bytes(block);
  out.Fixed(sync);
  return file;
}

StatusCode CodeOf(const std::string& file) { return CountObjects(file).status().code(); }

TEST(AvroHostile, CountsAndLengthsAreChecked) {
  std::string huge;
  AvroEncoder(huge).Long(std::numeric_limits<std::int64_t>::max());
  std::string negative;
  AvroEncoder(negative).Long(-1);
  std::string smallest;
  AvroEncoder(smallest).Long(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(CodeOf(HandMade("\"string\"", 1, huge)), StatusCode::kCorruption);
  EXPECT_EQ(CodeOf(HandMade("\"string\"", 1, negative)), StatusCode::kCorruption);
  const std::string array = R"({"type":"array","items":"long"})";
  EXPECT_EQ(CodeOf(HandMade(array, 1, huge)), StatusCode::kCorruption);
  EXPECT_EQ(CodeOf(HandMade(array, 1, smallest)), StatusCode::kCorruption);
  EXPECT_EQ(CodeOf(HandMade(R"({"type":"map","values":"null"})", 1, huge)),
            StatusCode::kCorruption);
  EXPECT_EQ(CodeOf(HandMade("\"long\"", std::numeric_limits<std::int64_t>::max(), huge)),
            StatusCode::kCorruption);
  EXPECT_EQ(CodeOf(HandMade("\"long\"", -1, huge)), StatusCode::kCorruption);
  EXPECT_EQ(CodeOf(HandMade(R"(["null","long"])", 1, huge)), StatusCode::kCorruption);
  EXPECT_EQ(CodeOf(HandMade("\"boolean\"", 1, "\x02")), StatusCode::kCorruption);
  EXPECT_EQ(CodeOf(HandMade("\"long\"", 1, huge + "x")), StatusCode::kCorruption);
  // Many objects that take no bytes.
  EXPECT_EQ(CodeOf(HandMade("\"null\"", 1 << 30, "")), StatusCode::kCorruption);
}

TEST(AvroHostile, NegativeBlockCountsAreRead) {
  // Two items, written as a block with its size in bytes.
  std::string block;
  AvroEncoder out(block);
  out.Long(-2);
  out.Long(2);
  out.Long(1);
  out.Long(2);
  out.Long(0);
  EXPECT_EQ(*CountObjects(HandMade(R"({"type":"array","items":"long"})", 1, block)), 1);
}

TEST(AvroHostile, BlocksDecompressWithinABound) {
  // Deflate packs zeros a thousandfold; the block must be refused at the bound.
  AvroFileWriter writer(AvroPrimitive(AvroKind::kBytes), {}, AvroCodec::kDeflate);
  AvroEncoder(writer.object()).Bytes(std::string(kAvroBlockBytesMax + 1, '\0'));
  ASSERT_TRUE(writer.EndObject().ok());
  const std::string file = *std::move(writer).Finish();
  EXPECT_LT(file.size(), std::size_t{1} << 20);
  EXPECT_EQ(CountObjects(file).status().code(), StatusCode::kCorruption);
}

TEST(AvroHostile, SchemasAreBounded) {
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += R"({"type":"array","items":)";
  EXPECT_EQ(AvroSchemaFromJson(nested).status().code(), StatusCode::kCorruption);
  std::string deep = "\"long\"";
  for (int i = 0; i < 40; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_EQ(AvroSchemaFromJson(deep).status().code(), StatusCode::kCorruption);

  // Each record holds the one before twice: thirty lines would be a billion fields.
  std::string doubling =
      R"({"type":"record","name":"r0","fields":[{"name":"f","type":"null"}]})";
  for (int i = 1; i < 30; ++i) {
    const std::string n = std::to_string(i);
    doubling = R"({"type":"record","name":"r)" + n +
               R"(","fields":[{"name":"a","type":)" + doubling +
               R"(},{"name":"b","type":"r)" + std::to_string(i - 1) + R"("}]})";
  }
  EXPECT_EQ(AvroSchemaFromJson(doubling).status().code(), StatusCode::kCorruption);

  EXPECT_EQ(AvroSchemaFromJson(R"({"type":"array","items":"null"})").status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(AvroSchemaFromJson(
                R"({"type":"record","name":"r","fields":[{"name":"f","type":"r"}]})")
                .status()
                .code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(AvroSchemaFromJson(R"({"type":"fixed","name":"f","size":99999999999})")
                .status()
                .code(),
            StatusCode::kCorruption);
  EXPECT_EQ(AvroSchemaFromJson("[]").status().code(), StatusCode::kCorruption);
}

TEST(AvroFile, NamesACodecItDoesNotRead) {
  const auto count = CountObjects(HandMade("\"long\"", 0, "", "zstandard"));
  EXPECT_EQ(count.status().code(), StatusCode::kUnimplemented);
  EXPECT_EQ(count.status().message(), "Avro codec zstandard is not read");
}

TEST(AvroSchema, PrintsWhatItParses) {
  const std::string text = AvroSchemaToJson(*PairSchema());
  const auto parsed = AvroSchemaFromJson(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(AvroSchemaToJson(**parsed), text);
  EXPECT_NE(text.find(R"("field-id":2)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("logicalType":"map")"), std::string::npos) << text;
}

TEST(AvroSchema, MakesNamesFit) {
  const AvroField field =
      MakeAvroField("service.name", FieldId(1), AvroPrimitive(AvroKind::kLong));
  EXPECT_EQ(field.name, "service_x2Ename");
  EXPECT_EQ(field.iceberg_name, "service.name");
  EXPECT_EQ(MakeAvroField("9x", FieldId(1), nullptr).name, "_9x");
}

TEST(AvroSchema, WritesANamedTypeOnce) {
  const AvroSchemaPtr schema =
      AvroRecord("r", {MakeAvroField("a", FieldId(1), AvroFromPrimitive(FixedType(16))),
                       MakeAvroField("b", FieldId(2), AvroFromPrimitive(FixedType(16)))});
  const std::string text = AvroSchemaToJson(*schema);
  EXPECT_NE(text.find(R"("type":"fixed_16")"), std::string::npos) << text;
  EXPECT_TRUE(AvroSchemaFromJson(text).ok());
}

}  // namespace
}  // namespace firn::iceberg

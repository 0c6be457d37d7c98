// SPDX-License-Identifier: Apache-2.0
// Files that are cut short, altered or no Parquet at all: a typed error that names the
// file, or an answer, and never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "parquet/test_damage.h"

namespace firn::parquet {
namespace {

void ExpectTyped(const Status& status, const std::string& what) {
  EXPECT_TRUE(IsTyped(status)) << what << ": " << status;
}

TEST(Damage, WhatIsNoParquetFile) {
  EXPECT_TRUE(ReadThrough(GoodFile(0)).ok());
  for (const std::string& bytes :
       {std::string(), std::string("PAR1"), std::string("PAR1PAR1"),
        std::string(100, 'x'), "PAR1" + std::string(4, '\0') + "PAR1",
        std::string("PAR1\xff\xff\xff\xffPAR1")}) {
    const Status status = ReadThrough(bytes);
    EXPECT_TRUE(status.Is(StatusCode::kCorruption)) << bytes << ": " << status;
    ExpectTyped(status, bytes);
  }
  std::string encrypted = GoodFile(0);
  encrypted.back() = 'E';
  EXPECT_TRUE(ReadThrough(encrypted).Is(StatusCode::kPermissionDenied));
}

TEST(Damage, CutShort) {
  const std::string good = GoodFile(0);
  std::mt19937_64 random(7);
  for (int i = 0; i < 500; ++i) {
    const std::size_t length = random() % good.size();
    const Status status = ReadThrough(good.substr(0, length));
    EXPECT_FALSE(status.ok()) << "cut to " << length;
    ExpectTyped(status, "cut to " + std::to_string(length));
  }
}

TEST(Damage, BitsFlipped) {
  const std::string good = GoodFile(0);
  std::mt19937_64 random(8);
  int detected = 0;
  constexpr int kFlips = 1000;
  for (int i = 0; i < kFlips; ++i) {
    std::string bad = good;
    // Half of them in the footer and the indexes, which have no checksum.
    const std::size_t from = i % 2 == 0 ? good.size() / 2 : 0;
    const std::size_t at = from + random() % (good.size() - from);
    bad[at] = static_cast<char>(bad[at] ^ (1 << (random() % 8)));
    const Status status = ReadThrough(std::move(bad));
    detected += status.ok() ? 0 : 1;
    ExpectTyped(status,
                "flip at " + std::to_string(at) + " of case " + std::to_string(i));
  }
  EXPECT_GT(detected, kFlips / 4);
}

// A short run of what parquet_fuzz.cc does for as long as one lets it.
TEST(Damage, EveryFormHarmedAtRandom) {
  std::mt19937_64 random(9);
  for (int form = 0; form < kGoodFiles; ++form) {
    const std::string good = GoodFile(form);
    ReadingOptions reading = {.has_keys = true};
    const Status sound = ReadThrough(good, reading);
    ASSERT_TRUE(sound.ok()) << form << ": " << sound;
    for (int i = 0; i < 300; ++i) {
      std::string script(64, '\0');
      for (char& byte : script) byte = static_cast<char>(random() >> 56);
      std::string bad = good;
      base::ByteReader in(script);
      Harm(in, bad);
      reading.verify_checksums = i % 2 == 0;
      reading.text_form = static_cast<TextForm>(i % 3);
      ExpectTyped(ReadThrough(std::move(bad), reading),
                  "case " + std::to_string(i) + " of form " + std::to_string(form));
    }
  }
}

TEST(Damage, PageChecksumsCatchAlteredValues) {
  WriterOptions options;
  options.codec = Codec::kUncompressed;
  options.default_column.dictionary = false;
  arrow::Int64Builder n;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(n.Append(i).ok());
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({Id(arrow::field("n", arrow::int64(), false), 1)}), 1000,
      {n.Finish().ValueOrDie()});
  std::string bytes;
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), batch->schema(), options);
  ASSERT_TRUE((*writer)->Write(*batch).ok() && std::move(**writer).Finish().ok());
  bytes[4000] ^= 1;  // Inside the only page's values.
  const Status status = ReadThrough(bytes);
  EXPECT_TRUE(status.Is(StatusCode::kCorruption)) << status;
}

}  // namespace
}  // namespace firn::parquet

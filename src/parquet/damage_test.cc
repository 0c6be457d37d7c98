// SPDX-License-Identifier: Apache-2.0
// Files that are cut short, altered or no Parquet at all: a typed error that names the
// file, or an answer, and never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "parquet/footer_cache.h"
#include "parquet/memory_pool.h"
#include "parquet/reader.h"
#include "parquet/test_objects.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using testing::HasSubstr;

// Open, plan and read all of it, with a predicate so that every part is looked at.
Status ReadThrough(std::string bytes) {
  const base::Context context;
  // A damaged size may ask for gigabytes: the budget says no.
  base::ByteBudget budget("damage", 64 << 20);
  BudgetMemoryPool pool(budget);
  ReaderOptions options;
  options.pool = &pool;
  FIRN_ASSIGN_OR_RETURN(
      const auto reader,
      FileReader::Open(context, std::make_shared<StringReader>(std::move(bytes)),
                       "memory://w/broken.parquet", options));
  ScanSpec spec;
  spec.predicate = expr::MakePredicate(
      expr::Or{{expr::MakePredicate(expr::Compare{"metric", expr::CompareOp::kGt,
                                                  std::string("metric_101")}),
                expr::MakePredicate(expr::Compare{
                    "id", expr::CompareOp::kEq, expr::Binary{std::string(16, '\1')}})}});
  FIRN_ASSIGN_OR_RETURN(auto plan, reader->Plan(context, spec));
  FIRN_ASSIGN_OR_RETURN(const auto stream, reader->Read(context, spec, std::move(plan)));
  // Far more batches than the file has rows would be a hang.
  for (int i = 0; i < 10'000; ++i) {
    FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
    if (batch == nullptr) return Status::OK();
  }
  return Status::Internal("no end");
}

void ExpectTyped(const Status& status, const std::string& what) {
  if (status.ok()) return;
  EXPECT_TRUE(status.Is(StatusCode::kCorruption) ||
              status.Is(StatusCode::kPermissionDenied) ||
              status.Is(StatusCode::kUnimplemented) ||
              status.Is(StatusCode::kResourceExhausted) ||
              status.Is(StatusCode::kInvalidArgument))
      << what << ": " << status;
  EXPECT_THAT(status.ToString(), HasSubstr("memory://w/broken.parquet")) << what;
}

std::string GoodFile() {
  std::string bytes;
  WriterOptions options;
  options.row_group_rows = 150;
  options.page_rows = 40;
  options.columns[10].bloom_filter = BloomFilterOptions{50, 0.05};
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), EveryTypeSchema(), options);
  EXPECT_TRUE(writer.ok() && (*writer)->Write(*EveryTypeBatch(300, 1)).ok() &&
              std::move(**writer).Finish().ok());
  return bytes;
}

TEST(Damage, WhatIsNoParquetFile) {
  EXPECT_TRUE(ReadThrough(GoodFile()).ok());
  for (const std::string& bytes :
       {std::string(), std::string("PAR1"), std::string("PAR1PAR1"),
        std::string(100, 'x'), "PAR1" + std::string(4, '\0') + "PAR1",
        std::string("PAR1\xff\xff\xff\xffPAR1")}) {
    const Status status = ReadThrough(bytes);
    EXPECT_TRUE(status.Is(StatusCode::kCorruption)) << bytes << ": " << status;
    ExpectTyped(status, bytes);
  }
  std::string encrypted = GoodFile();
  encrypted.back() = 'E';
  EXPECT_TRUE(ReadThrough(encrypted).Is(StatusCode::kPermissionDenied));
}

TEST(Damage, CutShort) {
  const std::string good = GoodFile();
  std::mt19937_64 random(7);
  for (int i = 0; i < 500; ++i) {
    const std::size_t length = random() % good.size();
    const Status status = ReadThrough(good.substr(0, length));
    EXPECT_FALSE(status.ok()) << "cut to " << length;
    ExpectTyped(status, "cut to " + std::to_string(length));
  }
}

TEST(Damage, BitsFlipped) {
  const std::string good = GoodFile();
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

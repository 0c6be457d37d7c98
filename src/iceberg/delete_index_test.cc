// SPDX-License-Identifier: Apache-2.0
#include "iceberg/delete_index.h"

#include <gtest/gtest.h>

#include "iceberg/single_value.h"
#include "iceberg/test_table.h"

namespace firn::iceberg {
namespace {

// Specs 0 (by day) and 1 (none). Files are called by names.
class DeleteIndexTest : public testing::Test {
 protected:
  DeleteIndexTest() {
    metadata_.schemas = {TestSchema()};
    metadata_.partition_specs = {TestSpec(), {SpecId(1), {}}};
  }

  static ManifestEntry Entry(DataFile file, std::int64_t number) {
    ManifestEntry entry;
    entry.data_file = std::move(file);
    entry.sequence_number = SequenceNumber(number);
    return entry;
  }
  void AddPositions(const std::string& name, int day, std::int64_t number,
                    const std::string& lower = "", const std::string& upper = "") {
    DataFile file = TestFile(name, day);
    file.content = FileContent::kPositionDeletes;
    if (!lower.empty())
      file.lower_bounds = {{kDeletedFilePath, "memory://w/data/" + lower}};
    if (!upper.empty())
      file.upper_bounds = {{kDeletedFilePath, "memory://w/data/" + upper}};
    ASSERT_TRUE(index_.Add(Entry(file, number)).ok());
  }
  void AddEquality(const std::string& name, std::optional<int> day, std::int64_t number,
                   std::int64_t first_id = 0, std::int64_t rows = 1000) {
    DataFile file = TestFile(name, day.value_or(0), first_id, rows);
    file.content = FileContent::kEqualityDeletes;
    file.equality_ids = {kTestId};
    if (!day) {
      file.spec_id = SpecId(1);
      file.partition.clear();
    }
    ASSERT_TRUE(index_.Add(Entry(file, number)).ok());
  }
  DataFile Vector(const std::string& name, const std::string& of, int day) {
    DataFile file = TestFile(name, day);
    file.content = FileContent::kPositionDeletes;
    file.file_format = FileFormat::kPuffin;
    file.referenced_data_file = "memory://w/data/" + of;
    file.content_offset = 4;
    file.content_size_bytes = 100;
    return file;
  }

  // The names of what applies to a data file, in order.
  std::string Find(const std::string& name, int day, std::int64_t number) {
    index_.Finish();
    std::string names;
    for (const DeleteFilePtr& file : index_.Find(Entry(TestFile(name, day), number))) {
      names += (names.empty() ? "" : " ") + file->file.file_path.substr(16);
    }
    return names;
  }

  TableMetadata metadata_;
  DeleteIndex index_{metadata_, nullptr};
};

TEST_F(DeleteIndexTest, PositionsApplyToTheirPartitionAndWhatIsNotNewer) {
  AddPositions("p3", 1, 3);
  AddPositions("p5", 1, 5);
  AddPositions("q4", 2, 4);
  EXPECT_EQ(Find("a", 1, 2), "p3 p5");
  EXPECT_EQ(Find("a", 1, 3), "p3 p5");
  EXPECT_EQ(Find("a", 1, 4), "p5");
  EXPECT_EQ(Find("a", 1, 6), "");
  EXPECT_EQ(Find("a", 2, 1), "q4");
  EXPECT_EQ(Find("a", 3, 1), "");
}

TEST_F(DeleteIndexTest, BoundsOfPathsPrune) {
  AddPositions("between", 1, 3, "c", "m");
  AddPositions("one", 1, 3, "d", "d");
  AddPositions("below", 1, 3, "", "c");
  EXPECT_EQ(Find("a", 1, 1), "below");
  EXPECT_EQ(Find("d", 1, 1), "one between");
  EXPECT_EQ(Find("n", 1, 1), "");
}

TEST_F(DeleteIndexTest, EqualitiesApplyToWhatIsOlder) {
  AddEquality("e3", 1, 3);
  AddEquality("g4", std::nullopt, 4);
  EXPECT_EQ(Find("a", 1, 2), "g4 e3");
  EXPECT_EQ(Find("a", 1, 3), "g4");
  EXPECT_EQ(Find("a", 2, 2), "g4");
  EXPECT_EQ(Find("a", 2, 4), "");
}

TEST_F(DeleteIndexTest, BoundsOfEqualityColumnsPrune) {
  AddEquality("low", 1, 3, 100, 5);  // TestFile: ids from 0 to 9.
  AddEquality("in", 1, 3, 9, 5);
  EXPECT_EQ(Find("a", 1, 1), "in");
}

TEST_F(DeleteIndexTest, AVectorStandsForPositions) {
  AddPositions("p", 1, 3);
  AddEquality("e", 1, 3);
  ASSERT_TRUE(index_.Add(Entry(Vector("v", "a", 1), 4)).ok());
  EXPECT_EQ(Find("a", 1, 1), "v e");
  EXPECT_EQ(Find("b", 1, 1), "p e");
  EXPECT_TRUE(index_.Add(Entry(Vector("w", "a", 1), 5)).Is(StatusCode::kCorruption));
}

TEST_F(DeleteIndexTest, WhatDoesNotSayEnoughIsCorruption) {
  DataFile equality = TestFile("e", 1);
  equality.content = FileContent::kEqualityDeletes;
  EXPECT_TRUE(index_.Add(Entry(equality, 1)).Is(StatusCode::kCorruption));
  DataFile vector = Vector("v", "a", 1);
  vector.content_offset.reset();
  EXPECT_TRUE(index_.Add(Entry(vector, 1)).Is(StatusCode::kCorruption));
  vector.content_offset = 901;  // Of 1000 bytes, with a blob of 100.
  EXPECT_TRUE(index_.Add(Entry(vector, 1)).Is(StatusCode::kCorruption));
}

TEST_F(DeleteIndexTest, MemoryIsDrawnOnTheBudget) {
  base::ByteBudget budget("plan", 2000);
  DeleteIndex index(metadata_, &budget);
  Status status;
  int added = 0;
  while (status.ok() && added < 100) {
    DataFile file = TestFile("p", 1);
    file.content = FileContent::kPositionDeletes;
    status = index.Add(Entry(file, ++added));
  }
  EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted)) << status;
}

}  // namespace
}  // namespace firn::iceberg

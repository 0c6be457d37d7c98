// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest.h"

#include <gtest/gtest.h>

#include <cmath>

#include "iceberg/manifest_avro.h"
#include "iceberg/manifest_list_avro.h"
#include "iceberg/test_table.h"

namespace firn::iceberg {
namespace {

DataFile FullFile() {
  DataFile file = TestFile("full.parquet", 20'455);
  file.column_sizes = {{kTestId, 80}, {kTestTs, 90}};
  file.nan_value_counts = {{FieldId(9), 2}};
  file.key_metadata = "key";
  file.split_offsets = {4, 1000};
  file.sort_order_id = SortOrderId(1);
  return file;
}

std::vector<ManifestEntry> TestEntries() {
  DataFile without_metrics;
  without_metrics.file_path = "memory://w/data/bare.parquet";
  without_metrics.partition = {std::nullopt};
  without_metrics.record_count = 5;
  return {
      {EntryStatus::kAdded, SnapshotId(9), {}, {}, FullFile()},
      {EntryStatus::kExisting, SnapshotId(3), SequenceNumber(1), SequenceNumber(2),
       TestFile("old.parquet", 20'000)},
      {EntryStatus::kDeleted, SnapshotId(9), SequenceNumber(1), SequenceNumber(1),
       TestFile("gone.parquet", 19'000)},
      {EntryStatus::kAdded, {}, {}, {}, without_metrics},
  };
}

ManifestHeader TestHeader() {
  return {TestSchema(), TestSpec(), ManifestContent::kData, 2};
}

Result<std::vector<ManifestEntry>> Decode(const std::string& bytes) {
  std::vector<ManifestEntry> entries;
  FIRN_RETURN_IF_ERROR(
      DecodeManifest(bytes, [&](const ManifestHeader&, ManifestEntry&& entry) {
        entries.push_back(std::move(entry));
        return Status::OK();
      }).status());
  return entries;
}

TEST(Manifest, RoundTrips) {
  const auto bytes = EncodeManifest(TestHeader(), TestEntries());
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto entries = Decode(*bytes);
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_EQ(*entries, TestEntries());
  const auto header = DecodeManifest(
      *bytes, [](const ManifestHeader&, ManifestEntry&&) { return Status::OK(); });
  EXPECT_EQ(*header, TestHeader());
}

TEST(Manifest, RoundTripsEveryPartitionType) {
  const std::pair<PrimitiveType, Value> cases[] = {
      {kBoolean, true},
      {kInt, std::int32_t{-3}},
      {kLong, std::int64_t{1} << 60},
      {kFloat, 2.5F},
      {kDouble, -2.5},
      {kDate, std::int32_t{10}},
      {kTime, std::int64_t{99}},
      {kTimestamp, std::int64_t{-5}},
      {kTimestamptz, std::int64_t{5}},
      {kString, std::string("a/b")},
      {kUuid, Bytes{std::string(16, '\x7f')}},
      {FixedType(16), Bytes{std::string(16, '\x01')}},
      {kBinary, Bytes{"bytes"}},
      {DecimalType(9, 2), Decimal{-1420}},
      {DecimalType(38, 10), Decimal{-(Decimal::Unscaled{1} << 110)}},
  };
  ManifestHeader header;
  DataFile file = TestFile("x.parquet", 0);
  file.partition.clear();
  int id = 0;
  for (const auto& [type, value] : cases) {
    ++id;
    const std::string name = "c" + std::to_string(id);
    header.schema.root.fields.push_back({FieldId(id), name, false, type, ""});
    header.spec.fields.push_back(
        {FieldId(id), FieldId(999 + id), name, Transform::Identity()});
    file.partition.push_back(value);
  }
  const std::vector<ManifestEntry> entries = {{EntryStatus::kAdded, {}, {}, {}, file}};
  const auto bytes = EncodeManifest(header, entries);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto decoded = Decode(*bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, entries);
}

TEST(Manifest, RefusesEntriesThatDoNotFit) {
  auto entries = TestEntries();
  entries[0].data_file.partition.clear();
  EXPECT_EQ(EncodeManifest(TestHeader(), entries).status().code(),
            StatusCode::kInvalidArgument);
  entries = TestEntries();
  entries[0].data_file.partition = {Value(std::string("x"))};
  const Status wrong_type = EncodeManifest(TestHeader(), entries).status();
  EXPECT_EQ(wrong_type.message(),
            "file memory://w/data/full.parquet: partition value of ts_day is not of type "
            "date");
  entries = TestEntries();
  entries[0].data_file.content = FileContent::kPositionDeletes;
  EXPECT_FALSE(EncodeManifest(TestHeader(), entries).ok());
  entries = TestEntries();
  entries[1].sequence_number.reset();
  EXPECT_FALSE(EncodeManifest(TestHeader(), entries).ok());
}

TEST(Manifest, DamagedBytesAreRefused) {
  const std::string bytes = *EncodeManifest(TestHeader(), TestEntries());
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_FALSE(Decode(bytes.substr(0, size)).ok() && size > 3000);
  }
  EXPECT_EQ(Decode("").status().code(), StatusCode::kCorruption);
  EXPECT_EQ(Decode("PAR1").status().code(), StatusCode::kCorruption);
  std::mt19937_64 random(7);
  for (int round = 0; round < 700; ++round) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
    (void)Decode(damaged).ok();
  }
}

TEST(Manifest, VisitorErrorEndsTheReading) {
  const std::string bytes = *EncodeManifest(TestHeader(), TestEntries());
  int visits = 0;
  const auto header = DecodeManifest(bytes, [&](const ManifestHeader&, ManifestEntry&&) {
    ++visits;
    return Status::Cancelled("enough");
  });
  EXPECT_EQ(header.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(visits, 1);
}

TEST(Manifest, EntriesInherit) {
  ManifestFile manifest;
  manifest.sequence_number = SequenceNumber(12);
  manifest.added_snapshot_id = SnapshotId(77);
  manifest.spec_id = SpecId(3);
  ManifestEntry added;
  ASSERT_TRUE(InheritFrom(manifest, &added).ok());
  EXPECT_EQ(added.snapshot_id, SnapshotId(77));
  EXPECT_EQ(added.sequence_number, SequenceNumber(12));
  EXPECT_EQ(added.file_sequence_number, SequenceNumber(12));
  EXPECT_EQ(added.data_file.spec_id, SpecId(3));

  ManifestEntry explicit_number;
  explicit_number.sequence_number = SequenceNumber(5);
  ASSERT_TRUE(InheritFrom(manifest, &explicit_number).ok());
  EXPECT_EQ(explicit_number.sequence_number, SequenceNumber(5));
  EXPECT_EQ(explicit_number.file_sequence_number, SequenceNumber(12));

  ManifestEntry existing;
  existing.status = EntryStatus::kExisting;
  EXPECT_EQ(InheritFrom(manifest, &existing).code(), StatusCode::kCorruption);
  manifest.sequence_number = SequenceNumber(0);  // From before sequence numbers.
  EXPECT_TRUE(InheritFrom(manifest, &existing).ok());
}

TEST(Manifest, SummaryCountsAndBounds) {
  const ManifestFile summary =
      SummarizeManifest(TestHeader(), TestEntries(), SnapshotId(9), SequenceNumber(4));
  EXPECT_EQ(summary.added_files_count, 2);
  EXPECT_EQ(summary.existing_files_count, 1);
  EXPECT_EQ(summary.deleted_files_count, 1);
  EXPECT_EQ(summary.added_rows_count, 15);
  EXPECT_EQ(summary.existing_rows_count, 10);
  EXPECT_EQ(summary.deleted_rows_count, 10);
  EXPECT_EQ(summary.min_sequence_number, SequenceNumber(1));
  ASSERT_EQ(summary.partitions.size(), 1U);
  const FieldSummary& days = summary.partitions[0];
  EXPECT_TRUE(days.contains_null);
  EXPECT_EQ(days.contains_nan, false);
  EXPECT_EQ(days.lower_bound, SerializeValue(std::int32_t{19'000}, kDate));
  EXPECT_EQ(days.upper_bound, SerializeValue(std::int32_t{20'455}, kDate));
}

TEST(Manifest, SummaryLeavesNanOutOfBounds) {
  ManifestHeader header;
  header.schema.root.fields = {{FieldId(1), "v", false, kDouble, ""}};
  header.spec.fields = {{FieldId(1), FieldId(1000), "v", Transform::Identity()}};
  std::vector<ManifestEntry> entries(3);
  entries[0].data_file.partition = {Value(std::nan(""))};
  entries[1].data_file.partition = {Value(1.0)};
  entries[2].data_file.partition = {Value(-1.0)};
  const ManifestFile summary =
      SummarizeManifest(header, entries, SnapshotId(1), SequenceNumber(1));
  EXPECT_EQ(summary.partitions[0].contains_nan, true);
  EXPECT_EQ(summary.partitions[0].lower_bound, SerializeValue(-1.0, kDouble));
  EXPECT_EQ(summary.partitions[0].upper_bound, SerializeValue(1.0, kDouble));
}

TEST(ManifestList, RoundTrips) {
  ManifestFile a =
      SummarizeManifest(TestHeader(), TestEntries(), SnapshotId(9), SequenceNumber(4));
  a.manifest_path = "memory://w/metadata/a.avro";
  a.manifest_length_bytes = 4000;
  ManifestFile b;
  b.manifest_path = "memory://w/metadata/b.avro";
  b.content = ManifestContent::kDeletes;
  b.key_metadata = "k";
  b.partitions = {FieldSummary{}};
  const std::vector<ManifestFile> list = {a, b};
  const auto bytes =
      EncodeManifestList(SnapshotId(9), std::nullopt, SequenceNumber(4), list);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto decoded = DecodeManifestList(*bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, list);
  for (std::size_t size = 0; size + 1 < bytes->size(); size += 11) {
    const auto cut = DecodeManifestList(bytes->substr(0, size));
    EXPECT_TRUE(!cut.ok() || cut->empty());
  }
}

}  // namespace
}  // namespace firn::iceberg

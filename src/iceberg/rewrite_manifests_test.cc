// SPDX-License-Identifier: Apache-2.0
#include "iceberg/rewrite_manifests.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "iceberg/action_fixture.h"

namespace firn::iceberg {
namespace {

class RewriteManifestsTest : public ActionTest {
 protected:
  void SetUp() override {
    ActionTest::SetUp();
    FreshTable({{kPropertyMergeEnabled, "false"}});
  }

  // One manifest a file, on days in turn.
  void Trickle(int files, int days) {
    for (int i = 0; i < files; ++i) {
      Append("f" + std::to_string(100 + i), static_cast<std::int32_t>(i % days));
    }
  }
  // By path: all that a rewrite must keep of a live file.
  using Kept = std::tuple<SnapshotId, SequenceNumber, SequenceNumber, DataFile>;
  std::map<std::string, Kept> Files() {
    std::map<std::string, Kept> files;
    for (ManifestEntry& entry : Entries(*Metadata()->current_snapshot())) {
      if (!entry.is_live()) continue;
      const std::string path = entry.data_file.file_path;
      files.emplace(path, Kept(*entry.snapshot_id, *entry.sequence_number,
                               *entry.file_sequence_number, std::move(entry.data_file)));
    }
    return files;
  }
  std::vector<ManifestFile> Manifests() {
    return *manifests.ReadManifestList(context, *Metadata()->current_snapshot());
  }
  // The days of each data manifest, in the order of the list.
  std::vector<std::set<int>> Days() {
    std::vector<std::set<int>> days;
    for (const ManifestFile& manifest : Manifests()) {
      if (manifest.content == ManifestContent::kDeletes) continue;
      std::set<int>& of = days.emplace_back();
      EXPECT_TRUE(manifests
                      .ReadManifest(context, manifest,
                                    [&](const ManifestHeader&, ManifestEntry&& entry) {
                                      EXPECT_EQ(entry.status, EntryStatus::kExisting);
                                      of.insert(std::get<std::int32_t>(
                                          *entry.data_file.partition[0]));
                                      return Status::OK();
                                    })
                      .ok());
    }
    return days;
  }
  // A target that a manifest of `files` files meets.
  std::int64_t BytesOf(std::int64_t files) {
    std::int64_t bytes = 0;
    std::int64_t count = 0;
    for (const ManifestFile& manifest : Manifests()) {
      bytes += manifest.manifest_length_bytes;
      count += manifest.added_files_count + manifest.existing_files_count;
    }
    return files * (bytes / count) + 10;
  }
};

TEST_F(RewriteManifestsTest, PartitionsComeTogetherAndNothingElseChanges) {
  Trickle(12, 3);
  const auto before = Files();
  const auto rows = Metadata()->current_snapshot()->SummaryCount(kSummaryTotalRecords, 0);
  const RewriteManifests action{.target_bytes = BytesOf(4)};
  const auto planned = PlanRewrite(context, manifests, *Metadata(), action);
  ASSERT_TRUE(planned.ok()) << planned.status();
  EXPECT_EQ(*planned, (ManifestCounts{0, 12, 3, 12}));
  const auto outcome = Commit(action);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(Days(), (std::vector<std::set<int>>{{0}, {1}, {2}}));
  EXPECT_EQ(Files(), before);
  const Snapshot& snapshot = *outcome->snapshot;
  EXPECT_EQ(snapshot.operation, Operation::kReplace);
  EXPECT_EQ(snapshot.SummaryCount(kSummaryTotalRecords, 0), rows);
  EXPECT_EQ(snapshot.SummaryCount(kSummaryManifestsCreated, 0), 3);
  EXPECT_EQ(snapshot.SummaryCount(kSummaryManifestsReplaced, 0), 12);
  EXPECT_EQ(snapshot.SummaryCount(kSummaryEntriesProcessed, 0), 12);

  // What is in order is left alone.
  const auto again = Commit(RewriteManifests{.target_bytes = BytesOf(4)});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->committed);
}

TEST_F(RewriteManifestsTest, FewInMemoryMakeTheSameManifests) {
  Trickle(23, 4);
  const auto before = Files();
  const std::int64_t target = BytesOf(3);
  const auto first = Commit(RewriteManifests{.target_bytes = target, .entries_max = 7});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Files(), before);
  EXPECT_EQ(first->snapshot->SummaryCount(kSummaryManifestsCreated, 0), 8);
  EXPECT_EQ(Days(), (std::vector<std::set<int>>{{0}, {0}, {1}, {1}, {2}, {2}, {3}, {3}}));
}

TEST_F(RewriteManifestsTest, DeletesAndOtherSpecsKeepTheirManifests) {
  Trickle(4, 2);
  ASSERT_EQ(AddDeletes(Deletes("d", 1)), "");
  ASSERT_EQ(Do(ReplaceSpec{PartitionSpec{SpecId(1), {}}, Metadata()->default_spec_id}),
            "");
  for (const char* each : {"x", "y"}) {
    DataFile file = File(each, 0);
    file.spec_id = Metadata()->default_spec_id;
    file.partition = {};
    ASSERT_EQ(Do(Adding({file})), "");
  }
  const auto before = Files();
  ASSERT_EQ(Do(RewriteManifests{}), "");
  EXPECT_EQ(Files(), before);
  const auto list = Manifests();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].spec_id, Metadata()->default_spec_id);
  EXPECT_EQ(list[0].existing_files_count, 2);
  EXPECT_EQ(list[1].existing_files_count, 4);
  EXPECT_EQ(list[2].content, ManifestContent::kDeletes);
  EXPECT_EQ(list[2].added_files_count, 1);
  EXPECT_EQ(list[2].min_sequence_number, SequenceNumber(5));
}

TEST_F(RewriteManifestsTest, ARivalsCommitIsRewrittenAsWell) {
  Trickle(6, 2);
  bool committed = false;
  store.SetFaultHook([&](const io::StoreOperation& operation) {
    const bool writes = operation.kind == io::StoreOperation::Kind::kPutIfAbsent;
    if (writes && !std::exchange(committed, true)) Append("rival", 1);
    return io::MemoryStore::Fault{};
  });
  const auto outcome = Commit(RewriteManifests{});
  store.SetFaultHook(nullptr);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->attempts, 2);
  EXPECT_EQ(Manifests().size(), 1U);
  EXPECT_EQ(Live(), "f100 f101 f102 f103 f104 f105 rival");
}

TEST_F(RewriteManifestsTest, WithoutFilesThereIsNothingToDo) {
  const auto outcome = Commit(RewriteManifests{});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_FALSE(outcome->committed);
}

}  // namespace
}  // namespace firn::iceberg

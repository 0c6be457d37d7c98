// SPDX-License-Identifier: Apache-2.0
// action_fixture.h: a small language for tests of actions on the table of test_table.h.
//
//   Append("a", 1);                      one file of ten rows, on day 1
//   EXPECT_EQ(Do(DeleteFiles{{File("a", 1)}}), "");
//   EXPECT_EQ(Live(), "b c");
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "iceberg/action.h"
#include "iceberg/history.h"
#include "iceberg/test_table.h"

namespace firn::iceberg {

class ActionTest : public TableTest {
 protected:
  void SetUp() override {
    OpenCatalog();
    CreateTable();
  }

  // Begin anew, with an empty table.
  void FreshTable(std::map<std::string, std::string> properties = {}) {
    ASSERT_TRUE(catalog->DropTable(context, name).ok());
    CreateTableRequest request;
    request.identifier = name;
    request.schema = TestSchema();
    request.spec = TestSpec();
    request.sort_order = TestOrder();
    request.properties = std::move(properties);
    ASSERT_TRUE(catalog->CreateTable(context, request).ok());
  }

  static DataFile File(const std::string& name, std::int32_t day,
                       std::int64_t rows = 10) {
    return TestFile(name, day, 0, rows);
  }
  static DataFile Deletes(const std::string& name, std::int32_t day,
                          FileContent content = FileContent::kPositionDeletes) {
    DataFile file = TestFile(name, day, 0, 2);
    file.content = content;
    file.lower_bounds.clear();
    file.upper_bounds.clear();
    if (content == FileContent::kEqualityDeletes) file.equality_ids = {kTestId};
    return file;
  }

  // Commit one action; the outcome, or the error.
  Result<CommitOutcome> Commit(const Action& action) {
    clock.AdvanceUs(1'000'000);
    return CommitWithRetry(
        context, {*catalog, manifests, clock, random}, name,
        [&](const LoadedTable&, Transaction& transaction) -> Result<BuildDecision> {
          transaction.Add(action);
          return BuildDecision::kCommit;
        },
        Options(3));
  }
  // The same; "" or the error as text.
  std::string Do(const Action& action) {
    const auto outcome = Commit(action);
    return outcome.ok() ? "" : outcome.status().ToString();
  }
  static Action Adding(std::vector<DataFile> files, SnapshotTarget target = {},
                       bool fast = false) {
    return iceberg::AppendFiles{std::move(files), {}, std::move(target), fast};
  }
  SnapshotId Append(const std::string& file, std::int32_t day,
                    const SnapshotTarget& target = {},
                    std::map<std::string, std::string> summary = {}) {
    const auto outcome =
        Commit(iceberg::AppendFiles{{File(file, day)}, std::move(summary), target});
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() && outcome->snapshot ? outcome->snapshot->id : SnapshotId();
  }
  static SnapshotRef Branch(SnapshotId id) { return {id, RefType::kBranch, {}, {}, {}}; }
  static SnapshotRef Tag(SnapshotId id) { return {id, RefType::kTag, {}, {}, {}}; }
  // What another engine does: add delete files.
  std::string AddDeletes(const DataFile& file) {
    FileChange change;
    change.operation = Operation::kOverwrite;
    change.added = {file};
    const auto base = Metadata();
    std::vector<std::string> written;
    const auto snapshot = WriteSnapshot(context, {manifests, clock, random, written},
                                        *base, change, std::string(kMainBranch));
    if (!snapshot.ok()) return snapshot.status().ToString();
    return Do(ChangeMetadata{{AddSnapshot{*snapshot},
                              MoveRef(*base, std::string(kMainBranch), snapshot->id)}});
  }

  std::shared_ptr<const TableMetadata> Metadata() {
    const auto table = Load();
    EXPECT_TRUE(table.ok()) << table.status();
    return table->metadata;
  }
  std::optional<SnapshotId> Current() { return Metadata()->current_snapshot_id; }

  // Names of the live files of a branch or tag, sorted; data and delete files alike.
  std::string Live(const std::string& ref = std::string(kMainBranch)) {
    const auto metadata = Metadata();
    const Snapshot* snapshot = FindRef(*metadata, ref);
    return snapshot == nullptr ? "" : LiveOf(*snapshot);
  }
  std::string LiveOf(const Snapshot& snapshot) {
    std::set<std::string> names;
    for (const ManifestEntry& entry : Entries(snapshot)) {
      if (!entry.is_live()) continue;
      const std::string& path = entry.data_file.file_path;
      EXPECT_TRUE(names.insert(path.substr(path.rfind('/') + 1)).second)
          << path << " is live twice";
    }
    std::string out;
    for (const std::string& each : names) out += (out.empty() ? "" : " ") + each;
    return out;
  }
  std::vector<ManifestEntry> Entries(const Snapshot& snapshot) {
    std::vector<ManifestEntry> entries;
    const auto list = manifests.ReadManifestList(context, snapshot);
    EXPECT_TRUE(list.ok()) << list.status();
    if (!list.ok()) return entries;
    for (const ManifestFile& manifest : *list) {
      const auto read = manifests.ReadManifest(
          context, manifest, [&](const ManifestHeader&, ManifestEntry&& entry) {
            entries.push_back(std::move(entry));
            return Status::OK();
          });
      EXPECT_TRUE(read.ok()) << read.status();
    }
    return entries;
  }
};

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// Changes of files: what each makes of a table, and what rivals make of it.
#include "iceberg/file_actions.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "iceberg/action_fixture.h"
#include "iceberg/manifest_merge.h"

namespace firn::iceberg {
namespace {

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class FileActionsTest : public ActionTest {};

TEST_F(FileActionsTest, OverwriteKeepsWhatItDoesNotTouch) {
  Append("a", 1);
  ASSERT_EQ(Do(Adding({File("b", 2), File("c", 2)})), "");
  ASSERT_EQ(Do(OverwriteFiles{{File("d", 2, 7)}, {File("b", 2)}, Current()}), "");
  EXPECT_EQ(Live(), "a c d");
  const auto metadata = Metadata();
  const Snapshot& now = *metadata->current_snapshot();
  EXPECT_EQ(now.operation, Operation::kOverwrite);
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"added-data-files", "1"},
                                          {"deleted-data-files", "1"},
                                          {"added-records", "7"},
                                          {"deleted-records", "10"},
                                          {"added-files-size", "1000"},
                                          {"removed-files-size", "1000"},
                                          {"changed-partition-count", "1"},
                                          {"total-data-files", "3"},
                                          {"total-records", "27"},
                                          {"total-files-size", "3000"},
                                          {"total-delete-files", "0"}}) {
    EXPECT_EQ(now.summary.at(key), value) << key;
  }
  std::map<std::string, std::pair<EntryStatus, std::int64_t>> entries;
  for (const ManifestEntry& entry : Entries(now)) {
    entries[entry.data_file.file_path.substr(16)] = {entry.status,
                                                     entry.sequence_number->value};
    const bool own = entry.snapshot_id == now.id;
    EXPECT_EQ(own,
              entry.status == EntryStatus::kDeleted || entry.sequence_number->value == 3);
  }
  // The manifest of a is the one that was there; that of b and c was written anew.
  const decltype(entries) expected = {{"a", {EntryStatus::kAdded, 1}},
                                      {"b", {EntryStatus::kDeleted, 2}},
                                      {"c", {EntryStatus::kExisting, 2}},
                                      {"d", {EntryStatus::kAdded, 3}}};
  EXPECT_EQ(entries, expected);
  // A removed file is said once, by the snapshot that removed it.
  Append("e", 3);
  EXPECT_EQ(Live(), "a c d e");
}

TEST_F(FileActionsTest, DeleteOfAllLeavesAnEmptyTable) {
  Append("a", 1);
  ASSERT_EQ(Do(DeleteFiles{{File("a", 1)}}), "");
  EXPECT_EQ(Live(), "");
  EXPECT_EQ(Metadata()->current_snapshot()->operation, Operation::kDelete);
  EXPECT_EQ(Metadata()->current_snapshot()->summary.at("total-data-files"), "0");
  Append("b", 1);
  const auto metadata = Metadata();
  EXPECT_EQ(manifests.ReadManifestList(context, *metadata->current_snapshot())->size(),
            1U);
}

TEST_F(FileActionsTest, AFileThatIsGoneIsAConflictThatNamesIt) {
  Append("a", 1);
  const std::size_t objects = Objects("").size();
  const std::string error = Do(DeleteFiles{{File("a", 1), File("x", 1), File("y", 7)}});
  EXPECT_TRUE(Holds(error, "Conflict")) << error;
  EXPECT_TRUE(Holds(error, "memory://w/data/x (and 1 others) is not in the table"))
      << error;
  EXPECT_FALSE(Holds(error, "gave up")) << error;
  EXPECT_EQ(Objects("").size(), objects);
  // Its name in another partition is another file.
  EXPECT_TRUE(Holds(Do(DeleteFiles{{File("a", 2)}}), "Conflict"));
}

TEST_F(FileActionsTest, RefusesWhatDoesNotFit) {
  Append("a", 1);
  DataFile wrong_spec = File("b", 1);
  wrong_spec.spec_id = SpecId(9);
  DataFile wrong_partition = File("b", 1);
  wrong_partition.partition.clear();
  const std::pair<Action, const char*> cases[] = {
      {Adding({wrong_spec}), "partition spec 9 is not the table's"},
      {Adding({wrong_partition}), "partition has 0 values"},
      {Adding({Deletes("p", 1)}), "delete files are not added"},
      {Adding({File("b", 1), File("b", 1)}), "names the file twice"},
      {OverwriteFiles{{File("a", 1)}, {File("a", 1)}, Current()}, "names the file twice"},
      {Adding({File("b", 1)}, {"side", false}), "branch side does not exist"},
      {ReplaceFiles{{File("b", 1, 9)}, {File("a", 1)}, Current()},
       "9 would take the place of 10"},
      {ReplaceFiles{{File("b", 1, 11)}, {File("a", 1)}, Current(), {}, true},
       "11 would take the place of 10"},
      {ReplaceFiles{{File("b", 1)}, {File("a", 1)}, Current(), SequenceNumber(9)},
       "sequence number 9 is above"},
  };
  for (const auto& [action, text] : cases) {
    const std::string error = Do(action);
    EXPECT_TRUE(Holds(error, "InvalidArgument") && Holds(error, text)) << error;
  }
  EXPECT_EQ(Live(), "a");
}

TEST_F(FileActionsTest, ReplaceKeepsTheSequenceNumberItIsTold) {
  Append("a", 1);
  Append("b", 1);
  const auto planned = Metadata();
  ASSERT_EQ(Do(ReplaceFiles{{File("ab", 1, 20)},
                            {File("a", 1), File("b", 1)},
                            planned->current_snapshot_id,
                            SequenceNumber(2)}),
            "");
  EXPECT_EQ(Live(), "ab");
  const auto metadata = Metadata();
  EXPECT_EQ(metadata->current_snapshot()->operation, Operation::kReplace);
  EXPECT_EQ(metadata->current_snapshot()->summary.at("total-records"), "20");
  for (const ManifestEntry& entry : Entries(*metadata->current_snapshot())) {
    if (entry.status != EntryStatus::kAdded) continue;
    EXPECT_EQ(entry.sequence_number, SequenceNumber(2));
    EXPECT_EQ(entry.file_sequence_number, SequenceNumber(3));
  }
}

TEST_F(FileActionsTest, ReplaceFoldsDeletesIn) {
  Append("a", 1);
  ASSERT_EQ(AddDeletes(Deletes("p", 1)), "");
  EXPECT_EQ(Metadata()->current_snapshot()->summary.at("total-position-deletes"), "2");
  ASSERT_EQ(
      Do(ReplaceFiles{
          {File("a2", 1, 8)}, {File("a", 1), Deletes("p", 1)}, Current(), {}, true}),
      "");
  EXPECT_EQ(Live(), "a2");
  EXPECT_EQ(Metadata()->current_snapshot()->summary.at("total-delete-files"), "0");
  EXPECT_EQ(Metadata()->current_snapshot()->summary.at("removed-position-delete-files"),
            "1");
}

TEST_F(FileActionsTest, DeleteManifestsAreCarriedAlong) {
  Append("a", 1);
  Append("b", 2);
  ASSERT_EQ(AddDeletes(Deletes("p", 1)), "");
  ASSERT_EQ(Do(OverwriteFiles{{File("c", 2)}, {File("b", 2)}, Current()}), "");
  EXPECT_EQ(Live(), "a c p");
}

TEST_F(FileActionsTest, ReplacePartitionsTakesTheirFilesOnly) {
  ASSERT_EQ(Do(Adding({File("a", 1), File("b", 2), File("c", 2)})), "");
  ASSERT_EQ(Do(ReplacePartitions{{File("d", 2), File("e", 3)}}), "");
  EXPECT_EQ(Live(), "a d e");
  EXPECT_EQ(Metadata()->current_snapshot()->summary.at(kSummaryReplacePartitions),
            "true");
}

// What a rival does between planning and commit, and who must notice.
TEST_F(FileActionsTest, IsolationLevels) {
  const FileFilter day_two = [](const DataFile& file) {
    return file.partition == PartitionValues{Value(std::int32_t{2})};
  };
  const auto overwrite = [&](IsolationLevel level, std::optional<SnapshotId> planned) {
    return OverwriteFiles{{File("new", 2)}, {File("old", 2)}, planned, level, day_two};
  };
  const auto partitions = [&](IsolationLevel level, std::optional<SnapshotId> planned) {
    return ReplacePartitions{{File("new", 2)}, planned, level};
  };
  const auto compact = [&](IsolationLevel, std::optional<SnapshotId> planned) {
    return ReplaceFiles{{File("new", 2)}, {File("old", 2)}, planned};
  };
  const auto compact_at = [&](IsolationLevel, std::optional<SnapshotId> planned) {
    return ReplaceFiles{{File("new", 2)},
                        {File("old", 2)},
                        planned,
                        Metadata()->FindSnapshot(*planned)->sequence_number};
  };
  DataFile named = Deletes("named", 2);
  named.referenced_data_file = File("other", 2).file_path;
  struct Case {
    const char* what;
    std::function<std::string()> rival;
    // Which conflict: overwrite and partitions under serializable and snapshot;
    // compaction with and without a sequence number.
    std::string conflicts;
  };
  const std::vector<Case> cases = {
      {"nothing", [] { return std::string(); }, ""},
      {"append elsewhere", [&] { return Do(Adding({File("r", 5)})); }, ""},
      {"append here", [&] { return Do(Adding({File("r", 2)})); }, "OS PS"},
      {"remove ours", [&] { return Do(DeleteFiles{{File("old", 2)}}); },
       "OS OI PS PI C N"},
      {"compact ours",
       [&] { return Do(ReplaceFiles{{File("r", 2)}, {File("old", 2)}, Current()}); },
       "OS OI PS PI C N"},
      {"position deletes", [&] { return AddDeletes(Deletes("p", 2)); },
       "OS OI PS PI C N"},
      {"position deletes elsewhere", [&] { return AddDeletes(Deletes("p", 5)); }, ""},
      {"position deletes of another file", [&] { return AddDeletes(named); }, "PS PI"},
      {"equality deletes",
       [&] { return AddDeletes(Deletes("q", 2, FileContent::kEqualityDeletes)); },
       "OS OI PS PI C"},
  };
  for (const Case& c : cases) {
    std::string found;
    const auto attempt = [&](const char* mark, const auto& make, IsolationLevel level) {
      FreshTable();
      Append("old", 2);
      const auto planned = Current();
      ASSERT_EQ(c.rival(), "") << c.what;
      const std::string error = Do(make(level, planned));
      if (error.empty()) return;
      EXPECT_TRUE(Holds(error, "Conflict")) << c.what << ": " << error;
      found += (found.empty() ? "" : " ") + std::string(mark);
    };
    attempt("OS", overwrite, IsolationLevel::kSerializable);
    attempt("OI", overwrite, IsolationLevel::kSnapshot);
    attempt("PS", partitions, IsolationLevel::kSerializable);
    attempt("PI", partitions, IsolationLevel::kSnapshot);
    attempt("C", compact, IsolationLevel::kSnapshot);
    attempt("N", compact_at, IsolationLevel::kSnapshot);
    EXPECT_EQ(found, c.conflicts) << c.what;
  }
}

TEST_F(FileActionsTest, AnExpiredHistoryIsAConflict) {
  const SnapshotId first = Append("a", 1);
  Append("b", 2);
  Append("c", 3);
  ASSERT_EQ(Do(ExpireSnapshots{clock.NowMs(), clock.NowMs() + 1'000'000, 1}), "");
  const std::string error = Do(OverwriteFiles{{File("d", 1)}, {File("a", 1)}, first});
  EXPECT_TRUE(Holds(error, "Conflict") && Holds(error, "was expired")) << error;
  EXPECT_EQ(Do(OverwriteFiles{{File("d", 1)}, {File("a", 1)}, Current()}), "");
}

TEST_F(FileActionsTest, ABranchIsWrittenByItself) {
  const SnapshotId first = Append("a", 1);
  ASSERT_EQ(Do(CreateRef{"side", Branch(first)}), "");
  Append("b", 1, {"side", false});
  Append("c", 1);
  EXPECT_EQ(Live("side"), "a b");
  EXPECT_EQ(Live(), "a c");
  ASSERT_EQ(Do(CreateRef{"tag", Tag(first)}), "");
  EXPECT_TRUE(Holds(Do(Adding({File("d", 1)}, {"tag", false})), "is a tag"));
}

TEST_F(FileActionsTest, ActionsSeeWhatTheFormerOnesMade) {
  const auto outcome = CommitWithRetry(
      context, {*catalog, manifests, clock, random}, name,
      [&](const LoadedTable&, Transaction& transaction) -> Result<BuildDecision> {
        FIRN_RETURN_IF_ERROR(
            transaction.AddColumn({FieldId(9), "more", false, kLong, ""}));
        transaction.Append({File("a", 1), File("b", 1)});
        transaction.Add(DeleteFiles{{File("a", 1)}});
        transaction.SetProperties({{"k", "v"}});
        return BuildDecision::kCommit;
      },
      Options(0));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(Live(), "b");
  const TableMetadata& metadata = *outcome->table.metadata;
  EXPECT_EQ(metadata.snapshots.size(), 2U);
  EXPECT_EQ(metadata.snapshots[0].schema_id, metadata.current_schema_id);
  EXPECT_EQ(metadata.snapshots[1].sequence_number, SequenceNumber(2));
  EXPECT_EQ(*metadata.FindProperty("k"), "v");
}

TEST_F(FileActionsTest, PartitionSummariesWhereAskedFor) {
  ASSERT_EQ(Do(ChangeMetadata{{SetProperties{{{kPropertySummaryPartitionLimit, "2"}}}}}),
            "");
  ASSERT_EQ(Do(Adding({File("a", 1), File("b", 2), File("c", 2)})), "");
  const auto metadata = Metadata();
  const auto& summary = metadata->current_snapshot()->summary;
  EXPECT_EQ(summary.at("partition-summaries-included"), "true");
  EXPECT_EQ(summary.at("partitions.ts_day=1970-01-03"),
            "added-data-files=2,added-records=20,added-files-size=2000");
  ASSERT_EQ(Do(Adding({File("d", 1), File("e", 2), File("f", 3)})), "");
  EXPECT_FALSE(
      Metadata()->current_snapshot()->summary.contains("partition-summaries-included"));
}

// Files of two specs in one table; a change touches the manifests of the right one.
TEST_F(FileActionsTest, SeveralSpecsInOneTable) {
  Append("a", 1);
  ASSERT_EQ(Do(ReplaceSpec{{SpecId(0), {}}, SpecId(0)}), "");
  DataFile whole = File("w", 0);
  whole.spec_id = SpecId(1);
  whole.partition.clear();
  ASSERT_EQ(Do(Adding({whole, File("b", 2)})), "");
  EXPECT_EQ(Live(), "a b w");
  DataFile other = whole;
  other.file_path += "2";
  ASSERT_EQ(Do(ReplacePartitions{{other}}), "");
  EXPECT_EQ(Live(), "a b w2");
  EXPECT_TRUE(Holds(Do(ReplaceSpec{TestSpec(), SpecId(0)}), "Conflict"));
  ASSERT_EQ(Do(ReplaceSpec{TestSpec(), SpecId(1)}), "");
  EXPECT_EQ(Metadata()->default_spec_id, SpecId(0));
}

// Any sequence of changes leaves what a set of names would, with true totals, and every
// file keeps the number it was added with.
TEST_F(FileActionsTest, RandomChangesMatchAModel) {
  ASSERT_EQ(Do(ChangeMetadata{{SetProperties{{{kPropertyMergeMinCount, "3"}}}}}), "");
  std::mt19937 dice(7);
  std::map<std::string, DataFile> model;
  std::map<std::string, std::int64_t> numbers;
  int next = 0;
  const auto make = [&] {
    const auto file = File("f" + std::to_string(next++),
                           static_cast<std::int32_t>(dice() % 3), 1 + dice() % 5);
    return file;
  };
  const auto pick = [&](std::size_t count) {
    std::vector<DataFile> picked;
    for (const auto& [path, file] : model) picked.push_back(file);
    std::shuffle(picked.begin(), picked.end(), dice);
    picked.resize(std::min(count, picked.size()));
    return picked;
  };
  for (int step = 0; step < 120; ++step) {
    std::vector<DataFile> in;
    std::vector<DataFile> out;
    Action action;
    switch (dice() % 5) {
      case 0:
        in = {make(), make()};
        action = Adding(in, {}, step % 2 == 0);
        break;
      case 1:
        in = {make()};
        out = pick(2);
        action = OverwriteFiles{in, out, Current()};
        break;
      case 2:
        out = pick(1);
        action = DeleteFiles{out};
        break;
      case 3:
        out = pick(3);
        if (out.empty()) continue;
        in = {make()};
        in[0].record_count = 0;
        for (const DataFile& file : out) in[0].record_count += file.record_count;
        action = ReplaceFiles{in, out, Current()};
        break;
      default:
        in = {make()};
        for (const auto& [path, file] : model) {
          if (file.partition == in[0].partition) out.push_back(file);
        }
        action = ReplacePartitions{in};
    }
    ASSERT_EQ(Do(action), "") << step;
    for (const DataFile& file : out) model.erase(file.file_path);
    for (const DataFile& file : in) model[file.file_path] = file;

    const auto metadata = Metadata();
    if (metadata->current_snapshot() == nullptr) continue;
    std::int64_t rows = 0;
    for (const auto& [path, file] : model) rows += file.record_count;
    std::set<std::string> live;
    for (const ManifestEntry& entry : Entries(*metadata->current_snapshot())) {
      if (!entry.is_live()) continue;
      const std::string& path = entry.data_file.file_path;
      ASSERT_TRUE(live.insert(path).second) << path;
      const auto number = numbers.emplace(path, entry.sequence_number->value).first;
      ASSERT_EQ(number->second, entry.sequence_number->value) << path;
      ASSERT_TRUE(model.contains(path)) << path;
    }
    ASSERT_EQ(live.size(), model.size()) << step;
    const Snapshot& now = *metadata->current_snapshot();
    ASSERT_EQ(now.SummaryCount(kSummaryTotalRecords, -1), rows) << step;
    ASSERT_EQ(now.SummaryCount(kSummaryTotalDataFiles, -1),
              static_cast<std::int64_t>(model.size()));
  }
}

// n int and x float, which widen to long and double; partitioned by n, tens of n, and x.
class WidenedPartitionTest : public ActionTest {
 protected:
  void SetUp() override {
    OpenCatalog();
    ASSERT_TRUE(catalog->CreateNamespace(context, name.name_space, {}).ok());
    CreateTableRequest request;
    request.identifier = name;
    request.schema = Columns(kInt, kFloat);
    request.spec = {SpecId(0),
                    {{FieldId(1), FieldId(1000), "n", Transform::Identity()},
                     {FieldId(1), FieldId(1001), "tens", Transform::Truncate(10)},
                     {FieldId(2), FieldId(1002), "x", Transform::Identity()}}};
    request.properties = {{kPropertySummaryPartitionLimit, "10"}};
    ASSERT_TRUE(catalog->CreateTable(context, request).ok());
  }
  static Schema Columns(const PrimitiveType& n, const PrimitiveType& x) {
    Schema schema;
    schema.root.fields = {{FieldId(1), "n", false, n, ""},
                          {FieldId(2), "x", false, x, ""}};
    return schema;
  }
  void Widen() {
    const auto base = Metadata();
    ASSERT_EQ(Do(ReplaceSchema{Columns(kLong, kDouble), base->current_schema_id}), "");
  }
  template <typename Int, typename Real>
  static DataFile FileOf(const std::string& name, Int n, Real x) {
    DataFile file = TestFile(name, 0);
    file.partition = {Value(n), Value(static_cast<Int>(n - n % 10)), Value(x)};
    file.lower_bounds.clear();
    file.upper_bounds.clear();
    return file;
  }
  static DataFile Narrow(const std::string& name, std::int32_t n, float x = 0.5F) {
    return FileOf(name, n, x);
  }
  static DataFile Wide(const std::string& name, std::int64_t n, double x = 0.5) {
    return FileOf(name, n, x);
  }
  static DataFile DeletesIn(DataFile file, FileContent content) {
    file.content = content;
    if (content == FileContent::kEqualityDeletes) file.equality_ids = {FieldId(1)};
    return file;
  }
  std::string Summary(const char* key) {
    const auto metadata = Metadata();
    const auto& summary = metadata->current_snapshot()->summary;
    const auto found = summary.find(key);
    return found == summary.end() ? "" : found->second;
  }
};

TEST_F(WidenedPartitionTest, APartitionIsReplacedWithItsOlderFiles) {
  ASSERT_EQ(Do(Adding({Narrow("a", 11), Narrow("b", 12), Narrow("c", 11, 0.25F)})), "");
  Widen();
  ASSERT_EQ(Do(ReplacePartitions{{Wide("d", 11), Wide("e", std::int64_t{1} << 40)}}), "");
  EXPECT_EQ(Live(), "b c d e");
  EXPECT_EQ(Summary("changed-partition-count"), "2");
  EXPECT_EQ(Summary("partitions.n=11/tens=10/x=0.5"),
            "added-data-files=1,deleted-data-files=1,added-records=10,deleted-records=10,"
            "added-files-size=1000,removed-files-size=1000");
  // Files are still found by what was known of them, and written anew beside others.
  ASSERT_EQ(Do(DeleteFiles{{Narrow("b", 12), Wide("d", 11)}}), "");
  EXPECT_EQ(Live(), "c e");
}

TEST_F(WidenedPartitionTest, NanIsAPartitionOfItsOwn) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  ASSERT_EQ(Do(Adding({Narrow("a", 1), Narrow("b", 1, nan)})), "");
  ASSERT_EQ(Do(ReplacePartitions{{Narrow("c", 1, nan)}}), "");
  EXPECT_EQ(Live(), "a c");
  Widen();
  ASSERT_EQ(Do(ReplacePartitions{{Wide("d", 1, double{nan})}}), "");
  EXPECT_EQ(Live(), "a d");
}

TEST_F(WidenedPartitionTest, RivalsInThePartitionAreNoticed) {
  ASSERT_EQ(Do(Adding({Narrow("a", 1), Narrow("b", 2)})), "");
  const auto planned = Current();
  Widen();
  const auto replace = [&](const DataFile& file, IsolationLevel level) {
    return Do(ReplacePartitions{{file}, planned, level});
  };
  ASSERT_EQ(Do(Adding({Wide("r", 1)})), "");
  EXPECT_TRUE(Holds(replace(Narrow("c", 1), IsolationLevel::kSerializable),
                    "file memory://w/data/r was added meanwhile"));
  EXPECT_EQ(replace(Narrow("c", 2), IsolationLevel::kSerializable), "");
  ASSERT_EQ(AddDeletes(DeletesIn(Wide("p", 1), FileContent::kPositionDeletes)), "");
  EXPECT_TRUE(Holds(replace(Narrow("d", 1), IsolationLevel::kSnapshot),
                    "delete file memory://w/data/p was added meanwhile"));
  EXPECT_TRUE(Holds(Do(ReplaceFiles{{Narrow("e", 1)}, {Narrow("a", 1)}, planned}),
                    "memory://w/data/p was added meanwhile"));
}

TEST_F(WidenedPartitionTest, ManifestsOfBothAreMergedAndRewritten) {
  ASSERT_EQ(Do(ChangeMetadata{{SetProperties{{{kPropertyMergeMinCount, "2"}}}}}), "");
  ASSERT_EQ(Do(Adding({Narrow("a", 1), Narrow("b", 2)})), "");
  Widen();
  ASSERT_EQ(Do(Adding({Wide("c", 1)})), "");
  ASSERT_EQ(Do(Adding({Wide("d", 2)}, {}, /*fast=*/true)), "");
  ASSERT_EQ(Do(RewriteManifests{}), "");
  EXPECT_EQ(Live(), "a b c d");
  const auto metadata = Metadata();
  for (const ManifestEntry& entry : Entries(*metadata->current_snapshot())) {
    const PartitionValues& partition = entry.data_file.partition;
    EXPECT_TRUE(std::holds_alternative<std::int64_t>(*partition[0]));
    EXPECT_TRUE(std::holds_alternative<std::int64_t>(*partition[1]));
    EXPECT_TRUE(std::holds_alternative<double>(*partition[2]));
  }
}

TEST(ManifestMerge, EveryFileIsRewrittenFewTimes) {
  // Newest first: how often the files of each manifest were written so far.
  struct Manifest {
    std::int64_t files;
    std::int64_t writes;
  };
  std::vector<Manifest> list;
  MergePolicy policy;
  policy.count_min = 20;
  constexpr int kCommits = 20'000;
  std::int64_t written = 0;
  std::size_t longest = 0;
  for (int i = 0; i < kCommits; ++i) {
    list.insert(list.begin(), {1, 0});
    std::vector<ManifestSize> sizes;
    for (const Manifest& m : list) sizes.push_back({m.files * 50, m.files});
    std::vector<Manifest> next;
    std::size_t at = 0;
    for (const auto& group : GroupManifests(sizes, policy)) {
      Manifest merged{0, 0};
      for (const std::size_t index : group) {
        ASSERT_EQ(index, at++);
        merged.files += list[index].files;
        merged.writes = std::max(merged.writes, list[index].writes);
      }
      if (group.size() > 1 || group.front() == 0) {
        written += merged.files;
        ++merged.writes;
      }
      next.push_back(merged);
    }
    ASSERT_EQ(at, list.size());
    list = std::move(next);
    longest = std::max(longest, list.size());
  }
  EXPECT_LE(longest, 20U);
  EXPECT_LE(written, 12 * kCommits);
  for (const Manifest& m : list) EXPECT_LE(m.writes, 14);
}

}  // namespace
}  // namespace firn::iceberg

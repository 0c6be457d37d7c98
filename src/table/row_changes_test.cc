// SPDX-License-Identifier: Apache-2.0
// Imports, overwrites and deletions that die, whose outcome is lost, or that meet rivals.
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "expr/filter_text.h"
#include "iceberg/alteration.h"
#include "iceberg/commit.h"
#include "iceberg/schema_text.h"
#include "iceberg/sql_catalog.h"
#include "io/memory_file_system.h"
#include "io/memory_store.h"
#include "io/power_switch.h"
#include "table/new_table.h"
#include "table/row_import.h"
#include "table/row_rewrite.h"
#include "table/table_source.h"

namespace firn::table {
namespace {

using Numbers = std::vector<std::int64_t>;
using Point = iceberg::SqlCatalogOptions::Point;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A table `ns.t` of numbers `n`, in buckets, whose rows come from files of a column.
class RowChangesTest : public testing::Test {
 protected:
  RowChangesTest() {
    base::SetLogLevel(base::LogLevel::kError);
    iceberg::SqlCatalogOptions options;
    options.uri = "sqlite://";
    options.warehouse = "memory://w";
    options.fault = [this](Point at) { return sql_fault_ ? sql_fault_(at) : Status(); };
    catalog_ = *iceberg::OpenSqlCatalog(std::move(options), store_, clock_, random_);
  }

  // The location of a file of these numbers.
  std::string Source(const Numbers& numbers) {
    std::string text = "n\n";
    for (const std::int64_t n : numbers) text += std::to_string(n) + "\n";
    return Text(text);
  }
  std::string Text(const std::string& text) {
    std::string location = "memory://in/" + std::to_string(sources_++) + ".csv";
    EXPECT_TRUE(store_.PutIfAbsent(context_, location, text).ok());
    return location;
  }

  RowEnvironment Environment() {
    return {{*catalog_, manifests_, clock_, random_},
            {store_, footers_},
            ulids_,
            spills_,
            "/spill"};
  }

  ImportRequest RequestOf(const std::string& source) const {
    ImportRequest request;
    request.table = name_;
    request.sources = {source};
    request.create = layout_;
    request.writer.on_invalid = on_invalid_;
    return request;
  }
  Result<ImportOutcome> Import(const std::string& source,
                               std::vector<std::string> key = {}) {
    ImportRequest request = RequestOf(source);
    request.key = std::move(key);
    return ImportRows(context_, Environment(), request);
  }
  Result<ImportOutcome> OverwritePartitions(const std::string& source) {
    ImportRequest request = RequestOf(source);
    request.overwrite_partitions = true;
    return ImportRows(context_, Environment(), request);
  }
  Result<ImportOutcome> OverwriteWhere(std::string_view filter,
                                       const std::string& source) {
    ImportRequest request = RequestOf(source);
    request.overwrite_where = expr::ParseFilter(filter).value();
    return ImportRows(context_, Environment(), request);
  }
  Result<RewriteOutcome> Delete(std::string_view filter) {
    const auto matcher = MakePredicateMatcher(expr::ParseFilter(filter).value());
    return RewriteRows(context_, Environment(), {name_, *matcher});
  }

  // The rows of the table, ascending; none where it is not there.
  Numbers Rows() { return RowsOf(name_, 0); }
  Numbers RowsOf(const iceberg::TableIdentifier& name, int column) {
    Numbers numbers;
    const auto table = catalog_->LoadTable(context_, name);
    if (!table.ok()) return numbers;
    const auto source = MakeTableSource({store_, footers_}, *table).value();
    const auto plan = source->Plan(context_, {}).value();
    for (std::size_t i = 0;; ++i) {
      auto stream = plan->OpenSplit(i);
      if (stream.ok() && *stream == nullptr) break;
      EXPECT_TRUE(stream.ok()) << stream.status();
      if (!stream.ok()) break;
      for (;;) {
        const auto batch = (*stream)->Next();
        EXPECT_TRUE(batch.ok()) << batch.status();
        if (!batch.ok() || *batch == nullptr) break;
        const auto& n = static_cast<const arrow::Int64Array&>(*(*batch)->column(column));
        for (std::int64_t row = 0; row < n.length(); ++row) {
          numbers.push_back(n.Value(row));
        }
      }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }

  // What `change` returns where `rival` comes just before its data file number `write`.
  template <typename Change>
  auto WithRival(int write, const std::function<void()>& rival, const Change& change) {
    std::set<std::string> seen;
    bool came = false;
    store_.SetFaultHook([&](const io::StoreOperation& operation) {
      const bool is_write = operation.kind == io::StoreOperation::Kind::kWrite &&
                            operation.location.ends_with(".parquet");
      if (is_write && !came) seen.insert(operation.location);
      if (!came && std::ssize(seen) == write) {
        came = true;
        rival();
      }
      return io::MemoryStore::Fault{};
    });
    auto outcome = change();
    store_.SetFaultHook(nullptr);
    EXPECT_TRUE(came);
    return outcome;
  }

  // The power goes at each operation of the store in turn during `change`, and stays off:
  // the rows are then what they were, or `after`, and `after` where it said so.
  void CutPowerEverywhere(bool happens, const Numbers& after,
                          const std::function<bool()>& change) {
    const Numbers before = Rows();
    for (std::uint64_t good = 0;; ++good) {
      ASSERT_LT(good, 200U);
      const io::PowerSwitch power(good, happens);
      store_.SetFaultHook(power.StoreHook());
      const bool said_done = change();
      store_.SetFaultHook(nullptr);
      const Numbers now = Rows();
      ASSERT_TRUE(now == before || now == after) << good;
      EXPECT_TRUE(!said_done || now == after) << good;
      if (now == after) break;
    }
  }

  // A rival changes the table's columns.
  void Alter(const std::vector<iceberg::SchemaChange>& changes) {
    const auto altered = iceberg::CommitWithRetry(
        context_, Environment().commit, name_,
        [&](const iceberg::LoadedTable& table,
            iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
          FIRN_ASSIGN_OR_RETURN(const auto actions,
                                iceberg::ActionsOf(*table.metadata, {changes, {}, {}}));
          for (const iceberg::Action& action : actions) transaction.Add(action);
          return iceberg::BuildDecision::kCommit;
        });
    EXPECT_TRUE(altered.ok()) << altered.status();
  }

  // `rival` is called before the first data file of this writer, which then fails so.
  void BeforeFirstDataFile(std::function<void()> rival, Status status = Status()) {
    store_.SetFaultHook([rival = std::move(rival), status = std::move(status),
                         came = false](const io::StoreOperation& operation) mutable {
      const bool is_first = !came && operation.location.ends_with(".parquet") &&
                            operation.kind == io::StoreOperation::Kind::kWrite;
      if (!is_first) return io::MemoryStore::Fault{};
      came = true;
      rival();
      return io::MemoryStore::Fault{status};
    });
  }

  std::size_t DataFiles() {
    std::size_t count = 0;
    EXPECT_TRUE(store_
                    .List(context_, "memory://w",
                          [&](const io::ObjectInfo& info) {
                            count += info.location.ends_with(".parquet");
                            return Status();
                          })
                    .ok());
    return count;
  }

  base::ManualClock clock_{1'700'000'000'000'000};
  base::Context context_;
  iceberg::RandomSource random_{1};
  base::UlidSource ulids_{clock_, 1};
  io::MemoryStore store_{clock_};
  io::MemoryFileSystem spills_;
  parquet::FooterCache footers_{1 << 20};
  iceberg::ManifestIo manifests_{store_};
  std::function<Status(Point)> sql_fault_;
  std::unique_ptr<iceberg::Catalog> catalog_;
  const iceberg::TableIdentifier name_{{{"ns"}}, "t"};
  const iceberg::TableIdentifier quarantine_{{{"ns"}}, "t__quarantine"};
  OnInvalid on_invalid_ = OnInvalid::kFail;
  TableLayout layout_{"bucket(2, n)", "n", {}};
  int sources_ = 0;
};

TEST_F(RowChangesTest, ImportsAndDeletesWhatItSays) {
  const auto imported = Import(Source({3, 1, 2, 4}));
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_TRUE(imported->created);
  EXPECT_EQ(imported->rows, 4);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4));
  const auto deleted = Delete("n = 2 OR n > 3");
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->rows, 2);
  EXPECT_THAT(Rows(), ElementsAre(1, 3));
  ASSERT_TRUE(Delete("n > 100").ok());
  EXPECT_EQ(catalog_->LoadTable(context_, name_)->metadata->snapshots.size(), 2U);
}

TEST_F(RowChangesTest, RowsWithAKeyTakeThePlaceOfThoseThere) {
  ASSERT_TRUE(Import(Source({1, 2, 3, 4})).ok());
  const auto replaced = Import(Source({3, 5, 1}), {"n"});
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_EQ(replaced->rows, 3);
  EXPECT_EQ(replaced->rows_replaced, 2);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4, 5));
  // Into an empty table, and twice the same.
  const auto again = Import(Source({3, 5, 1}), {"n"});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->rows_replaced, 3);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4, 5));
  const std::size_t files = DataFiles();
  const auto twice = Import(Source({7, 8, 7}), {"n"});
  EXPECT_TRUE(twice.status().Is(StatusCode::kInvalidArgument)) << twice.status();
  EXPECT_THAT(std::string(twice.status().message()), HasSubstr("7 comes twice"));
  EXPECT_FALSE(Import(Source({7}), {"m"}).ok());
  EXPECT_EQ(DataFiles(), files);
}

TEST_F(RowChangesTest, AKeyedImportBeginsAgainAfterARival) {
  ASSERT_TRUE(Import(Source({1, 2})).ok());
  bool came = false;
  store_.SetFaultHook([&](const io::StoreOperation& operation) {
    if (!came && operation.kind == io::StoreOperation::Kind::kWrite &&
        operation.location.ends_with(".parquet")) {
      came = true;
      EXPECT_TRUE(Import(Source({3})).ok());
    }
    return io::MemoryStore::Fault{};
  });
  const auto replaced = Import(Source({2, 3}), {"n"});
  store_.SetFaultHook(nullptr);
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_EQ(replaced->rows_replaced, 2);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3));
}

TEST_F(RowChangesTest, AnOverwriteReplacesThePartitionsOfItsRowsAlone) {
  layout_.partition = "truncate(10, n)";
  // A table that it makes has nothing to replace.
  const auto made = OverwritePartitions(Source({1, 2, 11, 12, 21}));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(made->created);
  EXPECT_EQ(made->rows_replaced, 0);
  const auto replaced = OverwritePartitions(Source({3, 22, 35}));
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_EQ(replaced->rows, 3);
  EXPECT_EQ(replaced->rows_replaced, 3);
  EXPECT_EQ(replaced->files_replaced, 2);
  EXPECT_THAT(Rows(), ElementsAre(3, 11, 12, 22, 35));
  const auto nothing = OverwritePartitions(Source({}));
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_FALSE(nothing->snapshot_id.has_value());
  EXPECT_THAT(Rows(), ElementsAre(3, 11, 12, 22, 35));
}

// Also what lies in partitions that the table had before.
TEST_F(RowChangesTest, AnOverwriteOfATableWithoutPartitionsReplacesAll) {
  ASSERT_TRUE(Import(Source({1, 2, 3})).ok());
  const auto alter = iceberg::CommitWithRetry(
      context_, Environment().commit, name_,
      [](const iceberg::LoadedTable&,
         iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
        transaction.Add(
            iceberg::ReplaceSpec{{iceberg::SpecId(0), {}}, iceberg::SpecId(0)});
        return iceberg::BuildDecision::kCommit;
      });
  ASSERT_TRUE(alter.ok()) << alter.status();
  layout_.partition = "";
  ASSERT_TRUE(Import(Source({4})).ok());
  const auto nothing = OverwritePartitions(Source({}));
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4));
  const auto replaced = OverwritePartitions(Source({5}));
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_EQ(replaced->rows_replaced, 4);
  EXPECT_THAT(Rows(), ElementsAre(5));
}

TEST_F(RowChangesTest, RowsUnderAConditionAreReplaced) {
  ASSERT_TRUE(Import(Source({1, 2, 3, 4, 5, 6})).ok());
  const auto replaced = OverwriteWhere("n > 3", Source({4, 9}));
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_EQ(replaced->rows, 2);
  EXPECT_EQ(replaced->rows_replaced, 3);
  EXPECT_GT(replaced->files_replaced, 0);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4, 9));
  // Rows that the condition is not true for, NULL among them, are no such rows.
  const std::size_t files = DataFiles();
  const auto outside = OverwriteWhere("n > 3", Source({5, 3, 2}));
  EXPECT_TRUE(outside.status().Is(StatusCode::kInvalidArgument)) << outside.status();
  EXPECT_THAT(std::string(outside.status().message()),
              HasSubstr("line 3, column n: the row is not among those that are "
                        "overwritten, where n > 3 (and 1 further rows)"));
  EXPECT_FALSE(OverwriteWhere("m > 3", Source({5})).ok());
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4, 9));
  EXPECT_EQ(DataFiles(), files);
  on_invalid_ = OnInvalid::kQuarantine;
  const auto some = OverwriteWhere("n > 3", Source({5, 3}));
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_EQ(some->rows_quarantined, 1);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 5));
  // None takes the place of some; some take the place of all.
  const auto none = OverwriteWhere("n = 5", Source({}));
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->rows_replaced, 1);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3));
  const auto all = OverwriteWhere("true", Source({7}));
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(Rows(), ElementsAre(7));
}

TEST_F(RowChangesTest, AConditionMayMakeTheTableToo) {
  const auto made = OverwriteWhere("n > 3", Source({4}));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(made->created);
  EXPECT_THAT(Rows(), ElementsAre(4));
}

// Rows that a rival adds meanwhile to what is overwritten are not lost without a word.
TEST_F(RowChangesTest, AnOverwriteOfWhatARivalAddedIsAConflict) {
  layout_.partition = "truncate(10, n)";
  ASSERT_TRUE(Import(Source({1, 11})).ok());
  const std::size_t files = DataFiles();
  const auto rival = [&] { EXPECT_TRUE(Import(Source({2})).ok()); };
  const auto partitions =
      WithRival(1, rival, [&] { return OverwritePartitions(Source({3})); });
  EXPECT_TRUE(partitions.status().Is(StatusCode::kConflict)) << partitions.status();
  EXPECT_THAT(std::string(partitions.status().message()),
              testing::AllOf(HasSubstr("was added meanwhile"),
                             HasSubstr("nothing was changed"), HasSubstr("again")));
  const auto where =
      WithRival(1, rival, [&] { return OverwriteWhere("n < 10", Source({3})); });
  EXPECT_TRUE(where.status().Is(StatusCode::kConflict)) << where.status();
  EXPECT_THAT(std::string(where.status().message()), HasSubstr("nothing was changed"));
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 2, 11));
  EXPECT_EQ(DataFiles(), files + 2);
  // What they add elsewhere stays, and disturbs nobody.
  const auto elsewhere = [&] { EXPECT_TRUE(Import(Source({12})).ok()); };
  EXPECT_TRUE(
      WithRival(1, elsewhere, [&] { return OverwritePartitions(Source({3})); }).ok());
  EXPECT_THAT(Rows(), ElementsAre(3, 11, 12));
  EXPECT_TRUE(WithRival(1, elsewhere, [&] {
                return OverwriteWhere("n < 10", Source({4}));
              }).ok());
  EXPECT_THAT(Rows(), ElementsAre(4, 11, 12, 12));
}

TEST_F(RowChangesTest, AnOverwriteOfLessIsolationReplacesWhatARivalAdded) {
  layout_.partition = "truncate(10, n)";
  layout_.properties = {{"write.update.isolation-level", "snapshot"}};
  ASSERT_TRUE(Import(Source({1, 11})).ok());
  const auto rival = [&] { EXPECT_TRUE(Import(Source({2})).ok()); };
  const auto partitions =
      WithRival(1, rival, [&] { return OverwritePartitions(Source({3})); });
  ASSERT_TRUE(partitions.ok()) << partitions.status();
  EXPECT_THAT(Rows(), ElementsAre(3, 11));
  const auto where =
      WithRival(1, rival, [&] { return OverwriteWhere("n < 10", Source({4})); });
  ASSERT_TRUE(where.ok()) << where.status();
  EXPECT_THAT(Rows(), ElementsAre(4, 11));
  // Rows that a rival changed are a conflict all the same.
  const auto removes = [&] { EXPECT_TRUE(Delete("n = 4").ok()); };
  const auto changed =
      WithRival(1, removes, [&] { return OverwritePartitions(Source({5})); });
  EXPECT_TRUE(changed.status().Is(StatusCode::kConflict)) << changed.status();
  EXPECT_THAT(Rows(), ElementsAre(11));
}

// Another table has the name by the time that the files are written: what they hold is of
// columns that are none of its own.
TEST_F(RowChangesTest, FilesOfATableThatWasMadeAnewDoNotGoIntoIt) {
  for (const bool keyed : {false, true}) {
    ASSERT_TRUE(Import(Source({1, 2})).ok());
    BeforeFirstDataFile([&] {
      EXPECT_TRUE(catalog_->DropTable(context_, name_).ok());
      auto other = NewTableRequest(
          name_, iceberg::ParseSchemaText("other string, n long", 2).value(), {});
      EXPECT_TRUE(catalog_->CreateTable(context_, *other).ok());
    });
    const auto imported = Import(
        Source({3}), keyed ? std::vector<std::string>{"n"} : std::vector<std::string>());
    store_.SetFaultHook(nullptr);
    EXPECT_TRUE(imported.status().Is(StatusCode::kConflict)) << imported.status();
    EXPECT_THAT(imported.status().ToString(),
                HasSubstr(keyed ? "column n was changed" : "made anew"));
    EXPECT_TRUE(catalog_->LoadTable(context_, name_)->metadata->snapshots.empty());
    ASSERT_TRUE(catalog_->DropTable(context_, name_).ok());
  }
}

TEST_F(RowChangesTest, AnOverwriteLeavesATableThatWasMadeAnew) {
  for (const bool of_partitions : {false, true}) {
    ASSERT_TRUE(Import(Source({1, 2})).ok());
    const auto makes_anew = [&] {
      EXPECT_TRUE(catalog_->DropTable(context_, name_).ok());
      EXPECT_TRUE(Import(Source({5})).ok());
    };
    const auto outcome = WithRival(1, makes_anew, [&] {
      return of_partitions ? OverwritePartitions(Source({3}))
                           : OverwriteWhere("n > 2", Source({3}));
    });
    EXPECT_TRUE(outcome.status().Is(StatusCode::kConflict)) << outcome.status();
    EXPECT_THAT(Rows(), ElementsAre(5));
    ASSERT_TRUE(catalog_->DropTable(context_, name_).ok());
  }
}

// Keys and conditions were made of columns as they were: they say nothing of others.
TEST_F(RowChangesTest, ColumnsThatSayWhatIsReplacedStayTheSameOrNothingIs) {
  const std::vector<std::vector<iceberg::SchemaChange>> changes = {
      {iceberg::WidenType{"k", iceberg::kLong}},
      {iceberg::RenameColumn{"k", "other"}},
      {iceberg::DropColumn{"k"}, iceberg::AddColumn{"", "k", iceberg::kInt}}};
  for (const bool keyed : {false, true}) {
    for (const auto& change : changes) {
      auto made = NewTableRequest(
          name_, iceberg::ParseSchemaText("k int, n long", 2).value(), {"", "", {}});
      ASSERT_TRUE(MakeTable(context_, *catalog_, *made).ok());
      ImportRequest request;
      request.table = name_;
      request.sources = {Text("k,n\n1,1\n100,2\n")};
      ASSERT_TRUE(ImportRows(context_, Environment(), request).ok());
      BeforeFirstDataFile([&] { Alter(change); });
      request.sources = {Text("k,n\n1,3\n")};
      if (keyed) {
        request.key = {"k"};
      } else {
        request.overwrite_where = expr::ParseFilter("k = 1").value();
      }
      const auto imported = ImportRows(context_, Environment(), request);
      store_.SetFaultHook(nullptr);
      EXPECT_TRUE(imported.status().Is(StatusCode::kConflict)) << imported.status();
      EXPECT_THAT(imported.status().ToString(), HasSubstr("column k was changed"));
      EXPECT_EQ(catalog_->LoadTable(context_, name_)->metadata->snapshots.size(), 1U);
      ASSERT_TRUE(catalog_->DropTable(context_, name_).ok());
    }
  }
}

TEST_F(RowChangesTest, AnOverwriteThatQuarantinesAllReplacesNothing) {
  ASSERT_TRUE(Import(Source({1, 2})).ok());
  ImportRequest request;
  request.table = name_;
  request.sources = {Text("n\nx\n")};
  request.overwrite_where = expr::ParseFilter("n = 1").value();
  request.writer.on_invalid = OnInvalid::kQuarantine;
  const auto imported = ImportRows(context_, Environment(), request);
  EXPECT_TRUE(imported.status().Is(StatusCode::kInvalidArgument)) << imported.status();
  EXPECT_THAT(imported.status().ToString(), HasSubstr("ns.t__quarantine"));
  EXPECT_THAT(Rows(), ElementsAre(1, 2));
}

TEST_F(RowChangesTest, ATableThatARivalMakesIsTaken) {
  const std::string source = Source({1, 2});
  bool came = false;
  store_.SetFaultHook([&](const io::StoreOperation& operation) {
    // What it reads first is the source, for the columns of a new table.
    if (!came && operation.location == source) {
      came = true;
      EXPECT_TRUE(Import(Source({3})).ok());
    }
    return io::MemoryStore::Fault{};
  });
  const auto imported = Import(source);
  store_.SetFaultHook(nullptr);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_FALSE(imported->created);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3));
}

TEST_F(RowChangesTest, ATableThatOthersUseStaysWhereTheFirstRowsDoNotCome) {
  BeforeFirstDataFile([&] { EXPECT_TRUE(Import(Source({3})).ok()); },
                      Status::ResourceExhausted("the disk is full"));
  const auto imported = Import(Source({1}));
  store_.SetFaultHook(nullptr);
  EXPECT_TRUE(imported.status().Is(StatusCode::kResourceExhausted)) << imported.status();
  EXPECT_THAT(Rows(), ElementsAre(3));
}

TEST_F(RowChangesTest, AFileIsTakenOnce) {
  const std::string source = Source({1});
  ImportRequest request;
  request.table = name_;
  request.sources = {source, "memory://in/*.csv"};
  request.create = TableLayout{};
  const auto imported = ImportRows(context_, Environment(), request);
  EXPECT_TRUE(imported.status().Is(StatusCode::kInvalidArgument)) << imported.status();
  EXPECT_THAT(imported.status().ToString(), HasSubstr(source + ": is named twice"));
}

TEST_F(RowChangesTest, AnEmptySourceMakesATableWithoutASnapshot) {
  const auto imported = Import(Source({}));
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_FALSE(imported->snapshot_id.has_value());
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(RowChangesTest, APowerCutLeavesAllOfAnImportOrNothing) {
  ASSERT_TRUE(Import(Source({1, 2})).ok());
  for (const bool happens : {false, true}) {
    const std::string source = Source({3, 4});
    Numbers after = Rows();
    after.insert(after.end(), {3, 4});
    std::sort(after.begin(), after.end());
    CutPowerEverywhere(happens, after, [&] { return Import(source).ok(); });
  }
}

TEST_F(RowChangesTest, APowerCutLeavesAllOfADeletionOrNothing) {
  ASSERT_TRUE(Import(Source({1, 2, 3, 4, 5, 6})).ok());
  for (const bool happens : {false, true}) {
    Numbers after = Rows();
    std::erase(after, happens ? 2 : 5);
    CutPowerEverywhere(happens, after,
                       [&] { return Delete(happens ? "n = 2" : "n = 5").ok(); });
  }
}

TEST_F(RowChangesTest, APowerCutLeavesAllOfAnOverwriteOrNothing) {
  layout_.partition = "truncate(10, n)";
  ASSERT_TRUE(Import(Source({1, 2, 11, 12})).ok());
  for (const bool happens : {false, true}) {
    const std::string partition = Source({happens ? 3 : 4});
    CutPowerEverywhere(happens, {happens ? 3 : 4, 11, 12},
                       [&] { return OverwritePartitions(partition).ok(); });
    const std::string rows = Source({happens ? 5 : 6});
    CutPowerEverywhere(happens, {happens ? 5 : 6, 11, 12},
                       [&] { return OverwriteWhere("n < 11", rows).ok(); });
  }
}

// One fault, after which the store is as before: what was written is cleared away.
TEST_F(RowChangesTest, AnImportThatFailsLeavesNothing) {
  for (std::uint64_t fails = 0;; ++fails) {
    ASSERT_LT(fails, 200U);
    std::uint64_t seen = 0;
    const std::string source = Source({1, 2, 3});
    store_.SetFaultHook([&](const io::StoreOperation& operation) {
      const bool is_write = operation.kind == io::StoreOperation::Kind::kWrite &&
                            operation.location.ends_with(".parquet");
      return io::MemoryStore::Fault{is_write && seen++ == fails
                                        ? Status::ResourceExhausted("the disk is full")
                                        : Status()};
    });
    const auto imported = Import(source);
    store_.SetFaultHook(nullptr);
    if (imported.ok()) break;
    EXPECT_TRUE(imported.status().Is(StatusCode::kResourceExhausted))
        << imported.status();
    EXPECT_EQ(DataFiles(), 0U) << fails;
    EXPECT_FALSE(catalog_->TableExists(context_, name_).value()) << fails;
  }
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3));
}

// What the table does not take is beside it, and nothing is in neither.
TEST_F(RowChangesTest, RowsThatAreNoneAreQuarantined) {
  on_invalid_ = OnInvalid::kQuarantine;
  ASSERT_TRUE(Import(Source({1})).ok());
  EXPECT_FALSE(catalog_->TableExists(context_, quarantine_).value());
  const std::string source = "memory://in/bad.csv";
  ASSERT_TRUE(store_.PutIfAbsent(context_, source, "n\n2\nx\n3\n4,4\n5\n").ok());
  const auto imported = Import(source);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->rows, 3);
  EXPECT_EQ(imported->rows_quarantined, 2);
  EXPECT_EQ(imported->quarantine.ToString(), "ns.t__quarantine");
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 5));
  EXPECT_THAT(RowsOf(quarantine_, 3), ElementsAre(3, 5));

  on_invalid_ = OnInvalid::kFail;
  EXPECT_TRUE(Import(source).status().Is(StatusCode::kInvalidArgument));
  EXPECT_THAT(RowsOf(quarantine_, 3), ElementsAre(3, 5));

  // Nothing but such rows is no snapshot of the table.
  on_invalid_ = OnInvalid::kQuarantine;
  const std::string nothing = "memory://in/nothing.csv";
  ASSERT_TRUE(store_.PutIfAbsent(context_, nothing, "n\nx\n").ok());
  const auto none = Import(nothing);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_FALSE(none->snapshot_id.has_value());
  EXPECT_THAT(RowsOf(quarantine_, 3), ElementsAre(2, 3, 5));
}

TEST_F(RowChangesTest, APowerCutLosesNoQuarantinedRow) {
  on_invalid_ = OnInvalid::kQuarantine;
  ASSERT_TRUE(Import(Source({1})).ok());
  const std::string source = "memory://in/bad.csv";
  ASSERT_TRUE(store_.PutIfAbsent(context_, source, "n\n2\nx\n").ok());
  for (const bool happens : {false, true}) {
    const Numbers before = Rows();
    for (std::uint64_t good = 0;; ++good) {
      ASSERT_LT(good, 200U);
      const std::size_t letters = RowsOf(quarantine_, 3).size();
      const io::PowerSwitch power(good, happens);
      store_.SetFaultHook(power.StoreHook());
      const bool said_done = Import(source).ok();
      store_.SetFaultHook(nullptr);
      const std::size_t letters_now = RowsOf(quarantine_, 3).size();
      ASSERT_LE(letters_now, letters + 1);
      // The row that is good is there only if the other one is, too.
      if (Rows() == before) {
        EXPECT_FALSE(said_done);
        continue;
      }
      EXPECT_EQ(letters_now, letters + 1);
      break;
    }
  }
}

TEST_F(RowChangesTest, ATableOfTheNameThatIsNoQuarantineIsNamed) {
  on_invalid_ = OnInvalid::kQuarantine;
  ASSERT_TRUE(Import(Source({1})).ok());
  auto other =
      NewTableRequest(quarantine_, iceberg::ParseSchemaText("n long", 2).value(), {})
          .value();
  ASSERT_TRUE(catalog_->CreateTable(context_, other).ok());
  const std::string source = "memory://in/bad.csv";
  ASSERT_TRUE(store_.PutIfAbsent(context_, source, "n\n2\nx\n").ok());
  const auto imported = Import(source);
  EXPECT_TRUE(imported.status().Is(StatusCode::kInvalidArgument)) << imported.status();
  EXPECT_THAT(std::string(imported.status().message()), HasSubstr("t__quarantine"));
  EXPECT_THAT(Rows(), ElementsAre(1));
}

TEST_F(RowChangesTest, ACommitWhoseAnswerIsLostIsFoundInTheTable) {
  ASSERT_TRUE(Import(Source({1})).ok());
  sql_fault_ = [](Point at) {
    return at == Point::kAfterCommit ? Status::Unavailable("went away") : Status();
  };
  const auto imported = Import(Source({2}));
  sql_fault_ = nullptr;
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_TRUE(imported->snapshot_id.has_value());
  EXPECT_THAT(Rows(), ElementsAre(1, 2));
  sql_fault_ = [](Point at) {
    return at == Point::kAfterCommit ? Status::Unavailable("went away") : Status();
  };
  const auto replaced = Import(Source({1, 2, 3}), {"n"});
  sql_fault_ = nullptr;
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_EQ(replaced->rows_replaced, 2);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3));
}

TEST_F(RowChangesTest, ACommitWhoseOutcomeIsNotKnownKeepsItsFiles) {
  ASSERT_TRUE(Import(Source({1})).ok());
  const std::size_t files = DataFiles();
  sql_fault_ = [](Point at) {
    return at == Point::kBeforeCommit ? Status::Unavailable("went away") : Status();
  };
  const auto imported = Import(Source({2}));
  sql_fault_ = nullptr;
  ASSERT_TRUE(imported.status().Is(StatusCode::kCommitUnknown)) << imported.status();
  EXPECT_THAT(std::string(imported.status().message()), HasSubstr(kImportIdKey));
  EXPECT_EQ(DataFiles(), files + 1);
  EXPECT_THAT(Rows(), ElementsAre(1));
}

// A rival commits while a deletion writes its files: the deletion begins again, and sees
// what the rival did.
TEST_F(RowChangesTest, ADeletionBeginsAgainAfterARival) {
  ASSERT_TRUE(Import(Source({1, 2, 3, 4})).ok());
  bool came = false;
  store_.SetFaultHook([&](const io::StoreOperation& operation) {
    if (!came && operation.kind == io::StoreOperation::Kind::kWrite &&
        operation.location.ends_with(".parquet")) {
      came = true;
      const auto rival = Import(Source({2, 7}));
      EXPECT_TRUE(rival.ok()) << rival.status();
    }
    return io::MemoryStore::Fault{};
  });
  const auto deleted = Delete("n = 2");
  store_.SetFaultHook(nullptr);
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_TRUE(came);
  EXPECT_EQ(deleted->rows, 2);
  EXPECT_THAT(Rows(), ElementsAre(1, 3, 4, 7));
}

// Each kind of change has the level of its own property.
TEST_F(RowChangesTest, ChangesOfLessIsolationLeaveWhatRivalsAdd) {
  layout_.properties = {{"write.delete.isolation-level", "snapshot"},
                        {"write.merge.isolation-level", "snapshot"}};
  ASSERT_TRUE(Import(Source({1, 2, 3, 4, 5, 6, 7, 8})).ok());
  const auto rival = [&] { EXPECT_TRUE(Import(Source({2})).ok()); };
  const auto deleted = WithRival(1, rival, [&] { return Delete("n = 2"); });
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->rows, 1);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  // Its own file is the first.
  const auto other = [&] { EXPECT_TRUE(Import(Source({3})).ok()); };
  const auto replaced = WithRival(2, other, [&] { return Import(Source({3}), {"n"}); });
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_EQ(replaced->rows_replaced, 1);
  EXPECT_THAT(Rows(), ElementsAre(1, 2, 3, 3, 4, 5, 6, 7, 8));
}

TEST_F(RowChangesTest, AnIsolationLevelThatIsNoneIsNamed) {
  ASSERT_TRUE(Import(Source({1})).ok());
  const auto other = iceberg::CommitWithRetry(
      context_, Environment().commit, name_,
      [](const iceberg::LoadedTable&,
         iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
        transaction.SetProperties({{"write.delete.isolation-level", "none"},
                                   {"write.update.isolation-level", "none"}});
        return iceberg::BuildDecision::kCommit;
      });
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_THAT(std::string(Delete("n = 1").status().message()),
              HasSubstr("write.delete.isolation-level: \"none\" is not"));
  EXPECT_THAT(std::string(OverwritePartitions(Source({1})).status().message()),
              HasSubstr("write.update.isolation-level: \"none\" is not"));
  EXPECT_TRUE(Import(Source({2}), {"n"}).ok());
}

// Rows that cannot match do not disturb a deletion: it is one attempt.
TEST_F(RowChangesTest, RivalsThatAddOtherRowsAreNoConflict) {
  ASSERT_TRUE(Import(Source({1, 2, 3, 4})).ok());
  bool inside = false;
  int rivals = 0;
  store_.SetFaultHook([&](const io::StoreOperation& operation) {
    if (!inside && operation.kind == io::StoreOperation::Kind::kWrite &&
        operation.location.ends_with(".parquet")) {
      inside = true;
      EXPECT_TRUE(Import(Source({100 + rivals})).ok());
      ++rivals;
      inside = false;
    }
    return io::MemoryStore::Fault{};
  });
  const auto deleted = Delete("n = 2");
  store_.SetFaultHook(nullptr);
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_GT(rivals, 0);
  EXPECT_LT(rivals, 10);
  EXPECT_EQ(Rows().size(), 3U + static_cast<std::size_t>(rivals));
}

TEST_F(RowChangesTest, ADeletionGivesUpWhereRivalsAreAlwaysQuicker) {
  ASSERT_TRUE(Import(Source({1, 2, 3, 4})).ok());
  bool inside = false;
  int rivals = 0;
  store_.SetFaultHook([&](const io::StoreOperation& operation) {
    if (!inside && operation.kind == io::StoreOperation::Kind::kWrite &&
        operation.location.ends_with(".parquet")) {
      inside = true;
      EXPECT_TRUE(Import(Source({2})).ok());
      ++rivals;
      inside = false;
    }
    return io::MemoryStore::Fault{};
  });
  const auto deleted = Delete("n = 2");
  store_.SetFaultHook(nullptr);
  EXPECT_TRUE(deleted.status().Is(StatusCode::kConflict)) << deleted.status();
  EXPECT_GE(rivals, kRewritePlansMax);
  EXPECT_EQ(Rows().size(), 4U + static_cast<std::size_t>(rivals));
}

}  // namespace
}  // namespace firn::table

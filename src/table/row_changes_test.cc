// SPDX-License-Identifier: Apache-2.0
// Imports and deletions that die, whose outcome is lost, or that meet rivals.
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"
#include "expr/filter_text.h"
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

  Result<ImportOutcome> Import(const std::string& source,
                               std::vector<std::string> key = {}) {
    ImportRequest request;
    request.key = std::move(key);
    request.table = name_;
    request.sources = {source};
    request.create = TableLayout{"bucket(2, n)", "n", {}};
    request.writer.on_invalid = on_invalid_;
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
    EXPECT_THAT(imported.status().ToString(), HasSubstr("made anew"));
    EXPECT_TRUE(catalog_->LoadTable(context_, name_)->metadata->snapshots.empty());
    ASSERT_TRUE(catalog_->DropTable(context_, name_).ok());
  }
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

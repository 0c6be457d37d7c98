// SPDX-License-Identifier: Apache-2.0
#include "iceberg/sqlite.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "io/temporary_directory.h"

namespace firn::iceberg {
namespace {

// A process that ends within a transaction leaves pages of it in the file, and those it
// overwrote in a journal.
void EndWithin(const std::string& path) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto db = SqliteDatabase::Open(path, {});
    const bool begun =
        db.ok() && (*db)
                       ->Execute(
                           "PRAGMA cache_size = 1;"
                           "BEGIN IMMEDIATE;"
                           "UPDATE t SET x = 2;"
                           "CREATE TABLE junk (x);"
                           "WITH RECURSIVE n(i) AS"
                           " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
                           "INSERT INTO junk SELECT hex(zeroblob(250)) FROM n")
                       .ok();
    _exit(begun ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST(SqliteTest, AReaderTakesBackWhatACrashLeft) {
  const io::TemporaryDirectory directory;
  const std::string path = directory.path() + "/catalog.db";
  {
    const auto db = SqliteDatabase::Open(path, {}).value();
    const Status made = db->Execute("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    ASSERT_TRUE(made.ok()) << made;
  }
  EndWithin(path);
  ASSERT_TRUE(std::filesystem::exists(path + "-journal"));
  const auto reader = SqliteDatabase::Open(path, {.read_only = true});
  ASSERT_TRUE(reader.ok()) << reader.status();
  auto rows = (*reader)->Prepare("SELECT x FROM t");
  ASSERT_TRUE(rows.ok()) << rows.status();
  const auto row = rows->Step();
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(rows->Text(0), "1");
}

TEST(SqliteTest, AReaderChangesNothingAndMakesNothing) {
  const io::TemporaryDirectory directory;
  const std::string path = directory.path() + "/catalog.db";
  EXPECT_FALSE(SqliteDatabase::Open(path, {.read_only = true}).ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(SqliteDatabase::Open(path, {}).value()->Execute("CREATE TABLE t (x)").ok());
  const auto reader = SqliteDatabase::Open(path, {.read_only = true}).value();
  EXPECT_FALSE(reader->Execute("INSERT INTO t VALUES (1)").ok());
}

}  // namespace
}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// settled_table_fixture.h: a Db that has settled some times, for tests of what is done to
// its tables meanwhile.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/context.h"
#include "base/log.h"
#include "firn/db.h"
#include "io/temporary_directory.h"

namespace firn::db {

// metrics.samples has as many snapshots, with one row more each.
class SettledTableTest : public testing::Test {
 protected:
  static constexpr char kTable[] = "metrics.samples";

  explicit SettledTableTest(int settles) {
    base::SetLogLevel(base::LogLevel::kError);
    DbOptions options;
    options.data_dir = root_ / "data";
    options.settle_interval_ms = 0;
    auto db = Db::Open(options);
    EXPECT_TRUE(db.ok()) << db.status();
    db_ = *std::move(db);
    for (int i = 0; i < settles; ++i) Settle();
  }

  // Adds a row and commits it.
  void Settle() {
    const auto appender = *db_->NewAppender("");
    const auto series = appender->Resolve(
        "m", [](std::string_view) { return Labels::Make({{"__name__", "m"}}); });
    ASSERT_TRUE(series.ok()) << series.status();
    appender->Append(*series, {base::SystemClock().NowMs() - 10'000 + rows_++, 1});
    ASSERT_TRUE(appender->Commit().ok());
    const auto settled = db_->Settle(context_);
    ASSERT_TRUE(settled.ok()) << settled.status();
  }
  void ExpectSound() {
    const auto check = db_->CheckTable(context_, kTable, {});
    ASSERT_TRUE(check.ok()) << check.status();
    EXPECT_TRUE(check->sound()) << ToString(check->faults.front());
  }
  static void ExpectCode(const Status& status, StatusCode code) {
    EXPECT_EQ(status.code(), code) << status;
  }

 private:
  const io::TemporaryDirectory directory_;  // First: it goes after what uses it.

 protected:
  const std::filesystem::path root_ = directory_.path();
  base::Context context_;
  std::unique_ptr<Db> db_;
  int rows_ = 0;
};

}  // namespace firn::db

// SPDX-License-Identifier: Apache-2.0
#include "db/upkeep_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/log.h"
#include "iceberg/commit.h"

namespace firn::db {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What ran, waited for.
class Journal {
 public:
  void Write(const std::string& what) {
    {
      std::lock_guard lock(mutex_);
      lines_.push_back(what);
    }
    changed_.notify_all();
  }
  std::vector<std::string> WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return lines_.size() >= count; });
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

class UpkeepLoopTest : public testing::Test {
 protected:
  UpkeepLoopTest() { base::SetLogLevel(base::LogLevel::kError); }

  UpkeepLoop::Task Noted(const std::string& name, Status outcome) {
    return {name, "ns.t", [this, name, outcome](const base::Context&) {
              journal_.Write(name);
              return outcome;
            }};
  }

  Journal journal_;
  base::MetricRegistry metrics_;
};

TEST_F(UpkeepLoopTest, OneTaskAfterTheOtherRoundAfterRound) {
  auto loop = std::make_unique<UpkeepLoop>(
      UpkeepLoopOptions{1, 1},
      std::vector{Noted("a", Status::OK()), Noted("b", Status::Unavailable("no")),
                  Noted("c", Status::OK())},
      metrics_);
  auto ran = journal_.WaitFor(7);
  loop.reset();
  ran.resize(7);
  EXPECT_THAT(ran, ElementsAre("a", "b", "c", "a", "b", "c", "a"));
  const std::string text = metrics_.Expose();
  EXPECT_THAT(text, HasSubstr("firn_maintenance_running 0"));
  EXPECT_THAT(text,
              HasSubstr(R"(firn_maintenance_failures_total{table="ns.t",task="a"} 0)"));
  EXPECT_EQ(text.find(R"(firn_maintenance_failures_total{table="ns.t",task="b"} 0)"),
            std::string::npos);
}

TEST_F(UpkeepLoopTest, AStopGivesUpWhatRuns) {
  std::vector<UpkeepLoop::Task> tasks = {{"slow", "ns.t",
                                          [this](const base::Context& context) {
                                            journal_.Write("began");
                                            return iceberg::WaitBySleeping(context,
                                                                           3'600'000);
                                          }},
                                         Noted("never", Status::OK())};
  auto loop =
      std::make_unique<UpkeepLoop>(UpkeepLoopOptions{1, 1}, std::move(tasks), metrics_);
  journal_.WaitFor(1);
  loop.reset();
  EXPECT_THAT(journal_.WaitFor(1), ElementsAre("began"));
}

TEST_F(UpkeepLoopTest, AStopBeforeTheFirstRoundIsQuick) {
  const UpkeepLoop loop(UpkeepLoopOptions{}, {Noted("never", Status::OK())}, metrics_);
}

}  // namespace
}  // namespace firn::db

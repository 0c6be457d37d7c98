// SPDX-License-Identifier: Apache-2.0
#include "promql/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/clock.h"
#include "promql/memory_series.h"

namespace firn::promql {
namespace {

constexpr TimestampMs kMinute = 60'000;

// A store with `up{i="0"}` to `up{i="9"}`, a sample a minute for an hour, and an engine.
class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    for (int i = 0; i < 10; ++i) {
      std::vector<Sample> samples;
      for (int m = 0; m <= 60; ++m) {
        samples.push_back({m * kMinute, static_cast<double>(i * m)});
      }
      store_.Append({{"__name__", "up"}, {"i", std::to_string(i)}}, samples);
    }
  }

  Result<PromqlResult> Instant(std::string expression, TimestampMs time_ms = kMinute) {
    return Query({.tenant = "",
                  .expression = std::move(expression),
                  .start_ms = time_ms,
                  .end_ms = time_ms});
  }
  Result<PromqlResult> Range(std::string expression, TimestampMs end_ms = 60 * kMinute,
                             DurationMs step_ms = kMinute) {
    return Query({.tenant = "",
                  .expression = std::move(expression),
                  .start_ms = 0,
                  .end_ms = end_ms,
                  .step_ms = step_ms});
  }
  Result<PromqlResult> Query(const PromqlRequest& request) {
    return Engine(options_).Execute(context_, store_, request);
  }
  std::string ErrorOf(const Result<PromqlResult>& result) {
    return result.ok() ? "no error" : result.status().ToString();
  }

  EngineOptions options_;
  base::Context context_;
  MemorySeries store_;
};

TEST_F(EngineTest, AnswersEachKindOfValue) {
  EXPECT_EQ(std::get<PromqlScalar>(Instant("1 + 1")->value).value, 2);
  EXPECT_EQ(std::get<PromqlString>(Instant("('a')")->value).value, "a");
  const auto vector = std::get<PromqlVector>(Instant("up{i='3'}")->value);
  ASSERT_EQ(vector.size(), 1U);
  EXPECT_EQ(vector[0].labels.ToString(), "up{i=\"3\"}");
  EXPECT_EQ(vector[0].sample.value, 3);
  EXPECT_EQ(vector[0].sample.timestamp_ms, kMinute);
  const auto window = std::get<PromqlMatrix>(Instant("up{i='3'}[90s]")->value);
  ASSERT_EQ(window.size(), 1U);
  EXPECT_EQ(window[0].samples.size(), 2U);
  const auto subquery = std::get<PromqlMatrix>(Instant("(-up{i='3'})[1m:20s]")->value);
  ASSERT_EQ(subquery.size(), 1U);
  EXPECT_EQ(subquery[0].labels.ToString(), "{i=\"3\"}");
  EXPECT_EQ(subquery[0].samples.size(), 3U);
  const auto scalars = std::get<PromqlMatrix>(Range("time()", 2 * kMinute)->value);
  ASSERT_EQ(scalars.size(), 1U);
  EXPECT_EQ(scalars[0].samples.back().value, 120);
}

TEST_F(EngineTest, CountsWhatItRead) {
  const Result<PromqlResult> result = Range("sum(rate(up[5m]))");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->stats.series, 10);
  EXPECT_EQ(result->stats.samples_read, 10 * 61);
  EXPECT_GT(result->stats.peak_samples, 10 * 61);
  ASSERT_EQ(result->infos.size(), 1U);
  EXPECT_EQ(result->infos[0],
            "PromQL info: metric might not be a counter, name does not end in "
            "_total/_sum/_count/_bucket: \"up\" (1:10)");
  EXPECT_TRUE(result->warnings.empty());
}

TEST_F(EngineTest, RefusesWrongTimes) {
  EXPECT_EQ(ErrorOf(Query({.tenant = "", .expression = "1", .start_ms = 0, .end_ms = 1})),
            "InvalidArgument: zero query resolution step width is not accepted");
  EXPECT_EQ(ErrorOf(Range("1", -1)),
            "InvalidArgument: end timestamp must not be before start time");
  EXPECT_EQ(ErrorOf(Range("1", 11'000)), "no error");
  EXPECT_EQ(
      ErrorOf(Range("1", 11'000, 1)),
      "InvalidArgument: exceeded maximum resolution of 11000 points per timeseries: "
      "ask for a larger step");
  EXPECT_EQ(
      ErrorOf(Range("1", kTimestampMsMax)),
      "InvalidArgument: evaluation time out of bounds: 0 to 9223372036854775807 ms");
  EXPECT_EQ(ErrorOf(Range("'a'")),
            "InvalidArgument: invalid expression type string for range query, must be "
            "scalar or instant vector");
  EXPECT_EQ(ErrorOf(Range("up[5m]")),
            "InvalidArgument: invalid expression type range vector for range query, must "
            "be scalar or instant vector");
}

TEST_F(EngineTest, TimesFarAwayFindNothing) {
  for (const char* query :
       {"up @ 9e15", "up @ -9e15 offset 200y", "sum_over_time(up[292y] @ -9e15)",
        "rate(up[1m:30s] @ 9e15)", "up offset -290y"}) {
    const Result<PromqlResult> result = Instant(query);
    ASSERT_TRUE(result.ok()) << query << ": " << result.status();
    EXPECT_TRUE(std::get<PromqlVector>(result->value).empty()) << query;
  }
}

TEST_F(EngineTest, SaysByNameWhatIsNotBuilt) {
  EXPECT_EQ(ErrorOf(Instant("start_timestamp(up)")),
            "Unimplemented: function start_timestamp: series have no start timestamps");
  store_.AppendHistogram({{"__name__", "h"}}, 0);
  EXPECT_EQ(ErrorOf(Instant("h")), "Unimplemented: h: native histograms");
}

TEST_F(EngineTest, SamplesAreBounded) {
  options_.samples_max = 10 * 61 + 200;
  EXPECT_EQ(ErrorOf(Range("up")), "no error");
  EXPECT_EQ(
      ErrorOf(Range("up + up")),
      "ResourceExhausted: query processing would load too many samples into memory: "
      "the limit is 810 (samples_max)");
  EXPECT_EQ(
      ErrorOf(Instant("sum_over_time(vector(1)[1y:1ms])")),
      "ResourceExhausted: a subquery of 31536000000 steps would load too many samples "
      "into memory: the limit is 810 (samples_max)");
  // One query's samples do not count against the next.
  EXPECT_EQ(ErrorOf(Range("up")), "no error");
}

TEST_F(EngineTest, MemoryIsDrawnFromTheBudget) {
  base::ByteBudget budget("query", 4000);
  const base::Context context(base::SystemClock(),
                              std::numeric_limits<std::int64_t>::max(), &budget);
  const PromqlRequest request{.tenant = "",
                              .expression = "up",
                              .start_ms = 0,
                              .end_ms = 60 * kMinute,
                              .step_ms = kMinute};
  const auto result = Engine(options_).Execute(context, store_, request);
  EXPECT_EQ(result.status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(budget.used_bytes(), 0);
}

TEST_F(EngineTest, StopsWhenCancelled) {
  context_.Cancel();
  EXPECT_EQ(Instant("up").status().code(), StatusCode::kCancelled);
}

TEST_F(EngineTest, LookbackIsLeftOpen) {
  const auto count = [&](TimestampMs time_ms, DurationMs lookback_ms) {
    const auto result = Query({.tenant = "",
                               .expression = "up{i='1'}",
                               .start_ms = time_ms,
                               .end_ms = time_ms,
                               .lookback_ms = lookback_ms});
    return std::get<PromqlVector>(result->value).size();
  };
  EXPECT_EQ(count(65 * kMinute - 1, 0), 1U);
  EXPECT_EQ(count(65 * kMinute, 0), 0U);
  EXPECT_EQ(count(60 * kMinute + 999, 1000), 1U);
  EXPECT_EQ(count(60 * kMinute + 1000, 1000), 0U);
}

TEST_F(EngineTest, DeepQueriesRun) {
  std::string query = "up{i='1'}";
  for (int i = 0; i < 390; ++i) query = "abs(" + query + ")";
  EXPECT_EQ(ErrorOf(Range(query)), "no error");
}

TEST_F(EngineTest, SameAnswerFromEveryThreadsEngine) {
  // One engine serves any number of queries; nothing is left behind between them.
  const Engine engine(options_);
  const PromqlRequest request{.tenant = "",
                              .expression = "sum by (i) (up)",
                              .start_ms = kMinute,
                              .end_ms = kMinute};
  for (int i = 0; i < 3; ++i) {
    const auto result = engine.Execute(context_, store_, request);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(std::get<PromqlVector>(result->value).size(), 10U);
  }
}

}  // namespace
}  // namespace firn::promql

// SPDX-License-Identifier: Apache-2.0
// Runs the project's own scripts, which must pass, and Prometheus's, which must pass as
// far as they ever did.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "firn/sample.h"
#include "promql/series_description.h"
#include "promql/test_run.h"
#include "promql/test_script.h"

namespace firn::promql {
namespace {

namespace fs = std::filesystem;

const fs::path kProject = FIRN_PROJECT_DIR;

std::string ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> ScriptsIn(const fs::path& directory) {
  std::vector<fs::path> scripts;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == ".test") scripts.push_back(entry.path());
  }
  std::sort(scripts.begin(), scripts.end());
  return scripts;
}

ScriptReport RunScript(std::string_view text,
                       EngineOptions options = ScriptEngineOptions()) {
  Result<ScriptReport> report = RunTestScript(text, Engine(options));
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : ScriptReport();
}

TEST(OwnScriptsTest, AllPass) {
  const std::vector<fs::path> scripts = ScriptsIn(kProject / "test" / "promql");
  EXPECT_FALSE(scripts.empty());
  for (const fs::path& path : scripts) {
    // Scripts about the engine's default say so in their name.
    EngineOptions options = ScriptEngineOptions();
    if (path.stem().string().ends_with("_names_now")) {
      options.name_removal = NameRemoval::kNow;
    }
    const ScriptReport report = RunScript(ReadText(path), options);
    EXPECT_GT(report.passed, 0) << path;
    for (const ScriptFailure& failure : report.failures) {
      ADD_FAILURE() << path.string() << ":" << failure.line << ": " << failure.expression
                    << "\n    " << failure.problem;
    }
  }
}

// The recorded passes: a line `<file> <passed>` each.
std::map<std::string, int> ReadFloor() {
  std::map<std::string, int> floor;
  std::istringstream lines(ReadText(kProject / "test" / "promql" / "passes.txt"));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string file;
    int passed = 0;
    fields >> file >> passed;
    EXPECT_FALSE(fields.fail()) << line;
    floor[file] = passed;
  }
  return floor;
}

TEST(ConformanceTest, NoPassIsLost) {
  const fs::path directory = kProject / ".." / "shared" / "data" / "promqltest";
  if (!fs::is_directory(directory)) {
    std::cout
        << "the conformance scripts are not at ../shared/data/promqltest: not run\n";
    return;
  }
  const std::map<std::string, int> floor = ReadFloor();
  int total = 0;
  for (const auto& [file, passed] : floor) {
    const fs::path path = directory / file;
    ASSERT_TRUE(fs::exists(path)) << path;
    const ScriptReport report = RunScript(ReadText(path));
    total += report.passed;
    EXPECT_GE(report.passed, passed) << file << " passed more before";
    if (report.passed > passed) {
      std::cout << "raise the floor of " << file << " from " << passed << " to "
                << report.passed << " in test/promql/passes.txt\n";
    }
  }
  for (const fs::path& path : ScriptsIn(directory)) {
    EXPECT_TRUE(floor.contains(path.filename().string())) << path << " has no floor";
  }
  std::cout << total << " evaluations of the conformance scripts pass\n";
}

TEST(TestScriptTest, ReadsCommands) {
  const auto commands = ParseTestScript(R"(
# a comment
load 1m
  a{x="y"} 1 _ stale 3x2
  b 1+2x2 _x2 10-3x1 {{schema:0 buckets:[1 2]}}x2

eval_warn instant at 5m sum(a)
  expect no_info
  {} 5

eval range from 1m to 1h step 5m a
  expect warn msg: too hot
  expect fail regex: a.c
  a{x="y"} 1 2

clear
)");
  ASSERT_TRUE(commands.ok()) << commands.status();
  ASSERT_EQ(commands->size(), 4U);
  const auto& load = std::get<LoadCommand>((*commands)[0].action);
  EXPECT_EQ((*commands)[0].line, 3);
  EXPECT_EQ(load.step_ms, 60'000);
  ASSERT_EQ(load.series.size(), 2U);
  EXPECT_EQ(load.series[0].values.size(), 6U);
  EXPECT_TRUE(IsStaleMarker(load.series[0].values[2].value));
  ASSERT_EQ(load.series[1].values.size(), 10U);
  EXPECT_EQ(load.series[1].values[2].value, 5);
  EXPECT_EQ(load.series[1].values[6].value, 7);
  EXPECT_EQ(load.series[1].values[9].kind, SequenceValue::Kind::kHistogram);
  const auto& instant = std::get<EvalCommand>((*commands)[1].action);
  EXPECT_EQ(instant.start_ms, 300'000);
  EXPECT_EQ(instant.expression, "sum(a)");
  EXPECT_NE(instant.Find(Expectation::Kind::kWarn), nullptr);
  EXPECT_NE(instant.Find(Expectation::Kind::kNoInfo), nullptr);
  const auto& range = std::get<EvalCommand>((*commands)[2].action);
  EXPECT_TRUE(range.is_range);
  EXPECT_EQ(range.Find(Expectation::Kind::kWarn)->text, "too hot");
  EXPECT_EQ(range.Find(Expectation::Kind::kFail)->match, Expectation::Match::kRegex);
  EXPECT_EQ(range.series[0].values.size(), 2U);
}

TEST(TestScriptTest, SaysWhichLineIsWrong) {
  const auto error = [](std::string_view text) {
    return std::string(ParseTestScript(text).status().message());
  };
  EXPECT_EQ(error("\nlaod 5m\n"), "line 2: invalid command \"laod 5m\"");
  EXPECT_TRUE(error("load soon\n").starts_with("line 1: "));
  EXPECT_EQ(error("load 1m\n  a 1 x\n"),
            "line 2: column 5: expected a number, \"stale\", \"_\" or \"{{\" in series "
            "values");
  EXPECT_EQ(error("load 1m\n  a{ 1\n"),
            "line 2: 1:4: parse error: unexpected character inside braces: '1'");
  EXPECT_EQ(error("eval at 5m up\n"),
            "line 1: expected \"instant\" or \"range\" in eval");
  EXPECT_EQ(error("load 1m\n  a 1x99999999999\n"),
            "line 2: column 5: invalid repetition in series values");
}

TEST(TestRunTest, CountsWhatFails) {
  const ScriptReport report = RunScript(R"(
load 1m
  a 1
  h {{count:1}}

eval instant at 0 a
  a 1

eval instant at 0 a
  a 2

eval instant at 0 a

eval instant at 0 a
  b 1

eval instant at 0 nope(
  a 1

eval_fail instant at 0 nope(

eval_fail instant at 0 a
  a 1

# What is not built is no failure that a script may expect.
eval_fail instant at 0 h

eval instant at 0 a
  expect warn
  a 1

eval instant at 0 a
  expect nothing
  a 1

eval range from 0 to 2m step 1m a
  a 1 1 1 1

eval range from 0 to 2m step 1m a
  a 1 1 _
)");
  EXPECT_EQ(report.passed, 2);
  std::vector<std::string> problems;
  for (const ScriptFailure& failure : report.failures)
    problems.push_back(failure.problem);
  EXPECT_EQ(problems, (std::vector<std::string>{
                          "expected 2 for a, got 1",
                          "unexpected a 1",
                          "unexpected a 1",
                          "1:6: parse error: unclosed left parenthesis",
                          "expected an error, got none",
                          "h: native histograms",
                          "expected warning, got none",
                          "line 33: invalid expect statement",
                          "more values expected than steps",
                          "expected 2 values, got a 1@0 1@60000 1@120000",
                      }));
}

}  // namespace
}  // namespace firn::promql

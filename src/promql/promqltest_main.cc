// SPDX-License-Identifier: Apache-2.0
// promqltest runs test scripts: promqltest [-v] FILE…
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "promql/test_run.h"

namespace {

void Print(const std::string& line) { std::fputs((line + "\n").c_str(), stdout); }

}  // namespace

int main(int argc, char** argv) {
  bool verbose = false;
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "-v") {
      verbose = true;
    } else {
      paths.emplace_back(argv[i]);
    }
  }
  if (paths.empty()) {
    std::fputs("usage: promqltest [-v] FILE...\n", stderr);
    return 2;
  }
  const firn::promql::Engine engine(firn::promql::ScriptEngineOptions());
  int passed = 0;
  int failed = 0;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file.is_open() || file.bad()) {
      Print(path + ": cannot be read");
      ++failed;
      continue;
    }
    const auto report = firn::promql::RunTestScript(text, engine);
    if (!report.ok()) {
      Print(path + ": " + std::string(report.status().message()));
      ++failed;
      continue;
    }
    passed += report->passed;
    failed += report->failed();
    if (verbose) {
      for (const auto& failure : report->failures) {
        Print(path + ":" + std::to_string(failure.line) + ": " + failure.expression +
              "\n    " + failure.problem);
      }
    }
    if (paths.size() > 1) {
      Print(path + ": " + std::to_string(report->passed) + " passed, " +
            std::to_string(report->failed()) + " failed");
    }
  }
  Print(std::to_string(passed) + " passed, " + std::to_string(failed) + " failed");
  return failed == 0 ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
// Claim: sum by (job) (rate(x[5m])) over 1,000 series at 241 steps costs PromQL itself
// less than 10 ms of CPU. 241 samples a series, 15 s apart, so that a window holds 20.
// The source hands the same columns out for each series: reading is one copy.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/context.h"
#include "promql/engine.h"
#include "scan/series.h"

namespace firn::promql {
namespace {

constexpr int kSeries = 1000;
constexpr int kSamples = 241;
constexpr DurationMs kIntervalMs = 15'000;

// Every series with its samples, whatever is asked for.
class Counters final : public scan::SeriesSource {
 public:
  Counters() {
    for (int s = 0; s < kSeries; ++s) {
      labels_.push_back({{"__name__", "requests_total"},
                         {"instance", "host-" + std::to_string(s) + ".example.com:9100"},
                         {"job", "job-" + std::to_string(s % 10)},
                         {"region", "region-" + std::to_string(s % 3)},
                         {"zone", "zone-" + std::to_string(s % 7)},
                         {"method", "GET"},
                         {"path", "/api/v1/query"},
                         {"status", "200"}});
    }
    for (int i = 0; i < kSamples; ++i) {
      samples_.timestamps_ms.push_back(i * kIntervalMs);
      samples_.values.push_back(i * 17.0 + (i * 7919 % 13));
    }
  }

  Result<std::unique_ptr<scan::SeriesSet>> Select(const base::Context&,
                                                  const scan::SeriesRequest&) override {
    return std::unique_ptr<scan::SeriesSet>(std::make_unique<Set>(*this));
  }
  Result<std::vector<std::string>> LabelNames(const base::Context&,
                                              const scan::SeriesRequest&) override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> LabelValues(const base::Context&, std::string_view,
                                               const scan::SeriesRequest&) override {
    return std::vector<std::string>();
  }

 private:
  class Set final : public scan::SeriesSet {
   public:
    explicit Set(const Counters& counters) : counters_(counters) {}
    bool Next() override { return ++at_ < kSeries; }
    const Labels& labels() const override {
      return counters_.labels_[static_cast<std::size_t>(at_)];
    }
    Status Read(scan::SampleColumns& out) override {
      out = counters_.samples_;
      return {};
    }
    Status status() const override { return {}; }

   private:
    const Counters& counters_;
    int at_ = -1;
  };

  std::vector<Labels> labels_;
  scan::SampleColumns samples_;
};

// CPU seconds this process has used.
double CpuSeconds() {
  std::timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Print the median CPU time of an expression over `kRounds` runs.
bool Measure(Counters& counters, const char* name, const std::string& expression) {
  constexpr std::size_t kRounds = 21;
  const Engine engine{EngineOptions()};
  const base::Context context;
  PromqlRequest request;
  request.expression = expression;
  request.end_ms = (kSamples - 1) * kIntervalMs;
  request.step_ms = kIntervalMs;
  std::vector<double> rounds;
  std::size_t results = 0;
  for (std::size_t i = 0; i < kRounds; ++i) {
    const double begin = CpuSeconds();
    const Result<PromqlResult> result = engine.Execute(context, counters, request);
    rounds.push_back(CpuSeconds() - begin);
    if (!result.ok()) {
      std::fprintf(stderr, "bench promql_rate: %s\n", result.status().ToString().c_str());
      return false;
    }
    results = std::get<PromqlMatrix>(result->value).size();
  }
  std::sort(rounds.begin(), rounds.end());
  std::printf(
      "{\"bench\": \"promql_rate\", \"case\": \"%s\", \"series\": %d, "
      "\"steps\": %d, \"results\": %zu, \"cpu_ms\": %.3f}\n",
      name, kSeries, kSamples, results, rounds[kRounds / 2] * 1e3);
  return true;
}

}  // namespace
}  // namespace firn::promql

int main() {
  using firn::promql::Measure;
  firn::promql::Counters counters;
  const bool ok =
      Measure(counters, "selector", "requests_total") &&
      Measure(counters, "rate", "rate(requests_total[5m])") &&
      Measure(counters, "sum_rate", "sum by (job) (rate(requests_total[5m]))") &&
      Measure(counters, "sum_over_time",
              "sum by (job) (sum_over_time(requests_total[5m]))") &&
      Measure(counters, "max_over_time",
              "sum by (job) (max_over_time(requests_total[5m]))") &&
      Measure(counters, "binary", "requests_total / requests_total") &&
      Measure(counters, "topk", "topk by (job) (5, requests_total)");
  return ok ? 0 : 1;
}

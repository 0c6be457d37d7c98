// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <sstream>
#include <thread>

namespace firn::base {
namespace {

// Reads the text format back: each sample line as labels (name included) and value.
class Exposition {
 public:
  explicit Exposition(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# TYPE ")) {
        const std::size_t space = line.find(' ', 7);
        types_[line.substr(7, space - 7)] = line.substr(space + 1);
      } else if (!line.starts_with("#")) {
        ReadSample(line);
      }
    }
  }

  double At(const Labels& labels) const {
    const auto at = samples_.find(labels);
    if (at != samples_.end()) return at->second;
    ADD_FAILURE() << "no sample " << labels.ToString();
    return 0;
  }
  const std::string& TypeOf(const std::string& name) const { return types_.at(name); }
  std::size_t size() const { return samples_.size(); }

 private:
  void ReadSample(std::string_view line) {
    const std::size_t name_end = line.find_first_of("{ ");
    std::vector<Label> labels{{"__name__", std::string(line.substr(0, name_end))}};
    line.remove_prefix(name_end);
    if (line[0] == '{') {
      do {
        line.remove_prefix(1);
        const std::size_t equals = line.find("=\"");
        Label label{std::string(line.substr(0, equals)), ""};
        line.remove_prefix(equals + 2);
        for (; line[0] != '"'; line.remove_prefix(1)) {
          if (line[0] == '\\') {
            line.remove_prefix(1);
            label.value.push_back(line[0] == 'n' ? '\n' : line[0]);
          } else {
            label.value.push_back(line[0]);
          }
        }
        labels.push_back(std::move(label));
        line.remove_prefix(1);
      } while (line[0] == ',');
      ASSERT_EQ(line[0], '}');
      line.remove_prefix(1);
    }
    ASSERT_EQ(line[0], ' ');
    const double value = std::strtod(std::string(line.substr(1)).c_str(), nullptr);
    EXPECT_TRUE(samples_.emplace(Labels::Make(labels).value(), value).second);
  }

  std::map<Labels, double> samples_;
  std::map<std::string, std::string> types_;
};

TEST(MetricsTest, ExposesFamiliesInOrder) {
  MetricRegistry registry;
  registry.GetGauge("firn_b_bytes", "Bytes held.").Set(1.5);
  registry.GetCounter("firn_a_total", "Things seen.", {{"kind", "y"}}).Add(2);
  registry.GetCounter("firn_a_total", "Things seen.", {{"kind", "x"}}).Add();
  EXPECT_EQ(registry.Expose(),
            "# HELP firn_a_total Things seen.\n"
            "# TYPE firn_a_total counter\n"
            "firn_a_total{kind=\"x\"} 1\n"
            "firn_a_total{kind=\"y\"} 2\n"
            "# HELP firn_b_bytes Bytes held.\n"
            "# TYPE firn_b_bytes gauge\n"
            "firn_b_bytes 1.5\n");
}

TEST(MetricsTest, EscapesReadBack) {
  MetricRegistry registry;
  const std::string awkward = "q\"b\\s\nl";
  registry.GetGauge("g", "two\nlines \\ \"q\"", {{"l", awkward}}).Set(3);
  const std::string text = registry.Expose();
  EXPECT_NE(text.find("# HELP g two\\nlines \\\\ \"q\"\n"), std::string::npos) << text;
  EXPECT_EQ(Exposition(text).At({{"__name__", "g"}, {"l", awkward}}), 3);
}

TEST(MetricsTest, ExtremeValuesReadBack) {
  MetricRegistry registry;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  registry.GetGauge("inf", "h").Set(kInfinity);
  registry.GetGauge("minus_inf", "h").Set(-kInfinity);
  registry.GetGauge("nan", "h").Set(std::nan(""));
  registry.GetGauge("third", "h").Set(1.0 / 3);
  registry.GetCounter("large", "h").Add(1ull << 60);
  const std::string text = registry.Expose();
  EXPECT_NE(text.find("\ninf +Inf\n"), std::string::npos);
  EXPECT_NE(text.find("\nminus_inf -Inf\n"), std::string::npos);
  EXPECT_NE(text.find("\nnan NaN\n"), std::string::npos);
  const Exposition read(text);
  EXPECT_EQ(read.At({{"__name__", "third"}}), 1.0 / 3);
  EXPECT_EQ(read.At({{"__name__", "large"}}), 0x1p60);
}

TEST(MetricsTest, HistogramBucketsAreCumulativeAndClosedAbove) {
  MetricRegistry registry;
  Histogram& h = registry.GetHistogram("t_seconds", "h", {0.1, 1, 10}, {{"op", "get"}});
  for (const double v : {0.05, 0.1, 0.5, 10.0, 11.0}) h.Observe(v);
  const Exposition read(registry.Expose());
  const auto bucket = [&read](std::string_view le) {
    return read.At({{"__name__", "t_seconds_bucket"}, {"op", "get"}, {"le", le}});
  };
  EXPECT_EQ(bucket("0.1"), 2);
  EXPECT_EQ(bucket("1"), 3);
  EXPECT_EQ(bucket("10"), 4);
  EXPECT_EQ(bucket("+Inf"), 5);
  EXPECT_EQ(read.At({{"__name__", "t_seconds_count"}, {"op", "get"}}), 5);
  EXPECT_DOUBLE_EQ(read.At({{"__name__", "t_seconds_sum"}, {"op", "get"}}), 21.65);
  EXPECT_EQ(read.TypeOf("t_seconds"), "histogram");
  EXPECT_EQ(read.size(), 6u);
}

TEST(MetricsTest, NanObservationsCountInTheLastBucketOnly) {
  Histogram h({1});
  h.Observe(std::nan(""));
  EXPECT_EQ(h.CumulativeCount(0), 0u);
  EXPECT_EQ(h.CumulativeCount(1), 1u);
}

TEST(MetricsTest, OneNameAndLabelsAreOneMetric) {
  MetricRegistry registry;
  Counter& first = registry.GetCounter("c_total", "h", {{"a", "1"}});
  for (int i = 0; i < 100; ++i) {
    registry.GetCounter("c_total", "h", {{"a", std::to_string(i)}}).Add();
  }
  EXPECT_EQ(&first, &registry.GetCounter("c_total", "h", {{"a", "1"}}));
  EXPECT_EQ(first.value(), 1u);
}

TEST(MetricsTest, CallbacksAreAskedEachTimeAndMayUseTheRegistry) {
  MetricRegistry registry;
  int asked = 0;
  registry.AddCallback("asked", "h", [&asked, &registry] {
    registry.GetCounter("inner_total", "h").Add();
    return static_cast<double>(++asked);
  });
  registry.Expose();
  const Exposition read(registry.Expose());
  EXPECT_EQ(read.At({{"__name__", "asked"}}), 2);
  EXPECT_EQ(read.TypeOf("asked"), "gauge");
}

TEST(MetricsTest, ACounterKeptElsewhereIsACounter) {
  MetricRegistry registry;
  std::uint64_t kept = (1ull << 53) + 1;
  registry.AddCounterCallback("kept_total", "h", [&kept] { return kept; });
  const std::string text = registry.Expose();
  EXPECT_NE(text.find("\nkept_total 9007199254740993\n"), std::string::npos) << text;
  EXPECT_EQ(Exposition(text).TypeOf("kept_total"), "counter");
  kept += 2;
  EXPECT_NE(registry.Expose().find("\nkept_total 9007199254740995\n"), std::string::npos);
}

TEST(MetricsDeathTest, OneNameHasOneKindAndHelp) {
  MetricRegistry registry;
  registry.GetCounter("c_total", "h");
  EXPECT_DEATH(registry.GetGauge("c_total", "h"), "assertion failed");
  EXPECT_DEATH(registry.GetCounter("c_total", "other"), "assertion failed");
  EXPECT_DEATH(Histogram({1, 1}), "assertion failed");
}

TEST(MetricsTest, ThreadsUpdateWhileItIsExposed) {
  MetricRegistry registry;
  Counter& counter = registry.GetCounter("c_total", "h");
  Histogram& histogram = registry.GetHistogram("t", "h", {1, 2, 3});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&counter, &histogram] {
        for (int i = 0; i < 2000; ++i) {
          counter.Add();
          histogram.Observe(i % 5);
        }
      });
    }
    for (int i = 0; i < 20; ++i) {
      const Exposition read(registry.Expose());
      const auto bucket = [&read](std::string_view le) {
        return read.At({{"__name__", "t_bucket"}, {"le", le}});
      };
      EXPECT_LE(bucket("1"), bucket("2"));
      EXPECT_LE(bucket("3"), bucket("+Inf"));
      EXPECT_EQ(bucket("+Inf"), read.At({{"__name__", "t_count"}}));
      registry.GetGauge("g" + std::to_string(i), "h").Set(i);
    }
  }
  EXPECT_EQ(counter.value(), 6000u);
  EXPECT_EQ(histogram.CumulativeCount(3), 6000u);
  EXPECT_EQ(histogram.CumulativeCount(0), 2400u);
  EXPECT_EQ(histogram.sum(), 12000.0);
}

}  // namespace
}  // namespace firn::base

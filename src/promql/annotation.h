// SPDX-License-Identifier: Apache-2.0
// annotation.h: what a query's answer should be read with: warnings and infos.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "firn/time.h"

namespace firn::promql {

// Collects annotations, each kind of message once. Thread-compatible.
class Annotations {
 public:
  explicit Annotations(std::string_view query) : query_(query) {}

  // "PromQL warning: <message> (<line>:<column>)" and "PromQL info: …". The same message
  // at several positions is kept once, with the last of them.
  void Warn(std::string_view message, std::size_t position);
  void Inform(std::string_view message, std::size_t position);

  // Counts that histogram_quantile had to make a classic histogram's buckets monotonic.
  struct ForcedMonotonicity {
    std::string metric_name;
    std::size_t position = 0;
    TimestampMs first_ms = 0;
    TimestampMs last_ms = 0;
    double lowest_bound = 0;
    double highest_bound = 0;
    double largest_drop = 0;
    std::int64_t count = 1;
  };
  void AddForcedMonotonicity(const ForcedMonotonicity& fix);

  std::vector<std::string> Warnings() const;
  std::vector<std::string> Infos() const;

 private:
  const std::string_view query_;
  std::map<std::string, std::size_t, std::less<>> warnings_;
  std::map<std::string, std::size_t, std::less<>> infos_;
  std::map<std::string, ForcedMonotonicity, std::less<>> monotonicity_;
};

// ` for metric name "x"`, or nothing for an empty name.
std::string ForMetric(std::string_view metric_name);

}  // namespace firn::promql

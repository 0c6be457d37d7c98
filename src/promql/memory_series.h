// SPDX-License-Identifier: Apache-2.0
// memory_series.h: a source of series that are held in memory, for tests and scripts.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "firn/labels.h"
#include "firn/sample.h"
#include "scan/series.h"

namespace firn::promql {

// Series of one tenant: the request's is not looked at. Thread-compatible, unlike other
// sources: it may be read from any number of threads as long as none appends.
class MemorySeries final : public scan::SeriesSource {
 public:
  // Add samples to a series. Where the series has a sample at a time already, the older
  // one stays.
  void Append(const Labels& labels, const std::vector<Sample>& samples);
  // Remember that the series has a native histogram at this time. Reading it then is
  // Unimplemented.
  void AppendHistogram(const Labels& labels, TimestampMs timestamp_ms);
  void Clear() { series_.clear(); }

  Result<std::unique_ptr<scan::SeriesSet>> Select(
      const base::Context& context, const scan::SeriesRequest& request) override;
  Result<std::vector<std::string>> LabelNames(
      const base::Context& context, const scan::SeriesRequest& request) override;
  Result<std::vector<std::string>> LabelValues(
      const base::Context& context, std::string_view name,
      const scan::SeriesRequest& request) override;

 private:
  struct Series {
    std::map<TimestampMs, double> samples;
    std::set<TimestampMs> histograms;
  };
  using SeriesMap = std::map<Labels, Series>;
  class Set;

  Result<std::vector<SeriesMap::const_iterator>> Matching(
      const scan::SeriesRequest& request) const;

  SeriesMap series_;
};

}  // namespace firn::promql

// SPDX-License-Identifier: Apache-2.0
// series.h: the read seam of time series: ask by matchers, get series of samples.
//
// PromQL and the series API speak only this; the head, the tables and the merge of both
// stand behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/labels.h"
#include "firn/sample.h"
#include "firn/status.h"
#include "firn/time.h"

namespace firn::scan {

struct SeriesRequest {
  std::string tenant;
  // All must hold. Empty selects every series.
  std::vector<LabelMatcher> matchers;
  // Samples wanted: a closed interval, as Prometheus's own storage interface has it.
  ClosedRangeMs range;
};

// The samples of one series in two columns of equal length, timestamps strictly
// increasing. Stale markers are among them (firn::IsStaleMarker). A buffer that the
// caller reuses from series to series.
struct SampleColumns {
  std::vector<TimestampMs> timestamps_ms;
  std::vector<double> values;
  std::size_t size() const { return timestamps_ms.size(); }
  void clear() {
    timestamps_ms.clear();
    values.clear();
  }
};

// The series that a request selects, each once, ordered by labels. Reads a pinned cut:
// what was there when Select was called. Thread-compatible; the context given to Select
// must outlive it.
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  // Move to the next series. False at the end and after an error: see status().
  virtual bool Next() = 0;
  // REQUIRES: the last Next() returned true. Valid until the next call of Next().
  virtual const Labels& labels() const = 0;
  // Replace `out` by the samples of the current series within the request's range; there
  // may be none. Called at most once a series.
  virtual Status Read(SampleColumns& out) = 0;
  virtual Status status() const = 0;
};

// Metadata of a metric, as Prometheus's metadata API names it.
struct MetricMetadata {
  std::string metric;
  std::string type;  // counter, gauge, histogram, summary, unknown, …
  std::string help;
  std::string unit;
  bool operator==(const MetricMetadata&) const = default;
};

// Where series come from. Thread-safe.
class SeriesSource {
 public:
  virtual ~SeriesSource() = default;
  virtual Result<std::unique_ptr<SeriesSet>> Select(const base::Context& context,
                                                    const SeriesRequest& request) = 0;
  // Names, sorted, of the labels of the series selected.
  virtual Result<std::vector<std::string>> LabelNames(const base::Context& context,
                                                      const SeriesRequest& request) = 0;
  // Values, sorted, of label `name` among the series selected.
  virtual Result<std::vector<std::string>> LabelValues(const base::Context& context,
                                                       std::string_view name,
                                                       const SeriesRequest& request) = 0;
};

}  // namespace firn::scan

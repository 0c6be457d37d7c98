// SPDX-License-Identifier: Apache-2.0
// cold_series.h: reads settled samples back as series.
//
//   1. metrics.series, on the days of the range, gives the series that match.
//   2. metrics.samples, pruned to metric, series and time, gives their samples.
//
// Files are sorted by metric, series and time, so samples arrive in long runs of one
// series; a run costs one look-up. Nothing here relies on it: rows in any order, as
// another engine may have rewritten them, come out the same.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/matcher.h"
#include "base/series_id.h"
#include "firn/labels.h"
#include "firn/status.h"
#include "iceberg/plan.h"
#include "scan/series.h"
#include "table/table_source.h"
#include "tsdb/cut.h"

namespace firn::tsdb {

struct ColdSeries {
  base::SeriesId id;
  Labels labels;
  scan::SampleColumns samples;  // Timestamps strictly increasing.
};

// What the tables of one cut answer. Thread-safe.
class ColdReader {
 public:
  // `environment`'s members must outlive the reader.
  explicit ColdReader(const table::ScanEnvironment& environment)
      : environment_(environment) {}

  // The series of `tenant` that match and have a sample on a day of `range`, each once,
  // in no order, without samples.
  Result<std::vector<ColdSeries>> FindSeries(const base::Context& context,
                                             const SettledTables& tables,
                                             std::string_view tenant,
                                             const std::vector<base::Matcher>& matchers,
                                             const ClosedRangeMs& range) const;

  // The same with their samples in `range`. Series that have none there are among them.
  // Empty without looking for series where no file may hold such a sample.
  Result<std::vector<ColdSeries>> Read(const base::Context& context,
                                       const SettledTables& tables,
                                       std::string_view tenant,
                                       const std::vector<base::Matcher>& matchers,
                                       const ClosedRangeMs& range) const;

  // --- What a start needs to know duplicates again.
  // One row of metrics.series. `first_seen_ms` lies on the row's day.
  struct SeriesDay {
    base::SeriesId id;
    std::string_view tenant;
    Labels labels;
    TimestampMs first_seen_ms = 0;
  };
  // Every row, of every tenant, on the days of [first_ms, …).
  Status VisitSeriesSince(const base::Context& context, const SettledTables& tables,
                          TimestampMs first_ms,
                          const std::function<Status(const SeriesDay&)>& visit) const;
  // The end of metrics.samples.
  struct RecentSamples {
    // The timestamp of the newest settled sample, or a little later (bounds of files say
    // it); kTimestampMsMin where there is none, and then the rest says nothing.
    TimestampMs newest_ms = kTimestampMsMin;
    TimestampMs start_ms = kTimestampMsMin;
    std::vector<iceberg::ScanTask> tasks;  // All that may hold samples in [start_ms, …).
  };
  // `start_of` gives start_ms for newest_ms, and is asked more than once, for the newest
  // seen so far; the last answer counts. REQUIRES: start_of does not fall.
  // Cost: reads each manifest of metrics.samples, once.
  Result<RecentSamples> FindRecentSamples(
      const base::Context& context, const SettledTables& tables,
      const std::function<TimestampMs(TimestampMs newest_ms)>& start_of) const;
  // The samples of every series in [recent.start_ms, …), in runs of one series, in no
  // order. REQUIRES: `recent` is of `tables`.
  Status VisitSamplesSince(
      const base::Context& context, const SettledTables& tables, RecentSamples recent,
      const std::function<Status(const base::SeriesId&, const scan::SampleColumns&)>&
          visit) const;

 private:
  const table::ScanEnvironment environment_;
};

// Sort by time and keep the first sample of each timestamp, where that is not so already.
void PutInOrder(scan::SampleColumns* samples);

}  // namespace firn::tsdb

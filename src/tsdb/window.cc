// SPDX-License-Identifier: Apache-2.0
#include "tsdb/window.h"

#include <map>
#include <utility>

#include "base/log.h"

namespace firn::tsdb {

Result<Window> LoadWindow(const base::Context& context, const ColdReader& cold,
                          const SettledTables& tables, Head& head) {
  Window window;
  FIRN_ASSIGN_OR_RETURN(const TimestampMs newest_ms, cold.NewestSettled(context, tables));
  if (newest_ms == kTimestampMsMin) return window;
  const TimestampMs start_ms = head.WindowStart(newest_ms);
  auto emitted = std::make_shared<EmittedDays>();
  FIRN_RETURN_IF_ERROR(cold.VisitSeriesSince(
      context, tables, start_ms, [&](const ColdReader::SeriesDay& row) -> Status {
        FIRN_ASSIGN_OR_RETURN(const SeriesRef ref,
                              head.series().ResolveLabels(row.tenant, row.labels));
        emitted->Add(ref, DayOfMs(row.first_seen_ms));
        return Status::OK();
      }));
  // Gathered by series first: files come in any order, and a generation wants its samples
  // in order of time.
  std::map<SeriesRef, scan::SampleColumns> samples;
  std::int64_t unknown = 0;
  FIRN_RETURN_IF_ERROR(cold.VisitSamplesSince(
      context, tables, start_ms,
      [&](const base::SeriesId& id, const scan::SampleColumns& run) {
        const std::optional<SeriesRef> ref = head.series().Find(id);
        if (!ref.has_value()) {
          unknown += static_cast<std::int64_t>(run.size());
          return Status::OK();
        }
        scan::SampleColumns& all = samples[*ref];
        all.timestamps_ms.insert(all.timestamps_ms.end(), run.timestamps_ms.begin(),
                                 run.timestamps_ms.end());
        all.values.insert(all.values.end(), run.values.begin(), run.values.end());
        return Status::OK();
      }));
  if (unknown > 0) {
    base::LogWarn("settled samples without a row in metrics.series",
                  {{"samples", std::to_string(unknown)}});
  }
  auto generation = std::make_shared<Generation>(0);
  for (auto& [ref, columns] : samples) {
    PutInOrder(&columns);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      generation->Append(ref, {columns.timestamps_ms[i], columns.values[i]});
    }
  }
  generation->Freeze(tables.settled);
  window.samples = std::move(generation);
  window.emitted = std::move(emitted);
  return window;
}

}  // namespace firn::tsdb

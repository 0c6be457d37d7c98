// SPDX-License-Identifier: Apache-2.0
#include "tsdb/window.h"

#include <map>
#include <unordered_map>
#include <utility>

#include "base/log.h"

namespace firn::tsdb {

Result<Window> LoadWindow(const base::Context& context, const ColdReader& cold,
                          const SettledTables& tables, Head& head) {
  Window window;
  FIRN_ASSIGN_OR_RETURN(
      ColdReader::RecentSamples recent,
      cold.FindRecentSamples(context, tables, [&](TimestampMs newest_ms) {
        return head.WindowStart(newest_ms);
      }));
  if (recent.newest_ms == kTimestampMsMin) return window;
  const TimestampMs start_ms = recent.start_ms;
  // Gathered by series first: files come in any order, and a generation wants its samples
  // in order of time.
  std::unordered_map<base::SeriesId, scan::SampleColumns> samples_by_id;
  FIRN_RETURN_IF_ERROR(cold.VisitSamplesSince(
      context, tables, std::move(recent),
      [&](const base::SeriesId& id, const scan::SampleColumns& run) {
        scan::SampleColumns& all = samples_by_id[id];
        all.timestamps_ms.insert(all.timestamps_ms.end(), run.timestamps_ms.begin(),
                                 run.timestamps_ms.end());
        all.values.insert(all.values.end(), run.values.begin(), run.values.end());
        return Status::OK();
      }));
  // A day may have named many more series than the window has samples of: the others are
  // not worth their memory.
  auto emitted = std::make_shared<EmittedDays>();
  std::map<Day, std::vector<base::SeriesId>> absent;
  FIRN_RETURN_IF_ERROR(cold.VisitSeriesSince(
      context, tables, start_ms, [&](const ColdReader::SeriesDay& row) -> Status {
        const Day day = DayOfMs(row.first_seen_ms);
        if (!samples_by_id.contains(row.id) && !head.series().Find(row.id).has_value()) {
          absent[day].push_back(row.id);
          return Status::OK();
        }
        FIRN_ASSIGN_OR_RETURN(const SeriesRef ref,
                              head.series().ResolveLabels(row.tenant, row.labels));
        emitted->Add(ref, day);
        return Status::OK();
      }));
  for (auto& [day, ids] : absent) emitted->Add(std::move(ids), day);
  std::map<SeriesRef, scan::SampleColumns> samples;
  std::int64_t unknown = 0;
  for (auto& [id, columns] : samples_by_id) {
    if (const std::optional<SeriesRef> ref = head.series().Find(id)) {
      samples.emplace(*ref, std::move(columns));
    } else {
      unknown += static_cast<std::int64_t>(columns.size());
    }
  }
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

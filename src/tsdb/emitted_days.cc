// SPDX-License-Identifier: Apache-2.0
#include "tsdb/emitted_days.h"

#include <algorithm>

namespace firn::tsdb {

bool EmittedDays::Has(const base::SeriesId& id, Day day) const {
  const auto found = days_.find(day);
  return found != days_.end() && found->second.by_id != nullptr &&
         std::binary_search(found->second.by_id->begin(), found->second.by_id->end(), id);
}

void EmittedDays::Add(std::vector<base::SeriesId> ids, Day day) {
  if (ids.empty()) return;
  std::shared_ptr<const std::vector<base::SeriesId>>& known = days_[day].by_id;
  if (known != nullptr) ids.insert(ids.end(), known->begin(), known->end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  ids.resize(std::min(ids.size(), kIdentitiesPerDayMax));
  ids.shrink_to_fit();
  known = std::make_shared<const std::vector<base::SeriesId>>(std::move(ids));
}

void EmittedDays::Forget(
    const std::vector<std::pair<SeriesRef, base::SeriesId>>& series) {
  for (auto& [day, known] : days_) {
    std::vector<base::SeriesId> ids;
    for (const auto& [ref, id] : series) {
      if (ref.value >= known.by_ref.size() || !known.by_ref[ref.value]) continue;
      known.by_ref[ref.value] = false;
      ids.push_back(id);
    }
    Add(std::move(ids), day);
  }
}

}  // namespace firn::tsdb

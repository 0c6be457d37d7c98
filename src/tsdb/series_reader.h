// SPDX-License-Identifier: Apache-2.0
// series_reader.h: hot and settled series as one, for PromQL and the series API.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "scan/series.h"
#include "tsdb/cold_series.h"
#include "tsdb/cut.h"
#include "tsdb/head.h"

namespace firn::tsdb {

// Thread-safe. Each call works on the cut that is published when it starts.
// NotFound where a settled file is gone: another engine has expired it, and the caller
// refreshes the cut and asks again.
class SeriesReader final : public scan::SeriesSource {
 public:
  // All must outlive the reader and every SeriesSet. A null `head`: nothing is hot.
  SeriesReader(const Head* head, const CutPublisher& cuts, const ColdReader& cold)
      : head_(head), cuts_(cuts), cold_(cold) {}

  Result<std::unique_ptr<scan::SeriesSet>> Select(
      const base::Context& context, const scan::SeriesRequest& request) override;
  Result<std::vector<std::string>> LabelNames(
      const base::Context& context, const scan::SeriesRequest& request) override;
  Result<std::vector<std::string>> LabelValues(
      const base::Context& context, std::string_view name,
      const scan::SeriesRequest& request) override;

  // The label sets of the series selected, in order, without reading samples. Settled
  // series are known by the day, so one may have no sample in the range itself.
  Result<std::vector<Labels>> Find(const base::Context& context,
                                   const scan::SeriesRequest& request);

 private:
  const Head* const head_;
  const CutPublisher& cuts_;
  const ColdReader& cold_;
};

}  // namespace firn::tsdb

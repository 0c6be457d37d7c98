// SPDX-License-Identifier: Apache-2.0
// prometheus_result.h: PromQL results as Prometheus's JSON.
#pragma once

#include <cstdint>
#include <string>

#include "firn/promql.h"

namespace firn::server {

// {"resultType":…,"result":…}, with "stats" where asked for. The command line prints it
// too.
void AppendPromqlData(std::string& out, const PromqlResult& result, bool with_stats);

// Keep the first `limit` series (0: all). True where some were dropped.
bool TruncateSeries(PromqlResult& result, std::int64_t limit);

}  // namespace firn::server

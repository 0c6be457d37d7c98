// SPDX-License-Identifier: Apache-2.0
// promql_printer.h: PromQL results as text.
#pragma once

#include <cstdint>
#include <string>

#include "firn/promql.h"

namespace firn::cli {

// One line a value, as promtool prints them: `up{job="x"} => 1 @[1435781451.781]`; a
// matrix as a line for the series and one for each sample.
std::string PromqlAsText(const PromqlResult& result);

// {"resultType":…,"result":…} as Prometheus's HTTP interface answers, and a newline.
std::string PromqlAsJson(const PromqlResult& result);

// Samples in the result.
std::int64_t PromqlRows(const PromqlResult& result);

}  // namespace firn::cli

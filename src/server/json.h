// SPDX-License-Identifier: Apache-2.0
// json.h: appends JSON to a string, in the forms of Prometheus. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "firn/labels.h"
#include "firn/sample.h"

namespace firn::server {

using base::AppendJsonInt;
using base::AppendJsonString;
using base::JsonString;

// A number as Go's strconv writes it with format 'f' and the fewest digits that read back
// the same, or 'e' below 1e-6 and from 1e21: Prometheus's text of a value. NaN, +Inf,
// -Inf.
void AppendPrometheusFloat(std::string& out, double v);

// Milliseconds as seconds with no decimals or three: `1`, `1.500`, `-0.001`.
void AppendTimestampSeconds(std::string& out, TimestampMs t);

// {"name":"value",…}
void AppendLabels(std::string& out, const Labels& labels);
// [seconds,"value"]
void AppendSample(std::string& out, const Sample& sample);

}  // namespace firn::server

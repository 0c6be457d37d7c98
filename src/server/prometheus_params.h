// SPDX-License-Identifier: Apache-2.0
// prometheus_params.h: parameters as Prometheus's HTTP interface reads them. Errors are
// InvalidArgument in Prometheus's words: `invalid parameter "start": …`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/db.h"
#include "firn/status.h"
#include "firn/time.h"
#include "server/form.h"

namespace firn::server {

Status InvalidParameter(std::string_view name, std::string_view why);

// RFC 3339 or Unix seconds. `fallback` where the parameter is absent or empty; without
// one that is an error.
Result<TimestampMs> TimeParameter(const Form& form, std::string_view name,
                                  std::optional<TimestampMs> fallback);

// `5m` or seconds. `fallback` as above.
Result<DurationMs> DurationParameter(const Form& form, std::string_view name,
                                     std::optional<DurationMs> fallback);

// A number >= 0; 0, no limit, where absent.
Result<std::int64_t> LimitParameter(const Form& form, std::string_view name);

// match[], start, end and limit of the series API, for the default tenant.
Result<Db::SeriesQuery> SeriesParameters(const Form& form);

// Undo the escaping `U__…` of a label name, by which a name of any characters stands in a
// path; other names are as they are.
std::string UnescapeLabelName(std::string_view name);

}  // namespace firn::server

// SPDX-License-Identifier: Apache-2.0
// value_json.h: one value as JSON (the specification's appendix D), as the defaults of
// columns are written.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "firn/status.h"
#include "iceberg/type.h"
#include "iceberg/value.h"

namespace firn::iceberg {

// A number or truth value as it is, all else as a string: `"2017-11-16"`, `"14.20"`.
// REQUIRES: Fits(value, type), and a finite number.
nlohmann::ordered_json ToJson(const Value& value, const PrimitiveType& type);

// The reverse. Corruption for JSON of another type, text that is no such value, a decimal
// of another scale, and a time zone where none belongs or is missing; Unimplemented for
// the types that have no Value.
Result<Value> ValueFromJson(const nlohmann::json& json, const PrimitiveType& type);

}  // namespace firn::iceberg

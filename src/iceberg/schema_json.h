// SPDX-License-Identifier: Apache-2.0
// schema_json.h: schemas and types as JSON (the specification's appendix C).
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "firn/status.h"
#include "iceberg/schema.h"

namespace firn::iceberg {

nlohmann::ordered_json ToJson(const Schema& schema);
Result<Schema> SchemaFromJson(const nlohmann::json& json);

std::string SchemaToJsonText(const Schema& schema);
// InvalidArgument for text that is no schema; Unimplemented for a type not read.
Result<Schema> SchemaFromJsonText(std::string_view text);

}  // namespace firn::iceberg

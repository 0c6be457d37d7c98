// SPDX-License-Identifier: Apache-2.0
// update_json.h: updates and requirements as the REST protocol sends them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "firn/status.h"
#include "iceberg/requirement.h"
#include "iceberg/update.h"

namespace firn::iceberg {

nlohmann::ordered_json ToJson(const Update& update);
// Unimplemented, by name, for an action that is not known.
Result<Update> UpdateFromJson(const nlohmann::json& json);

nlohmann::ordered_json ToJson(const Requirement& requirement);
Result<Requirement> RequirementFromJson(const nlohmann::json& json);

}  // namespace firn::iceberg

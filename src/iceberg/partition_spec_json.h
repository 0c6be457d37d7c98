// SPDX-License-Identifier: Apache-2.0
// partition_spec_json.h: partition specs and sort orders as JSON (appendix C).
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "firn/status.h"
#include "iceberg/partition_spec.h"
#include "iceberg/sort_order.h"

namespace firn::iceberg {

nlohmann::ordered_json ToJson(const PartitionSpec& spec);
Result<PartitionSpec> PartitionSpecFromJson(const nlohmann::json& json);
// The array of fields alone, as manifests keep it.
nlohmann::ordered_json FieldsToJson(const PartitionSpec& spec);
Result<std::vector<PartitionField>> PartitionFieldsFromJson(const nlohmann::json& json);

nlohmann::ordered_json ToJson(const SortOrder& order);
Result<SortOrder> SortOrderFromJson(const nlohmann::json& json);

}  // namespace firn::iceberg

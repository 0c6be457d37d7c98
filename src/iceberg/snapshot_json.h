// SPDX-License-Identifier: Apache-2.0
// snapshot_json.h: snapshots, and names for them, as JSON: as metadata files hold them
// and the REST protocol sends them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "firn/status.h"
#include "iceberg/snapshot.h"

namespace firn::iceberg {

nlohmann::ordered_json ToJson(const Snapshot& snapshot);
// A snapshot of format version 1 may lack a sequence number, which is then 0, a summary,
// and then counts as an overwrite, and a manifest list, where it names its manifests.
Result<Snapshot> SnapshotFromJson(const nlohmann::json& json);

nlohmann::ordered_json ToJson(const SnapshotRef& ref);
Result<SnapshotRef> SnapshotRefFromJson(const nlohmann::json& json);

}  // namespace firn::iceberg

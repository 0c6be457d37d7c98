// SPDX-License-Identifier: Apache-2.0
// default_properties.h: what firn sets on the tables it creates.
//
// Iceberg's own defaults let small commits pile up metadata for ever. These do not; the
// figures are in docs/design/0021-small-commits.md. A property that the creator of a
// table gives is left as it is.
#pragma once

#include <map>
#include <string>

#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// Metadata files are removed once the log of them is this long. Each names all snapshots,
// so that the sum grows with both: few are kept. Who needs an older state has snapshots.
inline constexpr char kDefaultPreviousVersionsMax[] = "5";
// Manifests are merged in small groups: a manifest list, which every commit writes, then
// stays short.
inline constexpr char kDefaultMergeMinCount[] = "20";

inline void AddDefaultProperties(std::map<std::string, std::string>* properties) {
  properties->try_emplace(kPropertyDeleteAfterCommit, "true");
  properties->try_emplace(kPropertyPreviousVersionsMax, kDefaultPreviousVersionsMax);
  properties->try_emplace(kPropertyMergeMinCount, kDefaultMergeMinCount);
}

}  // namespace firn::iceberg

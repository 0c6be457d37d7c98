// SPDX-License-Identifier: Apache-2.0
// iceberg_properties.h: the names that Iceberg has for properties of tables.
//
// Source: org.apache.iceberg.TableProperties of Iceberg 1.11, and the names that
// PyIceberg and iceberg-rust add. Pure.
#pragma once

#include <string_view>

#include "firn/status.h"

namespace firn::table {

// InvalidArgument, with the nearest name there is, for a key that looks like one of
// Iceberg's (`write.`, `read.`, `commit.`, `history.`, `gc.`, `schema.`, `encryption.`,
// `compatibility.`) and is none. Any other key is somebody's own, and OK.
Status CheckIcebergName(std::string_view key);

}  // namespace firn::table

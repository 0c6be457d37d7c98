// SPDX-License-Identifier: Apache-2.0
// column_path.h: nodes of a file's schema by path: `a.b.c`. Internal to this room.
//
// A name may hold dots itself: what is left of the path, taken as one name, wins, and of
// names that begin it each is tried. The group that Parquet puts into a list or a map may
// be named or left out: `a.list.element.b` and `a.element.b`, `m.key_value.value` and
// `m.value` are the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parquet/schema.h"

namespace firn::parquet {

// The node below `group`, or null: also where two of its children have that name.
const ::parquet::schema::Node* FindNode(const ::parquet::schema::GroupNode& group,
                                        std::string_view path);
// The first node below `group` that has the id, or null. REQUIRES: field_id >= 0.
const ::parquet::schema::Node* FindNode(const ::parquet::schema::GroupNode& group,
                                        std::int32_t field_id);
// The paths of all nodes below `group`, without the groups that may be left out.
std::vector<std::string> AllPaths(const ::parquet::schema::GroupNode& group);

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
// schema_compatibility.h: why rows of one schema do not read as rows of another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iceberg/schema.h"

namespace firn::iceberg {

inline constexpr char kNoColumn[] = "no column";

struct Incompatibility {
  std::string path;      // Of the column; the reader's name for it where it has one.
  std::string expected;  // `required long`, `no column`
  std::string found;     // `optional string`, `no column`
  std::string reason;
  bool operator==(const Incompatibility&) const = default;
};

// `host: expected required string, found optional string: rows may have no value`
std::string ToString(const Incompatibility& finding);

struct CompatibilityRules {
  // By id where both schemas are of one table; by name where the writer's ids mean
  // nothing.
  bool match_by_name = false;
  // Whether the writer may have columns that the reader lacks. They are not read.
  bool allow_more_columns = true;
  int format_version = 2;  // Decides which types widen.
};

// Every reason why rows written with `writer` cannot be read as `reader`; empty where
// they can. To ask whether a table's schema may become another, the new one is the reader
// and the old one the writer; to ask whether rows may be added to a table, the table's
// schema is the reader.
std::vector<Incompatibility> ExplainIncompatibility(const Schema& reader,
                                                    const Schema& writer,
                                                    const CompatibilityRules& rules = {});

}  // namespace firn::iceberg

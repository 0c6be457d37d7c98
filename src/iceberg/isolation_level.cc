// SPDX-License-Identifier: Apache-2.0
#include "iceberg/isolation_level.h"

#include <string>

#include "base/quote.h"
#include "expr/column_text.h"

namespace firn::iceberg {

Result<IsolationLevel> ParseIsolationLevel(std::string_view text) {
  const std::string level = expr::LowerCase(text);
  if (level == "serializable") return IsolationLevel::kSerializable;
  if (level == "snapshot") return IsolationLevel::kSnapshot;
  return Status::InvalidArgument(base::Quoted(text) + " is not serializable or snapshot");
}

Result<IsolationLevel> IsolationLevelOf(const TableMetadata& metadata,
                                        std::string_view property) {
  const std::string key(property);
  const std::string* const text = metadata.FindProperty(key);
  if (text == nullptr) return IsolationLevel::kSerializable;
  auto level = ParseIsolationLevel(*text);
  if (!level.ok()) return level.status().With("property " + key);
  return level;
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "expr/column_path.h"

#include <memory>
#include <string>

#include "arrow/type.h"

namespace firn::expr {

std::vector<int> FindColumnPath(const arrow::FieldVector& fields, std::string_view name) {
  std::vector<int> found;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i]->name() != name) continue;
    if (!found.empty()) return {};
    found.push_back(static_cast<int>(i));
  }
  for (std::size_t i = 0; found.empty() && i < fields.size(); ++i) {
    const std::string& outer = fields[i]->name();
    if (fields[i]->type()->id() != arrow::Type::STRUCT || !name.starts_with(outer) ||
        name.substr(outer.size(), 1) != ".") {
      continue;
    }
    found = FindColumnPath(fields[i]->type()->fields(), name.substr(outer.size() + 1));
    if (!found.empty()) found.insert(found.begin(), static_cast<int>(i));
  }
  return found;
}

}  // namespace firn::expr

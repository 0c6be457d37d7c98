// SPDX-License-Identifier: Apache-2.0
#include "iceberg/name_mapping.h"

#include <algorithm>
#include <set>
#include <utility>

namespace firn::iceberg {
namespace {

std::vector<MappedField> MakeLevel(const std::vector<NestedField>& fields) {
  std::vector<MappedField> level;
  for (const NestedField& field : fields) {
    level.push_back({{field.name}, field.id, MakeLevel(ChildFields(field.type))});
  }
  return level;
}

std::vector<MappedField> UpdateLevel(std::vector<MappedField> level,
                                     const std::vector<NestedField>& fields) {
  std::set<std::string_view> taken;
  for (const NestedField& field : fields) taken.insert(field.name);
  for (const NestedField& field : fields) {
    const auto mapped = std::find_if(
        level.begin(), level.end(),
        [&](const MappedField& candidate) { return candidate.field_id == field.id; });
    std::vector<NestedField> children = ChildFields(field.type);
    if (mapped == level.end()) {
      level.push_back({{}, field.id, MakeLevel(children)});
    } else {
      mapped->fields = UpdateLevel(std::move(mapped->fields), children);
    }
  }
  // Each name of the schema goes to the field that has it, behind its older names.
  for (MappedField& mapped : level) {
    const auto owner = std::find_if(
        fields.begin(), fields.end(),
        [&](const NestedField& field) { return mapped.field_id == field.id; });
    const std::string* own = owner == fields.end() ? nullptr : &owner->name;
    std::erase_if(mapped.names, [&](const std::string& name) {
      return taken.contains(name) && (own == nullptr || name != *own);
    });
    if (own != nullptr &&
        std::count(mapped.names.begin(), mapped.names.end(), *own) == 0) {
      mapped.names.push_back(*own);
    }
  }
  return level;
}

}  // namespace

NameMapping MakeNameMapping(const Schema& schema) { return {MakeLevel(schema.fields())}; }

NameMapping UpdateNameMapping(const NameMapping& mapping, const Schema& schema) {
  return {UpdateLevel(mapping.fields, schema.fields())};
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "iceberg/name_mapping.h"

#include <algorithm>
#include <string>
#include <utility>

#include "iceberg/table_metadata.h"

namespace firn::iceberg {
namespace {

std::vector<MappedField> MakeLevel(const std::vector<NestedField>& fields) {
  std::vector<MappedField> level;
  for (const NestedField& field : fields) {
    level.push_back({{field.name}, field.id, MakeLevel(ChildFields(field.type))});
  }
  return level;
}

const NestedField* FindField(const std::vector<NestedField>& fields, FieldId id) {
  const auto found =
      std::find_if(fields.begin(), fields.end(),
                   [&](const NestedField& field) { return field.id == id; });
  return found == fields.end() ? nullptr : &*found;
}

MappedField* FindMapped(std::vector<MappedField>& level, FieldId id) {
  const auto found =
      std::find_if(level.begin(), level.end(),
                   [&](const MappedField& mapped) { return mapped.field_id == id; });
  return found == level.end() ? nullptr : &*found;
}

bool HasName(const MappedField& mapped, const std::string& name) {
  return std::find(mapped.names.begin(), mapped.names.end(), name) != mapped.names.end();
}

Status CheckNameIsFree(const std::vector<MappedField>& level, const NestedField& field) {
  for (const MappedField& mapped : level) {
    if (mapped.field_id == field.id || !HasName(mapped, field.name)) continue;
    const std::string owner = mapped.field_id
                                  ? "the column of id " + mapped.field_id->ToString()
                                  : std::string("no column");
    return Status::AlreadyExists(
        "the table's name mapping (" + std::string(kPropertyNameMapping) +
        ") has this name for " + owner +
        ", and files without field ids are read by it: choose another name, or have "
        "`firn table compact --rewrite-all` give all rows ids and then remove the "
        "property");
  }
  return Status::OK();
}

// What files without ids hold does not change with the schema. So a name stays where it
// is, be its field dropped or renamed, and goes to no other; and a field that the mapping
// leaves out is left out.
Status UpdateLevel(const std::vector<NestedField>& before,
                   const std::vector<NestedField>& after, const std::string& path,
                   std::vector<MappedField>* level) {
  for (const NestedField& field : after) {
    const NestedField* const old = FindField(before, field.id);
    MappedField* const mapped = FindMapped(*level, field.id);
    if (mapped == nullptr && old != nullptr) continue;
    const std::string full_name = path + field.name;
    const bool named_anew = old == nullptr || old->name != field.name;
    if (named_anew) {
      FIRN_RETURN_IF_ERROR(CheckNameIsFree(*level, field).With("column " + full_name));
    }
    const std::vector<NestedField> children = ChildFields(field.type);
    if (mapped == nullptr) {
      level->push_back({{field.name}, field.id, MakeLevel(children)});
      continue;
    }
    if (named_anew && !HasName(*mapped, field.name)) {
      mapped->names.push_back(field.name);
    }
    FIRN_RETURN_IF_ERROR(
        UpdateLevel(old == nullptr ? std::vector<NestedField>() : ChildFields(old->type),
                    children, full_name + ".", &mapped->fields));
  }
  return Status::OK();
}

}  // namespace

NameMapping MakeNameMapping(const Schema& schema) { return {MakeLevel(schema.fields())}; }

Result<NameMapping> UpdateNameMapping(NameMapping mapping, const Schema& before,
                                      const Schema& after) {
  FIRN_RETURN_IF_ERROR(UpdateLevel(before.fields(), after.fields(), "", &mapping.fields));
  return mapping;
}

}  // namespace firn::iceberg

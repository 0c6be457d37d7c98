// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <utility>

#include "iceberg/json.h"
#include "iceberg/name_mapping.h"

namespace firn::iceberg {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json LevelToJson(const std::vector<MappedField>& level) {
  ordered_json out = ordered_json::array();
  for (const MappedField& field : level) {
    ordered_json field_out = ordered_json::object();
    if (field.field_id) field_out["field-id"] = field.field_id->value;
    field_out["names"] = field.names;
    if (!field.fields.empty()) field_out["fields"] = LevelToJson(field.fields);
    out.push_back(std::move(field_out));
  }
  return out;
}

// REQUIRES: the JSON nests within kJsonDepthMax.
Result<std::vector<MappedField>> LevelFromJson(const json& value,
                                               std::set<FieldId>* all_ids) {
  if (!value.is_array()) return Status::Corruption("name mapping is no JSON array");
  std::vector<MappedField> level;
  std::set<std::string> level_names;
  for (const json& element : value) {
    FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(element, "name mapping"));
    MappedField field;
    FIRN_ASSIGN_OR_RETURN(const auto id, in.OptionalInt32("field-id"));
    if (id) {
      field.field_id = FieldId(*id);
      if (*id <= 0 || !all_ids->insert(*field.field_id).second) {
        return Status::Corruption("name mapping: field id " + std::to_string(*id) +
                                  " is not positive or appears twice");
      }
    }
    FIRN_ASSIGN_OR_RETURN(const json* names, in.Array("names"));
    for (const json& name : *names) {
      if (!name.is_string()) return in.Wrong("names", "an array of strings");
      field.names.push_back(name.get<std::string>());
      if (!level_names.insert(field.names.back()).second) {
        return Status::Corruption("name mapping: name " + field.names.back() +
                                  " appears twice");
      }
    }
    if (const json* fields = in.Find("fields")) {
      FIRN_ASSIGN_OR_RETURN(field.fields, LevelFromJson(*fields, all_ids));
    }
    level.push_back(std::move(field));
  }
  return level;
}

}  // namespace

std::string NameMappingToJson(const NameMapping& mapping) {
  return JsonText(LevelToJson(mapping.fields));
}

Result<NameMapping> NameMappingFromJson(std::string_view text) {
  FIRN_ASSIGN_OR_RETURN(const json value, ParseJson(text));
  std::set<FieldId> all_ids;
  FIRN_ASSIGN_OR_RETURN(auto fields, LevelFromJson(value, &all_ids));
  return NameMapping{std::move(fields)};
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_json.h"

#include "iceberg/json.h"
#include "iceberg/value_json.h"

namespace firn::iceberg {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json TypeToJson(const Type& type);

void DefaultToJson(const char* key, const OptionalValue& value, const Type& type,
                   ordered_json* out) {
  if (value) (*out)[key] = ToJson(*value, *type.primitive());
}

ordered_json FieldsToJson(const StructType& type) {
  ordered_json fields = ordered_json::array();
  for (const NestedField& field : type.fields) {
    ordered_json out = {{"id", field.id.value},
                        {"name", field.name},
                        {"required", field.required},
                        {"type", TypeToJson(field.type)}};
    if (!field.doc.empty()) out["doc"] = field.doc;
    DefaultToJson("initial-default", field.initial_default, field.type, &out);
    DefaultToJson("write-default", field.write_default, field.type, &out);
    fields.push_back(std::move(out));
  }
  return fields;
}

ordered_json TypeToJson(const Type& type) {
  if (const PrimitiveType* primitive = type.primitive()) return ToString(*primitive);
  if (const StructType* node = type.struct_type()) {
    return {{"type", "struct"}, {"fields", FieldsToJson(*node)}};
  }
  if (const ListType* node = type.list()) {
    return {{"type", "list"},
            {"element-id", node->element_id.value},
            {"element-required", node->element_required},
            {"element", TypeToJson(*node->element)}};
  }
  const MapType& node = *type.map();
  return {{"type", "map"},
          {"key-id", node.key_id.value},
          {"key", TypeToJson(*node.key)},
          {"value-id", node.value_id.value},
          {"value-required", node.value_required},
          {"value", TypeToJson(*node.value)}};
}

Result<Type> TypeFromJson(const json& value, int depth);

Result<OptionalValue> DefaultFromJson(const JsonObject& in, const char* key,
                                      const Type& type) {
  const json* value = in.Find(key);
  if (value == nullptr) return OptionalValue();
  if (type.primitive() == nullptr) {
    return Status::Unimplemented("a default of a struct, list or map is not read");
  }
  FIRN_ASSIGN_OR_RETURN(Value parsed, ValueFromJson(*value, *type.primitive()));
  return OptionalValue(std::move(parsed));
}

Result<StructType> StructFromJson(const JsonObject& object, int depth) {
  StructType type;
  FIRN_ASSIGN_OR_RETURN(const json* fields, object.Array("fields"));
  for (const json& value : *fields) {
    FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "schema field"));
    NestedField field;
    FIRN_ASSIGN_OR_RETURN(const std::int32_t id, in.Int32("id"));
    field.id = FieldId(id);
    FIRN_ASSIGN_OR_RETURN(field.name, in.String("name"));
    FIRN_ASSIGN_OR_RETURN(field.required, in.Bool("required"));
    FIRN_ASSIGN_OR_RETURN(auto doc, in.OptionalString("doc"));
    field.doc = std::move(doc).value_or("");
    const json* field_type = in.Find("type");
    if (field_type == nullptr) return in.Wrong("type", "a type");
    auto parsed = TypeFromJson(*field_type, depth + 1);
    if (!parsed.ok()) return parsed.status().With("field " + field.name);
    field.type = std::move(parsed).value();
    for (const auto& [key, value] : {std::pair("initial-default", &field.initial_default),
                                     std::pair("write-default", &field.write_default)}) {
      auto read = DefaultFromJson(in, key, field.type);
      if (!read.ok()) {
        return read.status().With("field " + field.name + ": " + key);
      }
      *value = std::move(read).value();
    }
    type.fields.push_back(std::move(field));
  }
  return type;
}

Result<Type> ListFromJson(const JsonObject& object, int depth) {
  FIRN_ASSIGN_OR_RETURN(const std::int32_t id, object.Int32("element-id"));
  FIRN_ASSIGN_OR_RETURN(const bool required, object.Bool("element-required"));
  const json* element = object.Find("element");
  if (element == nullptr) return object.Wrong("element", "a type");
  FIRN_ASSIGN_OR_RETURN(Type type, TypeFromJson(*element, depth + 1));
  return Type(MakeList(FieldId(id), required, std::move(type)));
}

Result<Type> MapFromJson(const JsonObject& object, int depth) {
  FIRN_ASSIGN_OR_RETURN(const std::int32_t key_id, object.Int32("key-id"));
  FIRN_ASSIGN_OR_RETURN(const std::int32_t value_id, object.Int32("value-id"));
  FIRN_ASSIGN_OR_RETURN(const bool required, object.Bool("value-required"));
  const json* key = object.Find("key");
  if (key == nullptr) return object.Wrong("key", "a type");
  const json* value = object.Find("value");
  if (value == nullptr) return object.Wrong("value", "a type");
  FIRN_ASSIGN_OR_RETURN(Type key_type, TypeFromJson(*key, depth + 1));
  FIRN_ASSIGN_OR_RETURN(Type value_type, TypeFromJson(*value, depth + 1));
  return Type(MakeMap(FieldId(key_id), std::move(key_type), FieldId(value_id), required,
                      std::move(value_type)));
}

Result<Type> TypeFromJson(const json& value, int depth) {
  if (depth > kSchemaDepthMax) {
    return Status::Corruption("schema nests deeper than " +
                              std::to_string(kSchemaDepthMax));
  }
  if (value.is_string()) {
    FIRN_ASSIGN_OR_RETURN(const PrimitiveType primitive,
                          ParsePrimitiveType(value.get_ref<const std::string&>()));
    return Type(primitive);
  }
  FIRN_ASSIGN_OR_RETURN(const JsonObject object, JsonObject::Of(value, "schema type"));
  FIRN_ASSIGN_OR_RETURN(const std::string kind, object.String("type"));
  if (kind == "struct") {
    FIRN_ASSIGN_OR_RETURN(StructType type, StructFromJson(object, depth));
    return Type(std::move(type));
  }
  if (kind == "list") return ListFromJson(object, depth);
  if (kind == "map") return MapFromJson(object, depth);
  return Status::Corruption("schema type " + kind + " is not known");
}

}  // namespace

ordered_json ToJson(const Schema& schema) {
  ordered_json out = {{"type", "struct"}, {"schema-id", schema.id.value}};
  if (!schema.identifier_field_ids.empty()) {
    ordered_json ids = ordered_json::array();
    for (const FieldId id : schema.identifier_field_ids) ids.push_back(id.value);
    out["identifier-field-ids"] = std::move(ids);
  }
  out["fields"] = FieldsToJson(schema.root);
  return out;
}

Result<Schema> SchemaFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject object, JsonObject::Of(value, "schema"));
  Schema schema;
  // Schemas sent to be added may leave the id to the one who adds them.
  FIRN_ASSIGN_OR_RETURN(const auto id, object.OptionalInt32("schema-id"));
  schema.id = SchemaId(id.value_or(0));
  FIRN_ASSIGN_OR_RETURN(const auto identifier_ids,
                        object.Int32List("identifier-field-ids"));
  for (const std::int32_t field_id : identifier_ids) {
    schema.identifier_field_ids.emplace_back(field_id);
  }
  FIRN_ASSIGN_OR_RETURN(schema.root, StructFromJson(object, 0));
  return schema;
}

std::string SchemaToJsonText(const Schema& schema) { return JsonText(ToJson(schema)); }

Result<Schema> SchemaFromJsonText(std::string_view text) {
  FIRN_ASSIGN_OR_RETURN(const json value, ParseJson(text));
  return SchemaFromJson(value);
}

}  // namespace firn::iceberg

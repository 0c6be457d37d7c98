// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "iceberg/avro_schema.h"
#include "iceberg/json.h"

namespace firn::iceberg {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::pair<AvroKind, const char*> kPrimitiveNames[] = {
    {AvroKind::kNull, "null"},   {AvroKind::kBoolean, "boolean"},
    {AvroKind::kInt, "int"},     {AvroKind::kLong, "long"},
    {AvroKind::kFloat, "float"}, {AvroKind::kDouble, "double"},
    {AvroKind::kBytes, "bytes"}, {AvroKind::kString, "string"},
};

const char* PrimitiveName(AvroKind kind) {
  for (const auto& [k, name] : kPrimitiveNames) {
    if (k == kind) return name;
  }
  return nullptr;
}

// Writes a schema. A type with a name is written out once; later uses name it.
class Printer {
 public:
  ordered_json Print(const AvroSchema& schema) {
    switch (schema.kind) {
      case AvroKind::kRecord:
        return PrintRecord(schema);
      case AvroKind::kUnion: {
        ordered_json out = ordered_json::array();
        for (const AvroSchemaPtr& branch : schema.branches) out.push_back(Print(*branch));
        return out;
      }
      case AvroKind::kArray: {
        ordered_json out = {{"type", "array"}, {"items", Print(*schema.items)}};
        if (schema.element_id) out["element-id"] = schema.element_id->value;
        AddLogicalType(schema, &out);
        return out;
      }
      case AvroKind::kMap:
        return {{"type", "map"}, {"values", Print(*schema.items)}};
      case AvroKind::kFixed: {
        if (!seen_.insert(schema.name).second) return schema.name;
        ordered_json out = {
            {"type", "fixed"}, {"name", schema.name}, {"size", schema.fixed_bytes}};
        AddLogicalType(schema, &out);
        return out;
      }
      default: {
        if (schema.logical_type.empty()) return PrimitiveName(schema.kind);
        ordered_json out = {{"type", PrimitiveName(schema.kind)}};
        AddLogicalType(schema, &out);
        return out;
      }
    }
  }

 private:
  ordered_json PrintRecord(const AvroSchema& schema) {
    if (!seen_.insert(schema.name).second) return schema.name;
    ordered_json fields = ordered_json::array();
    for (const AvroField& field : schema.fields) {
      ordered_json out = {{"name", field.name}, {"type", Print(*field.type)}};
      const bool optional = field.type->kind == AvroKind::kUnion &&
                            field.type->branches[0]->kind == AvroKind::kNull;
      if (optional) out["default"] = nullptr;
      if (field.id) out["field-id"] = field.id->value;
      if (!field.iceberg_name.empty()) out["iceberg-field-name"] = field.iceberg_name;
      fields.push_back(std::move(out));
    }
    return {{"type", "record"}, {"name", schema.name}, {"fields", std::move(fields)}};
  }

  static void AddLogicalType(const AvroSchema& schema, ordered_json* out) {
    if (schema.logical_type.empty()) return;
    (*out)["logicalType"] = schema.logical_type;
    if (schema.adjust_to_utc) (*out)["adjust-to-utc"] = *schema.adjust_to_utc;
    if (schema.logical_type == "decimal") {
      (*out)["precision"] = schema.precision;
      (*out)["scale"] = schema.scale;
    }
  }

  std::set<std::string> seen_;
};

// Reads a schema. A name is known once its type has been read to the end, so a recursive
// type meets a name it does not know, and depth and size stay bounded.
class Parser {
 public:
  Result<AvroSchemaPtr> Parse(const json& value, int depth) {
    if (depth > kAvroDepthMax) return Status::Corruption("Avro schema nests too deeply");
    if (++nodes_ > kAvroNodesMax) return Status::Corruption("Avro schema is too large");
    if (value.is_string()) return ParseName(value.get<std::string>());
    if (value.is_array()) return ParseUnion(value, depth);
    FIRN_ASSIGN_OR_RETURN(const JsonObject object, JsonObject::Of(value, "Avro schema"));
    const json* type = object.Find("type");
    if (type == nullptr) return object.Wrong("type", "a type");
    if (!type->is_string()) return Parse(*type, depth + 1);
    const auto name = type->get<std::string>();
    if (name == "record") return ParseRecord(object, depth);
    if (name == "array") return ParseArray(object, depth);
    if (name == "map") return ParseMap(object, depth);
    if (name == "fixed") return ParseFixed(object);
    if (name == "enum") return ParseEnum(object);
    FIRN_ASSIGN_OR_RETURN(const AvroSchemaPtr base, ParseName(name));
    AvroSchema schema = *base;
    FIRN_RETURN_IF_ERROR(ReadLogicalType(object, &schema));
    return AvroSchemaPtr(std::make_shared<const AvroSchema>(std::move(schema)));
  }

 private:
  Result<AvroSchemaPtr> ParseName(const std::string& name) {
    for (const auto& [kind, primitive] : kPrimitiveNames) {
      if (name == primitive) return AvroPrimitive(kind);
    }
    const auto it = named_.find(ShortName(name));
    if (it == named_.end()) {
      return Status::Unimplemented("Avro type " + name + " is recursive or not defined");
    }
    nodes_ += it->second.nodes;
    if (nodes_ > kAvroNodesMax) return Status::Corruption("Avro schema is too large");
    return it->second.schema;
  }

  Result<AvroSchemaPtr> ParseUnion(const json& value, int depth) {
    AvroSchema schema;
    schema.kind = AvroKind::kUnion;
    schema.min_bytes = 1;
    for (const json& branch : value) {
      FIRN_ASSIGN_OR_RETURN(AvroSchemaPtr parsed, Parse(branch, depth + 1));
      schema.branches.push_back(std::move(parsed));
    }
    if (schema.branches.empty()) return Status::Corruption("Avro union has no branch");
    return AvroSchemaPtr(std::make_shared<const AvroSchema>(std::move(schema)));
  }

  Result<AvroSchemaPtr> ParseRecord(const JsonObject& object, int depth) {
    const std::size_t nodes_before = nodes_;
    AvroSchema schema;
    schema.kind = AvroKind::kRecord;
    FIRN_ASSIGN_OR_RETURN(schema.name, object.String("name"));
    FIRN_ASSIGN_OR_RETURN(const json* fields, object.Array("fields"));
    for (const json& value : *fields) {
      FIRN_ASSIGN_OR_RETURN(const JsonObject field_object,
                            JsonObject::Of(value, "Avro field"));
      AvroField field;
      FIRN_ASSIGN_OR_RETURN(field.name, field_object.String("name"));
      FIRN_ASSIGN_OR_RETURN(const auto id, field_object.OptionalInt32("field-id"));
      if (id) field.id = FieldId(*id);
      FIRN_ASSIGN_OR_RETURN(auto iceberg_name,
                            field_object.OptionalString("iceberg-field-name"));
      field.iceberg_name = std::move(iceberg_name).value_or("");
      const json* type = field_object.Find("type");
      if (type == nullptr) return field_object.Wrong("type", "a type");
      FIRN_ASSIGN_OR_RETURN(field.type, Parse(*type, depth + 1));
      schema.min_bytes += field.type->min_bytes;
      schema.fields.push_back(std::move(field));
    }
    return Define(std::move(schema), nodes_ - nodes_before + 1);
  }

  Result<AvroSchemaPtr> ParseArray(const JsonObject& object, int depth) {
    AvroSchema schema;
    schema.kind = AvroKind::kArray;
    schema.min_bytes = 1;
    const json* items = object.Find("items");
    if (items == nullptr) return object.Wrong("items", "a type");
    FIRN_ASSIGN_OR_RETURN(schema.items, Parse(*items, depth + 1));
    // A few bytes could otherwise claim any number of items.
    if (schema.items->min_bytes == 0) {
      return Status::Unimplemented("Avro array of items that take no bytes");
    }
    FIRN_ASSIGN_OR_RETURN(const auto id, object.OptionalInt32("element-id"));
    if (id) schema.element_id = FieldId(*id);
    FIRN_RETURN_IF_ERROR(ReadLogicalType(object, &schema));
    return AvroSchemaPtr(std::make_shared<const AvroSchema>(std::move(schema)));
  }

  Result<AvroSchemaPtr> ParseMap(const JsonObject& object, int depth) {
    AvroSchema schema;
    schema.kind = AvroKind::kMap;
    schema.min_bytes = 1;
    const json* values = object.Find("values");
    if (values == nullptr) return object.Wrong("values", "a type");
    FIRN_ASSIGN_OR_RETURN(schema.items, Parse(*values, depth + 1));
    return AvroSchemaPtr(std::make_shared<const AvroSchema>(std::move(schema)));
  }

  Result<AvroSchemaPtr> ParseFixed(const JsonObject& object) {
    AvroSchema schema;
    schema.kind = AvroKind::kFixed;
    FIRN_ASSIGN_OR_RETURN(schema.name, object.String("name"));
    FIRN_ASSIGN_OR_RETURN(const std::int64_t size, object.Int64("size"));
    if (size < 0 || size > kAvroFixedBytesMax) {
      return object.Wrong("size", "a size that is read");
    }
    schema.fixed_bytes = static_cast<std::uint32_t>(size);
    schema.min_bytes = schema.fixed_bytes;
    FIRN_RETURN_IF_ERROR(ReadLogicalType(object, &schema));
    return Define(std::move(schema), 1);
  }

  Result<AvroSchemaPtr> ParseEnum(const JsonObject& object) {
    AvroSchema schema;
    schema.kind = AvroKind::kEnum;
    schema.min_bytes = 1;
    FIRN_ASSIGN_OR_RETURN(schema.name, object.String("name"));
    FIRN_ASSIGN_OR_RETURN(const json* symbols, object.Array("symbols"));
    schema.symbol_count = static_cast<std::uint32_t>(symbols->size());
    return Define(std::move(schema), 1);
  }

  static Status ReadLogicalType(const JsonObject& object, AvroSchema* schema) {
    const json* logical_type = object.Find("logicalType");
    if (logical_type == nullptr || !logical_type->is_string()) return Status::OK();
    schema->logical_type = logical_type->get<std::string>();
    const json* utc = object.Find("adjust-to-utc");
    if (utc != nullptr && utc->is_boolean()) schema->adjust_to_utc = utc->get<bool>();
    if (schema->logical_type == "decimal") {
      FIRN_ASSIGN_OR_RETURN(schema->precision, object.Int32("precision"));
      FIRN_ASSIGN_OR_RETURN(const auto scale, object.OptionalInt32("scale"));
      schema->scale = scale.value_or(0);
    }
    return Status::OK();
  }

  Result<AvroSchemaPtr> Define(AvroSchema schema, std::size_t nodes) {
    const std::string name = ShortName(schema.name);
    AvroSchemaPtr shared = std::make_shared<const AvroSchema>(std::move(schema));
    named_[name] = {shared, nodes};
    return shared;
  }

  // Namespaces are left out: no Iceberg file has two types of one name in two of them.
  static std::string ShortName(const std::string& name) {
    return name.substr(name.rfind('.') + 1);
  }

  struct Named {
    AvroSchemaPtr schema;
    std::size_t nodes = 0;
  };
  std::map<std::string, Named> named_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::string AvroSchemaToJson(const AvroSchema& schema) {
  return JsonText(Printer().Print(schema));
}

Result<AvroSchemaPtr> AvroSchemaFromJson(std::string_view text) {
  FIRN_ASSIGN_OR_RETURN(const json value, ParseJson(text));
  return Parser().Parse(value, 0);
}

}  // namespace firn::iceberg

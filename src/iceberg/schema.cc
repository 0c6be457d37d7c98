// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/quote.h"
#include "base/utf8.h"

namespace firn::iceberg {
namespace {

// Call `visit(id, name, type, field)` for everything below `type` that has an id; `field`
// is null for elements, keys and values. Stops and returns true when `visit` does.
template <typename Visit>
bool Walk(const Type& type, const std::string& path, const Visit& visit) {
  const auto child = [&](FieldId id, const std::string& name, const Type& child_type,
                         const NestedField* field) {
    const std::string child_path = path.empty() ? name : path + "." + name;
    return visit(id, child_path, child_type, field) ||
           Walk(child_type, child_path, visit);
  };
  if (const StructType* node = type.struct_type()) {
    return std::any_of(node->fields.begin(), node->fields.end(), [&](const auto& field) {
      return child(field.id, field.name, field.type, &field);
    });
  }
  if (const ListType* node = type.list()) {
    return child(node->element_id, "element", *node->element, nullptr);
  }
  if (const MapType* node = type.map()) {
    return child(node->key_id, "key", *node->key, nullptr) ||
           child(node->value_id, "value", *node->value, nullptr);
  }
  return false;
}

template <typename Visit>
bool Walk(const StructType& root, const Visit& visit) {
  return std::any_of(root.fields.begin(), root.fields.end(), [&](const auto& field) {
    return visit(field.id, field.name, field.type, &field) ||
           Walk(field.type, field.name, visit);
  });
}

const NestedField* FindColumnIn(const StructType& type, std::string_view name) {
  for (const NestedField& field : type.fields) {
    if (field.name == name) return &field;
  }
  // A name may hold dots itself, so each prefix that is a struct is tried.
  for (const NestedField& field : type.fields) {
    const StructType* inner = field.type.struct_type();
    if (inner == nullptr || name.size() <= field.name.size() ||
        !name.starts_with(field.name) || name[field.name.size()] != '.') {
      continue;
    }
    const NestedField* found = FindColumnIn(*inner, name.substr(field.name.size() + 1));
    if (found != nullptr) return found;
  }
  return nullptr;
}

Status CheckDepth(const Type& type, int depth) {
  if (depth > kSchemaDepthMax) {
    return Status::InvalidArgument("schema nests deeper than " +
                                   std::to_string(kSchemaDepthMax));
  }
  if (const StructType* node = type.struct_type()) {
    std::set<std::string_view> names;
    for (const NestedField& field : node->fields) {
      if (field.name.empty()) {
        return Status::InvalidArgument("field " + field.id.ToString() + " has no name");
      }
      if (!names.insert(field.name).second) {
        return Status::InvalidArgument("field name " + field.name + " appears twice");
      }
      FIRN_RETURN_IF_ERROR(CheckDepth(field.type, depth + 1));
    }
  } else if (const ListType* list = type.list()) {
    return CheckDepth(*list->element, depth + 1);
  } else if (const MapType* map = type.map()) {
    FIRN_RETURN_IF_ERROR(CheckDepth(*map->key, depth + 1));
    return CheckDepth(*map->value, depth + 1);
  }
  return Status::OK();
}

}  // namespace

const NestedField* Schema::FindField(FieldId id) const {
  const NestedField* found = nullptr;
  Walk(root, [&](FieldId at, const std::string&, const Type&, const NestedField* field) {
    if (at != id) return false;
    found = field;
    return true;
  });
  return found;
}

const NestedField* Schema::FindColumn(std::string_view name) const {
  return FindColumnIn(root, name);
}

const Type* Schema::FindType(FieldId id) const {
  const Type* found = nullptr;
  Walk(root, [&](FieldId at, const std::string&, const Type& type, const NestedField*) {
    if (at != id) return false;
    found = &type;
    return true;
  });
  return found;
}

std::string Schema::FindName(FieldId id) const {
  std::string found;
  Walk(root, [&](FieldId at, const std::string& path, const Type&, const NestedField*) {
    if (at != id) return false;
    found = path;
    return true;
  });
  return found;
}

std::optional<FieldId> Schema::FindId(std::string_view path) const {
  std::optional<FieldId> found;
  Walk(root, [&](FieldId at, const std::string& name, const Type&, const NestedField*) {
    if (name != path) return false;
    found = at;
    return true;
  });
  return found;
}

FieldId Schema::HighestFieldId() const {
  FieldId highest;
  Walk(root, [&](FieldId id, const std::string&, const Type&, const NestedField*) {
    highest = std::max(highest, id);
    return false;
  });
  return highest;
}

namespace {

Status CheckIdentifierField(const Schema& schema, FieldId id) {
  // The path from the root goes through required structs alone.
  const StructType* level = &schema.root;
  while (level != nullptr) {
    const StructType* next = nullptr;
    for (const NestedField& field : level->fields) {
      if (field.id == id) {
        const PrimitiveType* type = field.type.primitive();
        if (!field.required || type == nullptr || type->kind == PrimitiveKind::kFloat ||
            type->kind == PrimitiveKind::kDouble) {
          break;
        }
        return Status::OK();
      }
      const StructType* inner = field.type.struct_type();
      if (field.required && inner != nullptr) {
        Schema below;
        below.root = *inner;
        if (below.FindField(id) != nullptr) next = inner;
      }
    }
    level = next;
  }
  const std::string name = schema.FindName(id);
  return Status::InvalidArgument("identifier field " +
                                 (name.empty() ? id.ToString() : name) +
                                 " is no required primitive column");
}

Status CheckDefault(const char* name, const OptionalValue& value, const Type& type,
                    int format_version) {
  if (!value) return Status::OK();
  if (format_version < 3) {
    return Status::InvalidArgument(std::string(name) + " needs format version 3");
  }
  const PrimitiveType* primitive = type.primitive();
  const auto* real = std::get_if<double>(&*value);
  const auto* narrow = std::get_if<float>(&*value);
  // JSON has no text for numbers that are not finite.
  const bool finite = (real == nullptr || std::isfinite(*real)) &&
                      (narrow == nullptr || std::isfinite(*narrow));
  if (primitive == nullptr || !Fits(*value, *primitive) || !finite) {
    return Status::InvalidArgument(std::string(name) + " is no value that type " +
                                   type.ToString() + " can have");
  }
  return Status::OK();
}

Status CheckDefaults(const NestedField& field, int format_version) {
  const PrimitiveType* primitive = field.type.primitive();
  if (field.required && primitive != nullptr &&
      primitive->kind == PrimitiveKind::kUnknown) {
    return Status::InvalidArgument("a column of type unknown cannot be required");
  }
  FIRN_RETURN_IF_ERROR(
      CheckDefault("initial-default", field.initial_default, field.type, format_version));
  return CheckDefault("write-default", field.write_default, field.type, format_version);
}

// Metadata is JSON, which takes nothing else: written all the same, two names of other
// bytes would be one.
Status CheckText(const NestedField& field) {
  if (!base::IsValidUtf8(field.name)) {
    return Status::InvalidArgument("field " + field.id.ToString() + ": the name " +
                                   base::Quoted(field.name) + " is not UTF-8");
  }
  if (!base::IsValidUtf8(field.doc)) {
    return Status::InvalidArgument("field " + field.name + ": the doc " +
                                   base::Quoted(field.doc) + " is not UTF-8");
  }
  return Status::OK();
}

// Each full name with how it comes about: `"b" of "a"`.
Status AddFullNames(const Type& type, const std::string& path, const std::string& place,
                    std::map<std::string, std::string>* places) {
  const auto add = [&](const std::string& name, const Type& inner) -> Status {
    const std::string full = path.empty() ? name : path + "." + name;
    const std::string here = base::Quoted(name) + (path.empty() ? "" : " of " + place);
    const auto [other, is_new] = places->emplace(full, here);
    if (!is_new) {
      return Status::InvalidArgument("two fields have the full name " + full + ": " +
                                     other->second + " and " + here +
                                     "; other engines refuse such a table: rename one");
    }
    return AddFullNames(inner, full, here, places);
  };
  if (const StructType* node = type.struct_type()) {
    for (const NestedField& field : node->fields) {
      FIRN_RETURN_IF_ERROR(add(field.name, field.type));
    }
  } else if (const ListType* list = type.list()) {
    return add("element", *list->element);
  } else if (const MapType* map = type.map()) {
    FIRN_RETURN_IF_ERROR(add("key", *map->key));
    return add("value", *map->value);
  }
  return Status::OK();
}

}  // namespace

Status CheckFullNames(const Schema& schema) {
  std::map<std::string, std::string> places;
  return AddFullNames(Type(schema.root), "", "", &places);
}

Status CheckSchema(const Schema& schema, int format_version) {
  FIRN_RETURN_IF_ERROR(CheckDepth(Type(schema.root), 0));
  std::set<FieldId> ids;
  Status status;
  Walk(schema.root, [&](FieldId id, const std::string& path, const Type& type,
                        const NestedField* field) {
    if (id.value <= 0 || id > kFieldIdMax) {
      status = Status::InvalidArgument("field " + path + " has the id " + id.ToString() +
                                       ", which is out of range");
    } else if (!ids.insert(id).second) {
      status = Status::InvalidArgument("field id " + id.ToString() + " appears twice");
    } else if (ids.size() > kSchemaFieldsMax) {
      status = Status::InvalidArgument("schema has more than " +
                                       std::to_string(kSchemaFieldsMax) + " fields");
    }
    const PrimitiveType* primitive = type.primitive();
    if (primitive != nullptr && FormatVersionOf(*primitive) > format_version) {
      status = Status::InvalidArgument("field " + path + ": type " + type.ToString() +
                                       " needs format version 3");
    }
    if (status.ok() && field != nullptr) status = CheckText(*field);
    if (status.ok() && field != nullptr) {
      status = CheckDefaults(*field, format_version).With("field " + path);
    }
    return !status.ok();
  });
  FIRN_RETURN_IF_ERROR(status);
  for (const FieldId id : schema.identifier_field_ids) {
    FIRN_RETURN_IF_ERROR(CheckIdentifierField(schema, id));
  }
  return Status::OK();
}

}  // namespace firn::iceberg

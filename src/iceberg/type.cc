// SPDX-License-Identifier: Apache-2.0
#include "iceberg/type.h"

#include <charconv>
#include <optional>
#include <utility>

#include "base/assert.h"

namespace firn::iceberg {
namespace {

constexpr std::pair<PrimitiveKind, std::string_view> kNames[] = {
    {PrimitiveKind::kBoolean, "boolean"},
    {PrimitiveKind::kInt, "int"},
    {PrimitiveKind::kLong, "long"},
    {PrimitiveKind::kFloat, "float"},
    {PrimitiveKind::kDouble, "double"},
    {PrimitiveKind::kDate, "date"},
    {PrimitiveKind::kTime, "time"},
    {PrimitiveKind::kTimestamp, "timestamp"},
    {PrimitiveKind::kTimestamptz, "timestamptz"},
    {PrimitiveKind::kTimestampNs, "timestamp_ns"},
    {PrimitiveKind::kTimestamptzNs, "timestamptz_ns"},
    {PrimitiveKind::kString, "string"},
    {PrimitiveKind::kUuid, "uuid"},
    {PrimitiveKind::kBinary, "binary"},
    {PrimitiveKind::kUnknown, "unknown"},
    {PrimitiveKind::kVariant, "variant"},
};

constexpr std::string_view kNotRead[] = {"geometry", "geography"};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<int> ParseInt(std::string_view text) {
  text = Trim(text);
  int value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What lies between `open` at the end of `prefix` and `close`, or nothing.
std::optional<std::string_view> Argument(std::string_view text, std::string_view prefix,
                                         char close) {
  if (!text.starts_with(prefix) || !text.ends_with(close)) return std::nullopt;
  return text.substr(prefix.size(), text.size() - prefix.size() - 1);
}

bool SameType(const std::shared_ptr<const Type>& a,
              const std::shared_ptr<const Type>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

}  // namespace

bool StructType::operator==(const StructType& other) const {
  return fields == other.fields;
}

bool ListType::operator==(const ListType& other) const {
  return element_id == other.element_id && element_required == other.element_required &&
         SameType(element, other.element);
}

bool MapType::operator==(const MapType& other) const {
  return key_id == other.key_id && value_id == other.value_id &&
         value_required == other.value_required && SameType(key, other.key) &&
         SameType(value, other.value);
}

ListType MakeList(FieldId element_id, bool element_required, Type element) {
  return {element_id, element_required, std::make_shared<const Type>(std::move(element))};
}

MapType MakeMap(FieldId key_id, Type key, FieldId value_id, bool value_required,
                Type value) {
  return {key_id, value_id, value_required, std::make_shared<const Type>(std::move(key)),
          std::make_shared<const Type>(std::move(value))};
}

std::string ToString(const PrimitiveType& type) {
  if (type.kind == PrimitiveKind::kDecimal) {
    return "decimal(" + std::to_string(type.precision) + ", " +
           std::to_string(type.scale) + ")";
  }
  if (type.kind == PrimitiveKind::kFixed) {
    return "fixed[" + std::to_string(type.length_bytes) + "]";
  }
  for (const auto& [kind, name] : kNames) {
    if (kind == type.kind) return std::string(name);
  }
  return "?";
}

Result<PrimitiveType> ParsePrimitiveType(std::string_view text) {
  for (const auto& [kind, name] : kNames) {
    if (text == name) return PrimitiveType{kind};
  }
  if (const auto inside = Argument(text, "fixed[", ']')) {
    const auto length = ParseInt(*inside);
    if (length && *length > 0) return FixedType(*length);
  }
  if (const auto inside = Argument(text, "decimal(", ')')) {
    const std::size_t comma = inside->find(',');
    if (comma != std::string_view::npos) {
      const auto precision = ParseInt(inside->substr(0, comma));
      const auto scale = ParseInt(inside->substr(comma + 1));
      if (precision && scale && *precision >= 1 && *precision <= 38 && *scale >= 0 &&
          *scale <= *precision) {
        return DecimalType(*precision, *scale);
      }
    }
  }
  const std::string_view head = text.substr(0, text.find('('));
  for (const std::string_view name : kNotRead) {
    if (head == name) {
      return Status::Unimplemented("type " + std::string(name) + " is not read");
    }
  }
  return Status::InvalidArgument("no such type: " + std::string(text.substr(0, 100)));
}

namespace {

std::string ToStringOf(const PrimitiveType& type) { return ToString(type); }

std::string ToStringOf(const StructType& type) {
  std::string out = "struct<";
  for (const NestedField& field : type.fields) {
    if (out.back() != '<') out += ", ";
    out += field.id.ToString() + ": " + field.name +
           (field.required ? ": required " : ": optional ") + field.type.ToString();
  }
  return out + ">";
}

std::string ToStringOf(const ListType& type) {
  return "list<" + type.element->ToString() + ">";
}

std::string ToStringOf(const MapType& type) {
  return "map<" + type.key->ToString() + ", " + type.value->ToString() + ">";
}

}  // namespace

std::string Type::ToString() const {
  return std::visit([](const auto& type) { return ToStringOf(type); }, node_);
}

int FormatVersionOf(const PrimitiveType& type) {
  switch (type.kind) {
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs:
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      return 3;
    default:
      return 1;
  }
}

bool CanPromote(const PrimitiveType& from, const PrimitiveType& to, int format_version) {
  if (from == to) return true;
  switch (from.kind) {
    case PrimitiveKind::kInt:
      return to.kind == PrimitiveKind::kLong;
    case PrimitiveKind::kFloat:
      return to.kind == PrimitiveKind::kDouble;
    case PrimitiveKind::kDecimal:
      return to.kind == PrimitiveKind::kDecimal && to.scale == from.scale &&
             to.precision >= from.precision;
    case PrimitiveKind::kDate:
      return format_version >= 3 && (to.kind == PrimitiveKind::kTimestamp ||
                                     to.kind == PrimitiveKind::kTimestampNs);
    case PrimitiveKind::kUnknown:
      return format_version >= 3;
    default:
      return false;
  }
}

std::vector<NestedField> ChildFields(const Type& type) {
  if (const StructType* node = type.struct_type()) return node->fields;
  if (const ListType* node = type.list()) {
    return {{node->element_id, "element", node->element_required, *node->element, ""}};
  }
  if (const MapType* node = type.map()) {
    return {{node->key_id, "key", true, *node->key, ""},
            {node->value_id, "value", node->value_required, *node->value, ""}};
  }
  return {};
}

Type WithChildFields(const Type& type, std::vector<NestedField> children) {
  if (type.struct_type() != nullptr) return StructType{std::move(children)};
  if (type.list() != nullptr) {
    FIRN_ASSERT(children.size() == 1);
    return MakeList(children[0].id, children[0].required, std::move(children[0].type));
  }
  if (type.map() != nullptr) {
    FIRN_ASSERT(children.size() == 2);
    return MakeMap(children[0].id, std::move(children[0].type), children[1].id,
                   children[1].required, std::move(children[1].type));
  }
  FIRN_ASSERT(children.empty());
  return type;
}

}  // namespace firn::iceberg

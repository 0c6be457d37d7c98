// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_arrow.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <charconv>
#include <optional>
#include <utility>

namespace firn::iceberg {
namespace {

using ArrowType = std::shared_ptr<arrow::DataType>;
using ArrowField = std::shared_ptr<arrow::Field>;

ArrowField MakeField(const std::string& name, ArrowType type, bool required, FieldId id) {
  return arrow::field(name, std::move(type), !required,
                      arrow::key_value_metadata({kArrowFieldIdKey}, {id.ToString()}));
}

ArrowType ToArrow(const PrimitiveType& type) {
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      return arrow::boolean();
    case PrimitiveKind::kInt:
      return arrow::int32();
    case PrimitiveKind::kLong:
      return arrow::int64();
    case PrimitiveKind::kFloat:
      return arrow::float32();
    case PrimitiveKind::kDouble:
      return arrow::float64();
    case PrimitiveKind::kDecimal:
      return arrow::decimal128(type.precision, type.scale);
    case PrimitiveKind::kDate:
      return arrow::date32();
    case PrimitiveKind::kTime:
      return arrow::time64(arrow::TimeUnit::MICRO);
    case PrimitiveKind::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case PrimitiveKind::kTimestamptz:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case PrimitiveKind::kTimestampNs:
      return arrow::timestamp(arrow::TimeUnit::NANO);
    case PrimitiveKind::kTimestamptzNs:
      return arrow::timestamp(arrow::TimeUnit::NANO, "UTC");
    case PrimitiveKind::kString:
      return arrow::utf8();
    case PrimitiveKind::kUuid:
      return arrow::fixed_size_binary(16);
    case PrimitiveKind::kFixed:
      return arrow::fixed_size_binary(type.length_bytes);
    case PrimitiveKind::kBinary:
      return arrow::binary();
  }
  return nullptr;
}

Result<ArrowType> ToArrow(const Type& type, int depth);

Result<arrow::FieldVector> ToArrowFields(const StructType& type, int depth) {
  arrow::FieldVector fields;
  for (const NestedField& field : type.fields) {
    FIRN_ASSIGN_OR_RETURN(ArrowType inner, ToArrow(field.type, depth + 1));
    fields.push_back(MakeField(field.name, std::move(inner), field.required, field.id));
  }
  return fields;
}

Result<ArrowType> ToArrow(const Type& type, int depth) {
  if (depth > kSchemaDepthMax) {
    return Status::InvalidArgument("schema nests too deeply for Arrow");
  }
  if (const PrimitiveType* primitive = type.primitive()) return ToArrow(*primitive);
  if (const StructType* node = type.struct_type()) {
    FIRN_ASSIGN_OR_RETURN(auto fields, ToArrowFields(*node, depth));
    return ArrowType(arrow::struct_(fields));
  }
  if (const ListType* node = type.list()) {
    FIRN_ASSIGN_OR_RETURN(ArrowType element, ToArrow(*node->element, depth + 1));
    return ArrowType(arrow::list(MakeField("element", std::move(element),
                                           node->element_required, node->element_id)));
  }
  const MapType& node = *type.map();
  FIRN_ASSIGN_OR_RETURN(ArrowType key, ToArrow(*node.key, depth + 1));
  FIRN_ASSIGN_OR_RETURN(ArrowType value, ToArrow(*node.value, depth + 1));
  return ArrowType(std::make_shared<arrow::MapType>(
      MakeField("key", std::move(key), true, node.key_id),
      MakeField("value", std::move(value), node.value_required, node.value_id)));
}

std::optional<PrimitiveType> FromArrowPrimitive(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return kBoolean;
    case arrow::Type::INT32:
      return kInt;
    case arrow::Type::INT64:
      return kLong;
    case arrow::Type::FLOAT:
      return kFloat;
    case arrow::Type::DOUBLE:
      return kDouble;
    case arrow::Type::DATE32:
      return kDate;
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return kString;
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return kBinary;
    case arrow::Type::FIXED_SIZE_BINARY:
      return FixedType(static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width());
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      if (decimal.scale() < 0) return std::nullopt;
      return DecimalType(decimal.precision(), decimal.scale());
    }
    case arrow::Type::TIME64:
      if (static_cast<const arrow::Time64Type&>(type).unit() != arrow::TimeUnit::MICRO) {
        return std::nullopt;
      }
      return kTime;
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      const bool zoned = !timestamp.timezone().empty();
      if (timestamp.unit() == arrow::TimeUnit::MICRO) {
        return zoned ? kTimestamptz : kTimestamp;
      }
      if (timestamp.unit() == arrow::TimeUnit::NANO) {
        return zoned ? kTimestamptzNs : kTimestampNs;
      }
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

Result<FieldId> FieldIdOf(const arrow::Field& field) {
  const auto metadata = field.metadata();
  if (metadata != nullptr) {
    const auto text = metadata->Get(kArrowFieldIdKey);
    if (text.ok()) {
      std::int32_t id = 0;
      const char* end = text->data() + text->size();
      const auto [at, error] = std::from_chars(text->data(), end, id);
      if (error == std::errc() && at == end && id > 0) return FieldId(id);
    }
  }
  return Status::InvalidArgument("field " + field.name() + " has no " + kArrowFieldIdKey);
}

Result<Type> FromArrow(const arrow::DataType& type, int depth);

Result<NestedField> FromArrowField(const arrow::Field& field, int depth) {
  NestedField out;
  FIRN_ASSIGN_OR_RETURN(out.id, FieldIdOf(field));
  out.name = field.name();
  out.required = !field.nullable();
  auto type = FromArrow(*field.type(), depth + 1);
  if (!type.ok()) return type.status().With("field " + field.name());
  out.type = std::move(type).value();
  return out;
}

Result<Type> FromArrow(const arrow::DataType& type, int depth) {
  if (depth > kSchemaDepthMax) return Status::InvalidArgument("schema nests too deeply");
  switch (type.id()) {
    case arrow::Type::STRUCT: {
      StructType out;
      for (const ArrowField& field : type.fields()) {
        FIRN_ASSIGN_OR_RETURN(NestedField inner, FromArrowField(*field, depth));
        out.fields.push_back(std::move(inner));
      }
      return Type(std::move(out));
    }
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW: {
      FIRN_ASSIGN_OR_RETURN(NestedField element, FromArrowField(*type.field(0), depth));
      return Type(MakeList(element.id, element.required, std::move(element.type)));
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      FIRN_ASSIGN_OR_RETURN(NestedField key, FromArrowField(*map.key_field(), depth));
      FIRN_ASSIGN_OR_RETURN(NestedField value, FromArrowField(*map.item_field(), depth));
      return Type(MakeMap(key.id, std::move(key.type), value.id, value.required,
                          std::move(value.type)));
    }
    default: {
      const auto primitive = FromArrowPrimitive(type);
      if (primitive) return Type(*primitive);
      return Status::InvalidArgument("Arrow type " + type.ToString() +
                                     " has no Iceberg type");
    }
  }
}

}  // namespace

Result<std::shared_ptr<arrow::Schema>> ToArrowSchema(const Schema& schema) {
  FIRN_ASSIGN_OR_RETURN(auto fields, ToArrowFields(schema.root, 0));
  return arrow::schema(std::move(fields));
}

Result<Schema> FromArrowSchema(const arrow::Schema& schema) {
  Schema out;
  for (const ArrowField& field : schema.fields()) {
    FIRN_ASSIGN_OR_RETURN(NestedField inner, FromArrowField(*field, 0));
    out.root.fields.push_back(std::move(inner));
  }
  FIRN_RETURN_IF_ERROR(CheckSchema(out, 3));
  return out;
}

}  // namespace firn::iceberg

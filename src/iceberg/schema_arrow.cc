// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_arrow.h"

#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <charconv>
#include <optional>
#include <utility>

#include "iceberg/schema_update.h"

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
    case PrimitiveKind::kUnknown:
      return arrow::null();
    case PrimitiveKind::kVariant:
      return arrow::struct_({arrow::field("metadata", arrow::binary(), false),
                             arrow::field("value", arrow::binary(), false)});
  }
  return nullptr;
}

Result<ArrowType> ToArrow(const Type& type, int depth);

Result<arrow::FieldVector> ToArrowFields(const StructType& type, int depth) {
  arrow::FieldVector fields;
  for (const NestedField& field : type.fields) {
    auto inner = ToArrow(field.type, depth + 1);
    if (!inner.ok()) return inner.status().With("column " + field.name);
    fields.push_back(
        MakeField(field.name, std::move(inner).value(), field.required, field.id));
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
    case arrow::Type::NA:
      return kUnknown;
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
    case arrow::Type::EXTENSION: {
      const auto& extension = static_cast<const arrow::ExtensionType&>(type);
      if (extension.extension_name() == "arrow.uuid") return kUuid;
      if (extension.extension_name() == "arrow.parquet.variant") return kVariant;
      return std::nullopt;
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

// The narrowest type that holds every value of an Arrow type that Iceberg lacks.
std::optional<PrimitiveType> WiderPrimitive(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
      return kInt;
    case arrow::Type::UINT32:
      return kLong;
    case arrow::Type::UINT64:
      return DecimalType(20, 0);
    case arrow::Type::HALF_FLOAT:
      return kFloat;
    case arrow::Type::DATE64:
      return kDate;
    case arrow::Type::TIME32:
      return kTime;
    case arrow::Type::TIMESTAMP:  // Of seconds or milliseconds.
      return static_cast<const arrow::TimestampType&>(type).timezone().empty()
                 ? kTimestamp
                 : kTimestamptz;
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL256: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      if (decimal.scale() < 0 || decimal.scale() > decimal.precision() ||
          decimal.precision() > 38) {
        return std::nullopt;
      }
      return DecimalType(decimal.precision(), decimal.scale());
    }
    default:
      return std::nullopt;
  }
}

class ArrowReader {
 public:
  // With `new_table` the fields' ids are not looked at and left 0, and types that Iceberg
  // lacks become wider ones.
  explicit ArrowReader(bool new_table) : new_table_(new_table) {}

  Result<NestedField> ReadField(const arrow::Field& field, int depth) const {
    NestedField out;
    if (!new_table_) {
      FIRN_ASSIGN_OR_RETURN(out.id, FieldIdOf(field));
    }
    out.name = field.name();
    out.required = !field.nullable();
    auto type = ReadType(*field.type(), depth + 1);
    if (!type.ok()) return type.status().With("field " + field.name());
    out.type = std::move(type).value();
    return out;
  }

 private:
  Result<Type> ReadType(const arrow::DataType& type, int depth) const {
    if (depth > kSchemaDepthMax) {
      return Status::InvalidArgument("schema nests too deeply");
    }
    switch (type.id()) {
      case arrow::Type::STRUCT: {
        StructType out;
        for (const ArrowField& field : type.fields()) {
          FIRN_ASSIGN_OR_RETURN(NestedField inner, ReadField(*field, depth));
          out.fields.push_back(std::move(inner));
        }
        return Type(std::move(out));
      }
      case arrow::Type::LIST:
      case arrow::Type::LARGE_LIST:
      case arrow::Type::FIXED_SIZE_LIST:
      case arrow::Type::LIST_VIEW:
      case arrow::Type::LARGE_LIST_VIEW: {
        FIRN_ASSIGN_OR_RETURN(NestedField element, ReadField(*type.field(0), depth));
        return Type(MakeList(element.id, element.required, std::move(element.type)));
      }
      case arrow::Type::MAP: {
        const auto& map = static_cast<const arrow::MapType&>(type);
        FIRN_ASSIGN_OR_RETURN(NestedField key, ReadField(*map.key_field(), depth));
        FIRN_ASSIGN_OR_RETURN(NestedField value, ReadField(*map.item_field(), depth));
        return Type(MakeMap(key.id, std::move(key.type), value.id, value.required,
                            std::move(value.type)));
      }
      case arrow::Type::DICTIONARY:
        if (!new_table_) break;
        return ReadType(*static_cast<const arrow::DictionaryType&>(type).value_type(),
                        depth + 1);
      default:
        break;
    }
    auto primitive = FromArrowPrimitive(type);
    if (!primitive && new_table_) primitive = WiderPrimitive(type);
    if (primitive) return Type(*primitive);
    return Status::Unimplemented("Arrow type " + type.ToString() +
                                 " has no Iceberg type");
  }

  const bool new_table_;
};

Result<std::vector<NestedField>> ReadFields(const arrow::Schema& schema, bool new_table) {
  const ArrowReader reader(new_table);
  std::vector<NestedField> fields;
  for (const ArrowField& field : schema.fields()) {
    FIRN_ASSIGN_OR_RETURN(NestedField inner, reader.ReadField(*field, 0));
    fields.push_back(std::move(inner));
  }
  return fields;
}

}  // namespace

Result<std::shared_ptr<arrow::Schema>> ToArrowSchema(const Schema& schema) {
  FIRN_ASSIGN_OR_RETURN(auto fields, ToArrowFields(schema.root, 0));
  return arrow::schema(std::move(fields));
}

Result<Schema> FromArrowSchema(const arrow::Schema& schema) {
  Schema out;
  FIRN_ASSIGN_OR_RETURN(out.root.fields, ReadFields(schema, false));
  FIRN_RETURN_IF_ERROR(CheckSchema(out, 3));
  return out;
}

Result<Schema> NewSchemaFromArrow(const arrow::Schema& schema) {
  FIRN_ASSIGN_OR_RETURN(auto fields, ReadFields(schema, true));
  std::int64_t last_id = 0;
  Schema out;
  out.root = *AssignFreshIds(StructType{std::move(fields)}, &last_id).struct_type();
  FIRN_RETURN_IF_ERROR(CheckSchema(out, 3));
  return out;
}

}  // namespace firn::iceberg

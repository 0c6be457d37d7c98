// SPDX-License-Identifier: Apache-2.0
#include "table/column_projection.h"

#include <arrow/array/array_nested.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/extension_type.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <charconv>
#include <utility>

#include "iceberg/schema_arrow.h"
#include "table/arrow_status.h"
#include "table/plain_list.h"
#include "table/type_widening.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using DataPtr = std::shared_ptr<arrow::ArrayData>;
using TypePtr = std::shared_ptr<arrow::DataType>;
using arrow::Type;

const arrow::DataType& StorageOf(const arrow::DataType& type) {
  return type.id() == Type::EXTENSION
             ? StorageOf(*static_cast<const arrow::ExtensionType&>(type).storage_type())
             : type;
}

bool IsText(Type::type id) {
  return id == Type::STRING || id == Type::LARGE_STRING || id == Type::STRING_VIEW;
}
bool IsBinary(Type::type id) {
  return id == Type::BINARY || id == Type::LARGE_BINARY || id == Type::BINARY_VIEW;
}

// Times of any unit become those of the table's. A value that would lose something by
// that is an error, for that value.
bool IsTimestampOf(const arrow::DataType& from, const arrow::DataType& to) {
  const auto& wide = static_cast<const arrow::TimestampType&>(to);
  if (from.id() == Type::DATE32) return wide.timezone().empty();
  if (from.id() != Type::TIMESTAMP) return false;
  const auto& narrow = static_cast<const arrow::TimestampType&>(from);
  // What older writers store in 96 bits is a point in time, and has no zone in Arrow.
  const bool is_int96 =
      narrow.timezone().empty() && narrow.unit() == arrow::TimeUnit::NANO;
  // Of times without a zone ClickHouse's files say that they are in UTC.
  const bool is_utc = narrow.timezone() == "UTC";
  return narrow.timezone().empty() == wide.timezone().empty() || is_int96 || is_utc;
}

// Whether a column of type `from` in a file can be read as `to`: by promotion, or because
// the table's type is stored in several ways.
bool Promotes(const arrow::DataType& from, const arrow::DataType& to) {
  if (IsNarrower(from, to)) return true;
  if (from.id() == Type::DICTIONARY) {
    const auto& values = *static_cast<const arrow::DictionaryType&>(from).value_type();
    return values.Equals(to) || Promotes(values, to);
  }
  switch (to.id()) {
    case Type::TIMESTAMP:
      return IsTimestampOf(from, to);
    case Type::TIME64:
      return from.id() == Type::TIME32 || from.id() == Type::TIME64;
    case Type::STRING:  // Some writers do not say that bytes are text.
      return IsText(from.id()) || IsBinary(from.id());
    case Type::BINARY:
      return IsBinary(from.id());
    default:
      return false;
  }
}

Result<std::shared_ptr<arrow::Scalar>> ScalarOf(const iceberg::Value& value,
                                                const TypePtr& type) {
  using ScalarPtr = std::shared_ptr<arrow::Scalar>;
  return std::visit(
      [&]<typename T>(const T& v) -> Result<ScalarPtr> {
        if constexpr (std::is_same_v<T, iceberg::Decimal>) {
          const arrow::Decimal128 unscaled(static_cast<std::int64_t>(v.unscaled >> 64),
                                           static_cast<std::uint64_t>(v.unscaled));
          return ScalarPtr(std::make_shared<arrow::Decimal128Scalar>(unscaled, type));
        } else if constexpr (std::is_same_v<T, iceberg::Bytes> ||
                             std::is_same_v<T, std::string>) {
          std::string bytes;
          if constexpr (std::is_same_v<T, std::string>) {
            bytes = v;
          } else {
            bytes = v.bytes;
          }
          return FromArrow(
              arrow::MakeScalar(type, arrow::Buffer::FromString(std::move(bytes))));
        } else {
          return FromArrow(arrow::MakeScalar(type, v));
        }
      },
      value);
}

}  // namespace

std::optional<iceberg::FieldId> FieldIdOf(const arrow::Field& field) {
  if (field.metadata() == nullptr) return std::nullopt;
  const auto text = field.metadata()->Get(iceberg::kArrowFieldIdKey);
  if (!text.ok()) return std::nullopt;
  std::int32_t id = 0;
  const char* const end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, id);
  if (error != std::errc() || at != end || id < 0) return std::nullopt;
  return iceberg::FieldId(id);
}

class ColumnProjection::Maker {
 public:
  Maker(const PartitionConstants& constants, const std::set<iceberg::FieldId>& left_out)
      : constants_(constants), left_out_(left_out) {}

  Result<Node> Make(const arrow::Field* file, const iceberg::NestedField& target,
                    const TypePtr& type, const std::string& path) const {
    // A column of no type has no values, whatever a file has under its id.
    if (file == nullptr || target.type == iceberg::Type(iceberg::kUnknown)) {
      return MakeConstant(target, type, path);
    }
    return MakeNode(file->type(), target.type, type, path);
  }

 private:
  Result<Node> MakeConstant(const iceberg::NestedField& target, const TypePtr& type,
                            const std::string& path) const {
    Node node;
    node.kind = Kind::kConstant;
    node.type = type;
    const iceberg::OptionalValue* value =
        constants_ == nullptr ? nullptr : constants_(target.id);
    if (value == nullptr) value = &target.initial_default;
    const iceberg::PrimitiveType* primitive = target.type.primitive();
    if (*value && primitive != nullptr) {
      const iceberg::OptionalValue promoted = iceberg::Promote(**value, *primitive);
      if (promoted) {
        FIRN_ASSIGN_OR_RETURN(node.constant, ScalarOf(*promoted, type));
        return node;
      }
    }
    if (target.required) {
      return Status::Corruption("column " + path +
                                " is required, has no default, and is not in the file");
    }
    return node;
  }

  Result<Node> MakeNode(const TypePtr& file_type, const iceberg::Type& target,
                        const TypePtr& type, const std::string& path) const {
    const arrow::DataType& file = StorageOf(*file_type);
    Node node;
    node.type = type;
    const Status wrong = Status::Corruption(
        "column " + path + " is " + file.ToString() +
        " in the file, which does not become the table's " + target.ToString());
    if (target == iceberg::Type(iceberg::kVariant)) {
      return MakeVariant(file, type, path, wrong);
    }
    if (target.primitive() != nullptr) {
      node.kind = file.Equals(*type) ? Kind::kAsIs : Kind::kCast;
      if (node.kind == Kind::kCast && !Promotes(file, *type)) return wrong;
      return node;
    }
    if (const auto* structure = target.struct_type()) {
      if (file.id() != Type::STRUCT) return wrong;
      FIRN_RETURN_IF_ERROR(MakeFields(file, *structure, path, &node));
    } else if (const auto* list = target.list()) {
      if (!IsListLike(file.id())) return wrong;
      node.kind = Kind::kList;
      FIRN_ASSIGN_OR_RETURN(node.children.emplace_back(),
                            MakeNode(file.field(0)->type(), *list->element,
                                     type->field(0)->type(), path + ".element"));
    } else {
      if (file.id() != Type::MAP) return wrong;
      node.kind = Kind::kMap;
      const auto& from = static_cast<const arrow::MapType&>(file);
      const auto& to = static_cast<const arrow::MapType&>(*type);
      FIRN_ASSIGN_OR_RETURN(
          node.children.emplace_back(),
          MakeNode(from.key_type(), *target.map()->key, to.key_type(), path + ".key"));
      FIRN_ASSIGN_OR_RETURN(node.children.emplace_back(),
                            MakeNode(from.item_type(), *target.map()->value,
                                     to.item_type(), path + ".value"));
    }
    if (IsUnchanged(node, file)) node.kind = Kind::kAsIs;
    return node;
  }

  // A group of two fields that have names and no ids (VariantShredding.md of Parquet).
  static Result<Node> MakeVariant(const arrow::DataType& file, const TypePtr& type,
                                  const std::string& path, const Status& wrong) {
    if (file.id() != Type::STRUCT) return wrong;
    const auto& group = static_cast<const arrow::StructType&>(file);
    if (group.GetFieldIndex("typed_value") >= 0) {
      return Status::Unimplemented("column " + path +
                                   ": variants that are shredded are not read; a query "
                                   "that names the other columns reads those");
    }
    Node node;
    node.kind = Kind::kStruct;
    node.type = type;
    for (const auto& field : type->fields()) {
      const int source = group.GetFieldIndex(field->name());
      if (source < 0 || !IsBinary(group.field(source)->type()->id())) return wrong;
      Node& child = node.children.emplace_back();
      child.type = field->type();
      child.kind =
          group.field(source)->type()->Equals(*field->type()) ? Kind::kAsIs : Kind::kCast;
      node.sources.push_back(source);
    }
    if (IsUnchanged(node, file)) node.kind = Kind::kAsIs;
    return node;
  }

  Status MakeFields(const arrow::DataType& file, const iceberg::StructType& target,
                    const std::string& path, Node* node) const {
    node->kind = Kind::kStruct;
    for (std::size_t i = 0; i < target.fields.size(); ++i) {
      const iceberg::NestedField& field = target.fields[i];
      if (left_out_.contains(field.id)) {
        Node& nulls = node->children.emplace_back();
        nulls.kind = Kind::kConstant;
        nulls.type = node->type->field(static_cast<int>(i))->type();
        node->sources.push_back(-1);
        continue;
      }
      int source = -1;
      for (int j = 0; j < file.num_fields() && source < 0; ++j) {
        if (FieldIdOf(*file.field(j)) == field.id) source = j;
      }
      FIRN_ASSIGN_OR_RETURN(
          node->children.emplace_back(),
          Make(source < 0 ? nullptr : file.field(source).get(), field,
               node->type->field(static_cast<int>(i))->type(), path + "." + field.name));
      node->sources.push_back(source);
    }
    return Status::OK();
  }

  // Whether arrays of the file's type are the target's already.
  static bool IsUnchanged(const Node& node, const arrow::DataType& file) {
    if (!file.Equals(*node.type)) return false;
    for (const Node& child : node.children) {
      if (child.kind != Kind::kAsIs) return false;
    }
    for (std::size_t i = 0; i < node.sources.size(); ++i) {
      if (node.sources[i] != static_cast<int>(i)) return false;
    }
    return true;
  }

  const PartitionConstants& constants_;
  const std::set<iceberg::FieldId>& left_out_;
};

class ColumnProjection::Applier {
 public:
  explicit Applier(arrow::MemoryPool* pool) : pool_(pool), context_(pool) {}

  Result<DataPtr> Apply(const Node& node, DataPtr data, std::int64_t rows) {
    if (node.kind == Kind::kConstant) return MakeConstant(node, rows);
    while (data->type->id() == Type::EXTENSION) {
      data = data->Copy();
      data->type = static_cast<const arrow::ExtensionType&>(*data->type).storage_type();
    }
    switch (node.kind) {
      case Kind::kCast:
        return Cast(std::move(data), node.type);
      case Kind::kStruct:
        return Fields(node, *data);
      case Kind::kList:
        return Elements(node, std::move(data));
      case Kind::kMap:
        return Entries(node, *data);
      default:
        return data;
    }
  }

 private:
  Result<DataPtr> MakeConstant(const Node& node, std::int64_t rows) {
    auto array = FromArrow(node.constant == nullptr
                               ? arrow::MakeArrayOfNull(node.type, rows, pool_)
                               : arrow::MakeArrayFromScalar(*node.constant, rows, pool_));
    if (!array.ok()) return array.status();
    return (*array)->data();
  }

  Result<DataPtr> Cast(DataPtr data, const TypePtr& type) {
    const auto options = arrow::compute::CastOptions::Safe();
    FIRN_ASSIGN_OR_RETURN(const ArrayPtr array, FromArrow(arrow::compute::Cast(
                                                    *arrow::MakeArray(std::move(data)),
                                                    type, options, &context_)));
    return array->data();
  }

  // The children of an array with an offset are not sliced: they begin before it.
  Result<DataPtr> Fields(const Node& node, const arrow::ArrayData& data) {
    auto out = arrow::ArrayData::Make(node.type, data.length, {data.buffers[0]},
                                      data.GetNullCount(), data.offset);
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const int source = node.sources[i];
      FIRN_ASSIGN_OR_RETURN(
          DataPtr child,
          Apply(node.children[i],
                source < 0 ? nullptr : data.child_data[static_cast<std::size_t>(source)],
                data.offset + data.length));
      out->child_data.push_back(std::move(child));
    }
    return out;
  }

  Result<DataPtr> Elements(const Node& node, DataPtr data) {
    if (data->type->id() != Type::LIST) {
      FIRN_ASSIGN_OR_RETURN(const ArrayPtr plain,
                            PlainList(arrow::MakeArray(std::move(data)), pool_));
      data = plain->data();
    }
    auto out = data->Copy();
    out->type = node.type;
    FIRN_ASSIGN_OR_RETURN(out->child_data[0], Apply(node.children[0], data->child_data[0],
                                                    data->child_data[0]->length));
    return out;
  }

  Result<DataPtr> Entries(const Node& node, const arrow::ArrayData& data) {
    auto out = data.Copy();
    out->type = node.type;
    auto entries = data.child_data[0]->Copy();
    entries->type = static_cast<const arrow::MapType&>(*node.type).value_type();
    const std::int64_t rows = entries->offset + entries->length;
    for (std::size_t i = 0; i < 2; ++i) {
      FIRN_ASSIGN_OR_RETURN(entries->child_data[i],
                            Apply(node.children[i], entries->child_data[i], rows));
    }
    out->child_data[0] = std::move(entries);
    return out;
  }

  arrow::MemoryPool* const pool_;
  arrow::compute::ExecContext context_;
};

Result<ColumnProjection> ColumnProjection::Make(
    const arrow::Field* file, const iceberg::NestedField& target, TypePtr type,
    const PartitionConstants& constants, const std::set<iceberg::FieldId>& left_out) {
  ColumnProjection projection;
  projection.name_ = target.name;
  FIRN_ASSIGN_OR_RETURN(projection.root_,
                        Maker(constants, left_out).Make(file, target, type, target.name));
  return projection;
}

Result<ArrayPtr> ColumnProjection::Apply(const ArrayPtr& column, std::int64_t rows,
                                         arrow::MemoryPool* pool) const {
  if (root_.kind == Kind::kAsIs && column->type_id() != Type::EXTENSION) return column;
  auto data =
      Applier(pool).Apply(root_, column == nullptr ? nullptr : column->data(), rows);
  if (!data.ok()) return data.status().With("column " + name_);
  return arrow::MakeArray(*std::move(data));
}

std::optional<iceberg::NestedField> OnlyField(const iceberg::NestedField& field,
                                              iceberg::FieldId id) {
  iceberg::NestedField pruned = field;
  pruned.required = false;
  if (field.id == id) return pruned;
  const iceberg::StructType* structure = field.type.struct_type();
  if (structure == nullptr) return std::nullopt;
  for (const iceberg::NestedField& child : structure->fields) {
    auto only = OnlyField(child, id);
    if (!only) continue;
    pruned.type = iceberg::StructType{{*std::move(only)}};
    return pruned;
  }
  return std::nullopt;
}

}  // namespace firn::table

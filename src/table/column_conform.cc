// SPDX-License-Identifier: Apache-2.0
#include "table/column_conform.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/extension_type.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/quote.h"
#include "table/arrow_status.h"
#include "table/plain_list.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

constexpr std::size_t kValueTextBytesMax = 80;

// The same buffers under another type of the same layout.
ArrayPtr Retyped(const arrow::Array& array, std::shared_ptr<arrow::DataType> type,
                 std::vector<std::shared_ptr<arrow::ArrayData>> children) {
  auto data = array.data()->Copy();
  data->type = std::move(type);
  data->child_data = std::move(children);
  return arrow::MakeArray(std::move(data));
}

// What is NULL in a required field is so because the struct or list that it is in is
// NULL, or the row is none. Writers look at neither, and refuse a NULL.
ArrayPtr WithoutNulls(const ArrayPtr& array) {
  if (array->null_count() == 0) return array;
  auto data = array->data()->Copy();
  data->buffers[0] = nullptr;
  data->null_count = 0;
  return arrow::MakeArray(std::move(data));
}

// The same with what is required in structs without NULL, at every depth.
std::shared_ptr<arrow::ArrayData> WithRequired(std::shared_ptr<arrow::ArrayData> data) {
  if (data->type->id() != arrow::Type::STRUCT) return data;
  data = data->Copy();
  for (std::size_t i = 0; i < data->child_data.size(); ++i) {
    auto& child = data->child_data[i];
    child = WithRequired(std::move(child));
    if (!data->type->field(static_cast<int>(i))->nullable()) {
      child = WithoutNulls(arrow::MakeArray(std::move(child)))->data();
    }
  }
  return data;
}

std::string Inner(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

Result<ArrayPtr> ConformStruct(const ConformTarget& target, const ArrayPtr& column,
                               const RowPath& rows, arrow::MemoryPool* pool,
                               RowFaults* faults) {
  if (column->type_id() != arrow::Type::STRUCT) return WrongType(target, *column->type());
  const auto& structs = static_cast<const arrow::StructArray&>(*column);
  const auto& wanted = target.type.struct_type()->fields;
  std::unordered_map<std::string, int> given;
  for (int i = 0; i < structs.num_fields(); ++i) {
    const std::string& name = column->type()->field(i)->name();
    if (!given.emplace(name, i).second) {
      return Status::InvalidArgument("column " + Inner(target.path, name) +
                                     " is there twice");
    }
  }
  const RowPath inner_rows(&rows, column.get(), nullptr);
  std::vector<std::shared_ptr<arrow::ArrayData>> children;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const iceberg::NestedField& field = wanted[i];
    const ConformTarget inner{field.type,
                              target.arrow_type->field(static_cast<int>(i))->type(),
                              field.required, Inner(target.path, field.name)};
    const auto at = given.find(field.name);
    ArrayPtr child;
    if (at != given.end()) {
      child = structs.field(at->second);
      given.erase(at);
    } else if (field.required) {
      return Status::InvalidArgument("required column " + inner.path + " is missing");
    } else {
      FIRN_ASSIGN_OR_RETURN(child, NullColumn(inner.arrow_type, column->length(), pool));
    }
    FIRN_ASSIGN_OR_RETURN(const ArrayPtr conformed,
                          ConformColumn(inner, child, inner_rows, pool, faults));
    children.push_back((field.required ? WithoutNulls(conformed) : conformed)->data());
  }
  if (!given.empty()) {
    return Status::InvalidArgument("the table has no column " +
                                   Inner(target.path, given.begin()->first));
  }
  // The children are those of the struct's own slice, and so is its validity to be.
  std::shared_ptr<arrow::Buffer> valid;
  if (column->null_count() > 0) {
    FIRN_ASSIGN_OR_RETURN(valid, FromArrow(arrow::internal::CopyBitmap(
                                     pool, column->null_bitmap_data(), column->offset(),
                                     column->length())));
  }
  return arrow::MakeArray(arrow::ArrayData::Make(target.arrow_type, column->length(),
                                                 {std::move(valid)}, std::move(children),
                                                 column->null_count()));
}

// The bytes by which keys are equal, where it is bytes that tell.
std::optional<std::string_view> KeyBytes(const arrow::Array& keys, std::int64_t index) {
  if (const auto* text = dynamic_cast<const arrow::BinaryArray*>(&keys)) {
    return text->GetView(index);
  }
  const auto* fixed = dynamic_cast<const arrow::FixedWidthType*>(keys.type().get());
  if (fixed == nullptr || fixed->bit_width() % 8 != 0) return std::nullopt;
  const std::int64_t width = fixed->bit_width() / 8;
  const auto* const bytes = keys.data()->buffers[1]->data_as<char>();
  return std::string_view(bytes + (keys.offset() + index) * width,
                          static_cast<std::size_t>(width));
}

// A map has each key once: engines, DuckDB among them, give up the whole table otherwise.
void CheckMapKeys(const arrow::ListArray& maps, const arrow::Array& keys,
                  const std::string& path, const RowPath& rows, RowFaults* faults) {
  std::unordered_set<std::string_view> seen;
  for (std::int64_t i = 0; i < maps.length(); ++i) {
    if (maps.IsNull(i) || maps.value_length(i) < 2) continue;
    seen.clear();
    const std::int64_t begin = maps.value_offset(i);
    const std::int64_t end = begin + maps.value_length(i);
    for (std::int64_t at = begin; at < end; ++at) {
      bool is_new = true;
      if (const auto bytes = KeyBytes(keys, at)) {
        is_new = seen.insert(*bytes).second;
      } else {
        for (std::int64_t other = begin; other < at && is_new; ++other) {
          is_new = !keys.RangeEquals(other, other + 1, at, keys);
        }
      }
      if (is_new) continue;
      AddFault(rows, i, path, ValueText(keys, at) + " comes twice in one map", faults);
      break;
    }
  }
}

// A list, or a map as the list of its entries.
Result<ArrayPtr> ConformList(const ConformTarget& target, const ArrayPtr& column,
                             const RowPath& rows, arrow::MemoryPool* pool,
                             RowFaults* faults) {
  const bool is_map = target.type.map() != nullptr;
  ArrayPtr lists = column;
  if (is_map ? column->type_id() != arrow::Type::MAP
             : column->type_id() != arrow::Type::LIST) {
    if (is_map || !IsListLike(column->type_id())) {
      return WrongType(target, *column->type());
    }
    FIRN_ASSIGN_OR_RETURN(lists, PlainList(column, pool));
  }
  const auto& list = static_cast<const arrow::ListArray&>(*lists);
  const RowPath inner_rows(&rows, lists.get(), &list);
  const auto& inner_type = target.arrow_type->field(0)->type();
  ArrayPtr values = list.values();
  if (!is_map) {
    const iceberg::ListType& node = *target.type.list();
    FIRN_ASSIGN_OR_RETURN(values,
                          ConformColumn({*node.element, inner_type, node.element_required,
                                         target.path + ".element"},
                                        values, inner_rows, pool, faults));
    if (node.element_required) values = WithoutNulls(values);
    return Retyped(list, target.arrow_type, {values->data()});
  }
  const iceberg::MapType& node = *target.type.map();
  const auto& entries = static_cast<const arrow::StructArray&>(*values);
  FIRN_ASSIGN_OR_RETURN(
      const ArrayPtr keys,
      ConformColumn({*node.key, inner_type->field(0)->type(), true, target.path + ".key"},
                    entries.field(0), inner_rows, pool, faults));
  FIRN_ASSIGN_OR_RETURN(const ArrayPtr items,
                        ConformColumn({*node.value, inner_type->field(1)->type(),
                                       node.value_required, target.path + ".value"},
                                      entries.field(1), inner_rows, pool, faults));
  CheckMapKeys(list, *keys, target.path + ".key", rows, faults);
  const ArrayPtr kept = node.value_required ? WithoutNulls(items) : items;
  const auto pairs =
      arrow::ArrayData::Make(inner_type, values->length(), {nullptr},
                             {WithoutNulls(keys)->data(), kept->data()}, 0);
  return Retyped(list, target.arrow_type, {pairs});
}

// What an extension type or a dictionary stands for. A NULL may lie in the dictionary,
// where the column itself counts none.
Result<ArrayPtr> SpelledOut(ArrayPtr column, arrow::MemoryPool* pool) {
  for (;;) {
    if (column->type_id() == arrow::Type::EXTENSION) {
      column = static_cast<const arrow::ExtensionArray&>(*column).storage();
    } else if (column->type_id() == arrow::Type::DICTIONARY) {
      const auto& coded = static_cast<const arrow::DictionaryType&>(*column->type());
      arrow::compute::ExecContext context(pool);
      FIRN_ASSIGN_OR_RETURN(column, FromArrow(arrow::compute::Cast(
                                        *column, coded.value_type(),
                                        arrow::compute::CastOptions::Safe(), &context)));
    } else {
      return column;
    }
  }
}

}  // namespace

std::optional<std::int64_t> RowPath::RowOf(std::int64_t index) const {
  if (outer_ == nullptr) return index;
  if (list_ != nullptr) {
    // The last list that begins at or before the value.
    std::int64_t begin = 0;
    std::int64_t end = list_->length();
    while (begin < end) {
      const std::int64_t middle = begin + (end - begin) / 2;
      if (list_->value_offset(middle + 1) <= index) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    if (begin == list_->length() || index < list_->value_offset(begin)) {
      return std::nullopt;
    }
    index = begin;
  }
  if (parent_->IsNull(index)) return std::nullopt;
  return outer_->RowOf(index);
}

void AddFault(const RowPath& rows, std::int64_t index, const std::string& path,
              std::string reason, RowFaults* faults) {
  const auto row = rows.RowOf(index);
  if (row.has_value()) faults->try_emplace(*row, path, std::move(reason));
}

std::string ValueText(const arrow::Array& column, std::int64_t index) {
  const auto scalar = column.GetScalar(index);
  std::string text = scalar.ok() ? (*scalar)->ToString() : "?";
  if (text.size() > kValueTextBytesMax) text = text.substr(0, kValueTextBytesMax) + "…";
  return "value " + base::Quoted(text);
}

Status WrongType(const ConformTarget& target, const arrow::DataType& type) {
  return Status::InvalidArgument("column " + target.path + " has the type " +
                                 type.ToString() + ", the table's is " +
                                 target.type.ToString());
}

Result<ArrayPtr> NullColumn(const std::shared_ptr<arrow::DataType>& type,
                            std::int64_t rows, arrow::MemoryPool* pool) {
  FIRN_ASSIGN_OR_RETURN(const ArrayPtr nulls,
                        FromArrow(arrow::MakeArrayOfNull(type, rows, pool)));
  return arrow::MakeArray(WithRequired(nulls->data()));
}

Result<ArrayPtr> ConformColumn(const ConformTarget& target, const ArrayPtr& given,
                               const RowPath& rows, arrow::MemoryPool* pool,
                               RowFaults* faults) {
  FIRN_ASSIGN_OR_RETURN(const ArrayPtr column, SpelledOut(given, pool));
  if (target.required && column->null_count() > 0) {
    for (std::int64_t i = 0; i < column->length(); ++i) {
      if (column->IsNull(i)) {
        AddFault(rows, i, target.path, "NULL in a required column", faults);
      }
    }
  }
  if (column->type_id() == arrow::Type::NA) {
    return NullColumn(target.arrow_type, column->length(), pool);
  }
  if (target.type.primitive() != nullptr) {
    return ConformPrimitive(target, column, rows, pool, faults);
  }
  return target.type.struct_type() != nullptr
             ? ConformStruct(target, column, rows, pool, faults)
             : ConformList(target, column, rows, pool, faults);
}

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
#include "table/file_columns.h"

#include <algorithm>
#include <span>
#include <utility>

#include "table/column_projection.h"

namespace firn::table {
namespace {

using Path = std::span<const std::string>;

bool HasIds(const arrow::FieldVector& fields) {
  return std::any_of(fields.begin(), fields.end(), [](const auto& field) {
    return FieldIdOf(*field).has_value() || HasIds(field->type()->fields());
  });
}

// Whether an id is there twice: where writers number the fields of each struct anew.
bool HasIdTwice(const arrow::FieldVector& fields, std::set<iceberg::FieldId>& seen) {
  return std::any_of(fields.begin(), fields.end(), [&](const auto& field) {
    const auto id = FieldIdOf(*field);
    return (id.has_value() && !seen.insert(*id).second) ||
           HasIdTwice(field->type()->fields(), seen);
  });
}

// False where a path leads nowhere.
bool AddLeftOut(const iceberg::NestedField& field, const std::vector<Path>& paths,
                std::set<iceberg::FieldId>& left_out) {
  if (std::any_of(paths.begin(), paths.end(),
                  [](const Path& path) { return path.empty(); })) {
    return true;  // All of it.
  }
  const iceberg::StructType* structure = field.type.struct_type();
  if (structure == nullptr) return false;
  std::size_t followed = 0;
  for (const iceberg::NestedField& child : structure->fields) {
    std::vector<Path> into;
    for (const Path& path : paths) {
      if (path.front() == child.name) into.push_back(path.subspan(1));
    }
    followed += into.size();
    if (into.empty()) {
      left_out.insert(child.id);
    } else if (!AddLeftOut(child, into, left_out)) {
      return false;
    }
  }
  return followed == paths.size();
}

const arrow::Field* ChildOf(const arrow::Field& field, iceberg::FieldId id) {
  for (const auto& child : field.type()->fields()) {
    if (FieldIdOf(*child) == id) return child.get();
  }
  return nullptr;
}

// A field of one value, or else any, of those inside: the less there is to read the
// better.
iceberg::FieldId SmallestOf(const arrow::Field& field) {
  const arrow::Field* chosen = &field;
  while (chosen->type()->id() == arrow::Type::STRUCT) {
    const arrow::Field* next = nullptr;
    for (const auto& child : chosen->type()->fields()) {
      if (!FieldIdOf(*child).has_value()) continue;
      const bool is_single = child->type()->num_fields() == 0;
      if (next == nullptr || (is_single && next->type()->num_fields() > 0)) {
        next = child.get();
      }
    }
    if (next == nullptr) break;
    chosen = next;
  }
  return *FieldIdOf(*chosen);
}

// Add what is read of `file` for `wanted`. True where that is all of it.
bool AddWanted(const arrow::Field& file, const iceberg::NestedField& wanted,
               const std::set<iceberg::FieldId>& left_out, ColumnParts& parts) {
  const iceberg::StructType* structure = wanted.type.struct_type();
  if (structure == nullptr || file.type()->id() != arrow::Type::STRUCT) {
    parts.insert(wanted.id);
    return true;
  }
  ColumnParts inside;
  int whole = 0;
  for (const iceberg::NestedField& child : structure->fields) {
    const arrow::Field* in_file = ChildOf(file, child.id);
    if (in_file == nullptr || left_out.contains(child.id)) continue;
    if (AddWanted(*in_file, child, left_out, inside)) ++whole;
  }
  if (whole == file.type()->num_fields()) {
    parts.insert(wanted.id);
    return true;
  }
  if (inside.empty()) inside.insert(SmallestOf(file));
  parts.insert(inside.begin(), inside.end());
  return false;
}

}  // namespace

std::set<iceberg::FieldId> FieldsLeftOut(
    const iceberg::NestedField& column,
    const std::vector<std::vector<std::string>>& parts) {
  std::vector<Path> paths;
  for (const std::vector<std::string>& part : parts) {
    if (part.front() == column.name) paths.push_back(Path(part).subspan(1));
  }
  std::set<iceberg::FieldId> left_out;
  if (paths.empty() || !AddLeftOut(column, paths, left_out)) return {};
  return left_out;
}

Result<FileColumns> FileColumns::Make(const parquet::FileReader& reader,
                                      const NameMappings& mappings) {
  FileColumns columns;
  columns.schema_ = reader.schema();
  columns.has_ids_ = HasIds(reader.schema()->fields());
  std::set<iceberg::FieldId> seen;
  columns.finds_parts_ = columns.has_ids_ && !HasIdTwice(reader.schema()->fields(), seen);
  if (!columns.has_ids_ && reader.schema()->num_fields() > 0) {
    FIRN_ASSIGN_OR_RETURN(const iceberg::NameMapping* mapping, mappings.Get());
    FIRN_ASSIGN_OR_RETURN(columns.schema_,
                          iceberg::ApplyNameMapping(*mapping, *reader.schema()));
  }
  return columns;
}

int FileColumns::Find(iceberg::FieldId id) const {
  for (int i = 0; i < schema_->num_fields(); ++i) {
    if (FieldIdOf(*schema_->field(i)) == id) return i;
  }
  return -1;
}

std::shared_ptr<arrow::Field> FileColumns::AsRead(
    int place, const std::shared_ptr<arrow::DataType>& type) const {
  // What batches have of text and bytes, not what the file says of them; and what they
  // have of structs, with its ids. Ids that a name mapping gave are in the schema alone,
  // and then the column was read whole.
  const bool is_nested = type->num_fields() > 0;
  return is_nested && !has_ids_ ? field(place) : field(place)->WithType(type);
}

void FileColumns::AddParts(int place, const iceberg::NestedField& wanted,
                           const std::set<iceberg::FieldId>& left_out,
                           ColumnParts& parts) const {
  if (finds_parts_) {
    AddWanted(*field(place), wanted, left_out, parts);
  } else {
    parts.insert(wanted.id);
  }
}

void FileColumns::AddRefs(int place, const std::string& name, const ColumnParts& parts,
                          std::vector<parquet::ColumnRef>& refs) const {
  if (!has_ids_) {
    refs.push_back({name, -1, field(place)->name()});
    return;
  }
  const iceberg::FieldId column = *FieldIdOf(*field(place));
  if (parts.contains(column)) {
    refs.push_back({name, column.value});
    return;
  }
  for (const iceberg::FieldId id : parts) refs.push_back({name, id.value});
}

parquet::ColumnRef FileColumns::PruningRefOf(std::string name,
                                             iceberg::FieldId id) const {
  if (has_ids_) return {std::move(name), id.value};
  const int i = Find(id);
  if (i < 0) return {std::move(name), kNoField.value};
  return {std::move(name), -1, field(i)->name()};
}

}  // namespace firn::table

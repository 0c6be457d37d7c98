// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_update.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "base/nearest_word.h"
#include "iceberg/schema_compatibility.h"

namespace firn::iceberg {
namespace {

// What an edit gets: the fields of one parent, and which of them was looked for.
using Edit =
    std::function<Status(const Type& parent, std::vector<NestedField>&, std::size_t)>;

// Find `id` below `type`, and put what `edit` makes of it in its place. False where it is
// not there.
Result<bool> EditBelow(Type* type, FieldId id, bool in_map_key, const Edit& edit) {
  std::vector<NestedField> children = ChildFields(*type);
  for (std::size_t i = 0; i < children.size(); ++i) {
    const bool child_in_key = in_map_key || (i == 0 && type->map() != nullptr);
    bool found = children[i].id == id;
    if (!found) {
      FIRN_ASSIGN_OR_RETURN(found, EditBelow(&children[i].type, id, child_in_key, edit));
    } else if (child_in_key) {
      return Status::InvalidArgument(
          "keys of a map cannot change: values are found by them");
    } else {
      FIRN_RETURN_IF_ERROR(edit(*type, children, i));
    }
    if (found) {
      *type = WithChildFields(*type, std::move(children));
      return true;
    }
  }
  return false;
}

// The names from `field` to what has the id; nullopt where that is not in it.
std::optional<std::string> PathTo(const NestedField& field, FieldId id) {
  if (field.id == id) return field.name;
  for (const NestedField& child : ChildFields(field.type)) {
    const auto path = PathTo(child, id);
    if (path.has_value()) return field.name + "." + *path;
  }
  return std::nullopt;
}

bool Holds(const NestedField& field, FieldId id) { return PathTo(field, id).has_value(); }

std::vector<NestedField>::iterator FindName(std::vector<NestedField>& fields,
                                            std::string_view name) {
  return std::find_if(fields.begin(), fields.end(),
                      [name](const NestedField& field) { return field.name == name; });
}

bool IsUnknown(const Type& type) {
  return type.primitive() != nullptr && *type.primitive() == kUnknown;
}

// Whether a partition field has the same value of a date and of its midnight.
bool KeepsDates(const Transform& transform) {
  return transform.kind == TransformKind::kYear ||
         transform.kind == TransformKind::kMonth ||
         transform.kind == TransformKind::kDay || transform.kind == TransformKind::kVoid;
}

bool IsEmptyStruct(const Type* type) {
  return type != nullptr && type->struct_type() != nullptr &&
         type->struct_type()->fields.empty();
}

// Whether every struct below `parent` has a field, but for those that have none in
// `before`: a table of others can be changed all the same. `column` is what can be
// dropped where it is at fault: an element, key or value goes with its list or map.
Status CheckStructsHaveFields(const Type& parent, const std::string& path,
                              const std::string& column, const Schema& before) {
  for (const NestedField& child : ChildFields(parent)) {
    const std::string name = path.empty() ? child.name : path + "." + child.name;
    const std::string& droppable = parent.struct_type() != nullptr ? name : column;
    if (IsEmptyStruct(&child.type) && !IsEmptyStruct(before.FindType(child.id))) {
      return Status::InvalidArgument("struct " + name +
                                     " would have no fields, and files have no place for "
                                     "such a one: drop column " +
                                     droppable + " itself, or give it a field");
    }
    FIRN_RETURN_IF_ERROR(CheckStructsHaveFields(child.type, name, droppable, before));
  }
  return Status::OK();
}

Status CheckHasFields(const Schema& schema, const Schema& before) {
  if (schema.fields().empty() && !before.fields().empty()) {
    return Status::InvalidArgument(
        "the table would have no columns, and it has at least one: add another by the "
        "same command, or drop the table");
  }
  return CheckStructsHaveFields(Type(schema.root), "", "", before);
}

// Applies one change after the other to a copy of the current schema.
class Evolution {
 public:
  explicit Evolution(const TableMetadata& table)
      : table_(table),
        schema_(table.current_schema()),
        last_id_(table.last_column_id.value) {}

  Status Apply(const SchemaChange& change) {
    const Schema before = schema_;
    FIRN_RETURN_IF_ERROR(
        std::visit([&](const auto& one) { return (*this)(one); }, change));
    for (Incompatibility& finding :
         ExplainIncompatibility(schema_, before,
                                {.match_by_name = false,
                                 .allow_more_columns = true,
                                 .format_version = table_.format_version})) {
      findings_.push_back(std::move(finding));
    }
    return Status::OK();
  }

  Status operator()(const AddColumn& change);
  Status operator()(const DropColumn& change);
  Status operator()(const RenameColumn& change);
  Status operator()(const MoveColumn& change);
  Status operator()(const MakeOptional& change);
  Status operator()(const WidenType& change);
  Status operator()(const SetDoc& change);
  Status operator()(const SetWriteDefault& change);
  Status operator()(const SetIdentifierFields& change);
  Status operator()(const UnionByName& change);

  Result<Schema> Finish() && {
    FIRN_RETURN_IF_ERROR(CheckFindings());
    FIRN_RETURN_IF_ERROR(CheckHasFields(schema_, table_.current_schema()));
    FIRN_RETURN_IF_ERROR(CheckSchema(schema_, table_.format_version));
    // A table of others may have such names already: it can be changed all the same.
    if (CheckFullNames(table_.current_schema()).ok()) {
      FIRN_RETURN_IF_ERROR(CheckFullNames(schema_));
    }
    FIRN_RETURN_IF_ERROR(CheckPartitionSpec(table_.default_spec(), schema_));
    FIRN_RETURN_IF_ERROR(CheckSortOrder(table_.default_sort_order(), schema_));
    return std::move(schema_);
  }

 private:
  Result<FieldId> Find(const std::string& path) const;
  bool Identifies(FieldId id) const {
    const auto& ids = schema_.identifier_field_ids;
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  }
  // Change whatever `path` leads to.
  Status At(const std::string& path, const Edit& edit);
  // The same for what must be a field of a struct: elements, keys and values have no
  // name, place or default of their own.
  Status AtField(const std::string& path, const Edit& edit);
  Status InsertField(std::vector<NestedField>* fields, const AddColumn& change);
  // Neither the field nor one below it.
  Status CheckIdentifiesNothing(const NestedField& field) const;
  Status CheckDrop(const NestedField& field) const;
  // Whether the date `id` may become a timestamp.
  Status CheckPartitions(FieldId id) const;
  Status Widen(NestedField* field, const PrimitiveType& type) const;
  Status UnionStructs(std::vector<NestedField>* mine,
                      const std::vector<NestedField>& theirs);
  Status UnionFields(NestedField* mine, const NestedField& theirs);
  Status UnionTypes(NestedField* mine, const Type& theirs);

  Status CheckFindings() const;

  const TableMetadata& table_;
  Schema schema_;
  std::int64_t last_id_;
  // Of all changes, so that one error names every one that cannot be.
  std::vector<Incompatibility> findings_;
};

// That a new column cannot be required does not depend on rows, which may be none:
// whether there are any is another commit's to decide.
Status Evolution::CheckFindings() const {
  if (findings_.empty()) return Status::OK();
  std::string rows;
  std::string required;
  for (const Incompatibility& finding : findings_) {
    if (finding.found == kNoColumn) {
      required += (required.empty() ? "" : ", ") + finding.path;
    } else {
      rows += (rows.empty() ? "the rows that are there do not go with it: " : "; ") +
              ToString(finding);
    }
  }
  if (!rows.empty()) rows += ". Files are not rewritten: add optional columns instead";
  if (!required.empty()) {
    required =
        "a new column cannot be required, as it has no default for files from before "
        "it: add " +
        required + " as optional";
  }
  return Status::InvalidArgument(rows + (rows.empty() || required.empty() ? "" : "; ") +
                                 required);
}

Result<FieldId> Evolution::Find(const std::string& path) const {
  const auto id = schema_.FindId(path);
  if (id) return *id;
  std::vector<std::string_view> names;
  for (const NestedField& field : schema_.fields()) names.push_back(field.name);
  const std::string_view nearest = base::NearestWord(path, names);
  return Status::NotFound(
      "there is no column " + path +
      (nearest.empty() ? std::string() : "; is " + std::string(nearest) + " meant?"));
}

Status Evolution::At(const std::string& path, const Edit& edit) {
  FIRN_ASSIGN_OR_RETURN(const FieldId id, Find(path));
  Type root(std::move(schema_.root));
  const auto found = EditBelow(&root, id, false, edit);
  schema_.root = *root.struct_type();
  return found.status();
}

Status Evolution::AtField(const std::string& path, const Edit& edit) {
  return At(
      path,
      [&](const Type& parent, std::vector<NestedField>& fields,
          std::size_t index) -> Status {
        if (parent.struct_type() == nullptr) {
          return Status::InvalidArgument(path + " is the " + fields[index].name +
                                         " of a list or map, and no field of a struct");
        }
        return edit(parent, fields, index);
      });
}

Status Evolution::InsertField(std::vector<NestedField>* fields, const AddColumn& change) {
  if (FindName(*fields, change.name) != fields->end()) {
    return Status::AlreadyExists("the name is taken");
  }
  NestedField field{FieldId(static_cast<std::int32_t>(++last_id_)), change.name,
                    change.required, AssignFreshIds(change.type, &last_id_), change.doc};
  field.initial_default = change.default_value;
  field.write_default = change.default_value;
  fields->push_back(std::move(field));
  return Status::OK();
}

Status Evolution::operator()(const AddColumn& change) {
  if (change.parent.empty()) {
    return InsertField(&schema_.root.fields, change).With("add column " + change.name);
  }
  const Status added = At(
      change.parent,
      [&](const Type&, std::vector<NestedField>& fields, std::size_t index) -> Status {
        Type& parent = fields[index].type;
        // The struct is the parent itself, or what a list or map holds.
        std::vector<NestedField> children = ChildFields(parent);
        const bool is_struct = parent.struct_type() != nullptr;
        if (!is_struct &&
            (children.empty() || children.back().type.struct_type() == nullptr)) {
          return Status::InvalidArgument("type " + parent.ToString() + " has no fields");
        }
        if (is_struct) {
          FIRN_RETURN_IF_ERROR(InsertField(&children, change));
        } else {
          std::vector<NestedField> inner = ChildFields(children.back().type);
          FIRN_RETURN_IF_ERROR(InsertField(&inner, change));
          children.back().type = StructType{std::move(inner)};
        }
        parent = WithChildFields(parent, std::move(children));
        return Status::OK();
      });
  return added.With("add column " + change.parent + "." + change.name);
}

Status Evolution::CheckIdentifiesNothing(const NestedField& field) const {
  for (const FieldId id : schema_.identifier_field_ids) {
    const auto path = PathTo(field, id);
    if (!path.has_value()) continue;
    const std::string what = field.id == id ? "it" : "column " + *path + " in it";
    return Status::InvalidArgument(
        what + " identifies rows: take it out of the identifier fields first");
  }
  return Status::OK();
}

Status Evolution::CheckDrop(const NestedField& field) const {
  FIRN_RETURN_IF_ERROR(CheckIdentifiesNothing(field));
  for (const PartitionField& partition : table_.default_spec().fields) {
    if (Holds(field, partition.source_id)) {
      return Status::InvalidArgument("partition field " + partition.name +
                                     " is made of it: remove that first");
    }
  }
  for (const SortField& sort : table_.default_sort_order().fields) {
    if (Holds(field, sort.source_id)) {
      return Status::InvalidArgument(
          "the table is sorted by it: change the sort order first");
    }
  }
  return Status::OK();
}

Status Evolution::operator()(const DropColumn& change) {
  return AtField(change.path,
                 [&](const Type&, std::vector<NestedField>& fields,
                     std::size_t index) -> Status {
                   FIRN_RETURN_IF_ERROR(CheckDrop(fields[index]));
                   fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(index));
                   return Status::OK();
                 })
      .With("drop column " + change.path);
}

Status Evolution::operator()(const RenameColumn& change) {
  return AtField(
             change.path,
             [&](const Type&, std::vector<NestedField>& fields,
                 std::size_t index) -> Status {
               const auto taken = FindName(fields, change.name);
               if (taken != fields.end() && taken->id != fields[index].id) {
                 return Status::AlreadyExists("the name " + change.name + " is taken");
               }
               fields[index].name = change.name;
               return Status::OK();
             })
      .With("rename column " + change.path);
}

Status Evolution::operator()(const MoveColumn& change) {
  return AtField(change.path,
                 [&](const Type&, std::vector<NestedField>& fields,
                     std::size_t index) -> Status {
                   if (change.place != Place::kFirst &&
                       change.sibling == fields[index].name) {
                     return Status::InvalidArgument(
                         "its place is given beside itself: name another column");
                   }
                   NestedField moved = std::move(fields[index]);
                   fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(index));
                   auto at = fields.begin();
                   if (change.place != Place::kFirst) {
                     at = FindName(fields, change.sibling);
                     if (at == fields.end()) {
                       return Status::NotFound("there is no other field " +
                                               change.sibling + " beside it");
                     }
                     if (change.place == Place::kAfter) ++at;
                   }
                   fields.insert(at, std::move(moved));
                   return Status::OK();
                 })
      .With("move column " + change.path);
}

Status Evolution::operator()(const MakeOptional& change) {
  return At(change.path,
            [&](const Type&, std::vector<NestedField>& fields,
                std::size_t index) -> Status {
              FIRN_RETURN_IF_ERROR(CheckIdentifiesNothing(fields[index]));
              fields[index].required = false;
              return Status::OK();
            })
      .With("make column " + change.path + " optional");
}

Status Evolution::CheckPartitions(FieldId id) const {
  for (const PartitionField& field : table_.default_spec().fields) {
    if (field.source_id == id && !KeepsDates(field.transform)) {
      return Status::InvalidArgument("partition field " + field.name +
                                     " would have other values: remove that first");
    }
  }
  return Status::OK();
}

Status Evolution::Widen(NestedField* field, const PrimitiveType& type) const {
  const PrimitiveType* from = field->type.primitive();
  if (from == nullptr) {
    return Status::InvalidArgument("type " + field->type.ToString() +
                                   " is no primitive type");
  }
  if (!CanPromote(*from, type, table_.format_version)) {
    field->type = type;  // Told with what else does not go together.
    return Status::OK();
  }
  if (*from != type && from->kind == PrimitiveKind::kDate) {
    FIRN_RETURN_IF_ERROR(CheckPartitions(field->id));
  }
  for (OptionalValue* value : {&field->initial_default, &field->write_default}) {
    if (!value->has_value()) continue;
    OptionalValue widened = Promote(**value, type);
    if (!widened) {
      return Status::InvalidArgument("its default does not fit type " + ToString(type));
    }
    *value = std::move(widened);
  }
  field->type = type;
  return Status::OK();
}

Status Evolution::operator()(const WidenType& change) {
  return At(change.path,
            [&](const Type&, std::vector<NestedField>& fields, std::size_t index) {
              return Widen(&fields[index], change.type);
            })
      .With("widen column " + change.path);
}

Status Evolution::operator()(const SetDoc& change) {
  return AtField(change.path,
                 [&](const Type&, std::vector<NestedField>& fields, std::size_t index) {
                   fields[index].doc = change.doc;
                   return Status::OK();
                 })
      .With("document column " + change.path);
}

Status Evolution::operator()(const SetWriteDefault& change) {
  return AtField(change.path,
                 [&](const Type&, std::vector<NestedField>& fields, std::size_t index) {
                   fields[index].write_default = change.value;
                   return Status::OK();
                 })
      .With("set the default of column " + change.path);
}

Status Evolution::operator()(const SetIdentifierFields& change) {
  schema_.identifier_field_ids.clear();
  for (const std::string& path : change.paths) {
    const auto id = Find(path);
    if (!id.ok()) return id.status().With("set identifier fields");
    schema_.identifier_field_ids.push_back(*id);
  }
  return Status::OK();
}

Status Evolution::operator()(const UnionByName& change) {
  return UnionStructs(&schema_.root.fields, change.schema.fields())
      .With("make room for columns");
}

Status Evolution::UnionStructs(std::vector<NestedField>* mine,
                               const std::vector<NestedField>& theirs) {
  for (const NestedField& field : theirs) {
    const auto found = FindName(*mine, field.name);
    const Status status =
        found != mine->end()
            ? UnionFields(&*found, field)
            : InsertField(mine, {"", field.name, field.type, false, field.doc, {}});
    FIRN_RETURN_IF_ERROR(status.With(field.name));
  }
  return Status::OK();
}

Status Evolution::UnionFields(NestedField* mine, const NestedField& theirs) {
  mine->required = mine->required && (theirs.required || Identifies(mine->id));
  if (mine->doc.empty()) mine->doc = theirs.doc;
  if (IsUnknown(theirs.type)) return Status::OK();
  if (IsUnknown(mine->type) && theirs.type.primitive() == nullptr) {
    mine->type = AssignFreshIds(theirs.type, &last_id_);
    return Status::OK();
  }
  return UnionTypes(mine, theirs.type);
}

Status Evolution::UnionTypes(NestedField* mine, const Type& theirs) {
  if (mine->type.node().index() != theirs.node().index()) {
    return Status::InvalidArgument("type " + theirs.ToString() + " does not go into " +
                                   mine->type.ToString());
  }
  if (const PrimitiveType* type = theirs.primitive()) {
    const bool fits = CanPromote(*type, *mine->type.primitive(), table_.format_version);
    return fits ? Status::OK() : Widen(mine, *type);
  }
  std::vector<NestedField> children = ChildFields(mine->type);
  const std::vector<NestedField> their_children = ChildFields(theirs);
  if (theirs.struct_type() != nullptr) {
    FIRN_RETURN_IF_ERROR(UnionStructs(&children, their_children));
  } else {
    for (std::size_t i = 0; i < children.size(); ++i) {
      const NestedField before = children[i];
      FIRN_RETURN_IF_ERROR(
          UnionFields(&children[i], their_children[i]).With(before.name));
      const bool is_key = i == 0 && theirs.map() != nullptr;
      if (is_key && children[i] != before) {
        return Status::InvalidArgument(
            "keys of a map cannot change: values are found by them");
      }
    }
  }
  mine->type = WithChildFields(mine->type, std::move(children));
  return Status::OK();
}

}  // namespace

Type AssignFreshIds(const Type& type, std::int64_t* last_id) {
  std::vector<NestedField> children = ChildFields(type);
  for (NestedField& child : children) {
    child.id = FieldId(static_cast<std::int32_t>(++*last_id));
  }
  for (NestedField& child : children) child.type = AssignFreshIds(child.type, last_id);
  return WithChildFields(type, std::move(children));
}

Result<Schema> EvolveSchema(const TableMetadata& table,
                            const std::vector<SchemaChange>& changes) {
  Evolution evolution(table);
  for (const SchemaChange& change : changes) {
    FIRN_RETURN_IF_ERROR(evolution.Apply(change));
  }
  return std::move(evolution).Finish();
}

}  // namespace firn::iceberg

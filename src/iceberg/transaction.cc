// SPDX-License-Identifier: Apache-2.0
#include "iceberg/transaction.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "iceberg/apply_updates.h"

namespace firn::iceberg {
namespace {

// Whether `column` has to be added to `schema`: false where it is there.
Result<bool> IsNewColumn(const Schema& schema, const TableMetadata& metadata,
                         const NestedField& column) {
  const auto same_name =
      std::find_if(schema.fields().begin(), schema.fields().end(),
                   [&](const NestedField& field) { return field.name == column.name; });
  if (same_name != schema.fields().end()) {
    if (same_name->id == column.id && same_name->type == column.type) return false;
    return Status::AlreadyExists("column " + column.name + " exists with id " +
                                 same_name->id.ToString() + " and type " +
                                 same_name->type.ToString());
  }
  for (const Schema& other : metadata.schemas) {
    if (other.FindType(column.id) != nullptr) {
      return Status::AlreadyExists("column id " + column.id.ToString() +
                                   " belongs to column " + other.FindName(column.id));
    }
  }
  return true;
}

}  // namespace

bool Transaction::empty() const {
  return append_.files.empty() && set_properties_.empty() && remove_properties_.empty() &&
         add_columns_.empty();
}

void Transaction::Append(std::vector<DataFile> files,
                         std::map<std::string, std::string> summary) {
  append_.files.insert(append_.files.end(), std::make_move_iterator(files.begin()),
                       std::make_move_iterator(files.end()));
  for (auto& [key, value] : summary) append_.summary[key] = std::move(value);
}

void Transaction::SetProperties(std::map<std::string, std::string> properties) {
  for (auto& [key, value] : properties) {
    std::erase(remove_properties_, key);
    set_properties_[key] = std::move(value);
  }
}

void Transaction::RemoveProperties(std::vector<std::string> keys) {
  for (std::string& key : keys) {
    set_properties_.erase(key);
    remove_properties_.push_back(std::move(key));
  }
}

Status Transaction::AddColumn(const NestedField& column) {
  if (column.required) {
    return Status::InvalidArgument(
        "column " + column.name +
        ": rows that are there have no value, so a column that "
        "is added is optional");
  }
  FIRN_ASSIGN_OR_RETURN(const bool is_new,
                        IsNewColumn(base_->current_schema(), *base_, column));
  if (is_new) add_columns_.push_back(column);
  return Status::OK();
}

Result<TableCommit> Transaction::BuildCommit(const base::Context& context,
                                             const ManifestIo& manifests,
                                             const base::Clock& clock,
                                             RandomSource& random,
                                             std::vector<std::string>* written) const {
  FIRN_ASSERT(!empty());
  TableCommit commit;
  commit.requirements.push_back(AssertTableUuid{base_->table_uuid});
  // Also where no file is added: what the caller looked at is then still what it changes.
  commit.requirements.push_back(
      AssertRefSnapshotId{std::string(kMainBranch), base_->current_snapshot_id});

  TableMetadata base = *base_;
  Schema schema = base.current_schema();
  for (const NestedField& column : add_columns_) {
    FIRN_ASSIGN_OR_RETURN(const bool is_new, IsNewColumn(schema, base, column));
    if (is_new) schema.root.fields.push_back(column);
  }
  if (!schema.SameColumns(base.current_schema())) {
    commit.requirements.push_back(AssertCurrentSchemaId{base.current_schema_id});
    commit.requirements.push_back(AssertLastAssignedFieldId{base.last_column_id});
    commit.updates.push_back(AddSchema{std::move(schema)});
    commit.updates.push_back(SetCurrentSchema{});
    // The snapshot is written with the schema as it will be.
    FIRN_ASSIGN_OR_RETURN(
        base, ApplyUpdates(*base_, "", commit.updates, base_->last_updated_ms));
  }
  if (!set_properties_.empty())
    commit.updates.push_back(iceberg::SetProperties{set_properties_});
  if (!remove_properties_.empty()) {
    commit.updates.push_back(iceberg::RemoveProperties{remove_properties_});
  }
  if (!append_.files.empty()) {
    FIRN_ASSIGN_OR_RETURN(Snapshot snapshot, WriteAppend(context, manifests, clock,
                                                         random, base, append_, written));
    commit.updates.push_back(AddSnapshot{snapshot});
    SnapshotRef main;
    const auto existing = base.refs.find(std::string(kMainBranch));
    if (existing != base.refs.end()) main = existing->second;
    main.snapshot_id = snapshot.id;
    commit.updates.push_back(SetSnapshotRef{std::string(kMainBranch), main});
    commit.snapshot = std::move(snapshot);
  }
  return commit;
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "table/equality_set.h"

#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "table/column_projection.h"

namespace firn::table {
namespace {

// The top-level field that the column is, or is in, in the current schema or else in the
// newest that had it.
std::optional<iceberg::NestedField> FindEver(const iceberg::TableMetadata& metadata,
                                             iceberg::FieldId id) {
  const auto find =
      [&](const iceberg::Schema& schema) -> std::optional<iceberg::NestedField> {
    for (const iceberg::NestedField& field : schema.fields()) {
      if (auto only = OnlyField(field, id)) return only;
    }
    return std::nullopt;
  };
  if (auto found = find(metadata.current_schema())) return found;
  for (auto schema = metadata.schemas.rbegin(); schema != metadata.schemas.rend();
       ++schema) {
    if (auto found = find(*schema)) return found;
  }
  return std::nullopt;
}

// What a key takes in the set beside its bytes.
constexpr std::int64_t kKeyOverheadBytes = 72;

std::string NameOf(const iceberg::DeleteFile& file) {
  return "equality delete file " + file.file.file_path;
}

}  // namespace

Result<EqualityColumns> FindEqualityColumns(const iceberg::TableMetadata& metadata,
                                            const std::vector<iceberg::FieldId>& ids) {
  EqualityColumns columns;
  for (const iceberg::FieldId id : ids) {
    auto field = FindEver(metadata, id);
    SourceColumn source;
    source.path.push_back(static_cast<int>(columns.fields.size()));
    const iceberg::NestedField* leaf = field ? &*field : nullptr;
    while (leaf != nullptr && leaf->id != id) {
      leaf = &leaf->type.struct_type()->fields.front();
      source.path.push_back(0);
    }
    if (leaf == nullptr || leaf->type.primitive() == nullptr) {
      return Status::Corruption(
          "equality column " + id.ToString() +
          (leaf == nullptr ? " is none that the table ever had" : " is not a primitive"));
    }
    source.type = *leaf->type.primitive();
    columns.sources.push_back(std::move(source));
    columns.fields.push_back(*std::move(field));
  }
  return columns;
}

RowKeyEncoder EqualityColumns::EncoderAt(int first_column) const {
  std::vector<KeyField> keys;
  for (const SourceColumn& source : sources) {
    KeyField key;
    key.source = source;
    key.source->path.front() += first_column;
    key.transform = iceberg::Transform::Identity();
    key.result = source.type;
    key.one_nan = true;
    keys.push_back(std::move(key));
  }
  return RowKeyEncoder(std::move(keys));
}

Result<std::unique_ptr<const EqualitySet>> EqualitySet::Load(
    const base::Context& context, const ScanEnvironment& environment,
    const NameMappings& mappings, const iceberg::TableMetadata& metadata,
    const std::vector<iceberg::DeleteFilePtr>& files, std::shared_ptr<ScanTotal> total) {
  FIRN_ASSERT(!files.empty());
  auto columns = FindEqualityColumns(metadata, files.front()->file.equality_ids);
  if (!columns.ok()) return columns.status().With(NameOf(*files.front()));
  auto set = std::make_unique<EqualitySet>();
  FIRN_ASSIGN_OR_RETURN(set->memory_, base::ByteReservation::Make(context.budget(), 0));
  for (const iceberg::DeleteFilePtr& file : files) {
    FIRN_RETURN_IF_ERROR(
        set->Add(context, environment, mappings, *columns, *file, total));
  }
  return std::unique_ptr<const EqualitySet>(std::move(set));
}

Status EqualitySet::Add(const base::Context& context, const ScanEnvironment& environment,
                        const NameMappings& mappings, const EqualityColumns& columns,
                        const iceberg::DeleteFile& file,
                        std::shared_ptr<ScanTotal> total) {
  ProjectedRead read;
  read.columns = columns.fields;
  read.needs_all_columns = true;
  FIRN_ASSIGN_OR_RETURN(const auto stream,
                        OpenProjected(context, environment, mappings, file.file, nullptr,
                                      read, std::move(total)));
  const RowKeyEncoder encoder = columns.EncoderAt(0);
  arrow::MemoryPool* const pool =
      environment.pool != nullptr ? environment.pool : arrow::default_memory_pool();
  while (true) {
    FIRN_RETURN_IF_ERROR(context.Check());
    FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
    if (batch == nullptr) return Status::OK();
    FIRN_ASSIGN_OR_RETURN(const auto keys, encoder.Encode(*batch, pool));
    std::int64_t bytes = 0;
    for (std::int64_t row = 0; row < keys->length(); ++row) {
      const auto [at, is_new] =
          newest_.try_emplace(std::string(keys->GetView(row)), file.sequence_number);
      if (is_new) {
        bytes += static_cast<std::int64_t>(at->first.size()) + kKeyOverheadBytes;
      } else {
        at->second = std::max(at->second, file.sequence_number);
      }
    }
    // A batch is bounded, so that counting after it is near enough.
    FIRN_RETURN_IF_ERROR(memory_.Grow(bytes).With(NameOf(file)));
  }
}

}  // namespace firn::table

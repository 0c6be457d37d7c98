// SPDX-License-Identifier: Apache-2.0
#include "table/projected_file.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "expr/conjuncts.h"
#include "iceberg/schema_arrow.h"
#include "parquet/reader.h"
#include "table/column_projection.h"
#include "table/file_columns.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

// What a scan did with rows and row groups is about data. What it read for that is not
// all of data.
scan::ScanStats WhatCounts(iceberg::FileContent content, const scan::ScanStats& stats) {
  if (content == iceberg::FileContent::kData) return stats;
  scan::ScanStats read;
  read.bytes_read = stats.bytes_read;
  read.requests = stats.requests;
  return read;
}

// A table's files are never replaced: where readers speak of another writer, the file is
// not what the table's manifests say of it.
Status OfTableFile(const Status& status) {
  return status.Is(StatusCode::kConflict)
             ? Status::Corruption(std::string(status.message()))
             : status;
}

// One of the columns wanted: where the inner batches have it, and what is made of it.
struct ProjectedColumn {
  int source = -1;
  ColumnProjection projection;
};

class ProjectedStream final : public scan::BatchStream {
 public:
  ProjectedStream(std::unique_ptr<scan::BatchStream> inner,
                  std::shared_ptr<arrow::Schema> schema,
                  std::vector<ProjectedColumn> columns, const iceberg::DataFile& file,
                  std::shared_ptr<ScanTotal> total, arrow::MemoryPool* pool)
      : inner_(std::move(inner)),
        schema_(std::move(schema)),
        columns_(std::move(columns)),
        location_(file.file_path),
        content_(file.content),
        total_(std::move(total)),
        pool_(pool != nullptr ? pool : arrow::default_memory_pool()) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  scan::ScanStats stats() const override { return inner_->stats(); }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    Result<std::shared_ptr<arrow::RecordBatch>> next = inner_->Next();
    Count();
    if (!next.ok()) return OfTableFile(next.status());
    if (*next == nullptr) return next;
    const arrow::RecordBatch& batch = **next;
    std::vector<ArrayPtr> columns;
    for (const ProjectedColumn& column : columns_) {
      auto projected = column.projection.Apply(
          column.source < 0 ? nullptr : batch.column(column.source), batch.num_rows(),
          pool_);
      if (!projected.ok()) return projected.status().With(location_);
      columns.push_back(*std::move(projected));
    }
    if (static_cast<int>(columns.size()) < schema_->num_fields()) {
      columns.push_back(batch.column(batch.num_columns() - 1));
    }
    return arrow::RecordBatch::Make(schema_, batch.num_rows(), std::move(columns));
  }

 private:
  void Count() {
    const scan::ScanStats now = inner_->stats();
    scan::ScanStats more = now;
    more -= counted_;
    total_->Add(WhatCounts(content_, more));
    counted_ = now;
  }

  const std::unique_ptr<scan::BatchStream> inner_;
  const std::shared_ptr<arrow::Schema> schema_;
  const std::vector<ProjectedColumn> columns_;
  const std::string location_;
  const iceberg::FileContent content_;
  const std::shared_ptr<ScanTotal> total_;
  arrow::MemoryPool* const pool_;
  scan::ScanStats counted_;
};

// Opens one file and reads it.
class Opener {
 public:
  Opener(const iceberg::DataFile& file, const iceberg::PartitionSpec* spec,
         const ProjectedRead& read)
      : file_(file), spec_(spec), read_(read) {}

  Result<std::unique_ptr<scan::BatchStream>> Open(const base::Context& context,
                                                  const ScanEnvironment& environment,
                                                  const NameMappings& mappings,
                                                  std::shared_ptr<ScanTotal> total) {
    // A table's files are never replaced, and its metadata knows how long they are.
    FIRN_ASSIGN_OR_RETURN(
        const std::unique_ptr<parquet::FileReader> reader,
        parquet::FileReader::Open(context, environment.store, file_.file_path,
                                  static_cast<std::uint64_t>(file_.file_size_bytes),
                                  environment.ReaderOptionsFor(file_.file_path)));
    total->Add(StatsOf(reader->opening()));
    auto found = FileColumns::Make(*reader, mappings);
    if (!found.ok()) return found.status().With(file_.file_path);
    parquet::ScanSpec scan;
    scan.batch_rows = kScanBatchRows;
    scan.threads = read_.threads;
    scan.row_positions = read_.row_positions;
    scan.predicate = read_.predicate;
    for (const auto& [name, id] : read_.predicate_fields) {
      scan.predicate_columns.push_back(found->PruningRefOf(name, id));
    }
    FIRN_RETURN_IF_ERROR(FindColumns(*found, *reader, scan).With(file_.file_path));
    LimitRowGroups(*reader, scan);
    FIRN_ASSIGN_OR_RETURN(parquet::FilePlan plan, reader->Plan(context, scan));
    total->Add(WhatCounts(file_.content, StatsOf(plan)));
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<scan::BatchStream> inner,
                          reader->Read(context, scan, std::move(plan)));
    FIRN_RETURN_IF_ERROR(MakeProjections(*found, *inner->schema()).With(file_.file_path));
    return std::make_unique<ProjectedStream>(
        std::move(inner), arrow::schema(std::move(fields_)), std::move(columns_), file_,
        std::move(total), environment.pool);
  }

 private:
  // What the reader shall call a column: nothing that a predicate names, for that may be
  // another column of the same name.
  static std::string InnerName(int place) {
    return std::string(1, '\0') + std::to_string(place);
  }

  // Which columns of the file are read, and which of them each wanted one is made of.
  Status FindColumns(const FileColumns& file, const parquet::FileReader& reader,
                     parquet::ScanSpec& scan) {
    std::vector<ColumnParts> parts;  // By place in `places_`.
    for (std::size_t i = 0; i < read_.columns.size(); ++i) {
      const iceberg::NestedField& field = read_.columns[i];
      const int place = file.Find(field.id);
      ProjectedColumn& column = columns_.emplace_back();
      if (place < 0) {
        if (!read_.needs_all_columns) continue;
        return Status::Corruption("column " + field.name + " (field id " +
                                  field.id.ToString() + ") is not in the file");
      }
      const auto at = std::find(places_.begin(), places_.end(), place);
      column.source = static_cast<int>(at - places_.begin());
      if (at == places_.end()) {
        places_.push_back(place);
        parts.emplace_back();
      }
      file.AddParts(place, field, LeftOutOf(i),
                    parts[static_cast<std::size_t>(column.source)]);
    }
    scan.columns.emplace();
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const std::size_t before = scan.columns->size();
      file.AddRefs(places_[i], InnerName(places_[i]), parts[i], *scan.columns);
      if (!reader.HasColumn((*scan.columns)[before])) {
        return Status::Corruption("two columns are called " +
                                  file.field(places_[i])->name() +
                                  ", and neither has an id");
      }
    }
    return Status::OK();
  }

  const std::set<iceberg::FieldId>& LeftOutOf(std::size_t column) const {
    static const std::set<iceberg::FieldId> kNone;
    return column < read_.left_out.size() ? read_.left_out[column] : kNone;
  }

  Status MakeProjections(const FileColumns& file, const arrow::Schema& batches) {
    const PartitionConstants constants = [this](iceberg::FieldId id) {
      return PartitionValueOf(id);
    };
    iceberg::Schema wanted;
    wanted.root.fields = read_.columns;
    FIRN_ASSIGN_OR_RETURN(const auto types, iceberg::ToArrowSchema(wanted));
    fields_ = types->fields();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::shared_ptr<arrow::Field> in_file;
      if (const int source = columns_[i].source; source >= 0) {
        in_file = file.AsRead(places_[static_cast<std::size_t>(source)],
                              batches.field(source)->type());
      }
      FIRN_ASSIGN_OR_RETURN(
          columns_[i].projection,
          ColumnProjection::Make(in_file.get(), read_.columns[i], fields_[i]->type(),
                                 constants, LeftOutOf(i)));
    }
    if (read_.row_positions) {
      fields_.push_back(arrow::field(parquet::kRowPositionColumn, arrow::int64(), false));
    }
    return Status::OK();
  }

  const iceberg::OptionalValue* PartitionValueOf(iceberg::FieldId id) const {
    if (spec_ == nullptr || file_.partition.size() != spec_->fields.size()) {
      return nullptr;
    }
    for (std::size_t i = 0; i < spec_->fields.size(); ++i) {
      const iceberg::PartitionField& field = spec_->fields[i];
      if (field.source_id == id &&
          field.transform.kind == iceberg::TransformKind::kIdentity) {
        return &file_.partition[i];
      }
    }
    return nullptr;
  }

  void LimitRowGroups(const parquet::FileReader& reader, parquet::ScanSpec& scan) const {
    if (read_.first_byte == 0 && read_.end_byte == kEndOfFile) return;
    int first = 0;
    int end = reader.row_group_count();
    const auto begins = [&](int group) { return reader.row_group(group).first_byte; };
    for (int group = 1; group < end; ++group) {
      if (begins(group - 1) <= begins(group)) continue;
      // Not in the order in which they lie, of which a range could take some: the first
      // range has all of them.
      scan.row_group_first = 0;
      scan.row_group_end = read_.first_byte == 0 ? end : 0;
      return;
    }
    while (first < end && begins(first) < read_.first_byte) ++first;
    while (first < end && begins(end - 1) >= read_.end_byte) --end;
    scan.row_group_first = first;
    scan.row_group_end = end;
  }

  const iceberg::DataFile& file_;
  const iceberg::PartitionSpec* const spec_;
  const ProjectedRead& read_;
  std::vector<int> places_;  // In the file, of each column that is read.
  arrow::FieldVector fields_;
  std::vector<ProjectedColumn> columns_;
};

}  // namespace

NameMappings::NameMappings(const iceberg::TableMetadata& metadata) {
  const std::string* text = metadata.FindProperty(iceberg::kPropertyNameMapping);
  if (text == nullptr) {
    status_ = Status::InvalidArgument(
        std::string("its columns have no field ids, and the table has no name mapping "
                    "to find them by; set the property ") +
        iceberg::kPropertyNameMapping);
    return;
  }
  auto mapping = iceberg::NameMappingFromJson(*text);
  status_ = mapping.status().With(iceberg::kPropertyNameMapping);
  if (mapping.ok()) mapping_ = *std::move(mapping);
}

Result<const iceberg::NameMapping*> NameMappings::Get() const {
  FIRN_RETURN_IF_ERROR(status_);
  return &mapping_;
}

std::vector<std::pair<std::string, iceberg::FieldId>> PredicateFields(
    const expr::PredicatePtr& predicate, const iceberg::Schema& schema) {
  std::vector<std::pair<std::string, iceberg::FieldId>> fields;
  if (predicate == nullptr) return fields;
  for (const std::string& name : expr::ColumnsOf(*predicate)) {
    const iceberg::NestedField* field = schema.FindColumn(name);
    // A name that the schema lacks shall find none of the file's either.
    fields.emplace_back(name, field == nullptr ? kNoField : field->id);
  }
  return fields;
}

Result<std::unique_ptr<scan::BatchStream>> OpenProjected(
    const base::Context& context, const ScanEnvironment& environment,
    const NameMappings& mappings, const iceberg::DataFile& file,
    const iceberg::PartitionSpec* spec, const ProjectedRead& read,
    std::shared_ptr<ScanTotal> total) {
  const char* const what =
      file.content == iceberg::FileContent::kData ? "data file " : "delete file ";
  if (file.file_format != iceberg::FileFormat::kParquet) {
    return Status::Unimplemented(what + file.file_path +
                                 " is not Parquet, which is all that is read");
  }
  if (file.key_metadata) {
    return Status::Unimplemented(what + file.file_path +
                                 " is encrypted, which is not read");
  }
  auto opened =
      Opener(file, spec, read).Open(context, environment, mappings, std::move(total));
  if (!opened.ok()) return OfTableFile(opened.status());
  return opened;
}

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
#include "table/file_source.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <atomic>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "parquet/reader.h"
#include "table/data_files.h"
#include "table/file_stream.h"
#include "table/scan_total.h"
#include "table/type_widening.h"

namespace firn::table {
namespace {

// Each file that is kept open holds a descriptor, a footer and its page indexes.
constexpr std::size_t kOpenFilesMax = 64;

using ReaderPtr = std::shared_ptr<const parquet::FileReader>;

struct SourceFile {
  std::string location;
  std::int64_t row_count = 0;
  ReaderPtr reader;  // Null where it is opened again for its split.
};

std::string InLowerCase(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// What batches have a file's column as: no query engine reads halves, and text need not
// be copied out of its pages.
std::shared_ptr<arrow::DataType> BatchType(
    const std::shared_ptr<arrow::DataType>& file_type) {
  switch (file_type->id()) {
    case arrow::Type::HALF_FLOAT:
      return arrow::float32();
    case arrow::Type::STRING:
      return arrow::utf8_view();
    case arrow::Type::BINARY:
      return arrow::binary_view();
    default:
      return file_type;
  }
}

// Opens files and counts what that reads.
class FileOpener {
 public:
  FileOpener(const base::Context& context, const ScanEnvironment& environment)
      : context_(context), environment_(environment) {}

  // `object` may be null: it is opened.
  Result<ReaderPtr> Open(const std::string& location,
                         std::unique_ptr<io::ObjectReader> object,
                         scan::ScanStats& counts) const {
    const parquet::ReaderOptions options = environment_.ReaderOptionsFor(location);
    FIRN_ASSIGN_OR_RETURN(
        std::unique_ptr<parquet::FileReader> reader,
        object != nullptr
            ? parquet::FileReader::Open(context_, std::move(object), location, options)
            : parquet::FileReader::Open(context_, environment_.store, location,
                                        std::nullopt, options));
    counts += StatsOf(reader->opening());
    return ReaderPtr(std::move(reader));
  }

  const base::Context& context() const { return context_; }
  arrow::MemoryPool* pool() const { return environment_.pool; }

 private:
  const base::Context& context_;
  const ScanEnvironment environment_;
};

// The schema of several files, one after the other. A column keeps the place where it was
// first seen.
class SchemaMerge {
 public:
  Status Add(const std::string& location, const arrow::Schema& schema) {
    std::map<std::string, std::string> names;  // Lower case to the file's own.
    for (const auto& field : schema.fields()) {
      const auto [it, added] = names.emplace(InLowerCase(field->name()), field->name());
      if (!added) {
        return Status::InvalidArgument(location + ": columns " + it->second + " and " +
                                       field->name() + " have one name in SQL");
      }
      FIRN_RETURN_IF_ERROR(AddField(location, *field));
    }
    for (auto& [key, column] : columns_) {
      if (!names.contains(key)) column.in_every_file = false;
    }
    is_first_ = false;
    return Status::OK();
  }

  std::shared_ptr<arrow::Schema> Finish() const {
    arrow::FieldVector fields(columns_.size());
    for (const auto& [key, column] : columns_) {
      fields[column.place] = arrow::field(column.name, BatchType(column.type),
                                          column.nullable || !column.in_every_file);
    }
    return arrow::schema(std::move(fields));
  }

 private:
  struct Column {
    std::string name;
    std::size_t place = 0;
    std::shared_ptr<arrow::DataType> type;
    bool nullable = false;
    bool in_every_file = true;
    std::string location;  // The file that gave it its type.
  };

  Status AddField(const std::string& location, const arrow::Field& field) {
    const std::string key = InLowerCase(field.name());
    const std::shared_ptr<arrow::DataType>& type = field.type();
    const auto found = columns_.find(key);
    if (found == columns_.end()) {
      columns_.emplace(key, Column{field.name(), columns_.size(), type, field.nullable(),
                                   is_first_, location});
      return Status::OK();
    }
    Column& column = found->second;
    if (column.name != field.name()) {
      return Status::InvalidArgument(location + ": column " + field.name() + " is " +
                                     column.name + " in " + column.location);
    }
    column.nullable = column.nullable || field.nullable();
    const auto common = CommonType(column.type, type);
    if (common == nullptr) {
      return Status::InvalidArgument(
          location + ": column " + field.name() + " is " + field.type()->ToString() +
          ", expected " + column.type->ToString() + " as in " + column.location);
    }
    if (!common->Equals(*column.type)) {
      column.type = common;
      column.location = location;
    }
    return Status::OK();
  }

  std::map<std::string, Column> columns_;
  bool is_first_ = true;
};

// What opening the files read. It belongs to the first plan that is asked what it read;
// plans that are only made for their size are not asked. Thread-safe.
class OpeningCounts {
 public:
  explicit OpeningCounts(const scan::ScanStats& counts) : counts_(counts) {}
  int NewPlan() { return ++plans_; }
  scan::ScanStats Claim(int plan) {
    int nobody = 0;
    return owner_.compare_exchange_strong(nobody, plan) || nobody == plan
               ? counts_
               : scan::ScanStats();
  }

 private:
  const scan::ScanStats counts_;
  std::atomic<int> plans_{0};
  std::atomic<int> owner_{0};
};

// A part of a plan: a file that is opened for it, or what was planned of an open one.
struct Split {
  const SourceFile* file = nullptr;
  std::optional<parquet::FilePlan> plan;
};

class FilesPlan final : public scan::ScanPlan {
 public:
  FilesPlan(const FileOpener& opener, std::shared_ptr<arrow::Schema> schema,
            const scan::ScanRequest& request, std::int64_t row_count,
            std::shared_ptr<OpeningCounts> opening)
      : opener_(opener),
        schema_(std::move(schema)),
        predicate_(request.predicate),
        parts_(request.parts),
        row_count_(row_count),
        opening_(std::move(opening)),
        id_(opening_->NewPlan()),
        total_(std::make_shared<ScanTotal>(scan::ScanStats())) {}

  // Prune `file`, if it is open, and cut it into splits. It must outlive the plan.
  Status Add(const SourceFile& file) {
    scan::ScanStats stats;
    stats.files_planned = 1;
    if (file.reader == nullptr) {
      splits_.push_back({&file, std::nullopt});
      total_->Add(stats);
      return Status::OK();
    }
    FIRN_ASSIGN_OR_RETURN(parquet::FilePlan plan,
                          file.reader->Plan(opener_.context(), SpecOf(*file.reader)));
    stats += StatsOf(plan);
    if (plan.row_groups.empty() && file.row_count > 0) {
      stats.files_planned = 0;
      stats.files_pruned = 1;
    }
    total_->Add(stats);
    for (parquet::RowGroupPlan& row_group : plan.row_groups) {
      parquet::FilePlan part;
      part.row_groups.push_back(std::move(row_group));
      splits_.push_back({&file, std::move(part)});
    }
    return Status::OK();
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  Result<bool> HasSplit(std::size_t index) override { return index < splits_.size(); }
  std::int64_t estimated_rows() const override { return row_count_; }
  scan::ScanStats stats() const override {
    scan::ScanStats stats = total_->Get();
    stats += opening_->Claim(id_);
    return stats;
  }

  Result<std::unique_ptr<scan::BatchStream>> OpenSplit(std::size_t index) override {
    if (index >= splits_.size()) return std::unique_ptr<scan::BatchStream>();
    const Split& split = splits_[index];
    ReaderPtr reader = split.file->reader;
    if (reader == nullptr) {
      scan::ScanStats counts;
      FIRN_ASSIGN_OR_RETURN(reader, opener_.Open(split.file->location, nullptr, counts));
      total_->Add(counts);
      FIRN_RETURN_IF_ERROR(CheckTypes(split.file->location, *reader));
    }
    const parquet::ScanSpec spec = SpecOf(*reader);
    parquet::FilePlan plan;
    if (split.plan.has_value()) {
      plan = *split.plan;
    } else {
      FIRN_ASSIGN_OR_RETURN(plan, reader->Plan(opener_.context(), spec));
      total_->Add(StatsOf(plan));
    }
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<scan::BatchStream> inner,
                          reader->Read(opener_.context(), spec, std::move(plan)));
    std::vector<int> sources;
    for (const auto& field : schema_->fields()) {
      sources.push_back(inner->schema()->GetFieldIndex(field->name()));
    }
    return MakeFileStream(std::move(inner), schema_, std::move(sources), total_,
                          opener_.pool());
  }

 private:
  // The columns that the file has of those asked for.
  parquet::ScanSpec SpecOf(const parquet::FileReader& reader) const {
    parquet::ScanSpec spec;
    spec.batch_rows = kScanBatchRows;
    spec.text_form = parquet::TextForm::kViews;
    spec.columns.emplace();
    for (const auto& field : schema_->fields()) {
      AddRefs(field->name(), reader, *spec.columns);
    }
    spec.predicate = predicate_;
    return spec;
  }

  // Add what is read of a column: the parts asked for, or all of it where one of them
  // cannot be told from another name with dots or is not in the file.
  void AddRefs(const std::string& column, const parquet::FileReader& reader,
               std::vector<parquet::ColumnRef>& refs) const {
    if (!reader.HasColumn({column})) return;
    const std::size_t before = refs.size();
    for (const std::vector<std::string>& part : parts_) {
      if (part.front() != column) continue;
      std::string path;
      bool has_dots = false;
      for (const std::string& name : part) {
        path += (path.empty() ? "" : ".") + name;
        has_dots = has_dots || name.find('.') != name.npos;
      }
      if (part.size() == 1 || has_dots || reader.schema()->GetFieldIndex(path) >= 0 ||
          !reader.HasColumn({path})) {
        refs.resize(before);
        break;
      }
      refs.push_back({std::move(path)});
    }
    if (refs.size() == before) refs.push_back({column});
  }

  // A file that was replaced since the plan was made may have become another.
  Status CheckTypes(const std::string& location,
                    const parquet::FileReader& reader) const {
    for (const auto& field : schema_->fields()) {
      const auto now = reader.schema()->GetFieldByName(field->name());
      if (now == nullptr) continue;
      const auto type = BatchType(now->type());
      if (type->Equals(*field->type()) || IsNarrower(*type, *field->type())) continue;
      return Status::Conflict(location + ": column " + field->name() + " has become " +
                              now->type()->ToString() + " since the query began");
    }
    return Status::OK();
  }

  const FileOpener& opener_;
  const std::shared_ptr<arrow::Schema> schema_;
  const expr::PredicatePtr predicate_;
  const std::vector<std::vector<std::string>> parts_;
  const std::int64_t row_count_;
  const std::shared_ptr<OpeningCounts> opening_;
  const int id_;
  const std::shared_ptr<ScanTotal> total_;
  std::vector<Split> splits_;
};

class FilesSource final : public scan::BatchSource {
 public:
  FilesSource(const base::Context& context, const ScanEnvironment& environment)
      : opener_(context, environment) {}

  Status Open(DataFiles files) {
    SchemaMerge schema;
    scan::ScanStats counts;
    for (std::string& location : files.locations) {
      FIRN_RETURN_IF_ERROR(opener_.context().Check());
      FIRN_ASSIGN_OR_RETURN(const ReaderPtr reader,
                            opener_.Open(location, std::move(files.only), counts));
      FIRN_RETURN_IF_ERROR(schema.Add(location, *reader->schema()));
      const bool stays = files.locations.size() <= kOpenFilesMax;
      row_count_ += reader->row_count();
      files_.push_back(
          {std::move(location), reader->row_count(), stays ? reader : nullptr});
    }
    schema_ = schema.Finish();
    opening_ = std::make_shared<OpeningCounts>(counts);
    return Status::OK();
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Result<std::unique_ptr<scan::ScanPlan>> Plan(
      const base::Context&, const scan::ScanRequest& request) override {
    arrow::FieldVector fields = schema_->fields();
    if (request.columns.has_value()) {
      fields.clear();
      for (const std::string& name : *request.columns) {
        fields.push_back(schema_->GetFieldByName(name));
        if (fields.back() == nullptr) return Status::NotFound("no column " + name);
      }
    }
    auto plan = std::make_unique<FilesPlan>(opener_, arrow::schema(std::move(fields)),
                                            request, row_count_, opening_);
    for (const SourceFile& file : files_) {
      FIRN_RETURN_IF_ERROR(opener_.context().Check());
      FIRN_RETURN_IF_ERROR(plan->Add(file));
    }
    return std::unique_ptr<scan::ScanPlan>(std::move(plan));
  }

 private:
  const FileOpener opener_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<SourceFile> files_;
  std::int64_t row_count_ = 0;
  std::shared_ptr<OpeningCounts> opening_;
};

}  // namespace

Result<std::shared_ptr<scan::BatchSource>> MakeFileSource(
    const base::Context& context, const ScanEnvironment& environment,
    std::string_view location) {
  FIRN_ASSIGN_OR_RETURN(DataFiles files,
                        FindDataFiles(context, environment.store, location));
  auto source = std::make_shared<FilesSource>(context, environment);
  FIRN_RETURN_IF_ERROR(source->Open(std::move(files)));
  return std::shared_ptr<scan::BatchSource>(std::move(source));
}

}  // namespace firn::table

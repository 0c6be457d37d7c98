// SPDX-License-Identifier: Apache-2.0
#include "table/dead_letter_table.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "iceberg/commit.h"
#include "iceberg/new_snapshot.h"
#include "iceberg/schema_text.h"
#include "table/arrow_status.h"
#include "table/data_file_writer.h"
#include "table/new_table.h"
#include "table/row_import.h"
#include "wire/arrow_json.h"

namespace firn::table {
namespace {

constexpr std::string_view kColumns =
    "quarantined_at timestamptz required, import_id string required, source string, "
    "row long, column string, reason string required, record string required";
// Few rows are expected, and the table's own writer has its memory beside this one.
constexpr std::int64_t kWriterBytesMax = std::int64_t{64} << 20;
// Rows are given to the writer when so many, or so many bytes of them, are there.
constexpr std::int64_t kBatchRows = 1024;
constexpr std::int64_t kBatchBytes = std::int64_t{1} << 20;
// A longer text is cut, and ends with what says so.
constexpr std::size_t kTextBytesMax = std::size_t{4} << 20;
constexpr std::string_view kCut = " [cut]";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// `text` as a column of text takes it: not too long, and UTF-8.
std::string Kept(std::string_view text) {
  const bool is_cut = text.size() > kTextBytesMax;
  if (is_cut) text = text.substr(0, kTextBytesMax);
  if (!is_cut && base::IsValidUtf8(text)) return std::string(text);
  std::string out;
  out.reserve(text.size() + kCut.size());
  while (!text.empty()) {
    const std::size_t size = base::DecodeUtf8(text).size_bytes;
    out += size > 0 ? text.substr(0, size) : kReplacement;
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  if (is_cut) out += kCut;
  return out;
}

Result<iceberg::Schema> SchemaOfLetters() {
  return iceberg::ParseSchemaText(kColumns, iceberg::kFormatVersionWrittenMax);
}

// A table that is there already may be anybody's.
Status CheckTakesLetters(const iceberg::TableMetadata& table) {
  const std::string why =
      "is where rows that are quarantined go, and this table does not take them: ";
  const std::string remedy =
      "; import without quarantine, or into a table of another name";
  const iceberg::Schema& schema = table.current_schema();
  FIRN_ASSIGN_OR_RETURN(const iceberg::Schema wanted, SchemaOfLetters());
  for (const iceberg::NestedField& field : wanted.root.fields) {
    const iceberg::NestedField* const is = schema.FindColumn(field.name);
    if (is != nullptr && is->type == field.type) continue;
    return Status::InvalidArgument(why + "it has no column " + field.name + " of " +
                                   field.type.ToString() + remedy);
  }
  for (const iceberg::NestedField& field : schema.root.fields) {
    if (!field.required || wanted.FindColumn(field.name) != nullptr) continue;
    return Status::InvalidArgument(why + "its column " + field.name + " is required" +
                                   remedy);
  }
  return iceberg::CheckFilesAreWritable(table);
}

}  // namespace

class DeadLetterTable::Columns {
 public:
  explicit Columns(arrow::MemoryPool* pool)
      : at_(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), pool),
        import_id_(pool),
        source_(pool),
        row_(pool),
        column_(pool),
        reason_(pool),
        record_(pool) {}

  Status Append(std::int64_t now_us, const std::string& import_id,
                const std::string& source, const RejectedRow& row) {
    FIRN_RETURN_IF_ERROR(FromArrow(at_.Append(now_us)));
    FIRN_RETURN_IF_ERROR(FromArrow(import_id_.Append(import_id)));
    FIRN_RETURN_IF_ERROR(FromArrow(source_.Append(Kept(source))));
    FIRN_RETURN_IF_ERROR(FromArrow(row_.Append(row.row)));
    FIRN_RETURN_IF_ERROR(FromArrow(
        row.column.empty() ? column_.AppendNull() : column_.Append(Kept(row.column))));
    const std::string reason = Kept(row.reason);
    const std::string record = Kept(row.record);
    FIRN_RETURN_IF_ERROR(FromArrow(reason_.Append(reason)));
    FIRN_RETURN_IF_ERROR(FromArrow(record_.Append(record)));
    bytes_ += static_cast<std::int64_t>(reason.size() + record.size());
    return Status::OK();
  }

  std::int64_t rows() const { return at_.length(); }
  bool full() const { return rows() >= kBatchRows || bytes_ >= kBatchBytes; }

  Result<std::shared_ptr<arrow::RecordBatch>> Finish() {
    const std::int64_t count = rows();
    const std::pair<const char*, arrow::ArrayBuilder*> builders[] = {
        {"quarantined_at", &at_}, {"import_id", &import_id_}, {"source", &source_},
        {"row", &row_},           {"column", &column_},       {"reason", &reason_},
        {"record", &record_}};
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    for (const auto& [name, builder] : builders) {
      fields.push_back(arrow::field(name, builder->type()));
      FIRN_ASSIGN_OR_RETURN(auto column, FromArrow(builder->Finish()));
      columns.push_back(std::move(column));
    }
    bytes_ = 0;
    return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), count,
                                    std::move(columns));
  }

 private:
  arrow::TimestampBuilder at_;
  arrow::StringBuilder import_id_;
  arrow::StringBuilder source_;
  arrow::Int64Builder row_;
  arrow::StringBuilder column_;
  arrow::StringBuilder reason_;
  arrow::StringBuilder record_;
  std::int64_t bytes_ = 0;
};

DeadLetterTable::DeadLetterTable(const base::Context& context,
                                 const RowEnvironment& environment,
                                 const iceberg::TableIdentifier& table,
                                 std::string import_id)
    : context_(context),
      environment_(environment),
      identifier_{table.name_space, table.name + kQuarantineSuffix},
      import_id_(std::move(import_id)) {}

DeadLetterTable::~DeadLetterTable() {
  writer_.reset();
  if (!made_) return;
  DropUnusedTable(environment_.commit.catalog, environment_.scan.store, *table_);
}

void DeadLetterTable::SetSource(std::string source,
                                std::function<std::int64_t(std::int64_t)> row_number) {
  source_ = std::move(source);
  row_number_ = std::move(row_number);
}

Status DeadLetterTable::OpenTable() {
  iceberg::Catalog& catalog = environment_.commit.catalog;
  auto loaded = catalog.LoadTable(context_, identifier_);
  bool made = false;
  if (loaded.status().Is(StatusCode::kNotFound)) {
    FIRN_ASSIGN_OR_RETURN(iceberg::Schema schema, SchemaOfLetters());
    FIRN_ASSIGN_OR_RETURN(
        const iceberg::CreateTableRequest request,
        NewTableRequest(identifier_, std::move(schema), {"day(quarantined_at)", "", {}}));
    loaded = MakeTable(context_, catalog, request);
    made = loaded.ok();
    if (loaded.status().Is(StatusCode::kAlreadyExists)) {
      auto rivals = catalog.LoadTable(context_, identifier_);
      if (!rivals.status().Is(StatusCode::kNotFound)) loaded = std::move(rivals);
    }
  }
  if (loaded.status().Is(StatusCode::kCommitUnknown)) {
    // Of this table alone: nothing of the import was committed.
    return Status::Unavailable(std::string(loaded.status().message()));
  }
  FIRN_RETURN_IF_ERROR(loaded.status());
  FIRN_RETURN_IF_ERROR(CheckTakesLetters(*loaded->metadata));
  table_ = std::move(*loaded);
  made_ = made;
  columns_ = std::make_unique<Columns>(environment_.scan.pool != nullptr
                                           ? environment_.scan.pool
                                           : arrow::default_memory_pool());
  TableWriterOptions options;
  options.memory_bytes_max = kWriterBytesMax;
  io::Store& store = table_->StoreOr(environment_.scan.store);
  FIRN_ASSIGN_OR_RETURN(
      writer_,
      TableWriter::Make({{context_, store, environment_.commit.clock, environment_.ulids},
                         environment_.spill_files,
                         environment_.spill_directory},
                        *table_, options));
  return Status::OK();
}

Status DeadLetterTable::Add(const RejectedRow& row) {
  if (writer_ == nullptr) {
    const Status opened = OpenTable();
    if (!opened.ok()) return opened.With(identifier_.ToString());
  }
  ++rows_;
  FIRN_RETURN_IF_ERROR(columns_->Append(environment_.commit.clock.NowMs() * 1000,
                                        import_id_, source_, row));
  return columns_->full() ? FlushColumns() : Status::OK();
}

Status DeadLetterTable::FlushColumns() {
  if (columns_->rows() == 0) return Status::OK();
  FIRN_ASSIGN_OR_RETURN(const auto batch, columns_->Finish());
  return writer_->Write(*batch);
}

Status DeadLetterTable::Add(const arrow::RecordBatch& batch,
                            const std::vector<InvalidRow>& invalid) {
  for (const InvalidRow& fault : invalid) {
    RejectedRow row;
    row.row = row_number_(fault.row);
    row.column = fault.column;
    row.reason = fault.reason;
    wire::AppendRecordJson(row.record, batch, fault.row);
    FIRN_RETURN_IF_ERROR(Add(row));
  }
  return Status::OK();
}

Status DeadLetterTable::Commit() {
  if (writer_ == nullptr) return Status::OK();
  FIRN_RETURN_IF_ERROR(FlushColumns());
  iceberg::AppendFiles append;
  FIRN_ASSIGN_OR_RETURN(append.files, std::move(*writer_).Finish());
  append.summary = {{kImportIdKey, import_id_}};
  iceberg::CommitOptions options;
  options.table_uuid = table_->metadata->table_uuid;
  BegunFiles written(table_->StoreOr(environment_.scan.store));
  for (const iceberg::DataFile& file : append.files) written.Add(file.file_path);
  const auto committed = iceberg::CommitWithRetry(
      context_, environment_.commit, identifier_,
      [&](const iceberg::LoadedTable&,
          iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
        transaction.Add(append);
        return iceberg::BuildDecision::kCommit;
      },
      options);
  if (committed.ok() || committed.status().Is(StatusCode::kCommitUnknown)) {
    written.KeepAll();
    made_ = false;
  }
  writer_.reset();
  if (committed.status().Is(StatusCode::kCommitUnknown)) {
    return Status::Unavailable("quarantine " + identifier_.ToString() + ": " +
                               std::string(committed.status().message()) +
                               "; nothing else was taken, and rows that were quarantined "
                               "for it have import_id " +
                               import_id_);
  }
  return committed.status().With("quarantine " + identifier_.ToString());
}

}  // namespace firn::table

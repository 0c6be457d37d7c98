// SPDX-License-Identifier: Apache-2.0
#include "table/table_writer.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "table/arrow_status.h"
#include "table/take_rows.h"

namespace firn::table {
namespace {

// Less is not enough for the pages of one file and a batch on its way.
constexpr std::int64_t kMemoryBytesMin = std::int64_t{16} << 20;
// A batch is taken in steps of this part of the memory; of a quarter of that once three
// quarters of the memory are in use.
constexpr std::int64_t kStepsInMemory = 16;
constexpr std::int64_t kDictionariesInMemory = 256;
constexpr std::int64_t kStepRowsMax = 1 << 16;
constexpr std::int64_t kStepRowsMin = 256;

Status CheckOptions(const TableWriterEnvironment& environment,
                    const TableWriterOptions& options) {
  if (options.memory_bytes_max < kMemoryBytesMin) {
    return Status::InvalidArgument(
        "memory_bytes_max of " + std::to_string(options.memory_bytes_max) +
        ", at least " + std::to_string(kMemoryBytesMin) + " are needed");
  }
  const std::pair<const char*, std::int64_t> positive[] = {
      {"file_bytes_target", options.file_bytes_target},
      {"file_bytes_max", options.file_bytes_max},
      {"pool_bytes", options.pool_bytes},
      {"open_files_max", options.open_files_max},
      {"spill_bytes_max", options.spill_bytes_max}};
  for (const auto& [name, value] : positive) {
    if (value <= 0) {
      return Status::InvalidArgument(std::string(name) + " of " + std::to_string(value) +
                                     " must be above 0");
    }
  }
  if (options.on_invalid == OnInvalid::kQuarantine &&
      environment.dead_letters == nullptr) {
    return Status::InvalidArgument("on_invalid is quarantine, without dead letters");
  }
  return Status::OK();
}

std::vector<InvalidRow> AllRows(std::int64_t count, std::string_view reason) {
  std::vector<InvalidRow> out;
  for (std::int64_t row = 0; row < count; ++row) {
    out.push_back({row, "", std::string(reason)});
  }
  return out;
}

Result<std::shared_ptr<arrow::RecordBatch>> WithoutInvalid(const CheckedBatch& checked,
                                                           arrow::MemoryPool* pool) {
  std::vector<std::uint32_t> valid;
  auto next = checked.invalid.begin();
  for (std::int64_t row = 0; row < checked.rows->num_rows(); ++row) {
    if (next != checked.invalid.end() && next->row == row) {
      ++next;
    } else {
      valid.push_back(static_cast<std::uint32_t>(row));
    }
  }
  FIRN_ASSIGN_OR_RETURN(auto columns, TakeRows(checked.rows->columns(), valid, pool));
  return arrow::RecordBatch::Make(checked.rows->schema(),
                                  static_cast<std::int64_t>(valid.size()),
                                  std::move(columns));
}

}  // namespace

TableWriter::TableWriter(const TableWriterEnvironment& environment,
                         iceberg::LoadedTable table, const TableWriterOptions& options,
                         BatchValidator validator, PartitionRouter router)
    : environment_(environment),
      table_(std::move(table)),
      options_(options),
      validator_(std::move(validator)),
      router_(std::move(router)),
      budget_("table writer", options.memory_bytes_max),
      pool_(budget_),
      begun_(environment.files.store) {}

TableWriter::~TableWriter() = default;

Result<std::unique_ptr<TableWriter>> TableWriter::Make(
    const TableWriterEnvironment& environment, const iceberg::LoadedTable& table,
    const TableWriterOptions& options) {
  FIRN_RETURN_IF_ERROR(CheckOptions(environment, options));
  const iceberg::TableMetadata& metadata = *table.metadata;
  const iceberg::Schema& schema = metadata.current_schema();
  FIRN_ASSIGN_OR_RETURN(auto validator, BatchValidator::Make(schema));
  FIRN_ASSIGN_OR_RETURN(auto router,
                        PartitionRouter::Make(metadata.default_spec(), schema));
  std::unique_ptr<TableWriter> writer(new TableWriter(
      environment, table, options, std::move(validator), std::move(router)));
  FIRN_RETURN_IF_ERROR(writer->MakeSorter());
  return writer;
}

Status TableWriter::MakeSorter() {
  const iceberg::TableMetadata& metadata = *table_.metadata;
  const iceberg::Schema& schema = metadata.current_schema();
  const bool sorted = options_.sort && !metadata.default_sort_order().is_unsorted();
  if (sorted) {
    FIRN_ASSIGN_OR_RETURN(auto fields,
                          PartitionKeyFields(metadata.default_spec(), schema));
    FIRN_ASSIGN_OR_RETURN(const auto order,
                          SortKeyFields(metadata.default_sort_order(), schema));
    fields.insert(fields.end(), order.begin(), order.end());
    order_.emplace(std::move(fields));
  }
  const std::int64_t quarter = options_.memory_bytes_max / 4;
  sorter_ = std::make_unique<ExternalSorter>(
      SortEnvironment{environment_.files.context, environment_.spill_files,
                      environment_.spill_directory, environment_.files.ulids, &pool_},
      validator_.schema(),
      SortOptions{std::min(options_.pool_bytes, quarter), quarter,
                  options_.spill_bytes_max, options_.sort_as_one});
  // The hash table of a dictionary has up to eight places for each value, of 24 bytes for
  // one of eight.
  parquet::WriterOptions parquet = options_.parquet;
  parquet.dictionary_bytes = std::min(parquet.dictionary_bytes,
                                      options_.memory_bytes_max / kDictionariesInMemory);
  DataFileForm form = MakeDataFileForm(metadata, parquet, sorted);
  form.metrics = options_.metrics;
  open_files_ = std::make_unique<OpenFiles>(
      environment_.files, table_, validator_.schema(), options_, std::move(form), budget_,
      begun_,
      [this](iceberg::DataFile file) {
        finished_.push_back(std::move(file));
        return Status::OK();
      },
      stats_);
  return Status::OK();
}

Status TableWriter::Remember(Status outcome) {
  if (!outcome.ok()) failed_ = outcome;
  return outcome;
}

Status TableWriter::Write(const arrow::RecordBatch& batch) {
  if (!failed_.ok()) return failed_;
  if (batch.num_rows() == 0) return Status::OK();
  const auto rows = Validate(batch);
  if (!rows.ok()) {
    return rows.status().Is(StatusCode::kInvalidArgument) ? rows.status()
                                                          : Remember(rows.status());
  }
  return *rows == nullptr ? Status::OK() : Remember(Take(*rows));
}

// The rows that the table takes; null where it takes none.
Result<std::shared_ptr<arrow::RecordBatch>> TableWriter::Validate(
    const arrow::RecordBatch& batch) {
  auto checked = validator_.Check(batch, &pool_);
  if (checked.ok() && environment_.check_rows) {
    FIRN_RETURN_IF_ERROR(environment_.check_rows(*checked));
  }
  const std::string table = table_.identifier.ToString();
  if (checked.ok() && checked->invalid.empty()) return checked->rows;
  if (options_.on_invalid == OnInvalid::kFail) {
    if (!checked.ok()) return checked.status().With(table);
    const auto& invalid = checked->invalid;
    const InvalidRow& first = invalid.front();
    const std::string said = environment_.row_name
                                 ? environment_.row_name(first.row) +
                                       (first.column.empty() ? "" : ", column ") +
                                       first.column + ": " + first.reason
                                 : first.ToString();
    return Status::InvalidArgument(
        table + ": " + said +
        (invalid.size() > 1
             ? " (and " + std::to_string(invalid.size() - 1) + " further rows)"
             : ""));
  }
  if (!checked.ok() && !checked.status().Is(StatusCode::kInvalidArgument)) {
    return checked.status();
  }
  const std::vector<InvalidRow> invalid =
      checked.ok() ? checked->invalid
                   : AllRows(batch.num_rows(), checked.status().message());
  // A sink that fails must not look like a batch that may be mended and sent again.
  const Status kept = environment_.dead_letters->Add(batch, invalid);
  if (!kept.ok()) return Remember(kept.With("quarantine of " + table));
  stats_.rows_quarantined += static_cast<std::int64_t>(invalid.size());
  if (!checked.ok()) return std::shared_ptr<arrow::RecordBatch>();
  return WithoutInvalid(*checked, &pool_);
}

Status TableWriter::Take(const std::shared_ptr<arrow::RecordBatch>& rows) {
  if (rows->num_rows() == 0) return Status::OK();
  FIRN_ASSIGN_OR_RETURN(const std::int64_t bytes,
                        FromArrow(arrow::util::ReferencedBufferSize(*rows)));
  row_bytes_ = std::max<std::int64_t>(1, bytes / rows->num_rows());
  for (std::int64_t done = 0; done < rows->num_rows();) {
    FIRN_RETURN_IF_ERROR(environment_.files.context.Check());
    std::int64_t step_bytes = options_.memory_bytes_max / kStepsInMemory;
    if (budget_.used_bytes() > budget_.limit_bytes() / 4 * 3) step_bytes /= 4;
    std::int64_t step = std::min(step_bytes / row_bytes_, kStepRowsMax);
    step = std::min(std::max(step, kStepRowsMin), rows->num_rows() - done);
    FIRN_RETURN_IF_ERROR(TakeStep(rows->Slice(done, step)));
    done += step;
    stats_.rows += step;
  }
  return Status::OK();
}

Status TableWriter::TakeStep(const std::shared_ptr<arrow::RecordBatch>& rows) {
  if (!order_.has_value()) return WriteRouted(rows);
  FIRN_ASSIGN_OR_RETURN(auto keys, order_->Encode(*rows, &pool_));
  return Sort({rows, std::move(keys)});
}

// Rows of partitions that have a file, or may have one, into it; the others are sorted.
Status TableWriter::WriteRouted(const std::shared_ptr<arrow::RecordBatch>& rows) {
  FIRN_ASSIGN_OR_RETURN(const RoutedBatch routed, router_.Route(rows, &pool_));
  FIRN_RETURN_IF_ERROR(open_files_->NextTurn());
  arrow::BinaryBuilder keys(&pool_);
  std::int64_t waiting_begin = 0;
  const auto sort_waiting = [&](std::int64_t end) -> Status {
    KeyedRows waiting;
    if (waiting_begin == end) return Status::OK();
    waiting.rows = routed.rows->Slice(waiting_begin, end - waiting_begin);
    FIRN_RETURN_IF_ERROR(FromArrow(keys.Finish(&waiting.keys)));
    return Sort(std::move(waiting));
  };
  for (const PartitionRows& partition : routed.partitions) {
    FIRN_ASSIGN_OR_RETURN(const bool room, open_files_->MakeRoom(partition.key));
    if (!room) {
      for (std::int64_t row = partition.begin; row < partition.end; ++row) {
        FIRN_RETURN_IF_ERROR(FromArrow(keys.Append(partition.key)));
      }
      continue;
    }
    FIRN_RETURN_IF_ERROR(sort_waiting(partition.begin));
    FIRN_RETURN_IF_ERROR(open_files_->Write(
        partition, *routed.rows->Slice(partition.begin, partition.end - partition.begin),
        row_bytes_));
    waiting_begin = partition.end;
  }
  return sort_waiting(routed.rows->num_rows());
}

// Rows that come in the order of their partitions: one file at a time.
Status TableWriter::WriteClustered(const std::shared_ptr<arrow::RecordBatch>& rows) {
  FIRN_ASSIGN_OR_RETURN(const RoutedBatch routed, router_.Route(rows, &pool_));
  FIRN_RETURN_IF_ERROR(open_files_->NextTurn());
  for (const PartitionRows& partition : routed.partitions) {
    FIRN_RETURN_IF_ERROR(open_files_->CloseOthers(partition.key));
    FIRN_RETURN_IF_ERROR(open_files_->Write(
        partition, *routed.rows->Slice(partition.begin, partition.end - partition.begin),
        row_bytes_));
  }
  return Status::OK();
}

Status TableWriter::Sort(KeyedRows rows) {
  const base::Clock& clock = environment_.files.clock;
  const std::int64_t begin_ns = clock.SteadyNs();
  const std::int64_t spilled = sorter_->spilled_bytes_total();
  if (sorter_->empty()) waiting_since_ns_ = begin_ns;
  FIRN_RETURN_IF_ERROR(sorter_->Add(std::move(rows)));
  if (sorter_->spilled_bytes_total() > spilled) {
    stats_.blocked_ns += clock.SteadyNs() - begin_ns;
  }
  return sorter_->full_in_order() || sorter_->at_spill_bound() ? DrainSorter()
                                                               : Status::OK();
}

Status TableWriter::DrainSorter() {
  if (sorter_->empty()) return Status::OK();
  const base::Clock& clock = environment_.files.clock;
  const std::int64_t begin_ns = clock.SteadyNs();
  // Files of an order go on only with rows that come after theirs. Others make room.
  if (!order_.has_value() || !sorter_->continues()) {
    FIRN_RETURN_IF_ERROR(open_files_->CloseAll());
  }
  FIRN_RETURN_IF_ERROR(
      sorter_->Drain([this](const std::shared_ptr<arrow::RecordBatch>& rows) {
        return WriteClustered(rows);
      }));
  stats_.blocked_ns += clock.SteadyNs() - begin_ns;
  return Status::OK();
}

Status TableWriter::Tick() {
  if (!failed_.ok()) return failed_;
  if (options_.rotation_timeout_ms == 0) return Status::OK();
  const std::int64_t before_ns =
      environment_.files.clock.SteadyNs() - options_.rotation_timeout_ms * 1'000'000;
  if (!sorter_->empty() && waiting_since_ns_ <= before_ns) return Flush();
  return Remember(open_files_->CloseOlder(before_ns));
}

Status TableWriter::Flush() {
  if (!failed_.ok()) return failed_;
  FIRN_RETURN_IF_ERROR(Remember(DrainSorter()));
  return Remember(open_files_->CloseAll());
}

std::vector<iceberg::DataFile> TableWriter::TakeFiles() {
  for (const iceberg::DataFile& file : finished_) begun_.Keep(file.file_path);
  return std::exchange(finished_, {});
}

Result<std::vector<iceberg::DataFile>> TableWriter::Finish() && {
  FIRN_RETURN_IF_ERROR(Flush());
  return TakeFiles();
}

TableWriterStats TableWriter::stats() const {
  TableWriterStats stats = stats_;
  stats.spilled_bytes = sorter_->spilled_bytes_total();
  stats.used_bytes = budget_.used_bytes();
  return stats;
}

}  // namespace firn::table

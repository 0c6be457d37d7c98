// SPDX-License-Identifier: Apache-2.0
#include "table/open_files.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace firn::table {
namespace {

// About what an open file holds however few its rows: pages and dictionaries in the
// making, a column each. An estimate, from which the number of open files follows; what
// they really hold is counted.
constexpr std::int64_t kColumnBytesMin = std::int64_t{64} << 10;
// Below this a row group is too small to be worth a file's place.
constexpr std::int64_t kFileBytesMin = std::int64_t{4} << 20;
// A file that so many turns did not touch is cold.
constexpr std::int64_t kColdTurns = 64;
// A file of so many rows, which is not small for a row group, ends when so many others
// went elsewhere. A day of rows in order then leaves memory soon after it is over: of a
// million rows of a week's days in seven files, an import peaks at 233 MB and not
// 293.
constexpr std::int64_t kIdleFileRowsMin = 1 << 16;
constexpr std::int64_t kIdleRows = 1 << 18;

std::int64_t LeavesOf(const arrow::DataType& type) {
  if (type.num_fields() == 0) return 1;
  std::int64_t leaves = 0;
  for (const auto& field : type.fields()) leaves += LeavesOf(*field->type());
  return leaves;
}

}  // namespace

struct OpenFiles::File {
  explicit File(base::ByteBudget& budget) : pool(budget) {}

  parquet::BudgetMemoryPool pool;  // Outlives the writer, which allocates from it.
  std::unique_ptr<DataFileWriter> writer;
  std::int64_t begun_ns = 0;
  std::int64_t last_turn = 0;
  std::int64_t rows_at_last = 0;  // Of all files, when the last row came.
  // Bytes in memory of the rows written, and of those whose row group has ended.
  std::int64_t row_bytes = 0;
  std::int64_t flushed_row_bytes = 0;
  bool row_group_ends = false;

  std::int64_t held_bytes() const { return pool.bytes_allocated(); }
};

OpenFiles::OpenFiles(const DataFileEnvironment& environment,
                     const iceberg::LoadedTable& table,
                     std::shared_ptr<arrow::Schema> schema,
                     const TableWriterOptions& options, DataFileForm form,
                     base::ByteBudget& budget, BegunFiles& begun, FileSink sink,
                     TableWriterStats& stats)
    : environment_(environment),
      table_(table),
      schema_(std::move(schema)),
      options_(options),
      form_(std::move(form)),
      budget_(budget),
      sink_(std::move(sink)),
      stats_(stats),
      begun_(begun) {}

OpenFiles::~OpenFiles() = default;

std::size_t OpenFiles::CountMax() const {
  std::int64_t file_bytes = 0;
  for (const auto& field : schema_->fields()) {
    file_bytes += LeavesOf(*field->type()) * kColumnBytesMin;
  }
  file_bytes = std::max(file_bytes, kFileBytesMin);
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(options_.memory_bytes_max / 2 / file_bytes, 1,
                               std::max(1, options_.open_files_max)));
}

std::int64_t OpenFiles::HeldBytes() const {
  std::int64_t bytes = 0;
  for (const auto& [key, file] : files_) bytes += file->held_bytes();
  return bytes;
}

Status OpenFiles::NextTurn() {
  ++turn_;
  if (!ends_idle_) return Status::OK();
  for (auto at = files_.begin(); at != files_.end();) {
    const File& file = *at->second;
    if (file.writer->row_count() < kIdleFileRowsMin ||
        rows_ - file.rows_at_last < kIdleRows) {
      ++at;
      continue;
    }
    idle_partitions_.insert(at->first);
    FIRN_ASSIGN_OR_RETURN(at, Close(at));
  }
  return Status::OK();
}

Result<bool> OpenFiles::MakeRoom(const std::string& key) {
  if (files_.size() < CountMax() || files_.contains(key)) return true;
  const auto coldest =
      std::min_element(files_.begin(), files_.end(), [](const auto& a, const auto& b) {
        return a.second->last_turn < b.second->last_turn;
      });
  if (coldest->second->last_turn + kColdTurns >= turn_) return false;
  ++stats_.files_rolled_early;
  FIRN_RETURN_IF_ERROR(Close(coldest).status());
  return true;
}

Result<OpenFiles::Files::iterator> OpenFiles::Find(const PartitionRows& partition) {
  const auto found = files_.find(partition.key);
  if (found != files_.end()) return found;
  if (idle_partitions_.contains(partition.key)) ends_idle_ = false;
  auto file = std::make_unique<File>(budget_);
  file->begun_ns = environment_.clock.SteadyNs();
  FIRN_ASSIGN_OR_RETURN(
      file->writer, DataFileWriter::Open(environment_, table_, partition.values, schema_,
                                         form_, &file->pool, &begun_));
  return files_.emplace(partition.key, std::move(file)).first;
}

// How many more rows bring the file to its target.
std::int64_t OpenFiles::RowsLeft(const File& file, std::int64_t row_bytes) const {
  const auto in_memory = static_cast<double>(file.row_bytes - file.flushed_row_bytes);
  const double size = static_cast<double>(file.writer->flushed_bytes()) +
                      in_memory * disk_bytes_per_byte_;
  const double target =
      static_cast<double>(std::min(options_.file_bytes_target, options_.file_bytes_max));
  const double rows =
      (target - size) / (static_cast<double>(row_bytes) * disk_bytes_per_byte_);
  return static_cast<std::int64_t>(std::clamp(rows, 0.0, 1e15));
}

Status OpenFiles::Write(const PartitionRows& partition, const arrow::RecordBatch& rows,
                        std::int64_t row_bytes) {
  std::int64_t done = 0;
  while (done < rows.num_rows()) {
    FIRN_ASSIGN_OR_RETURN(auto file, Find(partition));
    std::int64_t count = RowsLeft(*file->second, row_bytes);
    if (count == 0 && file->second->writer->row_count() > 0) {
      FIRN_RETURN_IF_ERROR(Close(file).status());
      continue;
    }
    count = std::clamp<std::int64_t>(count, 1, rows.num_rows() - done);
    FIRN_RETURN_IF_ERROR(Append(file->second.get(), *rows.Slice(done, count), row_bytes));
    done += count;
    FIRN_RETURN_IF_ERROR(Relieve());
  }
  stats_.open_partitions = static_cast<std::int64_t>(files_.size());
  return Status::OK();
}

Status OpenFiles::Append(File* file, const arrow::RecordBatch& rows,
                         std::int64_t row_bytes) {
  const std::int64_t flushed_before = file->writer->flushed_bytes();
  FIRN_RETURN_IF_ERROR(file->writer->Write(rows));
  if (file->writer->flushed_bytes() > flushed_before && file->row_bytes > 0) {
    file->flushed_row_bytes = file->row_bytes;
    file->row_group_ends = false;
    disk_bytes_per_byte_ = static_cast<double>(file->writer->flushed_bytes()) /
                           static_cast<double>(file->flushed_row_bytes);
  }
  file->row_bytes += rows.num_rows() * row_bytes;
  file->last_turn = turn_;
  rows_ += rows.num_rows();
  file->rows_at_last = rows_;
  return Status::OK();
}

Result<OpenFiles::Files::iterator> OpenFiles::Close(Files::iterator at) {
  const std::unique_ptr<File> file = std::move(at->second);
  const auto next = files_.erase(at);
  stats_.open_partitions = static_cast<std::int64_t>(files_.size());
  FIRN_ASSIGN_OR_RETURN(iceberg::DataFile data, std::move(*file->writer).Finish());
  if (file->row_bytes > 0) {
    disk_bytes_per_byte_ =
        static_cast<double>(data.file_size_bytes) / static_cast<double>(file->row_bytes);
  }
  ++stats_.files;
  stats_.file_bytes += data.file_size_bytes;
  FIRN_RETURN_IF_ERROR(sink_(std::move(data)));
  return next;
}

// Row groups end at their file's next rows, so those asked to are counted as gone. A file
// that gets no rows cannot end one: where memory goes on growing, the largest file ends.
Status OpenFiles::Relieve() {
  const std::int64_t bound = options_.memory_bytes_max / 2;
  std::int64_t held = HeldBytes();
  const auto largest = [&](bool any) {
    auto out = files_.end();
    for (auto at = files_.begin(); at != files_.end(); ++at) {
      if (!any && at->second->row_group_ends) continue;
      if (out == files_.end() || at->second->held_bytes() > out->second->held_bytes()) {
        out = at;
      }
    }
    return out;
  };
  while (held > bound + bound / 4 && files_.size() > 1) {
    const auto file = largest(/*any=*/true);
    held -= file->second->held_bytes();
    ++stats_.files_rolled_early;
    FIRN_RETURN_IF_ERROR(Close(file).status());
  }
  for (const auto& [key, file] : files_) {
    if (file->row_group_ends) held -= file->held_bytes();
  }
  while (held > bound) {
    const auto file = largest(/*any=*/false);
    if (file == files_.end()) break;
    file->second->writer->EndRowGroup();
    file->second->row_group_ends = true;
    ++stats_.row_groups_ended_early;
    held -= file->second->held_bytes();
  }
  return Status::OK();
}

Status OpenFiles::CloseOthers(const std::string& key) {
  for (auto file = files_.begin(); file != files_.end();) {
    if (file->first == key) {
      ++file;
      continue;
    }
    FIRN_ASSIGN_OR_RETURN(file, Close(file));
  }
  return Status::OK();
}

Status OpenFiles::CloseAll() {
  for (auto file = files_.begin(); file != files_.end();) {
    FIRN_ASSIGN_OR_RETURN(file, Close(file));
  }
  return Status::OK();
}

Status OpenFiles::CloseOlder(std::int64_t steady_ns) {
  for (auto file = files_.begin(); file != files_.end();) {
    if (file->second->begun_ns > steady_ns) {
      ++file;
      continue;
    }
    FIRN_ASSIGN_OR_RETURN(file, Close(file));
  }
  return Status::OK();
}

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/settle_files.h"

#include <utility>

#include "table/table_writer.h"
#include "tsdb/tables.h"

namespace firn::tsdb {
namespace {

// A settle has the head beside it, which is bounded by much more.
constexpr std::int64_t kSortMemoryBytes = std::int64_t{128} << 20;

class OwnLayout final : public SettleFiles {
 public:
  explicit OwnLayout(std::unique_ptr<table::DataWriter> writer)
      : writer_(std::move(writer)) {}

  bool takes_runs() const override { return true; }
  Status Write(Day day, const arrow::RecordBatch& batch) override {
    return writer_->Write({iceberg::OptionalValue(iceberg::Value(std::int32_t{day}))},
                          batch);
  }
  Result<std::vector<iceberg::DataFile>> Finish() && override {
    return std::move(*writer_).Finish();
  }

 private:
  const std::unique_ptr<table::DataWriter> writer_;
};

class OtherLayout final : public SettleFiles {
 public:
  explicit OtherLayout(std::unique_ptr<table::TableWriter> writer)
      : writer_(std::move(writer)) {}

  bool takes_runs() const override { return false; }
  Status Write(Day, const arrow::RecordBatch& batch) override {
    return writer_->Write(batch);
  }
  Result<std::vector<iceberg::DataFile>> Finish() && override {
    return std::move(*writer_).Finish();
  }

 private:
  const std::unique_ptr<table::TableWriter> writer_;
};

}  // namespace

Result<std::unique_ptr<SettleFiles>> SettleFiles::Make(
    const SettleFilesEnvironment& environment, const iceberg::LoadedTable& table,
    const table::DataWriterOptions& options) {
  if (HasOwnLayout(table)) {
    const table::DataFileEnvironment& files = environment.files;
    FIRN_ASSIGN_OR_RETURN(auto writer,
                          table::DataWriter::Make(files.context, files.store, files.clock,
                                                  files.ulids, table, options));
    return std::make_unique<OwnLayout>(std::move(writer));
  }
  table::TableWriterOptions routed;
  routed.parquet = options.parquet;
  routed.file_bytes_target = options.file_bytes_target;
  routed.memory_bytes_max = kSortMemoryBytes;
  FIRN_ASSIGN_OR_RETURN(
      auto writer, table::TableWriter::Make({environment.files, environment.spill_files,
                                             environment.spill_directory},
                                            table, routed));
  return std::make_unique<OtherLayout>(std::move(writer));
}

}  // namespace firn::tsdb

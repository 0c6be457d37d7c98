// SPDX-License-Identifier: Apache-2.0
#include "cli/parquet_printer.h"

#include <arrow/record_batch.h>

#include <utility>

namespace firn::cli {
namespace {

class StreamOutput final : public FileOutput {
 public:
  explicit StreamOutput(std::ostream& out) : out_(out) {}
  Status Append(std::string_view bytes) override {
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return Check();
  }
  Status Close() override {
    out_.flush();
    return Check();
  }

 private:
  Status Check() const {
    return out_ ? Status::OK() : Status::Unavailable("the output takes no more");
  }
  std::ostream& out_;
};

class ParquetPrinter final : public RowPrinter {
 public:
  ParquetPrinter(std::ostream& out, ParquetOptions options)
      : out_(out), options_(std::move(options)) {}

  Status Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    FIRN_ASSIGN_OR_RETURN(
        writer_,
        ParquetWriter::Open(std::make_unique<StreamOutput>(out_), schema, options_));
    return Status::OK();
  }
  Status Add(const arrow::RecordBatch& batch) override {
    rows_ += batch.num_rows();
    return writer_->Write(batch);
  }
  Status End() override { return writer_->Finish(); }

 private:
  std::ostream& out_;
  const ParquetOptions options_;
  std::unique_ptr<ParquetWriter> writer_;
};

}  // namespace

std::unique_ptr<RowPrinter> MakeParquetPrinter(std::ostream& out,
                                               const ParquetOptions& options) {
  return std::make_unique<ParquetPrinter>(out, options);
}

}  // namespace firn::cli

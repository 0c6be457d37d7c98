// SPDX-License-Identifier: Apache-2.0
#include "firn/parquet_writer.h"

#include <utility>

#include "io/store.h"
#include "parquet/writer.h"

namespace firn {
namespace {

Result<parquet::WriterOptions> LayoutOf(const ParquetOptions& options) {
  parquet::WriterOptions layout;
  if (options.row_group_rows <= 0) {
    return Status::InvalidArgument("row groups of " +
                                   std::to_string(options.row_group_rows) + " rows");
  }
  layout.row_group_rows = options.row_group_rows;
  if (options.compression == "auto") {
    layout.trial.emplace();
    return layout;
  }
  const auto codec = parquet::ParseCodecLevel(options.compression);
  if (!codec.ok()) return codec.status().With("compression");
  layout.codec = codec->codec;
  layout.codec_level = codec->level;
  return layout;
}

class OutputObject final : public io::ObjectWriter {
 public:
  explicit OutputObject(std::unique_ptr<FileOutput> output)
      : output_(std::move(output)) {}
  Status Append(std::string_view bytes) override { return output_->Append(bytes); }
  Status Close() override { return output_->Close(); }

 private:
  const std::unique_ptr<FileOutput> output_;
};

class OutputWriter final : public ParquetWriter {
 public:
  explicit OutputWriter(std::unique_ptr<parquet::FileWriter> writer)
      : writer_(std::move(writer)) {}
  Status Write(const arrow::RecordBatch& batch) override { return writer_->Write(batch); }
  Status Finish() override { return std::move(*writer_).Finish().status(); }

 private:
  const std::unique_ptr<parquet::FileWriter> writer_;
};

}  // namespace

Status CheckParquetOptions(const ParquetOptions& options) {
  return LayoutOf(options).status();
}

Result<std::unique_ptr<ParquetWriter>> ParquetWriter::Open(
    std::unique_ptr<FileOutput> output, const std::shared_ptr<arrow::Schema>& schema,
    const ParquetOptions& options) {
  FIRN_ASSIGN_OR_RETURN(const parquet::WriterOptions layout, LayoutOf(options));
  FIRN_ASSIGN_OR_RETURN(
      std::unique_ptr<parquet::FileWriter> writer,
      parquet::FileWriter::Open(std::make_unique<OutputObject>(std::move(output)), schema,
                                layout));
  return std::unique_ptr<ParquetWriter>(
      std::make_unique<OutputWriter>(std::move(writer)));
}

}  // namespace firn

// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "arrow/record_batch.h"
#include "arrow/util/key_value_metadata.h"

#include "parquet/arrow/writer.h"
#include "parquet/file_body.h"
#include "parquet/object_io.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

class ArrowFile final : public FileBody {
 public:
  explicit ArrowFile(std::unique_ptr<::parquet::arrow::FileWriter> writer)
      : writer_(std::move(writer)) {}

  Status NewRowGroup() override { return FromArrow(writer_->NewBufferedRowGroup()); }
  Status Write(const arrow::RecordBatch& batch) override {
    return FromArrow(writer_->WriteRecordBatch(batch));
  }
  Status Close(
      const std::shared_ptr<const arrow::KeyValueMetadata>& key_values) override {
    if (key_values != nullptr) {
      FIRN_ARROW_RETURN_IF_ERROR(writer_->AddKeyValueMetadata(key_values));
    }
    return FromArrow(writer_->Close());
  }
  std::shared_ptr<::parquet::FileMetaData> metadata() const override {
    return writer_->metadata();
  }

 private:
  const std::unique_ptr<::parquet::arrow::FileWriter> writer_;
};

}  // namespace

Result<std::unique_ptr<FileBody>> OpenArrowFile(const arrow::Schema& schema,
                                                std::shared_ptr<ObjectOutput> sink,
                                                const FileBodyOptions& options) {
  auto opened =
      ::parquet::arrow::FileWriter::Open(schema, options.pool, std::move(sink),
                                         options.properties, options.arrow_properties);
  if (!opened.ok()) return AsArgument(opened.status());
  return std::make_unique<ArrowFile>(std::move(opened).ValueUnsafe());
}

}  // namespace firn::parquet

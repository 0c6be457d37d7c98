// SPDX-License-Identifier: Apache-2.0
// file_body.h: row groups of one Parquet file, as FileWriter fills them.
//
// Two ways to the same format: Arrow's writer takes every type; the run file takes
// columns that are run-end encoded, at a cost by the run instead of by the row, beside
// plain ones.
#pragma once

#include <memory>

#include "arrow/memory_pool.h"
#include "arrow/type_fwd.h"

#include "firn/status.h"
#include "parquet/properties.h"

namespace parquet {
class FileMetaData;
}  // namespace parquet

namespace firn::parquet {

class ObjectOutput;

// Thread-compatible. What Parquet throws comes through. A body that is destroyed without
// Close leaves an object that is no Parquet file.
class FileBody {
 public:
  virtual ~FileBody() = default;
  // End the row group, if there is one, and begin another.
  virtual Status NewRowGroup() = 0;
  // Add rows to the row group. REQUIRES: a row group; the schema's types.
  virtual Status Write(const arrow::RecordBatch& batch) = 0;
  // End the row group and write the footer, with these entries.
  virtual Status Close(
      const std::shared_ptr<const arrow::KeyValueMetadata>& key_values) = 0;
  // REQUIRES: Close succeeded.
  virtual std::shared_ptr<::parquet::FileMetaData> metadata() const = 0;
};

struct FileBodyOptions {
  std::shared_ptr<::parquet::WriterProperties> properties;
  std::shared_ptr<::parquet::ArrowWriterProperties> arrow_properties;
  arrow::MemoryPool* pool;
};

// Any schema without run-end encoding.
Result<std::unique_ptr<FileBody>> OpenArrowFile(const arrow::Schema& schema,
                                                std::shared_ptr<ObjectOutput> sink,
                                                const FileBodyOptions& options);

// A schema with columns that are run-end encoded: text, binary, fixed binary, int32, and
// maps of these; of any other type, runs of NULL only. The other columns are flat.
// InvalidArgument otherwise. REQUIRES: runs that end by int32.
Result<std::unique_ptr<FileBody>> OpenRunFile(const arrow::Schema& schema,
                                              std::shared_ptr<ObjectOutput> sink,
                                              const FileBodyOptions& options);

}  // namespace firn::parquet

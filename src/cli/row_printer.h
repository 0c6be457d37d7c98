// SPDX-License-Identifier: Apache-2.0
// row_printer.h: rows of Arrow batches as text, in the formats of --format.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string_view>

#include "firn/parquet_writer.h"
#include "firn/status.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::cli {

// Thread-compatible. Begin once, Add for each batch, End once; not after an error.
//
//   table   columns with a heading, numbers to the right; widths are those of the first
//           thousand rows, so that printing starts early
//   csv     RFC 4180 with a heading; null is empty, an empty text is ""
//   json    {"columns":[…],"rows":[[…],…]}, as POST /api/v1/sql answers
//   ndjson  one object a line
//   arrow   an Arrow IPC stream
//   parquet one file (parquet_printer.h)
class RowPrinter {
 public:
  // InvalidArgument for a format that is none of these. `out` must outlive the printer.
  static Result<std::unique_ptr<RowPrinter>> Make(std::string_view format,
                                                  std::ostream& out,
                                                  const ParquetOptions& parquet = {});
  virtual ~RowPrinter() = default;

  virtual Status Begin(const std::shared_ptr<arrow::Schema>& schema) = 0;
  virtual Status Add(const arrow::RecordBatch& batch) = 0;
  virtual Status End() = 0;

  std::int64_t rows() const { return rows_; }

 protected:
  std::int64_t rows_ = 0;  // Added so far; each Add counts.
};

}  // namespace firn::cli

// SPDX-License-Identifier: Apache-2.0
// parquet_printer.h: rows as one Parquet file on a stream.
#pragma once

#include <memory>
#include <ostream>

#include "cli/row_printer.h"

#include "firn/parquet_writer.h"

namespace firn::cli {

// As RowPrinter::Make makes it for `parquet`. What is wrong with the options or the types
// of the columns is said by Begin. `out` must outlive the printer.
std::unique_ptr<RowPrinter> MakeParquetPrinter(std::ostream& out,
                                               const ParquetOptions& options);

}  // namespace firn::cli

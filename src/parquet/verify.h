// SPDX-License-Identifier: Apache-2.0
// verify.h: holds what one Parquet file says of itself against what is in it.
//
//   1. Structure: magic numbers, footer, every part inside the file and none on another.
//   2. Each column chunk is read from front to back, page by page: pages decode,
//   checksums
//      are right where there are any, rows and values are as many as the footer says.
//   3. While it is read, row group statistics, page index and bloom filter are compared
//      with the values. Bounds may be wider than the values, as the format allows, and
//      are held to the exact value only where they claim it. Bounds of a type without a
//      known order, such as int96, mean nothing and are not compared. NaN is outside of
//      bounds.
//
// What is damaged is reported and the next chunk is read: one chunk yields the faults up
// to where it could not be read further, and statistics of a chunk that was not read to
// its end are not compared. Memory is that of one page of one chunk, its dictionary, page
// index and bloom filter, and of one word for each page of the chunk.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/context.h"
#include "firn/file_check.h"
#include "firn/status.h"
#include "io/store.h"
#include "parquet/reader.h"

namespace firn::parquet {

struct VerifyOptions {
  // The footer cache is not asked: what is in the file counts.
  ReaderOptions reader;
  std::size_t faults_max = 1000;
  // Called now and then with the share of the file's data that is done, in [0, 1].
  std::function<void(double)> on_progress;
};

// Check the object at `location`, which names it in every fault.
// Errors are of what stands between: what the object or `context` returns,
// PermissionDenied for a file that is encrypted as a whole without a key,
// ResourceExhausted, and Unimplemented for a schema that Arrow does not have. A damaged
// file is no error.
Result<FileCheck> Verify(const base::Context& context,
                         std::shared_ptr<io::ObjectReader> object, std::string location,
                         const VerifyOptions& options);

}  // namespace firn::parquet

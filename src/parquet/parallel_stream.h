// SPDX-License-Identifier: Apache-2.0
// parallel_stream.h: the row groups of a plan, decoded side by side. Internal to this
// room.
//
// 1. Each of N threads claims the next row group of the plan, as long as at most N are
//    claimed beyond the one whose batches are being taken: at most N + 1 are in flight,
//    decoded or being so.
// 2. It puts the batches, in order, into the row group's slot, and its end or its error.
//    A slot that holds a few batches, or ordered some tens of megabytes, makes it wait:
//    until they are taken, which of the first slot they always are.
// 3. Next() takes from the first slot, or, where order does not matter, from any that has
//    a batch. A slot that is at its end and empty goes, which lets the next one begin.
//
// Invariants: slots are those of row groups claimed and not yet given out whole. Ordered,
// what Next() returns is what one thread would return, errors included.
#pragma once

#include <memory>
#include <string>

#include "base/context.h"
#include "io/store.h"
#include "parquet/reader.h"
#include "parquet/row_group_scan.h"
#include "scan/batch.h"

namespace firn::parquet {

struct ParallelOptions {
  int threads = 1;
  bool ordered = true;
};

// The threads start with the first batch asked for. Thread-compatible, as all streams
// are; dropping it stops the threads. `context` must outlive it. REQUIRES: threads > 0.
std::unique_ptr<scan::BatchStream> MakeParallelStream(
    const base::Context& context, std::shared_ptr<io::ObjectReader> object,
    std::string location, ScanShape shape, FilePlan plan, ParallelOptions options);

}  // namespace firn::parquet

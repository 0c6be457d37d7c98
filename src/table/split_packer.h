// SPDX-License-Identifier: Apache-2.0
// split_packer.h: the files of a scan as splits of about equal work.
//
// 1. A file that is longer than a split is cut between row groups.
// 2. Pieces and small files that follow each other go into one split, until the next one
//    would make it larger than it shall be. What a file takes besides its bytes counts as
//    work as well: `open_file_bytes` for it and for each of its delete files.
// 3. The first splits are as small as one file, so that every thread has work at once and
//    a small scan is spread over all of them; their size doubles with every round of the
//    threads, until it is `target_bytes`.
//
// Rows stay in the order of the files: split after split they are those of one split. So
// nothing is kept open for a later file that would fit, and memory is that of one split.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "firn/status.h"
#include "iceberg/plan_stream.h"
#include "iceberg/table_metadata.h"
#include "table/plan_deletes.h"

namespace firn::table {

// Iceberg's table properties `read.split.target-size` and `read.split.open-file-cost`.
struct SplitSizes {
  std::int64_t target_bytes = std::int64_t{128} << 20;
  std::int64_t open_file_bytes = std::int64_t{4} << 20;
};
// What the table's properties say; one that is no such number says nothing, which is in
// the log: how fast a table is read must not decide whether it is.
SplitSizes SplitSizesOf(const iceberg::TableMetadata& metadata);

// Row groups of a file that begin in [first_byte, end_byte).
struct ByteRange {
  std::int64_t first_byte = 0;
  std::int64_t end_byte = 0;
  bool operator==(const ByteRange&) const = default;
};
// Every row group in one range of about `split_bytes`; a file without split offsets, or
// with wrong ones, in one. The last ends at kEndOfFile.
std::vector<ByteRange> CutFile(const iceberg::DataFile& file, std::int64_t split_bytes);

struct SplitPiece {
  std::shared_ptr<PlannedTask> task;
  ByteRange range;
};
using Split = std::vector<SplitPiece>;

// Thread-compatible.
class SplitPacker {
 public:
  // REQUIRES: threads > 0.
  SplitPacker(const SplitSizes& sizes, int threads) : sizes_(sizes), threads_(threads) {}

  void Add(iceberg::ScanTask&& task);
  // No more tasks come.
  void Finish() { Close(); }
  // The splits that are done and were not taken before.
  std::deque<Split> Take() { return std::exchange(done_, {}); }

 private:
  std::int64_t SizeOfNext() const;
  void Close();

  const SplitSizes sizes_;
  const int threads_;
  Split open_;
  std::int64_t open_bytes_ = 0;
  std::int64_t closed_ = 0;
  std::deque<Split> done_;
};

}  // namespace firn::table

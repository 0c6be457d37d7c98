// SPDX-License-Identifier: Apache-2.0
// external_sorter.h: rows in the order of their keys, however many there are.
//
//  1. Rows are held as they come, by reference, up to `buffer_bytes`.
//  2. Rows that came in order leave as they came: nothing is copied or compared again.
//     (Unless others are to be expected that belong between them: spill_in_order.)
//  3. Otherwise the held rows are sorted by their keys and, when the buffer is full,
//     written to a run in the spill directory.
//  4. Drain() gives the rows out: of the buffer alone where nothing was spilled, else by
//     merging the runs. Where there are more runs than fit side by side, neighbours are
//     merged to longer runs first.
//
// The sort is stable: equal keys stay in the order in which they came. To that end a
// merge round takes from each run only what is surely before all that is still unread:
// with the run whose batch ends first as its measure, keys at or below that end from runs
// before it, and below that end from runs after it.
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/ulid.h"
#include "firn/status.h"
#include "io/file.h"
#include "table/spill_run.h"

namespace firn::table {

struct SortEnvironment {
  const base::Context& context;
  io::FileSystem& files;
  std::string spill_directory;  // Made when it is first needed.
  base::UlidSource& ulids;
  arrow::MemoryPool* pool;
};

struct SortOptions {
  std::int64_t buffer_bytes = std::int64_t{100} << 20;  // Of rows and keys held.
  std::int64_t merge_bytes = std::int64_t{100} << 20;   // Of batches of runs, in a merge.
  std::int64_t spill_bytes_max = std::int64_t{64} << 30;
  // Rows in order may be followed by others that belong between them, so that they are
  // held and spilled like all others.
  bool spill_in_order = false;
};

// Whether rows that are put in order have their keys: those that go into a run do.
enum class RowKeys : std::uint8_t { kDropped, kKept };

class ExternalSorter {
 public:
  using Sink = std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>;

  // What `environment` refers to must outlive the sorter.
  ExternalSorter(const SortEnvironment& environment,
                 std::shared_ptr<arrow::Schema> schema, const SortOptions& options);

  // Hold rows. Their memory is the caller's until they leave; spills where the buffer is
  // full and out of order. ResourceExhausted where the disk is full.
  Status Add(KeyedRows batch);

  bool empty() const { return held_.empty() && runs_.empty(); }
  // Whether the buffer is full of rows in order, so that Drain() would cost nothing.
  bool full_in_order() const {
    return !options_.spill_in_order && in_order_ && runs_.empty() && IsFull();
  }
  // Whether all rows added since the last Drain() come after those that it gave out.
  bool continues() const { return continues_; }
  // Whether as much is spilled and held as may be: the owner is to drain.
  bool at_spill_bound() const;
  // In total, over all drains; runs that were merged from runs included.
  std::int64_t spilled_bytes_total() const { return spilled_bytes_total_; }

  // Give all rows out in order; the sorter is empty afterwards.
  Status Drain(const Sink& sink);

 private:
  using RunPtr = std::unique_ptr<SpillRun>;
  // Takes rows in order, and the last of their keys.
  using Output = std::function<Status(const KeyedRows&, std::string_view last_key)>;
  bool IsFull() const { return held_bytes_ >= options_.buffer_bytes; }
  std::int64_t BatchBytes() const;
  std::size_t FanIn() const;
  Result<RunPtr> NewRun();
  Status SpillHeld();
  // Rows of all batches, by their keys, in new batches of BatchBytes(), or of one row:
  // what lies together in the order may be large.
  Status PutInOrder(std::vector<KeyedRows> batches, RowKeys keys_wanted,
                    const Output& out);
  Status SortHeld(RowKeys keys_wanted, const Output& out);
  Status Merge(const std::vector<RunPtr>& runs, RowKeys keys_wanted, const Output& out);
  Status MergeToFanIn();

  const SortEnvironment environment_;
  const std::shared_ptr<arrow::Schema> schema_;
  const SortOptions options_;

  std::vector<KeyedRows> held_;
  std::int64_t held_bytes_ = 0;
  bool in_order_ = true;
  bool continues_ = true;
  std::string last_key_;      // Of the rows held, where they are in order.
  std::string given_key_;     // The last that Drain() gave out.
  std::vector<RunPtr> runs_;  // In the order in which their rows came.
  std::int64_t spilled_bytes_ = 0;
  std::int64_t spilled_bytes_total_ = 0;
  bool directory_made_ = false;
};

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
// take_rows.h: rows of batches, in any order. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "firn/status.h"

namespace arrow {
class Array;
class MemoryPool;
}  // namespace arrow

namespace firn::table {

// A row of one of several batches.
struct RowAt {
  std::uint32_t batch = 0;
  std::uint32_t row = 0;
};

// Gathers rows of batches that stay as they are: each value is copied once. Columns of
// other types than numbers, times, text and bytes (nested ones, single bits) are joined
// to one beforehand, as Arrow's take needs them. Immutable, thread-safe.
class RowGatherer {
 public:
  using Columns = std::vector<std::shared_ptr<arrow::Array>>;

  // ResourceExhausted where the pool is, or where a column that is joined is larger than
  // 2 GiB. REQUIRES: at least one batch; batches alike in the types of their columns;
  // `pool` outlives the gatherer.
  static Result<RowGatherer> Make(std::vector<Columns> batches, arrow::MemoryPool* pool);

  // Each column's values at `rows`. ResourceExhausted where the pool is, or where a
  // column of them would be larger than 2 GiB. REQUIRES: every row is there.
  Result<Columns> Gather(std::span<const RowAt> rows) const;
  // How many of the first of `rows` Gather() would take no more than `bytes` for; one at
  // least, where there is one. REQUIRES: columns of types that tables have
  // (iceberg/schema_arrow.h).
  std::size_t CountWithin(std::span<const RowAt> rows, std::int64_t bytes) const;

 private:
  // The pieces of one column, a batch each; or all of it, where it had to be joined.
  struct Column {
    Columns pieces;
    std::vector<const std::int32_t*> offsets;  // Of each piece's text or bytes.
    bool joined = false;
  };
  explicit RowGatherer(arrow::MemoryPool* pool) : pool_(pool) {}
  void AddBits(const Column& column, std::span<const RowAt> rows,
               std::span<std::int64_t> bits) const;

  arrow::MemoryPool* pool_;
  std::vector<Column> columns_;
  std::vector<std::uint64_t> begins_;  // Of each batch among the rows of all.
  std::int64_t fixed_bits_ = 0;  // Of each row: its values of one width, its offsets.
};

// Each column's values at `rows` of a single batch, likewise.
Result<RowGatherer::Columns> TakeRows(const RowGatherer::Columns& columns,
                                      const std::vector<std::uint32_t>& rows,
                                      arrow::MemoryPool* pool);

}  // namespace firn::table

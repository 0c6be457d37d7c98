// SPDX-License-Identifier: Apache-2.0
#include "table/external_sorter.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <queue>
#include <span>
#include <string_view>
#include <utility>

#include <boost/sort/pdqsort/pdqsort.hpp>

#include "base/assert.h"
#include "table/arrow_status.h"
#include "table/take_rows.h"

namespace firn::table {
namespace {

// Of one batch in a run: small enough that many runs are merged at once, large enough
// that reading one is no seek per row.
constexpr std::int64_t kBatchBytesMin = std::int64_t{64} << 10;
constexpr std::int64_t kBatchBytesMax = std::int64_t{1} << 20;
constexpr std::size_t kFanInMax = 64;
// A batch in a merge is held as it was read, and once more while it is put in order.
constexpr std::int64_t kCopiesInMerge = 3;

// A row among those that are sorted or merged: the first bytes of its key, after what all
// keys share, and where the rest is. Most comparisons touch nothing else.
struct Entry {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  const char* key_data = nullptr;
  std::uint32_t key_size = 0;
  std::uint32_t row = 0;

  std::string_view key() const { return {key_data, key_size}; }
  bool operator<(const Entry& other) const {
    if (high != other.high) return high < other.high;
    if (low != other.low) return low < other.low;
    const int order = key().compare(other.key());
    return order != 0 ? order < 0 : row < other.row;
  }
};
static_assert(sizeof(Entry) == 32);

// The eight bytes from `at` on, zeros where the key has ended.
std::uint64_t BigEndianAt(std::string_view key, std::size_t at) {
  std::uint64_t value = 0;
  if (at + sizeof value <= key.size()) {
    std::memcpy(&value, key.data() + at, sizeof value);
  } else if (at < key.size()) {
    std::memcpy(&value, key.data() + at, key.size() - at);
  }
  static_assert(std::endian::native == std::endian::little);
  return __builtin_bswap64(value);
}

std::vector<Entry> MakeEntries(
    const std::vector<std::shared_ptr<arrow::BinaryArray>>& keys) {
  std::vector<Entry> entries;
  std::int64_t rows = 0;
  for (const auto& part : keys) rows += part->length();
  entries.reserve(static_cast<std::size_t>(rows));
  for (const auto& part : keys) {
    for (std::int64_t i = 0; i < part->length(); ++i) {
      const std::string_view key = part->GetView(i);
      entries.push_back({0, 0, key.data(), static_cast<std::uint32_t>(key.size()),
                         static_cast<std::uint32_t>(entries.size())});
    }
  }
  if (entries.empty()) return entries;
  const std::string_view first = entries.front().key();
  std::size_t shared = first.size();
  for (const Entry& entry : entries) {
    const std::size_t limit = std::min<std::size_t>(shared, entry.key_size);
    shared = static_cast<std::size_t>(
        std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(limit),
                      entry.key_data)
            .first -
        first.begin());
  }
  for (Entry& entry : entries) {
    entry.high = BigEndianAt(entry.key(), shared);
    entry.low = BigEndianAt(entry.key(), shared + sizeof entry.high);
  }
  return entries;
}

// Each column of `parts` in one piece. A part lets go of its column as soon as that is
// copied, so that no more than one column is there twice.
Result<arrow::ArrayVector> Join(std::vector<KeyedRows> parts, arrow::MemoryPool* pool) {
  std::vector<arrow::ArrayVector> columns_of_parts;
  columns_of_parts.reserve(parts.size());
  for (KeyedRows& part : parts) {
    columns_of_parts.push_back(part.rows->columns());
    part.rows.reset();
  }
  arrow::ArrayVector joined;
  const std::size_t columns = columns_of_parts.front().size();
  for (std::size_t c = 0; c < columns; ++c) {
    arrow::ArrayVector pieces;
    for (arrow::ArrayVector& part : columns_of_parts) {
      pieces.push_back(std::exchange(part[c], nullptr));
    }
    if (pieces.size() == 1) {
      joined.push_back(std::move(pieces.front()));
      continue;
    }
    FIRN_ASSIGN_OR_RETURN(auto column, FromArrow(arrow::Concatenate(pieces, pool)));
    joined.push_back(std::move(column));
  }
  return joined;
}

Result<std::shared_ptr<arrow::BinaryArray>> KeysOf(std::span<const Entry> entries,
                                                   arrow::MemoryPool* pool) {
  // The keys of a sort lie anywhere: their memory is asked for ahead.
  constexpr std::size_t kAhead = 16;
  std::size_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.key_size;
  arrow::BinaryBuilder keys(pool);
  FIRN_RETURN_IF_ERROR(
      FromArrow(keys.Reserve(static_cast<std::int64_t>(entries.size()))));
  FIRN_RETURN_IF_ERROR(FromArrow(keys.ReserveData(static_cast<std::int64_t>(bytes))));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i + kAhead < entries.size()) __builtin_prefetch(entries[i + kAhead].key_data);
    keys.UnsafeAppend(entries[i].key());
  }
  std::shared_ptr<arrow::BinaryArray> out;
  FIRN_RETURN_IF_ERROR(FromArrow(keys.Finish(&out)));
  return out;
}

// Rows of `columns` in the order of `entries`, and where asked for their keys.
Result<KeyedRows> InOrder(const std::shared_ptr<arrow::Schema>& schema,
                          const arrow::ArrayVector& columns,
                          std::span<const Entry> entries, RowKeys keys,
                          arrow::MemoryPool* pool) {
  std::vector<std::uint32_t> order;
  order.reserve(entries.size());
  for (const Entry& entry : entries) order.push_back(entry.row);
  FIRN_ASSIGN_OR_RETURN(auto taken, TakeRows(columns, order, pool));
  KeyedRows out;
  out.rows = arrow::RecordBatch::Make(schema, static_cast<std::int64_t>(entries.size()),
                                      std::move(taken));
  if (keys == RowKeys::kKept) {
    FIRN_ASSIGN_OR_RETURN(out.keys, KeysOf(entries, pool));
  }
  return out;
}

// Where a run is being read.
struct Cursor {
  const SpillRun* run = nullptr;
  std::size_t next_batch = 0;
  KeyedRows batch;
  std::int64_t row = 0;
  base::ByteReservation held;

  bool done() const { return batch.keys == nullptr; }
  std::int64_t length() const { return batch.keys->length(); }
  std::string_view last_key() const { return batch.keys->GetView(length() - 1); }

  // Read the next batch, if there is one, once this one is used up.
  Status Refill(base::ByteBudget* budget) {
    if (batch.keys != nullptr && row < length()) return Status::OK();
    batch = {};
    row = 0;
    if (next_batch == run->batch_count()) {
      held.Clear();
      return Status::OK();
    }
    FIRN_ASSIGN_OR_RETURN(batch, run->Read(next_batch++, budget, &held));
    return Status::OK();
  }

  // The first row from `row` on whose key is not below `bound`, or not at it either.
  std::int64_t EndOf(std::string_view bound, bool bound_included) const {
    std::int64_t begin = row;
    std::int64_t end = length();
    while (begin < end) {
      const std::int64_t middle = begin + (end - begin) / 2;
      const int order = batch.keys->GetView(middle).compare(bound);
      (order < 0 || (order == 0 && bound_included) ? begin : end) =
          order < 0 || (order == 0 && bound_included) ? middle + 1 : middle;
    }
    return begin;
  }
};

// What the round may take of each run: see the file comment. Runs that end are skipped.
std::vector<KeyedRows> CutRound(std::vector<Cursor>* cursors) {
  std::size_t measure = cursors->size();
  for (std::size_t i = 0; i < cursors->size(); ++i) {
    if ((*cursors)[i].done()) continue;
    if (measure == cursors->size() ||
        (*cursors)[i].last_key() < (*cursors)[measure].last_key()) {
      measure = i;
    }
  }
  std::vector<KeyedRows> parts;
  if (measure == cursors->size()) return parts;
  const std::string bound((*cursors)[measure].last_key());
  for (std::size_t i = 0; i < cursors->size(); ++i) {
    Cursor& cursor = (*cursors)[i];
    if (cursor.done()) continue;
    const std::int64_t end = cursor.EndOf(bound, /*bound_included=*/i <= measure);
    if (end == cursor.row) continue;
    parts.push_back({cursor.batch.rows->Slice(cursor.row, end - cursor.row),
                     std::static_pointer_cast<arrow::BinaryArray>(
                         cursor.batch.keys->Slice(cursor.row, end - cursor.row))});
    cursor.row = end;
  }
  return parts;
}

// Entries of sorted parts, merged: a heap of the parts' heads.
std::vector<Entry> MergeEntries(
    const std::vector<std::shared_ptr<arrow::BinaryArray>>& parts) {
  const std::vector<Entry> entries = MakeEntries(parts);
  struct Head {
    std::size_t at;
    std::size_t end;
  };
  const auto later = [&](const Head& a, const Head& b) {
    return entries[b.at] < entries[a.at];
  };
  std::priority_queue<Head, std::vector<Head>, decltype(later)> heads(later);
  std::size_t begin = 0;
  for (const auto& part : parts) {
    const std::size_t end = begin + static_cast<std::size_t>(part->length());
    heads.push({begin, end});
    begin = end;
  }
  std::vector<Entry> merged;
  merged.reserve(entries.size());
  while (!heads.empty()) {
    Head head = heads.top();
    heads.pop();
    // While one part alone is left, or its rows go on being first, no heap is needed.
    do {
      merged.push_back(entries[head.at++]);
    } while (head.at < head.end &&
             (heads.empty() || entries[head.at] < entries[heads.top().at]));
    if (head.at < head.end) heads.push(head);
  }
  return merged;
}

}  // namespace

ExternalSorter::ExternalSorter(const SortEnvironment& environment,
                               std::shared_ptr<arrow::Schema> schema,
                               const SortOptions& options)
    : environment_(environment), schema_(std::move(schema)), options_(options) {}

bool ExternalSorter::at_spill_bound() const {
  return spilled_bytes_ + held_bytes_ >= options_.spill_bytes_max;
}

std::int64_t ExternalSorter::BatchBytes() const {
  const auto share =
      options_.merge_bytes / (static_cast<std::int64_t>(kFanInMax) * kCopiesInMerge);
  return std::clamp(share, kBatchBytesMin, kBatchBytesMax);
}

// How many runs are merged at once: a single row may be larger than a batch is to be.
std::size_t ExternalSorter::FanIn() const {
  std::int64_t batch_bytes = BatchBytes();
  for (const RunPtr& run : runs_) {
    batch_bytes = std::max(batch_bytes, run->batch_bytes_max());
  }
  const std::int64_t count = options_.merge_bytes / (batch_bytes * kCopiesInMerge);
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(count, 2, static_cast<std::int64_t>(kFanInMax)));
}

Status ExternalSorter::Add(KeyedRows batch) {
  FIRN_ASSERT(batch.rows->num_rows() == batch.keys->length());
  if (batch.rows->num_rows() == 0) return Status::OK();
  FIRN_RETURN_IF_ERROR(environment_.context.Check());
  std::string_view before = held_.empty() ? std::string_view() : last_key_;
  for (std::int64_t i = 0; i < batch.keys->length() && in_order_; ++i) {
    const std::string_view key = batch.keys->GetView(i);
    in_order_ = before <= key;
    before = key;
  }
  for (std::int64_t i = 0; i < batch.keys->length() && continues_; ++i) {
    continues_ = given_key_ <= batch.keys->GetView(i);
    if (in_order_) break;  // The first is the least.
  }
  last_key_.assign(batch.keys->GetView(batch.keys->length() - 1));
  FIRN_ASSIGN_OR_RETURN(const std::int64_t row_bytes,
                        FromArrow(arrow::util::ReferencedBufferSize(*batch.rows)));
  FIRN_ASSIGN_OR_RETURN(const std::int64_t key_bytes,
                        FromArrow(arrow::util::ReferencedBufferSize(*batch.keys)));
  held_bytes_ += row_bytes + key_bytes +
                 batch.keys->length() * static_cast<std::int64_t>(sizeof(Entry));
  held_.push_back(std::move(batch));
  return IsFull() && !full_in_order() ? SpillHeld() : Status::OK();
}

Result<ExternalSorter::RunPtr> ExternalSorter::NewRun() {
  if (!directory_made_) {
    FIRN_RETURN_IF_ERROR(
        environment_.files.CreateDirectories(environment_.spill_directory));
    directory_made_ = true;
  }
  return SpillRun::Create(environment_.files,
                          environment_.spill_directory + "/firn-spill-" +
                              environment_.ulids.Next().ToString(),
                          schema_, environment_.pool);
}

Status ExternalSorter::SortHeld(RowKeys keys_wanted, const Output& out) {
  std::vector<std::shared_ptr<arrow::BinaryArray>> keys;
  for (const KeyedRows& part : held_) keys.push_back(part.keys);
  std::vector<Entry> entries = MakeEntries(keys);
  boost::sort::pdqsort_branchless(entries.begin(), entries.end());
  const std::int64_t bytes = std::max<std::int64_t>(1, held_bytes_);
  held_bytes_ = 0;
  FIRN_ASSIGN_OR_RETURN(const auto columns,
                        Join(std::exchange(held_, {}), environment_.pool));
  const std::size_t step =
      std::max<std::size_t>(1, entries.size() * static_cast<std::size_t>(BatchBytes()) /
                                   static_cast<std::size_t>(bytes));
  for (std::size_t begin = 0; begin < entries.size(); begin += step) {
    FIRN_RETURN_IF_ERROR(environment_.context.Check());
    FIRN_ASSIGN_OR_RETURN(
        const KeyedRows rows,
        InOrder(schema_, columns,
                std::span(entries).subspan(begin, std::min(step, entries.size() - begin)),
                keys_wanted, environment_.pool));
    FIRN_RETURN_IF_ERROR(
        out(rows, entries[std::min(entries.size(), begin + step) - 1].key()));
  }
  return Status::OK();
}

Status ExternalSorter::SpillHeld() {
  FIRN_ASSIGN_OR_RETURN(RunPtr run, NewRun());
  FIRN_RETURN_IF_ERROR(SortHeld(
      RowKeys::kKept,
      [&](const KeyedRows& rows, std::string_view) { return run->Append(rows); }));
  run->Seal();
  in_order_ = true;
  spilled_bytes_ += run->size_bytes();
  spilled_bytes_total_ += run->size_bytes();
  runs_.push_back(std::move(run));
  return Status::OK();
}

Status ExternalSorter::Merge(const std::vector<RunPtr>& runs, RowKeys keys_wanted,
                             const Output& out) {
  std::vector<Cursor> cursors;
  for (const RunPtr& run : runs) cursors.emplace_back().run = run.get();
  while (true) {
    FIRN_RETURN_IF_ERROR(environment_.context.Check());
    for (Cursor& cursor : cursors) {
      FIRN_RETURN_IF_ERROR(cursor.Refill(environment_.budget));
    }
    std::vector<KeyedRows> parts = CutRound(&cursors);
    if (parts.empty()) return Status::OK();
    if (parts.size() == 1) {
      const arrow::BinaryArray& part_keys = *parts.front().keys;
      FIRN_RETURN_IF_ERROR(out(parts.front(), part_keys.GetView(part_keys.length() - 1)));
      continue;
    }
    std::vector<std::shared_ptr<arrow::BinaryArray>> keys;
    for (const KeyedRows& part : parts) keys.push_back(part.keys);
    const std::vector<Entry> entries = MergeEntries(keys);
    FIRN_ASSIGN_OR_RETURN(const auto columns, Join(std::move(parts), environment_.pool));
    FIRN_ASSIGN_OR_RETURN(const KeyedRows rows, InOrder(schema_, columns, entries,
                                                        keys_wanted, environment_.pool));
    FIRN_RETURN_IF_ERROR(out(rows, entries.back().key()));
  }
}

Status ExternalSorter::MergeDownTo(std::size_t count) {
  while (runs_.size() > count) {
    std::vector<RunPtr> longer;
    for (std::size_t begin = 0; begin < runs_.size(); begin += count) {
      std::vector<RunPtr> group;
      const std::size_t end = std::min(runs_.size(), begin + count);
      for (std::size_t i = begin; i < end; ++i) group.push_back(std::move(runs_[i]));
      if (group.size() == 1) {
        longer.push_back(std::move(group.front()));
        continue;
      }
      FIRN_ASSIGN_OR_RETURN(RunPtr run, NewRun());
      FIRN_RETURN_IF_ERROR(Merge(
          group, RowKeys::kKept,
          [&](const KeyedRows& rows, std::string_view) { return run->Append(rows); }));
      run->Seal();
      spilled_bytes_total_ += run->size_bytes();
      longer.push_back(std::move(run));
    }
    runs_ = std::move(longer);
  }
  return Status::OK();
}

Status ExternalSorter::Drain(const Sink& sink) {
  const auto out = [&](const KeyedRows& rows, std::string_view last_key) {
    given_key_.assign(last_key);
    return sink(rows.rows);
  };
  if (runs_.empty() && in_order_) {
    for (const KeyedRows& rows : std::exchange(held_, {})) {
      FIRN_RETURN_IF_ERROR(out(rows, rows.keys->GetView(rows.keys->length() - 1)));
    }
  } else if (runs_.empty()) {
    FIRN_RETURN_IF_ERROR(SortHeld(RowKeys::kDropped, out));
  } else {
    if (!held_.empty()) FIRN_RETURN_IF_ERROR(SpillHeld());
    FIRN_RETURN_IF_ERROR(MergeDownTo(FanIn()));
    FIRN_RETURN_IF_ERROR(Merge(runs_, RowKeys::kDropped, out));
    runs_.clear();
  }
  held_bytes_ = spilled_bytes_ = 0;
  in_order_ = continues_ = true;
  return Status::OK();
}

}  // namespace firn::table

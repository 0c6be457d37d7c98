// SPDX-License-Identifier: Apache-2.0
#include "table/external_sorter.h"

#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "table/arrow_status.h"
#include "table/key_order.h"
#include "table/take_rows.h"

namespace firn::table {
namespace {

// Of one batch that is put in order: small enough that many runs of them are merged at
// once, and for a writer, which takes many times the bytes of small values for a while;
// large enough that reading one is no seek per row.
constexpr std::int64_t kBatchBytesMin = std::int64_t{64} << 10;
constexpr std::int64_t kBatchBytesMax = std::int64_t{1} << 20;
constexpr std::size_t kFanInMax = 64;
// A batch in a merge is held as it was read, and once more where its columns' types have
// to be joined. As much again is for the order, and for the batch that is put in it.
constexpr std::int64_t kCopiesInMerge = 3;

std::vector<std::shared_ptr<arrow::BinaryArray>> KeysOf(
    const std::vector<KeyedRows>& batches) {
  std::vector<std::shared_ptr<arrow::BinaryArray>> keys;
  for (const KeyedRows& batch : batches) keys.push_back(batch.keys);
  return keys;
}

// Where a run is being read.
struct Cursor {
  const SpillRun* run = nullptr;
  std::size_t next_batch = 0;
  KeyedRows batch;
  std::int64_t row = 0;

  bool done() const { return batch.keys == nullptr; }
  std::int64_t length() const { return batch.keys->length(); }
  std::string_view last_key() const { return batch.keys->GetView(length() - 1); }

  // Read the next batch, if there is one, once this one is used up.
  Status Refill() {
    if (batch.keys != nullptr && row < length()) return Status::OK();
    batch = {};
    row = 0;
    if (next_batch == run->batch_count()) return Status::OK();
    FIRN_ASSIGN_OR_RETURN(batch, run->Read(next_batch++));
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
  held_bytes_ += row_bytes + key_bytes + batch.keys->length() * kKeyOrderRowBytes;
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

Status ExternalSorter::PutInOrder(std::vector<KeyedRows> batches, RowKeys keys_wanted,
                                  const Output& out) {
  const auto keys = KeysOf(batches);
  const std::vector<RowAt> order = OrderByKey(keys);
  std::vector<RowGatherer::Columns> columns;
  for (KeyedRows& batch : batches) {
    columns.push_back(batch.rows->columns());
    if (keys_wanted == RowKeys::kKept) columns.back().push_back(batch.keys);
    batch = {};
  }
  FIRN_ASSIGN_OR_RETURN(const RowGatherer gatherer,
                        RowGatherer::Make(std::move(columns), environment_.pool));
  for (auto rest = std::span(order); !rest.empty();) {
    FIRN_RETURN_IF_ERROR(environment_.context.Check());
    const auto next = rest.first(gatherer.CountWithin(rest, BatchBytes()));
    FIRN_ASSIGN_OR_RETURN(auto taken, gatherer.Gather(next));
    KeyedRows rows;
    if (keys_wanted == RowKeys::kKept) {
      rows.keys = std::static_pointer_cast<arrow::BinaryArray>(taken.back());
      taken.pop_back();
    }
    rows.rows = arrow::RecordBatch::Make(schema_, static_cast<std::int64_t>(next.size()),
                                         std::move(taken));
    const RowAt last = next.back();
    FIRN_RETURN_IF_ERROR(out(rows, keys[last.batch]->GetView(last.row)));
    rest = rest.subspan(next.size());
  }
  return Status::OK();
}

Status ExternalSorter::SortHeld(RowKeys keys_wanted, const Output& out) {
  held_bytes_ = 0;
  return PutInOrder(std::exchange(held_, {}), keys_wanted, out);
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
      FIRN_RETURN_IF_ERROR(cursor.Refill());
    }
    std::vector<KeyedRows> parts = CutRound(&cursors);
    if (parts.empty()) return Status::OK();
    if (parts.size() == 1) {
      const arrow::BinaryArray& part_keys = *parts.front().keys;
      FIRN_RETURN_IF_ERROR(out(parts.front(), part_keys.GetView(part_keys.length() - 1)));
      continue;
    }
    FIRN_RETURN_IF_ERROR(PutInOrder(std::move(parts), keys_wanted, out));
  }
}

Status ExternalSorter::MergeToFanIn() {
  for (std::size_t count = FanIn(); runs_.size() > count; count = FanIn()) {
    std::vector<RunPtr> shorter = std::exchange(runs_, {});
    for (std::size_t begin = 0; begin < shorter.size(); begin += count) {
      std::vector<RunPtr> group;
      const std::size_t end = std::min(shorter.size(), begin + count);
      for (std::size_t i = begin; i < end; ++i) group.push_back(std::move(shorter[i]));
      if (group.size() == 1) {
        runs_.push_back(std::move(group.front()));
        continue;
      }
      FIRN_ASSIGN_OR_RETURN(RunPtr run, NewRun());
      FIRN_RETURN_IF_ERROR(Merge(
          group, RowKeys::kKept,
          [&](const KeyedRows& rows, std::string_view) { return run->Append(rows); }));
      run->Seal();
      spilled_bytes_total_ += run->size_bytes();
      runs_.push_back(std::move(run));
    }
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
    FIRN_RETURN_IF_ERROR(MergeToFanIn());
    FIRN_RETURN_IF_ERROR(Merge(runs_, RowKeys::kDropped, out));
    runs_.clear();
  }
  held_bytes_ = spilled_bytes_ = 0;
  in_order_ = continues_ = true;
  return Status::OK();
}

}  // namespace firn::table

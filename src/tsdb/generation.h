// SPDX-License-Identifier: Apache-2.0
// generation.h: the samples of one stretch of the log, in memory.
//
// The head is a row of generations, each the samples of the log records in
// (begin, end]. The newest takes appends; the others are frozen: waiting to be settled,
// or settled already and kept to recognise samples that are sent again. A generation's
// memory goes all at once, with its last reader.
//
// For each series a generation holds a list of chunks in order of time, and a short
// sorted list of the samples that came behind a newer one.
//
// Thread rule: Append and Freeze need the head's publish lock held exclusively.
// Everything else but begin() needs it shared, until the caller knows the generation is
// frozen. What Capture returned is decoded without any lock, for as long as the
// generation is held.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "firn/appender.h"
#include "firn/sample.h"
#include "scan/series.h"
#include "tsdb/chunk.h"
#include "wal/log.h"

namespace firn::tsdb {

// A sample on its way into the head.
struct RefSample {
  SeriesRef series;
  Sample sample;
};

class Generation {
 public:
  // What a reader sees of one series: chunks that no longer change, or change only
  // behind the captured end.
  struct SeriesView {
    const Chunk* first = nullptr;
    const Chunk* last = nullptr;  // Captured at last_size_bytes and last_count.
    std::uint32_t last_size_bytes = 0;
    std::uint32_t last_count = 0;
    std::vector<Sample> out_of_order;  // Sorted by time.
    bool empty() const { return first == nullptr && out_of_order.empty(); }
    // Samples captured. Cost: walks the chunks.
    std::int64_t sample_count() const;
  };

  explicit Generation(wal::Offset begin) : begin_(begin) {}
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // REQUIRES: not frozen; no sample of `series` at this timestamp is here.
  void Append(SeriesRef series, Sample sample);

  // Append all, in order. Cost: samples of one commit belong to thousands of series, so
  // nearly every one would wait for memory; what the next ones need is asked for ahead.
  void AppendAll(std::span<const RefSample> samples);

  // No more appends: this generation holds the records up to and including `end`.
  void Freeze(wal::Offset end);
  bool frozen() const { return frozen_; }

  wal::Offset begin() const { return begin_; }
  wal::Offset end() const { return end_; }  // REQUIRES: frozen().
  // Whether the table holds all of this generation, once it is settled up to `settled`.
  bool IsSettledBy(wal::Offset settled) const { return frozen_ && end_ <= settled; }

  std::int64_t samples() const { return samples_; }
  bool empty() const { return samples_ == 0; }
  // Bounds of the timestamps here. REQUIRES: !empty().
  TimestampMs min_ms() const { return min_ms_; }
  TimestampMs max_ms() const { return max_ms_; }
  // Memory held.
  std::int64_t bytes() const;

  // What there is of `series` that may lie in `range`.
  SeriesView Capture(SeriesRef series, const ClosedRangeMs& range) const;
  // The value at exactly `timestamp_ms`.
  std::optional<double> Find(SeriesRef series, TimestampMs timestamp_ms) const;
  // The newest sample of `series`.
  std::optional<Sample> Newest(SeriesRef series) const;
  bool Has(SeriesRef series) const { return Slot(series) != nullptr; }
  // Every series with samples here, in order of reference.
  std::vector<SeriesRef> Series() const;

 private:
  struct SeriesSlot {
    Chunk* first = nullptr;
    Chunk* last = nullptr;
  };
  static constexpr std::size_t kSlotsPerPage = 1024;
  using Page = std::array<SeriesSlot, kSlotsPerPage>;

  const SeriesSlot* Slot(SeriesRef series) const;
  SeriesSlot& MakeSlot(SeriesRef series);
  void AppendInOrder(SeriesSlot& slot, Sample sample);

  const wal::Offset begin_;
  wal::Offset end_ = 0;
  bool frozen_ = false;
  base::Arena arena_;
  std::vector<std::unique_ptr<Page>> pages_;
  std::unordered_map<std::uint32_t, std::vector<Sample>> out_of_order_;
  std::int64_t out_of_order_samples_ = 0;
  std::int64_t samples_ = 0;
  TimestampMs min_ms_ = kTimestampMsMax;
  TimestampMs max_ms_ = kTimestampMsMin;
};

// Append the samples of `view` that lie in `range` to `out`, in order of time within the
// view. Whether `out` as a whole is in order is left to the caller.
void DecodeView(const Generation::SeriesView& view, const ClosedRangeMs& range,
                scan::SampleColumns& out);

}  // namespace firn::tsdb

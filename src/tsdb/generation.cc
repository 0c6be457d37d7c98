// SPDX-License-Identifier: Apache-2.0
#include "tsdb/generation.h"

#include <algorithm>

#include "base/assert.h"

namespace firn::tsdb {
namespace {

// Chunks of a series double in size, so that a series with few samples is cheap and one
// with many pays little for headers.
constexpr std::uint32_t kFirstChunkBytes = 128;
constexpr std::uint32_t kChunkBytesMax = 1024;

bool EarlierThan(const Sample& sample, TimestampMs timestamp_ms) {
  return sample.timestamp_ms < timestamp_ms;
}

std::vector<Sample>::const_iterator LowerBound(const std::vector<Sample>& samples,
                                               TimestampMs timestamp_ms) {
  return std::lower_bound(samples.begin(), samples.end(), timestamp_ms, EarlierThan);
}

// Calls visit(sample) for the captured samples of `view`'s chunks that lie in `range`.
template <typename Visit>
void VisitChunks(const Generation::SeriesView& view, const ClosedRangeMs& range,
                 Visit visit) {
  for (const Chunk* chunk = view.first; chunk != nullptr; chunk = chunk->next) {
    const bool is_last = chunk == view.last;
    // A chunk before the last is full and stays as it is; the last may be growing, so
    // its header is not read here.
    if (is_last || chunk->last_ms >= range.first_ms) {
      if (chunk->first_ms > range.last_ms) return;
      ChunkReader reader(*chunk, is_last ? view.last_size_bytes : chunk->size_bytes,
                         is_last ? view.last_count : chunk->count);
      Sample sample;
      while (reader.Next(&sample)) {
        if (sample.timestamp_ms > range.last_ms) return;
        if (sample.timestamp_ms >= range.first_ms) visit(sample);
      }
    }
    if (is_last) return;
  }
}

}  // namespace

std::int64_t Generation::SeriesView::sample_count() const {
  auto count = static_cast<std::int64_t>(out_of_order.size());
  if (first == nullptr) return count;
  for (const Chunk* chunk = first; chunk != last; chunk = chunk->next) {
    count += chunk->count;
  }
  return count + last_count;
}

const Generation::SeriesSlot* Generation::Slot(SeriesRef series) const {
  const std::size_t page = series.value / kSlotsPerPage;
  if (page >= pages_.size() || pages_[page] == nullptr) return nullptr;
  const SeriesSlot& slot = (*pages_[page])[series.value % kSlotsPerPage];
  return slot.first == nullptr ? nullptr : &slot;
}

Generation::SeriesSlot& Generation::MakeSlot(SeriesRef series) {
  const std::size_t page = series.value / kSlotsPerPage;
  if (page >= pages_.size()) pages_.resize(page + 1);
  if (pages_[page] == nullptr) pages_[page] = std::make_unique<Page>();
  return (*pages_[page])[series.value % kSlotsPerPage];
}

void Generation::Append(SeriesRef series, Sample sample) {
  FIRN_ASSERT(!frozen_);
  SeriesSlot& slot = MakeSlot(series);
  if (slot.last == nullptr || sample.timestamp_ms > slot.last->last_ms) {
    AppendInOrder(slot, sample);
  } else {
    std::vector<Sample>& late = out_of_order_[series.value];
    const auto at = LowerBound(late, sample.timestamp_ms);
    FIRN_ASSERT(at == late.end() || at->timestamp_ms != sample.timestamp_ms);
    late.insert(at, sample);
    ++out_of_order_samples_;
  }
  ++samples_;
  min_ms_ = std::min(min_ms_, sample.timestamp_ms);
  max_ms_ = std::max(max_ms_, sample.timestamp_ms);
}

void Generation::AppendAll(std::span<const RefSample> samples) {
  // Three steps ahead of the append: the series' slot, then its chunk's header, then the
  // place where the chunk ends. Each step needs what the one before has brought.
  constexpr std::size_t kSlotAhead = 24, kHeaderAhead = 12, kEndAhead = 6;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (i + kSlotAhead < samples.size()) {
      const std::uint32_t ref = samples[i + kSlotAhead].series.value;
      const std::size_t page = ref / kSlotsPerPage;
      if (page < pages_.size() && pages_[page] != nullptr) {
        __builtin_prefetch(&(*pages_[page])[ref % kSlotsPerPage]);
      }
    }
    if (i + kHeaderAhead < samples.size()) {
      const SeriesSlot* slot = Slot(samples[i + kHeaderAhead].series);
      if (slot != nullptr) __builtin_prefetch(slot->last, /*rw=*/1);
    }
    if (i + kEndAhead < samples.size()) {
      const SeriesSlot* slot = Slot(samples[i + kEndAhead].series);
      if (slot != nullptr) {
        __builtin_prefetch(slot->last->data() + slot->last->size_bytes, /*rw=*/1);
      }
    }
    Append(samples[i].series, samples[i].sample);
  }
}

void Generation::AppendInOrder(SeriesSlot& slot, Sample sample) {
  if (slot.last != nullptr && AppendToChunk(*slot.last, sample)) [[likely]]
    return;
  const std::uint32_t bytes =
      slot.last == nullptr
          ? kFirstChunkBytes
          : std::min<std::uint32_t>(
                kChunkBytesMax,
                (slot.last->capacity_bytes + std::uint32_t{sizeof(Chunk)}) * 2);
  Chunk* chunk = NewChunk(arena_, bytes, sample.timestamp_ms);
  const bool appended = AppendToChunk(*chunk, sample);
  FIRN_ASSERT(appended);
  if (slot.last == nullptr) {
    slot.first = chunk;
  } else {
    slot.last->next = chunk;
  }
  slot.last = chunk;
}

void Generation::Freeze(wal::Offset end) {
  FIRN_ASSERT(!frozen_ && end >= begin_);
  end_ = end;
  frozen_ = true;
}

std::int64_t Generation::bytes() const {
  // A late sample's share of its vector and hash node is about three samples' worth.
  return static_cast<std::int64_t>(arena_.allocated_bytes() +
                                   pages_.size() * sizeof(Page)) +
         out_of_order_samples_ * 3 * static_cast<std::int64_t>(sizeof(Sample));
}

Generation::SeriesView Generation::Capture(SeriesRef series,
                                           const ClosedRangeMs& range) const {
  SeriesView view;
  const SeriesSlot* slot = Slot(series);
  if (slot == nullptr) return view;
  if (slot->first->first_ms <= range.last_ms && slot->last->last_ms >= range.first_ms) {
    const Chunk* first = slot->first;
    while (first != slot->last && first->last_ms < range.first_ms) first = first->next;
    view.first = first;
    view.last = slot->last;
    view.last_size_bytes = slot->last->size_bytes;
    view.last_count = slot->last->count;
  }
  if (const auto late = out_of_order_.find(series.value); late != out_of_order_.end()) {
    const auto begin = LowerBound(late->second, range.first_ms);
    const auto end = std::upper_bound(
        begin, late->second.end(), range.last_ms,
        [](TimestampMs t, const Sample& sample) { return t < sample.timestamp_ms; });
    view.out_of_order.assign(begin, end);
  }
  return view;
}

std::optional<double> Generation::Find(SeriesRef series, TimestampMs timestamp_ms) const {
  const SeriesView view = Capture(series, {timestamp_ms, timestamp_ms});
  if (!view.out_of_order.empty()) return view.out_of_order.front().value;
  std::optional<double> found;
  VisitChunks(view, {timestamp_ms, timestamp_ms},
              [&](const Sample& sample) { found = sample.value; });
  return found;
}

std::optional<Sample> Generation::Newest(SeriesRef series) const {
  const SeriesSlot* slot = Slot(series);
  if (slot == nullptr) return std::nullopt;
  return Sample{slot->last->last_ms, slot->last->last_value};
}

std::vector<SeriesRef> Generation::Series() const {
  std::vector<SeriesRef> series;
  for (std::size_t page = 0; page < pages_.size(); ++page) {
    if (pages_[page] == nullptr) continue;
    for (std::size_t i = 0; i < kSlotsPerPage; ++i) {
      if ((*pages_[page])[i].first != nullptr) {
        series.push_back({static_cast<std::uint32_t>(page * kSlotsPerPage + i)});
      }
    }
  }
  return series;
}

void DecodeView(const Generation::SeriesView& view, const ClosedRangeMs& range,
                scan::SampleColumns& out) {
  auto late = view.out_of_order.begin();
  const auto emit = [&](const Sample& sample) {
    out.timestamps_ms.push_back(sample.timestamp_ms);
    out.values.push_back(sample.value);
  };
  VisitChunks(view, range, [&](const Sample& sample) {
    for (; late != view.out_of_order.end() && late->timestamp_ms < sample.timestamp_ms;
         ++late) {
      emit(*late);
    }
    emit(sample);
  });
  for (; late != view.out_of_order.end(); ++late) emit(*late);
}

}  // namespace firn::tsdb

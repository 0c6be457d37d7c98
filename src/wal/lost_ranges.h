// SPDX-License-Identifier: Apache-2.0
// lost_ranges.h: the offsets that failed writes gave up.
#pragma once

#include <cstddef>
#include <deque>

#include "wal/record.h"

namespace firn::wal {

// Remembers ranges of offsets, ascending and apart, so that one who waits for a record of
// a failed write is never told it was synced. Thread-compatible.
class LostRanges {
 public:
  // Beyond this many the two oldest become one, and what lay between them counts as lost
  // too: nobody waits for records that are that many failures old.
  static constexpr std::size_t kRangesMax = 64;

  // The records that end in (after, through] are lost. REQUIRES: after >= the last
  // `through`.
  void Add(Offset after, Offset through) {
    if (after == through) return;
    ranges_.push_back({after, through});
    if (ranges_.size() > kRangesMax) {
      ranges_[1].after = ranges_[0].after;
      ranges_.pop_front();
    }
  }
  bool Contains(Offset end) const {
    for (auto range = ranges_.rbegin(); range != ranges_.rend(); ++range) {
      if (end > range->through) return false;
      if (end > range->after) return true;
    }
    return false;
  }

 private:
  struct Range {
    Offset after;
    Offset through;
  };
  std::deque<Range> ranges_;
};

}  // namespace firn::wal

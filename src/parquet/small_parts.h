// SPDX-License-Identifier: Apache-2.0
// small_parts.h: the short chunks and page indexes of a row group, fetched together.
// Internal to this room.
//
// Who reads chunk after chunk announces each to the fetcher when its turn comes, which
// makes a request of each. What is announced here before lies in requests that neighbours
// share, and the later announcements find them. A chunk that fills a request by itself is
// left out: it would be held whole.
#pragma once

#include <vector>

#include "parquet/footer.h"
#include "parquet/range_fetcher.h"

namespace firn::parquet {

// Thread-compatible.
class SmallParts {
 public:
  // Both must outlive this. May throw Parquet's exceptions.
  // REQUIRES: no two parts of the file lie on one another.
  SmallParts(const Footer& footer, RangeFetcher& fetcher, int row_group,
             std::int64_t request_bytes_max)
      : fetcher_(fetcher),
        parts_(static_cast<std::size_t>(footer.metadata().num_columns())) {
    std::vector<ByteRange> all;
    for (int leaf = 0; leaf < footer.metadata().num_columns(); ++leaf) {
      std::vector<ByteRange>& parts = parts_[static_cast<std::size_t>(leaf)];
      parts = PartsOf(footer, row_group, leaf, request_bytes_max);
      all.insert(all.end(), parts.begin(), parts.end());
    }
    fetcher_.Announce(std::move(all));
  }
  ~SmallParts() {
    for (std::size_t leaf = 0; leaf < parts_.size(); ++leaf) Forget(leaf);
  }
  SmallParts(const SmallParts&) = delete;
  SmallParts& operator=(const SmallParts&) = delete;

  // The leaf's chunk is done.
  void Forget(std::size_t leaf) {
    for (const ByteRange& part : parts_[leaf]) fetcher_.Forget(part);
    parts_[leaf].clear();
  }

 private:
  static std::vector<ByteRange> PartsOf(const Footer& footer, int row_group, int leaf,
                                        std::int64_t request_bytes_max) {
    std::vector<ByteRange> parts;
    if (!footer.CheckUnlocked(leaf).ok()) return parts;
    const auto chunk = footer.metadata().RowGroup(row_group)->ColumnChunk(leaf);
    const auto add = [&](std::int64_t offset, std::int64_t size) {
      if (offset < 0 || size <= 0 || size > request_bytes_max / 2 ||
          offset > footer.data_end() - size) {
        return;
      }
      parts.push_back({offset, size});
    };
    const auto span = footer.SpanOf(*chunk);
    if (span.ok() && chunk->num_values() > 0) add(span->start, span->end - span->start);
    if (const auto at = chunk->GetOffsetIndexLocation()) add(at->offset, at->length);
    if (const auto at = chunk->GetColumnIndexLocation()) add(at->offset, at->length);
    return parts;
  }

  RangeFetcher& fetcher_;
  std::vector<std::vector<ByteRange>> parts_;
};

}  // namespace firn::parquet

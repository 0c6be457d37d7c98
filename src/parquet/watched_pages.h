// SPDX-License-Identifier: Apache-2.0
// watched_pages.h: the pages of a chunk, with a note of where each was. Internal to this
// room.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "arrow/io/interfaces.h"

#include "parquet/column_page.h"
#include "parquet/column_reader.h"
#include "parquet/exception.h"
#include "parquet/types.h"

namespace firn::parquet {

// What a column reader has taken of a chunk. It outlives the pages, which a column reader
// destroys with itself.
struct PagesSeen {
  struct Extent {
    std::int64_t offset = 0;      // In the file.
    std::int64_t size_bytes = 0;  // With its header.
  };
  std::vector<Extent> data_pages;
  std::int64_t end = 0;     // In the file: of what was read so far.
  bool is_reading = false;  // Within the next page, which may be why it throws.
};

// Pages of `inner`, which reads them off `stream`. Thread-compatible.
class WatchedPages final : public ::parquet::PageReader {
 public:
  // `first` is where the stream begins in the file. `stream` may be null: then every
  // extent is empty. `seen` must outlive this.
  WatchedPages(std::unique_ptr<::parquet::PageReader> inner,
               std::shared_ptr<arrow::io::InputStream> stream, std::int64_t first,
               PagesSeen& seen)
      : inner_(std::move(inner)), stream_(std::move(stream)), first_(first), seen_(seen) {
    seen_.end = first;
  }

  std::shared_ptr<::parquet::Page> NextPage() override {
    seen_.is_reading = true;
    std::shared_ptr<::parquet::Page> page = inner_->NextPage();
    seen_.is_reading = false;
    if (page == nullptr) return page;
    const std::int64_t begin = seen_.end;
    if (stream_ != nullptr) {
      PARQUET_ASSIGN_OR_THROW(const std::int64_t read, stream_->Tell());
      seen_.end = first_ + read;
    }
    if (page->type() == ::parquet::PageType::DATA_PAGE ||
        page->type() == ::parquet::PageType::DATA_PAGE_V2) {
      seen_.data_pages.push_back({begin, seen_.end - begin});
    }
    return page;
  }
  void set_max_page_header_size(std::uint32_t size) override {
    inner_->set_max_page_header_size(size);
  }

 private:
  const std::unique_ptr<::parquet::PageReader> inner_;
  const std::shared_ptr<arrow::io::InputStream> stream_;
  const std::int64_t first_;
  PagesSeen& seen_;
};

}  // namespace firn::parquet

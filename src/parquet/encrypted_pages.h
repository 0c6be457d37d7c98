// SPDX-License-Identifier: Apache-2.0
// encrypted_pages.h: the pages of an encrypted column chunk. Internal to this room.
//
// Parquet C++ keeps what decrypts a page to itself: a page reader that has it comes only
// from its own file reader, which wants a file and the whole chunk. So it gets a file in
// which just this chunk can be read, from front to back. Every page is numbered in what
// is authenticated, which is why none can be left out of the stream.
#pragma once

#include <memory>

#include "parquet/footer.h"
#include "parquet/page_stream.h"
#include "parquet/range_fetcher.h"

namespace parquet {
class ColumnIndex;
class OffsetIndex;
class PageReader;
class ReaderProperties;
}  // namespace parquet

namespace firn::parquet {

// REQUIRES: a chunk that IsEncrypted; `stream` gives all of its bytes. The footer must
// outlive the pages. May throw Parquet's exceptions.
std::unique_ptr<::parquet::PageReader> OpenEncryptedPages(
    const Footer& footer, int row_group, int leaf, std::unique_ptr<PageStream> stream,
    const ::parquet::ReaderProperties& properties);

// The page index of such a chunk: null where there is none, and no bounds where they are
// not asked for. Each of the two is a request of its own. May throw Parquet's exceptions.
struct EncryptedPageIndex {
  std::shared_ptr<::parquet::OffsetIndex> offsets;
  std::shared_ptr<::parquet::ColumnIndex> bounds;
};
EncryptedPageIndex LoadEncryptedPageIndex(const Footer& footer, RangeFetcher& fetcher,
                                          int row_group, int leaf, bool with_bounds);

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
// chunk_pages.h: where the pages of a row group lie and what they hold. Internal to this
// room.
#pragma once

#include <memory>
#include <vector>

#include "firn/status.h"
#include "parquet/footer.h"
#include "parquet/range_fetcher.h"

namespace firn::parquet {

// The pages of each of `leaves`, in their order, and what they hold where `with_values`,
// from the footer's store or from the file, whose indexes are read together. A chunk
// without a page index has no pages.
//
// Corruption where an index does not fit its chunk: pages must ascend, lie in the chunk
// and hold every row once. May throw Parquet's exceptions.
Result<std::vector<std::shared_ptr<const ChunkPages>>> LoadPages(
    const Footer& footer, RangeFetcher& fetcher, int row_group,
    const std::vector<int>& leaves, bool with_values);

}  // namespace firn::parquet

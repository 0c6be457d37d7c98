// SPDX-License-Identifier: Apache-2.0
#include "parquet/chunk_pages.h"

#include <optional>
#include <string>
#include <utility>

#include "arrow/buffer.h"

#include "parquet/bounds.h"
#include "parquet/encrypted_pages.h"
#include "parquet/page_index.h"
#include "parquet/properties.h"
#include "parquet/schema.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

using Locations = std::vector<::parquet::PageLocation>;

// What is to be read for one leaf.
struct Wanted {
  std::size_t position = 0;  // In the caller's list.
  int leaf = 0;
  ByteRange offset_index;
  std::optional<ByteRange> column_index;
};

Status Damaged(int row_group, int leaf, const std::string& why) {
  return Status::Corruption("page index of row group " + std::to_string(row_group) +
                            ", column " + std::to_string(leaf) + ": " + why);
}

bool InFile(const ::parquet::IndexLocation& at, std::int64_t data_end) {
  return at.offset >= 0 && at.length > 0 && at.offset <= data_end &&
         at.length <= data_end - at.offset;
}

Status AddPages(const Locations& locations, ChunkSpan chunk, std::int64_t row_count,
                int row_group, int leaf, ChunkPages& out) {
  std::int64_t end = chunk.start;
  for (std::size_t i = 0; i < locations.size(); ++i) {
    const auto& at = locations[i];
    const std::int64_t next_row =
        i + 1 < locations.size() ? locations[i + 1].first_row_index : row_count;
    if (at.offset < end || at.compressed_page_size <= 0 ||
        at.compressed_page_size > chunk.end - at.offset) {
      return Damaged(row_group, leaf, "page " + std::to_string(i) + " outside its chunk");
    }
    if (at.first_row_index < 0 || (i == 0 && at.first_row_index != 0) ||
        at.first_row_index >= next_row || next_row > row_count) {
      return Damaged(row_group, leaf,
                     "page " + std::to_string(i) + " starts at row " +
                         std::to_string(at.first_row_index) + ", the next at " +
                         std::to_string(next_row));
    }
    end = at.offset + at.compressed_page_size;
    out.pages.push_back(
        {at.offset, at.compressed_page_size, {at.first_row_index, next_row}});
  }
  return Status::OK();
}

Status AddValues(const ::parquet::ColumnIndex& index,
                 const ::parquet::ColumnDescriptor& column, int row_group, int leaf,
                 ChunkPages& out) {
  const std::size_t pages = out.pages.size();
  const auto& null_pages = index.null_pages();
  const auto& lower = index.encoded_min_values();
  const auto& upper = index.encoded_max_values();
  if (null_pages.size() != pages || lower.size() != pages || upper.size() != pages ||
      (index.has_null_counts() && index.null_counts().size() != pages)) {
    return Damaged(row_group, leaf, "bounds of another number of pages");
  }
  out.values.resize(pages);
  for (std::size_t i = 0; i < pages; ++i) {
    PageValues& values = out.values[i];
    values.all_null = null_pages[i];
    // Some writer filled the index of such columns without looking: it prunes nothing.
    if (values.all_null && column.max_definition_level() == 0) {
      out.values.clear();
      return Status::OK();
    }
    if (index.has_null_counts()) values.null_count = index.null_counts()[i];
    if (values.all_null) continue;
    values.lower = DecodeBound(column, lower[i]);
    values.upper = DecodeBound(column, upper[i]);
    // Who wrote NaN for the one compared it with what became the other.
    if (!values.lower.has_value() || !values.upper.has_value()) {
      values.lower.reset();
      values.upper.reset();
    }
  }
  return Status::OK();
}

// Whether both indexes, as far as there are any, lie in the file.
bool IndexesInFile(const ::parquet::ColumnChunkMetaData& chunk, std::int64_t data_end) {
  const auto offsets = chunk.GetOffsetIndexLocation();
  const auto bounds = chunk.GetColumnIndexLocation();
  return (!offsets.has_value() || InFile(*offsets, data_end)) &&
         (!bounds.has_value() || InFile(*bounds, data_end));
}

// Indexes are decrypted by Parquet C++'s own reader of them, one chunk at a time.
Result<std::shared_ptr<const ChunkPages>> LoadEncrypted(
    const Footer& footer, RangeFetcher& fetcher, int row_group, int leaf,
    const ::parquet::RowGroupMetaData& group, bool with_values) {
  const ::parquet::ColumnDescriptor& column = *footer.metadata().schema()->Column(leaf);
  return Guard(
      "column " + column.path()->ToDotString(),
      [&]() -> Result<std::shared_ptr<const ChunkPages>> {
        auto pages = std::make_shared<ChunkPages>();
        pages->encrypted = true;
        const auto chunk = group.ColumnChunk(leaf);
        const bool has_index = chunk->GetOffsetIndexLocation().has_value();
        pages->values_read = with_values || !has_index;
        if (!has_index) return std::shared_ptr<const ChunkPages>(std::move(pages));
        if (!IndexesInFile(*chunk, footer.data_end())) {
          return Damaged(row_group, leaf, "outside the file");
        }
        const bool with_bounds = with_values && HasBounds(column) &&
                                 chunk->GetColumnIndexLocation().has_value();
        const EncryptedPageIndex index =
            LoadEncryptedPageIndex(footer, fetcher, row_group, leaf, with_bounds);
        if (index.offsets == nullptr) return Damaged(row_group, leaf, "not there");
        FIRN_ASSIGN_OR_RETURN(const ChunkSpan span, footer.SpanOf(*chunk));
        FIRN_RETURN_IF_ERROR(AddPages(index.offsets->page_locations(), span,
                                      group.num_rows(), row_group, leaf, *pages));
        if (index.bounds != nullptr) {
          FIRN_RETURN_IF_ERROR(AddValues(*index.bounds, column, row_group, leaf, *pages));
        }
        return std::shared_ptr<const ChunkPages>(std::move(pages));
      });
}

}  // namespace

Result<std::vector<std::shared_ptr<const ChunkPages>>> LoadPages(
    const Footer& footer, RangeFetcher& fetcher, int row_group,
    const std::vector<int>& leaves, bool with_values) {
  static const auto kNoPages =
      std::make_shared<const ChunkPages>(ChunkPages{{}, {}, true});
  std::vector<std::shared_ptr<const ChunkPages>> out(leaves.size());
  const auto group = footer.metadata().RowGroup(row_group);
  std::vector<Wanted> wanted;
  std::vector<ByteRange> ranges;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    out[i] = footer.FindPages(row_group, leaves[i]);
    if (out[i] != nullptr && (out[i]->values_read || !with_values)) continue;
    const auto chunk = group->ColumnChunk(leaves[i]);
    if (chunk->crypto_metadata() != nullptr) {
      FIRN_ASSIGN_OR_RETURN(out[i], LoadEncrypted(footer, fetcher, row_group, leaves[i],
                                                  *group, with_values));
      footer.KeepPages(row_group, leaves[i], out[i]);
      continue;
    }
    const auto offset_at = chunk->GetOffsetIndexLocation();
    if (!offset_at.has_value()) {
      out[i] = kNoPages;
      footer.KeepPages(row_group, leaves[i], kNoPages);
      continue;
    }
    if (!InFile(*offset_at, footer.data_end())) {
      return Damaged(row_group, leaves[i], "outside the file");
    }
    Wanted want{i, leaves[i], {offset_at->offset, offset_at->length}, std::nullopt};
    ranges.push_back(want.offset_index);
    const auto at = chunk->GetColumnIndexLocation();
    if (at.has_value() && with_values) {
      if (!InFile(*at, footer.data_end())) {
        return Damaged(row_group, leaves[i], "outside the file");
      }
      want.column_index = ByteRange{at->offset, at->length};
      ranges.push_back(*want.column_index);
    }
    wanted.push_back(want);
  }
  fetcher.Announce(std::move(ranges));

  const ::parquet::ReaderProperties properties;
  for (const Wanted& want : wanted) {
    const ::parquet::ColumnDescriptor& column =
        *footer.metadata().schema()->Column(want.leaf);
    auto pages = std::make_shared<ChunkPages>();
    pages->values_read = with_values;
    FIRN_ASSIGN_OR_RETURN(const auto offsets, fetcher.Take(want.offset_index));
    const auto offset_index =
        ::parquet::OffsetIndex::Make(offsets->data(), offsets->size(), properties);
    FIRN_ASSIGN_OR_RETURN(const ChunkSpan span,
                          footer.SpanOf(*group->ColumnChunk(want.leaf)));
    FIRN_RETURN_IF_ERROR(AddPages(offset_index->page_locations(), span, group->num_rows(),
                                  row_group, want.leaf, *pages));
    if (want.column_index.has_value()) {
      FIRN_ASSIGN_OR_RETURN(const auto bounds, fetcher.Take(*want.column_index));
      // Bounds in an order that is not known mean nothing, and Parquet C++ would decode
      // values of a wrong width by throwing.
      if (HasBounds(column)) {
        const auto index = ::parquet::ColumnIndex::Make(column, bounds->data(),
                                                        bounds->size(), properties);
        FIRN_RETURN_IF_ERROR(AddValues(*index, column, row_group, want.leaf, *pages));
      }
    }
    out[want.position] = pages;
    footer.KeepPages(row_group, want.leaf, std::move(pages));
  }
  return out;
}

}  // namespace firn::parquet

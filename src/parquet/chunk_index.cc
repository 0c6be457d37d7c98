// SPDX-License-Identifier: Apache-2.0
#include "parquet/chunk_index.h"

#include <string>
#include <utility>

#include "arrow/buffer.h"

#include "parquet/bloom_filter_reader.h"
#include "parquet/bounds.h"
#include "parquet/encrypted_pages.h"
#include "parquet/file_reader.h"
#include "parquet/object_io.h"
#include "parquet/properties.h"
#include "parquet/schema.h"

namespace firn::parquet {
namespace {

Status CheckInFile(const char* what, const ::parquet::IndexLocation& at,
                   std::int64_t data_end) {
  if (at.offset >= 0 && at.length > 0 && at.offset <= data_end &&
      at.length <= data_end - at.offset) {
    return Status::OK();
  }
  return Status::Corruption(std::string(what) + " of " + std::to_string(at.length) +
                            " bytes at " + std::to_string(at.offset) + ", data ends at " +
                            std::to_string(data_end));
}

Result<std::shared_ptr<arrow::Buffer>> Fetch(RangeFetcher& fetcher,
                                             const ::parquet::IndexLocation& at) {
  const ByteRange range{at.offset, at.length};
  fetcher.Announce({range});
  return fetcher.Take(range);
}

}  // namespace

Result<ChunkIndex> LoadChunkIndex(const Footer& footer, RangeFetcher& fetcher,
                                  int row_group, int leaf) {
  const auto chunk = footer.metadata().RowGroup(row_group)->ColumnChunk(leaf);
  const ::parquet::ColumnDescriptor& column = *footer.metadata().schema()->Column(leaf);
  const auto offsets_at = chunk->GetOffsetIndexLocation();
  const auto bounds_at = chunk->GetColumnIndexLocation();
  if (offsets_at.has_value()) {
    FIRN_RETURN_IF_ERROR(CheckInFile("offset index", *offsets_at, footer.data_end()));
  }
  if (bounds_at.has_value()) {
    FIRN_RETURN_IF_ERROR(CheckInFile("column index", *bounds_at, footer.data_end()));
  }
  ChunkIndex index;
  if (chunk->crypto_metadata() != nullptr) {
    if (!offsets_at.has_value()) return index;
    EncryptedPageIndex decrypted =
        LoadEncryptedPageIndex(footer, fetcher, row_group, leaf, bounds_at.has_value());
    return ChunkIndex{std::move(decrypted.offsets), std::move(decrypted.bounds)};
  }
  const ::parquet::ReaderProperties properties;
  if (offsets_at.has_value()) {
    FIRN_ASSIGN_OR_RETURN(const auto bytes, Fetch(fetcher, *offsets_at));
    index.offsets =
        ::parquet::OffsetIndex::Make(bytes->data(), bytes->size(), properties);
  }
  // Of columns without a known order the bounds mean nothing, and Parquet C++ may throw
  // on their width.
  if (bounds_at.has_value() && HasBounds(column)) {
    FIRN_ASSIGN_OR_RETURN(const auto bytes, Fetch(fetcher, *bounds_at));
    index.bounds =
        ::parquet::ColumnIndex::Make(column, bytes->data(), bytes->size(), properties);
  }
  return index;
}

Result<std::unique_ptr<::parquet::BloomFilter>> LoadBloomFilter(const Footer& footer,
                                                                io::ObjectReader& object,
                                                                FetchCounts& counts,
                                                                int row_group, int leaf) {
  const auto chunk = footer.metadata().RowGroup(row_group)->ColumnChunk(leaf);
  const auto at = chunk->bloom_filter_offset();
  if (!at.has_value()) return std::unique_ptr<::parquet::BloomFilter>();
  if (*at < 0 || *at >= footer.data_end()) {
    return Status::Corruption("it lies at " + std::to_string(*at) + ", data ends at " +
                              std::to_string(footer.data_end()));
  }
  const auto file = ::parquet::ParquetFileReader::Open(
      std::make_shared<ObjectInput>(object, counts),
      ::parquet::default_reader_properties(), footer.metadata_ptr());
  const auto group = file->GetBloomFilterReader().RowGroup(row_group);
  return group == nullptr ? nullptr : group->GetColumnBloomFilter(leaf);
}

}  // namespace firn::parquet

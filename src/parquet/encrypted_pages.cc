// SPDX-License-Identifier: Apache-2.0
#include "parquet/encrypted_pages.h"

#include <algorithm>
#include <utility>

#include "parquet/column_reader.h"
#include "parquet/file_reader.h"
#include "parquet/metadata.h"
#include "parquet/page_index.h"
#include "parquet/positioned_file.h"
#include "parquet/properties.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

// Longest read ahead of what the page reader asks for: a header, mostly.
constexpr std::int64_t kReadAheadBytes = 16 << 10;

// One chunk, where it lies in its file. It is read once, from front to back.
class ChunkFile final : public PositionedFile {
 public:
  ChunkFile(std::int64_t file_bytes, std::int64_t first,
            std::unique_ptr<PageStream> stream)
      : file_bytes_(file_bytes), next_(first), stream_(std::move(stream)) {}

  using PositionedFile::ReadAt;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t position,
                                                       std::int64_t size) override {
    if (position != next_) {
      return arrow::Status::IOError("read at ", position, ", the chunk stands at ",
                                    next_);
    }
    ARROW_ASSIGN_OR_RAISE(auto bytes, stream_->Read(size));
    next_ += bytes->size();
    return bytes;
  }
  arrow::Result<std::int64_t> GetSize() override { return file_bytes_; }

 private:
  const std::int64_t file_bytes_;
  std::int64_t next_;
  const std::unique_ptr<PageStream> stream_;
};

// What a fetcher gives, one request a read.
class FetchedFile final : public PositionedFile {
 public:
  FetchedFile(std::int64_t file_bytes, RangeFetcher& fetcher)
      : file_bytes_(file_bytes), fetcher_(fetcher) {}

  using PositionedFile::ReadAt;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t position,
                                                       std::int64_t size) override {
    if (position < 0 || size <= 0 || position > file_bytes_ ||
        size > file_bytes_ - position) {
      return arrow::Status::IOError("read of ", size, " bytes at ", position, " of ",
                                    file_bytes_);
    }
    const ByteRange range{position, size};
    fetcher_.Announce({range});
    auto bytes = fetcher_.Take(range);
    if (!bytes.ok()) return ToArrow(bytes.status());
    return std::move(bytes).value();
  }
  arrow::Result<std::int64_t> GetSize() override { return file_bytes_; }

 private:
  const std::int64_t file_bytes_;
  RangeFetcher& fetcher_;
};

}  // namespace

std::unique_ptr<::parquet::PageReader> OpenEncryptedPages(
    const Footer& footer, int row_group, int leaf, std::unique_ptr<PageStream> stream,
    const ::parquet::ReaderProperties& properties) {
  const auto chunk = footer.metadata().RowGroup(row_group)->ColumnChunk(leaf);
  const auto span = footer.SpanOf(*chunk);
  if (!span.ok()) throw ::parquet::ParquetStatusException(ToArrow(span.status()));
  ::parquet::ReaderProperties buffered = properties;
  buffered.enable_buffered_stream();
  buffered.set_buffer_size(kReadAheadBytes);
  const auto file = ::parquet::ParquetFileReader::Contents::Open(
      std::make_shared<ChunkFile>(footer.data_end(), span->start, std::move(stream)),
      buffered, footer.metadata_ptr());
  return file->GetRowGroup(row_group)->GetColumnPageReader(leaf);
}

EncryptedPageIndex LoadEncryptedPageIndex(const Footer& footer, RangeFetcher& fetcher,
                                          int row_group, int leaf, bool with_bounds) {
  const auto file = ::parquet::ParquetFileReader::Open(
      std::make_shared<FetchedFile>(footer.data_end(), fetcher),
      ::parquet::default_reader_properties(), footer.metadata_ptr());
  const auto reader = file->GetPageIndexReader();
  reader->WillNeed({row_group}, {leaf},
                   {.column_index = with_bounds, .offset_index = true});
  const auto group = reader->RowGroup(row_group);
  if (group == nullptr) return {};
  EncryptedPageIndex index;
  index.offsets = group->GetOffsetIndex(leaf);
  if (with_bounds) index.bounds = group->GetColumnIndex(leaf);
  return index;
}

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
// A chunk is decoded batch by batch, none of which reaches beyond a page. At the end of
// each page its values are compared with the page index, at the end of the chunk all of
// them with the row group's statistics.
#include "parquet/verify_chunk.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "parquet/bloom_filter.h"
#include "parquet/bounds.h"
#include "parquet/chunk_index.h"
#include "parquet/column_reader.h"
#include "parquet/encrypted_pages.h"
#include "parquet/page_index_check.h"
#include "parquet/page_stream.h"
#include "parquet/properties.h"
#include "parquet/schema.h"
#include "parquet/value_range.h"
#include "parquet/wall.h"
#include "parquet/watched_pages.h"

namespace firn::parquet {
namespace {

constexpr std::int64_t kBatchValues = 4096;
// Distinct values are counted up to here; of more it is not said whether they are as many
// as the statistics have them.
constexpr std::size_t kDistinctMax = 1 << 16;

using ::parquet::ByteArray;
using ::parquet::FixedLenByteArray;
using ::parquet::Int96;

template <typename T>
std::string_view BytesOf(const ::parquet::ColumnDescriptor& column, const T& value) {
  if constexpr (std::is_same_v<T, ByteArray>) {
    return {reinterpret_cast<const char*>(value.ptr), value.len};
  } else if constexpr (std::is_same_v<T, FixedLenByteArray>) {
    return {reinterpret_cast<const char*>(value.ptr),
            static_cast<std::size_t>(column.type_length())};
  } else {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }
}

template <typename T>
std::uint64_t HashOf(const ::parquet::BloomFilter& filter,
                     const ::parquet::ColumnDescriptor& column, const T& value) {
  if constexpr (std::is_same_v<T, FixedLenByteArray>) {
    return filter.Hash(value, static_cast<std::uint32_t>(column.type_length()));
  } else {
    return filter.Hash(value);
  }
}

// The definition level from which on a slot of the innermost list is there, be it NULL.
std::int16_t ElementLevel(const ::parquet::ColumnDescriptor& column) {
  std::int16_t level = column.max_definition_level();
  for (const auto* node = column.schema_node().get();
       node != nullptr && !node->is_repeated(); node = node->parent()) {
    if (node->is_optional()) --level;
  }
  return level;
}

// One column chunk of one physical type.
template <typename DType>
class ChunkReading {
 public:
  using T = typename DType::c_type;

  ChunkReading(const ChunkVerification& with, int row_group, int leaf)
      : with_(with),
        row_group_(row_group),
        leaf_(leaf),
        column_(*with.footer.metadata().schema()->Column(leaf)),
        chunk_(with.footer.metadata().RowGroup(row_group)->ColumnChunk(leaf)),
        element_level_(ElementLevel(column_)) {
    if constexpr (!std::is_same_v<T, Int96>) {
      if (HasBounds(column_)) {
        chunk_range_.emplace(column_);
        page_range_.emplace(column_);
      }
    }
    if (chunk_->is_stats_set()) statistics_ = chunk_->encoded_statistics();
  }

  Status Run() {
    FIRN_RETURN_IF_ERROR(LoadIndexes());
    FIRN_ASSIGN_OR_RETURN(const bool whole, ReadPages());
    with_.check.pages += static_cast<std::int64_t>(seen_.data_pages.size());
    if (!whole) return Status::OK();
    CheckExtent();
    if (CheckCounts()) CheckStatistics();
    return Status::OK();
  }

 private:
  Status LoadIndexes() {
    const Status pages = Guard("not readable", [&]() -> Status {
      FIRN_ASSIGN_OR_RETURN(
          index_, LoadChunkIndex(with_.footer, with_.fetcher, row_group_, leaf_));
      return Status::OK();
    });
    FIRN_RETURN_IF_ERROR(with_.faults.Take(pages, FaultKind::kPageIndex));
    const Status bloom = Guard("not readable", [&]() -> Status {
      FIRN_ASSIGN_OR_RETURN(
          bloom_, LoadBloomFilter(with_.footer, with_.object, with_.bloom_counts,
                                  row_group_, leaf_));
      return Status::OK();
    });
    FIRN_RETURN_IF_ERROR(with_.faults.Take(bloom, FaultKind::kBloomFilter));
    if (std::is_same_v<T, bool>) bloom_.reset();  // The format has none of booleans.
    if (bloom_ != nullptr) ++with_.check.bloom_filters;
    if (index_.offsets != nullptr || index_.bounds != nullptr) {
      ++with_.check.page_indexes;
      page_check_.emplace(index_, page_range_ ? &*page_range_ : nullptr, with_.faults);
    }
    return Status::OK();
  }

  // The chunk's bytes in pieces of one request each, so that not all are held at once.
  std::vector<ByteRange> Pieces(ChunkSpan span) const {
    std::vector<ByteRange> pieces;
    for (std::int64_t at = span.start; at < span.end; at += with_.request_bytes_max) {
      pieces.push_back({at, std::min(with_.request_bytes_max, span.end - at)});
    }
    return pieces;
  }

  Result<std::shared_ptr<::parquet::ColumnReader>> OpenPages() {
    FIRN_ASSIGN_OR_RETURN(const ChunkSpan span, with_.footer.SpanOf(*chunk_));
    std::vector<ByteRange> pieces = Pieces(span);
    with_.fetcher.Announce(pieces);
    ::parquet::ReaderProperties properties(with_.pool);
    properties.set_page_checksum_verification(true);
    std::unique_ptr<::parquet::PageReader> pages;
    std::shared_ptr<PageStream> stream;
    if (chunk_->crypto_metadata() != nullptr) {
      pages = OpenEncryptedPages(
          with_.footer, row_group_, leaf_,
          std::make_unique<PageStream>(with_.fetcher, std::move(pieces)), properties);
    } else {
      stream = std::make_shared<PageStream>(with_.fetcher, std::move(pieces));
      pages = ::parquet::PageReader::Open(stream, chunk_->num_values(),
                                          chunk_->compression(), properties, column_);
    }
    return ::parquet::ColumnReader::Make(
        &column_,
        std::make_unique<WatchedPages>(std::move(pages), std::move(stream), span.start,
                                       seen_),
        with_.pool);
  }

  // Whether the chunk was read to its end.
  Result<bool> ReadPages() {
    const Status status = Guard("not readable", [&]() -> Status {
      FIRN_ASSIGN_OR_RETURN(const auto opened, OpenPages());
      auto& reader = static_cast<::parquet::TypedColumnReader<DType>&>(*opened);
      while (reader.HasNext()) {
        FIRN_RETURN_IF_ERROR(with_.context.Check());
        const auto page = static_cast<std::int64_t>(seen_.data_pages.size()) - 1;
        if (page != page_) {
          FinishPage();
          BeginPage(page);
        }
        ReadBatch(reader);
      }
      FinishPage();
      return Status::OK();
    });
    if (status.ok()) return true;
    const auto read = static_cast<std::int64_t>(seen_.data_pages.size());
    FIRN_RETURN_IF_ERROR(
        with_.faults.Take(status, FaultKind::kPage, seen_.is_reading ? read : read - 1));
    return false;
  }

  void ReadBatch(::parquet::TypedColumnReader<DType>& reader) {
    std::int64_t count = 0;
    const std::int64_t levels = reader.ReadBatch(
        kBatchValues, definition_.data(), repetition_.data(), values_.get(), &count);
    if (levels == 0)
      throw ::parquet::ParquetException("fewer values than its header has");
    levels_ += levels;
    contents_.value_count += count;
    contents_.null_count += levels - count;
    const bool repeated = column_.max_repetition_level() > 0;
    if (!repeated) {
      rows_ += levels;
      contents_.null_elements += levels - count;
    }
    for (std::int64_t i = 0; repeated && i < levels; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (i == 0 && is_page_begin_) contents_.starts_within_row = repetition_[at] != 0;
      rows_ += repetition_[at] == 0 ? 1 : 0;
      if (definition_[at] < column_.max_definition_level() &&
          definition_[at] >= element_level_) {
        ++contents_.null_elements;
      }
    }
    is_page_begin_ = false;
    AddValues(count);
  }

  void AddValues(std::int64_t count) {
    const T* values = values_.get();
    if constexpr (!std::is_same_v<T, Int96>) {
      if (page_range_.has_value() && page_check_.has_value()) {
        page_range_->Add(values, count);
      }
      if (chunk_range_.has_value()) chunk_range_->Add(values, count);
    }
    if constexpr (!std::is_same_v<T, bool>) {
      for (std::int64_t i = 0; bloom_ != nullptr && i < count; ++i) {
        if (bloom_->FindHash(HashOf(*bloom_, column_, values[i]))) continue;
        with_.faults.Add(
            FaultKind::kBloomFilter, page_,
            "it does not have " + BoundText(column_, BytesOf(column_, values[i])),
            "every value");
        bloom_.reset();  // One is enough of a chunk.
      }
    }
    if (statistics_ == nullptr || !statistics_->has_distinct_count) return;
    for (std::int64_t i = 0; i < count && distinct_.size() <= kDistinctMax; ++i) {
      distinct_.insert(std::string(BytesOf(column_, values[i])));
    }
  }

  void BeginPage(std::int64_t page) {
    page_ = page;
    contents_ = {};
    if (chunk_->crypto_metadata() == nullptr) {
      contents_.extent = seen_.data_pages[static_cast<std::size_t>(page)];
    }
    contents_.first_row = rows_;
    is_page_begin_ = true;
    if (page_range_.has_value()) page_range_->Reset();
  }

  void FinishPage() {
    if (page_ < 0) return;
    value_count_ += contents_.value_count;
    null_count_ += contents_.null_count;
    null_elements_ += contents_.null_elements;
    if (page_check_.has_value()) page_check_->Add(page_, contents_);
  }

  // Where the last page ends, the chunk has to.
  void CheckExtent() {
    if (chunk_->crypto_metadata() != nullptr) return;
    std::int64_t start = chunk_->data_page_offset();
    if (chunk_->has_dictionary_page() && chunk_->dictionary_page_offset() > 0) {
      start = std::min(start, chunk_->dictionary_page_offset());
    }
    const std::int64_t end = start + chunk_->total_compressed_size();
    // What SpanOf adds to it is for writers that forgot to count a header.
    const auto span = with_.footer.SpanOf(*chunk_);
    if (seen_.end == end || (span.ok() && span->end > end && seen_.end > end)) return;
    if (seen_.data_pages.empty()) return;
    with_.faults.Add(FaultKind::kLayout, -1, "pages end at " + std::to_string(seen_.end),
                     "the chunk's end at " + std::to_string(end));
  }

  bool CheckCounts() {
    const std::int64_t rows = with_.footer.metadata().RowGroup(row_group_)->num_rows();
    if (levels_ != chunk_->num_values()) {
      with_.faults.Add(FaultKind::kRowCount, -1,
                       "pages of " + std::to_string(levels_) + " values",
                       std::to_string(chunk_->num_values()) + " as in the footer");
      return false;
    }
    if (rows_ != rows) {
      with_.faults.Add(FaultKind::kRowCount, -1,
                       "pages of " + std::to_string(rows_) + " rows",
                       std::to_string(rows) + " as in the footer");
      return false;
    }
    if (page_check_.has_value()) {
      page_check_->Finish(static_cast<std::int64_t>(seen_.data_pages.size()));
    }
    return true;
  }

  void CheckStatistics() {
    if (statistics_ == nullptr) return;
    const ::parquet::EncodedStatistics& stated = *statistics_;
    ++with_.check.statistics;
    if (stated.has_null_count && stated.null_count != null_count_ &&
        stated.null_count != null_elements_) {
      Misfit(std::to_string(stated.null_count) + " NULLs", std::to_string(null_count_));
    }
    if (stated.has_distinct_count && distinct_.size() <= kDistinctMax &&
        stated.distinct_count != static_cast<std::int64_t>(distinct_.size())) {
      Misfit(std::to_string(stated.distinct_count) + " distinct values",
             std::to_string(distinct_.size()));
    }
    if constexpr (!std::is_same_v<T, Int96>) {
      if (!chunk_range_.has_value()) return;
      // A decimal that was cut short is another number.
      if (column_.logical_type()->is_decimal() &&
          (stated.is_min_value_exact == false || stated.is_max_value_exact == false)) {
        return;
      }
      const auto misfit = chunk_range_->Compare(
          stated.has_min ? &stated.min() : nullptr, stated.is_min_value_exact == true,
          stated.has_max ? &stated.max() : nullptr, stated.is_max_value_exact == true);
      if (misfit.has_value()) Misfit(misfit->found, misfit->expected);
    }
  }

  void Misfit(std::string found, std::string expected) {
    with_.faults.Add(FaultKind::kStatistics, -1, std::move(found), std::move(expected));
  }

  // Int96 has no order, so it needs no range; another type of the same shape stands in.
  using RangeType =
      std::conditional_t<std::is_same_v<T, Int96>, ::parquet::Int64Type, DType>;

  const ChunkVerification& with_;
  const int row_group_;
  const int leaf_;
  const ::parquet::ColumnDescriptor& column_;
  const std::unique_ptr<::parquet::ColumnChunkMetaData> chunk_;
  const std::int16_t element_level_;
  std::shared_ptr<::parquet::EncodedStatistics> statistics_;
  ChunkIndex index_;
  std::unique_ptr<::parquet::BloomFilter> bloom_;
  std::optional<ValueRange<RangeType>> chunk_range_;
  std::optional<ValueRange<RangeType>> page_range_;
  std::optional<PageIndexCheck<RangeType>> page_check_;

  PagesSeen seen_;
  std::vector<std::int16_t> definition_ = std::vector<std::int16_t>(kBatchValues);
  std::vector<std::int16_t> repetition_ = std::vector<std::int16_t>(kBatchValues);
  const std::unique_ptr<T[]> values_ = std::make_unique<T[]>(kBatchValues);

  std::int64_t page_ = -1;  // Being read.
  bool is_page_begin_ = false;
  PageContents contents_;
  std::int64_t levels_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t value_count_ = 0;
  std::int64_t null_count_ = 0;
  std::int64_t null_elements_ = 0;
  std::unordered_set<std::string> distinct_;
};

}  // namespace

bool IsWithoutPages(const ::parquet::ColumnChunkMetaData& chunk) {
  return chunk.num_values() == 0 && chunk.data_page_offset() == 0;
}

Status VerifyChunk(const ChunkVerification& with, int row_group, int leaf) {
  if (IsWithoutPages(*with.footer.metadata().RowGroup(row_group)->ColumnChunk(leaf))) {
    return Status::OK();
  }
  switch (with.footer.metadata().schema()->Column(leaf)->physical_type()) {
    case ::parquet::Type::BOOLEAN:
      return ChunkReading<::parquet::BooleanType>(with, row_group, leaf).Run();
    case ::parquet::Type::INT32:
      return ChunkReading<::parquet::Int32Type>(with, row_group, leaf).Run();
    case ::parquet::Type::INT64:
      return ChunkReading<::parquet::Int64Type>(with, row_group, leaf).Run();
    case ::parquet::Type::INT96:
      return ChunkReading<::parquet::Int96Type>(with, row_group, leaf).Run();
    case ::parquet::Type::FLOAT:
      return ChunkReading<::parquet::FloatType>(with, row_group, leaf).Run();
    case ::parquet::Type::DOUBLE:
      return ChunkReading<::parquet::DoubleType>(with, row_group, leaf).Run();
    case ::parquet::Type::BYTE_ARRAY:
      return ChunkReading<::parquet::ByteArrayType>(with, row_group, leaf).Run();
    case ::parquet::Type::FIXED_LEN_BYTE_ARRAY:
      return ChunkReading<::parquet::FLBAType>(with, row_group, leaf).Run();
    default:
      with.faults.Add(FaultKind::kUnreadable, -1, "a physical type that is not known",
                      "");
      return Status::OK();
  }
}

}  // namespace firn::parquet

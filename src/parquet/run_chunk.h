// SPDX-License-Identifier: Apache-2.0
// run_chunk.h: one leaf column of a row group whose rows come in long runs of the same.
//
// Arrow's encoders look at every value of every row. Here a run is kept as it came, one
// entry however many rows it has, until the row group is complete; then its dictionary is
// known, and pages are laid out run by run (hybrid_encoder.h). What comes out is a column
// chunk like any other: dictionary page, data pages, statistics, page index, bloom
// filter.
//
//   1. Append: words are numbered in order of arrival, runs refer to them by number.
//   2. WriteTo: a dictionary page, unless the words outgrew their bound; then each page
//      is as many rows as fit its bounds, its levels and numbers (or words) run by run.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "parquet/column_writer.h"
#include "parquet/metadata.h"
#include "parquet/properties.h"
#include "parquet/schema.h"

namespace parquet {
class BloomFilter;
}  // namespace parquet

namespace firn::parquet {

// Bounds of a chunk's pages and dictionary, and whether it has either.
struct RunChunkOptions {
  std::int64_t page_rows = 1 << 16;
  std::int64_t page_bytes = 1 << 20;
  std::int64_t dictionary_bytes = 1 << 20;
  bool dictionary = true;
  bool statistics = true;
  bool page_v2 = false;  // Version 2 data pages rather than version 1.
};

// Thread-compatible. The memory held is a number for each value of a run, and each
// distinct word once.
class RunChunk {
 public:
  // `leaf` must outlive the chunk.
  RunChunk(const ::parquet::ColumnDescriptor& leaf, const RunChunkOptions& options);

  // Add `rows` rows, each of which is NULL as a whole.
  void AppendNull(std::int64_t rows);
  // Add `rows` rows which all hold `words`: one for a plain column, any number for a leaf
  // of a map. A word is the value's bytes, as PLAIN stores them but for the length.
  // REQUIRES: a leaf of BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY or INT32; no word absent where
  // the leaf is required.
  void AppendWords(std::int64_t rows,
                   std::span<const std::optional<std::string_view>> words);

  // Write the chunk's pages and close `pager`; the words go into `bloom_filter`, unless
  // it is null. Returns the bytes before compression. Throws what Parquet throws.
  std::int64_t WriteTo(::parquet::PageWriter& pager,
                       ::parquet::ColumnChunkMetaDataBuilder& metadata,
                       ::parquet::BloomFilter* bloom_filter, arrow::MemoryPool* pool) &&;

 private:
  class Page;

  static constexpr std::uint32_t kNullWord = 0xffffffff;

  // `rows` rows that each hold the words [begin, begin + count) of entries_.
  struct Run {
    std::int64_t rows;
    std::size_t begin;
    std::uint32_t count;
    bool is_null;  // The rows are NULL, rather than empty lists.
  };

  std::uint32_t Number(std::string_view word);
  std::size_t PlainBytes(std::string_view word) const;
  void AppendRun(const Run& run);
  std::span<const std::uint32_t> EntriesOf(const Run& run) const {
    return std::span(entries_).subspan(run.begin, run.count);
  }
  bool Less(std::uint32_t a, std::uint32_t b) const;
  std::string PlainWord(std::uint32_t word) const;
  std::int64_t WriteDictionary(::parquet::PageWriter& pager) const;
  void FillBloomFilter(::parquet::BloomFilter& filter) const;

  const ::parquet::ColumnDescriptor& leaf_;
  const RunChunkOptions options_;
  std::vector<Run> runs_;
  std::vector<std::uint32_t> entries_;
  base::Arena arena_;  // Holds the words.
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
  std::vector<std::string_view> words_;  // By number.
  std::int64_t word_bytes_ = 0;          // Of a dictionary page.
};

}  // namespace firn::parquet

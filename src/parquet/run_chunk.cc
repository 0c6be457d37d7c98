// SPDX-License-Identifier: Apache-2.0
#include "parquet/run_chunk.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "arrow/buffer.h"

#include "base/assert.h"
#include "parquet/bloom_filter.h"
#include "parquet/column_page.h"
#include "parquet/hybrid_encoder.h"
#include "parquet/statistics.h"

namespace firn::parquet {
namespace {

using ::parquet::Type;

void AppendLittleEndian32(std::uint32_t value, std::string& out) {
  for (int bit = 0; bit < 32; bit += 8) out.push_back(static_cast<char>(value >> bit));
}

int BitsOf(std::uint32_t greatest) { return std::bit_width(greatest); }

}  // namespace

// One data page in the making.
class RunChunk::Page {
 public:
  // Numbers of words are stored, of `index_bits` each, or the words themselves.
  Page(const RunChunk& chunk, bool dictionary, int index_bits)
      : chunk_(chunk),
        dictionary_(dictionary),
        max_definition_(static_cast<std::uint32_t>(chunk.leaf_.max_definition_level())),
        repeats_(chunk.leaf_.max_repetition_level() > 0),
        repetition_(1),
        definition_(BitsOf(max_definition_)),
        numbers_(index_bits) {}

  std::int64_t rows() const { return rows_; }

  // Add rows of a run, as many of its `left` as fit; one where the page is empty.
  std::int64_t Add(const Run& run, std::int64_t left) {
    const std::span<const std::uint32_t> entries = chunk_.EntriesOf(run);
    const double row_bytes = RowBytes(entries);
    const double room = static_cast<double>(chunk_.options_.page_bytes) - bytes_;
    std::int64_t rows = std::min(left, chunk_.options_.page_rows - rows_);
    rows = std::min(rows, static_cast<std::int64_t>(room / row_bytes));
    if (rows <= 0) {
      if (rows_ > 0) return 0;
      rows = 1;
    }
    PutLevels(run, entries, rows);
    PutValues(entries, rows);
    PutStatistics(run, entries, rows);
    rows_ += rows;
    bytes_ += static_cast<double>(rows) * row_bytes;
    return rows;
  }

  std::int64_t WriteTo(::parquet::PageWriter& pager, std::int64_t first_row,
                       arrow::MemoryPool* pool) {
    return chunk_.options_.page_v2 ? WriteV2(pager, first_row, pool)
                                   : WriteV1(pager, first_row, pool);
  }

  // Of the rows added.
  ::parquet::EncodedStatistics Statistics() const {
    ::parquet::EncodedStatistics statistics;
    if (!chunk_.options_.statistics) return statistics;
    statistics.set_null_count(nulls_);
    statistics.all_null_value = nulls_ == values_;
    statistics.set_is_signed(chunk_.leaf_.sort_order() == ::parquet::SortOrder::SIGNED);
    // Bounds are left out rather than cut where they are too long, as Parquet does.
    constexpr std::size_t kLongestBound = ::parquet::DEFAULT_MAX_STATISTICS_SIZE;
    if (least_ != kNullWord && chunk_.words_[least_].size() <= kLongestBound) {
      statistics.set_min(std::string(chunk_.words_[least_]));
    }
    if (greatest_ != kNullWord && chunk_.words_[greatest_].size() <= kLongestBound) {
      statistics.set_max(std::string(chunk_.words_[greatest_]));
    }
    return statistics;
  }

  // Count what `page` holds into this one's statistics.
  void MergeStatistics(const Page& page) {
    values_ += page.values_;
    nulls_ += page.nulls_;
    PutBound(page.least_);
    PutBound(page.greatest_);
  }

 private:
  ::parquet::Encoding::type encoding() const {
    return dictionary_ ? ::parquet::Encoding::RLE_DICTIONARY : ::parquet::Encoding::PLAIN;
  }

  void TakeValues(std::string& body) {
    if (dictionary_) {
      body.push_back(static_cast<char>(numbers_.bit_width()));
      body += numbers_.Finish();
    } else {
      body += std::exchange(plain_, std::string());
    }
  }

  static std::shared_ptr<arrow::Buffer> Compress(::parquet::PageWriter& pager,
                                                 std::string plain,
                                                 arrow::MemoryPool* pool) {
    PARQUET_ASSIGN_OR_THROW(std::shared_ptr<arrow::ResizableBuffer> compressed,
                            arrow::AllocateResizableBuffer(0, pool));
    pager.Compress(*arrow::Buffer::FromString(std::move(plain)), compressed.get());
    return compressed;
  }

  // Levels with their lengths before them, and values: compressed as one.
  std::int64_t WriteV1(::parquet::PageWriter& pager, std::int64_t first_row,
                       arrow::MemoryPool* pool) {
    std::string body;
    const auto put_levels = [&](HybridEncoder& levels) {
      const std::string encoded = levels.Finish();
      AppendLittleEndian32(static_cast<std::uint32_t>(encoded.size()), body);
      body += encoded;
    };
    if (repeats_) put_levels(repetition_);
    if (max_definition_ > 0) put_levels(definition_);
    TakeValues(body);
    const auto size = static_cast<std::int64_t>(body.size());
    return pager.WriteDataPage(::parquet::DataPageV1(
        pager.has_compressor() ? Compress(pager, std::move(body), pool)
                               : arrow::Buffer::FromString(std::move(body)),
        static_cast<std::int32_t>(values_), encoding(), ::parquet::Encoding::RLE,
        ::parquet::Encoding::RLE, size, Statistics(), first_row));
  }

  // Levels as they are, their lengths in the header, and values, compressed by themselves
  // where that makes them fewer bytes.
  std::int64_t WriteV2(::parquet::PageWriter& pager, std::int64_t first_row,
                       arrow::MemoryPool* pool) {
    std::string body = repeats_ ? repetition_.Finish() : std::string();
    const auto repetition_bytes = static_cast<std::int32_t>(body.size());
    if (max_definition_ > 0) body += definition_.Finish();
    const auto definition_bytes =
        static_cast<std::int32_t>(body.size()) - repetition_bytes;
    std::string values;
    TakeValues(values);
    const auto size = static_cast<std::int64_t>(body.size() + values.size());
    bool is_compressed = false;
    if (pager.has_compressor() && !values.empty()) {
      const auto compressed = Compress(pager, values, pool);
      is_compressed = compressed->size() < static_cast<std::int64_t>(values.size());
      if (is_compressed) values = compressed->ToString();
    }
    body += values;
    return pager.WriteDataPage(::parquet::DataPageV2(
        arrow::Buffer::FromString(std::move(body)), static_cast<std::int32_t>(values_),
        static_cast<std::int32_t>(nulls_), static_cast<std::int32_t>(rows_), encoding(),
        definition_bytes, repetition_bytes, size, is_compressed, Statistics(),
        first_row));
  }

  // What a row takes at most, in the buffers of the page.
  double RowBytes(std::span<const std::uint32_t> entries) const {
    const auto slots = static_cast<double>(std::max<std::size_t>(1, entries.size()));
    double bits = slots * ((repeats_ ? 1 : 0) + definition_.bit_width());
    if (dictionary_) return (bits + slots * numbers_.bit_width() + 1) / 8;
    for (const std::uint32_t word : entries) {
      if (word != kNullWord) {
        bits += 8.0 * static_cast<double>(chunk_.PlainBytes(chunk_.words_[word]));
      }
    }
    return (bits + 1) / 8;
  }

  // Levels say where a row begins (repetition 0), and how much of the path to its value
  // exists: all of it for a word, one less for a NULL in its place, one less than a
  // list's element for an empty list, nothing for a NULL.
  void PutLevels(const Run& run, std::span<const std::uint32_t> entries,
                 std::int64_t rows) {
    const bool nullable = chunk_.leaf_.schema_node()->is_optional();
    if (run.is_null) {
      definition_.Put(0, rows);
    } else if (entries.empty()) {
      definition_.Put(max_definition_ - (nullable ? 2 : 1), rows);
    } else {
      levels_.clear();
      for (const std::uint32_t word : entries) {
        levels_.push_back(word == kNullWord ? max_definition_ - 1 : max_definition_);
      }
      definition_.PutRepeated(levels_, rows);
    }
    if (!repeats_) return;
    levels_.assign(std::max<std::size_t>(1, entries.size()), 1);
    levels_[0] = 0;
    repetition_.PutRepeated(levels_, rows);
  }

  void PutValues(std::span<const std::uint32_t> entries, std::int64_t rows) {
    present_.clear();
    for (const std::uint32_t word : entries) {
      if (word != kNullWord) present_.push_back(word);
    }
    if (dictionary_) return numbers_.PutRepeated(present_, rows);
    std::string row;
    for (const std::uint32_t word : present_) row += chunk_.PlainWord(word);
    for (std::int64_t i = 0; i < rows; ++i) plain_ += row;
  }

  void PutStatistics(const Run& run, std::span<const std::uint32_t> entries,
                     std::int64_t rows) {
    const auto present = static_cast<std::int64_t>(present_.size());
    const auto slots =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(entries.size()));
    FIRN_ASSERT(!run.is_null || present == 0);
    values_ += slots * rows;
    nulls_ += (slots - present) * rows;
    if (!chunk_.options_.statistics) return;
    for (const std::uint32_t word : present_) PutBound(word);
  }

  void PutBound(std::uint32_t word) {
    if (word == kNullWord) return;
    if (least_ == kNullWord || chunk_.Less(word, least_)) least_ = word;
    if (greatest_ == kNullWord || chunk_.Less(greatest_, word)) greatest_ = word;
  }

  const RunChunk& chunk_;
  const bool dictionary_;
  const std::uint32_t max_definition_;
  const bool repeats_;
  HybridEncoder repetition_;
  HybridEncoder definition_;
  HybridEncoder numbers_;
  std::string plain_;
  std::vector<std::uint32_t> levels_;
  std::vector<std::uint32_t> present_;
  std::int64_t rows_ = 0;
  std::int64_t values_ = 0;  // With NULLs.
  std::int64_t nulls_ = 0;
  double bytes_ = 0;
  std::uint32_t least_ = kNullWord;
  std::uint32_t greatest_ = kNullWord;
};

RunChunk::RunChunk(const ::parquet::ColumnDescriptor& leaf,
                   const RunChunkOptions& options)
    : leaf_(leaf), options_(options) {}

std::uint32_t RunChunk::Number(std::string_view word) {
  if (const auto found = numbers_.find(word); found != numbers_.end()) {
    return found->second;
  }
  const auto number = static_cast<std::uint32_t>(words_.size());
  FIRN_ASSERT(number != kNullWord);
  words_.push_back(arena_.Copy(word));
  numbers_.emplace(words_.back(), number);
  word_bytes_ += static_cast<std::int64_t>(PlainBytes(word));
  return number;
}

// Of the word as PLAIN stores it.
std::size_t RunChunk::PlainBytes(std::string_view word) const {
  return word.size() + (leaf_.physical_type() == Type::BYTE_ARRAY ? 4 : 0);
}

// Runs that hold the same are one.
void RunChunk::AppendRun(const Run& run) {
  if (!runs_.empty() && runs_.back().is_null == run.is_null) {
    const auto last = EntriesOf(runs_.back());
    const auto now = EntriesOf(run);
    if (std::equal(last.begin(), last.end(), now.begin(), now.end())) {
      runs_.back().rows += run.rows;
      entries_.resize(run.begin);
      return;
    }
  }
  runs_.push_back(run);
}

void RunChunk::AppendNull(std::int64_t rows) {
  AppendRun({rows, entries_.size(), 0, true});
}

void RunChunk::AppendWords(std::int64_t rows,
                           std::span<const std::optional<std::string_view>> words) {
  FIRN_ASSERT(leaf_.max_repetition_level() > 0 || words.size() == 1);
  const std::size_t begin = entries_.size();
  for (const auto& word : words) {
    FIRN_ASSERT(word.has_value() || leaf_.schema_node()->is_optional());
    entries_.push_back(word.has_value() ? Number(*word) : kNullWord);
  }
  AppendRun({rows, begin, static_cast<std::uint32_t>(words.size()), false});
}

bool RunChunk::Less(std::uint32_t a, std::uint32_t b) const {
  if (leaf_.physical_type() != Type::INT32) return words_[a] < words_[b];
  std::int32_t number_a;
  std::int32_t number_b;
  std::memcpy(&number_a, words_[a].data(), sizeof number_a);
  std::memcpy(&number_b, words_[b].data(), sizeof number_b);
  return number_a < number_b;
}

std::string RunChunk::PlainWord(std::uint32_t word) const {
  std::string plain;
  if (leaf_.physical_type() == Type::BYTE_ARRAY) {
    AppendLittleEndian32(static_cast<std::uint32_t>(words_[word].size()), plain);
  }
  plain += words_[word];
  return plain;
}

std::int64_t RunChunk::WriteDictionary(::parquet::PageWriter& pager) const {
  std::string body;
  body.reserve(static_cast<std::size_t>(word_bytes_));
  for (std::uint32_t word = 0; word < words_.size(); ++word) body += PlainWord(word);
  return pager.WriteDictionaryPage(::parquet::DictionaryPage(
      arrow::Buffer::FromString(std::move(body)),
      static_cast<std::int32_t>(words_.size()), ::parquet::Encoding::PLAIN));
}

void RunChunk::FillBloomFilter(::parquet::BloomFilter& filter) const {
  for (const std::string_view word : words_) {
    if (leaf_.physical_type() == Type::BYTE_ARRAY) {
      filter.InsertHash(filter.Hash(word));
    } else if (leaf_.physical_type() == Type::INT32) {
      std::int32_t number;
      std::memcpy(&number, word.data(), sizeof number);
      filter.InsertHash(filter.Hash(number));
    } else {
      const ::parquet::FLBA fixed(reinterpret_cast<const std::uint8_t*>(word.data()));
      filter.InsertHash(
          filter.Hash(&fixed, static_cast<std::uint32_t>(leaf_.type_length())));
    }
  }
}

std::int64_t RunChunk::WriteTo(::parquet::PageWriter& pager,
                               ::parquet::ColumnChunkMetaDataBuilder& metadata,
                               ::parquet::BloomFilter* bloom_filter,
                               arrow::MemoryPool* pool) && {
  if (bloom_filter != nullptr) FillBloomFilter(*bloom_filter);
  const bool dictionary =
      options_.dictionary && !words_.empty() && word_bytes_ <= options_.dictionary_bytes;
  const int index_bits =
      dictionary ? std::max(1, BitsOf(static_cast<std::uint32_t>(words_.size() - 1))) : 0;
  std::int64_t bytes = dictionary ? WriteDictionary(pager) : 0;
  Page whole(*this, dictionary, index_bits);
  std::int64_t first_row = 0;
  std::int64_t taken = 0;  // Rows of the run at hand that are in a page.
  for (std::size_t r = 0; r < runs_.size();) {
    Page page(*this, dictionary, index_bits);
    while (r < runs_.size()) {
      const std::int64_t rows = page.Add(runs_[r], runs_[r].rows - taken);
      if (rows == 0) break;
      taken += rows;
      if (taken == runs_[r].rows) {
        ++r;
        taken = 0;
      }
    }
    bytes += page.WriteTo(pager, first_row, pool);
    first_row += page.rows();
    whole.MergeStatistics(page);
  }
  const ::parquet::EncodedStatistics statistics = whole.Statistics();
  if (statistics.is_set()) metadata.SetStatistics(statistics);
  pager.Close(dictionary, /*fallback=*/false);
  return bytes;
}

}  // namespace firn::parquet

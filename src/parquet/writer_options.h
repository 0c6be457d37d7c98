// SPDX-License-Identifier: Apache-2.0
// writer_options.h: how a Parquet file is to be laid out.
//
// Where Iceberg has a table property for an option, its name is given beside it, without
// the prefix `write.parquet.`. Values only: nothing here knows of Parquet C++.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/status.h"
#include "parquet/encryption.h"

namespace arrow {
class MemoryPool;
}  // namespace arrow

namespace firn::parquet {

// kLz4 is what the format calls LZ4_RAW; the older LZ4, with Hadoop's frames, is read but
// never written.
enum class Codec : std::uint8_t { kUncompressed, kSnappy, kGzip, kBrotli, kLz4, kZstd };

// "uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd", as Iceberg spells them.
std::string_view ToString(Codec codec);
// The way back, in any case; "none" and "lz4_raw" are taken too. InvalidArgument lists
// what there is, and says which is near.
Result<Codec> ParseCodec(std::string_view name);

// How values are stored where no dictionary is used.
enum class Encoding : std::uint8_t {
  kPlain,
  kDeltaBinaryPacked,     // int32, int64, date, timestamp
  kDeltaLengthByteArray,  // string, binary
  kDeltaByteArray,        // string, binary, fixed
  kByteStreamSplit,       // float, double, int32, int64, fixed; see the note in README.md
};
// As the format spells them: "DELTA_BINARY_PACKED".
std::string_view ToString(Encoding encoding);

// Version 2 keeps levels out of the compressed part, and leaves a page uncompressed where
// that is smaller. Every Iceberg reader takes both.
enum class PageVersion : std::uint8_t { kV1, kV2 };

struct BloomFilterOptions {
  std::int64_t distinct_values = 1 << 20;  // Expected in one row group; sizes the filter.
  double false_positive_rate = 0.01;       // In (0, 1).  bloom-filter-fpp.column.*
};

struct ColumnOptions {
  // Try a dictionary first; from where it outgrows its bound, the rest of the chunk is
  // stored plain. Boolean columns have none.
  bool dictionary = true;
  Encoding encoding = Encoding::kPlain;  // Where `dictionary` is off.
  bool statistics = true;  // stats-enabled.column.*; off, there is no page index either.
  bool page_index = true;  // Where the file has page indexes at all.
  // Unimplemented in an encrypted file; those that others write are read.
  std::optional<BloomFilterOptions> bloom_filter;  // bloom-filter-enabled.column.*

  // Instead of the file's. A codec without a level is used at the codec's own default, a
  // level without a codec is one of the file's codec.
  std::optional<Codec> codec;
  std::optional<int> codec_level;
};

// Who must be able to read a file, as far as the choice of an encoding goes.
enum class Readers : std::uint8_t {
  kAll,      // No BYTE_STREAM_SPLIT: Spark's own vectorised reader has none.
  kMost,     // Of float and double: Arrow, DuckDB and parquet-mr read it.
  kIceberg,  // Of integers and fixed binary too: Iceberg's readers do, DuckDB 1.5 does
             // not.
};

struct CodecLevel {
  Codec codec = Codec::kZstd;
  std::optional<int> level;
  bool operator==(const CodecLevel&) const = default;
};

// How to find a column's form by trying (compression_trial.h).
struct TrialOptions {
  // The sample ends at the first of these two. REQUIRES: both above 0.
  std::int64_t sample_rows = 1 << 15;
  std::int64_t sample_bytes = 16 << 20;
  Readers readers = Readers::kAll;
  // Tried with each encoding. Not empty.
  std::vector<CodecLevel> codecs = {{Codec::kZstd, 3},
                                    {Codec::kZstd, 1},
                                    {Codec::kZstd, 9},
                                    {Codec::kSnappy, std::nullopt},
                                    {Codec::kUncompressed, std::nullopt}};
  // Each form is timed this often, and the shortest time counts. REQUIRES: above 0.
  int repeats = 2;
  // A second of CPU is worth this many bytes of the file: about what an object store
  // delivers to one stream in that time, a tenth of it, since bytes are also kept.
  std::int64_t cpu_second_bytes = 10 << 20;
  double reads = 4;  // How often a file is read in its life.
  // CPU time of the calling thread in nanoseconds. Empty: the system's.
  std::function<std::int64_t()> cpu_clock_ns;
};

// `zstd:3`, or a codec alone. InvalidArgument, naming what is wrong.
Result<CodecLevel> ParseCodecLevel(std::string_view text);

bool HasLevels(Codec codec);
// Whether the codec has such a level, as a writer checks it of a column: InvalidArgument
// for one outside of its levels, and for any of a codec that has none.
Status CheckCodecLevel(const CodecLevel& form);

// What the rows are sorted by. It is recorded, not checked.
struct SortingColumn {
  std::int32_t field_id;
  bool descending = false;
  bool nulls_first = true;
  bool operator==(const SortingColumn&) const = default;
};

struct WriterOptions {
  Codec codec = Codec::kZstd;  // compression-codec
  // Absent: the codec's own default. Ignored by codecs that have no levels; one that the
  // codec does not have is refused.  compression-level
  std::optional<int> codec_level = 3;

  // A row group ends at the first of these two. The bytes are those of the Arrow data
  // that went in, before encoding.  row-group-size-bytes
  std::int64_t row_group_rows = 1 << 20;
  std::int64_t row_group_bytes = std::int64_t{128} << 20;

  // A page ends at the first of these two. A run-length encoded column of a sorted file
  // never fills a page by bytes, so the rows decide how finely it can be pruned, and how
  // much is decoded around a wanted row. bench/parquet_series_bench.cc compares sizes.
  std::int64_t page_bytes = 1 << 20;  // page-size-bytes
  std::int64_t page_rows = 1 << 16;   // page-row-limit
  std::int64_t dictionary_bytes = 1
                                  << 20;  // Of a column in one row group. dict-size-bytes
  PageVersion page_version = PageVersion::kV1;  // page-version

  bool page_index = true;
  bool page_checksums = true;

  ColumnOptions default_column;
  // By field id of the leaf, and by its path ("labels.key_value.key") where it has no
  // entry by field id.
  std::map<std::int32_t, ColumnOptions> columns;
  std::map<std::string, ColumnOptions> columns_by_path;
  // Compression by trial: the first rows are held back and each leaf is tried in several
  // encodings and codecs; what suits it best is used for the whole file, instead of its
  // `dictionary`, `encoding` and codec. Leaves whose options name a codec are left alone.
  std::optional<TrialOptions> trial;
  std::vector<SortingColumn> sorting_columns;
  // Such as `iceberg.schema`. Keys are unique.
  std::vector<std::pair<std::string, std::string>> key_values;

  // Absent: the file is stored in the clear. Run-end encoded columns of an encrypted file
  // are spelled out, at a cost by the row.
  std::optional<EncryptionOptions> encryption;

  // Null: Arrow's default pool. Must outlive the writer.
  arrow::MemoryPool* pool = nullptr;
};

// The options that hold for a leaf.
const ColumnOptions& OptionsOf(const WriterOptions& options, const std::string& path,
                               std::int32_t field_id);

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
// footer.h: what is known of a file before any data is read. Internal to this room.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrow/type_fwd.h"

#include "expr/predicate.h"
#include "firn/status.h"
#include "io/store.h"
#include "parquet/metadata.h"
#include "parquet/range_fetcher.h"
#include "parquet/reader.h"

namespace firn::parquet {

// One data page: where it lies in the file and the rows of the row group it holds.
struct PageSpan {
  std::int64_t offset = 0;
  std::int64_t size_bytes = 0;
  RowRange rows;
};

// What the page index says of the values of one page.
struct PageValues {
  std::optional<expr::Literal> lower;
  std::optional<expr::Literal> upper;
  std::int64_t null_count = -1;
  bool all_null = false;
};

// The data pages of a column chunk, from its page index. Immutable.
struct ChunkPages {
  std::vector<PageSpan> pages;     // Ascending; together they hold every row.
  std::vector<PageValues> values;  // Empty, or one a page.
  bool values_read = false;        // Whether `values` is all that the file says of them.
  // No page can be left out: each is numbered in what is authenticated.
  bool encrypted = false;
};

// What the footer says of the values of one column chunk.
struct ChunkStatistics {
  std::int64_t value_count = -1;
  std::int64_t null_count = -1;
  std::optional<expr::Literal> lower;
  std::optional<expr::Literal> upper;
};

// A column chunk's bytes [start, end): a dictionary page, if any, and data pages.
struct ChunkSpan {
  std::int64_t start = 0;
  std::int64_t end = 0;
};

// A column of the file, or as much of one as is wanted.
struct ColumnPart {
  int field = 0;            // Top-level.
  std::vector<int> leaves;  // Of the field: ascending, never empty.
  bool operator==(const ColumnPart&) const = default;
};

// What a ColumnRef means.
struct FoundColumn {
  ColumnPart part;
  std::string name;      // Of the column in batches.
  bool is_path = false;  // A field inside of the column was asked for.
};

// Thread-safe: immutable but for statistics and page indexes, which are kept as they are
// decoded and read.
class Footer {
 public:
  // Read the footer of `object`, adding what was asked of the store to `counts`. May
  // throw Parquet's exceptions.
  static Result<std::shared_ptr<const Footer>> Load(io::ObjectReader& object,
                                                    const ReaderOptions& options,
                                                    FetchCounts& counts);

  const ::parquet::FileMetaData& metadata() const { return *metadata_; }
  const std::shared_ptr<::parquet::FileMetaData>& metadata_ptr() const {
    return metadata_;
  }
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  // What the footer and, once read, the page indexes take in memory: an estimate.
  std::int64_t memory_bytes() const { return memory_bytes_; }

  // The column or the part of one that is meant, or nothing.
  std::optional<FoundColumn> Find(const ColumnRef& column) const;
  // NotFound that names the column, and the nearest that there is.
  Status NoSuchColumn(const ColumnRef& column) const;
  // All of a top-level field.
  ColumnPart WholeOf(int field) const;
  bool IsWhole(const ColumnPart& part) const;
  // Whether the part is one leaf that has one value a row, NULL or not, and is not
  // locked: a column, or a field of structs. Predicates prune by such.
  bool IsFlat(const ColumnPart& part) const;
  // The top-level field that the leaf is the whole of, or nothing where it is inside one.
  std::optional<int> FieldOfLeaf(int leaf) const;

  // OK, or why the leaf cannot be decrypted: PermissionDenied, or what the key retriever
  // returned. Nothing of a locked leaf may be asked of metadata().
  const Status& CheckUnlocked(int leaf) const { return locked_[leaf]; }
  // Whether anything in the file is encrypted.
  bool is_encrypted() const { return is_encrypted_; }

  // The chunk's bytes, checked to lie within the file.
  Result<ChunkSpan> SpanOf(const ::parquet::ColumnChunkMetaData& chunk) const;

  // Of all row groups, and of one.
  std::int64_t row_count() const { return row_count_; }
  std::int64_t row_count(int row_group) const { return row_counts_[row_group]; }
  // How many rows come before those of the row group.
  std::int64_t first_row(int row_group) const { return first_rows_[row_group]; }

  // By row group. Decoded once, since to ask costs less than to decode. REQUIRES: the
  // leaf is not locked. May throw Parquet's exceptions.
  const std::vector<ChunkStatistics>& StatisticsOf(int leaf) const;

  // Where the footer starts: everything it points to lies before.
  std::int64_t data_end() const { return data_end_; }

  // Pages kept by KeepPages, or null. An entry whose chunk has no page index has no
  // pages.
  std::shared_ptr<const ChunkPages> FindPages(int row_group, int leaf) const;
  // Replaces what was kept for the chunk.
  void KeepPages(int row_group, int leaf, std::shared_ptr<const ChunkPages> pages) const;

 private:
  Footer() = default;
  Status Parse(std::int64_t size_bytes, const std::string& tail,
               const ReaderOptions& options);
  Status MakeSchema();
  void LockLeaves(bool has_keys);
  Status CheckRowGroups();
  std::int64_t IndexBytes() const;

  std::shared_ptr<::parquet::FileMetaData> metadata_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::pair<int, int>> leaves_;
  std::vector<Status> locked_;  // By leaf.
  bool is_encrypted_ = false;
  std::int64_t memory_bytes_ = 0;
  std::int64_t data_end_ = 0;
  std::int64_t row_count_ = 0;
  std::vector<std::int64_t> row_counts_;
  std::vector<std::int64_t> first_rows_;

  mutable std::mutex mutex_;
  mutable std::map<int, const std::vector<ChunkStatistics>> statistics_;  // By leaf.
  mutable std::map<std::pair<int, int>, std::shared_ptr<const ChunkPages>> pages_;
};

}  // namespace firn::parquet

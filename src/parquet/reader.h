// SPDX-License-Identifier: Apache-2.0
// reader.h: one Parquet file in: prune, then read what is left.
//
//   Open   footer, from the cache where it is known, else by one request mostly
//   Plan   row groups by statistics and bloom filters, rows by the page index
//   Read   predicate columns first, then the others for the rows that may match
//
// docs/design/0005-parquet-reading.md says why it is done so. Everything prunes and
// nothing filters: rows for which the predicate is not true may be among those returned.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "expr/predicate.h"
#include "firn/status.h"
#include "io/store.h"
#include "parquet/row_ranges.h"
#include "scan/batch.h"

namespace arrow {
class MemoryPool;
class Schema;
}  // namespace arrow

namespace firn::parquet {

class FetchThreads;
class Footer;
class FooterCache;
struct CompressionReport;  // compression_report.h
struct FileReport;         // writer.h
struct DecryptionOptions;  // encryption.h

struct ReaderOptions {
  // Null: no cache. Must outlive the reader.
  FooterCache* footer_cache = nullptr;
  // Where batches live. Null: Arrow's default pool. Thread-safe, as Arrow's are; must
  // outlive every batch read.
  arrow::MemoryPool* pool = nullptr;
  // Ranges of the file closer than this are fetched by one request.
  std::int64_t coalesce_hole_bytes = 64 << 10;
  // No request for pages is longer than this, unless one page is.
  std::int64_t request_bytes_max = 4 << 20;
  // A longer footer is Corruption: a bound on what a damaged file can make us allocate.
  std::int64_t footer_bytes_max = std::int64_t{256} << 20;
  bool verify_page_checksums = true;  // Of pages that have one.
  // Who fetches what a stream will want next while it decodes, and how many bytes of that
  // may wait for it; they are drawn on the pool. Null or 0: nobody. The threads must
  // outlive the streams.
  FetchThreads* fetch_threads = nullptr;
  std::int64_t read_ahead_bytes = 0;
  // Keys of encrypted files. Null: there are none; what is in the clear can be read.
  std::shared_ptr<const DecryptionOptions> decryption;
};

// A column, or a field inside of one: found by `field_id`, or by its name in the file
// where that is -1.
//
//   a          the column of that name, even one called "a.b"
//   a.b        field b of the structs of column a; `a.list.element.b` and `a.element.b`
//              of those in its lists, `m.key_value.value.b` and `m.value.b` in its maps
//
// Of a field inside, only what it consists of is read. The batches have the column, and
// in it the structs with the fields asked for, in the file's order, under the file's
// names; a map of which the keys or the values are left out is a list, as in Arrow.
// Several fields of one column make one column of the batches.
struct ColumnRef {
  // In the batches, and in the predicate; of a field inside by id, up to the first dot.
  std::string name;
  std::int32_t field_id = -1;
  // Its name in the file, where that is another. Empty: `name`. Not used with an id.
  std::string name_in_file{};
  bool operator==(const ColumnRef&) const = default;
};

// What ScanSpec::row_positions adds: Iceberg's name of the column.
inline constexpr char kRowPositionColumn[] = "_pos";

// How top-level columns of text and bytes are given. What lies in lists, maps and structs
// is plain always.
enum class TextForm : std::uint8_t {
  kPlain,       // utf8, binary.
  kDictionary,  // Text as dictionary<int32, utf8>: cheap for columns of few values.
  // utf8_view, binary_view: what is long is not copied value by value, but a batch holds
  // the pages it was taken from.
  kViews,
};

struct ScanSpec {
  // Columns wanted, in the order wanted. Absent: all, under the file's names. Empty: rows
  // are only counted.
  std::optional<std::vector<ColumnRef>> columns;
  // Null: everything. A column it names is looked up among `columns`, then among
  // `predicate_columns`, then by name in the file. One that the file does not have, or
  // that is not one value a row (a field of structs is), prunes nothing.
  expr::PredicatePtr predicate;
  std::vector<ColumnRef> predicate_columns;
  // Row groups [row_group_first, row_group_end) only.
  int row_group_first = 0;
  std::optional<int> row_group_end;
  // Longest batch; one of wide rows is shorter, for it takes about 8 MB at most.
  // REQUIRES: > 0.
  std::int64_t batch_rows = 8192;
  TextForm text_form = TextForm::kPlain;
  // Give each row's place in the file, from 0 on, as a last column kRowPositionColumn of
  // int64: rows that were pruned count.
  bool row_positions = false;
  // Decode row groups side by side, on as many threads of the stream's own. At most one
  // row group more than that is being decoded or waits for its rows to be taken. Ordered:
  // the batches are those of one thread. Unordered: row groups come as they are ready,
  // each in its own order, and hold a few batches each. REQUIRES: > 0.
  int threads = 1;
  bool ordered = true;
};

// What planning left of a file.
struct RowGroupPlan {
  int row_group = 0;
  RowRanges rows;  // Never empty.
  bool operator==(const RowGroupPlan&) const = default;
};
struct FilePlan {
  std::vector<RowGroupPlan> row_groups;  // Ascending.
  std::int64_t row_groups_pruned = 0;    // The sum of what each stage pruned.
  std::int64_t row_groups_pruned_by_statistics = 0;
  std::int64_t row_groups_pruned_by_bloom = 0;
  std::int64_t row_groups_pruned_by_page_index = 0;
  std::int64_t row_groups_pruned_by_dictionary = 0;
  // Of the predicate's columns, in the row groups that are left: pages without a row that
  // is left. The stream counts the pages of every column that it did not read.
  std::int64_t pages_pruned = 0;
  // What planning itself read. Opening (FileReader::opening) and the stream count their
  // own.
  std::int64_t bytes_read = 0;
  std::int64_t requests = 0;
  std::int64_t row_count() const;
};

struct RowGroupInfo {
  std::int64_t row_count = 0;
  std::int64_t first_row = 0;  // Its place in the file.
  // Of columns whose keys are at hand.
  std::int64_t compressed_bytes = 0;
  std::int64_t first_byte = 0;  // Where the first of them begins in the file.
};

// Thread-safe: plans and streams may be made and read in parallel.
class FileReader {
 public:
  // Read the footer of the object at `location` (the cache's key, and the name in every
  // error). Corruption where it is no Parquet file or a damaged one; PermissionDenied
  // where it is encrypted and the key is missing or another, or what the key retriever
  // said; Unimplemented where the schema is one that Arrow does not have; otherwise what
  // the object returns. Footers of encrypted files are not cached: each reader needs its
  // own keys.
  static Result<std::unique_ptr<FileReader>> Open(
      const base::Context& context, std::shared_ptr<io::ObjectReader> object,
      std::string location, const ReaderOptions& options);
  // How to open an object for that, so that most footers come with it. The size, where it
  // is known.
  static io::OpenOptions WithEnd(std::optional<std::uint64_t> size_bytes);
  // The same of the object that `store` has at `location`, by one request where the
  // footer fits the end that it fetches, and by none where it is in the cache and
  // `size_bytes` is given: the caller knows the size and vouches that the object is never
  // replaced (io::OpenOptions). Without it the object is looked at, since another may
  // have taken its place. `context` must outlive the reader and its streams.
  static Result<std::unique_ptr<FileReader>> Open(const base::Context& context,
                                                  io::Store& store, std::string location,
                                                  std::optional<std::uint64_t> size_bytes,
                                                  const ReaderOptions& options);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // What opening asked of the store, and what came.
  struct Opening {
    std::int64_t requests = 0;
    std::int64_t bytes_read = 0;
    bool operator==(const Opening&) const = default;
  };
  const Opening& opening() const { return opening_; }

  // As Arrow has it; field ids are in the metadata key `PARQUET:field_id`.
  const std::shared_ptr<arrow::Schema>& schema() const;
  std::int64_t row_count() const;
  int row_group_count() const;
  // REQUIRES: 0 <= index < row_group_count().
  RowGroupInfo row_group(int index) const;
  // Value of a key of the file's key-value metadata.
  std::optional<std::string> FindKeyValue(std::string_view key) const;
  // What each column takes, and in what form. Corruption where the footer is damaged.
  Result<CompressionReport> Compression() const;
  // What a table's metadata keeps of the file, as far as the footer knows: NaN is not
  // counted in it. Corruption where the footer is damaged, PermissionDenied where a
  // column is locked.
  Result<FileReport> Report() const;
  // Whether the file has the column. A table whose schema has grown fills it otherwise.
  bool HasColumn(const ColumnRef& column) const;

  // Decide what must be read. Reads bloom filters, page indexes and short dictionaries of
  // the predicate's columns, no data pages. Corruption where those are damaged.
  Result<FilePlan> Plan(const base::Context& context, const ScanSpec& spec) const;

  // Stream the rows of `plan`, which Plan() made for the same `spec` (a part of its row
  // groups will do, for reading in parallel). Batches hold rows of one row group, in
  // order. `context` must outlive the stream; this reader need not. A stream that is
  // dropped before its end stops its threads, and waits for requests that are under way.
  // Errors: NotFound for a column that the file does not have, with the nearest name;
  // PermissionDenied, or what the key retriever said, for one whose key is missing or
  // another. Corruption from the stream for a page that was altered. They name the
  // column.
  Result<std::unique_ptr<scan::BatchStream>> Read(const base::Context& context,
                                                  const ScanSpec& spec,
                                                  FilePlan plan) const;

 private:
  FileReader(std::shared_ptr<io::ObjectReader> object, std::string location,
             const ReaderOptions& options, std::shared_ptr<const Footer> footer,
             const Opening& opening);
  static Result<std::unique_ptr<FileReader>> OpenObject(
      const base::Context& context, std::shared_ptr<io::ObjectReader> object,
      std::string location, std::shared_ptr<const Footer> footer,
      const ReaderOptions& options);
  arrow::MemoryPool* pool() const;

  const std::shared_ptr<io::ObjectReader> object_;
  const std::string location_;
  const ReaderOptions options_;
  const std::shared_ptr<const Footer> footer_;
  const Opening opening_;
};

}  // namespace firn::parquet

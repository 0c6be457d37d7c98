// SPDX-License-Identifier: Apache-2.0
// row_group_scan.h: the wanted rows of one row group, predicate columns first. Internal
// to this room.
//
// 1. The predicate is cut into stages: one for all conjuncts on one column, one for each
//    conjunct on several. Stages whose columns take the fewest bytes come first.
// 2. Each stage reads its columns for the rows left, and keeps the ranges of rows for
//    which it may be true. A stage that statistics show to hold everywhere is left out,
//    and one that could spare no other column its reading.
// 3. The columns asked for are read for the rows left. Pages without such a row are not
//    fetched; what a stage has fetched is not fetched again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow/type_fwd.h"

#include "base/context.h"
#include "firn/status.h"
#include "io/store.h"
#include "parquet/column_cursor.h"
#include "parquet/footer.h"
#include "parquet/prune.h"
#include "parquet/range_fetcher.h"
#include "parquet/reader.h"
#include "scan/batch.h"

namespace firn::parquet {

// What all row groups of one stream have in common. Immutable.
struct ScanShape {
  std::shared_ptr<const Footer> footer;
  ReaderOptions options;
  arrow::MemoryPool* pool = nullptr;
  std::shared_ptr<arrow::Schema> schema;  // Of the batches.
  std::vector<ColumnPart> columns;        // One a column of `schema` that is read.
  expr::PredicatePtr predicate;           // May be null.
  PredicateColumns predicate_columns;
  std::int64_t batch_rows = 0;
  TextForm text_form = TextForm::kPlain;
  bool row_positions = false;  // As a last column of `schema`.
};

// Thread-compatible. May throw Parquet's exceptions; after one it must not be used.
class RowGroupScan {
 public:
  // Runs the stages. All arguments must outlive the scan.
  static Result<std::unique_ptr<RowGroupScan>> Open(const base::Context& context,
                                                    const ScanShape& shape,
                                                    io::ObjectReader& object,
                                                    const RowGroupPlan& plan,
                                                    const ReadAhead& read_ahead);
  // Whether Open would read nothing, so that it can be called before its time.
  static bool OpensAtOnce(const ScanShape& shape, const RowGroupPlan& plan);

  // The next rows, at most batch_rows, or null at the end.
  Result<std::shared_ptr<arrow::RecordBatch>> Next();

  // Read ahead what there is room for by now.
  void ReadOn() { fetcher_.ReadOn(); }
  // Whether all that is left to fetch is on its way.
  bool all_begun() const { return fetcher_.all_begun(); }

  const FetchCounts& fetched() const { return fetcher_.counts(); }
  std::int64_t pages_pruned() const { return pages_pruned_; }

 private:
  struct Stage {
    expr::PredicatePtr predicate;
    std::vector<std::string> names;
    std::vector<ColumnPart> columns;
    std::int64_t compressed_bytes = 0;
  };
  using Cursors = std::vector<std::unique_ptr<ColumnCursor>>;

  RowGroupScan(const base::Context& context, const ScanShape& shape,
               io::ObjectReader& object, const RowGroupPlan& plan,
               const ReadAhead& read_ahead);
  Status Prepare();
  std::vector<Stage> MakeStages() const;
  bool HoldsEverywhere(const expr::PredicatePtr& predicate) const;
  bool SparesAColumn(const Stage& stage, bool last) const;
  Status RunStage(const Stage& stage);
  // Cursors over `columns` for rows_. What those with `hold` fetch is kept until
  // the columns asked for have been announced.
  Result<Cursors> OpenCursors(const std::vector<ColumnPart>& columns, TextForm text_form,
                              const std::vector<bool>& hold);
  Result<std::vector<LeafSelection>> Select(const ColumnPart& column);
  Result<std::shared_ptr<arrow::Array>> PositionsOf(
      const std::vector<RowRange>& window) const;

  const base::Context& context_;
  const ScanShape& shape_;
  const int row_group_;
  const std::int64_t row_count_;
  RowRanges rows_;
  bool indexed_ = false;  // Whether page indexes are worth reading.
  RangeFetcher fetcher_;
  std::vector<ByteRange> held_;
  Cursors cursors_;  // Of the columns asked for. After fetcher_, which they use.
  std::int64_t pages_pruned_ = 0;
  // Where in rows_ the next batch begins.
  std::size_t range_index_ = 0;
  std::int64_t next_row_ = 0;
};

// Cuts up to `limit` rows off the front of what is left of `rows`; `index` and `row` are
// where it stands, and move on.
std::vector<RowRange> TakeRows(const RowRanges& rows, std::size_t& index,
                               std::int64_t& row, std::int64_t limit);

}  // namespace firn::parquet

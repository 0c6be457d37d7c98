// SPDX-License-Identifier: Apache-2.0
#include "parquet/row_group_scan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "arrow/array/array_base.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "expr/conjuncts.h"
#include "expr/select.h"
#include "parquet/chunk_pages.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

// Ranges of rows closer than this are read as one: to skip inside a page costs about as
// much as to decode, and each range costs a call a column.
constexpr std::int64_t kGapRows = 64;

}  // namespace

std::vector<RowRange> TakeRows(const RowRanges& rows, std::size_t& index,
                               std::int64_t& row, std::int64_t limit) {
  std::vector<RowRange> taken;
  while (limit > 0 && index < rows.ranges().size()) {
    const RowRange& range = rows.ranges()[index];
    const std::int64_t first = std::max(row, range.first);
    const std::int64_t end = std::min(range.end, first + limit);
    taken.push_back({first, end});
    limit -= end - first;
    row = end;
    if (end == range.end) ++index;
  }
  return taken;
}

RowGroupScan::RowGroupScan(const base::Context& context, const ScanShape& shape,
                           io::ObjectReader& object, const RowGroupPlan& plan,
                           const ReadAhead& read_ahead)
    : context_(context),
      shape_(shape),
      row_group_(plan.row_group),
      row_count_(shape.footer->row_count(plan.row_group)),
      rows_(plan.rows),
      fetcher_(context, object, shape.pool, shape.options.coalesce_hole_bytes,
               shape.options.request_bytes_max, read_ahead) {}

Result<std::unique_ptr<RowGroupScan>> RowGroupScan::Open(const base::Context& context,
                                                         const ScanShape& shape,
                                                         io::ObjectReader& object,
                                                         const RowGroupPlan& plan,
                                                         const ReadAhead& read_ahead) {
  std::unique_ptr<RowGroupScan> scan(
      new RowGroupScan(context, shape, object, plan, read_ahead));
  FIRN_RETURN_IF_ERROR(scan->Prepare());
  return scan;
}

bool RowGroupScan::OpensAtOnce(const ScanShape& shape, const RowGroupPlan& plan) {
  return shape.predicate == nullptr &&
         plan.rows.row_count() == shape.footer->row_count(plan.row_group);
}

Status RowGroupScan::Prepare() {
  if (!rows_.empty() && rows_.ranges().back().end > row_count_) {
    return Status::InvalidArgument("plan: rows " + rows_.ToString() +
                                   " of a row group of " + std::to_string(row_count_));
  }
  const std::vector<Stage> stages = MakeStages();
  indexed_ = !stages.empty() || rows_.row_count() < row_count_;
  if (indexed_) {
    // All indexes by one request where they lie together.
    std::set<int> leaves;
    const auto add = [&](const ColumnPart& column) {
      leaves.insert(column.leaves.begin(), column.leaves.end());
    };
    std::for_each(shape_.columns.begin(), shape_.columns.end(), add);
    for (const Stage& stage : stages)
      std::for_each(stage.columns.begin(), stage.columns.end(), add);
    FIRN_RETURN_IF_ERROR(LoadPages(*shape_.footer, fetcher_, row_group_,
                                   std::vector<int>(leaves.begin(), leaves.end()),
                                   /*with_values=*/false)
                             .status());
  }
  for (std::size_t i = 0; i < stages.size() && !rows_.empty(); ++i) {
    if (!SparesAColumn(stages[i], i + 1 == stages.size())) continue;
    FIRN_RETURN_IF_ERROR(RunStage(stages[i]));
  }
  FIRN_ASSIGN_OR_RETURN(cursors_,
                        OpenCursors(shape_.columns, shape_.text_form,
                                    std::vector<bool>(shape_.columns.size(), false)));
  for (const ByteRange& range : held_) fetcher_.Forget(range);
  held_.clear();
  return Status::OK();
}

std::vector<RowGroupScan::Stage> RowGroupScan::MakeStages() const {
  std::vector<Stage> stages;
  if (shape_.predicate == nullptr || shape_.columns.empty()) return stages;
  std::map<std::set<std::string>, std::vector<expr::PredicatePtr>> by_columns;
  for (const expr::PredicatePtr& conjunct : expr::SplitConjuncts(shape_.predicate)) {
    const std::set<std::string> names = expr::ColumnsOf(*conjunct);
    const bool readable =
        !names.empty() && std::all_of(names.begin(), names.end(), [&](const auto& name) {
          // A field of structs prunes by what is known of it, and is not read for that.
          const auto leaf = shape_.predicate_columns.find(name);
          return leaf != shape_.predicate_columns.end() &&
                 shape_.footer->FieldOfLeaf(leaf->second).has_value();
        });
    // A conjunct on a column that is not there may hold anywhere.
    if (readable && !HoldsEverywhere(conjunct)) by_columns[names].push_back(conjunct);
  }
  const auto group = shape_.footer->metadata().RowGroup(row_group_);
  for (auto& [names, conjuncts] : by_columns) {
    Stage stage;
    stage.predicate = conjuncts.size() == 1
                          ? conjuncts.front()
                          : expr::MakePredicate(expr::And{std::move(conjuncts)});
    for (const std::string& name : names) {
      const int leaf = shape_.predicate_columns.at(name);
      stage.names.push_back(name);
      stage.columns.push_back({*shape_.footer->FieldOfLeaf(leaf), {leaf}});
      stage.compressed_bytes += group->ColumnChunk(leaf)->total_compressed_size();
    }
    stages.push_back(std::move(stage));
  }
  std::stable_sort(stages.begin(), stages.end(), [](const Stage& a, const Stage& b) {
    return a.compressed_bytes < b.compressed_bytes;
  });
  return stages;
}

bool RowGroupScan::HoldsEverywhere(const expr::PredicatePtr& predicate) const {
  const RowGroupStatistics statistics(*shape_.footer, row_group_,
                                      shape_.predicate_columns);
  if (expr::MayMatch(*expr::MakePredicate(expr::Not{predicate}), statistics))
    return false;
  // Nowhere false; nowhere unknown either, where no column has a NULL.
  for (const std::string& name : expr::ColumnsOf(*predicate)) {
    if (expr::MayMatch(*expr::MakePredicate(expr::IsNull{name}), statistics))
      return false;
  }
  return true;
}

bool RowGroupScan::SparesAColumn(const Stage& stage, bool last) const {
  if (!last) return true;
  return std::any_of(
      shape_.columns.begin(), shape_.columns.end(), [&](const ColumnPart& column) {
        return std::find(stage.columns.begin(), stage.columns.end(), column) ==
               stage.columns.end();
      });
}

Status RowGroupScan::RunStage(const Stage& stage) {
  std::vector<bool> hold;
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < stage.columns.size(); ++i) {
    const ColumnPart& column = stage.columns[i];
    hold.push_back(std::find(shape_.columns.begin(), shape_.columns.end(), column) !=
                   shape_.columns.end());
    FIRN_ASSIGN_OR_RETURN(auto type,
                          CursorType(*shape_.footer, column, TextForm::kDictionary));
    fields.push_back(arrow::field(stage.names[i], std::move(type)));
  }
  FIRN_ASSIGN_OR_RETURN(const Cursors cursors,
                        OpenCursors(stage.columns, TextForm::kDictionary, hold));
  const auto schema = arrow::schema(std::move(fields));

  RowRanges kept;
  std::vector<std::uint8_t> mask;
  std::size_t index = 0;
  std::int64_t row = 0;
  while (true) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    const std::vector<RowRange> window = TakeRows(rows_, index, row, shape_.batch_rows);
    if (window.empty()) break;
    arrow::ArrayVector columns;
    for (const auto& cursor : cursors) {
      FIRN_ASSIGN_OR_RETURN(columns.emplace_back(), cursor->Read(window));
    }
    const std::int64_t rows = columns.front()->length();
    expr::SelectRows(*stage.predicate,
                     *arrow::RecordBatch::Make(schema, rows, std::move(columns)), mask);
    const std::uint8_t* at = mask.data();
    for (const RowRange& range : window) {
      const std::uint8_t* const begin = at;
      const std::uint8_t* const end = at + range.row_count();
      while (at != end) {
        const std::uint8_t* const first = std::find(at, end, std::uint8_t{1});
        at = std::find(first, end, std::uint8_t{0});
        kept.Append({range.first + (first - begin), range.first + (at - begin)},
                    kGapRows);
      }
    }
  }
  // Closing gaps may have taken in rows that were ruled out before.
  rows_ = Intersect(kept, rows_);
  return Status::OK();
}

Result<std::vector<LeafSelection>> RowGroupScan::Select(const ColumnPart& column) {
  const Footer& footer = *shape_.footer;
  const std::vector<int>& leaves = column.leaves;
  std::vector<std::shared_ptr<const ChunkPages>> pages(
      leaves.size(), std::make_shared<const ChunkPages>());
  if (indexed_) {
    FIRN_ASSIGN_OR_RETURN(pages, LoadPages(footer, fetcher_, row_group_, leaves, false));
  }
  const auto group = footer.metadata().RowGroup(row_group_);
  // The leaves of a nested column are read in step, so they must begin and end at the
  // same rows: widen to whole pages of every leaf until nothing moves.
  RowRanges wanted = rows_;
  std::vector<LeafSelection> selections;
  while (true) {
    selections.clear();
    RowRanges widest = wanted;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      FIRN_ASSIGN_OR_RETURN(const ChunkSpan span,
                            footer.SpanOf(*group->ColumnChunk(leaves[i])));
      selections.push_back({leaves[i], SelectPages(*pages[i], span, row_count_, wanted,
                                                   shape_.options.request_bytes_max)});
      widest = Union(widest, selections.back().chunk.rows);
    }
    if (leaves.size() == 1 || widest == wanted) return selections;
    wanted = std::move(widest);
  }
}

Result<RowGroupScan::Cursors> RowGroupScan::OpenCursors(
    const std::vector<ColumnPart>& columns, TextForm text_form,
    const std::vector<bool>& hold) {
  std::vector<std::vector<LeafSelection>> selections;
  std::vector<ByteRange> ranges;
  std::vector<ByteRange> hold_next;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    FIRN_ASSIGN_OR_RETURN(selections.emplace_back(), Select(columns[i]));
    for (const LeafSelection& leaf : selections.back()) {
      pages_pruned_ += leaf.chunk.pages_pruned;
      ranges.insert(ranges.end(), leaf.chunk.ranges.begin(), leaf.chunk.ranges.end());
      if (hold[i]) {
        hold_next.insert(hold_next.end(), leaf.chunk.ranges.begin(),
                         leaf.chunk.ranges.end());
      }
    }
  }
  ranges.insert(ranges.end(), hold_next.begin(), hold_next.end());
  fetcher_.Announce(std::move(ranges));
  held_.insert(held_.end(), hold_next.begin(), hold_next.end());
  const CursorOptions options = {shape_.pool, shape_.batch_rows,
                                 shape_.options.verify_page_checksums, text_form};
  Cursors cursors;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    FIRN_ASSIGN_OR_RETURN(
        cursors.emplace_back(),
        MakeColumnCursor(*shape_.footer, fetcher_, row_group_, columns[i],
                         std::move(selections[i]), options));
  }
  return cursors;
}

Result<std::shared_ptr<arrow::RecordBatch>> RowGroupScan::Next() {
  FIRN_RETURN_IF_ERROR(context_.Check());
  const std::vector<RowRange> window =
      TakeRows(rows_, range_index_, next_row_, shape_.batch_rows);
  if (window.empty()) return std::shared_ptr<arrow::RecordBatch>();
  std::int64_t rows = 0;
  for (const RowRange& range : window) rows += range.row_count();
  arrow::ArrayVector columns;
  for (const auto& cursor : cursors_) {
    FIRN_ASSIGN_OR_RETURN(columns.emplace_back(), cursor->Read(window));
  }
  if (shape_.row_positions) {
    FIRN_ASSIGN_OR_RETURN(columns.emplace_back(), PositionsOf(window));
  }
  return arrow::RecordBatch::Make(shape_.schema, rows, std::move(columns));
}

Result<std::shared_ptr<arrow::Array>> RowGroupScan::PositionsOf(
    const std::vector<RowRange>& window) const {
  const std::int64_t first = shape_.footer->first_row(row_group_);
  arrow::Int64Builder positions(shape_.pool);
  std::int64_t rows = 0;
  for (const RowRange& range : window) rows += range.row_count();
  FIRN_RETURN_IF_ERROR(FromArrow(positions.Reserve(rows)));
  for (const RowRange& range : window) {
    for (std::int64_t row = range.first; row < range.end; ++row) {
      positions.UnsafeAppend(first + row);
    }
  }
  std::shared_ptr<arrow::Array> array;
  FIRN_RETURN_IF_ERROR(FromArrow(positions.Finish(&array)));
  return array;
}

}  // namespace firn::parquet

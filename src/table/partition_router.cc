// SPDX-License-Identifier: Apache-2.0
#include "table/partition_router.h"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <unordered_map>
#include <utility>

#include "table/take_rows.h"

namespace firn::table {
namespace {

// Stretches of this many rows on average are written as they lie: writing a slice costs
// about as much as moving so many rows of a few columns.
constexpr std::int64_t kLongStretchRows = 128;

using KeyColumns = std::vector<std::shared_ptr<arrow::Array>>;

template <typename T>
void MarkChanges(const arrow::Array& column, std::vector<std::uint8_t>* changes) {
  const T* values = column.data()->GetValues<T>(1);
  for (std::size_t i = 1; i < changes->size(); ++i) {
    (*changes)[i] |= static_cast<std::uint8_t>(values[i] != values[i - 1]);
  }
}

// Where a row's cell differs from that of the row before.
void MarkChanges(const RowKeyEncoder& encoder, const KeyField& field,
                 const arrow::Array& column, std::vector<std::uint8_t>* changes) {
  const auto id = column.type_id();
  if (column.null_count() == column.length()) return;
  if (column.null_count() == 0) {
    if (id == arrow::Type::INT32 || id == arrow::Type::DATE32) {
      return MarkChanges<std::int32_t>(column, changes);
    }
    if (id == arrow::Type::INT64 || id == arrow::Type::TIMESTAMP) {
      return MarkChanges<std::int64_t>(column, changes);
    }
  }
  std::string before, cell;
  for (std::size_t i = 0; i < changes->size(); ++i) {
    cell.clear();
    encoder.AppendCell(field, column, static_cast<std::int64_t>(i), &cell);
    (*changes)[i] |= static_cast<std::uint8_t>(cell != before);
    std::swap(cell, before);
  }
}

// The first row of each stretch of equal partitions.
std::vector<std::int64_t> StretchesOf(const RowKeyEncoder& encoder,
                                      const KeyColumns& columns, std::int64_t rows) {
  std::vector<std::uint8_t> changes(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    MarkChanges(encoder, encoder.fields()[i], *columns[i], &changes);
  }
  std::vector<std::int64_t> begins = {0};
  for (std::int64_t i = 1; i < rows; ++i) {
    if (changes[static_cast<std::size_t>(i)] != 0) begins.push_back(i);
  }
  return begins;
}

// The batch with the rows of each partition together, the partitions in the order of
// `*partitions`, whose bounds are set. `owners` has the partition of each stretch.
Result<std::shared_ptr<arrow::RecordBatch>> Regroup(
    const arrow::RecordBatch& batch, const std::vector<std::int64_t>& begins,
    const std::vector<std::size_t>& owners, std::vector<PartitionRows>* partitions,
    arrow::MemoryPool* pool) {
  const auto end_of = [&](std::size_t stretch) {
    return stretch + 1 < begins.size() ? begins[stretch + 1] : batch.num_rows();
  };
  std::vector<std::int64_t> counts(partitions->size());
  for (std::size_t i = 0; i < begins.size(); ++i) {
    counts[owners[i]] += end_of(i) - begins[i];
  }
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    (*partitions)[i].begin = (*partitions)[i].end = begin;
    begin += counts[i];
  }
  std::vector<std::uint32_t> order(static_cast<std::size_t>(batch.num_rows()));
  for (std::size_t i = 0; i < begins.size(); ++i) {
    std::int64_t& at = (*partitions)[owners[i]].end;
    for (std::int64_t row = begins[i]; row < end_of(i); ++row) {
      order[static_cast<std::size_t>(at++)] = static_cast<std::uint32_t>(row);
    }
  }
  FIRN_ASSIGN_OR_RETURN(auto columns, TakeRows(batch.columns(), order, pool));
  return arrow::RecordBatch::Make(batch.schema(), batch.num_rows(), std::move(columns));
}

}  // namespace

Result<PartitionRouter> PartitionRouter::Make(const iceberg::PartitionSpec& spec,
                                              const iceberg::Schema& schema) {
  FIRN_ASSIGN_OR_RETURN(auto fields, PartitionKeyFields(spec, schema));
  return PartitionRouter(std::move(fields));
}

Result<RoutedBatch> PartitionRouter::Route(std::shared_ptr<arrow::RecordBatch> batch,
                                           arrow::MemoryPool* pool) const {
  RoutedBatch routed;
  routed.rows = std::move(batch);
  const std::int64_t rows = routed.rows->num_rows();
  if (rows == 0) return routed;
  FIRN_ASSIGN_OR_RETURN(const auto columns, encoder_.Columns(*routed.rows, pool));
  const auto begins = StretchesOf(encoder_, columns, rows);
  const bool long_stretches =
      rows >= static_cast<std::int64_t>(begins.size()) * kLongStretchRows;

  std::unordered_map<std::string, std::size_t> known;
  std::vector<std::size_t> owners;
  std::string key;
  for (const std::int64_t begin : begins) {
    key.clear();
    encoder_.AppendKey(columns, begin, &key);
    auto [at, added] = known.try_emplace(key, routed.partitions.size());
    if (added || long_stretches) {
      PartitionRows& part = routed.partitions.emplace_back();
      part.key = key;
      part.begin = begin;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        part.values.push_back(ValueAt(*columns[i], begin, encoder_.fields()[i].result));
      }
    }
    owners.push_back(at->second);
  }
  if (routed.partitions.size() < begins.size()) {
    FIRN_ASSIGN_OR_RETURN(
        routed.rows, Regroup(*routed.rows, begins, owners, &routed.partitions, pool));
    return routed;
  }
  for (std::size_t i = 0; i < routed.partitions.size(); ++i) {
    routed.partitions[i].end =
        i + 1 < begins.size() ? routed.partitions[i + 1].begin : rows;
  }
  return routed;
}

}  // namespace firn::table

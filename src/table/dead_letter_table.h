// SPDX-License-Identifier: Apache-2.0
// dead_letter_table.h: rows that a table does not take, as rows of a table beside it.
//
// Those of NS.TABLE are in NS.TABLE__quarantine, which is made when the first comes:
//
//   quarantined_at  timestamptz, required   day(quarantined_at) partitions the table
//   import_id       string, required        firn.import-id of the snapshots' summaries
//   source          string                  the file, `-` for standard input
//   row             long                    its number there (rejected_row.h)
//   column          string                  the one that is wrong; NULL: the row is
//   reason          string, required
//   record          string, required        the row: as the file has it, or as JSON
//
// Text of more than 4 MiB is cut, and what is no UTF-8 in it replaced.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "table/dead_letter_sink.h"
#include "table/rejected_row.h"
#include "table/row_environment.h"
#include "table/table_writer.h"

namespace firn::table {

inline constexpr char kQuarantineSuffix[] = "__quarantine";

// Thread-compatible.
class DeadLetterTable final : public DeadLetterSink {
 public:
  // Of the table `table`. What it refers to must outlive it.
  DeadLetterTable(const base::Context& context, const RowEnvironment& environment,
                  const iceberg::TableIdentifier& table, std::string import_id);
  // What was not committed is gone, and so is the table where it was made for nothing.
  ~DeadLetterTable() override;

  // Where the rows that come from now on are from. `row_number` says of a row of a batch
  // which it is there.
  void SetSource(std::string source,
                 std::function<std::int64_t(std::int64_t row)> row_number);

  // InvalidArgument where there is another table of that name.
  Status Add(const arrow::RecordBatch& batch,
             const std::vector<InvalidRow>& invalid) override;
  Status Add(const RejectedRow& row);

  // Make all rows so far part of the table, in one snapshot. To be called once, before
  // the others are committed: what is here and not there is no loss. Unavailable where
  // the outcome is not known, saying how to find out.
  Status Commit();

  const iceberg::TableIdentifier& identifier() const { return identifier_; }
  std::int64_t rows() const { return rows_; }

 private:
  class Columns;
  Status OpenTable();
  Status FlushColumns();

  const base::Context& context_;
  const RowEnvironment& environment_;
  const iceberg::TableIdentifier identifier_;
  const std::string import_id_;
  std::string source_;
  std::function<std::int64_t(std::int64_t)> row_number_;
  std::unique_ptr<Columns> columns_;  // Of rows that are not with the writer yet.
  std::optional<iceberg::LoadedTable> table_;
  bool made_ = false;
  std::unique_ptr<TableWriter> writer_;
  std::int64_t rows_ = 0;
};

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
// key_set.h: the keys of rows that are to take the place of a table's rows of these keys.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/budget.h"
#include "firn/status.h"
#include "iceberg/schema.h"
#include "iceberg/value.h"
#include "table/batch_validator.h"
#include "table/row_key.h"
#include "table/row_matcher.h"

namespace firn::table {

// Thread-compatible.
class KeySet {
 public:
  // A key is the values of top-level `columns`. InvalidArgument, naming the column, for
  // one that is not there, is nested or a floating-point number, whose equality is not
  // that of what was written. `budget` bounds what the keys take, and must outlive the
  // set.
  static Result<KeySet> Make(const iceberg::Schema& schema,
                             std::vector<std::string> columns, base::ByteBudget& budget);

  // Add the keys of the valid rows of a batch, and mark those as invalid that have NULL
  // in their key or a key that is there already. ResourceExhausted of the budget.
  Status Add(CheckedBatch& batch);
  std::size_t size() const { return keys_.size(); }
  const std::vector<std::string>& columns() const { return columns_; }

  // Set mask[i] to 1 where row i has one of the keys, and else to 0. The batch has the
  // columns at least.
  Status Find(const arrow::RecordBatch& batch, std::vector<std::uint8_t>& mask) const;
  // Between the least and the greatest value of each column; null where there is no key.
  expr::PredicatePtr Bounds() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>()(key);
    }
  };
  struct Range {
    iceberg::OptionalValue least;
    iceberg::OptionalValue greatest;
  };

  KeySet(std::vector<std::string> columns, std::vector<KeyField> fields,
         base::ByteReservation reserved)
      : columns_(std::move(columns)),
        encoder_(std::move(fields)),
        reserved_(std::move(reserved)),
        ranges_(columns_.size()) {}
  // The key columns of a batch, in the order of the key.
  Result<std::shared_ptr<arrow::RecordBatch>> KeyColumns(
      const arrow::RecordBatch& batch) const;
  void Widen(std::size_t i, const arrow::Array& column);
  // Why the row, of the key columns, is none that the set takes, or nothing.
  Result<std::optional<InvalidRow>> AddRow(
      const arrow::RecordBatch& key_columns,
      const std::vector<std::shared_ptr<arrow::Array>>& encoded, std::int64_t row);

  std::vector<std::string> columns_;
  RowKeyEncoder encoder_;
  base::ByteReservation reserved_;
  std::vector<Range> ranges_;
  std::unordered_set<std::string, Hash, std::equal_to<>> keys_;
};

// The rows that have one of `keys`, which must outlive the matcher.
std::unique_ptr<RowMatcher> MakeKeyMatcher(const KeySet& keys);

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
// file_columns.h: the columns of a file of a table, found by the table's ids, and what of
// them is read.
//
// Of a column of structs only the fields are read that are wanted and that the file has,
// at every depth, whatever they are called in it. Where it has none of a struct's, one
// other field is read: it says where the struct is NULL.
#pragma once

#include <arrow/type.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "firn/status.h"
#include "iceberg/schema.h"
#include "parquet/reader.h"
#include "table/projected_file.h"

namespace firn::table {

// An id that no column has.
inline constexpr iceberg::FieldId kNoField{std::numeric_limits<std::int32_t>::max()};

// What is read of a column of a file: the fields with these ids, each with all that is in
// it.
using ColumnParts = std::set<iceberg::FieldId>;

// The fields inside of the structs of `column` that none of `parts`, paths of names as in
// scan::ScanRequest, leads to: the outermost ones. None where no part begins with the
// column, or one leads nowhere.
std::set<iceberg::FieldId> FieldsLeftOut(
    const iceberg::NestedField& column,
    const std::vector<std::vector<std::string>>& parts);

// Immutable, thread-safe.
class FileColumns {
 public:
  // The file's own ids; or, where it has none, those that the name mapping gives its
  // columns: InvalidArgument where the table has none.
  static Result<FileColumns> Make(const parquet::FileReader& reader,
                                  const NameMappings& mappings);

  // The place of the column in the file, or -1.
  int Find(iceberg::FieldId id) const;
  // With ids at every depth.
  const std::shared_ptr<arrow::Field>& field(int place) const {
    return schema_->field(place);
  }
  // The same where batches give the column this type: all of it or parts.
  std::shared_ptr<arrow::Field> AsRead(
      int place, const std::shared_ptr<arrow::DataType>& type) const;

  // Add what must be read of the column for `wanted` without the fields `left_out`.
  // REQUIRES: wanted.id is the column's.
  void AddParts(int place, const iceberg::NestedField& wanted,
                const std::set<iceberg::FieldId>& left_out, ColumnParts& parts) const;
  // How the reader finds these parts of the column, to be called `name`. At least one.
  void AddRefs(int place, const std::string& name, const ColumnParts& parts,
               std::vector<parquet::ColumnRef>& refs) const;
  // And a column or a field of structs, for pruning. In a file without ids what is in
  // structs prunes nothing.
  parquet::ColumnRef PruningRefOf(std::string name, iceberg::FieldId id) const;

 private:
  std::shared_ptr<arrow::Schema> schema_;  // The file's, with ids.
  bool has_ids_ = false;
  bool finds_parts_ = false;  // By id, which no other has. Otherwise columns are whole.
};

}  // namespace firn::table

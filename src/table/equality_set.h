// SPDX-License-Identifier: Apache-2.0
// equality_set.h: the rows that equality delete files delete, by their values.
//
// A set is of all files that compare the same columns in the same partition, and knows of
// each row the newest file that has it: so a row of data is looked up once, however many
// commits a streaming writer has made. Rows are compared as bytes (row_key.h): NULL
// equals NULL, NaN equals NaN, and -0.0 is not 0.0, as in other readers.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/budget.h"
#include "base/context.h"
#include "firn/status.h"
#include "iceberg/delete_index.h"
#include "iceberg/table_metadata.h"
#include "table/projected_file.h"
#include "table/row_key.h"

namespace firn::table {

// The columns that equality deletes compare, and how rows become keys of them. Their
// types are the newest that the table has had: what is older was promoted, and a column
// that was dropped since is compared as it was.
struct EqualityColumns {
  std::vector<iceberg::NestedField> fields;  // Top-level, with the one leaf each.
  // Keys of batches that have `fields`, in order, `first_column` columns in.
  RowKeyEncoder EncoderAt(int first_column) const;
  std::vector<SourceColumn> sources;  // As if the batches had them only.
};
// Corruption where the table never had a column of one of the ids, or it is no primitive
// outside lists and maps.
Result<EqualityColumns> FindEqualityColumns(const iceberg::TableMetadata& metadata,
                                            const std::vector<iceberg::FieldId>& ids);

// Thread-safe once loaded.
class EqualitySet {
 public:
  // Read the delete files. Memory is drawn on the context's budget; ResourceExhausted
  // where that does not do. Corruption where a file lacks a column. Errors name the file.
  // REQUIRES: there is a file, and all have the same equality ids and scope.
  static Result<std::unique_ptr<const EqualitySet>> Load(
      const base::Context& context, const ScanEnvironment& environment,
      const NameMappings& mappings, const iceberg::TableMetadata& metadata,
      const std::vector<iceberg::DeleteFilePtr>& files, std::shared_ptr<ScanTotal> total);

  // Whether a file deletes a row of that key from data with the sequence number `data`.
  bool Deletes(std::string_view key, iceberg::SequenceNumber data) const {
    const auto found = newest_.find(key);
    return found != newest_.end() && data < found->second;
  }
  bool empty() const { return newest_.empty(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>()(key);
    }
  };

  Status Add(const base::Context& context, const ScanEnvironment& environment,
             const NameMappings& mappings, const EqualityColumns& columns,
             const iceberg::DeleteFile& file, std::shared_ptr<ScanTotal> total);

  // Of each key the newest file's sequence number.
  std::unordered_map<std::string, iceberg::SequenceNumber, Hash, std::equal_to<>> newest_;
  base::ByteReservation memory_;
};

}  // namespace firn::table

// SPDX-License-Identifier: Apache-2.0
// projected_file.h: one file of a table, data or deletes, read in the shape of a schema.
//
//   open    the footer; columns are found by id, or, in a file that has none, by the
//           table's name mapping
//   read    row groups and pages are pruned (parquet/reader.h)
//   batch   each column is projected (column_projection.h)
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "expr/predicate.h"
#include "firn/status.h"
#include "iceberg/data_file.h"
#include "iceberg/name_mapping.h"
#include "iceberg/table_metadata.h"
#include "scan/batch.h"
#include "table/scan_environment.h"
#include "table/scan_total.h"

namespace firn::table {

// How the columns of files without field ids are found: the table's name mapping. A
// mapping that is damaged is an error where it is needed, and only there.
class NameMappings {
 public:
  explicit NameMappings(const iceberg::TableMetadata& metadata);
  explicit NameMappings(iceberg::NameMapping mapping) : mapping_(std::move(mapping)) {}
  // InvalidArgument where the table has none.
  Result<const iceberg::NameMapping*> Get() const;

 private:
  Status status_;
  iceberg::NameMapping mapping_;
};

inline constexpr std::int64_t kEndOfFile = std::numeric_limits<std::int64_t>::max();

struct ProjectedRead {
  // Top-level fields wanted, in the order wanted. One may be wanted twice, in two shapes.
  std::vector<iceberg::NestedField> columns;
  // Of each of them, as far as the list goes: fields inside of its structs that are not
  // wanted. They are not read, and NULL.
  std::vector<std::set<iceberg::FieldId>> left_out;
  // Null: everything. Its columns are those that `predicate_fields` names by name; a name
  // that is not there prunes nothing.
  expr::PredicatePtr predicate;
  std::vector<std::pair<std::string, iceberg::FieldId>> predicate_fields;
  // Each row's place in the file as a last column, parquet::kRowPositionColumn.
  bool row_positions = false;
  // Row groups that begin in these bytes of the file.
  std::int64_t first_byte = 0;
  std::int64_t end_byte = kEndOfFile;
  int threads = 1;
  // A column that the file lacks is Corruption, whatever its default.
  bool needs_all_columns = false;
};

// The fields that the predicate's columns are in `schema`, for ProjectedRead.
std::vector<std::pair<std::string, iceberg::FieldId>> PredicateFields(
    const expr::PredicatePtr& predicate, const iceberg::Schema& schema);

// Stream what `read` asks of `file`, adding to `total` what that reads. `spec` is the
// file's partition spec, or null where its partition shall say nothing. Errors name the
// file: NotFound where it is gone; Unimplemented where it is not Parquet or encrypted;
// InvalidArgument where it has no field ids and the table no name mapping; those of
// column_projection.h and of the reader.
Result<std::unique_ptr<scan::BatchStream>> OpenProjected(
    const base::Context& context, const ScanEnvironment& environment,
    const NameMappings& mappings, const iceberg::DataFile& file,
    const iceberg::PartitionSpec* spec, const ProjectedRead& read,
    std::shared_ptr<ScanTotal> total);

}  // namespace firn::table

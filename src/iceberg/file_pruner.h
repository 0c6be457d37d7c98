// SPDX-License-Identifier: Apache-2.0
// file_pruner.h: whether a manifest or a file may hold a row for which a predicate is
// true.
//
//   manifest    by the summaries of its files' partition values
//   partition   by a file's own: of a data file the rows lie in it, of a delete file what
//               it deletes
//   metrics     by the counts and bounds of a file's columns
//
// Inclusive: what is not known, or does not parse, prunes nothing.
#pragma once

#include <string>
#include <vector>

#include "expr/predicate.h"
#include "iceberg/data_file.h"
#include "iceberg/manifest.h"
#include "iceberg/partition_spec.h"
#include "iceberg/schema.h"

namespace firn::iceberg {

// Immutable, thread-safe.
class FilePruner {
 public:
  // A column that the predicate names.
  struct Column {
    std::string name;
    FieldId id;
    PrimitiveType type;
  };

  // The predicate's columns are those of `schema` by name; null prunes nothing.
  FilePruner(const Schema& schema, expr::PredicatePtr predicate);

  bool prunes() const { return predicate_ != nullptr; }
  const std::vector<Column>& columns() const { return columns_; }

  // `spec` is the one that the manifest, or the file, was written by.
  bool ManifestMayMatch(const PartitionSpec& spec, const ManifestFile& manifest) const;
  bool PartitionMayMatch(const PartitionSpec& spec, const DataFile& file) const;
  bool MetricsMayMatch(const DataFile& file) const;

 private:
  expr::PredicatePtr predicate_;
  std::vector<Column> columns_;
};

}  // namespace firn::iceberg

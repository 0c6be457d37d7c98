// SPDX-License-Identifier: Apache-2.0
// column_projection.h: a file's column in the shape that a schema gives it now.
//
// Fields are matched by id at every depth (the specification's "Column Projection"):
//
//   left out, or of type unknown    NULL, whether it is there or not
//   there        as it is, or promoted
//   not there    the value of its identity partition, else its initial default, else NULL
//   in the file only    left out
//
// Elements of lists, keys and values of maps are what they are, whatever their ids say;
// the two parts of a variant have names alone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "firn/status.h"
#include "iceberg/schema.h"

namespace arrow {
class Array;
class DataType;
class Field;
class MemoryPool;
struct Scalar;
}  // namespace arrow

namespace firn::table {

// The id that a field of an Arrow schema carries (iceberg/schema_arrow.h), if any.
std::optional<iceberg::FieldId> FieldIdOf(const arrow::Field& field);

// What a column is that a file does not have, where its partition says it: the value of
// an identity transform, which may be NULL. Null pointer: the partition does not say.
using PartitionConstants = std::function<const iceberg::OptionalValue*(iceberg::FieldId)>;

// How one column is made. Immutable, thread-safe.
class ColumnProjection {
 public:
  // `file` is the column in the file with ids at every depth, or null where it lacks it;
  // `target` the table's field, and `type` its Arrow type (ToArrowSchema); `left_out` are
  // fields inside of its structs. Corruption, naming the column by its path, where the
  // file's type is not the target's and does not promote to it, or lacks a required field
  // that has no default; Unimplemented for a variant that is shredded.
  static Result<ColumnProjection> Make(const arrow::Field* file,
                                       const iceberg::NestedField& target,
                                       std::shared_ptr<arrow::DataType> type,
                                       const PartitionConstants& constants,
                                       const std::set<iceberg::FieldId>& left_out = {});

  const std::shared_ptr<arrow::DataType>& type() const { return root_.type; }
  // Whether it takes nothing from the file.
  bool is_constant() const { return root_.kind == Kind::kConstant; }

  // `column`, of the type that Make was told, projected; `rows` of a constant, whose
  // `column` is null. Nothing is copied but what is promoted or made up. InvalidArgument,
  // naming the column, for a value that does not fit (a date beyond the timestamps, say);
  // ResourceExhausted where the pool is.
  Result<std::shared_ptr<arrow::Array>> Apply(const std::shared_ptr<arrow::Array>& column,
                                              std::int64_t rows,
                                              arrow::MemoryPool* pool) const;

 private:
  enum class Kind : std::uint8_t { kAsIs, kCast, kStruct, kList, kMap, kConstant };
  struct Node {
    Kind kind = Kind::kAsIs;
    std::shared_ptr<arrow::DataType> type;
    std::shared_ptr<arrow::Scalar> constant;  // Of kConstant; null: NULL.
    // Of kStruct: a node a field, and which of the file's it takes; of kList the element;
    // of kMap key and value.
    std::vector<Node> children;
    std::vector<int> sources;
  };
  class Maker;
  class Applier;

  std::string name_;
  Node root_;
};

// `field` with no more of its structs' fields than lead to the one with `id`, none of
// them required. Absent where none has it.
std::optional<iceberg::NestedField> OnlyField(const iceberg::NestedField& field,
                                              iceberg::FieldId id);

}  // namespace firn::table

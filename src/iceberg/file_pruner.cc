// SPDX-License-Identifier: Apache-2.0
#include "iceberg/file_pruner.h"

#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "iceberg/single_value.h"
#include "iceberg/transform.h"

namespace firn::iceberg {
namespace {

void CollectNames(const expr::Predicate& predicate, std::set<std::string>* names) {
  std::visit(
      [&]<typename T>(const T& node) {
        if constexpr (std::is_same_v<T, expr::And> || std::is_same_v<T, expr::Or>) {
          for (const expr::PredicatePtr& operand : node.operands) {
            CollectNames(*operand, names);
          }
        } else if constexpr (std::is_same_v<T, expr::Not>) {
          CollectNames(*node.operand, names);
        } else {
          names->insert(node.column);
        }
      },
      predicate.node());
}

std::vector<FilePruner::Column> PrimitiveColumns(const expr::PredicatePtr& predicate,
                                                 const Schema& schema) {
  std::vector<FilePruner::Column> columns;
  if (predicate == nullptr) return columns;
  std::set<std::string> names;
  CollectNames(*predicate, &names);
  for (const std::string& name : names) {
    const NestedField* field = schema.FindColumn(name);
    const PrimitiveType* type = field == nullptr ? nullptr : field->type.primitive();
    if (type != nullptr) columns.push_back({name, field->id, *type});
  }
  return columns;
}

bool IsFloating(const PrimitiveType& type) {
  return type.kind == PrimitiveKind::kFloat || type.kind == PrimitiveKind::kDouble;
}

bool IsNan(const Value& value) {
  if (const auto* v = std::get_if<float>(&value)) return std::isnan(*v);
  if (const auto* v = std::get_if<double>(&value)) return std::isnan(*v);
  return false;
}

// What is known of the predicate's columns, gathered from partitions or metrics.
class KnownColumns final : public expr::StatisticsSource {
 public:
  struct Known {
    std::int64_t value_count = -1;
    std::int64_t null_count = -1;
    std::int64_t nan_count = -1;
    OptionalValue lower;
    OptionalValue upper;
    std::optional<expr::Literal> lower_literal;
    std::optional<expr::Literal> upper_literal;
  };

  explicit KnownColumns(const std::vector<FilePruner::Column>& columns)
      : columns_(columns), known_(columns.size()) {}

  Known& operator[](std::size_t i) { return known_[i]; }

  // Narrow the bounds of column `i`. A NaN says nothing of a bound.
  void AddLower(std::size_t i, const OptionalValue& value) {
    const OptionalValue promoted = Usable(i, value);
    OptionalValue& lower = known_[i].lower;
    if (promoted && (!lower || CompareValues(*promoted, *lower) > 0)) lower = promoted;
  }
  void AddUpper(std::size_t i, const OptionalValue& value) {
    const OptionalValue promoted = Usable(i, value);
    OptionalValue& upper = known_[i].upper;
    if (promoted && (!upper || CompareValues(*promoted, *upper) < 0)) upper = promoted;
  }

  bool MayMatch(const expr::Predicate& predicate) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      Known& known = known_[i];
      if (known.lower)
        known.lower_literal = ValueToLiteral(*known.lower, columns_[i].type);
      if (known.upper)
        known.upper_literal = ValueToLiteral(*known.upper, columns_[i].type);
    }
    return expr::MayMatch(predicate, *this);
  }

  bool Find(const std::string& column, expr::ColumnStatistics* out) const override {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].name != column) continue;
      const Known& known = known_[i];
      out->value_count = known.value_count;
      out->null_count = known.null_count;
      out->nan_count = IsFloating(columns_[i].type) ? known.nan_count : 0;
      out->lower = known.lower_literal ? &*known.lower_literal : nullptr;
      out->upper = known.upper_literal ? &*known.upper_literal : nullptr;
      return true;
    }
    return false;
  }

 private:
  OptionalValue Usable(std::size_t i, const OptionalValue& value) const {
    if (!value || IsNan(*value)) return std::nullopt;
    return Promote(*value, columns_[i].type);
  }

  const std::vector<FilePruner::Column>& columns_;
  std::vector<Known> known_;
};

// Call `visit(column index, field index)` for each partition field of a column that the
// predicate names and whose NULLs are the column's.
template <typename Visit>
void ForEachPartitionedColumn(const std::vector<FilePruner::Column>& columns,
                              const PartitionSpec& spec, const Visit& visit) {
  for (std::size_t f = 0; f < spec.fields.size(); ++f) {
    const TransformKind kind = spec.fields[f].transform.kind;
    if (kind == TransformKind::kVoid || kind == TransformKind::kUnknown) continue;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (columns[c].id != spec.fields[f].source_id) continue;
      if (ResultType(spec.fields[f].transform, columns[c].type).ok()) visit(c, f);
    }
  }
}

void AddRange(const PartitionField& field, const FilePruner::Column& column,
              std::size_t index, const OptionalValue& lower, const OptionalValue& upper,
              KnownColumns* known) {
  const auto last = upper ? SourceRangeOf(field.transform, column.type, *upper)
                          : std::optional<SourceRange>();
  if (last) known->AddUpper(index, last->last);
  // The least numbers of a type are truncated to the greatest: where those may be among
  // the values, the least of these says nothing.
  const bool may_wrap = field.transform.kind == TransformKind::kTruncate && !last;
  if (lower && !may_wrap) {
    const auto range = SourceRangeOf(field.transform, column.type, *lower);
    if (range) known->AddLower(index, range->first);
  }
}

// A bound of a partition field; absent where it is or does not parse.
OptionalValue SummaryBound(const std::optional<std::string>& bytes,
                           const PrimitiveType& type) {
  if (!bytes) return std::nullopt;
  auto value = ParseValue(*bytes, type);
  return value.ok() ? OptionalValue(std::move(value).value()) : std::nullopt;
}

std::int64_t CountOf(const std::map<FieldId, std::int64_t>& counts, FieldId id) {
  const auto it = counts.find(id);
  return it == counts.end() ? -1 : it->second;
}

OptionalValue BoundOf(const std::map<FieldId, std::string>& bounds,
                      const FilePruner::Column& column) {
  const auto it = bounds.find(column.id);
  if (it == bounds.end()) return std::nullopt;
  // A bound that does not parse prunes nothing: the file is read and found right or
  // wrong.
  auto value = ParseValue(it->second, column.type);
  return value.ok() ? OptionalValue(std::move(value).value()) : std::nullopt;
}

}  // namespace

FilePruner::FilePruner(const Schema& schema, expr::PredicatePtr predicate)
    : predicate_(std::move(predicate)), columns_(PrimitiveColumns(predicate_, schema)) {}

bool FilePruner::ManifestMayMatch(const PartitionSpec& spec,
                                  const ManifestFile& manifest) const {
  if (predicate_ == nullptr) return true;
  if (manifest.partitions.size() != spec.fields.size()) return true;
  KnownColumns known(columns_);
  ForEachPartitionedColumn(columns_, spec, [&](std::size_t c, std::size_t f) {
    const FieldSummary& summary = manifest.partitions[f];
    const PrimitiveType type = *ResultType(spec.fields[f].transform, columns_[c].type);
    if (!summary.contains_null) known[c].null_count = 0;
    if (summary.contains_nan == false) known[c].nan_count = 0;
    // Iceberg's Java library orders UUIDs as signed numbers, so what lies between is
    // moot.
    if (type.kind == PrimitiveKind::kUuid && summary.lower_bound != summary.upper_bound) {
      return;
    }
    AddRange(spec.fields[f], columns_[c], c, SummaryBound(summary.lower_bound, type),
             SummaryBound(summary.upper_bound, type), &known);
  });
  return known.MayMatch(*predicate_);
}

bool FilePruner::PartitionMayMatch(const PartitionSpec& spec,
                                   const DataFile& file) const {
  if (predicate_ == nullptr) return true;
  if (file.partition.size() != spec.fields.size()) return true;
  KnownColumns known(columns_);
  ForEachPartitionedColumn(columns_, spec, [&](std::size_t c, std::size_t f) {
    const PrimitiveType type = *ResultType(spec.fields[f].transform, columns_[c].type);
    known[c].value_count = file.record_count;
    if (!file.partition[f]) {
      known[c].null_count = file.record_count;
      return;
    }
    known[c].null_count = 0;
    const OptionalValue value = Promote(*file.partition[f], type);
    if (!value) return;
    const bool exact = spec.fields[f].transform.kind == TransformKind::kIdentity;
    if (exact) known[c].nan_count = IsNan(*value) ? file.record_count : 0;
    AddRange(spec.fields[f], columns_[c], c, value, value, &known);
  });
  return known.MayMatch(*predicate_);
}

bool FilePruner::MetricsMayMatch(const DataFile& file) const {
  if (predicate_ == nullptr) return true;
  if (file.record_count == 0) return false;
  KnownColumns known(columns_);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    known[c].value_count = CountOf(file.value_counts, columns_[c].id);
    known[c].null_count = CountOf(file.null_value_counts, columns_[c].id);
    known[c].nan_count = CountOf(file.nan_value_counts, columns_[c].id);
    known.AddLower(c, BoundOf(file.lower_bounds, columns_[c]));
    known.AddUpper(c, BoundOf(file.upper_bounds, columns_[c]));
  }
  return known.MayMatch(*predicate_);
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "iceberg/plan.h"

#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/assert.h"
#include "iceberg/single_value.h"
#include "iceberg/transform.h"

namespace firn::iceberg {
namespace {

// A column that the predicate names.
struct Column {
  std::string name;
  FieldId id;
  PrimitiveType type;
};

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

std::vector<Column> PrimitiveColumns(const expr::PredicatePtr& predicate,
                                     const Schema& schema) {
  std::vector<Column> columns;
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

  explicit KnownColumns(const std::vector<Column>& columns)
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

  const std::vector<Column>& columns_;
  std::vector<Known> known_;
};

// Call `visit(column index, field index)` for each partition field of a column that the
// predicate names and whose NULLs are the column's.
template <typename Visit>
void ForEachPartitionedColumn(const std::vector<Column>& columns,
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

void AddRange(const PartitionField& field, const Column& column, std::size_t index,
              const OptionalValue& lower, const OptionalValue& upper,
              KnownColumns* known) {
  if (lower) {
    const auto range = SourceRangeOf(field.transform, column.type, *lower);
    if (range) known->AddLower(index, range->first);
  }
  if (upper) {
    const auto range = SourceRangeOf(field.transform, column.type, *upper);
    if (range) known->AddUpper(index, range->last);
  }
}

// A bound of a partition field; absent where it is or does not parse.
OptionalValue SummaryBound(const std::optional<std::string>& bytes,
                           const PrimitiveType& type) {
  if (!bytes) return std::nullopt;
  auto value = ParseValue(*bytes, type);
  return value.ok() ? OptionalValue(std::move(value).value()) : std::nullopt;
}

bool ManifestMayMatch(const expr::Predicate& predicate,
                      const std::vector<Column>& columns, const PartitionSpec& spec,
                      const ManifestFile& manifest) {
  if (manifest.partitions.size() != spec.fields.size()) return true;
  KnownColumns known(columns);
  ForEachPartitionedColumn(columns, spec, [&](std::size_t c, std::size_t f) {
    const FieldSummary& summary = manifest.partitions[f];
    const PrimitiveType type = *ResultType(spec.fields[f].transform, columns[c].type);
    if (!summary.contains_null) known[c].null_count = 0;
    if (summary.contains_nan == false) known[c].nan_count = 0;
    AddRange(spec.fields[f], columns[c], c, SummaryBound(summary.lower_bound, type),
             SummaryBound(summary.upper_bound, type), &known);
  });
  return known.MayMatch(predicate);
}

bool PartitionMayMatch(const expr::Predicate& predicate,
                       const std::vector<Column>& columns, const PartitionSpec& spec,
                       const DataFile& file) {
  if (file.partition.size() != spec.fields.size()) return true;
  KnownColumns known(columns);
  ForEachPartitionedColumn(columns, spec, [&](std::size_t c, std::size_t f) {
    const PrimitiveType type = *ResultType(spec.fields[f].transform, columns[c].type);
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
    AddRange(spec.fields[f], columns[c], c, value, value, &known);
  });
  return known.MayMatch(predicate);
}

std::int64_t CountOf(const std::map<FieldId, std::int64_t>& counts, FieldId id) {
  const auto it = counts.find(id);
  return it == counts.end() ? -1 : it->second;
}

OptionalValue BoundOf(const std::map<FieldId, std::string>& bounds,
                      const Column& column) {
  const auto it = bounds.find(column.id);
  if (it == bounds.end()) return std::nullopt;
  // A bound that does not parse prunes nothing: the file is read and found right or
  // wrong.
  auto value = ParseValue(it->second, column.type);
  return value.ok() ? OptionalValue(std::move(value).value()) : std::nullopt;
}

bool MetricsMayMatch(const expr::Predicate& predicate, const std::vector<Column>& columns,
                     const DataFile& file) {
  if (file.record_count == 0) return false;
  KnownColumns known(columns);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    known[c].value_count = CountOf(file.value_counts, columns[c].id);
    known[c].null_count = CountOf(file.null_value_counts, columns[c].id);
    known[c].nan_count = CountOf(file.nan_value_counts, columns[c].id);
    known.AddLower(c, BoundOf(file.lower_bounds, columns[c]));
    known.AddUpper(c, BoundOf(file.upper_bounds, columns[c]));
  }
  return known.MayMatch(predicate);
}

// Plans the files of one manifest.
class ManifestPlanner {
 public:
  ManifestPlanner(const base::Context& context, const expr::PredicatePtr& predicate,
                  const std::vector<Column>& columns,
                  const std::function<Status(ManifestEntry&&)>& visit, PlanStats* stats)
      : context_(context),
        predicate_(predicate),
        columns_(columns),
        visit_(visit),
        stats_(*stats) {}

  Status operator()(const ManifestHeader& header, ManifestEntry&& entry) {
    if (!entry.is_live()) return Status::OK();
    // Looking at the clock for each of millions of files would cost more than the file.
    if (stats_.files_total++ % 1024 == 0) FIRN_RETURN_IF_ERROR(context_.Check());
    const DataFile& file = entry.data_file;
    if (file.content != FileContent::kData) {
      return Status::Corruption("delete file " + file.file_path + " in a data manifest");
    }
    if (predicate_ != nullptr) {
      if (!PartitionMayMatch(*predicate_, columns_, header.spec, file)) {
        ++stats_.files_pruned_by_partition;
        return Status::OK();
      }
      if (!MetricsMayMatch(*predicate_, columns_, file)) {
        ++stats_.files_pruned_by_metrics;
        return Status::OK();
      }
    }
    ++stats_.files_planned;
    return visit_(std::move(entry));
  }

 private:
  const base::Context& context_;
  const expr::PredicatePtr& predicate_;
  const std::vector<Column>& columns_;
  const std::function<Status(ManifestEntry&&)>& visit_;
  PlanStats& stats_;
};

}  // namespace

Result<PlanStats> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                            const TableMetadata& metadata, const Snapshot& snapshot,
                            const Schema& schema, const expr::PredicatePtr& predicate,
                            const std::function<Status(ManifestEntry&&)>& visit) {
  PlanStats stats;
  const std::vector<Column> columns = PrimitiveColumns(predicate, schema);
  FIRN_ASSIGN_OR_RETURN(const auto list, manifests.ReadManifestList(context, snapshot));
  ManifestPlanner planner(context, predicate, columns, visit, &stats);
  for (const ManifestFile& manifest : list) {
    if (!manifest.has_live_files()) continue;
    if (manifest.content == ManifestContent::kDeletes) {
      return Status::Unimplemented("snapshot " + snapshot.id.ToString() +
                                   " has delete files: position deletes and equality "
                                   "deletes are not read yet");
    }
    FIRN_RETURN_IF_ERROR(context.Check());
    ++stats.manifests_total;
    const PartitionSpec* spec = metadata.FindSpec(manifest.spec_id);
    if (spec == nullptr) {
      return Status::Corruption("manifest " + manifest.manifest_path +
                                " has the partition spec " + manifest.spec_id.ToString() +
                                ", which the table does not have");
    }
    if (predicate != nullptr && !ManifestMayMatch(*predicate, columns, *spec, manifest)) {
      ++stats.manifests_pruned;
      stats.files_in_pruned_manifests +=
          manifest.added_files_count + manifest.existing_files_count;
      continue;
    }
    FIRN_RETURN_IF_ERROR(
        manifests.ReadManifest(context, manifest, std::ref(planner)).status());
  }
  FIRN_ASSERT(stats.files_total == stats.files_planned + stats.files_pruned_by_partition +
                                       stats.files_pruned_by_metrics);
  return stats;
}

Result<FilePlan> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                           const TableMetadata& metadata, const Snapshot& snapshot,
                           const Schema& schema, const expr::PredicatePtr& predicate) {
  FilePlan plan;
  FIRN_ASSIGN_OR_RETURN(
      plan.stats, PlanFiles(context, manifests, metadata, snapshot, schema, predicate,
                            [&](ManifestEntry&& entry) {
                              plan.files.push_back(std::move(entry.data_file));
                              return Status::OK();
                            }));
  return plan;
}

}  // namespace firn::iceberg

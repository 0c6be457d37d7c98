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
    // Iceberg's Java library orders UUIDs as signed numbers, so what lies between is moot.
    if (type.kind == PrimitiveKind::kUuid && summary.lower_bound != summary.upper_bound) {
      return;
    }
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

// The manifests of a snapshot that a scan reads, and why not the others.
class Planner {
 public:
  Planner(const base::Context& context, const ManifestIo& manifests,
          const TableMetadata& metadata, const Schema& schema,
          const expr::PredicatePtr& predicate,
          const std::function<Status(ScanTask&&)>& visit, MetricsOf metrics_of)
      : context_(context),
        manifests_(manifests),
        metadata_(metadata),
        predicate_(predicate),
        columns_(PrimitiveColumns(predicate, schema)),
        metrics_of_(std::move(metrics_of)),
        deletes_(metadata, context.budget()),
        visit_(visit) {
    for (const Column& column : columns_) metrics_of_.insert(column.id);
  }

  Result<PlanStats> Run(const Snapshot& snapshot) && {
    FIRN_ASSIGN_OR_RETURN(const auto list,
                          manifests_.ReadManifestList(context_, snapshot));
    FIRN_RETURN_IF_ERROR(VisitManifests(list, ManifestContent::kDeletes,
                                        stats_.delete_manifests_total,
                                        stats_.delete_manifests_pruned));
    deletes_.Finish();
    metrics_of_.insert(deletes_.metrics_of().begin(), deletes_.metrics_of().end());
    is_planned_.resize(deletes_.size(), false);
    FIRN_RETURN_IF_ERROR(VisitData(list));
    return stats_;
  }

  Result<PlanStats> RunAppends(const std::vector<const Snapshot*>& snapshots) && {
    for (const Snapshot* snapshot : snapshots) {
      only_added_by_ = snapshot->id;
      FIRN_ASSIGN_OR_RETURN(auto list, manifests_.ReadManifestList(context_, *snapshot));
      std::erase_if(list, [&](const ManifestFile& manifest) {
        return manifest.added_snapshot_id != snapshot->id;
      });
      FIRN_RETURN_IF_ERROR(VisitData(list));
    }
    return stats_;
  }

 private:
  Status VisitData(const std::vector<ManifestFile>& list) {
    FIRN_RETURN_IF_ERROR(VisitManifests(list, ManifestContent::kData,
                                        stats_.manifests_total, stats_.manifests_pruned));
    FIRN_ASSERT(stats_.files_total == stats_.files_planned +
                                          stats_.files_pruned_by_partition +
                                          stats_.files_pruned_by_metrics);
    return Status::OK();
  }

  Status VisitManifests(const std::vector<ManifestFile>& list, ManifestContent content,
                        std::int64_t& total, std::int64_t& pruned) {
    for (const ManifestFile& manifest : list) {
      if (manifest.content != content || !manifest.has_live_files()) continue;
      FIRN_RETURN_IF_ERROR(context_.Check());
      ++total;
      const PartitionSpec* spec = metadata_.FindSpec(manifest.spec_id);
      if (spec == nullptr) {
        return Status::Corruption(
            "manifest " + manifest.manifest_path + " has the partition spec " +
            manifest.spec_id.ToString() + ", which the table does not have");
      }
      if (predicate_ != nullptr &&
          !ManifestMayMatch(*predicate_, columns_, *spec, manifest)) {
        ++pruned;
        if (content == ManifestContent::kData) {
          stats_.files_in_pruned_manifests +=
              manifest.added_files_count + manifest.existing_files_count;
        }
        continue;
      }
      FIRN_RETURN_IF_ERROR(
          manifests_
              .ReadManifest(
                  context_, manifest,
                  [&](const ManifestHeader& header, ManifestEntry&& entry) {
                    return Visit(content, header, std::move(entry));
                  },
                  content == ManifestContent::kData ? &metrics_of_ : nullptr)
              .status());
    }
    return Status::OK();
  }

  Status Visit(ManifestContent content, const ManifestHeader& header,
               ManifestEntry&& entry) {
    if (!entry.is_live()) return Status::OK();
    if (only_added_by_ &&
        (entry.status != EntryStatus::kAdded || entry.snapshot_id != only_added_by_)) {
      return Status::OK();
    }
    // Looking at the clock for each of millions of files would cost more than the file.
    if (visited_++ % 1024 == 0) FIRN_RETURN_IF_ERROR(context_.Check());
    const bool is_data = entry.data_file.content == FileContent::kData;
    if (is_data != (content == ManifestContent::kData)) {
      return Status::Corruption(
          (is_data ? "data file " : "delete file ") + entry.data_file.file_path +
          (is_data ? " in a delete manifest" : " in a data manifest"));
    }
    return is_data ? PlanData(header, std::move(entry))
                   : AddDeletes(header, std::move(entry));
  }

  // What a delete file deletes lies in its partition, but for equality deletes of an
  // unpartitioned spec, whose partition excludes nothing.
  Status AddDeletes(const ManifestHeader& header, ManifestEntry&& entry) {
    ++stats_.delete_files_total;
    if (predicate_ != nullptr &&
        !PartitionMayMatch(*predicate_, columns_, header.spec, entry.data_file)) {
      return Status::OK();
    }
    return deletes_.Add(std::move(entry));
  }

  Status PlanData(const ManifestHeader& header, ManifestEntry&& entry) {
    ++stats_.files_total;
    const DataFile& file = entry.data_file;
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
    ScanTask task;
    task.deletes = deletes_.Find(entry);
    for (const DeleteFilePtr& deletes : task.deletes) {
      if (is_planned_[deletes->index]) continue;
      is_planned_[deletes->index] = true;
      ++stats_.delete_files_planned;
    }
    task.sequence_number = *entry.sequence_number;
    task.file = std::move(entry.data_file);
    return visit_(std::move(task));
  }

  const base::Context& context_;
  const ManifestIo& manifests_;
  const TableMetadata& metadata_;
  const expr::PredicatePtr& predicate_;
  const std::vector<Column> columns_;
  MetricsOf metrics_of_;  // Of data files.
  DeleteIndex deletes_;
  std::vector<bool> is_planned_;  // By DeleteFile::index.
  const std::function<Status(ScanTask&&)>& visit_;
  std::optional<SnapshotId> only_added_by_;
  std::int64_t visited_ = 0;
  PlanStats stats_;
};

}  // namespace

Result<PlanStats> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                            const TableMetadata& metadata, const Snapshot& snapshot,
                            const Schema& schema, const expr::PredicatePtr& predicate,
                            const std::function<Status(ScanTask&&)>& visit,
                            const MetricsOf& metrics_of) {
  return Planner(context, manifests, metadata, schema, predicate, visit, metrics_of)
      .Run(snapshot);
}

Result<PlanStats> PlanAppends(const base::Context& context, const ManifestIo& manifests,
                              const TableMetadata& metadata,
                              const std::vector<const Snapshot*>& snapshots,
                              const Schema& schema, const expr::PredicatePtr& predicate,
                              const std::function<Status(ScanTask&&)>& visit) {
  return Planner(context, manifests, metadata, schema, predicate, visit, {})
      .RunAppends(snapshots);
}

Result<FilePlan> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                           const TableMetadata& metadata, const Snapshot& snapshot,
                           const Schema& schema, const expr::PredicatePtr& predicate) {
  FilePlan plan;
  FIRN_ASSIGN_OR_RETURN(plan.stats, PlanFiles(context, manifests, metadata, snapshot,
                                              schema, predicate, [&](ScanTask&& task) {
                                                plan.tasks.push_back(std::move(task));
                                                return Status::OK();
                                              }));
  return plan;
}

std::function<bool(const DataFile&)> FilesThatMayMatch(const TableMetadata& metadata,
                                                       const Schema& schema,
                                                       expr::PredicatePtr predicate) {
  if (predicate == nullptr) return nullptr;
  return [specs = metadata.partition_specs, predicate,
          columns = PrimitiveColumns(predicate, schema)](const DataFile& file) {
    for (const PartitionSpec& spec : specs) {
      if (spec.id != file.spec_id) continue;
      return PartitionMayMatch(*predicate, columns, spec, file) &&
             MetricsMayMatch(*predicate, columns, file);
    }
    return true;
  };
}

}  // namespace firn::iceberg

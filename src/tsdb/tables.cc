// SPDX-License-Identifier: Apache-2.0
#include "tsdb/tables.h"

#include <algorithm>
#include <set>

#include "firn/labels.h"

namespace firn::tsdb {
namespace {

using iceberg::FieldId;
using iceberg::NestedField;

NestedField Required(std::int32_t id, std::string name, iceberg::Type type,
                     std::string doc) {
  return {FieldId(id), std::move(name), true, std::move(type), std::move(doc)};
}

NestedField Optional(std::int32_t id, std::string name, iceberg::Type type,
                     std::string doc) {
  return {FieldId(id), std::move(name), false, std::move(type), std::move(doc)};
}

NestedField TextMap(std::int32_t id, std::string name, std::string doc) {
  return Optional(id, std::move(name),
                  iceberg::MakeMap(FieldId(id + 1), iceberg::kString, FieldId(id + 2),
                                   /*value_required=*/false, iceberg::kString),
                  std::move(doc));
}

std::vector<NestedField> SamplesColumns() {
  return {
      Required(kTenantId, "tenant", iceberg::kString, "Tenant; empty while there is one"),
      Required(kMetricId, "metric", iceberg::kString, "Metric name"),
      Required(kSeriesIdId, "series_id", iceberg::FixedType(16),
               "XXH3-128 of tenant and sorted labels"),
      Required(kTsId, "ts", iceberg::kTimestamptz, "Time of the sample"),
      Optional(kStartTsId, "start_ts", iceberg::kTimestamptz,
               "Start of the interval a cumulative value covers, where the sender said"),
      Optional(kValueId, "value", iceberg::kDouble, "NULL for a stale marker"),
      Optional(kValueIntId, "value_int", iceberg::kLong,
               "The value where the sender measured a 64-bit integer"),
      Required(kFlagsId, "flags", iceberg::kInt, "Bit 0: stale marker"),
      TextMap(kLabelsId, "labels", "Labels without a column of their own"),
  };
}

std::vector<NestedField> SeriesColumns() {
  return {
      Required(kTenantId, "tenant", iceberg::kString, "Tenant; empty while there is one"),
      Required(kMetricId, "metric", iceberg::kString, "Metric name"),
      Required(kSeriesIdId, "series_id", iceberg::FixedType(16),
               "XXH3-128 of tenant and sorted labels"),
      Optional(kTypeId, "type", iceberg::kString, "counter, gauge, histogram, …"),
      Optional(kUnitId, "unit", iceberg::kString, "Unit"),
      Optional(kHelpId, "help", iceberg::kString, "Help text"),
      Optional(kTemporalityId, "temporality", iceberg::kString,
               "cumulative or delta, where the sender said"),
      Optional(kMonotonicId, "monotonic", iceberg::kBoolean,
               "Whether the sum only grows, where the sender said"),
      Required(kFirstSeenId, "first_seen", iceberg::kTimestamptz,
               "First sample of this day when the row was written"),
      Required(kLastSeenId, "last_seen", iceberg::kTimestamptz,
               "Last sample of this day when the row was written"),
      TextMap(kLabelsId, "labels", "Every label but the metric name"),
      TextMap(kResourceAttributesId, "resource_attributes", "OpenTelemetry resource"),
      TextMap(kScopeAttributesId, "scope_attributes", "OpenTelemetry scope"),
  };
}

iceberg::SortField Ascending(std::int32_t id) {
  return {FieldId(id), iceberg::Transform::Identity(), iceberg::SortDirection::kAscending,
          iceberg::NullOrder::kNullsFirst};
}

iceberg::PartitionSpec DayOf(std::int32_t source, std::string name) {
  return {iceberg::SpecId(0),
          {{FieldId(source), iceberg::kPartitionFieldIdFirst, std::move(name),
            iceberg::Transform::Day()}}};
}

// A label's column must not take another column's name, nor differ from one only in case:
// some engines fold names. `folded_names` is what is taken.
std::string ColumnName(std::string name, std::set<std::string>& folded_names) {
  for (;;) {
    std::string folded = name;
    std::transform(folded.begin(), folded.end(), folded.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    if (folded_names.insert(std::move(folded)).second) return name;
    name = "label_" + name;
  }
}

iceberg::PartitionSpec SamplesSpec() { return DayOf(kTsId, "ts_day"); }
iceberg::PartitionSpec SeriesSpec() { return DayOf(kFirstSeenId, "first_seen_day"); }

iceberg::SortOrder SamplesOrder() {
  return {iceberg::SortOrderId(1),
          {Ascending(kMetricId), Ascending(kSeriesIdId), Ascending(kTsId)}};
}
iceberg::SortOrder SeriesOrder() {
  return {iceberg::SortOrderId(1), {Ascending(kMetricId), Ascending(kSeriesIdId)}};
}

constexpr char kLabelDocPrefix[] = "Label ";

std::vector<NestedField> PromotedColumns(const std::vector<std::string>& configured) {
  std::vector<std::string> labels = {"job", "instance"};
  for (const std::string& label : configured) {
    if (label != kMetricNameLabel &&
        std::find(labels.begin(), labels.end(), label) == labels.end()) {
      labels.push_back(label);
    }
  }
  std::set<std::string> taken;
  for (const NestedField& field : SamplesColumns()) taken.insert(field.name);
  std::vector<NestedField> columns;
  std::int32_t id = kPromotedIdFirst;
  for (const std::string& label : labels) {
    columns.push_back(Optional(id++, ColumnName(label, taken), iceberg::kString,
                               kLabelDocPrefix + label));
  }
  return columns;
}

std::map<std::string, std::string> Properties() {
  return {
      {kSchemaVersionProperty, kSchemaVersion},
      {"write.format.default", "parquet"},
      {"write.parquet.compression-codec", "zstd"},
      {iceberg::kPropertyDeleteAfterCommit, "true"},
      {iceberg::kPropertyPreviousVersionsMax, "100"},
  };
}

// What settling writes at least, and what PromQL reads by its name (cold_series.cc).
std::vector<NestedField> ColumnsNeeded(const iceberg::TableIdentifier& table) {
  std::vector<NestedField> columns;
  if (table == SamplesTable()) columns = SamplesColumns();
  if (table == SeriesTableName()) columns = SeriesColumns();
  std::erase_if(columns, [&](const NestedField& column) {
    const bool is_read = column.id.value == kValueId ||
                         (column.id.value == kLabelsId && table == SeriesTableName());
    return !column.required && !is_read;
  });
  return columns;
}

Status CheckVersion(const iceberg::LoadedTable& table) {
  const std::string* version = table.metadata->FindProperty(kSchemaVersionProperty);
  if (version == nullptr || *version == kSchemaVersion) return Status::OK();
  return Status::Unimplemented(
      "table " + table.identifier.ToString() + " has " + kSchemaVersionProperty + " " +
      *version + " and this firn knows " + kSchemaVersion + ": use a newer firn");
}

// Rows are written and read by the ids of columns: a table in which others have them
// would take rows whose values nobody finds.
Status CheckColumns(const iceberg::LoadedTable& table, const iceberg::Schema& ours) {
  const iceberg::Schema& found = table.metadata->current_schema();
  const auto refuse = [&](const NestedField& column) {
    return Status::Unimplemented(
        "table " + table.identifier.ToString() + ": column " + column.name +
        " does not have the id of firn's own. Another program made the table, or a "
        "catalog numbered it anew: use a catalog without the namespace metrics");
  };
  for (const NestedField& column : ours.fields()) {
    if (column.required && found.FindType(column.id) == nullptr) return refuse(column);
  }
  for (const NestedField& column : found.fields()) {
    const bool is_later = ours.HighestFieldId() < column.id;  // Somebody added it.
    if (!is_later && ours.FindType(column.id) == nullptr) return refuse(column);
  }
  return Status::OK();
}

Result<iceberg::LoadedTable> OpenOrCreate(const base::Context& context,
                                          iceberg::Catalog& catalog,
                                          iceberg::CreateTableRequest request,
                                          bool* created) {
  const iceberg::TableIdentifier name = request.identifier;
  Result<iceberg::LoadedTable> table = catalog.LoadTable(context, name);
  if (table.status().Is(StatusCode::kNotFound)) {
    request.properties = Properties();
    table = catalog.CreateTable(context, request);
    *created = table.ok();
    if (table.status().Is(StatusCode::kAlreadyExists)) {
      table = catalog.LoadTable(context, name);  // A rival was faster: the same table.
    }
  }
  FIRN_RETURN_IF_ERROR(table.status().With("open table " + name.ToString()));
  FIRN_RETURN_IF_ERROR(CheckVersion(*table));
  FIRN_RETURN_IF_ERROR(CheckColumns(*table, request.schema));
  return table;
}

}  // namespace

iceberg::TableIdentifier SamplesTable() { return {{{"metrics"}}, "samples"}; }
iceberg::TableIdentifier SeriesTableName() { return {{{"metrics"}}, "series"}; }

Result<MetricTables> OpenOrCreateTables(const base::Context& context,
                                        iceberg::Catalog& catalog,
                                        const std::vector<std::string>& promoted_labels) {
  const Status made = catalog.CreateNamespace(context, {{"metrics"}}, {});
  if (!made.ok() && !made.Is(StatusCode::kAlreadyExists)) return made;

  iceberg::CreateTableRequest series;
  series.identifier = SeriesTableName();
  series.schema.root.fields = SeriesColumns();
  series.spec = SeriesSpec();
  series.sort_order = SeriesOrder();

  iceberg::CreateTableRequest samples;
  samples.identifier = SamplesTable();
  samples.schema.root.fields = SamplesColumns();
  for (NestedField& column : PromotedColumns(promoted_labels)) {
    samples.schema.root.fields.push_back(std::move(column));
  }
  samples.spec = SamplesSpec();
  samples.sort_order = SamplesOrder();

  MetricTables tables;
  bool series_created = false;
  FIRN_ASSIGN_OR_RETURN(
      tables.series, OpenOrCreate(context, catalog, std::move(series), &series_created));
  FIRN_ASSIGN_OR_RETURN(tables.samples, OpenOrCreate(context, catalog, std::move(samples),
                                                     &tables.created));
  return tables;
}

bool HasOwnLayout(const iceberg::LoadedTable& table) {
  const bool samples = table.identifier == SamplesTable();
  const iceberg::PartitionSpec own = samples ? SamplesSpec() : SeriesSpec();
  const iceberg::PartitionSpec& spec = table.metadata->default_spec();
  if (spec.fields.size() != 1 || spec.fields[0].source_id != own.fields[0].source_id ||
      spec.fields[0].transform != own.fields[0].transform) {
    return false;
  }
  const iceberg::SortOrder& order = table.metadata->default_sort_order();
  return order.is_unsorted() ||
         order.fields == (samples ? SamplesOrder() : SeriesOrder()).fields;
}

Status CheckKeepsColumns(const iceberg::TableIdentifier& table,
                         const iceberg::Schema& before, const iceberg::Schema& after) {
  for (const NestedField& column : ColumnsNeeded(table)) {
    const NestedField* had = before.FindColumn(column.name);
    if (had == nullptr || had->id != column.id) continue;
    const NestedField* has = after.FindColumn(column.name);
    if (has != nullptr && has->id == column.id) continue;
    return Status::InvalidArgument("column " + column.name + " is needed by this name");
  }
  if (table != SamplesTable()) return Status::OK();
  for (const NestedField& had : before.fields()) {
    const NestedField* has = after.FindField(had.id);
    if (!had.doc.starts_with(kLabelDocPrefix) || has == nullptr) continue;
    if (has->doc == had.doc) continue;
    return Status::InvalidArgument("the doc of column " + had.name + ", " + had.doc +
                                   ", says which label is in it");
  }
  return Status::OK();
}

std::vector<PromotedLabel> PromotedLabels(const iceberg::TableMetadata& samples) {
  std::vector<PromotedLabel> labels;
  for (const NestedField& field : samples.current_schema().fields()) {
    if (field.id.value < kPromotedIdFirst || field.type != iceberg::kString) continue;
    // The doc names the label; without it, as after an edit by another engine, the
    // column's name does.
    std::string label = field.doc.starts_with(kLabelDocPrefix)
                            ? field.doc.substr(sizeof kLabelDocPrefix - 1)
                            : field.name;
    labels.push_back({std::move(label), field.name, field.id});
  }
  return labels;
}

}  // namespace firn::tsdb

// SPDX-License-Identifier: Apache-2.0
// tables.h: the two tables that samples settle into, and the registry of their field ids.
//
// Field ids are fixed for ever: 1 to 99 core columns, 100 to 199 maps and their keys and
// values, from 1000 on the promoted labels, in the order in which they were promoted. An
// id is never given to another column, whatever becomes of the first.
// docs/format/tables.md describes the columns for people who read the tables without
// firn.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"

namespace firn::tsdb {

// Do not change: on disk. An id is added at the end of its range.
enum FieldIdNumber : std::int32_t {
  // Of both tables.
  kTenantId = 1,
  kMetricId = 2,
  kSeriesIdId = 3,
  // metrics.samples.
  kTsId = 4,
  kStartTsId = 5,
  kValueId = 6,
  kValueIntId = 7,
  kFlagsId = 8,
  // metrics.series.
  kTypeId = 20,
  kUnitId = 21,
  kHelpId = 22,
  kTemporalityId = 23,
  kMonotonicId = 24,
  kFirstSeenId = 25,
  kLastSeenId = 26,
  // Maps: the map, its key, its value.
  kLabelsId = 100,
  kLabelsKeyId = 101,
  kLabelsValueId = 102,
  kResourceAttributesId = 103,
  kResourceAttributesKeyId = 104,
  kResourceAttributesValueId = 105,
  kScopeAttributesId = 106,
  kScopeAttributesKeyId = 107,
  kScopeAttributesValueId = 108,
  kPromotedIdFirst = 1000,
};

// Bits of metrics.samples.flags. Do not change: on disk.
inline constexpr std::int32_t kFlagStale = 1;  // A stale marker: value is NULL.

inline constexpr char kSchemaVersionProperty[] = "firn.schema-version";
inline constexpr char kSchemaVersion[] = "1";

iceberg::TableIdentifier SamplesTable();     // metrics.samples
iceberg::TableIdentifier SeriesTableName();  // metrics.series

// Create the namespace and both tables where they are absent, `metrics.samples` with
// these labels promoted (and `job` and `instance`, always); load them otherwise.
// Unimplemented where a newer firn made them.
struct MetricTables {
  iceberg::LoadedTable series;
  iceberg::LoadedTable samples;
  bool created = false;  // metrics.samples was not there.
};
Result<MetricTables> OpenOrCreateTables(const base::Context& context,
                                        iceberg::Catalog& catalog,
                                        const std::vector<std::string>& promoted_labels);

// Whether metrics.samples or metrics.series still is partitioned by the day of its rows,
// and sorted as firn made it or not at all. Other engines may change both.
bool HasOwnLayout(const iceberg::LoadedTable& table);

// Whether a server can still settle into the table and read it where `after` takes the
// place of `before`: the columns that it needs keep their names, and those of labels the
// text that says of which. What `before` lacks already is not asked for. InvalidArgument
// names the first column.
Status CheckKeepsColumns(const iceberg::TableIdentifier& table,
                         const iceberg::Schema& before, const iceberg::Schema& after);

// The labels that have a column of their own in `samples`, in order of field id. The
// column is named as the label, or `label_<name>` where a core column has that name.
// A column that another engine adds is one where it is text, named as it is called.
struct PromotedLabel {
  std::string label;
  std::string column;
  iceberg::FieldId id;
};
std::vector<PromotedLabel> PromotedLabels(const iceberg::TableMetadata& samples);

}  // namespace firn::tsdb

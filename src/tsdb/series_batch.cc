// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_batch.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_time.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "iceberg/schema_arrow.h"
#include "tsdb/tables.h"

namespace firn::tsdb {
namespace {

// How many series are looked at between two looks at the context.
constexpr std::size_t kSeriesPerCheck = 1024;

using ArrayResult = arrow::Result<std::shared_ptr<arrow::Array>>;

// What one row says, looked up once for all its columns.
struct RowValues {
  std::string_view tenant;
  base::SeriesId id;
  Labels labels;
  std::optional<MetricDescription> description;
  TimestampMs first_ms;
  TimestampMs last_ms;
};

template <typename Get>
ArrayResult BuildText(const std::vector<RowValues>& rows, arrow::MemoryPool* pool,
                      Get get) {
  arrow::StringBuilder builder(pool);
  for (const RowValues& row : rows) {
    const std::optional<std::string_view> text = get(row);
    if (text.has_value()) {
      ARROW_RETURN_NOT_OK(builder.Append(*text));
    } else {
      ARROW_RETURN_NOT_OK(builder.AppendNull());
    }
  }
  return builder.Finish();
}

// A text of the metric's description, NULL where nobody gave one.
ArrayResult BuildDescription(const std::vector<RowValues>& rows, arrow::MemoryPool* pool,
                             std::string MetricDescription::* text) {
  return BuildText(rows, pool,
                   [text](const RowValues& row) -> std::optional<std::string_view> {
                     if (!row.description.has_value()) return std::nullopt;
                     const std::string& value = (*row.description).*text;
                     if (value.empty()) return std::nullopt;
                     return value;
                   });
}

ArrayResult BuildTime(const std::vector<RowValues>& rows, arrow::MemoryPool* pool,
                      TimestampMs RowValues::* time) {
  arrow::TimestampBuilder builder(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), pool);
  for (const RowValues& row : rows) {
    ARROW_RETURN_NOT_OK(builder.Append(row.*time * 1000));
  }
  return builder.Finish();
}

ArrayResult BuildSeriesId(const std::vector<RowValues>& rows, arrow::MemoryPool* pool) {
  arrow::FixedSizeBinaryBuilder builder(arrow::fixed_size_binary(16), pool);
  for (const RowValues& row : rows) {
    ARROW_RETURN_NOT_OK(builder.Append(row.id.bytes.data()));
  }
  return builder.Finish();
}

ArrayResult BuildLabels(const std::vector<RowValues>& rows,
                        const std::shared_ptr<arrow::DataType>& type,
                        arrow::MemoryPool* pool) {
  auto keys = std::make_shared<arrow::StringBuilder>(pool);
  auto values = std::make_shared<arrow::StringBuilder>(pool);
  arrow::MapBuilder builder(pool, keys, values, type);
  for (const RowValues& row : rows) {
    ARROW_RETURN_NOT_OK(builder.Append());
    for (const Label& label : row.labels) {
      if (label.name == kMetricNameLabel) continue;
      ARROW_RETURN_NOT_OK(keys->Append(label.name));
      ARROW_RETURN_NOT_OK(values->Append(label.value));
    }
  }
  return builder.Finish();
}

ArrayResult BuildColumn(const iceberg::NestedField& field,
                        const std::shared_ptr<arrow::DataType>& type,
                        const std::vector<RowValues>& rows, arrow::MemoryPool* pool) {
  switch (field.id.value) {
    case kTenantId:
      return BuildText(rows, pool,
                       [](const RowValues& row) { return std::optional(row.tenant); });
    case kMetricId:
      return BuildText(rows, pool, [](const RowValues& row) {
        return std::optional(row.labels.metric_name());
      });
    case kSeriesIdId:
      return BuildSeriesId(rows, pool);
    case kTypeId:
      return BuildDescription(rows, pool, &MetricDescription::type);
    case kUnitId:
      return BuildDescription(rows, pool, &MetricDescription::unit);
    case kHelpId:
      return BuildDescription(rows, pool, &MetricDescription::help);
    case kFirstSeenId:
      return BuildTime(rows, pool, &RowValues::first_ms);
    case kLastSeenId:
      return BuildTime(rows, pool, &RowValues::last_ms);
    case kLabelsId:
      return BuildLabels(rows, type, pool);
    default:
      // Nothing in memory says it, or another engine added the column.
      return arrow::MakeArrayOfNull(type, static_cast<std::int64_t>(rows.size()), pool);
  }
}

// Widens the rows of one series by one of its timestamps.
void Widen(SeriesRef series, TimestampMs timestamp_ms, std::vector<SeriesRow>* days) {
  const Day day = DayOfMs(timestamp_ms);
  for (auto row = days->rbegin(); row != days->rend(); ++row) {
    if (row->day != day) continue;
    row->first_ms = std::min(row->first_ms, timestamp_ms);
    row->last_ms = std::max(row->last_ms, timestamp_ms);
    return;
  }
  days->push_back({series, day, timestamp_ms, timestamp_ms});
}

}  // namespace

Result<std::vector<SeriesRow>> NewSeriesRows(const base::Context& context,
                                             const Head& head,
                                             const Generations& generations,
                                             const EmittedDays& emitted) {
  // Series of all generations, each once.
  std::vector<SeriesRef> all;
  for (const auto& generation : generations) {
    const std::vector<SeriesRef> series = head.SeriesOf(*generation);
    all.insert(all.end(), series.begin(), series.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());

  std::vector<SeriesRow> rows;
  std::vector<SeriesRow> days;  // Of one series.
  scan::SampleColumns samples;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % kSeriesPerCheck == 0) FIRN_RETURN_IF_ERROR(context.Check());
    days.clear();
    samples.clear();
    for (const auto& view : head.Capture(generations, all[i], {})) {
      DecodeView(view, {}, samples);
    }
    for (const TimestampMs t : samples.timestamps_ms) Widen(all[i], t, &days);
    for (const SeriesRow& row : days) {
      if (emitted.Has(row.series, row.day)) continue;
      if (emitted.Has(head.series().id(row.series), row.day)) continue;
      rows.push_back(row);
    }
  }
  return rows;
}

void SortSeriesRows(const Head& head, std::vector<SeriesRow>* rows) {
  struct Keyed {
    Day day;
    std::string metric;
    base::SeriesId id;
    SeriesRow row;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(rows->size());
  for (const SeriesRow& row : *rows) {
    const Labels labels = head.series().labels(row.series);
    keyed.push_back(
        {row.day, std::string(labels.metric_name()), head.series().id(row.series), row});
  }
  std::sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) {
    return std::tie(a.day, a.metric, a.id) < std::tie(b.day, b.metric, b.id);
  });
  for (std::size_t i = 0; i < keyed.size(); ++i) (*rows)[i] = keyed[i].row;
}

Result<std::shared_ptr<arrow::RecordBatch>> BuildSeriesBatch(
    const iceberg::TableMetadata& table,
    const std::optional<std::vector<std::string>>& names, const Head& head,
    std::span<const SeriesRow> rows, arrow::MemoryPool* pool) {
  if (pool == nullptr) pool = arrow::default_memory_pool();
  std::vector<RowValues> values;
  values.reserve(rows.size());
  for (const SeriesRow& row : rows) {
    RowValues v{.tenant = head.series().tenant(row.series),
                .id = head.series().id(row.series),
                .labels = head.series().labels(row.series),
                .description = {},
                .first_ms = row.first_ms,
                .last_ms = row.last_ms};
    v.description = head.MetadataOf(v.tenant, v.labels.metric_name());
    values.push_back(std::move(v));
  }
  const iceberg::Schema& schema = table.current_schema();
  FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::Schema> all,
                        iceberg::ToArrowSchema(schema));
  std::vector<const iceberg::NestedField*> wanted;
  if (names.has_value()) {
    for (const std::string& name : *names) {
      wanted.push_back(schema.FindColumn(name));
      if (wanted.back() == nullptr) {
        return Status::NotFound("metrics.series has no column " + name);
      }
    }
  } else {
    for (const iceberg::NestedField& field : schema.fields()) wanted.push_back(&field);
  }
  arrow::FieldVector fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const iceberg::NestedField* field : wanted) {
    fields.push_back(all->GetFieldByName(field->name));
    FIRN_ASSERT(fields.back() != nullptr);
    ArrayResult column = BuildColumn(*field, fields.back()->type(), values, pool);
    if (!column.ok()) return Status::ResourceExhausted(column.status().ToString());
    columns.push_back(*std::move(column));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                  static_cast<std::int64_t>(rows.size()),
                                  std::move(columns));
}

}  // namespace firn::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "db/partition_text.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace firn::db {
namespace {

using iceberg::FieldId;
using iceberg::OptionalValue;
using iceberg::PartitionField;
using iceberg::PrimitiveType;

// The source as the youngest schema that has it says, where the value goes with that.
std::optional<PrimitiveType> FormerType(const iceberg::TableMetadata& metadata,
                                        const PartitionField& field,
                                        const OptionalValue& value) {
  for (auto schema = metadata.schemas.rbegin(); schema != metadata.schemas.rend();
       ++schema) {
    const iceberg::NestedField* const source = schema->FindField(field.source_id);
    const PrimitiveType* const type =
        source == nullptr ? nullptr : source->type.primitive();
    if (type == nullptr) continue;
    const auto result = iceberg::ResultType(field.transform, *type);
    if (result.ok() && (!value || iceberg::Fits(*value, *result))) return *type;
  }
  return std::nullopt;
}

// The plainest type that has values of this representation.
PrimitiveType PlainType(const OptionalValue& value) {
  if (!value) return iceberg::kString;
  constexpr PrimitiveType kPlain[] = {iceberg::kBoolean, iceberg::kInt,
                                      iceberg::kLong,    iceberg::kFloat,
                                      iceberg::kDouble,  iceberg::DecimalType(38, 0),
                                      iceberg::kString,  iceberg::kBinary};
  static_assert(std::size(kPlain) == std::variant_size_v<iceberg::Value>);
  return kPlain[value->index()];
}

}  // namespace

std::string PartitionText(const iceberg::TableMetadata& metadata,
                          const iceberg::PartitionSpec& spec,
                          const iceberg::PartitionValues& values) {
  const iceberg::Schema& current = metadata.current_schema();
  const auto sources = iceberg::SourceTypes(spec, current);
  if (std::find(sources.begin(), sources.end(), std::nullopt) == sources.end()) {
    return iceberg::PartitionPath(spec, current, values);
  }
  // One column for each field, so that two of one source may have different types.
  iceberg::PartitionSpec told = spec;
  iceberg::Schema schema;
  for (std::size_t i = 0; i < values.size(); ++i) {
    PartitionField& field = told.fields[i];
    std::optional<PrimitiveType> type = sources[i];
    if (!type) type = FormerType(metadata, field, values[i]);
    if (!type) {
      type = PlainType(values[i]);
      field.transform = iceberg::Transform::Identity();
    }
    field.source_id = FieldId(static_cast<std::int32_t>(i) + 1);
    schema.root.fields.push_back({field.source_id, field.name, false, *type, ""});
  }
  return iceberg::PartitionPath(told, schema, values);
}

}  // namespace firn::db

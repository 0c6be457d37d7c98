// SPDX-License-Identifier: Apache-2.0
#include "iceberg/partition_spec_json.h"

#include "iceberg/json.h"

namespace firn::iceberg {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

// `source-id`, or version 3's `source-ids` where it names one column.
Result<FieldId> SourceIdFromJson(const JsonObject& in) {
  FIRN_ASSIGN_OR_RETURN(const auto id, in.OptionalInt32("source-id"));
  if (id) return FieldId(*id);
  FIRN_ASSIGN_OR_RETURN(const auto ids, in.Int32List("source-ids"));
  if (ids.size() == 1) return FieldId(ids[0]);
  if (ids.empty()) return in.Wrong("source-id", "an integer");
  FIRN_ASSIGN_OR_RETURN(const std::string transform, in.String("transform"));
  return Status::Unimplemented("transform " + transform + " of " +
                               std::to_string(ids.size()) + " columns is not read");
}

}  // namespace

ordered_json FieldsToJson(const PartitionSpec& spec) {
  ordered_json fields = ordered_json::array();
  for (const PartitionField& field : spec.fields) {
    fields.push_back({{"source-id", field.source_id.value},
                      {"field-id", field.field_id.value},
                      {"name", field.name},
                      {"transform", ToString(field.transform)}});
  }
  return fields;
}

Result<std::vector<PartitionField>> PartitionFieldsFromJson(const json& value) {
  if (!value.is_array()) return Status::Corruption("partition fields are no JSON array");
  std::vector<PartitionField> fields;
  std::size_t with_id = 0;
  for (const json& element : value) {
    FIRN_ASSIGN_OR_RETURN(const JsonObject in,
                          JsonObject::Of(element, "partition field"));
    PartitionField field;
    FIRN_ASSIGN_OR_RETURN(field.source_id, SourceIdFromJson(in));
    FIRN_ASSIGN_OR_RETURN(const auto field_id, in.OptionalInt32("field-id"));
    if (field_id) {
      ++with_id;
      field.field_id = FieldId(*field_id);
    } else {
      // Format version 1 numbers the fields of each spec in order.
      field.field_id = FieldId(kPartitionFieldIdFirst.value +
                               static_cast<std::int32_t>(fields.size()));
    }
    FIRN_ASSIGN_OR_RETURN(field.name, in.String("name"));
    FIRN_ASSIGN_OR_RETURN(const std::string transform, in.String("transform"));
    field.transform = ParseTransform(transform);
    fields.push_back(std::move(field));
  }
  if (with_id != 0 && with_id != fields.size()) {
    return Status::Corruption("some partition fields have a field-id and some do not");
  }
  return fields;
}

ordered_json ToJson(const PartitionSpec& spec) {
  return {{"spec-id", spec.id.value}, {"fields", FieldsToJson(spec)}};
}

Result<PartitionSpec> PartitionSpecFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "partition spec"));
  PartitionSpec spec;
  // Specs sent to be added may leave the id to the one who adds them.
  FIRN_ASSIGN_OR_RETURN(const auto id, in.OptionalInt32("spec-id"));
  spec.id = SpecId(id.value_or(0));
  FIRN_ASSIGN_OR_RETURN(const json* fields, in.Array("fields"));
  FIRN_ASSIGN_OR_RETURN(spec.fields, PartitionFieldsFromJson(*fields));
  return spec;
}

ordered_json ToJson(const SortOrder& order) {
  ordered_json fields = ordered_json::array();
  for (const SortField& field : order.fields) {
    const bool ascending = field.direction == SortDirection::kAscending;
    const bool nulls_first = field.null_order == NullOrder::kNullsFirst;
    fields.push_back({{"transform", ToString(field.transform)},
                      {"source-id", field.source_id.value},
                      {"direction", ascending ? "asc" : "desc"},
                      {"null-order", nulls_first ? "nulls-first" : "nulls-last"}});
  }
  return {{"order-id", order.id.value}, {"fields", std::move(fields)}};
}

Result<SortOrder> SortOrderFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "sort order"));
  SortOrder order;
  FIRN_ASSIGN_OR_RETURN(const std::int32_t id, in.Int32("order-id"));
  order.id = SortOrderId(id);
  FIRN_ASSIGN_OR_RETURN(const json* fields, in.Array("fields"));
  for (const json& element : *fields) {
    FIRN_ASSIGN_OR_RETURN(const JsonObject field_in,
                          JsonObject::Of(element, "sort field"));
    SortField field;
    FIRN_ASSIGN_OR_RETURN(field.source_id, SourceIdFromJson(field_in));
    FIRN_ASSIGN_OR_RETURN(const std::string transform, field_in.String("transform"));
    field.transform = ParseTransform(transform);
    FIRN_ASSIGN_OR_RETURN(const std::string direction, field_in.String("direction"));
    if (direction != "asc" && direction != "desc") {
      return field_in.Wrong("direction", "asc or desc");
    }
    field.direction =
        direction == "asc" ? SortDirection::kAscending : SortDirection::kDescending;
    FIRN_ASSIGN_OR_RETURN(const std::string nulls, field_in.String("null-order"));
    if (nulls != "nulls-first" && nulls != "nulls-last") {
      return field_in.Wrong("null-order", "nulls-first or nulls-last");
    }
    field.null_order =
        nulls == "nulls-first" ? NullOrder::kNullsFirst : NullOrder::kNullsLast;
    order.fields.push_back(std::move(field));
  }
  return order;
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "iceberg/sort_order.h"

namespace firn::iceberg {

Status CheckSortOrder(const SortOrder& order, const Schema& schema) {
  if (order.is_unsorted() != (order.id == kUnsortedOrderId)) {
    return Status::InvalidArgument("sort order " + order.id.ToString() +
                                   ": id 0 is the order without fields, and only that");
  }
  for (const SortField& field : order.fields) {
    const NestedField* source = schema.FindField(field.source_id);
    if (source == nullptr || source->type.primitive() == nullptr) {
      return Status::InvalidArgument("sort order: source " + field.source_id.ToString() +
                                     " is no primitive column");
    }
    const auto result = ResultType(field.transform, *source->type.primitive());
    if (!result.ok()) {
      return Status::InvalidArgument("sort order: " +
                                     std::string(result.status().message()));
    }
  }
  return Status::OK();
}

std::string ToString(const SortOrder& order, const Schema& schema) {
  std::string out = "[";
  for (const SortField& field : order.fields) {
    if (out.size() > 1) out += ", ";
    const std::string name = schema.FindName(field.source_id);
    out += field.transform.kind == TransformKind::kIdentity
               ? name
               : ToString(field.transform) + "(" + name + ")";
    out += field.direction == SortDirection::kAscending ? " asc" : " desc";
    out += field.null_order == NullOrder::kNullsFirst ? " nulls-first" : " nulls-last";
  }
  return out + "]";
}

}  // namespace firn::iceberg

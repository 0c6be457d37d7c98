// SPDX-License-Identifier: Apache-2.0
#include "iceberg/restored_ids.h"

#include <utility>

#include "iceberg/next_id.h"
#include "iceberg/schema_actions.h"

namespace firn::iceberg {

std::vector<Update> RestoringIds(const TableMetadata& made, const NewTable& wanted) {
  if (made.current_schema().SameColumns(wanted.schema)) return {};
  std::vector<Update> updates = UpdatesTo(made, wanted.schema);
  if (!made.default_spec().IsCompatibleWith(wanted.spec)) {
    PartitionSpec spec = wanted.spec;
    spec.id = NextId(made.partition_specs);
    std::int32_t last = made.last_partition_id.value;
    for (PartitionField& field : spec.fields) field.field_id = FieldId(++last);
    updates.emplace_back(AddPartitionSpec{std::move(spec)});
    updates.emplace_back(SetDefaultSpec{});
  }
  if (made.default_sort_order().fields != wanted.sort_order.fields) {
    SortOrder order = wanted.sort_order;
    order.id = NextId(made.sort_orders);
    updates.emplace_back(AddSortOrder{std::move(order)});
    updates.emplace_back(SetDefaultSortOrder{});
  }
  return updates;
}

}  // namespace firn::iceberg

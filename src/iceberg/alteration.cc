// SPDX-License-Identifier: Apache-2.0
#include "iceberg/alteration.h"

#include <algorithm>
#include <string>
#include <utility>

#include "iceberg/name_mapping.h"
#include "iceberg/next_id.h"
#include "iceberg/partition_update.h"

namespace firn::iceberg {
namespace {

// The table as columns see it: without the partitions and the order that others replace.
TableMetadata WithoutReplaced(TableMetadata table, const Alteration& alteration) {
  if (alteration.partition) {
    table.partition_specs = {PartitionSpec{table.default_spec_id, {}}};
  }
  if (alteration.sort) {
    table.sort_orders = {SortOrder{kUnsortedOrderId, {}}};
    table.default_sort_order_id = kUnsortedOrderId;
  }
  return table;
}

TableMetadata WithSchema(TableMetadata table, const Schema& schema) {
  for (Schema& known : table.schemas) {
    if (known.id == table.current_schema_id) known = schema;
  }
  return table;
}

Action SortAction(const TableMetadata& table, SortOrder order) {
  if (order.fields == table.default_sort_order().fields) return ChangeMetadata{};
  // Some servers take no id that is in use.
  if (!order.is_unsorted()) {
    order.id = std::max(SortOrderId(1), NextId(table.sort_orders));
  }
  return ChangeMetadata{{AddSortOrder{std::move(order)}, SetDefaultSortOrder{}}};
}

// Files without ids that are added later have the columns' new names, and those that are
// there the old ones.
Result<ChangeMetadata> NamesAction(const TableMetadata& table, const Schema& schema) {
  const std::string* text = table.FindProperty(kPropertyNameMapping);
  if (text == nullptr) return ChangeMetadata{};
  const auto mapping = NameMappingFromJson(*text);
  // Whoever reads such a file says what is wrong with it.
  if (!mapping.ok()) return ChangeMetadata{};
  FIRN_ASSIGN_OR_RETURN(const NameMapping updated,
                        UpdateNameMapping(*mapping, table.current_schema(), schema));
  if (updated == *mapping) return ChangeMetadata{};
  return ChangeMetadata{
      {SetProperties{{{kPropertyNameMapping, NameMappingToJson(updated)}}}}};
}

// Whether one of the terms is of a column that came in the place of another of its name.
template <typename Term>
bool NameTheSuccessor(const std::vector<Term>& terms, const Schema& before,
                      const Schema& after) {
  return std::any_of(terms.begin(), terms.end(), [&](const Term& term) {
    const NestedField* const was = before.FindColumn(term.column);
    const NestedField* const is = after.FindColumn(term.column);
    return was != nullptr && is != nullptr && was->id != is->id;
  });
}

// Whether the layout that is there, `what`, outlives the columns, where its successor has
// to wait for them. `renewed`: one of those takes the name of one that goes.
Status CheckWaits(const Status& kept, const std::string& what, bool renewed) {
  if (kept.ok()) return Status::OK();
  return Status::InvalidArgument(
      what +
      ": the one that is there needs a column that goes, and the new one a column that "
      "comes" +
      (renewed ? " and has its name: drop the column first, with a " + what +
                     " of the other columns, then add the new one and give the " + what +
                     " by another command"
               : ": add columns first, and drop them by another command"));
}

}  // namespace

Result<std::vector<Action>> ActionsOf(const TableMetadata& table,
                                      const Alteration& alteration) {
  const Schema& before = table.current_schema();
  FIRN_ASSIGN_OR_RETURN(
      const Schema schema,
      EvolveSchema(WithoutReplaced(table, alteration), alteration.columns));
  const TableMetadata evolved = WithSchema(table, schema);
  // What goes with the columns as they are comes before they change.
  std::vector<Action> first;
  std::vector<Action> last;
  if (alteration.partition) {
    auto spec =
        EvolvePartitionSpec(evolved, {ReplacePartitionFields{*alteration.partition}});
    if (!spec.ok()) return spec.status().With("partition");
    const bool waits = !CheckPartitionSpec(*spec, before).ok();
    if (waits) {
      FIRN_RETURN_IF_ERROR(
          CheckWaits(CheckPartitionSpec(table.default_spec(), schema), "partition",
                     NameTheSuccessor(*alteration.partition, before, schema)));
    }
    (waits ? last : first).emplace_back(ReplaceSpec{*spec, table.default_spec_id});
  }
  if (alteration.sort) {
    auto order = MakeSortOrder(*alteration.sort, schema);
    if (!order.ok()) return order.status().With("sort");
    const bool waits = !CheckSortOrder(*order, before).ok();
    if (waits) {
      FIRN_RETURN_IF_ERROR(
          CheckWaits(CheckSortOrder(table.default_sort_order(), schema), "sort",
                     NameTheSuccessor(*alteration.sort, before, schema)));
    }
    (waits ? last : first).push_back(SortAction(table, *std::move(order)));
  }
  FIRN_ASSIGN_OR_RETURN(ChangeMetadata names, NamesAction(table, schema));
  last.emplace_back(std::move(names));
  std::vector<Action> actions = std::move(first);
  actions.emplace_back(ReplaceSchema{schema, table.current_schema_id});
  actions.insert(actions.end(), last.begin(), last.end());
  return actions;
}

}  // namespace firn::iceberg

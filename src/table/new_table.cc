// SPDX-License-Identifier: Apache-2.0
#include "table/new_table.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "iceberg/layout_text.h"
#include "iceberg/partition_update.h"
#include "iceberg/version_files.h"
#include "table/table_properties.h"

namespace firn::table {
namespace {

// Files have no place for what has no columns, and other engines none for names that are
// no UTF-8.
Status CheckColumns(const iceberg::StructType& fields, const std::string& path) {
  if (fields.fields.empty()) {
    return Status::InvalidArgument(
        path.empty() ? "a table has at least one column"
                     : "column " + path +
                           " is a struct without fields, which no file has: make the "
                           "table first, with a map or with text for it");
  }
  for (const iceberg::NestedField& field : fields.fields) {
    if (!base::IsValidUtf8(field.name)) {
      return Status::InvalidArgument("the column name " + base::Quoted(field.name) +
                                     " is not UTF-8");
    }
    const std::string name = path.empty() ? field.name : path + "." + field.name;
    const iceberg::Type* type = &field.type;
    for (;;) {
      if (type->list() != nullptr) {
        type = type->list()->element.get();
      } else if (type->map() != nullptr) {
        type = type->map()->value.get();
      } else {
        break;
      }
    }
    if (type->struct_type() != nullptr) {
      FIRN_RETURN_IF_ERROR(CheckColumns(*type->struct_type(), name));
    }
  }
  return Status::OK();
}

}  // namespace

Result<iceberg::CreateTableRequest> NewTableRequest(
    const iceberg::TableIdentifier& identifier, iceberg::Schema schema,
    const TableLayout& layout) {
  iceberg::CreateTableRequest request;
  request.identifier = identifier;
  const auto partition = iceberg::ParsePartitionTerms(layout.partition);
  if (!partition.ok()) return partition.status().With("partition");
  auto spec = iceberg::MakePartitionSpec(*partition, schema);
  if (!spec.ok()) return spec.status().With("partition");
  request.spec = std::move(*spec);
  const auto sort = iceberg::ParseSortTerms(layout.sort);
  if (!sort.ok()) return sort.status().With("sort");
  auto order = iceberg::MakeSortOrder(*sort, schema);
  if (!order.ok()) return order.status().With("sort");
  request.sort_order = std::move(*order);
  FIRN_RETURN_IF_ERROR(CheckColumns(schema.root, ""));
  FIRN_RETURN_IF_ERROR(iceberg::CheckSchema(schema, iceberg::kFormatVersionWrittenMax));
  FIRN_RETURN_IF_ERROR(iceberg::CheckFullNames(schema));
  FIRN_ASSIGN_OR_RETURN(request.properties,
                        NewTableProperties(layout.properties, schema));
  request.schema = std::move(schema);
  return request;
}

Status CheckLayout(const TableLayout& layout, const iceberg::TableMetadata& table) {
  const iceberg::Schema& schema = table.current_schema();
  const auto differs = [](const std::string& is, const std::string& asked) {
    return Status::InvalidArgument("the table is there already, " + is + ", not " +
                                   asked);
  };
  const auto partition = iceberg::ParsePartitionTerms(layout.partition);
  if (!partition.ok()) return partition.status().With("partition");
  if (!partition->empty()) {
    const auto spec = iceberg::MakePartitionSpec(*partition, schema);
    if (!spec.ok()) return spec.status().With("partition");
    if (!spec->IsCompatibleWith(table.default_spec())) {
      return differs("partitioned by " + iceberg::ToString(table.default_spec(), schema),
                     "by " + iceberg::ToString(*spec, schema));
    }
  }
  const auto sort = iceberg::ParseSortTerms(layout.sort);
  if (!sort.ok()) return sort.status().With("sort");
  if (!sort->empty()) {
    const auto order = iceberg::MakeSortOrder(*sort, schema);
    if (!order.ok()) return order.status().With("sort");
    const iceberg::SortOrder& is = table.default_sort_order();
    if (order->fields != is.fields) {
      return differs("sorted by " + iceberg::ToString(is, schema),
                     "by " + iceberg::ToString(*order, schema));
    }
  }
  FIRN_ASSIGN_OR_RETURN(const auto properties,
                        NewTableProperties(layout.properties, schema));
  for (const auto& [key, value] : properties) {
    const std::string* is = table.FindProperty(key);
    if (is != nullptr && *is == value) continue;
    return differs(
        is == nullptr ? "without the property " + key : "with " + key + " = " + *is,
        (is == nullptr ? "with " + key + " = " : "") + value);
  }
  return Status::OK();
}

Result<iceberg::LoadedTable> MakeTable(const base::Context& context,
                                       iceberg::Catalog& catalog,
                                       const iceberg::CreateTableRequest& request) {
  const Status made = catalog.CreateNamespace(context, request.identifier.name_space, {});
  if (!made.ok() && !made.Is(StatusCode::kAlreadyExists)) return made;
  return catalog.CreateTable(context, request);
}

void DropUnusedTable(iceberg::Catalog& catalog, io::Store& store,
                     const iceberg::LoadedTable& made) {
  const base::Context own;  // The work's own may have ended.
  const auto now = catalog.LoadTable(own, made.identifier);
  if (!now.ok() || now->metadata->table_uuid != made.metadata->table_uuid) return;
  const std::string& location = made.metadata_location;
  const Status dropped = catalog.DropTableAt(own, made.identifier, location);
  if (dropped.Is(StatusCode::kConflict)) return;
  if (!dropped.ok()) {
    base::LogWarn(
        "a table that was made for rows which did not come is still there",
        {{"table", made.identifier.ToString()}, {"why", std::string(dropped.message())}});
    return;
  }
  // A version's file went with the table, and its name may be another's by now.
  const std::string_view name =
      std::string_view(location).substr(location.rfind('/') + 1);
  if (name.empty() || iceberg::VersionOfName(name).has_value()) return;
  const Status removed = now->StoreOr(store).Remove(own, location);
  if (!removed.ok()) {
    base::LogWarn("the metadata of a table that was dropped again is still there",
                  {{"file", location}, {"why", std::string(removed.message())}});
  }
}

}  // namespace firn::table

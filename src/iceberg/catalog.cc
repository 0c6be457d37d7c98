// SPDX-License-Identifier: Apache-2.0
#include "iceberg/catalog.h"

#include "iceberg/default_properties.h"

namespace firn::iceberg {
namespace {

// Catalogs keep a namespace as one text joined by dots, and locations are made of names.
Status CheckName(std::string_view name) {
  if (name.empty()) return Status::InvalidArgument("a name is empty");
  for (const char c : name) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (c == '.' || c == '/' || control) {
      return Status::InvalidArgument("name " + std::string(name) +
                                     " holds a dot, a slash or a control character");
    }
  }
  return Status::OK();
}

}  // namespace

std::string Namespace::ToString() const {
  std::string text;
  for (const std::string& level : levels) {
    if (!text.empty()) text += '.';
    text += level;
  }
  return text;
}

Result<Namespace> Namespace::Parse(std::string_view text) {
  Namespace ns;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view level = text.substr(0, dot);
    FIRN_RETURN_IF_ERROR(CheckName(level).With("namespace"));
    ns.levels.emplace_back(level);
    if (dot == std::string_view::npos) return ns;
    text.remove_prefix(dot + 1);
  }
}

std::string TableIdentifier::ToString() const {
  return name_space.ToString() + "." + name;
}

Result<TableIdentifier> TableIdentifier::Parse(std::string_view text) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) {
    return Status::InvalidArgument("table " + std::string(text) +
                                   " has no namespace: write NAMESPACE.TABLE");
  }
  TableIdentifier identifier;
  FIRN_ASSIGN_OR_RETURN(identifier.name_space, Namespace::Parse(text.substr(0, dot)));
  FIRN_RETURN_IF_ERROR(CheckName(text.substr(dot + 1)).With("table"));
  identifier.name = std::string(text.substr(dot + 1));
  return identifier;
}

NewTable NewTableOf(const CreateTableRequest& request, std::string location,
                    std::string uuid, TimestampMs now_ms) {
  NewTable table;
  table.uuid = std::move(uuid);
  table.location = std::move(location);
  table.schema = request.schema;
  table.spec = request.spec;
  table.sort_order = request.sort_order;
  table.properties = request.properties;
  AddDefaultProperties(&table.properties);
  table.now_ms = now_ms;
  return table;
}

Result<std::vector<TableIdentifier>> Catalog::ListViews(const base::Context& context,
                                                        const Namespace& ns) {
  FIRN_RETURN_IF_ERROR(NamespaceProperties(context, ns).status());
  return std::vector<TableIdentifier>();
}

Result<bool> Catalog::TableExists(const base::Context& context,
                                  const TableIdentifier& identifier) {
  const Status loaded = LoadTable(context, identifier).status();
  if (loaded.Is(StatusCode::kNotFound)) return false;
  FIRN_RETURN_IF_ERROR(loaded);
  return true;
}

Status Catalog::CommitTables(const base::Context&, const std::vector<TableChange>&) {
  return Status::Unimplemented(
      "this catalog commits one table at a time; those that commit several together are "
      "SQLite and REST catalogs");
}

Status Catalog::DropTableAt(const base::Context& context,
                            const TableIdentifier& identifier,
                            const std::string& metadata_location) {
  FIRN_ASSIGN_OR_RETURN(const LoadedTable now, LoadTable(context, identifier));
  if (now.metadata_location != metadata_location) {
    return Status::Conflict("drop table " + identifier.ToString() +
                            ": it was changed meanwhile");
  }
  return DropTable(context, identifier);
}

Result<std::string> Catalog::CurrentMetadataLocation(const base::Context&,
                                                     const TableIdentifier& identifier) {
  return Status::Unimplemented("table " + identifier.ToString() +
                               ": where it lies is for the catalog's server to change");
}

Result<std::string> Catalog::ReplaceMetadata(const base::Context&,
                                             const TableIdentifier& identifier,
                                             const std::string&, std::string_view) {
  return Status::Unimplemented("table " + identifier.ToString() +
                               ": where it lies is for the catalog's server to change");
}

Status Catalog::PurgeTable(const base::Context&, const TableIdentifier& identifier) {
  return Status::Unimplemented("purge table " + identifier.ToString() +
                               ": this catalog removes no files; drop the table, then "
                               "remove its directory");
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// catalog.h: tables by name, and the one place where a commit becomes true.
//
// Implementations: a database (sql_catalog.h), the warehouse itself (fs_catalog.h), a
// server (rest_catalog.h). open_catalog.h makes the one that a URI names.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/apply_updates.h"
#include "iceberg/requirement.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"
#include "io/store.h"

namespace firn::iceberg {

// Levels from the outside in: {"metrics"} or {"a", "b"}. A level is not empty and holds
// no dot.
struct Namespace {
  std::vector<std::string> levels;
  auto operator<=>(const Namespace&) const = default;
  std::string ToString() const;  // Joined by dots.
  static Result<Namespace> Parse(std::string_view text);
};

struct TableIdentifier {
  Namespace name_space;
  std::string name;
  auto operator<=>(const TableIdentifier&) const = default;
  std::string ToString() const;
  // `metrics.samples`: the last part is the table. InvalidArgument without a namespace.
  static Result<TableIdentifier> Parse(std::string_view text);
};

// A table as it was when it was loaded. Immutable.
struct LoadedTable {
  TableIdentifier identifier;
  std::string metadata_location;
  std::shared_ptr<const TableMetadata> metadata;
  // Opens this table's files, with what the catalog's server lent for them. Null: they
  // are opened with the store of whoever asks. Shared with the catalog and other loads.
  std::shared_ptr<io::Store> store = {};

  io::Store& StoreOr(io::Store& otherwise) const { return store ? *store : otherwise; }
};

// One table's part of a commit of several.
struct TableChange {
  TableIdentifier identifier;
  std::vector<Requirement> requirements;
  std::vector<Update> updates;
};

struct CreateTableRequest {
  TableIdentifier identifier;
  Schema schema;  // Field ids are kept.
  PartitionSpec spec;
  SortOrder sort_order;
  std::map<std::string, std::string> properties;
  // Absent: `<warehouse>/<namespace>/<table>`.
  std::optional<std::string> location;
};

// What `request` asks for, at `location`. Properties get firn's defaults where they are
// absent: every commit writes a metadata file, and old ones would gather for ever.
NewTable NewTableOf(const CreateTableRequest& request, std::string location,
                    std::string uuid, TimestampMs now_ms);

// Thread-safe.
class Catalog {
 public:
  virtual ~Catalog() = default;

  // With those above it that are not there. AlreadyExists.
  virtual Status CreateNamespace(
      const base::Context& context, const Namespace& ns,
      const std::map<std::string, std::string>& properties) = 0;
  // Sorted. Every namespace, parents and children alike.
  virtual Result<std::vector<Namespace>> ListNamespaces(const base::Context& context) = 0;
  // NotFound.
  virtual Result<std::map<std::string, std::string>> NamespaceProperties(
      const base::Context& context, const Namespace& ns) = 0;
  // Set `set` and remove `removed`; a key that is not there is removed already. NotFound;
  // Unimplemented where the catalog keeps no properties.
  virtual Status UpdateNamespaceProperties(const base::Context& context,
                                           const Namespace& ns,
                                           const std::map<std::string, std::string>& set,
                                           const std::vector<std::string>& removed) = 0;
  // NotFound; Conflict where tables or namespaces are left in it.
  virtual Status DropNamespace(const base::Context& context, const Namespace& ns) = 0;

  // Sorted. NotFound for an unknown namespace.
  virtual Result<std::vector<TableIdentifier>> ListTables(const base::Context& context,
                                                          const Namespace& ns) = 0;
  // Sorted: the views, which firn does not read. Empty where a catalog has none.
  virtual Result<std::vector<TableIdentifier>> ListViews(const base::Context& context,
                                                         const Namespace& ns);
  virtual Result<bool> TableExists(const base::Context& context,
                                   const TableIdentifier& identifier);
  // AlreadyExists for the table, NotFound for the namespace. CommitUnknown as below.
  virtual Result<LoadedTable> CreateTable(const base::Context& context,
                                          const CreateTableRequest& request) = 0;
  // Name an existing metadata file as a table. AlreadyExists, NotFound.
  virtual Result<LoadedTable> RegisterTable(const base::Context& context,
                                            const TableIdentifier& identifier,
                                            const std::string& metadata_location) = 0;
  // NotFound.
  virtual Result<LoadedTable> LoadTable(const base::Context& context,
                                        const TableIdentifier& identifier) = 0;

  // Apply `updates` to the table as it is now, if `requirements` hold, and make the
  // result current: all of it or nothing. One attempt; retries are left to the caller
  // (commit.h).
  //   Conflict       a requirement does not hold, or another commit came first
  //   CommitUnknown  it may have been committed: reload and look. No file was removed.
  //   others         it was not committed, and what it wrote has been removed
  virtual Result<LoadedTable> CommitTable(const base::Context& context,
                                          const TableIdentifier& identifier,
                                          const std::vector<Requirement>& requirements,
                                          const std::vector<Update>& updates) = 0;
  // CommitTable of several tables at once, each of them named once: all of them change or
  // none does, and errors are as there. Unimplemented where the catalog commits one table
  // at a time.
  virtual Status CommitTables(const base::Context& context,
                              const std::vector<TableChange>& changes);

  // What the catalog names as the current metadata file, which is not read: for a table
  // whose files are not where it says (relocate.h). NotFound; Unimplemented where a
  // server keeps that to itself.
  virtual Result<std::string> CurrentMetadataLocation(const base::Context& context,
                                                      const TableIdentifier& identifier);
  // Make the metadata in `json` current, in the place of the file that the catalog names
  // `expected`, whatever that says. It lies where it says that metadata does. Answers its
  // location. Conflict where another is current by now; CommitUnknown as above.
  virtual Result<std::string> ReplaceMetadata(const base::Context& context,
                                              const TableIdentifier& identifier,
                                              const std::string& expected,
                                              std::string_view json);

  // Forget the table. Its data files stay. NotFound.
  virtual Status DropTable(const base::Context& context,
                           const TableIdentifier& identifier) = 0;
  // DropTable where its metadata is still `metadata_location`; Conflict where another is
  // current by now. The REST protocol has no such request: there, who commits between
  // the look and the drop loses the table.
  virtual Status DropTableAt(const base::Context& context,
                             const TableIdentifier& identifier,
                             const std::string& metadata_location);
  // DropTable, and have the catalog's server remove the table's files. Unimplemented
  // where no server is there to do it.
  virtual Status PurgeTable(const base::Context& context,
                            const TableIdentifier& identifier);
  // NotFound for the table or the new namespace, AlreadyExists for the new name.
  // Unimplemented where a table's name is its place.
  virtual Status RenameTable(const base::Context& context, const TableIdentifier& from,
                             const TableIdentifier& to) = 0;
};

}  // namespace firn::iceberg

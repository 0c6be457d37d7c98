// SPDX-License-Identifier: Apache-2.0
// catalog_reader.h: the catalog as it is shown to other engines: what tables there are,
// and the metadata of each.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "firn/status.h"

namespace firn {

namespace base {
class Context;
}  // namespace base

// Levels from the outside in: {"metrics"}, or {"a", "b"} for b in a.
using NamespaceLevels = std::vector<std::string>;

// One table's metadata as of one load.
struct CatalogTable {
  std::string metadata_location;
  // Table metadata as the Iceberg specification writes it in JSON, an object.
  std::string metadata_json;
  // What a reader of the table's files is told about their store, under the names that
  // Iceberg's clients share (`s3.endpoint`, `s3.region`). Never a secret.
  std::map<std::string, std::string> config;
};

// Which snapshots metadata_json lists: every one, or those that a branch or tag names.
enum class CatalogSnapshots { kAll, kReferenced };

// Thread-safe. Every function asks the catalog anew.
class CatalogReader {
 public:
  virtual ~CatalogReader() = default;

  // The namespaces just below `parent`, whole and sorted; the outermost ones where it is
  // empty. NotFound where `parent` does not exist.
  virtual Result<std::vector<NamespaceLevels>> ListNamespaces(
      const base::Context& context, const NamespaceLevels& parent) = 0;
  // NotFound.
  virtual Result<std::map<std::string, std::string>> NamespaceProperties(
      const base::Context& context, const NamespaceLevels& name_space) = 0;
  // The names of a namespace's tables, sorted. NotFound for the namespace.
  virtual Result<std::vector<std::string>> ListTables(
      const base::Context& context, const NamespaceLevels& name_space) = 0;
  // The table as it is committed now: hot rows are not in it. NotFound.
  virtual Result<CatalogTable> LoadTable(const base::Context& context,
                                         const NamespaceLevels& name_space,
                                         const std::string& table,
                                         CatalogSnapshots snapshots) = 0;
};

}  // namespace firn

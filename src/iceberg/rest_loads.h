// SPDX-License-Identifier: Apache-2.0
// rest_loads.h: the tables that a REST catalog loaded last.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "firn/storage.h"
#include "iceberg/lent_storage.h"
#include "iceberg/open_catalog.h"
#include "io/store.h"

namespace firn::iceberg {

// Thread-safe.
class RestLoads {
 public:
  // Tables that are kept; the one loaded longest ago goes.
  static constexpr std::size_t kTablesMax = 100;

  // `environment`'s parts must outlive it. Credentials that are lent are used only where
  // `borrows`: servers lend to whoever asks, and some to who does not.
  RestLoads(StorageOptions storage, bool borrows, const CatalogEnvironment& environment)
      : storage_(std::move(storage)), borrows_(borrows), environment_(environment) {}

  struct Kept {
    std::string etag;  // Empty: the server gave none.
    LoadedTable table;
  };
  // What is kept of the table, unless what was lent for it ends soon.
  std::optional<Kept> Find(const TableIdentifier& identifier);
  // The store that was lent for the table, or null.
  std::shared_ptr<io::Store> StoreOf(const TableIdentifier& identifier);
  // Keep `table` and give it the store that `config` describes: the same one as before
  // where that has not changed.
  LoadedTable Keep(LoadedTable table, std::string etag, StorageConfig config);
  void Forget(const TableIdentifier& identifier);

 private:
  struct Entry {
    Kept kept;
    StorageConfig config;
    TimestampMs fresh_until_ms;
    std::int64_t tick;
  };

  const StorageOptions storage_;
  const bool borrows_;
  const CatalogEnvironment environment_;
  std::mutex mutex_;
  std::map<TableIdentifier, Entry> entries_;
  std::int64_t ticks_ = 0;
};

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// committed_tables.h: what a catalog committed last, by metadata location.
//
// A metadata file is never changed, so what this process wrote into it is what it says: a
// commit that follows another need not read the table's whole history again, once to
// build and once to apply. Which location is current is never answered from here.
//
// Thread-safe. Holds at most kCommittedTablesMax tables; the one used longest ago goes.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string_view>

#include "iceberg/catalog.h"

namespace firn::iceberg {

inline constexpr std::size_t kCommittedTablesMax = 16;

class CommittedTables {
 public:
  // What was written to `location`, or null.
  std::shared_ptr<const TableMetadata> Find(std::string_view location) {
    const std::lock_guard lock(mutex_);
    for (auto it = tables_.begin(); it != tables_.end(); ++it) {
      if (it->location != location) continue;
      tables_.splice(tables_.begin(), tables_, it);
      return it->metadata;
    }
    return nullptr;
  }

  void Put(const LoadedTable& table) {
    const std::lock_guard lock(mutex_);
    // An older version of the table is not asked for again.
    tables_.remove_if(
        [&](const Entry& entry) { return entry.identifier == table.identifier; });
    tables_.push_front({table.identifier, table.metadata_location, table.metadata});
    if (tables_.size() > kCommittedTablesMax) tables_.pop_back();
  }

 private:
  struct Entry {
    TableIdentifier identifier;
    std::string location;
    std::shared_ptr<const TableMetadata> metadata;
  };
  std::mutex mutex_;  // Guards tables_.
  std::list<Entry> tables_;
};

}  // namespace firn::iceberg

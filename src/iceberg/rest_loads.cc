// SPDX-License-Identifier: Apache-2.0
#include "iceberg/rest_loads.h"

#include <algorithm>
#include <limits>

#include "io/stores.h"

namespace firn::iceberg {
namespace {

// Credentials are asked for anew this long before they end: a scan that begins with them
// has that long.
constexpr DurationMs kEarlyMs = 5 * 60'000;
// How long those serve of which the server does not say when they end.
constexpr DurationMs kLentMs = 10 * 60'000;

}  // namespace

std::optional<RestLoads::Kept> RestLoads::Find(const TableIdentifier& identifier) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(identifier);
  if (found == entries_.end()) return std::nullopt;
  if (environment_.clock.NowMs() >= found->second.fresh_until_ms) return std::nullopt;
  return found->second.kept;
}

std::shared_ptr<io::Store> RestLoads::StoreOf(const TableIdentifier& identifier) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(identifier);
  return found == entries_.end() ? nullptr : found->second.kept.table.store;
}

LoadedTable RestLoads::Keep(LoadedTable table, std::string etag, StorageConfig config) {
  if (!borrows_) config = WithoutCredentials(std::move(config));
  Entry entry;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(table.identifier);
  if (found != entries_.end() && found->second.config == config) {
    table.store = found->second.kept.table.store;
  } else if (const auto lent = LentStorage(storage_, config)) {
    table.store = io::MakeStores(*lent, environment_.environment, environment_.clock,
                                 environment_.metrics);
  }
  entry.fresh_until_ms = std::numeric_limits<TimestampMs>::max();
  if (table.store != nullptr) {
    const auto expiry_ms = ExpiryOf(config);
    entry.fresh_until_ms =
        expiry_ms ? *expiry_ms - kEarlyMs : environment_.clock.NowMs() + kLentMs;
  }
  entry.config = std::move(config);
  entry.kept = {std::move(etag), table};
  entry.tick = ++ticks_;
  entries_.insert_or_assign(table.identifier, std::move(entry));
  if (entries_.size() > kTablesMax) {
    entries_.erase(std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return a.second.tick < b.second.tick; }));
  }
  return table;
}

void RestLoads::Forget(const TableIdentifier& identifier) {
  const std::lock_guard lock(mutex_);
  entries_.erase(identifier);
}

}  // namespace firn::iceberg

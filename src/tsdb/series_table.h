// SPDX-License-Identifier: Apache-2.0
// series_table.h: every series the head knows, found by alias, by identity, by label.
//
// A series has a reference (dense, for this process and its log), an identity (the same
// everywhere), labels, and any number of aliases: the raw bytes under which senders name
// it. An alias is found by hash and then compared byte for byte, never trusted.
//
// The index holds, for each label name and value, the references of the series that have
// it (postings), sorted.
//
// A series is forgotten in two steps (docs/design/0016). Forget: neither alias nor
// identity finds it any more, and a sender that names it gets another reference. Sweep:
// it goes from the index, and once no pin from before is left its memory and its
// reference are free. So a reference, and views of a series' labels and aliases, are good
// for who took a pin first and has it still; so they are for the thread that forgets.
// What a pin holds does not move.
//
// Thread-safe: one lock, shared by readers and exclusive for what changes the table.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/matcher.h"
#include "base/series_id.h"
#include "firn/appender.h"
#include "firn/labels.h"
#include "firn/status.h"
#include "tsdb/alias_blocks.h"
#include "tsdb/epoch_pins.h"

namespace firn::tsdb {

// The labels of a series as one run of bytes: for each label, in order of name, the name
// and the value, each a varint length and its bytes. The log's form, too.
std::string PackLabels(const Labels& labels);
// Corruption where the bytes are no packed labels.
Result<Labels> UnpackLabels(std::string_view packed);

class SeriesTable {
 public:
  struct Found {
    SeriesRef ref;
    std::string_view alias;  // The table's own copy of the alias asked for.
  };

  // More than `series_max` series are refused.
  explicit SeriesTable(std::int64_t series_max);
  ~SeriesTable();

  // Keep what can be found from now on good: see above.
  EpochPins::Pin TakePin() const { return pins_.Take(); }
  // Changes whenever a series is forgotten, at the latest when that is done.
  std::uint64_t epoch() const { return pins_.epoch(); }

  // The series that `tenant` names by `alias`, if this alias was seen before.
  std::optional<Found> FindAlias(std::string_view tenant, std::string_view alias) const;
  // Find or define the series of `labels` and let `alias` name it from now on.
  // ResourceExhausted where it would be one too many; the text gives labels and limit.
  Result<Found> Resolve(std::string_view tenant, std::string_view alias,
                        const Labels& labels);
  // Define a series under the reference that a log gave it, or check that it has it.
  // Corruption where the reference or the series is bound differently already.
  // REQUIRES: FreeGaps was not called yet.
  Status Restore(SeriesRef ref, std::string_view tenant, const Labels& labels);
  // Find or define a series that a table names. The limit does not count: its samples are
  // there already.
  Result<SeriesRef> ResolveLabels(std::string_view tenant, const Labels& labels);

  // References that a log left out are free from now on.
  void FreeGaps();

  // Forget `series`: the first step. REQUIRES: each is live, and named once.
  void Forget(std::span<const SeriesRef> series);
  // The second step, for all that was forgotten and that no pin holds; the others wait
  // for a later call. Cost: walks the index' entries of the labels of what was forgotten.
  void Sweep();
  // The reference, now, of the series that `ref` names: itself unless that is forgotten.
  // Defines the series again where that must be. ResourceExhausted as Resolve.
  // REQUIRES: `ref` is defined.
  Result<SeriesRef> Rebind(SeriesRef ref);
  // By reference, whether it names another series than at `epoch`, or none, or aliases
  // were moved, so that a view of one is good no longer than the pin under which it was
  // found.
  std::vector<bool> ChangedSince(std::uint64_t epoch) const;

  std::optional<SeriesRef> Find(const base::SeriesId& id) const;

  // REQUIRES for each: `ref` is defined, which forgotten series are until they are swept.
  Labels labels(SeriesRef ref) const;
  std::string_view packed_labels(SeriesRef ref) const;
  base::SeriesId id(SeriesRef ref) const;
  std::string_view tenant(SeriesRef ref) const;

  // Series of `tenant` for which every matcher holds, in order of reference.
  std::vector<SeriesRef> Select(std::string_view tenant,
                                const std::vector<base::Matcher>& matchers) const;

  // Series that are not forgotten.
  std::int64_t size() const;
  // Memory held, for forgotten series too until they are swept.
  std::int64_t bytes() const;
  // Past the largest reference defined.
  std::uint32_t ref_end() const;
  bool defined(SeriesRef ref) const;
  // By reference, whether it is defined and not forgotten.
  std::vector<bool> Live() const;

 private:
  struct Tenant;
  using Refs = std::vector<std::uint32_t>;
  struct Entry {
    base::SeriesId id;
    std::unique_ptr<char[]> packed;
    std::uint32_t packed_bytes = 0;
    bool forgotten = false;
    Tenant* tenant = nullptr;  // Null: no series has this reference.
    // The epoch in which it was defined, or from which on its aliases are where they are.
    std::uint64_t changed_in = 0;
    const char* aliases = nullptr;  // A chain in alias_blocks_.

    std::string_view packed_labels() const { return {packed.get(), packed_bytes}; }
  };
  // Series that were swept from the index, blocks of aliases, and the last epoch in which
  // they were there.
  struct Retired {
    std::uint64_t epoch = 0;
    std::vector<std::uint32_t> refs;
    std::vector<AliasBlocks::Block> blocks;
  };
  // What is freed after the lock is.
  struct Freed {
    std::vector<Entry> entries;
    std::vector<AliasBlocks::Block> blocks;
  };

  Result<SeriesRef> DefineLocked(std::optional<SeriesRef> ref, std::string_view tenant,
                                 const Labels& labels);
  Status Exhausted(const Labels& labels) const;
  SeriesRef TakeRefLocked();
  void DropFromIndexLocked(const std::vector<std::uint32_t>& refs);
  std::vector<AliasBlocks::Block> CompactAliasesLocked();
  Freed FreeRetiredLocked();
  Tenant& TenantLocked(std::string_view name);
  Refs MatchLocked(const Tenant& tenant, const base::Matcher& matcher) const;

  const std::int64_t series_max_;
  EpochPins pins_;
  mutable std::shared_mutex mutex_;
  std::deque<Entry> entries_;             // Indexed by reference.
  std::vector<std::uint32_t> free_refs_;  // In falling order: the lowest is given first.
  std::vector<std::uint32_t> forgotten_;  // Not swept yet.
  std::deque<Retired> retired_;           // Oldest first.
  std::int64_t size_ = 0;
  AliasBlocks alias_blocks_;
  std::int64_t content_bytes_ = 0;  // All but entries_ and alias_blocks_.
  std::unordered_map<base::SeriesId, std::uint32_t> by_id_;
  std::map<std::string, std::unique_ptr<Tenant>, std::less<>> tenants_;
};

}  // namespace firn::tsdb

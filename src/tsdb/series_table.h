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
// Thread-safe: one lock, shared by readers and exclusive for a definition. Labels and
// aliases never move once they are here, so views of them stay valid as long as the table.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "base/matcher.h"
#include "base/series_id.h"
#include "firn/appender.h"
#include "firn/labels.h"
#include "firn/status.h"

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

  // The series that `tenant` names by `alias`, if this alias was seen before.
  std::optional<Found> FindAlias(std::string_view tenant, std::string_view alias) const;
  // Find or define the series of `labels` and let `alias` name it from now on.
  // ResourceExhausted where it would be one too many; the text gives labels and limit.
  Result<Found> Resolve(std::string_view tenant, std::string_view alias,
                        const Labels& labels);
  // Define a series under the reference that a log gave it, or check that it has it.
  // Corruption where the reference or the series is bound differently already.
  Status Restore(SeriesRef ref, std::string_view tenant, const Labels& labels);
  // Find or define a series that a table names. The limit does not count: its samples are
  // there already.
  Result<SeriesRef> ResolveLabels(std::string_view tenant, const Labels& labels);

  std::optional<SeriesRef> Find(const base::SeriesId& id) const;

  // REQUIRES for each: `ref` is defined.
  Labels labels(SeriesRef ref) const;
  std::string_view packed_labels(SeriesRef ref) const;
  base::SeriesId id(SeriesRef ref) const;
  std::string_view tenant(SeriesRef ref) const;

  // Series of `tenant` for which every matcher holds, in order of reference.
  std::vector<SeriesRef> Select(std::string_view tenant,
                                const std::vector<base::Matcher>& matchers) const;

  std::int64_t size() const;
  std::int64_t bytes() const;
  // One past the largest reference defined.
  std::uint32_t ref_end() const;
  bool defined(SeriesRef ref) const;

 private:
  struct Tenant;
  using Refs = std::vector<std::uint32_t>;
  struct Entry {
    base::SeriesId id;
    std::string_view packed;
    Tenant* tenant = nullptr;  // Null: no series has this reference.
  };

  Result<SeriesRef> DefineLocked(std::optional<SeriesRef> ref, std::string_view tenant,
                                 const Labels& labels);
  Tenant& TenantLocked(std::string_view name);
  Refs MatchLocked(const Tenant& tenant, const base::Matcher& matcher) const;

  const std::int64_t series_max_;
  mutable std::shared_mutex mutex_;
  base::Arena arena_;
  std::deque<Entry> entries_;  // Indexed by reference.
  std::int64_t size_ = 0;
  std::unordered_map<base::SeriesId, std::uint32_t> by_id_;
  std::map<std::string, std::unique_ptr<Tenant>, std::less<>> tenants_;
};

}  // namespace firn::tsdb

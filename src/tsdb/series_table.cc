// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_table.h"

#include <xxhash.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"

namespace firn::tsdb {
namespace {

// Aliases are remembered up to this many for each series allowed; a sender that never
// names a series twice in the same way is served by parsing, at no further memory.
constexpr std::int64_t kAliasesPerSeriesMax = 2;

struct AliasHash {
  std::size_t operator()(std::string_view alias) const {
    return XXH3_64bits(alias.data(), alias.size());
  }
};

}  // namespace

std::string PackLabels(const Labels& labels) {
  std::string packed;
  base::ByteWriter writer(packed);
  for (const Label& label : labels) {
    writer.Text(label.name);
    writer.Text(label.value);
  }
  return packed;
}

Result<Labels> UnpackLabels(std::string_view packed) {
  std::vector<Label> labels;
  base::ByteReader reader(packed);
  while (reader.ok() && !reader.AtEnd()) {
    const std::string_view name = reader.Text();
    const std::string_view value = reader.Text();
    labels.push_back({std::string(name), std::string(value)});
  }
  if (!reader.ok()) return Status::Corruption("labels of a series are cut short");
  return Labels::FromUnsorted(std::move(labels));
}

struct SeriesTable::Tenant {
  using Values = std::unordered_map<std::string_view, Refs, AliasHash>;

  std::string name;
  std::unordered_map<std::string_view, std::uint32_t, AliasHash> aliases;
  std::unordered_map<std::string_view, Values, AliasHash> postings;
  Refs all;
};

SeriesTable::SeriesTable(std::int64_t series_max) : series_max_(series_max) {}
SeriesTable::~SeriesTable() = default;

std::optional<SeriesTable::Found> SeriesTable::FindAlias(std::string_view tenant,
                                                         std::string_view alias) const {
  std::shared_lock lock(mutex_);
  const auto found_tenant = tenants_.find(tenant);
  if (found_tenant == tenants_.end()) return std::nullopt;
  const auto& aliases = found_tenant->second->aliases;
  const auto found = aliases.find(alias);
  if (found == aliases.end()) return std::nullopt;
  return Found{{found->second}, found->first};
}

Result<SeriesTable::Found> SeriesTable::Resolve(std::string_view tenant,
                                                std::string_view alias,
                                                const Labels& labels) {
  std::unique_lock lock(mutex_);
  if (size_ >= series_max_ &&
      !by_id_.contains(base::ComputeSeriesId(tenant, labels))) {
    return Status::ResourceExhausted("series limit of " + std::to_string(series_max_) +
                                     " reached: " + labels.ToString() +
                                     " would be one more");
  }
  FIRN_ASSIGN_OR_RETURN(const SeriesRef ref, DefineLocked(std::nullopt, tenant, labels));
  auto& aliases = TenantLocked(tenant).aliases;
  if (const auto found = aliases.find(alias); found != aliases.end()) {
    return Found{{found->second}, found->first};
  }
  if (static_cast<std::int64_t>(aliases.size()) >= series_max_ * kAliasesPerSeriesMax) {
    return Found{ref, {}};
  }
  const std::string_view copy = arena_.Copy(alias);
  aliases.emplace(copy, ref.value);
  return Found{ref, copy};
}

Result<SeriesRef> SeriesTable::ResolveLabels(std::string_view tenant,
                                             const Labels& labels) {
  std::unique_lock lock(mutex_);
  return DefineLocked(std::nullopt, tenant, labels);
}

Status SeriesTable::Restore(SeriesRef ref, std::string_view tenant,
                            const Labels& labels) {
  std::unique_lock lock(mutex_);
  FIRN_ASSIGN_OR_RETURN(const SeriesRef bound, DefineLocked(ref, tenant, labels));
  if (bound != ref) {
    return Status::Corruption("series " + labels.ToString() + " has reference " +
                              std::to_string(bound.value) + " and is now given " +
                              std::to_string(ref.value));
  }
  return Status::OK();
}

Result<SeriesRef> SeriesTable::DefineLocked(std::optional<SeriesRef> ref,
                                            std::string_view tenant,
                                            const Labels& labels) {
  const base::SeriesId id = base::ComputeSeriesId(tenant, labels);
  if (const auto found = by_id_.find(id); found != by_id_.end()) {
    return SeriesRef{found->second};
  }
  if (!ref.has_value()) ref = SeriesRef{static_cast<std::uint32_t>(entries_.size())};
  if (ref->value >= entries_.size()) entries_.resize(ref->value + std::size_t{1});
  Entry& entry = entries_[ref->value];
  if (entry.tenant != nullptr) {
    return Status::Corruption("series reference " + std::to_string(ref->value) +
                              " is given to " + labels.ToString() +
                              " and belongs to another series already");
  }
  Tenant& owner = TenantLocked(tenant);
  entry.id = id;
  entry.packed = arena_.Copy(PackLabels(labels));
  entry.tenant = &owner;
  by_id_.emplace(id, ref->value);
  ++size_;

  // References grow with time but for those a log restores: keep each list sorted.
  const auto insert = [&](Refs& refs) {
    if (refs.empty() || refs.back() < ref->value) {
      refs.push_back(ref->value);
    } else {
      refs.insert(std::lower_bound(refs.begin(), refs.end(), ref->value), ref->value);
    }
  };
  base::ByteReader reader(entry.packed);
  while (!reader.AtEnd()) {
    const std::string_view name = reader.Text();
    const std::string_view value = reader.Text();
    insert(owner.postings[name][value]);
  }
  insert(owner.all);
  return *ref;
}

SeriesTable::Tenant& SeriesTable::TenantLocked(std::string_view name) {
  auto found = tenants_.find(name);
  if (found == tenants_.end()) {
    auto tenant = std::make_unique<Tenant>();
    tenant->name = std::string(name);
    found = tenants_.emplace(std::string(name), std::move(tenant)).first;
  }
  return *found->second;
}

std::optional<SeriesRef> SeriesTable::Find(const base::SeriesId& id) const {
  std::shared_lock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return SeriesRef{found->second};
}

std::string_view SeriesTable::packed_labels(SeriesRef ref) const {
  std::shared_lock lock(mutex_);
  FIRN_ASSERT(ref.value < entries_.size() && entries_[ref.value].tenant != nullptr);
  return entries_[ref.value].packed;
}

Labels SeriesTable::labels(SeriesRef ref) const {
  Result<Labels> labels = UnpackLabels(packed_labels(ref));
  FIRN_ASSERT(labels.ok());  // Packed by this table.
  return *std::move(labels);
}

base::SeriesId SeriesTable::id(SeriesRef ref) const {
  std::shared_lock lock(mutex_);
  FIRN_ASSERT(ref.value < entries_.size() && entries_[ref.value].tenant != nullptr);
  return entries_[ref.value].id;
}

std::string_view SeriesTable::tenant(SeriesRef ref) const {
  std::shared_lock lock(mutex_);
  FIRN_ASSERT(ref.value < entries_.size() && entries_[ref.value].tenant != nullptr);
  return entries_[ref.value].tenant->name;
}

bool SeriesTable::defined(SeriesRef ref) const {
  std::shared_lock lock(mutex_);
  return ref.value < entries_.size() && entries_[ref.value].tenant != nullptr;
}

// The union of the postings of every value that matches. REQUIRES: the matcher does not
// match an absent label.
SeriesTable::Refs SeriesTable::MatchLocked(const Tenant& tenant,
                                           const base::Matcher& matcher) const {
  const auto values = tenant.postings.find(matcher.name());
  if (values == tenant.postings.end()) return {};
  Refs all;
  const bool positive =
      matcher.op() == MatchOp::kEqual || matcher.op() == MatchOp::kRegex;
  if (positive && matcher.has_literals()) {
    for (const std::string& literal : matcher.literals()) {
      const auto refs = values->second.find(literal);
      if (refs == values->second.end()) continue;
      all.insert(all.end(), refs->second.begin(), refs->second.end());
    }
    if (matcher.literals().size() == 1) return all;
  } else {
    for (const auto& [value, refs] : values->second) {
      if (matcher.Matches(value)) all.insert(all.end(), refs.begin(), refs.end());
    }
  }
  std::sort(all.begin(), all.end());  // A series has one value of a label: no repeats.
  return all;
}

std::vector<SeriesRef> SeriesTable::Select(
    std::string_view tenant, const std::vector<base::Matcher>& matchers) const {
  std::shared_lock lock(mutex_);
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) return {};
  const Tenant& owner = *found->second;

  // Matchers that an absent label fails give the candidates. Those that it passes take
  // away the series whose value fails.
  std::optional<Refs> selected;
  for (const base::Matcher& matcher : matchers) {
    if (matcher.MatchesEmpty()) continue;
    Refs refs = MatchLocked(owner, matcher);
    if (!selected.has_value()) {
      selected = std::move(refs);
    } else {
      Refs both;
      std::set_intersection(selected->begin(), selected->end(), refs.begin(), refs.end(),
                            std::back_inserter(both));
      selected = std::move(both);
    }
    if (selected->empty()) return {};
  }
  if (!selected.has_value()) selected = owner.all;
  for (const base::Matcher& matcher : matchers) {
    if (!matcher.MatchesEmpty()) continue;
    const auto values = owner.postings.find(matcher.name());
    if (values == owner.postings.end()) continue;
    Refs failing;
    for (const auto& [value, refs] : values->second) {
      if (!matcher.Matches(value)) failing.insert(failing.end(), refs.begin(), refs.end());
    }
    std::sort(failing.begin(), failing.end());
    Refs left;
    std::set_difference(selected->begin(), selected->end(), failing.begin(),
                        failing.end(), std::back_inserter(left));
    selected = std::move(left);
  }
  std::vector<SeriesRef> result;
  result.reserve(selected->size());
  for (const std::uint32_t ref : *selected) result.push_back({ref});
  return result;
}

std::int64_t SeriesTable::size() const {
  std::shared_lock lock(mutex_);
  return size_;
}

std::int64_t SeriesTable::bytes() const {
  std::shared_lock lock(mutex_);
  // Per series: the entry, two hash nodes, and one reference a label in the postings.
  return static_cast<std::int64_t>(arena_.allocated_bytes()) + size_ * 200;
}

std::uint32_t SeriesTable::ref_end() const {
  std::shared_lock lock(mutex_);
  return static_cast<std::uint32_t>(entries_.size());
}

}  // namespace firn::tsdb

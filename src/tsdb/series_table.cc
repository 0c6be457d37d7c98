// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_table.h"

#include <xxhash.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"

namespace firn::tsdb {
namespace {

// Aliases are remembered up to this many for each series allowed; a sender that never
// names a series twice in the same way is served by parsing, at no further memory.
constexpr std::int64_t kAliasesPerSeriesMax = 2;

// Memory beside the texts themselves, measured with glibc: of a series, its node in
// by_id_, a reference in the postings of each label, and what the head keeps by
// reference; of an alias its node; of a label value its node and list.
constexpr std::int64_t kSeriesBytes = 160;
constexpr std::int64_t kAliasBytes = 56;
constexpr std::int64_t kValueBytes = 120;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return XXH3_64bits(text.data(), text.size());
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
  using Values = std::unordered_map<std::string, Refs, TextHash, std::equal_to<>>;

  std::string name;
  // The aliases' bytes are the entries'.
  std::unordered_map<std::string_view, std::uint32_t, TextHash> aliases;
  std::unordered_map<std::string, Values, TextHash, std::equal_to<>> postings;
  Refs all;
};

SeriesTable::SeriesTable(std::int64_t series_max) : series_max_(series_max) {}
SeriesTable::~SeriesTable() = default;

Status SeriesTable::Exhausted(const Labels& labels) const {
  return Status::ResourceExhausted("series limit of " + std::to_string(series_max_) +
                                   " reached: " + labels.ToString() +
                                   " would be one more");
}

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
  if (size_ >= series_max_ && !by_id_.contains(base::ComputeSeriesId(tenant, labels))) {
    return Exhausted(labels);
  }
  FIRN_ASSIGN_OR_RETURN(const SeriesRef ref, DefineLocked(std::nullopt, tenant, labels));
  auto& aliases = TenantLocked(tenant).aliases;
  if (const auto found = aliases.find(alias); found != aliases.end()) {
    return Found{{found->second}, found->first};
  }
  if (static_cast<std::int64_t>(aliases.size()) >= series_max_ * kAliasesPerSeriesMax) {
    return Found{ref, {}};
  }
  Entry& entry = entries_[ref.value];
  const std::string_view copy = alias_blocks_.Add(ref.value, alias, entry.aliases);
  entry.aliases = copy.data();
  aliases.emplace(copy, ref.value);
  content_bytes_ += kAliasBytes;
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
  FIRN_ASSERT(free_refs_.empty());
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
  if (!ref.has_value()) ref = TakeRefLocked();
  if (ref->value >= entries_.size()) entries_.resize(ref->value + std::size_t{1});
  Entry& entry = entries_[ref->value];
  if (entry.tenant != nullptr) {
    return Status::Corruption("series reference " + std::to_string(ref->value) +
                              " is given to " + labels.ToString() +
                              " and belongs to another series already");
  }
  Tenant& owner = TenantLocked(tenant);
  const std::string packed = PackLabels(labels);
  entry.id = id;
  entry.packed = std::make_unique_for_overwrite<char[]>(packed.size());
  std::copy(packed.begin(), packed.end(), entry.packed.get());
  entry.packed_bytes = static_cast<std::uint32_t>(packed.size());
  entry.tenant = &owner;
  entry.changed_in = pins_.epoch();
  by_id_.emplace(id, ref->value);
  ++size_;
  content_bytes_ += kSeriesBytes + std::ssize(packed);

  // References grow but for those that a log restores and those that were free again:
  // keep each list sorted.
  const auto insert = [&](Refs& refs) {
    if (refs.empty() || refs.back() < ref->value) {
      refs.push_back(ref->value);
    } else {
      refs.insert(std::lower_bound(refs.begin(), refs.end(), ref->value), ref->value);
    }
  };
  base::ByteReader reader(packed);
  while (!reader.AtEnd()) {
    const std::string_view name = reader.Text();
    const std::string_view value = reader.Text();
    auto values = owner.postings.find(name);
    if (values == owner.postings.end()) {
      values = owner.postings.emplace(name, Tenant::Values()).first;
    }
    auto refs = values->second.find(value);
    if (refs == values->second.end()) {
      refs = values->second.emplace(value, Refs()).first;
      content_bytes_ += kValueBytes + std::ssize(value);
    }
    insert(refs->second);
  }
  insert(owner.all);
  return *ref;
}

SeriesRef SeriesTable::TakeRefLocked() {
  if (free_refs_.empty()) return {static_cast<std::uint32_t>(entries_.size())};
  const SeriesRef ref{free_refs_.back()};
  free_refs_.pop_back();
  return ref;
}

void SeriesTable::FreeGaps() {
  std::unique_lock lock(mutex_);
  FIRN_ASSERT(free_refs_.empty());
  for (std::size_t ref = entries_.size(); ref-- > 0;) {
    if (entries_[ref].tenant == nullptr) {
      free_refs_.push_back(static_cast<std::uint32_t>(ref));
    }
  }
}

// --- Forgetting.

void SeriesTable::Forget(std::span<const SeriesRef> series) {
  std::unique_lock lock(mutex_);
  for (const SeriesRef ref : series) {
    Entry& entry = entries_[ref.value];
    FIRN_ASSERT(entry.tenant != nullptr && !entry.forgotten);
    AliasBlocks::VisitChain(entry.aliases, [&](std::string_view alias) {
      entry.tenant->aliases.erase(alias);
      content_bytes_ -= kAliasBytes;
    });
    alias_blocks_.DropChain(std::exchange(entry.aliases, nullptr));
    by_id_.erase(entry.id);
    entry.forgotten = true;
    --size_;
    forgotten_.push_back(ref.value);
  }
  pins_.Advance();
}

void SeriesTable::Sweep() {
  Freed freed;
  std::unique_lock lock(mutex_);
  if (!forgotten_.empty()) {
    DropFromIndexLocked(forgotten_);
    std::vector<AliasBlocks::Block> blocks = CompactAliasesLocked();
    // Whoever takes a pin from now on finds them nowhere.
    retired_.push_back(
        {pins_.Advance(), std::exchange(forgotten_, {}), std::move(blocks)});
  }
  freed = FreeRetiredLocked();
}

void SeriesTable::DropFromIndexLocked(const std::vector<std::uint32_t>& refs) {
  std::vector<bool> dropped(entries_.size(), false);
  for (const std::uint32_t ref : refs) dropped[ref] = true;
  const auto is_dropped = [&](std::uint32_t ref) { return dropped[ref]; };
  for (const std::uint32_t ref : refs) {
    Tenant& owner = *entries_[ref].tenant;
    base::ByteReader reader(entries_[ref].packed_labels());
    while (!reader.AtEnd()) {
      const auto values = owner.postings.find(reader.Text());
      const std::string_view value = reader.Text();
      if (values == owner.postings.end()) continue;
      const auto list = values->second.find(value);
      // The first series of a list takes them all out; for the others it is done.
      if (list == values->second.end() ||
          !std::binary_search(list->second.begin(), list->second.end(), ref)) {
        continue;
      }
      std::erase_if(list->second, is_dropped);
      if (!list->second.empty()) {
        if (list->second.capacity() > 2 * list->second.size()) {
          list->second.shrink_to_fit();
        }
        continue;
      }
      content_bytes_ -= kValueBytes + std::ssize(value);
      values->second.erase(list);
      if (values->second.empty()) owner.postings.erase(values);
    }
  }
  for (const auto& [name, tenant] : tenants_) std::erase_if(tenant->all, is_dropped);
}

// Move aliases out of blocks that are mostly dropped.
std::vector<AliasBlocks::Block> SeriesTable::CompactAliasesLocked() {
  std::vector<std::string_view> aliases;
  for (const std::uint32_t ref : alias_blocks_.FindSparse()) {
    Entry& entry = entries_[ref];
    aliases.clear();
    AliasBlocks::VisitChain(entry.aliases,
                            [&](std::string_view alias) { aliases.push_back(alias); });
    alias_blocks_.DropChain(std::exchange(entry.aliases, nullptr));
    // The last is the one that was named first.
    for (auto alias = aliases.rbegin(); alias != aliases.rend(); ++alias) {
      entry.tenant->aliases.erase(*alias);
      const std::string_view moved = alias_blocks_.Add(ref, *alias, entry.aliases);
      entry.tenant->aliases.emplace(moved, ref);
      entry.aliases = moved.data();
    }
    entry.changed_in = pins_.epoch() + 1;
  }
  return alias_blocks_.TakeEmpty();
}

// Free what no pin holds, oldest first.
SeriesTable::Freed SeriesTable::FreeRetiredLocked() {
  Freed freed;
  const std::size_t free_before = free_refs_.size();
  while (!retired_.empty() && !pins_.IsPinned(retired_.front().epoch)) {
    for (const std::uint32_t ref : retired_.front().refs) {
      Entry& entry = entries_[ref];
      content_bytes_ -= kSeriesBytes + std::int64_t{entry.packed_bytes};
      freed.entries.push_back(std::exchange(entry, {}));
      free_refs_.push_back(ref);
    }
    std::vector<AliasBlocks::Block>& blocks = retired_.front().blocks;
    std::move(blocks.begin(), blocks.end(), std::back_inserter(freed.blocks));
    retired_.pop_front();
  }
  if (free_refs_.size() == free_before) return freed;
  std::sort(free_refs_.begin(), free_refs_.end(), std::greater<>());
  // The highest need no place.
  std::size_t cut = 0;
  while (cut < free_refs_.size() && free_refs_[cut] + std::size_t{1} == entries_.size()) {
    entries_.pop_back();
    ++cut;
  }
  free_refs_.erase(free_refs_.begin(),
                   free_refs_.begin() + static_cast<std::ptrdiff_t>(cut));
  return freed;
}

Result<SeriesRef> SeriesTable::Rebind(SeriesRef ref) {
  std::unique_lock lock(mutex_);
  FIRN_ASSERT(ref.value < entries_.size() && entries_[ref.value].tenant != nullptr);
  const Entry& entry = entries_[ref.value];
  if (!entry.forgotten) return ref;
  FIRN_ASSIGN_OR_RETURN(const Labels labels, UnpackLabels(entry.packed_labels()));
  if (size_ >= series_max_ && !by_id_.contains(entry.id)) return Exhausted(labels);
  return DefineLocked(std::nullopt, entry.tenant->name, labels);
}

std::vector<bool> SeriesTable::ChangedSince(std::uint64_t epoch) const {
  std::shared_lock lock(mutex_);
  std::vector<bool> changed(entries_.size());
  for (std::size_t ref = 0; ref < entries_.size(); ++ref) {
    const Entry& entry = entries_[ref];
    changed[ref] = entry.tenant == nullptr || entry.forgotten || entry.changed_in > epoch;
  }
  return changed;
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
  return entries_[ref.value].packed_labels();
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

std::vector<bool> SeriesTable::Live() const {
  std::shared_lock lock(mutex_);
  std::vector<bool> live(entries_.size());
  for (std::size_t ref = 0; ref < entries_.size(); ++ref) {
    live[ref] = entries_[ref].tenant != nullptr && !entries_[ref].forgotten;
  }
  return live;
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
      if (!matcher.Matches(value))
        failing.insert(failing.end(), refs.begin(), refs.end());
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
  std::size_t bytes = alias_blocks_.allocated_bytes() + entries_.size() * sizeof(Entry) +
                      free_refs_.capacity() * sizeof(free_refs_.front());
  for (const Retired& retired : retired_) {
    for (const AliasBlocks::Block& block : retired.blocks) bytes += block.capacity;
  }
  return content_bytes_ + static_cast<std::int64_t>(bytes);
}

std::uint32_t SeriesTable::ref_end() const {
  std::shared_lock lock(mutex_);
  return static_cast<std::uint32_t>(entries_.size());
}

}  // namespace firn::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "iceberg/orphan_files.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "iceberg/metadata_file.h"
#include "iceberg/referenced_files.h"

namespace firn::iceberg {
namespace {

constexpr TimestampUs kUsPerMs = 1000;
// Expiry may take manifests from under a reader a few times in a row, hardly more.
constexpr int kLoadsMax = 5;

// Whether a part of the name is one that other tools keep for themselves.
bool IsHidden(std::string_view name) {
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    const bool is_partition = slash != name.npos && part.find('=') != part.npos;
    if (!is_partition && (part.starts_with('_') || part.starts_with('.'))) return true;
    if (slash == name.npos) return false;
    name.remove_prefix(slash + 1);
  }
}

class OrphanSearcher {
 public:
  OrphanSearcher(const base::Context& context, const CommitEnvironment& environment,
                 const OrphanSearch& search, LoadedTable table, LocationScope scope,
                 const std::function<Status(const io::ObjectInfo&)>& visit)
      : context_(context),
        env_(environment),
        search_(search),
        table_(std::move(table)),
        referenced_(std::move(scope)),
        visit_(visit) {}

  Status Run() {
    FIRN_ASSIGN_OR_RETURN(const TimestampUs now_us, NowUs());
    older_than_us_ = now_us - search_.age_min_ms * kUsPerMs;
    FIRN_RETURN_IF_ERROR(AddReferenced());
    const std::string& location = referenced_.scope().location();
    FIRN_RETURN_IF_ERROR(store().List(
        context_, location, [&](const io::ObjectInfo& object) { return Take(object); }));
    FIRN_RETURN_IF_ERROR(store().ListUnfinished(
        context_, location, [&](const io::ObjectInfo& object) -> Status {
          return IsOld(object) ? Gather(object) : Status::OK();
        }));
    return VisitGathered();
  }

 private:
  io::Store& store() { return table_.StoreOr(env_.manifests.store()); }
  bool IsOld(const io::ObjectInfo& object) const {
    return object.modified_us < older_than_us_;
  }

  // The store's time, as it writes it on objects.
  Result<TimestampUs> NowUs() {
    if (search_.read_only) return env_.clock.NowMs() * kUsPerMs;
    // Named so that a listing comes to it first.
    const std::string directory = referenced_.scope().LocationOf("metadata");
    const std::string location = directory + "/0-clock-" + env_.random.NextUuid();
    FIRN_RETURN_IF_ERROR(PutUnnamed(context_, store(), location, "now"));
    std::optional<TimestampUs> now_us;
    const Status found = Status::Cancelled("found");
    const Status listed =
        store().List(context_, directory, [&](const io::ObjectInfo& object) {
          if (object.location != location) return Status::OK();
          now_us = object.modified_us;
          return found;
        });
    RemoveUnnamed(store(), {location});
    if (now_us) return *now_us;
    FIRN_RETURN_IF_ERROR(listed.With("read the store's clock"));
    return Status::Unavailable("the store does not list " + location +
                               ", which was just written");
  }

  Status Take(const io::ObjectInfo& object) {
    // What some tools put for a directory is no file.
    if (!IsOld(object) || object.location.ends_with('/')) return Status::OK();
    FIRN_ASSIGN_OR_RETURN(const std::optional<std::string> name,
                          referenced_.scope().NameOf(object.location));
    if (!name) {
      return Status::Internal("the store lists " + object.location + " below " +
                              referenced_.scope().location());
    }
    if (IsHidden(*name) || referenced_.Contains(*name)) return Status::OK();
    return Gather(object);
  }

  Status Gather(const io::ObjectInfo& object) {
    gathered_.push_back(object);
    return gathered_.size() < search_.candidates_max ? Status::OK() : VisitGathered();
  }

  Status VisitGathered() {
    if (gathered_.empty()) return Status::OK();
    FIRN_RETURN_IF_ERROR(Reload());
    for (const io::ObjectInfo& object : gathered_) {
      FIRN_RETURN_IF_ERROR(context_.Check());
      FIRN_ASSIGN_OR_RETURN(const std::optional<std::string> name,
                            referenced_.scope().NameOf(object.location));
      if (referenced_.Contains(name.value_or(""))) continue;
      FIRN_RETURN_IF_ERROR(visit_(object));
    }
    gathered_.clear();
    return Status::OK();
  }

  // Add what the table refers to. Where expiry took a manifest from under the reading,
  // the newer version is read.
  Status AddReferenced() {
    for (int load = 1;; ++load) {
      const ManifestIo manifests(store());
      const Status added = referenced_.Add(context_, manifests, table_);
      if (!added.Is(StatusCode::kNotFound) || load == kLoadsMax) return added;
      FIRN_ASSIGN_OR_RETURN(const bool is_newer, LoadNewer());
      if (!is_newer) return added;
    }
  }

  Status Reload() {
    FIRN_ASSIGN_OR_RETURN(const bool is_newer, LoadNewer());
    return is_newer ? AddReferenced() : Status::OK();
  }

  Result<bool> LoadNewer() {
    FIRN_ASSIGN_OR_RETURN(LoadedTable now,
                          env_.catalog.LoadTable(context_, table_.identifier));
    if (now.metadata->table_uuid != table_.metadata->table_uuid ||
        now.metadata->location != table_.metadata->location) {
      return Status::Conflict(table_.identifier.ToString() +
                              " became another table meanwhile, or moved");
    }
    const bool is_newer = now.metadata_location != table_.metadata_location;
    table_ = std::move(now);
    return is_newer;
  }

  const base::Context& context_;
  const CommitEnvironment& env_;
  const OrphanSearch& search_;
  LoadedTable table_;
  ReferencedFiles referenced_;
  const std::function<Status(const io::ObjectInfo&)>& visit_;
  TimestampUs older_than_us_ = 0;
  std::vector<io::ObjectInfo> gathered_;
};

}  // namespace

Status VisitOrphans(const base::Context& context, const CommitEnvironment& environment,
                    const TableIdentifier& identifier, const OrphanSearch& search,
                    const std::function<Status(const io::ObjectInfo&)>& visit) {
  FIRN_ASSIGN_OR_RETURN(LoadedTable table,
                        environment.catalog.LoadTable(context, identifier));
  if (!table.metadata->PropertyFlag(kPropertyGcEnabled, true)) {
    return Status::InvalidArgument(
        "files are not removed: gc.enabled is false, so that another table may use them");
  }
  FIRN_ASSIGN_OR_RETURN(LocationScope scope, LocationScope::Of(table.metadata->location));
  return OrphanSearcher(context, environment, search, std::move(table), std::move(scope),
                        visit)
      .Run()
      .With("look for orphans of " + identifier.ToString());
}

Status RemoveOrphans(const base::Context& context, const CommitEnvironment& environment,
                     const TableIdentifier& identifier, const OrphanSearch& search,
                     const std::function<void(const io::ObjectInfo&)>& progress,
                     OrphanRemoval* removal) {
  // Through the store that the catalog lent when the removal began.
  FIRN_ASSIGN_OR_RETURN(const LoadedTable table,
                        environment.catalog.LoadTable(context, identifier));
  io::Store& store = table.StoreOr(environment.manifests.store());
  constexpr std::size_t kFailuresShown = 10;
  return VisitOrphans(
      context, environment, identifier, search,
      [&](const io::ObjectInfo& object) -> Status {
        const Status removed = search.read_only ? Status::OK()
                                                : store.Remove(context, object.location)
                                                      .With("remove " + object.location);
        if (removed.Is(StatusCode::kCancelled)) return removed;
        if (!removed.ok()) {
          if (removal->failures.size() < kFailuresShown) {
            removal->failures.push_back(removed.ToString());
          }
          return ++removal->failed_files < kOrphanFailuresMax ? Status::OK() : removed;
        }
        ++removal->files;
        removal->bytes += static_cast<std::int64_t>(object.size_bytes);
        if (progress) progress(object);
        return Status::OK();
      });
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "iceberg/relocate.h"

#include <map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "iceberg/avro_rewrite.h"
#include "iceberg/gzip.h"
#include "iceberg/json.h"
#include "iceberg/manifest_avro.h"
#include "iceberg/manifest_io.h"
#include "iceberg/manifest_list_avro.h"
#include "iceberg/metadata_file.h"
#include "iceberg/table_metadata_json.h"

namespace firn::iceberg {
namespace {

using Json = nlohmann::json;

// Field ids of the specification. Do not change: files are read by them.
constexpr FieldId kFilePath{100};
constexpr FieldId kReferencedDataFile{143};
constexpr FieldId kManifestPath{500};
constexpr FieldId kManifestLength{501};

// Properties of the specification whose values are locations.
constexpr const char* kLocationProperties[] = {"write.data.path", "write.metadata.path",
                                               "write.object-storage.path",
                                               "write.folder-storage.path"};

Result<bool> IsThere(const base::Context& context, io::Store& store,
                     const std::string& location) {
  const Status opened = store.OpenReader(context, location).status();
  if (opened.Is(StatusCode::kNotFound)) return false;
  FIRN_RETURN_IF_ERROR(opened);
  return true;
}

// What `location` is after the move; absent where it stays.
std::optional<std::string> Moved(const Move& move, std::string_view location) {
  const std::string spelt = SpeltLocation(location);
  if (!spelt.starts_with(move.from)) return std::nullopt;
  const std::string_view rest = std::string_view(spelt).substr(move.from.size());
  if (!rest.empty() && rest.front() != '/') return std::nullopt;
  return move.to + std::string(rest);
}

class Relocation {
 public:
  Relocation(const base::Context& context, io::Store& store, Catalog& catalog,
             RandomSource& random, const base::Clock& clock,
             const RelocateRequest& request)
      : context_(context),
        store_(store),
        catalog_(catalog),
        random_(random),
        clock_(clock),
        request_(request) {}

  Result<RelocateOutcome> Run() {
    const Status status = Rewrite();
    if (!status.ok()) {
      if (!status.Is(StatusCode::kCommitUnknown)) RemoveUnnamed(store_, written_);
      return status;
    }
    return std::move(outcome_);
  }

 private:
  std::string MovedOr(std::string_view location) {
    auto moved = Moved(request_.move, location);
    has_moved_ = has_moved_ || moved.has_value();
    return moved ? std::move(*moved) : std::string(location);
  }

  Status Rewrite() {
    FIRN_ASSIGN_OR_RETURN(const std::string named,
                          catalog_.CurrentMetadataLocation(context_, request_.table));
    outcome_.metadata_location = MovedOr(named);
    FIRN_ASSIGN_OR_RETURN(
        std::string text,
        store_.Get(context_, outcome_.metadata_location, kMetadataFileBytesMax));
    if (IsGzip(text)) {
      FIRN_ASSIGN_OR_RETURN(text, Gunzip(text, kMetadataFileBytesMax));
    }
    FIRN_ASSIGN_OR_RETURN(const TableMetadata metadata, TableMetadataFromJson(text));
    metadata_directory_ = MovedOr(metadata.MetadataDirectory());
    FIRN_RETURN_IF_ERROR(ListPlace(MovedOr(metadata.location)));
    std::map<std::string, std::string> lists;  // By their old locations.
    std::int64_t done = 0;
    for (const Snapshot& snapshot : metadata.snapshots) {
      if (!lists.contains(snapshot.manifest_list)) {  // Several may share one.
        FIRN_ASSIGN_OR_RETURN(lists[snapshot.manifest_list], RewriteList(snapshot));
        ++outcome_.manifest_lists;
      }
      if (request_.on_progress) {
        request_.on_progress(++done,
                             static_cast<std::int64_t>(metadata.snapshots.size()));
      }
    }
    outcome_.manifests = static_cast<std::int64_t>(manifests_.size());
    FIRN_ASSIGN_OR_RETURN(Json json, ParseJson(text));
    ChangeMetadata(&json, lists);
    if (!has_moved_ && outcome_.files == 0) {
      return Status::InvalidArgument("the table lies at " + metadata.location +
                                     ", and nothing of it in " + request_.move.from);
    }
    if (request_.dry_run) return Status::OK();
    FIRN_ASSIGN_OR_RETURN(
        outcome_.metadata_location,
        catalog_.ReplaceMetadata(context_, request_.table, named,
                                 JsonText(nlohmann::ordered_json(json))));
    return Status::OK();
  }

  // What lies at the table's place, so that not each file has to be asked for.
  Status ListPlace(const std::string& place) {
    return store_.List(context_, place, [&](const io::ObjectInfo& info) {
      there_.insert(std::hash<std::string_view>()(info.location));
      return context_.Check();
    });
  }

  Status CheckFile(const DataFile& file) {
    if (file.content == FileContent::kPositionDeletes) {
      return Status::Unimplemented(
          file.file_path +
          " holds deletes that name data files by location. Move the files back, compact "
          "the table and let the older snapshots expire before it is moved");
    }
    // Several manifests may hold it.
    if (!files_.insert(std::hash<std::string_view>()(file.file_path)).second) {
      return Status::OK();
    }
    const auto moved = Moved(request_.move, file.file_path);
    ++(moved ? outcome_.files : outcome_.files_elsewhere);
    const std::string location = moved.value_or(file.file_path);
    const auto spelt = io::ParseLocation(location);
    if (spelt.ok() && there_.contains(std::hash<std::string_view>()(*spelt))) {
      return Status::OK();
    }
    FIRN_ASSIGN_OR_RETURN(const bool there, IsThere(context_, store_, location));
    return there ? Status::OK()
                 : Status::NotFound("data file " + location +
                                    " is not there: nothing was changed");
  }

  Result<std::string> Changed(std::string_view bytes, const AvroChanges& changes,
                              const std::string& location) const {
    auto changed = RewriteAvroFile(bytes, changes);
    if (!changed.ok()) return changed.status().With(location);
    return changed;
  }

  Status Put(const std::string& location, std::string_view bytes) {
    if (request_.dry_run) return Status::OK();
    written_.push_back(location);
    return PutUnnamed(context_, store_, location, bytes);
  }

  struct NewManifest {
    std::string location;
    std::int64_t length = 0;
  };

  Status RewriteManifest(ManifestFile manifest) {
    const std::string old = manifest.manifest_path;
    if (manifests_.contains(old)) return Status::OK();
    if (manifest.key_metadata.has_value()) {
      return Status::Unimplemented("manifest " + old + " is encrypted");
    }
    manifest.manifest_path = MovedOr(old);
    FIRN_ASSIGN_OR_RETURN(
        const std::string bytes,
        store_.Get(context_, manifest.manifest_path, kManifestBytesMax));
    const auto check = [&](const ManifestHeader&, ManifestEntry&& entry) {
      return entry.is_live() ? CheckFile(entry.data_file) : Status::OK();
    };
    FIRN_RETURN_IF_ERROR(
        DecodeManifest(bytes, check).status().With(manifest.manifest_path));
    AvroChanges changes;
    changes.text = [this](FieldId id, std::string_view text) -> Result<std::string> {
      return id == kFilePath || id == kReferencedDataFile ? MovedOr(text)
                                                          : std::string(text);
    };
    changes.number = [](FieldId, std::int64_t number) -> Result<std::int64_t> {
      return number;
    };
    FIRN_ASSIGN_OR_RETURN(const std::string changed,
                          Changed(bytes, changes, manifest.manifest_path));
    NewManifest written{metadata_directory_ + "/" + random_.NextUuid() + "-m0.avro",
                        static_cast<std::int64_t>(changed.size())};
    FIRN_RETURN_IF_ERROR(Put(written.location, changed));
    manifests_[old] = std::move(written);
    return Status::OK();
  }

  // The new location of a snapshot's manifest list.
  Result<std::string> RewriteList(Snapshot snapshot) {
    if (snapshot.manifest_list.empty()) {
      return Status::Unimplemented("snapshot " + std::to_string(snapshot.id.value) +
                                   " has no manifest list; let it expire first");
    }
    snapshot.manifest_list = MovedOr(snapshot.manifest_list);
    FIRN_ASSIGN_OR_RETURN(
        const std::string bytes,
        store_.Get(context_, snapshot.manifest_list, kManifestListBytesMax));
    const auto manifests = DecodeManifestList(bytes);
    if (!manifests.ok()) return manifests.status().With(snapshot.manifest_list);
    for (const ManifestFile& manifest : *manifests) {
      FIRN_RETURN_IF_ERROR(RewriteManifest(manifest));
    }
    const NewManifest* current = nullptr;
    AvroChanges changes;
    changes.text = [&](FieldId id, std::string_view text) -> Result<std::string> {
      if (id != kManifestPath) return std::string(text);
      current = &manifests_.at(std::string(text));
      return current->location;
    };
    changes.number = [&](FieldId id, std::int64_t number) -> Result<std::int64_t> {
      if (id != kManifestLength) return number;
      if (current == nullptr) {
        return Status::Unimplemented("the length of a manifest comes before its path");
      }
      return std::exchange(current, nullptr)->length;
    };
    FIRN_ASSIGN_OR_RETURN(const std::string changed,
                          Changed(bytes, changes, snapshot.manifest_list));
    std::string location = metadata_directory_ + "/snap-" +
                           std::to_string(snapshot.id.value) + "-0-" +
                           random_.NextUuid() + ".avro";
    FIRN_RETURN_IF_ERROR(Put(location, changed));
    return location;
  }

  void Change(Json* object, const char* key) {
    const auto it = object->find(key);
    if (it != object->end() && it->is_string()) *it = MovedOr(it->get<std::string>());
  }
  void ChangeEach(Json* object, const char* list, const char* key) {
    const auto it = object->find(list);
    if (it == object->end()) return;
    for (Json& element : *it) Change(&element, key);
  }

  // REQUIRES: the JSON is that of a table's metadata.
  void ChangeMetadata(Json* json, const std::map<std::string, std::string>& lists) {
    Change(json, "location");
    ChangeEach(json, "statistics", "statistics-path");
    ChangeEach(json, "partition-statistics", "statistics-path");
    ChangeEach(json, "metadata-log", "metadata-file");
    if (json->contains("snapshots")) {
      for (Json& snapshot : (*json)["snapshots"]) {
        snapshot["manifest-list"] =
            lists.at(snapshot["manifest-list"].get<std::string>());
      }
    }
    if (json->contains("properties")) {
      for (const char* key : kLocationProperties) Change(&(*json)["properties"], key);
    }
    (*json)["metadata-log"].push_back({{"timestamp-ms", (*json)["last-updated-ms"]},
                                       {"metadata-file", outcome_.metadata_location}});
    (*json)["last-updated-ms"] =
        std::max((*json)["last-updated-ms"].get<std::int64_t>(), clock_.NowMs());
  }

  const base::Context& context_;
  io::Store& store_;
  Catalog& catalog_;
  RandomSource& random_;
  const base::Clock& clock_;
  const RelocateRequest& request_;
  std::string metadata_directory_;
  std::unordered_set<std::size_t> files_;         // Hashes of what was looked for.
  std::unordered_set<std::size_t> there_;         // Hashes of locations.
  std::map<std::string, NewManifest> manifests_;  // By their old locations.
  std::vector<std::string> written_;
  bool has_moved_ = false;  // Any location so far.
  RelocateOutcome outcome_;
};

}  // namespace

std::string SpeltLocation(std::string_view location) {
  auto spelt = io::ParseLocation(location);
  if (spelt.ok()) return std::move(*spelt);
  while (location.ends_with('/')) location.remove_suffix(1);
  return std::string(location);
}

std::string FileOf(const LoadedTable& table) {
  const Snapshot* const snapshot = table.metadata->current_snapshot();
  if (snapshot != nullptr && !snapshot->manifest_list.empty()) {
    return snapshot->manifest_list;
  }
  const std::string& own = table.metadata_location;
  return table.metadata->MetadataDirectory() + "/" + own.substr(own.rfind('/') + 1);
}

Result<std::optional<Move>> FindMove(const base::Context& context, io::Store& store,
                                     const std::string& location,
                                     const std::string& warehouse) {
  FIRN_ASSIGN_OR_RETURN(const std::string old, io::ParseLocation(location));
  FIRN_ASSIGN_OR_RETURN(const bool stayed, IsThere(context, store, old));
  if (stayed) return std::optional<Move>();
  const std::size_t root = old.find("://") + 3;
  for (std::size_t slash = old.find('/', root); slash != std::string::npos;
       slash = old.find('/', slash + 1)) {
    FIRN_ASSIGN_OR_RETURN(const bool there,
                          IsThere(context, store, warehouse + old.substr(slash)));
    if (there) return std::optional<Move>(Move{old.substr(0, slash), warehouse});
  }
  return std::optional<Move>();
}

Result<RelocateOutcome> Relocate(const base::Context& context, io::Store& store,
                                 Catalog& catalog, RandomSource& random,
                                 const base::Clock& clock,
                                 const RelocateRequest& request) {
  return Relocation(context, store, catalog, random, clock, request).Run();
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "iceberg/fs_catalog.h"

#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "iceberg/apply_updates.h"
#include "iceberg/metadata_file.h"
#include "iceberg/table_metadata_json.h"
#include "iceberg/version_files.h"

namespace firn::iceberg {
namespace {

constexpr std::string_view kMetadataDirectory = "metadata";
constexpr std::string_view kNamespaceMarker = ".namespace";
// How often a version may go between its finding and its reading: each time as many
// commits as the table keeps versions came in between.
constexpr int kLoadsMax = 5;
constexpr char kPropertyMetadataCompression[] = "write.metadata.compression-codec";

// What lies below a directory, by the objects there.
struct Contents {
  std::set<Namespace> namespaces;  // With their parents.
  std::set<TableIdentifier> tables;
};

class FsCatalog final : public Catalog {
 public:
  FsCatalog(std::string warehouse, io::Store& store, const base::Clock& clock,
            RandomSource& random)
      : warehouse_(std::move(warehouse)), store_(store), clock_(clock), random_(random) {}

  Status CreateNamespace(const base::Context& context, const Namespace& ns,
                         const std::map<std::string, std::string>& properties) override;
  Result<std::vector<Namespace>> ListNamespaces(const base::Context& context) override;
  Result<std::map<std::string, std::string>> NamespaceProperties(
      const base::Context& context, const Namespace& ns) override;
  Status UpdateNamespaceProperties(const base::Context& context, const Namespace& ns,
                                   const std::map<std::string, std::string>& set,
                                   const std::vector<std::string>& removed) override;
  Status DropNamespace(const base::Context& context, const Namespace& ns) override;
  Result<std::vector<TableIdentifier>> ListTables(const base::Context& context,
                                                  const Namespace& ns) override;
  Result<bool> TableExists(const base::Context& context,
                           const TableIdentifier& identifier) override;
  Result<LoadedTable> CreateTable(const base::Context& context,
                                  const CreateTableRequest& request) override;
  Result<LoadedTable> RegisterTable(const base::Context& context,
                                    const TableIdentifier& identifier,
                                    const std::string& metadata_location) override;
  Result<LoadedTable> LoadTable(const base::Context& context,
                                const TableIdentifier& identifier) override;
  Result<LoadedTable> CommitTable(const base::Context& context,
                                  const TableIdentifier& identifier,
                                  const std::vector<Requirement>& requirements,
                                  const std::vector<Update>& updates) override;
  Result<std::string> CurrentMetadataLocation(const base::Context& context,
                                              const TableIdentifier& identifier) override;
  Result<std::string> ReplaceMetadata(const base::Context& context,
                                      const TableIdentifier& identifier,
                                      const std::string& expected,
                                      std::string_view json) override;
  Status DropTable(const base::Context& context,
                   const TableIdentifier& identifier) override;
  Status DropTableAt(const base::Context& context, const TableIdentifier& identifier,
                     const std::string& metadata_location) override;
  Status RenameTable(const base::Context& context, const TableIdentifier& from,
                     const TableIdentifier& to) override;

 private:
  // DropTableAt, or DropTable where nothing is expected.
  Status Drop(const base::Context& context, const TableIdentifier& identifier,
              const std::optional<std::string>& expected);
  std::string DirectoryOf(const Namespace& ns) const;
  std::string DirectoryOf(const TableIdentifier& identifier) const {
    return io::JoinLocation(DirectoryOf(identifier.name_space), identifier.name);
  }
  VersionFiles FilesOf(const TableIdentifier& identifier) const {
    return {store_,
            io::JoinLocation(DirectoryOf(identifier), std::string(kMetadataDirectory))};
  }
  std::string MarkerOf(const Namespace& ns) const {
    return io::JoinLocation(DirectoryOf(ns), std::string(kNamespaceMarker));
  }

  Result<Contents> ReadContents(const base::Context& context,
                                const std::string& directory) const;
  // Add to `contents` what `location`, an object of the warehouse, says there is.
  void AddObject(std::string_view location, Contents* contents) const;
  Status CheckNamespace(const base::Context& context, const Namespace& ns) const;
  Status CheckNewTable(const base::Context& context,
                       const TableIdentifier& identifier) const;
  // Where the table keeps to its place and to what is written here.
  Status CheckPlace(const TableIdentifier& identifier,
                    const TableMetadata& metadata) const;
  // The table, and its version.
  Result<std::pair<LoadedTable, std::int64_t>> Load(
      const base::Context& context, const TableIdentifier& identifier) const;
  // Put metadata where a version has its place: AlreadyExists where that is taken,
  // CommitUnknown.
  Status PutVersion(const base::Context& context, const std::string& location,
                    std::string_view bytes) const;
  Result<LoadedTable> PutFirstVersion(const base::Context& context,
                                      const TableIdentifier& identifier,
                                      TableMetadata metadata) const;
  // Move the hint on to `version`, which is committed.
  void AdvanceHint(const VersionFiles& files, std::int64_t version) const;
  Result<std::shared_ptr<const TableMetadata>> FindFuture(
      const base::Context& context, const TableIdentifier& identifier,
      const VersionFile& written) const;
  // An error, and `written` gone again, where it is in the past and is not known to have
  // been current. What is current now is shown to `was_current`, which says whether it
  // was: no is a Conflict, and nothing CommitUnknown.
  using WasCurrentFunction = std::function<std::optional<bool>(const TableMetadata& now)>;
  Status CheckNotInThePast(const TableIdentifier& identifier, const VersionFile& written,
                           const std::string& base,
                           const WasCurrentFunction& was_current) const;

  const std::string warehouse_;
  io::Store& store_;
  const base::Clock& clock_;
  RandomSource& random_;
};

std::string FsCatalog::DirectoryOf(const Namespace& ns) const {
  std::string directory = warehouse_;
  for (const std::string& level : ns.levels) {
    directory = io::JoinLocation(directory, level);
  }
  return directory;
}

void FsCatalog::AddObject(std::string_view location, Contents* contents) const {
  std::string_view rest = location.substr(warehouse_.size());
  std::vector<std::string> parts;
  while (!rest.empty()) {
    rest.remove_prefix(1);  // The slash.
    const std::string_view part = rest.substr(0, rest.find('/'));
    parts.emplace_back(part);
    rest.remove_prefix(part.size());
  }
  if (parts.empty()) return;
  const std::string name = std::move(parts.back());
  parts.pop_back();
  const bool is_version =
      !parts.empty() && parts.back() == kMetadataDirectory && VersionOfName(name);
  if (!is_version && name != kNamespaceMarker) return;
  TableIdentifier table;
  if (is_version) {
    parts.pop_back();
    if (parts.size() < 2) return;  // A table in no namespace has no place here.
    table.name = std::move(parts.back());
    parts.pop_back();
  }
  Namespace ns{std::move(parts)};
  // A directory whose name is none of a namespace or table here is left out.
  const auto spelt = Namespace::Parse(ns.ToString());
  if (!spelt.ok() || *spelt != ns) return;
  if (is_version) {
    table.name_space = ns;
    if (!TableIdentifier::Parse(table.ToString()).ok()) return;
    contents->tables.insert(std::move(table));
  }
  for (; !ns.levels.empty(); ns.levels.pop_back()) contents->namespaces.insert(ns);
}

Result<Contents> FsCatalog::ReadContents(const base::Context& context,
                                         const std::string& directory) const {
  Contents contents;
  FIRN_RETURN_IF_ERROR(
      store_.List(context, directory, [&](const io::ObjectInfo& object) -> Status {
        AddObject(object.location, &contents);
        return context.Check();
      }));
  return contents;
}

Status FsCatalog::CheckNamespace(const base::Context& context,
                                 const Namespace& ns) const {
  const Status marker = store_.OpenReader(context, MarkerOf(ns)).status();
  if (!marker.Is(StatusCode::kNotFound)) return marker;
  // Another program's namespaces have no marker; those exist by what is in them.
  FIRN_ASSIGN_OR_RETURN(const Contents contents, ReadContents(context, DirectoryOf(ns)));
  if (contents.namespaces.contains(ns)) return Status::OK();
  return Status::NotFound("namespace " + ns.ToString() + " does not exist");
}

Status FsCatalog::CreateNamespace(const base::Context& context, const Namespace& ns,
                                  const std::map<std::string, std::string>& properties) {
  const std::string what = "create namespace " + ns.ToString();
  FIRN_RETURN_IF_ERROR(Namespace::Parse(ns.ToString()).status().With(what));
  if (!properties.empty()) {
    return Status::Unimplemented(what +
                                 ": namespaces have no properties in this catalog");
  }
  const Status exists = CheckNamespace(context, ns);
  if (exists.ok()) return Status::AlreadyExists(what + ": it exists already");
  if (!exists.Is(StatusCode::kNotFound)) return exists.With(what);
  return store_.PutIfAbsent(context, MarkerOf(ns), "").With(what);
}

Result<std::vector<Namespace>> FsCatalog::ListNamespaces(const base::Context& context) {
  FIRN_ASSIGN_OR_RETURN(const Contents contents, ReadContents(context, warehouse_));
  return std::vector<Namespace>(contents.namespaces.begin(), contents.namespaces.end());
}

Result<std::map<std::string, std::string>> FsCatalog::NamespaceProperties(
    const base::Context& context, const Namespace& ns) {
  FIRN_RETURN_IF_ERROR(CheckNamespace(context, ns));
  return std::map<std::string, std::string>();
}

Status FsCatalog::UpdateNamespaceProperties(const base::Context& context,
                                            const Namespace& ns,
                                            const std::map<std::string, std::string>& set,
                                            const std::vector<std::string>&) {
  FIRN_RETURN_IF_ERROR(CheckNamespace(context, ns));
  if (set.empty()) return Status::OK();
  return Status::Unimplemented("update namespace " + ns.ToString() +
                               ": namespaces have no properties in this catalog");
}

Status FsCatalog::DropNamespace(const base::Context& context, const Namespace& ns) {
  const std::string what = "drop namespace " + ns.ToString();
  FIRN_ASSIGN_OR_RETURN(const Contents contents, ReadContents(context, DirectoryOf(ns)));
  if (!contents.namespaces.contains(ns)) {
    return Status::NotFound(what + ": it does not exist");
  }
  if (contents.namespaces.size() > ns.levels.size() || !contents.tables.empty()) {
    return Status::Conflict(what + ": it is not empty");
  }
  return store_.Remove(context, MarkerOf(ns)).With(what);
}

Result<std::vector<TableIdentifier>> FsCatalog::ListTables(const base::Context& context,
                                                           const Namespace& ns) {
  FIRN_ASSIGN_OR_RETURN(const Contents contents, ReadContents(context, DirectoryOf(ns)));
  if (!contents.namespaces.contains(ns)) {
    return Status::NotFound("namespace " + ns.ToString() + " does not exist");
  }
  std::vector<TableIdentifier> tables;
  for (const TableIdentifier& table : contents.tables) {
    if (table.name_space == ns) tables.push_back(table);
  }
  return tables;
}

Result<bool> FsCatalog::TableExists(const base::Context& context,
                                    const TableIdentifier& identifier) {
  FIRN_ASSIGN_OR_RETURN(const auto current, FilesOf(identifier).FindCurrent(context));
  return current.has_value();
}

Result<std::pair<LoadedTable, std::int64_t>> FsCatalog::Load(
    const base::Context& context, const TableIdentifier& identifier) const {
  const std::string what = "table " + identifier.ToString();
  FIRN_RETURN_IF_ERROR(TableIdentifier::Parse(identifier.ToString()).status());
  const VersionFiles files = FilesOf(identifier);
  for (int load = 1;; ++load) {
    const auto current = files.FindCurrent(context);
    if (!current.ok()) return current.status().With(what);
    if (!*current) return Status::NotFound(what + " does not exist");
    auto metadata = ReadMetadataFile(context, store_, (*current)->location);
    if (metadata.ok()) {
      LoadedTable table;
      table.identifier = identifier;
      table.metadata_location = (*current)->location;
      table.metadata = std::make_shared<const TableMetadata>(std::move(metadata).value());
      return std::pair(std::move(table), (*current)->version);
    }
    // Removed since it was found, by commits that came after it.
    const bool removed = metadata.status().Is(StatusCode::kNotFound);
    if (!removed || load == kLoadsMax) return metadata.status().With(what);
  }
}

Result<LoadedTable> FsCatalog::LoadTable(const base::Context& context,
                                         const TableIdentifier& identifier) {
  FIRN_ASSIGN_OR_RETURN(auto loaded, Load(context, identifier));
  return std::move(loaded.first);
}

Status FsCatalog::CheckPlace(const TableIdentifier& identifier,
                             const TableMetadata& metadata) const {
  const std::string place = DirectoryOf(identifier);
  const auto location = io::ParseLocation(metadata.location);
  if (!location.ok() || *location != place) {
    return Status::InvalidArgument("a table of this catalog lies at " + place +
                                   ", not at " + metadata.location +
                                   "; where it was moved, `firn table relocate` says so");
  }
  if (metadata.FindProperty(kPropertyMetadataPath) != nullptr) {
    return Status::InvalidArgument(
        "the metadata of a table of this catalog lies at its "
        "place: write.metadata.path cannot be set");
  }
  const std::string* codec = metadata.FindProperty(kPropertyMetadataCompression);
  if (codec != nullptr && *codec != "none") {
    return Status::Unimplemented("metadata is not written with " +
                                 std::string(kPropertyMetadataCompression) + " = " +
                                 *codec + "; set it to none");
  }
  return Status::OK();
}

Status FsCatalog::PutVersion(const base::Context& context, const std::string& location,
                             std::string_view bytes) const {
  const Status put = store_.PutIfAbsent(context, location, bytes);
  if (!put.Is(StatusCode::kCommitUnknown)) return put;
  // Whose bytes are there now says who came first. Where none are, the request may still
  // be on its way.
  const base::Context unhurried;
  const auto there = store_.Get(unhurried, location, kMetadataFileBytesMax);
  if (!there.ok()) return put;
  if (*there == bytes) return Status::OK();
  return Status::AlreadyExists("another's version is at " + location);
}

void FsCatalog::AdvanceHint(const VersionFiles& files, std::int64_t version) const {
  // The commit is done, whatever becomes of the hint or of the caller's deadline.
  const base::Context unhurried;
  const auto hint = files.ReadHint(unhurried);
  if (hint.ok() && *hint >= version) return;
  const Status written = files.WriteHint(unhurried, version);
  if (!written.ok()) {
    base::LogWarn("version hint was not replaced; readers walk on from the last",
                  {{"version", std::to_string(version)}, {"error", written.ToString()}});
  }
}

Result<LoadedTable> FsCatalog::PutFirstVersion(const base::Context& context,
                                               const TableIdentifier& identifier,
                                               TableMetadata metadata) const {
  FIRN_RETURN_IF_ERROR(CheckPlace(identifier, metadata));
  const VersionFiles files = FilesOf(identifier);
  LoadedTable table;
  table.identifier = identifier;
  table.metadata_location = files.LocationOf(1);
  table.metadata = std::make_shared<const TableMetadata>(std::move(metadata));
  FIRN_RETURN_IF_ERROR(
      PutVersion(context, table.metadata_location, TableMetadataToJson(*table.metadata)));
  AdvanceHint(files, 1);
  return table;
}

Status FsCatalog::CheckNewTable(const base::Context& context,
                                const TableIdentifier& identifier) const {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_RETURN_IF_ERROR(TableIdentifier::Parse(identifier.ToString()).status());
  FIRN_RETURN_IF_ERROR(CheckNamespace(context, identifier.name_space));
  FIRN_ASSIGN_OR_RETURN(const auto current, FilesOf(identifier).FindCurrent(context));
  if (current) return Status::AlreadyExists("it exists already");
  return Status::OK();
}

Result<LoadedTable> FsCatalog::CreateTable(const base::Context& context,
                                           const CreateTableRequest& request) {
  const std::string what = "create table " + request.identifier.ToString();
  FIRN_RETURN_IF_ERROR(CheckNewTable(context, request.identifier).With(what));
  auto metadata = MakeTableMetadata(
      NewTableOf(request, request.location.value_or(DirectoryOf(request.identifier)),
                 random_.NextUuid(), clock_.NowMs()));
  if (!metadata.ok()) return metadata.status().With(what);
  auto table = PutFirstVersion(context, request.identifier, std::move(*metadata));
  if (!table.ok()) return table.status().With(what);
  return table;
}

Result<LoadedTable> FsCatalog::RegisterTable(const base::Context& context,
                                             const TableIdentifier& identifier,
                                             const std::string& metadata_location) {
  const std::string what = "register table " + identifier.ToString();
  FIRN_RETURN_IF_ERROR(CheckNewTable(context, identifier).With(what));
  auto metadata = ReadMetadataFile(context, store_, metadata_location);
  if (!metadata.ok()) return metadata.status().With(what);
  auto table = PutFirstVersion(context, identifier, std::move(*metadata));
  if (!table.ok()) return table.status().With(what);
  return table;
}

// What is current where `written`, made by this commit, follows a version that is long
// gone: the table went on so far, since this commit loaded it, that the name was free
// again, or another was made in its place. Null where that is not so; for sure unless the
// table went on that far since the file was written.
Result<std::shared_ptr<const TableMetadata>> FsCatalog::FindFuture(
    const base::Context& context, const TableIdentifier& identifier,
    const VersionFile& written) const {
  FIRN_ASSIGN_OR_RETURN(const std::int64_t hint, FilesOf(identifier).ReadHint(context));
  if (hint == written.version - 1) return nullptr;
  FIRN_ASSIGN_OR_RETURN(const auto current, Load(context, identifier));
  if (current.second == written.version) return nullptr;
  for (const MetadataLogEntry& entry : current.first.metadata->metadata_log) {
    const std::string_view file = entry.metadata_file;
    if (VersionOfName(file.substr(file.rfind('/') + 1)) == written.version) {
      return nullptr;
    }
  }
  return current.first.metadata;
}

// What the snapshots of `now` say of a commit that made `next` of `base`: true or false
// where it is known to have been current once, or not to. A sequence number is one
// snapshot's, so another that has it came in the place of this commit's.
std::optional<bool> WasCurrent(const TableMetadata& base, const TableMetadata& next,
                               const TableMetadata& now) {
  if (now.table_uuid != next.table_uuid) return false;
  for (const Snapshot& made : next.snapshots) {
    if (base.FindSnapshot(made.id) != nullptr) continue;
    if (now.FindSnapshot(made.id) != nullptr) return true;
    for (const Snapshot& other : now.snapshots) {
      if (other.sequence_number == made.sequence_number) return false;
    }
  }
  return std::nullopt;
}

Status FsCatalog::CheckNotInThePast(const TableIdentifier& identifier,
                                    const VersionFile& written, const std::string& base,
                                    const WasCurrentFunction& was_current) const {
  const auto future = FindFuture(base::Context(), identifier, written);
  if (!future.ok()) return Status::CommitUnknown(std::string(future.status().message()));
  if (*future == nullptr) return Status::OK();
  const std::optional<bool> known = was_current(**future);
  if (known == true) return Status::OK();
  RemoveUnnamed(store_, {written.location});
  const std::string why =
      "the table went on by many commits meanwhile, or was dropped and made anew (base " +
      base + ")";
  return known == false ? Status::Conflict(why) : Status::CommitUnknown(why);
}

Result<LoadedTable> FsCatalog::CommitTable(const base::Context& context,
                                           const TableIdentifier& identifier,
                                           const std::vector<Requirement>& requirements,
                                           const std::vector<Update>& updates) {
  FIRN_ASSIGN_OR_RETURN(const auto loaded, Load(context, identifier));
  const auto& [base, version] = loaded;
  FIRN_RETURN_IF_ERROR(CheckRequirements(requirements, base.metadata.get()));
  FIRN_ASSIGN_OR_RETURN(
      TableMetadata metadata,
      ApplyUpdates(*base.metadata, base.metadata_location, updates, clock_.NowMs()));
  FIRN_ASSERT(metadata.last_updated_ms >= base.metadata->last_updated_ms);
  FIRN_RETURN_IF_ERROR(CheckPlace(identifier, metadata));

  const VersionFiles files = FilesOf(identifier);
  const VersionFile written{version + 1, files.LocationOf(version + 1)};
  LoadedTable next;
  next.identifier = identifier;
  next.metadata_location = written.location;
  next.metadata = std::make_shared<const TableMetadata>(std::move(metadata));
  FIRN_RETURN_IF_ERROR(context.Check());
  const Status put =
      PutVersion(context, written.location, TableMetadataToJson(*next.metadata));
  if (put.Is(StatusCode::kAlreadyExists)) {
    return Status::Conflict("another commit came first (base " + base.metadata_location +
                            ")");
  }
  FIRN_RETURN_IF_ERROR(put);
  FIRN_RETURN_IF_ERROR(CheckNotInThePast(
      identifier, written, base.metadata_location, [&](const TableMetadata& now) {
        return WasCurrent(*base.metadata, *next.metadata, now);
      }));
  AdvanceHint(files, written.version);
  if (next.metadata->PropertyFlag(kPropertyDeleteAfterCommit, false)) {
    RemoveUnnamed(store_, ForgottenMetadataFiles(*base.metadata, base.metadata_location,
                                                 *next.metadata));
  }
  return next;
}

Result<std::string> FsCatalog::CurrentMetadataLocation(
    const base::Context& context, const TableIdentifier& identifier) {
  FIRN_ASSIGN_OR_RETURN(const auto current, FilesOf(identifier).FindCurrent(context));
  if (current) return current->location;
  return Status::NotFound("table " + identifier.ToString() + " does not exist");
}

Result<std::string> FsCatalog::ReplaceMetadata(const base::Context& context,
                                               const TableIdentifier& identifier,
                                               const std::string& expected,
                                               std::string_view json) {
  FIRN_ASSIGN_OR_RETURN(const TableMetadata metadata, TableMetadataFromJson(json));
  FIRN_RETURN_IF_ERROR(CheckPlace(identifier, metadata));
  const VersionFiles files = FilesOf(identifier);
  FIRN_ASSIGN_OR_RETURN(const auto current, files.FindCurrent(context));
  const Status rival =
      Status::Conflict("another commit came first (base " + expected + ")");
  if (!current || current->location != expected) return rival;
  const VersionFile written{current->version + 1, files.LocationOf(current->version + 1)};
  const Status put = PutVersion(context, written.location, json);
  if (put.Is(StatusCode::kAlreadyExists)) return rival;
  FIRN_RETURN_IF_ERROR(put);
  FIRN_RETURN_IF_ERROR(
      CheckNotInThePast(identifier, written, expected,
                        [](const TableMetadata&) { return std::optional<bool>(); }));
  AdvanceHint(files, written.version);
  return written.location;
}

Status FsCatalog::DropTable(const base::Context& context,
                            const TableIdentifier& identifier) {
  return Drop(context, identifier, std::nullopt);
}

Status FsCatalog::DropTableAt(const base::Context& context,
                              const TableIdentifier& identifier,
                              const std::string& metadata_location) {
  return Drop(context, identifier, metadata_location);
}

Status FsCatalog::Drop(const base::Context& context, const TableIdentifier& identifier,
                       const std::optional<std::string>& expected) {
  const std::string what = "drop table " + identifier.ToString();
  FIRN_RETURN_IF_ERROR(TableIdentifier::Parse(identifier.ToString()).status().With(what));
  const VersionFiles files = FilesOf(identifier);
  const auto all = files.List(context);
  if (!all.ok()) return all.status().With(what);
  if (all->empty()) return Status::NotFound(what + ": it does not exist");
  if (expected.has_value() && all->back().location != *expected) {
    return Status::Conflict(what + ": it was changed meanwhile");
  }
  // A version that comes from now on is not among them, and stays. The newest goes last:
  // until then the table is what it was, found by its listing.
  FIRN_RETURN_IF_ERROR(files.RemoveHint(context).With(what));
  for (const VersionFile& file : *all) {
    FIRN_RETURN_IF_ERROR(store_.Remove(context, file.location).With(what));
  }
  return Status::OK();
}

Status FsCatalog::RenameTable(const base::Context&, const TableIdentifier& from,
                              const TableIdentifier& to) {
  return Status::Unimplemented("rename table " + from.ToString() + " to " +
                               to.ToString() +
                               ": a table's name is its place in this catalog");
}

}  // namespace

std::unique_ptr<Catalog> MakeFsCatalog(std::string warehouse, io::Store& store,
                                       const base::Clock& clock, RandomSource& random) {
  return std::make_unique<FsCatalog>(std::move(warehouse), store, clock, random);
}

}  // namespace firn::iceberg

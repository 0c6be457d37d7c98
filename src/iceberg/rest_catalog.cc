// SPDX-License-Identifier: Apache-2.0
#include "iceberg/rest_catalog.h"

#include <algorithm>
#include <utility>

#include "iceberg/json.h"
#include "iceberg/lent_storage.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/rest_auth.h"
#include "iceberg/rest_loads.h"
#include "iceberg/rest_paths.h"
#include "iceberg/rest_session.h"
#include "iceberg/restored_ids.h"
#include "iceberg/schema_json.h"
#include "iceberg/table_commit_json.h"
#include "iceberg/table_metadata_json.h"

namespace firn::iceberg {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Properties = std::map<std::string, std::string>;

constexpr int kPageSize = 1000;
constexpr std::size_t kNamesMax = 1'000'000;  // Of one listing.
constexpr std::size_t kNamespaceDepthMax = 32;
constexpr std::pair<const char*, const char*> kDelegation = {
    "X-Iceberg-Access-Delegation", "vended-credentials"};

// The updates that make `table` of nothing.
std::vector<Update> CreationUpdates(const NewTable& table) {
  return {AssignUuid{table.uuid},
          UpgradeFormatVersion{},
          AddSchema{table.schema, table.schema.HighestFieldId()},
          SetCurrentSchema{},
          AddPartitionSpec{table.spec},
          SetDefaultSpec{},
          AddSortOrder{table.sort_order},
          SetDefaultSortOrder{},
          SetLocation{table.location},
          SetProperties{table.properties}};
}

Result<Namespace> NamespaceFromJson(const json& value) {
  Namespace ns;
  if (!value.is_array()) return Status::Corruption("a namespace is no array");
  for (const json& level : value) {
    if (!level.is_string()) return Status::Corruption("a namespace's level is no text");
    ns.levels.push_back(level.get<std::string>());
  }
  return ns;
}

// Names with dots and the like have no spelling here: they are left out of listings.
bool HasSpelling(const Namespace& ns) {
  const auto parsed = Namespace::Parse(ns.ToString());
  return parsed.ok() && *parsed == ns;
}

struct RestConfig {
  Properties properties;  // Defaults, then overrides.
  std::set<std::string> endpoints;
};

Result<RestConfig> ConfigFromJson(const json& answer) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(answer, "configuration"));
  RestConfig config;
  FIRN_ASSIGN_OR_RETURN(config.properties, in.StringMap("defaults"));
  FIRN_ASSIGN_OR_RETURN(const Properties overrides, in.StringMap("overrides"));
  for (const auto& [key, value] : overrides) config.properties[key] = value;
  if (in.Find("endpoints") == nullptr) return config;
  FIRN_ASSIGN_OR_RETURN(const json* endpoints, in.Array("endpoints"));
  for (const json& endpoint : *endpoints) {
    if (endpoint.is_string()) config.endpoints.insert(endpoint.get<std::string>());
  }
  return config;
}

struct LoadedAnswer {
  LoadedTable table;
  StorageConfig config;
};

// LoadTableResult, and CommitTableResponse, which is a part of it. A table that is staged
// has no metadata file yet.
Result<LoadedAnswer> LoadedFromJson(const json& answer, const TableIdentifier& identifier,
                                    const Properties& defaults) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(answer, "loaded table"));
  LoadedAnswer loaded;
  loaded.table.identifier = identifier;
  FIRN_ASSIGN_OR_RETURN(const auto location, in.OptionalString("metadata-location"));
  loaded.table.metadata_location = location.value_or("");
  const json* metadata = in.Find("metadata");
  if (metadata == nullptr) return in.Wrong("metadata", "an object");
  FIRN_ASSIGN_OR_RETURN(TableMetadata parsed, TableMetadataFromJson(metadata->dump()));
  std::vector<StorageCredential> credentials;
  if (in.Find("storage-credentials") != nullptr) {
    FIRN_ASSIGN_OR_RETURN(const json* list, in.Array("storage-credentials"));
    for (const json& element : *list) {
      FIRN_ASSIGN_OR_RETURN(const JsonObject one,
                            JsonObject::Of(element, "storage credential"));
      StorageCredential& credential = credentials.emplace_back();
      FIRN_ASSIGN_OR_RETURN(credential.prefix, one.String("prefix"));
      FIRN_ASSIGN_OR_RETURN(credential.config, one.StringMap("config"));
    }
  }
  FIRN_ASSIGN_OR_RETURN(const Properties own, in.StringMap("config"));
  loaded.config = defaults;
  for (const auto& [key, value] : own) loaded.config[key] = value;
  loaded.config = ConfigFor(std::move(loaded.config), credentials, parsed.location);
  loaded.table.metadata = std::make_shared<const TableMetadata>(std::move(parsed));
  return loaded;
}

class RestCatalog final : public Catalog {
 public:
  RestCatalog(OpenCatalogOptions options, std::unique_ptr<RestAuth> auth,
              std::unique_ptr<RestSession> session, RestPaths paths,
              Properties properties, const CatalogEnvironment& environment)
      : options_(std::move(options)),
        auth_(std::move(auth)),
        session_(std::move(session)),
        paths_(std::move(paths)),
        properties_(std::move(properties)),
        loads_(options_.storage, options_.rest.vended_credentials, environment),
        clock_(environment.clock) {}

  Status CreateNamespace(const base::Context& context, const Namespace& ns,
                         const Properties& properties) override;
  Result<std::vector<Namespace>> ListNamespaces(const base::Context& context) override;
  Result<Properties> NamespaceProperties(const base::Context& context,
                                         const Namespace& ns) override;
  Status UpdateNamespaceProperties(const base::Context& context, const Namespace& ns,
                                   const Properties& set,
                                   const std::vector<std::string>& removed) override;
  Status DropNamespace(const base::Context& context, const Namespace& ns) override;
  Result<std::vector<TableIdentifier>> ListTables(const base::Context& context,
                                                  const Namespace& ns) override {
    return ListNames(context, paths_.Tables(ns), ns);
  }
  Result<std::vector<TableIdentifier>> ListViews(const base::Context& context,
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
  Status CommitTables(const base::Context& context,
                      const std::vector<TableChange>& changes) override;
  Status DropTable(const base::Context& context,
                   const TableIdentifier& identifier) override {
    return Drop(context, identifier, "false");
  }
  Status PurgeTable(const base::Context& context,
                    const TableIdentifier& identifier) override {
    return Drop(context, identifier, "true");
  }
  Status RenameTable(const base::Context& context, const TableIdentifier& from,
                     const TableIdentifier& to) override;

 private:
  // Call `visit` with each element of `key` of every page of a listing.
  Status ListPages(const base::Context& context, const std::string& target,
                   const char* key, const std::function<Status(const json&)>& visit);
  Result<std::vector<TableIdentifier>> ListNames(const base::Context& context,
                                                 const std::string& target,
                                                 const Namespace& ns);
  // The namespaces right below `parent`, which may be that of all.
  Result<std::vector<Namespace>> ListBelow(const base::Context& context,
                                           const Namespace& parent);
  Status CheckSupport(const char* endpoint) const;
  Status Drop(const base::Context& context, const TableIdentifier& identifier,
              const std::string& purge);
  // Send a request that makes a table what `what` says, and read what it became.
  Result<LoadedAnswer> SendForTable(const base::Context& context, RestRequest request,
                                    const TableIdentifier& identifier);
  // Give the columns of the table that was just made the ids that are wanted, or drop it.
  Result<LoadedAnswer> RestoreIds(const base::Context& context, const NewTable& wanted,
                                  LoadedAnswer made);
  void AskForCredentials(RestRequest* request) const {
    if (options_.rest.vended_credentials) request->headers.emplace_back(kDelegation);
  }

  const OpenCatalogOptions options_;
  const std::unique_ptr<RestAuth> auth_;
  const std::unique_ptr<RestSession> session_;
  const RestPaths paths_;
  const Properties properties_;
  RestLoads loads_;
  const base::Clock& clock_;
};

Status RestCatalog::CheckSupport(const char* endpoint) const {
  if (paths_.Supports(endpoint)) return Status::OK();
  return Status::Unimplemented("the catalog " + options_.uri + " does not offer " +
                               endpoint);
}

Status RestCatalog::ListPages(const base::Context& context, const std::string& target,
                              const char* key,
                              const std::function<Status(const json&)>& visit) {
  std::string token;
  std::size_t count = 0;
  const char* separator = target.find('?') == target.npos ? "?" : "&";
  do {
    RestRequest request;
    request.target = target + separator + "pageToken=" + io::PercentEncode(token) +
                     "&pageSize=" + std::to_string(kPageSize);
    FIRN_ASSIGN_OR_RETURN(const json answer, session_->SendForJson(context, request));
    FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(answer, "listing"));
    FIRN_ASSIGN_OR_RETURN(const json* names, in.Array(key));
    FIRN_ASSIGN_OR_RETURN(const auto next, in.OptionalString("next-page-token"));
    count += names->size();
    if (count > kNamesMax) {
      return Status::ResourceExhausted("the catalog lists more than " +
                                       std::to_string(kNamesMax) + " names");
    }
    for (const json& name : *names) FIRN_RETURN_IF_ERROR(visit(name));
    if (next && !next->empty() && (*next == token || names->empty())) {
      return Status::Corruption("the catalog's listing does not go on after page " +
                                BodyExcerpt(*next));
    }
    token = next.value_or("");
  } while (!token.empty());
  return Status::OK();
}

Result<std::vector<TableIdentifier>> RestCatalog::ListNames(const base::Context& context,
                                                            const std::string& target,
                                                            const Namespace& ns) {
  std::vector<TableIdentifier> names;
  bool is_empty = true;
  FIRN_RETURN_IF_ERROR(
      ListPages(context, target, "identifiers", [&](const json& value) -> Status {
        is_empty = false;
        FIRN_ASSIGN_OR_RETURN(const JsonObject in,
                              JsonObject::Of(value, "table identifier"));
        TableIdentifier identifier{ns, ""};
        FIRN_ASSIGN_OR_RETURN(identifier.name, in.String("name"));
        const auto spelt = TableIdentifier::Parse("ns." + identifier.name);
        if (spelt.ok() && spelt->name == identifier.name) {
          names.push_back(std::move(identifier));
        }
        return Status::OK();
      }).With("list " + ns.ToString()));
  // Some servers list nothing of a namespace that is not there. Who may list need not be
  // allowed to look at its properties.
  if (is_empty) {
    const Status there = NamespaceProperties(context, ns).status();
    if (there.Is(StatusCode::kNotFound)) return there;
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<TableIdentifier>> RestCatalog::ListViews(const base::Context& context,
                                                            const Namespace& ns) {
  FIRN_RETURN_IF_ERROR(CheckSupport(kViewsEndpoint));
  return ListNames(context, paths_.Views(ns), ns);
}

Result<std::vector<Namespace>> RestCatalog::ListBelow(const base::Context& context,
                                                      const Namespace& parent) {
  std::string target = paths_.Namespaces();
  if (!parent.levels.empty()) target += "?parent=" + paths_.Joined(parent);
  std::vector<Namespace> below;
  FIRN_RETURN_IF_ERROR(
      ListPages(context, target, "namespaces", [&](const json& value) -> Status {
        FIRN_ASSIGN_OR_RETURN(Namespace ns, NamespaceFromJson(value));
        // A server without nesting lists the same for every parent.
        if (ns.levels.size() == parent.levels.size() + 1 && HasSpelling(ns)) {
          below.push_back(std::move(ns));
        }
        return Status::OK();
      }).With("list namespaces"));
  return below;
}

Result<std::vector<Namespace>> RestCatalog::ListNamespaces(const base::Context& context) {
  std::vector<Namespace> all;
  FIRN_ASSIGN_OR_RETURN(std::vector<Namespace> open, ListBelow(context, {}));
  while (!open.empty()) {
    Namespace ns = std::move(open.back());
    open.pop_back();
    if (ns.levels.size() < kNamespaceDepthMax) {
      const auto below = ListBelow(context, ns);
      // One that is dropped meanwhile is in no listing.
      if (below.status().Is(StatusCode::kNotFound)) continue;
      FIRN_RETURN_IF_ERROR(below.status());
      for (const Namespace& child : *below) {
        if (std::equal(ns.levels.begin(), ns.levels.end(), child.levels.begin())) {
          open.push_back(child);
        }
      }
    }
    all.push_back(std::move(ns));
    if (all.size() > kNamesMax) {
      return Status::ResourceExhausted("the catalog has too many namespaces to list");
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

Status RestCatalog::CreateNamespace(const base::Context& context, const Namespace& ns,
                                    const Properties& properties) {
  const std::string what = "create namespace " + ns.ToString();
  FIRN_RETURN_IF_ERROR(Namespace::Parse(ns.ToString()).status().With(what));
  const ordered_json body = {{"namespace", ns.levels}, {"properties", properties}};
  const RestRequest request{
      RestAction::kCreate, "POST", paths_.Namespaces(), JsonText(body), {}};
  Status made = session_->Send(context, request).status();
  if (made.ok() || ns.levels.size() < 2) return made.With(what);
  // Some servers make no namespace in one that is not there, and one of them calls it a
  // conflict where two are missing.
  const auto is_absent = [&] {
    return NamespaceProperties(context, ns).status().Is(StatusCode::kNotFound);
  };
  if (made.Is(StatusCode::kNotFound) ||
      (made.Is(StatusCode::kAlreadyExists) && is_absent())) {
    Namespace parent = ns;
    parent.levels.pop_back();
    const Status above = CreateNamespace(context, parent, {});
    if (!above.ok() && !above.Is(StatusCode::kAlreadyExists)) return above.With(what);
    made = session_->Send(context, request).status();
  }
  return made.With(what);
}

Result<Properties> RestCatalog::NamespaceProperties(const base::Context& context,
                                                    const Namespace& ns) {
  const auto read = [&]() -> Result<Properties> {
    FIRN_ASSIGN_OR_RETURN(
        const json answer,
        session_->SendForJson(context, RestRequest{.target = paths_.Of(ns)}));
    FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(answer, "answer"));
    return in.StringMap("properties");
  };
  auto properties = read();
  if (!properties.ok()) return properties.status().With("namespace " + ns.ToString());
  return properties;
}

Status RestCatalog::UpdateNamespaceProperties(const base::Context& context,
                                              const Namespace& ns, const Properties& set,
                                              const std::vector<std::string>& removed) {
  const ordered_json body = {{"removals", removed}, {"updates", set}};
  return session_
      ->Send(context,
             {RestAction::kChange, "POST", paths_.Properties(ns), JsonText(body), {}})
      .status()
      .With("update namespace " + ns.ToString());
}

Status RestCatalog::DropNamespace(const base::Context& context, const Namespace& ns) {
  return session_->Send(context, {RestAction::kChange, "DELETE", paths_.Of(ns), {}, {}})
      .status()
      .With("drop namespace " + ns.ToString());
}

Result<bool> RestCatalog::TableExists(const base::Context& context,
                                      const TableIdentifier& identifier) {
  if (!paths_.Supports(kHeadTableEndpoint)) {
    return Catalog::TableExists(context, identifier);
  }
  const Status answer =
      session_->Send(context, {RestAction::kRead, "HEAD", paths_.Of(identifier), {}, {}})
          .status();
  if (answer.Is(StatusCode::kNotFound)) return false;
  FIRN_RETURN_IF_ERROR(answer.With("table " + identifier.ToString()));
  return true;
}

Result<LoadedAnswer> RestCatalog::SendForTable(const base::Context& context,
                                               RestRequest request,
                                               const TableIdentifier& identifier) {
  FIRN_ASSIGN_OR_RETURN(const json answer, session_->SendForJson(context, request));
  auto loaded = LoadedFromJson(answer, identifier, properties_);
  if (loaded.ok() || request.action == RestAction::kRead) return loaded;
  return Status::CommitUnknown(std::string(loaded.status().message()));
}

Result<LoadedTable> RestCatalog::LoadTable(const base::Context& context,
                                           const TableIdentifier& identifier) {
  const std::string what = "table " + identifier.ToString();
  FIRN_RETURN_IF_ERROR(TableIdentifier::Parse(identifier.ToString()).status());
  RestRequest request{.target = paths_.Of(identifier)};
  AskForCredentials(&request);
  const auto kept = loads_.Find(identifier);
  if (kept && !kept->etag.empty()) {
    request.headers.emplace_back("If-None-Match", kept->etag);
  }
  const auto response = session_->Send(context, request);
  if (!response.ok()) return response.status().With(what);
  if (response->code == 304 && kept) return kept->table;
  const auto answer = JsonOfAnswer(request, *response);
  if (!answer.ok()) return answer.status().With(what);
  auto loaded = LoadedFromJson(*answer, identifier, properties_);
  if (!loaded.ok()) return loaded.status().With(what);
  return loads_.Keep(std::move(loaded->table), std::string(response->Header("ETag")),
                     std::move(loaded->config));
}

// The server numbers the fields of a table that it makes of a schema. So the table is
// staged, to learn its place, and made by the commit that gives it all it has.
Result<LoadedTable> RestCatalog::CreateTable(const base::Context& context,
                                             const CreateTableRequest& request) {
  const std::string what = "create table " + request.identifier.ToString();
  FIRN_RETURN_IF_ERROR(
      TableIdentifier::Parse(request.identifier.ToString()).status().With(what));
  NewTable table =
      NewTableOf(request, request.location.value_or("none:/"), "none", clock_.NowMs());
  FIRN_RETURN_IF_ERROR(MakeTableMetadata(table).status().With(what));
  // Some servers stage a table, and make it by a commit, in a namespace that is not
  // there.
  FIRN_RETURN_IF_ERROR(
      NamespaceProperties(context, request.identifier.name_space).status().With(what));
  ordered_json body = {{"name", request.identifier.name},
                       {"schema", ToJson(table.schema)},
                       {"partition-spec", ToJson(table.spec)},
                       {"write-order", ToJson(table.sort_order)},
                       {"stage-create", true},
                       {"properties", table.properties}};
  if (request.location) body["location"] = *request.location;
  RestRequest stage{RestAction::kCreate,
                    "POST",
                    paths_.Tables(request.identifier.name_space),
                    JsonText(body),
                    {}};
  AskForCredentials(&stage);
  auto staged = SendForTable(context, std::move(stage), request.identifier);
  // Staging makes nothing: whatever became of it, there is no table by it.
  if (staged.status().Is(StatusCode::kCommitUnknown)) {
    return Status::Unavailable(what + ": " + std::string(staged.status().message()));
  }
  if (!staged.ok()) return staged.status().With(what);

  table.uuid = staged->table.metadata->table_uuid;
  table.location = staged->table.metadata->location;
  const CommitTableRequest change{
      request.identifier, {AssertCreate{}}, CreationUpdates(table)};
  auto made = SendForTable(context,
                           {RestAction::kCreate,
                            "POST",
                            paths_.Of(request.identifier),
                            JsonText(ToJson(change)),
                            {}},
                           request.identifier);
  if (made.status().Is(StatusCode::kCommitUnknown)) {
    // The UUID that it was to have says whether it is the table that is there.
    auto there = LoadTable(context, request.identifier);
    if (there.ok() && there->metadata->table_uuid == table.uuid) {
      made = LoadedAnswer{std::move(*there), {}};
    }
  }
  if (made.ok()) made = RestoreIds(context, table, std::move(*made));
  if (!made.ok()) return made.status().With(what);
  return loads_.Keep(std::move(made->table), "", std::move(staged->config));
}

Result<LoadedAnswer> RestCatalog::RestoreIds(const base::Context& context,
                                             const NewTable& wanted, LoadedAnswer made) {
  const TableMetadata& metadata = *made.table.metadata;
  const std::vector<Update> updates = RestoringIds(metadata, wanted);
  if (updates.empty()) return made;
  const TableIdentifier identifier = made.table.identifier;
  const CommitTableRequest change{
      identifier,
      {AssertTableUuid{metadata.table_uuid}, AssertRefSnapshotId{"main", std::nullopt},
       AssertCurrentSchemaId{metadata.current_schema_id}},
      updates};
  auto restored = SendForTable(
      context,
      {RestAction::kChange, "POST", paths_.Of(identifier), JsonText(ToJson(change)), {}},
      identifier);
  if (restored.ok() &&
      restored->table.metadata->current_schema().SameColumns(wanted.schema)) {
    return restored;
  }
  const Status why =
      (restored.ok() ? Status::Unimplemented("the catalog's server does not take them")
                     : restored.status())
          .With("its columns are to have ids of their own");
  // What is there now says whether it was done all the same, and whether anybody has use
  // for a table of other columns: then it stays.
  auto there = LoadTable(context, identifier);
  const bool is_made = there.ok() && there->metadata->table_uuid == metadata.table_uuid;
  if (is_made && there->metadata->current_schema().SameColumns(wanted.schema)) {
    return LoadedAnswer{std::move(*there), {}};
  }
  const bool is_as_made =
      is_made && there->metadata->snapshots.empty() &&
      there->metadata->current_schema_id == metadata.current_schema_id;
  if (!is_as_made || !DropTable(context, identifier).ok()) {
    return Status::CommitUnknown(std::string(why.message()) +
                                 "; the table is there, perhaps with other ids");
  }
  return why.Is(StatusCode::kCommitUnknown)
             ? Status::Unavailable(std::string(why.message()))
             : why;
}

Result<LoadedTable> RestCatalog::RegisterTable(const base::Context& context,
                                               const TableIdentifier& identifier,
                                               const std::string& metadata_location) {
  const std::string what = "register table " + identifier.ToString();
  FIRN_RETURN_IF_ERROR(CheckSupport(kRegisterEndpoint).With(what));
  FIRN_RETURN_IF_ERROR(TableIdentifier::Parse(identifier.ToString()).status().With(what));
  const ordered_json body = {{"name", identifier.name},
                             {"metadata-location", metadata_location}};
  RestRequest request{RestAction::kCreate,
                      "POST",
                      paths_.Register(identifier.name_space),
                      JsonText(body),
                      {}};
  AskForCredentials(&request);
  auto loaded = SendForTable(context, std::move(request), identifier);
  if (!loaded.ok()) return loaded.status().With(what);
  return loads_.Keep(std::move(loaded->table), "", std::move(loaded->config));
}

Result<LoadedTable> RestCatalog::CommitTable(const base::Context& context,
                                             const TableIdentifier& identifier,
                                             const std::vector<Requirement>& requirements,
                                             const std::vector<Update>& updates) {
  const CommitTableRequest change{identifier, requirements, updates};
  FIRN_ASSIGN_OR_RETURN(LoadedAnswer committed, SendForTable(context,
                                                             {RestAction::kChange,
                                                              "POST",
                                                              paths_.Of(identifier),
                                                              JsonText(ToJson(change)),
                                                              {}},
                                                             identifier));
  // The answer to a commit lends nothing: what was lent before serves on.
  committed.table.store = loads_.StoreOf(identifier);
  return std::move(committed.table);
}

Status RestCatalog::CommitTables(const base::Context& context,
                                 const std::vector<TableChange>& changes) {
  FIRN_RETURN_IF_ERROR(CheckSupport(kTransactionsEndpoint));
  std::vector<CommitTableRequest> tables;
  for (const TableChange& change : changes) {
    tables.push_back({change.identifier, change.requirements, change.updates});
  }
  const ordered_json body = TransactionToJson(tables);
  return session_
      ->Send(context,
             {RestAction::kChange, "POST", paths_.Transactions(), JsonText(body), {}})
      .status();
}

Status RestCatalog::Drop(const base::Context& context, const TableIdentifier& identifier,
                         const std::string& purge) {
  const std::string target = paths_.Of(identifier) + "?purgeRequested=" + purge;
  FIRN_RETURN_IF_ERROR(
      session_->Send(context, {RestAction::kChange, "DELETE", target, {}, {}})
          .status()
          .With("drop table " + identifier.ToString()));
  loads_.Forget(identifier);
  return Status::OK();
}

Status RestCatalog::RenameTable(const base::Context& context, const TableIdentifier& from,
                                const TableIdentifier& to) {
  const std::string what = "rename table " + from.ToString() + " to " + to.ToString();
  FIRN_RETURN_IF_ERROR(CheckSupport(kRenameEndpoint).With(what));
  FIRN_RETURN_IF_ERROR(TableIdentifier::Parse(to.ToString()).status().With(what));
  const ordered_json body = {{"source", ToJson(from)}, {"destination", ToJson(to)}};
  FIRN_RETURN_IF_ERROR(
      session_
          ->Send(context,
                 {RestAction::kCreate, "POST", paths_.Rename(), JsonText(body), {}})
          .status()
          .With(what));
  loads_.Forget(from);
  return Status::OK();
}

}  // namespace

Result<std::unique_ptr<Catalog>> OpenRestCatalog(const base::Context& context,
                                                 OpenCatalogOptions options,
                                                 const CatalogEnvironment& environment) {
  const std::string what = "catalog " + options.uri;
  constexpr std::string_view kScheme = "rest+";
  auto address = io::HttpAddress::Parse(options.uri.substr(kScheme.size()));
  if (!address.ok()) return address.status().With(what);
  auto auth = RestAuth::Make(options.rest, *address, environment.clock);
  if (!auth.ok()) return auth.status().With(what);
  auto session = std::make_unique<RestSession>(*address, options.rest, **auth);
  const auto answer = session->SendForJson(
      context, RestRequest{.target = RestPaths::Config(options.warehouse)});
  if (!answer.ok()) return answer.status().With(what);
  auto config = ConfigFromJson(*answer);
  if (!config.ok()) return config.status().With(what);
  auto paths = RestPaths::Of(config->properties, std::move(config->endpoints));
  if (!paths.ok()) return paths.status().With(what);
  return std::unique_ptr<Catalog>(
      new RestCatalog(std::move(options), std::move(*auth), std::move(session),
                      std::move(*paths), std::move(config->properties), environment));
}

}  // namespace firn::iceberg

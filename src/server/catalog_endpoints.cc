// SPDX-License-Identifier: Apache-2.0
// The Iceberg REST catalog protocol, as far as it reads: what other engines attach to.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crc32.h"
#include "firn/catalog_reader.h"
#include "server/endpoints.h"
#include "server/errors.h"
#include "server/json.h"
#include "server/prometheus_params.h"

namespace firn::server {
namespace {

constexpr std::string_view kJson = "application/json";
// What the protocol puts between the levels of a namespace.
constexpr char kLevelSeparator = '\x1f';

// A client does only what is named here: it asks for no view, and sends no report.
constexpr std::string_view kConfig =
    R"({"defaults":{},"overrides":{},"endpoints":[)"
    R"("GET /v1/{prefix}/namespaces",)"
    R"("GET /v1/{prefix}/namespaces/{namespace}",)"
    R"("HEAD /v1/{prefix}/namespaces/{namespace}",)"
    R"("GET /v1/{prefix}/namespaces/{namespace}/tables",)"
    R"("GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",)"
    R"("HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}"]})"
    "\n";

void SetCatalogError(Response& response, int code, std::string_view type,
                     std::string_view why) {
  std::string body = R"({"error":{"message":)" + JsonString(why) + R"(,"type":)" +
                     JsonString(type) + R"(,"code":)";
  AppendJsonInt(body, code);
  response.Set(code, kJson, body + "}}\n");
}

// `what` is missing where the catalog says NotFound.
void SetCatalogStatus(Response& response, const Status& status, std::string_view what) {
  switch (status.code()) {
    case StatusCode::kNotFound:
      return SetCatalogError(response, 404, what, status.message());
    case StatusCode::kInvalidArgument:
      return SetCatalogError(response, 400, "BadRequestException", status.message());
    case StatusCode::kPermissionDenied:
      return SetCatalogError(response, 403, "ForbiddenException", status.message());
    case StatusCode::kCancelled:
      return SetCatalogError(response, 499, "CancelledException", status.message());
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kUnavailable:
    case StatusCode::kResourceExhausted:
      response.AddHeader("Retry-After", "1");
      return SetCatalogError(response, 503, "ServiceUnavailableException",
                             status.message());
    default:
      return SetCatalogError(response, 500, "InternalServerError", status.message());
  }
}

NamespaceLevels ParseLevels(std::string_view text) {
  NamespaceLevels levels;
  while (!text.empty()) {
    const std::string_view level = text.substr(0, text.find(kLevelSeparator));
    levels.emplace_back(level);
    text.remove_prefix(std::min(text.size(), level.size() + 1));
  }
  return levels;
}

std::string JoinLevels(const NamespaceLevels& levels) {
  std::string text;
  for (const std::string& level : levels) {
    if (!text.empty()) text += kLevelSeparator;
    text += level;
  }
  return text;
}

std::string LevelsJson(const NamespaceLevels& levels) {
  std::string out = "[";
  for (const std::string& level : levels) {
    if (out.back() != '[') out += ',';
    AppendJsonString(out, level);
  }
  return out + "]";
}

std::string PropertiesJson(const std::map<std::string, std::string>& properties) {
  std::string out = "{";
  for (const auto& [key, value] : properties) {
    if (out.back() != '{') out += ',';
    out += JsonString(key) + ":" + JsonString(value);
  }
  return out + "}";
}

// One page of sorted names. A token is the last name of the page before, so a page is
// right whatever came or went in between.
struct Page {
  std::vector<std::string> names;
  std::optional<std::string> next_token;
};

Result<Page> PageOf(const Form& form, std::vector<std::string> sorted_names) {
  FIRN_ASSIGN_OR_RETURN(const std::int64_t size, LimitParameter(form, "pageSize"));
  Page page{std::move(sorted_names), std::nullopt};
  const std::string_view token = form.Get("pageToken");
  std::vector<std::string>& names = page.names;
  names.erase(names.begin(), token.empty()
                                 ? names.begin()
                                 : std::upper_bound(names.begin(), names.end(), token));
  if (size > 0 && static_cast<std::int64_t>(names.size()) > size) {
    names.resize(static_cast<std::size_t>(size));
    page.next_token = names.back();
  }
  return page;
}

// {"<key>":[…],"next-page-token":…} of a page, each name written by `append`.
template <typename Append>
void SetPage(Exchange& exchange, std::string_view key, std::vector<std::string> names,
             Append append) {
  std::sort(names.begin(), names.end());
  const Result<Page> page = PageOf(exchange.form, std::move(names));
  if (!page.ok()) {
    return SetCatalogError(exchange.response, 400, "BadRequestException",
                           page.status().message());
  }
  std::string body = "{" + JsonString(key) + ":[";
  for (const std::string& name : page->names) {
    if (body.back() != '[') body += ',';
    append(body, name);
  }
  body += "]";
  if (page->next_token.has_value()) {
    body += R"(,"next-page-token":)" + JsonString(*page->next_token);
  }
  exchange.response.Set(200, kJson, body + "}\n");
}

// Whether a request only asks if something is there; answers it.
bool AnswerHead(Exchange& exchange) {
  if (exchange.head.method != Method::kHead) return false;
  exchange.response.SetCode(204);
  return true;
}

void ListNamespaces(CatalogReader& catalog, Exchange& exchange) {
  const NamespaceLevels parent = ParseLevels(exchange.form.Get("parent"));
  const Result<std::vector<NamespaceLevels>> namespaces =
      catalog.ListNamespaces(exchange.context, parent);
  if (!namespaces.ok()) {
    return SetCatalogStatus(exchange.response, namespaces.status(),
                            "NoSuchNamespaceException");
  }
  std::vector<std::string> names;
  for (const NamespaceLevels& levels : *namespaces) names.push_back(JoinLevels(levels));
  SetPage(exchange, "namespaces", std::move(names),
          [](std::string& body, const std::string& name) {
            body += LevelsJson(ParseLevels(name));
          });
}

void GetNamespace(CatalogReader& catalog, Exchange& exchange) {
  const NamespaceLevels levels = ParseLevels(exchange.path_values.front());
  const Result<std::map<std::string, std::string>> properties =
      catalog.NamespaceProperties(exchange.context, levels);
  if (!properties.ok()) {
    return SetCatalogStatus(exchange.response, properties.status(),
                            "NoSuchNamespaceException");
  }
  if (AnswerHead(exchange)) return;
  exchange.response.Set(200, kJson,
                        R"({"namespace":)" + LevelsJson(levels) + R"(,"properties":)" +
                            PropertiesJson(*properties) + "}\n");
}

void ListTables(CatalogReader& catalog, Exchange& exchange) {
  const NamespaceLevels levels = ParseLevels(exchange.path_values.front());
  Result<std::vector<std::string>> tables = catalog.ListTables(exchange.context, levels);
  if (!tables.ok()) {
    return SetCatalogStatus(exchange.response, tables.status(),
                            "NoSuchNamespaceException");
  }
  SetPage(exchange, "identifiers", *std::move(tables),
          [levels = LevelsJson(levels)](std::string& body, const std::string& name) {
            body += R"({"namespace":)" + levels + R"(,"name":)" + JsonString(name) + "}";
          });
}

// The name of the metadata file and the checksum of what is sent of it: where names are
// numbers, a table that is dropped and made anew has the same ones. Empty where the name
// is not one that can stand in a header.
std::string EntityTag(const CatalogTable& table, CatalogSnapshots snapshots) {
  const std::string_view location = table.metadata_location;
  const std::string_view name = location.substr(location.rfind('/') + 1);
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (name.empty() || name.find_first_not_of(kPlain) != std::string_view::npos) return {};
  return '"' + std::string(name) + ':' +
         std::to_string(base::Crc32(table.metadata_json)) +
         (snapshots == CatalogSnapshots::kAll ? "\"" : ":refs\"");
}

void GetTable(CatalogReader& catalog, Exchange& exchange) {
  Response& response = exchange.response;
  const std::string_view wanted = exchange.form.Get("snapshots");
  if (!wanted.empty() && wanted != "all" && wanted != "refs") {
    return SetCatalogError(response, 400, "BadRequestException",
                           "snapshots is all or refs");
  }
  const CatalogSnapshots snapshots =
      wanted == "refs" ? CatalogSnapshots::kReferenced : CatalogSnapshots::kAll;
  const Result<CatalogTable> table =
      catalog.LoadTable(exchange.context, ParseLevels(exchange.path_values[0]),
                        exchange.path_values[1], snapshots);
  if (!table.ok()) {
    return SetCatalogStatus(response, table.status(), "NoSuchTableException");
  }
  const std::string tag = EntityTag(*table, snapshots);
  if (!tag.empty()) response.AddHeader("ETag", tag);
  if (AnswerHead(exchange)) return;
  if (!tag.empty() && exchange.head.if_none_match == tag) return response.SetCode(304);
  response.Set(200, kJson,
               R"({"metadata-location":)" + JsonString(table->metadata_location) +
                   R"(,"metadata":)" + table->metadata_json + R"(,"config":)" +
                   PropertiesJson(table->config) + "}\n");
}

void Refuse(Exchange& exchange) {
  SetCatalogError(exchange.response, 406, "UnsupportedOperationException",
                  "this catalog is read only: firn serve commits to its tables itself, "
                  "and another engine commits through the catalog that the warehouse "
                  "keeps them in");
}

}  // namespace

void AddCatalogEndpoints(Router& router, const EndpointContext& context) {
  router.Add(
      {"/iceberg/v1/config", {Method::kGet}, RunsOn::kConnection, [](Exchange& exchange) {
         exchange.response.Set(200, kJson, std::string(kConfig));
       }});
  // The catalog's database or a store may keep a request waiting, so all else runs where
  // queries do.
  const auto add = [&router, &catalog = context.db.catalog()](
                       std::string path, void (*read)(CatalogReader&, Exchange&)) {
    router.Add({"/iceberg/v1/namespaces" + std::move(path),
                {Method::kGet, Method::kPost, Method::kDelete},
                RunsOn::kPool,
                [&catalog, read](Exchange& exchange) {
                  const Method method = exchange.head.method;
                  if (method == Method::kGet || method == Method::kHead) {
                    return read(catalog, exchange);
                  }
                  Refuse(exchange);
                }});
  };
  add("", ListNamespaces);
  add("/{}", GetNamespace);
  add("/{}/tables", ListTables);
  add("/{}/tables/{}", GetTable);
}

}  // namespace firn::server

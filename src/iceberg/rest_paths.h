// SPDX-License-Identifier: Apache-2.0
// rest_paths.h: where the Iceberg REST protocol has its resources. A value; pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "iceberg/catalog.h"

namespace firn::iceberg {

// What a server's configuration says of paths: `prefix` comes after the version, levels
// of a namespace are joined by the separator, and `endpoints`, where it is not empty,
// lists all that the server answers.
class RestPaths {
 public:
  // Of the properties `prefix` and `namespace-separator`, where they are set.
  // InvalidArgument for a prefix that cannot stand in a path.
  static Result<RestPaths> Of(const std::map<std::string, std::string>& properties,
                              std::set<std::string> endpoints);

  // Targets of requests.
  static std::string Config(std::string_view warehouse);
  std::string Namespaces() const { return base_ + "/namespaces"; }
  std::string Of(const Namespace& ns) const;
  std::string Properties(const Namespace& ns) const { return Of(ns) + "/properties"; }
  std::string Tables(const Namespace& ns) const { return Of(ns) + "/tables"; }
  std::string Views(const Namespace& ns) const { return Of(ns) + "/views"; }
  std::string Register(const Namespace& ns) const { return Of(ns) + "/register"; }
  std::string Of(const TableIdentifier& table) const;
  std::string Rename() const { return base_ + "/tables/rename"; }
  std::string Transactions() const { return base_ + "/transactions/commit"; }

  // The levels as one text, for a path segment or a query's value.
  std::string Joined(const Namespace& ns) const;

  // `endpoint` is spelt as the protocol does: `GET /v1/{prefix}/namespaces`. A server
  // that lists none has those of the protocol's first version, and perhaps views.
  bool Supports(std::string_view endpoint) const;

 private:
  std::string base_ = "/v1";
  std::string separator_ = "\x1f";
  std::set<std::string> endpoints_;
};

inline constexpr char kHeadTableEndpoint[] =
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}";
inline constexpr char kViewsEndpoint[] = "GET /v1/{prefix}/namespaces/{namespace}/views";
inline constexpr char kRegisterEndpoint[] =
    "POST /v1/{prefix}/namespaces/{namespace}/register";
inline constexpr char kRenameEndpoint[] = "POST /v1/{prefix}/tables/rename";
inline constexpr char kTransactionsEndpoint[] = "POST /v1/{prefix}/transactions/commit";

}  // namespace firn::iceberg

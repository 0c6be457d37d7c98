// SPDX-License-Identifier: Apache-2.0
#include "iceberg/rest_paths.h"

#include <algorithm>

#include "base/quote.h"
#include "io/http_client.h"

namespace firn::iceberg {

Result<RestPaths> RestPaths::Of(const std::map<std::string, std::string>& properties,
                                std::set<std::string> endpoints) {
  RestPaths paths;
  paths.endpoints_ = std::move(endpoints);
  if (const auto prefix = properties.find("prefix"); prefix != properties.end()) {
    // It comes percent-encoded where that is needed.
    const bool bad =
        std::any_of(prefix->second.begin(), prefix->second.end(),
                    [](char c) { return c <= ' ' || c == 0x7f || c == '?' || c == '#'; });
    if (bad) {
      return Status::InvalidArgument("the catalog's configuration has the prefix " +
                                     base::Quoted(prefix->second) +
                                     ", which cannot stand in a path");
    }
    if (!prefix->second.empty()) paths.base_ += "/" + prefix->second;
  }
  if (const auto separator = properties.find("namespace-separator");
      separator != properties.end() && !separator->second.empty()) {
    FIRN_ASSIGN_OR_RETURN(paths.separator_, io::FormDecode(separator->second));
  }
  return paths;
}

std::string RestPaths::Config(std::string_view warehouse) {
  std::string target = "/v1/config";
  if (!warehouse.empty()) target += "?warehouse=" + io::PercentEncode(warehouse);
  return target;
}

std::string RestPaths::Joined(const Namespace& ns) const {
  std::string text;
  for (const std::string& level : ns.levels) {
    if (!text.empty()) text += separator_;
    text += level;
  }
  return io::PercentEncode(text);
}

std::string RestPaths::Of(const Namespace& ns) const {
  return Namespaces() + "/" + Joined(ns);
}

std::string RestPaths::Of(const TableIdentifier& table) const {
  return Tables(table.name_space) + "/" + io::PercentEncode(table.name);
}

bool RestPaths::Supports(std::string_view endpoint) const {
  if (endpoints_.empty()) return endpoint != kHeadTableEndpoint;
  return endpoints_.contains(std::string(endpoint));
}

}  // namespace firn::iceberg

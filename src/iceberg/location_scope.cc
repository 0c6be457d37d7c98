// SPDX-License-Identifier: Apache-2.0
#include "iceberg/location_scope.h"

#include "base/quote.h"
#include "io/store.h"

namespace firn::iceberg {
namespace {

constexpr std::string_view kLocal = "file://";

Result<std::string> Parse(std::string_view location) {
  const bool is_uri = location.find(':') != std::string_view::npos;
  if (!is_uri && !location.starts_with('/')) {
    return Status::InvalidArgument("location " + base::Quoted(location) + " is relative");
  }
  return io::ParseLocation(location);
}

// The path of a location, from the slash that ends its store's name on.
std::string_view PathOf(std::string_view location) {
  const std::size_t store = location.find("://") + 3;
  const std::size_t slash = location.find('/', store);
  return slash == std::string_view::npos ? std::string_view() : location.substr(slash);
}

bool LiesBelow(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

}  // namespace

Result<LocationScope> LocationScope::Of(std::string_view location) {
  FIRN_ASSIGN_OR_RETURN(const std::string parsed, Parse(location));
  // The directory itself may be a link: it is resolved like one inside of it.
  FIRN_ASSIGN_OR_RETURN(const std::string inside,
                        io::ResolveDirectoryLinks(io::JoinLocation(parsed, "x")));
  return LocationScope(inside.substr(0, inside.rfind('/')));
}

Result<std::string> LocationScope::Resolved(const std::string& location) {
  if (!location.starts_with(kLocal)) return location;
  const std::size_t slash = location.rfind('/');
  // Files come by directory mostly: asking once for each is enough.
  if (resolved_.empty() || directory_ != location.substr(0, slash)) {
    FIRN_ASSIGN_OR_RETURN(const std::string resolved,
                          io::ResolveDirectoryLinks(location));
    directory_ = location.substr(0, slash);
    resolved_ = resolved.substr(0, resolved.rfind('/'));
  }
  return resolved_ + location.substr(slash);
}

Result<std::optional<std::string>> LocationScope::NameOf(std::string_view location) {
  FIRN_ASSIGN_OR_RETURN(const std::string parsed, Parse(location));
  FIRN_ASSIGN_OR_RETURN(const std::string resolved, Resolved(parsed));
  if (LiesBelow(resolved, location_)) {
    return std::optional(resolved.substr(location_.size() + 1));
  }
  const std::string_view path = PathOf(resolved);
  const bool same_store =
      std::string_view(resolved).substr(0, resolved.size() - path.size()) ==
      std::string_view(location_).substr(0, location_.size() - PathOf(location_).size());
  if (!same_store && LiesBelow(path, PathOf(location_))) {
    return Status::InvalidArgument(base::Quoted(location) +
                                   " cannot be told from the same path below " +
                                   location_ + ": it may be another name of one object");
  }
  return std::optional<std::string>();
}

std::string LocationScope::LocationOf(std::string_view name) const {
  return location_ + "/" + std::string(name);
}

Result<bool> LocationScope::Holds(std::string_view location) const {
  FIRN_ASSIGN_OR_RETURN(const LocationScope other, Of(location));
  return other.location_ == location_ || LiesBelow(other.location_, location_);
}

Result<bool> LocationScope::Overlaps(std::string_view location) const {
  FIRN_ASSIGN_OR_RETURN(const LocationScope other, Of(location));
  return other.location_ == location_ || LiesBelow(other.location_, location_) ||
         LiesBelow(location_, other.location_);
}

}  // namespace firn::iceberg

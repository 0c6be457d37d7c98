// SPDX-License-Identifier: Apache-2.0
// location_scope.h: tells which locations lie below a table's own, however each is spelt.
//
// Metadata names files as their writers spelt them: `file:/w/t/x`, `s3a://w/t/x`, a path
// through a symbolic link. What a removal compares must be one spelling of each object:
//
//   1. Schemes and slashes as io::ParseLocation writes them.
//   2. Links of local directories are resolved.
//   3. Two locations with the same path in different stores may be one object by another
//      name (an account's container and an alias of it), which nobody here can tell: such
//      a location is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "firn/status.h"

namespace firn::iceberg {

// Thread-compatible: remembers the directory it was asked about last.
class LocationScope {
 public:
  // InvalidArgument for a location that is relative or of an unknown scheme.
  static Result<LocationScope> Of(std::string_view location);

  const std::string& location() const { return location_; }

  // What follows the scope's location and a slash, or nullopt for a location elsewhere.
  // InvalidArgument where the two cannot be compared.
  Result<std::optional<std::string>> NameOf(std::string_view location);
  std::string LocationOf(std::string_view name) const;
  // Whether `location` is the scope's own or lies below it.
  Result<bool> Holds(std::string_view location) const;
  // The same, or the other way round.
  Result<bool> Overlaps(std::string_view location) const;

 private:
  explicit LocationScope(std::string location) : location_(std::move(location)) {}
  Result<std::string> Resolved(const std::string& location);

  std::string location_;
  std::string directory_;  // As it was spelt; of the last location asked about,
  std::string resolved_;   // and what it is.
};

}  // namespace firn::iceberg

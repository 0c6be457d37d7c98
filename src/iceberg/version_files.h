// SPDX-License-Identifier: Apache-2.0
// version_files.h: the numbered metadata files of one table in a filesystem catalog.
//
// Thread-compatible: borrows the store, which must outlive it, and keeps nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "io/store.h"

namespace firn::iceberg {

struct VersionFile {
  std::int64_t version = 0;  // From 1 on.
  std::string location;
  bool operator==(const VersionFile&) const = default;
};

// The version in the name of a metadata file: `v12.metadata.json`, or compressed,
// `v12.gz.metadata.json` or `v12.metadata.json.gz`. Nullopt for any other name.
std::optional<std::int64_t> VersionOfName(std::string_view name);

class VersionFiles {
 public:
  // `directory` holds the files: `<table>/metadata`.
  VersionFiles(io::Store& store, std::string directory)
      : store_(store), directory_(std::move(directory)) {}

  // The newest version, or nullopt where there is none. Asks for the hint, then for one
  // version after another from there on.
  Result<std::optional<VersionFile>> FindCurrent(const base::Context& context) const;
  // What the hint says, or 0 where it is missing or says nothing.
  Result<std::int64_t> ReadHint(const base::Context& context) const;
  Status WriteHint(const base::Context& context, std::int64_t version) const;
  Status RemoveHint(const base::Context& context) const;
  // All versions, ascending.
  Result<std::vector<VersionFile>> List(const base::Context& context) const;

  // Where the version is written, not compressed.
  std::string LocationOf(std::int64_t version) const;

 private:
  Result<std::optional<VersionFile>> Find(const base::Context& context,
                                          std::int64_t version) const;
  std::string HintLocation() const;

  io::Store& store_;
  const std::string directory_;
};

}  // namespace firn::iceberg

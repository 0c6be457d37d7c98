// SPDX-License-Identifier: Apache-2.0
// referenced_files.h: the names of all files that a table still refers to.
//
// Of one version of a table these are: its metadata file and those of its log; of every
// snapshot, whatever leads to it, the manifest list, its manifests, and the data files
// and delete files that live in them; the files of statistics; the hint at a version that
// a filesystem catalog keeps.
//
// A set of names below the table's location; files elsewhere are nobody's business here.
// Names are kept as 64 bits of hash: two that share one make a file seem referred to that
// is not, never the other way round. In memory are 8 to 16 bytes for each file, and the
// names of the manifests and lists that were read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/location_scope.h"
#include "iceberg/manifest_io.h"

namespace firn::iceberg {

// Thread-compatible.
class ReferencedFiles {
 public:
  explicit ReferencedFiles(LocationScope scope) : scope_(std::move(scope)) {}

  // Add what `table` refers to. Manifests and lists that were read are not read again:
  // they never change. An error leaves a part of it added.
  // InvalidArgument for a location that cannot be compared; Unimplemented for a manifest
  // that is encrypted, or a snapshot without a list of manifests.
  Status Add(const base::Context& context, const ManifestIo& manifests,
             const LoadedTable& table);

  // REQUIRES: `name` is below the scope's location.
  bool Contains(std::string_view name);
  LocationScope& scope() { return scope_; }

 private:
  Status AddLocation(std::string_view location);
  Status AddSnapshot(const base::Context& context, const ManifestIo& manifests,
                     const Snapshot& snapshot);
  void Tidy();

  LocationScope scope_;
  std::vector<std::uint64_t> hashes_;  // Sorted up to tidy_count_, each once.
  std::size_t tidy_count_ = 0;
  std::unordered_set<std::string> read_;  // Manifests and lists.
};

}  // namespace firn::iceberg

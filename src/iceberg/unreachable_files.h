// SPDX-License-Identifier: Apache-2.0
// unreachable_files.h: the files of expired snapshots that nothing needs any more.
//
//   1. Read the manifest lists of the snapshots that are left: their manifests stay.
//   2. Read the lists of those that went. A manifest of theirs that does not stay is a
//      candidate.
//   3. Gather the live files of candidates, up to a bound; read the manifests that stay
//      and strike out what they hold; what is left goes. Repeat until the candidates are
//      through.
//   4. Then go the candidates themselves, and last the manifest lists.
//
// In this order nothing is forgotten before what it refers to is gone: an interrupted
// removal is taken up again by the same two versions of the metadata, and what is gone
// already is passed over. Files that two snapshots share stay until both went.
//
// In memory are the names of manifests and one bounded set of candidates, never all files
// of the table.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/manifest_io.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

enum class UnreachableKind : std::uint8_t {
  kStatistics,
  kDataFile,
  kDeleteFile,
  kManifest,
  kManifestList,
};

struct UnreachableFile {
  UnreachableKind kind;
  std::string location;
};

// About 200 MB of paths.
inline constexpr std::size_t kCandidatesMaxDefault = std::size_t{1} << 20;

// Call `visit` with each file that only snapshots of `before` need which `after` no
// longer has. A file that several candidates hold may be visited more than once where
// there are more than `candidates_max`. An error of `visit` ends it and is returned.
// REQUIRES: `after` is a later version of the same table, and no older than any commit
// that still may succeed on `before`.
// InvalidArgument where `gc.enabled` is false.
Status VisitUnreachable(const base::Context& context, const ManifestIo& manifests,
                        const TableMetadata& before, const TableMetadata& after,
                        const std::function<Status(const UnreachableFile&)>& visit,
                        std::size_t candidates_max = kCandidatesMaxDefault);

struct CleanupCounts {
  std::int64_t statistics = 0;
  std::int64_t data_files = 0;
  std::int64_t delete_files = 0;
  std::int64_t manifests = 0;
  std::int64_t manifest_lists = 0;
  bool operator==(const CleanupCounts&) const = default;
};

struct CleanupOptions {
  // Count what would go, and remove nothing.
  bool dry_run = false;
  // Called after each file, with the counts so far.
  std::function<void(const UnreachableFile&, const CleanupCounts&)> progress;
  std::size_t candidates_max = kCandidatesMaxDefault;
};

// Remove what VisitUnreachable visits, from the store of `manifests`. May be cancelled,
// or die, at any file: the table is not touched, and the same call goes on with the rest.
Result<CleanupCounts> RemoveUnreachable(const base::Context& context,
                                        const ManifestIo& manifests,
                                        const TableMetadata& before,
                                        const TableMetadata& after,
                                        const CleanupOptions& options = {});

}  // namespace firn::iceberg

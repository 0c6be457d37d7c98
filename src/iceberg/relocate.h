// SPDX-License-Identifier: Apache-2.0
// relocate.h: a table whose files were moved, told where they are.
//
// Metadata names every file by its whole location. Once a directory or bucket was moved:
//
//   1. The current metadata file, the manifest lists of its snapshots and their manifests
//      are read at the new place.
//   2. Each data file that is live in some snapshot is looked for at its own.
//   3. Manifests and lists are written anew beside the old ones, locations below `from`
//      as below `to`, and everything else, of whatever version, as it was.
//   4. The catalog swaps the metadata file for one that names those.
//
// Until step 4 nothing has changed; after it the old lists and manifests are orphans.
// Nothing is moved or copied here, and a location that is not below `from` stays.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/random.h"
#include "io/store.h"

namespace firn::iceberg {

struct Move {
  std::string from;  // A directory, as SpeltLocation() has it.
  std::string to;
  bool operator==(const Move&) const = default;
};

// As io::ParseLocation spells it, or, of a store that is not served here, as it is: what
// has moved away from there is still told by its beginning.
std::string SpeltLocation(std::string_view location);

// A file that the metadata of `table` names and that must be where it says: the current
// snapshot's manifest list, or without one what its own file would be called there.
std::string FileOf(const LoadedTable& table);

// How a warehouse came to be at `warehouse`, by a file of it that was at `location`: it
// is looked for there with all of its directories, with one less, and so on. Absent: the
// file is where it was, or nowhere. Cost: a request for each level.
Result<std::optional<Move>> FindMove(const base::Context& context, io::Store& store,
                                     const std::string& location,
                                     const std::string& warehouse);

struct RelocateOutcome {
  std::string metadata_location;    // Of the current file: the new one, but in a dry run.
  std::int64_t manifest_lists = 0;  // Written.
  std::int64_t manifests = 0;
  std::int64_t files = 0;            // Live ones, named by their new place.
  std::int64_t files_elsewhere = 0;  // That are not below `from`.
};

struct RelocateRequest {
  TableIdentifier table;
  Move move;
  bool dry_run = false;  // Look for everything, and write nothing.
  // Told after each snapshot how many of how many are through. May be empty.
  std::function<void(std::int64_t done, std::int64_t snapshots)> on_progress = {};
};

// Errors: NotFound for the table, and naming the first file that is not at its new place;
// InvalidArgument where nothing of the table lies below `from`; Conflict where somebody
// else committed meanwhile; Unimplemented for position deletes and deletion vectors,
// whose own files name data files, for encrypted manifests, for snapshots without a
// manifest list, and for a catalog whose server says where tables are; CommitUnknown.
Result<RelocateOutcome> Relocate(const base::Context& context, io::Store& store,
                                 Catalog& catalog, RandomSource& random,
                                 const base::Clock& clock,
                                 const RelocateRequest& request);

}  // namespace firn::iceberg

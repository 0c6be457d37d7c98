// SPDX-License-Identifier: Apache-2.0
// orphan_files.h: objects at a table's location that the table does not refer to: what
// writers that died, and removals that were cut off, left behind.
//
//   1. Gather the names of all that the table refers to (referenced_files.h).
//   2. List the location. What is younger than the age, or referred to, is passed over;
//      what is left is gathered up to a bound.
//   3. At the bound and at the end: load the table again, add what commits in between
//      refer to, strike that out, and visit what is left.
//
// What a writer under way has written, and will only then commit, is told from an orphan
// by nothing but its age: the age must be above what any writer takes from its first file
// to its commit. Ages are by the store's own clock, which a small object is put and
// removed to read.
//
// Passed over as well: names with a part that starts with `_` or `.`, which other tools
// keep for themselves (a partition's `_x=1` is none); but what a local store has begun to
// write, and left unfinished, is visited. Links to directories are not followed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "firn/time.h"
#include "iceberg/catalog.h"
#include "iceberg/commit.h"
#include "io/store.h"

namespace firn::iceberg {

struct OrphanSearch {
  DurationMs age_min_ms = DurationMs{3} * 24 * 3'600'000;
  // Put nothing into the store: ages are by the caller's clock.
  bool read_only = false;
  // About 5 MB of names. The table is loaded once for as many.
  std::size_t candidates_max = std::size_t{1} << 14;
};

// Call `visit` with each orphan, by its location as the store lists it. An error of
// `visit` ends the search and is returned.
// Errors: InvalidArgument where `gc.enabled` is false (another table may use the files),
// or a location cannot be compared; Conflict where the name is another table's meanwhile;
// what reading the table's metadata returns: then nothing further is visited.
Status VisitOrphans(const base::Context& context, const CommitEnvironment& environment,
                    const TableIdentifier& identifier, const OrphanSearch& search,
                    const std::function<Status(const io::ObjectInfo&)>& visit);

struct OrphanRemoval {
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::int64_t failed_files = 0;
  std::vector<std::string> failures;  // Of the first ten, why.
};

// Failures after which a removal gives up: the store will not have it.
inline constexpr std::int64_t kOrphanFailuresMax = 100;

// Remove what VisitOrphans visits; or, read-only, only count it. `progress` is called
// with each object once it is gone. A removal that fails is counted, and the others go
// on. May be cancelled, or die, at any object: the same call goes on with the rest.
// `*removal` counts also where an error is returned.
Status RemoveOrphans(const base::Context& context, const CommitEnvironment& environment,
                     const TableIdentifier& identifier, const OrphanSearch& search,
                     const std::function<void(const io::ObjectInfo&)>& progress,
                     OrphanRemoval* removal);

}  // namespace firn::iceberg

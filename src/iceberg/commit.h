// SPDX-License-Identifier: Apache-2.0
// commit.h: the loop that commits a transaction in spite of rivals.
//
//   1. Load the table.
//   2. Let the caller's builder look at it and fill a transaction.
//   3. Write manifests; ask the catalog to commit.
//   4. Conflict: remove what step 3 wrote, wait, and go to 1.
//
// Each round gives the builder fresh metadata, so a caller that keeps a position in the
// table's properties compares it every time, before anything is committed.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/context.h"
#include "firn/status.h"
#include "firn/time.h"
#include "iceberg/catalog.h"
#include "iceberg/manifest_io.h"
#include "iceberg/random.h"
#include "iceberg/transaction.h"

namespace firn::iceberg {

enum class BuildDecision : std::uint8_t {
  kCommit,       // Commit what the transaction holds.
  kAlreadyDone,  // The table is as wanted: stop, with success.
};

// Looks at the table as loaded and fills the (empty) transaction. An error ends the loop
// and is returned.
using TransactionBuilder = std::function<Result<BuildDecision>(const LoadedTable& table,
                                                               Transaction& transaction)>;

// Waits, or returns the context's status once that is no longer OK.
using WaitFunction = std::function<Status(const base::Context&, DurationMs)>;
// Sleeps the thread in short slices, looking at the context between them.
Status WaitBySleeping(const base::Context& context, DurationMs wait_ms);

struct CommitOptions {
  // The table that files were written for, where they were written before: Conflict where
  // another has its name by now, whose columns may have the same ids.
  std::optional<std::string> table_uuid = {};
  // Absent: the table's commit.retry.* properties, or Iceberg's defaults (4 retries,
  // 100 ms doubling to 60 s, 30 minutes in all).
  std::optional<int> retries_max;
  std::optional<DurationMs> wait_min_ms;
  std::optional<DurationMs> wait_max_ms;
  std::optional<DurationMs> total_ms;
  WaitFunction wait = WaitBySleeping;
};

struct CommitOutcome {
  LoadedTable table;  // As committed, or as loaded where there was nothing to do.
  bool committed = false;
  std::optional<Snapshot> snapshot;  // The one this commit made.
  int attempts = 0;
};

// What the loop works with. All must outlive the call.
struct CommitEnvironment {
  Catalog& catalog;
  const ManifestIo& manifests;
  const base::Clock& clock;
  RandomSource& random;
};

// Errors: Conflict when the retries are used up, and at once where an action says that it
// no longer holds for the table (what it was planned on is gone: plan again);
// CommitUnknown at once, with every file kept, for the caller to reload and reconcile;
// the context's; the builder's; otherwise what the store or catalog said. In all but
// CommitUnknown nothing was committed and the manifests written are removed (best effort:
// what cannot be removed is an orphan, never a fault). Data files are the caller's.
//
// Where the commit itself expired snapshots (`firn.history.expire-after-commit.enabled`),
// the files that only those referred to are removed after it, as far as possible.
Result<CommitOutcome> CommitWithRetry(const base::Context& context,
                                      const CommitEnvironment& environment,
                                      const TableIdentifier& identifier,
                                      const TransactionBuilder& builder,
                                      const CommitOptions& options = {});

}  // namespace firn::iceberg

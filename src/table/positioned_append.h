// SPDX-License-Identifier: Apache-2.0
// positioned_append.h: makes a writer's rows visible together with its position.
//
// Each time the table is loaded, before anything is committed, the writer's position in
// it is compared:
//
//   at `expected`   commit the files and set the position to `target`
//   at `target`     it was committed already: done, if an attempt was made before whose
//                   outcome is not known. Where none was, a copy of this writer has moved
//                   the position by as much, with rows of its own: stop
//   anything else   stop. Another process writes under this writer's name, or the table
//                   was put back to an older state; only a person can say which.
//
// So an unknown outcome is settled by loading again, and a rival's commit in between
// changes nothing: exactly once needs no second store.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/commit.h"
#include "iceberg/data_file.h"
#include "table/position.h"

namespace firn::table {

struct PositionedAppend {
  iceberg::TableIdentifier table;
  base::Ulid writer;
  // What the table held of this writer when it was last loaded; absent: nothing.
  std::optional<Position> expected;
  Position target;
  // May be empty: then only the position moves.
  std::vector<iceberg::DataFile> files;
  // These files were committed before, and the outcome was CommitUnknown.
  bool tried_before = false;
};

// Commit, and return the table as it is afterwards.
// Errors: CommitUnknown where an attempt's outcome was not known and looking again did
// not tell, for whatever reason (cancelled, unreachable): the files must stay and the
// same append be tried again later. Corruption where the position is neither of the two:
// the files stay too, for a person to look at. Others: nothing was committed, and the
// files are the caller's to remove or try again.
Result<iceberg::LoadedTable> CommitPositioned(
    const base::Context& context, const iceberg::CommitEnvironment& environment,
    const PositionedAppend& append, const iceberg::CommitOptions& options = {});

}  // namespace firn::table

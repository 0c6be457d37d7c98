// SPDX-License-Identifier: Apache-2.0
// transaction.h: changes to one table that are committed together.
//
//   base ─▶ action ─▶ copy ─▶ action ─▶ copy …      each action sees what the former made
//              │                 │
//              └──── updates ────┴─▶ with requirements ─▶ Catalog::CommitTable
//
// A transaction records actions against a base. BuildCommit turns them into requirements
// and updates, writing manifests where an action needs them; a catalog then commits both,
// or neither (catalog.h). After a conflict, Rebase the transaction onto newer metadata
// and build again: the actions are kept, and each checks for itself whether it still
// holds. CommitWithRetry (commit.h) is that loop.
//
// Thread-compatible.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "firn/status.h"
#include "iceberg/action.h"
#include "iceberg/manifest_io.h"
#include "iceberg/random.h"
#include "iceberg/requirement.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// What a catalog is asked to commit. No updates: the table is as wanted already.
struct TableCommit {
  std::vector<Requirement> requirements;
  std::vector<Update> updates;
  // The last snapshot among the updates, where there is one.
  std::optional<Snapshot> snapshot;
};

class Transaction {
 public:
  // `base` must outlive the transaction, or the next Rebase.
  explicit Transaction(const TableMetadata& base) : base_(&base) {}

  const TableMetadata& base() const { return *base_; }
  bool empty() const;

  // Actions are built in the order they are added in.
  void Add(Action action);

  // Add files in a new snapshot of the main branch, with `summary` added to its summary.
  // Calls add up to one snapshot. An append of no files makes no snapshot.
  void Append(std::vector<DataFile> files,
              std::map<std::string, std::string> summary = {});
  void SetProperties(std::map<std::string, std::string> properties);
  void RemoveProperties(std::vector<std::string> keys);
  // AddRegisteredColumn (schema_actions.h), refused at once where the base refuses it.
  Status AddColumn(const NestedField& column);

  // Take `newer` as the base; the actions stay.
  // REQUIRES: newer is a later version of the same table and outlives the transaction.
  void Rebase(const TableMetadata& newer) { base_ = &newer; }

  // Write what the actions need and return what to commit. A snapshot of a table with
  // `firn.history.expire-after-commit.enabled` expires old ones, once enough have
  // gathered (kExpireAfterCommitMin). Locations written are appended to `written` as they
  // are, also on an error; removing them when the commit fails is left to the caller.
  // Errors: the actions' own; a Conflict among them is one that building again on the
  // same table does not cure. REQUIRES: !empty().
  Result<TableCommit> BuildCommit(const base::Context& context,
                                  const ManifestIo& manifests, const base::Clock& clock,
                                  RandomSource& random,
                                  std::vector<std::string>* written) const;

 private:
  const TableMetadata* base_;
  std::vector<Action> actions_;
};

// Expiring goes with a commit once this many snapshots can go: what they alone refer to
// is found by reading the manifests of all that stay, which is not worth it for each.
inline constexpr std::size_t kExpireAfterCommitMin = 20;

}  // namespace firn::iceberg

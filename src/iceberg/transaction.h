// SPDX-License-Identifier: Apache-2.0
// transaction.h: changes to one table that are committed together.
//
// A transaction records actions against a base. BuildCommit turns them into requirements
// and updates, writing manifests where an action needs them; a catalog then commits both,
// or neither (catalog.h). After a conflict, Rebase the transaction onto newer metadata
// and build again: actions are kept, so nothing is lost. CommitWithRetry (commit.h) is
// that loop.
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
#include "iceberg/append.h"
#include "iceberg/manifest_io.h"
#include "iceberg/random.h"
#include "iceberg/requirement.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// What a catalog is asked to commit.
struct TableCommit {
  std::vector<Requirement> requirements;
  std::vector<Update> updates;
  // The snapshot among the updates, where there is one.
  std::optional<Snapshot> snapshot;
};

class Transaction {
 public:
  // `base` must outlive the transaction, or the next Rebase.
  explicit Transaction(const TableMetadata& base) : base_(&base) {}

  const TableMetadata& base() const { return *base_; }
  bool empty() const;

  // Add files in a new snapshot of the main branch, with `summary` added to its summary.
  // Calls add up to one snapshot. An append of no files makes no snapshot.
  void Append(std::vector<DataFile> files,
              std::map<std::string, std::string> summary = {});

  void SetProperties(std::map<std::string, std::string> properties);
  void RemoveProperties(std::vector<std::string> keys);

  // Add an optional top-level column with exactly this id: the caller keeps a registry of
  // ids. A column with this name and type that is there already makes it no change.
  // AlreadyExists where the name is taken by another type, or the id by another column.
  Status AddColumn(const NestedField& column);

  // Take `newer` as the base; the actions stay. Every action here rebases: appends do not
  // depend on what else was appended, the later writer of a property wins, and AddColumn
  // is checked again when the commit is built.
  // REQUIRES: newer is a later version of the same table and outlives the transaction.
  void Rebase(const TableMetadata& newer) { base_ = &newer; }

  // Write what the actions need and return what to commit. Locations written are appended
  // to `written` as they are, also on an error; removing them when the commit fails is
  // left to the caller. REQUIRES: !empty().
  Result<TableCommit> BuildCommit(const base::Context& context,
                                  const ManifestIo& manifests, const base::Clock& clock,
                                  RandomSource& random,
                                  std::vector<std::string>* written) const;

 private:
  const TableMetadata* base_;
  AppendRequest append_;
  std::map<std::string, std::string> set_properties_;
  std::vector<std::string> remove_properties_;
  std::vector<NestedField> add_columns_;
};

}  // namespace firn::iceberg

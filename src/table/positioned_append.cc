// SPDX-License-Identifier: Apache-2.0
#include "table/positioned_append.h"

#include "base/assert.h"
#include "base/log.h"

namespace firn::table {
namespace {

// How often an unknown outcome is looked into before the caller is told.
constexpr int kReconcileAttempts = 3;
constexpr DurationMs kReconcileWaitMs = 200;

std::string Describe(const std::optional<Position>& position) {
  return position.has_value() ? position->ToString() : "none";
}

}  // namespace

Result<iceberg::LoadedTable> CommitPositioned(
    const base::Context& context, const iceberg::CommitEnvironment& environment,
    const PositionedAppend& append, const iceberg::CommitOptions& options) {
  FIRN_ASSERT(append.expected != append.target);
  Status unknown;  // Of an attempt that may have been committed.
  const iceberg::TransactionBuilder builder =
      [&](const iceberg::LoadedTable& table,
          iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
    FIRN_ASSIGN_OR_RETURN(const std::optional<Position> now,
                          FindPosition(*table.metadata, append.writer));
    const bool may_be_done = append.tried_before || !unknown.ok();
    if (now == append.target && may_be_done) return iceberg::BuildDecision::kAlreadyDone;
    if (now != append.expected) {
      return Status::Corruption(
          "writer " + append.writer.ToString() + " is at position " + Describe(now) +
          " in the table and expected " + Describe(append.expected) +
          ": another process writes under this name, or the table was put back to an "
          "older state");
    }
    transaction.Append(append.files,
                       {{PositionKey(append.writer), append.target.ToString()}});
    transaction.SetProperties({{PositionKey(append.writer), append.target.ToString()}});
    return iceberg::BuildDecision::kCommit;
  };

  for (int attempt = 0; attempt < kReconcileAttempts; ++attempt) {
    Status status;
    if (attempt > 0) status = options.wait(context, kReconcileWaitMs);
    if (status.ok()) {
      Result<iceberg::CommitOutcome> outcome =
          iceberg::CommitWithRetry(context, environment, append.table, builder, options);
      if (outcome.ok()) return std::move(outcome->table);
      status = outcome.status();
    }
    if (status.Is(StatusCode::kCommitUnknown)) {
      unknown = status;
    } else if (unknown.ok() || status.Is(StatusCode::kCorruption)) {
      return status.With("commit " + append.table.ToString());
    }
    base::LogWarn(
        "commit outcome unknown, looking again",
        {{"table", append.table.ToString()}, {"reason", std::string(status.message())}});
  }
  return unknown.With("commit " + append.table.ToString());
}

}  // namespace firn::table

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
  const iceberg::TransactionBuilder builder =
      [&](const iceberg::LoadedTable& table,
          iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
    FIRN_ASSIGN_OR_RETURN(const std::optional<Position> now,
                          FindPosition(*table.metadata, append.writer));
    if (now == append.target) return iceberg::BuildDecision::kAlreadyDone;
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

  Status last;
  for (int attempt = 0; attempt < kReconcileAttempts; ++attempt) {
    if (attempt > 0) {
      FIRN_RETURN_IF_ERROR(options.wait(context, kReconcileWaitMs));
    }
    Result<iceberg::CommitOutcome> outcome = iceberg::CommitWithRetry(
        context, environment, append.table, builder, options);
    if (outcome.ok()) return std::move(outcome->table);
    const Status status = outcome.status();
    const bool unknown = status.Is(StatusCode::kCommitUnknown);
    // Once an outcome is unknown, an attempt that could not load the table leaves it so.
    const bool still_unknown = last.Is(StatusCode::kCommitUnknown) &&
                               status.Is(StatusCode::kUnavailable);
    if (!unknown && !still_unknown) {
      return status.With("commit " + append.table.ToString());
    }
    if (unknown) last = status;
    base::LogWarn("commit outcome unknown, looking again",
                  {{"table", append.table.ToString()},
                   {"reason", std::string(status.message())}});
  }
  return last.With("commit " + append.table.ToString());
}

}  // namespace firn::table

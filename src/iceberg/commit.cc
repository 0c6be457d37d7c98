// SPDX-License-Identifier: Apache-2.0
#include "iceberg/commit.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "base/log.h"
#include "iceberg/metadata_file.h"
#include "iceberg/unreachable_files.h"

namespace firn::iceberg {
namespace {

constexpr std::int64_t kRetriesDefault = 4;
constexpr DurationMs kWaitMinMsDefault = 100;
constexpr DurationMs kWaitMaxMsDefault = 60'000;
constexpr DurationMs kTotalMsDefault = 30 * 60'000;
// Longest time until a cancelled context is noticed.
constexpr DurationMs kSliceMs = 50;

// How often and how long to try, from the options or the table's properties.
struct RetryPolicy {
  RetryPolicy(const CommitOptions& options, const TableMetadata& metadata)
      : retries_max(options.retries_max
                        ? *options.retries_max
                        : metadata.PropertyCount(kPropertyRetries, kRetriesDefault)),
        wait_min_ms(options.wait_min_ms.value_or(
            metadata.PropertyCount(kPropertyRetryMinWaitMs, kWaitMinMsDefault))),
        wait_max_ms(options.wait_max_ms.value_or(
            metadata.PropertyCount(kPropertyRetryMaxWaitMs, kWaitMaxMsDefault))),
        total_ms(options.total_ms.value_or(
            metadata.PropertyCount(kPropertyRetryTotalMs, kTotalMsDefault))) {}

  // Doubles with each attempt, with a random tenth on top so that rivals part.
  DurationMs WaitMs(int attempt, RandomSource& random) const {
    const int doublings = std::min(attempt - 1, 30);
    const DurationMs wait_ms = std::clamp(wait_min_ms << doublings, wait_min_ms,
                                          std::max(wait_min_ms, wait_max_ms));
    const auto jitter_max =
        static_cast<std::uint64_t>(std::max<DurationMs>(wait_ms / 10, 1));
    return wait_ms + static_cast<DurationMs>(random.Next() % jitter_max);
  }

  std::int64_t retries_max;
  DurationMs wait_min_ms;
  DurationMs wait_max_ms;
  DurationMs total_ms;
};

// One attempt: build and commit.
struct Attempt {
  CommitOutcome outcome;
  std::vector<std::string> written;  // What to remove should it fail.
  // A rival came first, so that the same on newer metadata may succeed.
  bool may_retry = false;
};

// Whether another version of the table is current by now.
bool HasMovedOn(const base::Context& context, const CommitEnvironment& environment,
                const LoadedTable& table) {
  const auto now = environment.catalog.LoadTable(context, table.identifier);
  return now.ok() && now->metadata_location != table.metadata_location;
}

// Remove the files of snapshots that the commit itself expired. What cannot be removed is
// an orphan: the commit has been made.
void RemoveExpired(const base::Context& context, const ManifestIo& manifests,
                   const TableMetadata& before, const TableMetadata& after) {
  const auto removed = RemoveUnreachable(context, manifests, before, after);
  if (removed.ok()) return;
  base::LogWarn("files of expired snapshots were not all removed",
                {{"table", after.location}, {"error", removed.status().ToString()}});
}

Status TryCommit(const base::Context& context, const CommitEnvironment& environment,
                 LoadedTable table, const TransactionBuilder& builder, Attempt* attempt) {
  const ManifestIo manifests(table.StoreOr(environment.manifests.store()));
  Transaction transaction(*table.metadata);
  FIRN_ASSIGN_OR_RETURN(const BuildDecision decision, builder(table, transaction));
  CommitOutcome& outcome = attempt->outcome;
  if (decision == BuildDecision::kAlreadyDone || transaction.empty()) {
    outcome.table = std::move(table);
    return Status::OK();
  }
  auto commit = transaction.BuildCommit(context, manifests, environment.clock,
                                        environment.random, &attempt->written);
  if (!commit.ok()) {
    // A manifest may be gone because a rival's commit made it superfluous.
    attempt->may_retry = commit.status().Is(StatusCode::kNotFound) &&
                         HasMovedOn(context, environment, table);
    return commit.status();
  }
  if (commit->updates.empty()) {
    outcome.table = std::move(table);
    return Status::OK();
  }
  auto committed = environment.catalog.CommitTable(context, table.identifier,
                                                   commit->requirements, commit->updates);
  attempt->may_retry = committed.status().Is(StatusCode::kConflict);
  FIRN_ASSIGN_OR_RETURN(outcome.table, std::move(committed));
  outcome.committed = true;
  outcome.snapshot = std::move(commit->snapshot);
  const bool expires = std::ranges::any_of(commit->updates, [](const Update& update) {
    return std::holds_alternative<RemoveSnapshots>(update);
  });
  if (expires &&
      outcome.table.metadata->PropertyFlag(kPropertyExpireAfterCommit, false)) {
    RemoveExpired(context, manifests, *table.metadata, *outcome.table.metadata);
  }
  return Status::OK();
}

}  // namespace

Status WaitBySleeping(const base::Context& context, DurationMs wait_ms) {
  while (wait_ms > 0) {
    FIRN_RETURN_IF_ERROR(context.Check());
    const DurationMs slice_ms = std::min(wait_ms, kSliceMs);
    std::this_thread::sleep_for(std::chrono::milliseconds(slice_ms));
    wait_ms -= slice_ms;
  }
  return context.Check();
}

Result<CommitOutcome> CommitWithRetry(const base::Context& context,
                                      const CommitEnvironment& environment,
                                      const TableIdentifier& identifier,
                                      const TransactionBuilder& builder,
                                      const CommitOptions& options) {
  const std::string what = "commit " + identifier.ToString();
  const std::int64_t start_ns = environment.clock.SteadyNs();
  for (int attempt = 1;; ++attempt) {
    FIRN_RETURN_IF_ERROR(context.Check().With(what));
    auto table = environment.catalog.LoadTable(context, identifier);
    if (!table.ok()) return table.status().With(what);
    if (options.table_uuid.has_value() &&
        *options.table_uuid != table->metadata->table_uuid) {
      return Status::Conflict(what + ": the table was dropped meanwhile and made anew; " +
                              "what was written for the other one does not go into it");
    }
    const RetryPolicy policy(options, *table->metadata);

    const std::shared_ptr<io::Store> lent = table->store;
    Attempt round;
    const Status status =
        TryCommit(context, environment, std::move(table).value(), builder, &round);
    if (status.ok()) {
      round.outcome.attempts = attempt;
      return std::move(round.outcome);
    }
    if (status.Is(StatusCode::kCommitUnknown)) return status.With(what);
    RemoveUnnamed(lent ? *lent : environment.manifests.store(), round.written);
    if (!round.may_retry) return status.With(what);

    const DurationMs elapsed_ms = (environment.clock.SteadyNs() - start_ns) / 1'000'000;
    if (attempt > policy.retries_max || elapsed_ms >= policy.total_ms) {
      return status.With(what + ": gave up after attempt " + std::to_string(attempt));
    }
    FIRN_RETURN_IF_ERROR(
        options.wait(context, policy.WaitMs(attempt, environment.random)).With(what));
  }
}

}  // namespace firn::iceberg

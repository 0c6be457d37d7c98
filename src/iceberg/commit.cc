// SPDX-License-Identifier: Apache-2.0
#include "iceberg/commit.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "iceberg/metadata_file.h"

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

// One round: build and commit. `*written` holds what to remove should it fail.
Result<CommitOutcome> TryCommit(const base::Context& context,
                                const CommitEnvironment& environment, LoadedTable table,
                                const TransactionBuilder& builder,
                                std::vector<std::string>* written) {
  const ManifestIo manifests(table.StoreOr(environment.manifests.store()));
  Transaction transaction(*table.metadata);
  FIRN_ASSIGN_OR_RETURN(const BuildDecision decision, builder(table, transaction));
  CommitOutcome outcome;
  if (decision == BuildDecision::kAlreadyDone || transaction.empty()) {
    outcome.table = std::move(table);
    return outcome;
  }
  FIRN_ASSIGN_OR_RETURN(TableCommit commit,
                        transaction.BuildCommit(context, manifests, environment.clock,
                                                environment.random, written));
  FIRN_ASSIGN_OR_RETURN(
      outcome.table, environment.catalog.CommitTable(
                         context, table.identifier, commit.requirements, commit.updates));
  outcome.committed = true;
  outcome.snapshot = std::move(commit.snapshot);
  return outcome;
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
    const RetryPolicy policy(options, *table->metadata);

    const std::shared_ptr<io::Store> lent = table->store;
    std::vector<std::string> written;
    auto outcome =
        TryCommit(context, environment, std::move(table).value(), builder, &written);
    if (outcome.ok()) {
      outcome->attempts = attempt;
      return outcome;
    }
    const Status status = outcome.status();
    if (status.Is(StatusCode::kCommitUnknown)) return status.With(what);
    RemoveUnnamed(lent ? *lent : environment.manifests.store(), written);
    if (!status.Is(StatusCode::kConflict)) return status.With(what);

    const DurationMs elapsed_ms = (environment.clock.SteadyNs() - start_ns) / 1'000'000;
    if (attempt > policy.retries_max || elapsed_ms >= policy.total_ms) {
      return status.With(what + ": gave up after attempt " + std::to_string(attempt));
    }
    FIRN_RETURN_IF_ERROR(
        options.wait(context, policy.WaitMs(attempt, environment.random)).With(what));
  }
}

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "io/remote_request.h"

#include <charconv>

#include "firn/labels.h"

namespace firn::io {
namespace {

constexpr std::array<std::string_view, kStoreOperationCount> kNames = {
    "head", "get", "put", "delete", "list", "multipart", "bucket", "credentials"};

std::vector<double> SecondsBounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

// Whether another attempt may help although nobody answered this one.
bool IsTransient(const Status& status) { return status.Is(StatusCode::kUnavailable); }

}  // namespace

std::string_view StoreOperationName(StoreOperation operation) {
  return kNames[static_cast<std::size_t>(operation)];
}

StoreMetrics::StoreMetrics(base::MetricRegistry& registry, std::string_view scheme) {
  for (std::size_t i = 0; i < kStoreOperationCount; ++i) {
    const Labels labels = Labels::FromUnsorted(
        {{"scheme", std::string(scheme)}, {"operation", std::string(kNames[i])}});
    const auto counter = [&](std::string_view name, std::string_view help) {
      return &registry.GetCounter(name, help, labels);
    };
    families_[i] = {
        counter("firn_store_requests_total", "Requests sent to object stores."),
        counter("firn_store_request_errors_total",
                "Requests to object stores that failed, each attempt by itself."),
        counter("firn_store_request_retries_total",
                "Requests to object stores that were sent again."),
        counter("firn_store_sent_bytes_total", "Bytes of bodies sent to object stores."),
        counter("firn_store_received_bytes_total",
                "Bytes of bodies received from object stores."),
        &registry.GetHistogram("firn_store_request_duration_seconds",
                               "Time from a request to the end of its answer.",
                               SecondsBounds(), labels)};
  }
}

Verdict RemoteRequests::Attempt(const base::Context& context, const RemoteCall& call,
                                RemoteOutcome* outcome) {
  const Result<HttpRequest> request = call.make(context);
  if (!request.ok()) return {request.status()};
  HttpTrace trace;
  const std::int64_t start_ns = clock_.SteadyNs();
  Result<HttpResponse> response = client_.Send(*request, context, call.sink, &trace);
  const double seconds = static_cast<double>(clock_.SteadyNs() - start_ns) * 1e-9;
  Verdict verdict;
  if (response.ok()) {
    outcome->response = std::move(*response);
    verdict = call.judge(outcome->response);
    outcome->may_have_happened |= verdict.may_have_happened;
  } else {
    outcome->may_have_happened |= trace.may_have_arrived;
    verdict = {response.status(), IsTransient(response.status())};
  }
  if (metrics_ != nullptr) {
    const StoreMetrics::Family& family = metrics_->of(call.operation);
    family.requests->Add();
    if (!verdict.status.ok()) family.errors->Add();
    if (outcome->attempts > 1) family.retries->Add();
    family.sent_bytes->Add(static_cast<std::uint64_t>(trace.bytes_sent));
    family.received_bytes->Add(static_cast<std::uint64_t>(trace.bytes_received));
    family.seconds->Observe(seconds);
  }
  return verdict;
}

RemoteOutcome RemoteRequests::Run(const base::Context& context, const RemoteCall& call) {
  RemoteOutcome outcome;
  Verdict verdict;
  do {
    ++outcome.attempts;
    verdict = Attempt(context, call, &outcome);
  } while (!verdict.status.ok() && verdict.retry &&
           outcome.attempts < backoff_.attempts() &&
           backoff_.Wait(context, outcome.attempts + 1, verdict.wait_ms).ok());
  if (verdict.status.ok()) return outcome;
  const Status ended = context.Check();
  outcome.status = ended.ok() || !verdict.retry ? verdict.status : ended;
  if (outcome.attempts > 1) {
    const std::string message(outcome.status.message());
    outcome.status =
        Status(outcome.status.code(),
               message + " (after " + std::to_string(outcome.attempts) + " tries)");
  }
  outcome.status = outcome.status.With(std::string(StoreOperationName(call.operation)) +
                                       " " + call.location);
  return outcome;
}

Result<PutResult> PutResultOf(const RemoteOutcome& outcome) {
  PutResult result;
  result.earlier_may_have_arrived = outcome.may_have_happened;
  if (outcome.status.ok()) return result;
  result.status = outcome.status;
  if (outcome.status.Is(StatusCode::kAlreadyExists)) {
    result.outcome = PutOutcome::kTaken;
    return result;
  }
  if (!outcome.may_have_happened) return outcome.status;
  result.outcome = PutOutcome::kUnknown;
  return result;
}

DurationMs RetryAfterMs(const HttpResponse& response) {
  const std::string_view text = response.Header("Retry-After");
  DurationMs seconds = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return 0;
  constexpr DurationMs kSecondsMax = 86'400;
  return seconds < 0 || seconds > kSecondsMax ? 0 : seconds * 1000;
}

}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
// remote_request.h: one request to an object store, sent until it is answered for good.
// Internal to this room, but for RetryAfterMs.
//
// What a store's protocol adds is two functions: one makes (and signs) the request of
// each attempt, one judges the answer. Everything else is the same for every store and
// stands here: attempts, pauses, deadlines, metrics, the words of an error.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "firn/status.h"
#include "io/http_client.h"
#include "io/object_service.h"
#include "io/retry.h"

namespace firn::io {

// As the label `operation` of metrics and the first word of errors name it.
enum class StoreOperation : std::uint8_t {
  kHead,
  kGet,
  kPut,
  kDelete,
  kList,
  kMultipart,  // To begin, complete or give up a multipart upload; its parts are puts.
  kBucket,
  kCredentials,  // To a service that hands out keys or tokens.
};
inline constexpr std::size_t kStoreOperationCount = 8;
std::string_view StoreOperationName(StoreOperation operation);

// Requests, errors, retries, bytes and seconds, per operation of one scheme. Thread-safe.
class StoreMetrics {
 public:
  // `registry` must outlive it.
  StoreMetrics(base::MetricRegistry& registry, std::string_view scheme);

  struct Family {
    base::Counter* requests;  // Attempts.
    base::Counter* errors;    // Attempts that failed.
    base::Counter* retries;   // Attempts after the first.
    base::Counter* sent_bytes;
    base::Counter* received_bytes;
    base::Histogram* seconds;  // Of an attempt.
  };
  const Family& of(StoreOperation operation) const {
    return families_[static_cast<std::size_t>(operation)];
  }

 private:
  std::array<Family, kStoreOperationCount> families_;
};

// What an answer means.
struct Verdict {
  // OK: what was asked for. Otherwise why not, and what to check.
  Status status;
  // The same request may succeed later.
  bool retry = false;
  // How long the server asks to wait, or 0.
  DurationMs wait_ms = 0;
  // The server failed in the middle, perhaps after it had carried the request out.
  bool may_have_happened = false;
};

// A request that did not lead to what was asked for has a status; `response` is then the
// last answer, if there was one.
struct RemoteOutcome {
  Status status;
  HttpResponse response;
  int attempts = 0;
  // Some attempt ended without an answer, or with one that leaves it open, and the server
  // may have carried it out.
  bool may_have_happened = false;
};

struct RemoteCall {
  StoreOperation operation;
  std::string location;  // What errors name.
  // Make the request of an attempt. Called before each: times and credentials are those
  // of then, and a sink starts again. Its body must live until the attempt has ended.
  std::function<Result<HttpRequest>(const base::Context& context)> make;
  // Judge an answer whatever its code.
  std::function<Verdict(const HttpResponse& response)> judge;
  HttpClient::Sink sink = {};
};

// Thread-safe. What it is made of must outlive it; `metrics` may be null.
class RemoteRequests {
 public:
  RemoteRequests(HttpClient& client, Backoff& backoff, const base::Clock& clock,
                 const StoreMetrics* metrics)
      : client_(client), backoff_(backoff), clock_(clock), metrics_(metrics) {}

  RemoteOutcome Run(const base::Context& context, const RemoteCall& call);

 private:
  Verdict Attempt(const base::Context& context, const RemoteCall& call,
                  RemoteOutcome* outcome);

  HttpClient& client_;
  Backoff& backoff_;
  const base::Clock& clock_;
  const StoreMetrics* const metrics_;
};

// How a conditional put ended whose requests led to `outcome`: an error where it surely
// did not happen.
Result<PutResult> PutResultOf(const RemoteOutcome& outcome);

// The seconds of a Retry-After header, in milliseconds; 0 where there is none that counts
// seconds.
DurationMs RetryAfterMs(const HttpResponse& response);

}  // namespace firn::io

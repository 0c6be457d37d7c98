// SPDX-License-Identifier: Apache-2.0
#include "io/credential_request.h"

#include <utility>

namespace firn::io {
namespace {

constexpr DurationMs kNearbyConnectMs = 1'000;
constexpr DurationMs kNearbyIdleMs = 2'000;

Verdict Judge(const HttpResponse& response) {
  const std::string code = " (HTTP " + std::to_string(response.code) + ")";
  if (response.code == 429) {
    return {Status::Unavailable("throttled" + code), true, RetryAfterMs(response)};
  }
  if (response.code >= 500) {
    return {Status::Unavailable("the service failed" + code), true,
            RetryAfterMs(response)};
  }
  return {};
}

}  // namespace

CredentialRequests::CredentialRequests(HttpClientOptions client,
                                       const RetryOptions& retry,
                                       const base::Clock& clock,
                                       std::shared_ptr<const StoreMetrics> metrics)
    : client_(std::move(client)),
      retry_(retry),
      clock_(clock),
      metrics_(std::move(metrics)) {}

Result<HttpResponse> CredentialRequests::Send(const base::Context& context,
                                              const HttpAddress& address,
                                              const HttpRequest& request,
                                              const std::string& service,
                                              ServiceReach reach) const {
  HttpClientOptions options = client_;
  RetryOptions retry = retry_;
  if (reach != ServiceReach::kElsewhere) {
    options = {{}, true, kNearbyConnectMs, kNearbyIdleMs};
  }
  if (reach == ServiceReach::kProbe) retry.attempts = 1;
  HttpClient client(address, options);
  Backoff backoff(retry);
  RemoteRequests requests(client, backoff, clock_, metrics_.get());
  RemoteCall call;
  call.operation = StoreOperation::kCredentials;
  call.location = service;
  call.make = [&](const base::Context&) -> Result<HttpRequest> { return request; };
  call.judge = Judge;
  RemoteOutcome outcome = requests.Run(context, call);
  FIRN_RETURN_IF_ERROR(outcome.status);
  return std::move(outcome.response);
}

}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
// credential_request.h: asks the services that hand out keys and tokens. For this room
// and for catalogs behind HTTP.
//
// Each request is retried and counted as those of the store itself are, as the operation
// `credentials`.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/context.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "io/http_client.h"
#include "io/remote_request.h"

namespace firn::io {

// Where a service is, which decides how long it is waited for.
enum class ServiceReach : std::uint8_t {
  kElsewhere,
  // Offered by the machine to itself: it answers at once or not at all.
  kNearby,
  kProbe,  // The same, where it may well not be there: asked once.
};

// Thread-safe.
class CredentialRequests {
 public:
  // `client` is for services elsewhere. `metrics` may be null; `clock` must outlive it.
  CredentialRequests(HttpClientOptions client, const RetryOptions& retry,
                     const base::Clock& clock,
                     std::shared_ptr<const StoreMetrics> metrics);

  // The answer to `request` of the service at `address`, whatever its code: only that a
  // service fails or is too busy is an error (Unavailable), and that it is not there.
  // `service` is what errors call it.
  Result<HttpResponse> Send(const base::Context& context, const HttpAddress& address,
                            const HttpRequest& request, const std::string& service,
                            ServiceReach reach = ServiceReach::kElsewhere) const;

 private:
  const HttpClientOptions client_;
  const RetryOptions retry_;
  const base::Clock& clock_;
  const std::shared_ptr<const StoreMetrics> metrics_;
};

}  // namespace firn::io

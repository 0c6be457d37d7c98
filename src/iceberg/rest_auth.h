// SPDX-License-Identifier: Apache-2.0
// rest_auth.h: by what right a REST catalog is asked.
#pragma once

#include "base/clock.h"
#include "base/context.h"
#include "firn/rest_catalog.h"
#include "firn/status.h"
#include "io/access_token.h"
#include "io/credential_request.h"
#include "io/http_client.h"

namespace firn::iceberg {

io::HttpClientOptions HttpOptionsOf(const RestCatalogOptions& options);

// Tokens that the options name or that a token service hands out to the client they name.
// Thread-safe.
class RestAuth {
 public:
  // InvalidArgument where the options name a client without a secret or the reverse, or a
  // token service by no address. `clock` must outlive it.
  static Result<std::unique_ptr<RestAuth>> Make(const RestCatalogOptions& options,
                                                const io::HttpAddress& catalog,
                                                const base::Clock& clock);

  // The token to bear, or an empty one: the request is anonymous. PermissionDenied where
  // the service refuses, Unavailable where it does not answer.
  Result<io::AccessToken> Token(const base::Context& context);
  // The catalog did not take the token. Whether another may be had.
  bool Renew();

 private:
  RestAuth(const RestCatalogOptions& options, io::HttpAddress service, std::string target,
           const base::Clock& clock);
  Result<io::AccessToken> Fetch(const base::Context& context) const;

  const RestCatalogOptions options_;
  const io::HttpAddress service_;
  const std::string target_;
  const base::Clock& clock_;
  const io::CredentialRequests requests_;
  io::CachedToken cached_;
};

}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
// rest_catalog.h: how to reach a catalog that speaks the Iceberg REST protocol.
//
// Its address is the catalog's URI: `rest+https://HOST[:PORT][/PREFIX]`.
#pragma once

#include <string>

#include "firn/secret.h"
#include "firn/storage.h"
#include "firn/time.h"

namespace firn {

struct RestCatalogOptions {
  // A bearer token that does not end while it is used; or a client that asks for tokens
  // (OAuth2 client credentials). Neither: requests are anonymous.
  Secret token;
  std::string client_id;
  Secret client_secret;
  // Where tokens are asked for, `http[s]://HOST…/PATH`; empty: `v1/oauth/tokens` of the
  // catalog.
  std::string token_uri;
  std::string scope = "catalog";

  // Ask the server to lend credentials for the files of each table, and use them.
  bool vended_credentials = true;

  std::string ca_file;  // Trusted certificates (PEM); empty: the system's.
  bool verify_tls = true;
  DurationMs connect_timeout_ms = 10'000;
  DurationMs request_timeout_ms = 60'000;  // Without a byte either way.
  RetryOptions retry;
};

}  // namespace firn

// SPDX-License-Identifier: Apache-2.0
// azure_credentials.h: who a request to Azure comes from. Internal to this room.
//
//   source             set by                                                  expires
//   shared key         options, connection string, AZURE_STORAGE_KEY           never
//   SAS                options, connection string, AZURE_STORAGE_SAS_TOKEN     as it says
//   client secret      AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET   yes
//   workload identity  AZURE_TENANT_ID, AZURE_CLIENT_ID,                       yes
//                      AZURE_FEDERATED_TOKEN_FILE
//   managed identity   IDENTITY_ENDPOINT and IDENTITY_HEADER, else the machine yes
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/context.h"
#include "firn/secret.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "io/access_token.h"
#include "io/credential_request.h"
#include "io/environment.h"

namespace firn::io {

// One of the three secrets, or none of them: the request is anonymous.
struct AzureCredentials {
  Secret key;  // The account's, raw bytes.
  Secret sas;  // As it goes into a query, without the question mark.
  AccessToken token;
  std::string source;  // Such as "the options", for errors; "" for anonymous.
};

// Thread-safe.
class AzureCredentialsProvider {
 public:
  virtual ~AzureCredentialsProvider() = default;
  // Credentials that are valid for a while. PermissionDenied where there are none, with
  // all that was tried.
  virtual Result<AzureCredentials> Get(const base::Context& context) = 0;
  // A server called those of the last Get() expired: ask for others at the next.
  virtual void Expire() = 0;
};

// An account's place, and the secrets that were given for it.
struct AzureAccount {
  std::string name;      // Empty where nothing names one.
  std::string endpoint;  // Of its blobs.
  Secret key;            // In base64.
  Secret sas;
  std::string source;  // Where the secret came from.
};

// The account of `options`, of its connection string, or of the environment.
// InvalidArgument for a connection string that is none, naming what is wrong with it.
Result<AzureAccount> FindAzureAccount(const AzureOptions& options,
                                      const Environment& environment);

// What `options` asks for. InvalidArgument for a key that is no base64, and where the
// secret asked for is not there. All that is passed by reference must outlive it.
Result<std::shared_ptr<AzureCredentialsProvider>> MakeAzureCredentials(
    const AzureOptions& options, const AzureAccount& account,
    const Environment& environment, const base::Clock& clock,
    CredentialRequests requests);

}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
// gcs_credentials.h: who a request to Google Cloud Storage comes from. Internal to this
// room.
//
//   source     asked when                                                       expires
//   token      the options have one                                             never
//   file       gs_credentials_file, GOOGLE_APPLICATION_CREDENTIALS, or that of  yes
//              `gcloud auth application-default login`: a service account's
//              key, or a person's refresh token
//   metadata   the machine is Google's                                          yes
//   anonymous  asked for, or STORAGE_EMULATOR_HOST is set
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/context.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "io/access_token.h"
#include "io/credential_request.h"
#include "io/environment.h"

namespace firn::io {

// Thread-safe.
class GcsCredentialsProvider {
 public:
  virtual ~GcsCredentialsProvider() = default;
  // A token that is valid for a while. PermissionDenied where there is none, with all
  // that was tried.
  virtual Result<AccessToken> Get(const base::Context& context) = 0;
  // A server called the one of the last Get() expired: ask for another at the next.
  virtual void Expire() = 0;
  // The project of the credentials. NotFound where they name none.
  virtual Result<std::string> Project(const base::Context& context) = 0;
};

// What `options` asks for. All that is passed by reference must outlive it.
std::shared_ptr<GcsCredentialsProvider> MakeGcsCredentials(const GcsOptions& options,
                                                           const Environment& environment,
                                                           const base::Clock& clock,
                                                           CredentialRequests requests);

}  // namespace firn::io

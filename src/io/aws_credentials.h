// SPDX-License-Identifier: Apache-2.0
// aws_credentials.h: who a request to an AWS service comes from. Internal to this room.
//
//   source                 asked when                                     expires
//   explicit, environment  AWS_ACCESS_KEY_ID                              never
//   web identity           AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN      yes
//   profile                ~/.aws/credentials, ~/.aws/config              with role_arn
//   container              AWS_CONTAINER_CREDENTIALS_{RELATIVE,FULL}_URI  yes
//   instance               unless AWS_EC2_METADATA_DISABLED is true       yes
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/context.h"
#include "firn/secret.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "firn/time.h"
#include "io/environment.h"
#include "io/remote_request.h"

namespace firn::io {

struct AwsCredentials {
  std::string access_key_id;  // Empty: anonymous, the request is not signed.
  Secret secret_access_key;
  Secret session_token;                   // Empty where there is none.
  std::optional<TimestampUs> expires_us;  // Absent: never.
  std::string source;                     // Such as "the environment"; for errors.
  bool anonymous() const { return access_key_id.empty(); }
};

// Thread-safe.
class AwsCredentialsProvider {
 public:
  virtual ~AwsCredentialsProvider() = default;
  // Credentials that are valid for a while; asks for new ones where the last are about to
  // expire. PermissionDenied where there are none, with all that was tried.
  virtual Result<AwsCredentials> Get(const base::Context& context) = 0;
  // A server called those of the last Get() expired: ask for new ones at the next.
  virtual void Expire() = 0;
};

// What `options` asks for; its region is set. `environment` and `clock` must outlive it;
// `metrics`, where not null, count its requests.
std::shared_ptr<AwsCredentialsProvider> MakeAwsCredentials(
    const S3Options& options, const Environment& environment, const base::Clock& clock,
    std::shared_ptr<const StoreMetrics> metrics);

// The region of `options`, the environment (AWS_REGION, AWS_DEFAULT_REGION) or the
// profile, else us-east-1.
Result<std::string> FindAwsRegion(const S3Options& options,
                                  const Environment& environment);

}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
// s3_options.h: how to reach an S3 store and what to ask of it.
#pragma once

#include <cstdint>
#include <string>

#include "base/secret.h"
#include "firn/time.h"
#include "io/retry.h"

namespace firn::io {

// Where the credentials come from.
enum class AwsCredentialsKind : std::uint8_t {
  // The first of these that is there: environment, web identity, profile, container,
  // instance.
  kChain,
  kExplicit,
  kAnonymous,
  kProfile,
  kWebIdentity,
  kInstance,  // The role of the container or of the machine.
};

enum class ServerSideEncryption : std::uint8_t {
  kNone,   // What the bucket does by itself.
  kS3,     // AES256 with the store's own keys.
  kKms,    // With a key of the key management service.
  kCustomer,  // SSE-C: with a key that goes with every request; TLS only.
};

struct S3Options {
  std::string region;    // Empty: of the environment or profile, else us-east-1.
  std::string endpoint;  // `http[s]://HOST[:PORT]`; empty: Amazon's.
  // `https://endpoint/bucket/key` rather than `https://bucket.endpoint/key`. Always so
  // for an endpoint of one's own that is an address rather than a name.
  bool path_style = false;

  AwsCredentialsKind credentials = AwsCredentialsKind::kChain;
  std::string access_key_id;
  base::Secret secret_access_key;
  base::Secret session_token;
  std::string profile;              // Empty: AWS_PROFILE, else `default`.
  std::string role_arn;             // For kWebIdentity; empty: AWS_ROLE_ARN.
  std::string web_identity_token_file;  // Empty: AWS_WEB_IDENTITY_TOKEN_FILE.

  ServerSideEncryption encryption = ServerSideEncryption::kNone;
  std::string kms_key_id;      // For kKms; empty: the account's default key.
  base::Secret customer_key;   // For kCustomer: 32 raw bytes.

  std::string ca_file;  // Trusted certificates (PEM); empty: the system's.
  bool verify_tls = true;
  DurationMs connect_timeout_ms = 10'000;
  DurationMs request_timeout_ms = 60'000;  // Without a byte either way.
  RetryOptions retry;

  // An object longer than this is uploaded in parts, this many at a time.
  std::uint64_t multipart_threshold_bytes = std::uint64_t{100} << 20;
  int upload_concurrency = 10;
};

}  // namespace firn::io

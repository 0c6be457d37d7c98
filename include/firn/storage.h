// SPDX-License-Identifier: Apache-2.0
// storage.h: how to reach the places where objects lie, and what to ask of them.
#pragma once

#include <cstdint>
#include <string>

#include "firn/secret.h"
#include "firn/time.h"

namespace firn {

// When a request to a store is sent again.
struct RetryOptions {
  // How often a request is sent at most. REQUIRES: >= 1.
  int attempts = 3;
  // The longest wait before the second attempt; it doubles with each further one, and a
  // random part of it is waited.
  DurationMs backoff_first_ms = 100;
  DurationMs backoff_max_ms = 10'000;
};

// Where the credentials come from.
enum class AwsCredentialsKind : std::uint8_t {
  // The first of these that is there: explicit, environment, web identity, profile,
  // container, instance.
  kChain,
  kExplicit,
  kAnonymous,
  kProfile,
  kWebIdentity,
  kInstance,  // The role of the container or of the machine.
};

// What a store is asked to encrypt new objects with.
enum class ServerSideEncryption : std::uint8_t {
  kNone,      // What the bucket does by itself.
  kS3,        // AES256 with the store's own keys.
  kKms,       // With a key of the key management service.
  kCustomer,  // SSE-C: with a key that goes with every request; TLS only.
};

// A store that speaks S3.
struct S3Options {
  std::string region;    // Empty: of the environment or profile, else us-east-1.
  std::string endpoint;  // `http[s]://HOST[:PORT]`; empty: Amazon's.
  // `https://endpoint/bucket/key` rather than `https://bucket.endpoint/key`. Always so
  // for an endpoint of one's own that is an address rather than a name.
  bool path_style = false;

  AwsCredentialsKind credentials = AwsCredentialsKind::kChain;
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  std::string profile;                  // Empty: AWS_PROFILE, else `default`.
  std::string role_arn;                 // For kWebIdentity; empty: AWS_ROLE_ARN.
  std::string web_identity_token_file;  // Empty: AWS_WEB_IDENTITY_TOKEN_FILE.

  ServerSideEncryption encryption = ServerSideEncryption::kNone;
  std::string kms_key_id;  // For kKms; empty: the account's default key.
  Secret customer_key;     // For kCustomer: 32 bytes in base64.

  std::string ca_file;  // Trusted certificates (PEM); empty: the system's.
  bool verify_tls = true;
  DurationMs connect_timeout_ms = 10'000;
  DurationMs request_timeout_ms = 60'000;  // Without a byte either way.
  RetryOptions retry;

  // An object longer than this is uploaded in parts, this many at a time.
  std::int64_t multipart_threshold_bytes = std::int64_t{100} << 20;
  int upload_concurrency = 10;
};

// Where the credentials for Google Cloud Storage come from.
enum class GcsCredentialsKind : std::uint8_t {
  // The first of these that is there: token, file, metadata; anonymous with an emulator
  // that the environment names (STORAGE_EMULATOR_HOST).
  kChain,
  kToken,     // The access token of the options.
  kFile,      // A file with a service account's key or a person's refresh token.
  kMetadata,  // The service account of the machine.
  kAnonymous,
};

// Google Cloud Storage.
struct GcsOptions {
  std::string endpoint;  // `http[s]://HOST[:PORT]`; empty: Google's.
  // In which buckets are made; empty: of the credentials' file, the environment or the
  // machine.
  std::string project;

  GcsCredentialsKind credentials = GcsCredentialsKind::kChain;
  Secret access_token;
  // Empty: GOOGLE_APPLICATION_CREDENTIALS, else that of `gcloud auth
  // application-default login`.
  std::string credentials_file;

  std::string ca_file;  // Trusted certificates (PEM); empty: the system's.
  bool verify_tls = true;
  DurationMs connect_timeout_ms = 10'000;
  DurationMs request_timeout_ms = 60'000;  // Without a byte either way.
  RetryOptions retry;

  // An object longer than this is uploaded in parts, one after the other.
  std::int64_t multipart_threshold_bytes = std::int64_t{16} << 20;
};

// Where the credentials for Azure come from.
enum class AzureCredentialsKind : std::uint8_t {
  // The first of these that is there: those of the options, AZURE_STORAGE_CONNECTION_
  // STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, client secret, workload identity,
  // managed identity.
  kChain,
  kSharedKey,
  kSas,
  kClientSecret,
  kWorkloadIdentity,
  kManagedIdentity,  // Of the machine, or of the application service.
  kAnonymous,
};

// Azure Blob Storage.
struct AzureOptions {
  // The account of `az://` locations; empty: of the connection string or
  // AZURE_STORAGE_ACCOUNT.
  std::string account;
  // Of the account's blobs, `http[s]://HOST[:PORT][/ACCOUNT]`; empty: Azure's.
  std::string endpoint;

  AzureCredentialsKind credentials = AzureCredentialsKind::kChain;
  Secret account_key;  // In base64, as the portal shows it.
  Secret sas_token;    // `sv=…&sig=…`
  Secret connection_string;
  std::string tenant_id;  // Each empty: AZURE_TENANT_ID and so on.
  std::string client_id;
  Secret client_secret;
  std::string federated_token_file;

  std::string ca_file;  // Trusted certificates (PEM); empty: the system's.
  bool verify_tls = true;
  DurationMs connect_timeout_ms = 10'000;
  DurationMs request_timeout_ms = 60'000;  // Without a byte either way.
  RetryOptions retry;

  // An object longer than this is uploaded in parts, this many at a time.
  std::int64_t multipart_threshold_bytes = std::int64_t{100} << 20;
  int upload_concurrency = 10;
};

// Of every store. The local disk and memory need none.
struct StorageOptions {
  S3Options s3;
  GcsOptions gcs;
  AzureOptions azure;
  // A write to a bucket (or container) that is not there makes it.
  bool create_buckets = false;
};

}  // namespace firn

// SPDX-License-Identifier: Apache-2.0
// aws_signature.h: AWS Signature Version 4, in the Authorization header ("Authenticating
// Requests: Using the Authorization Header", Amazon S3 API Reference). Internal to this
// room. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/time.h"
#include "io/aws_credentials.h"
#include "io/http_client.h"

namespace firn::io {

struct AwsRequest {
  std::string method;
  std::string path = "/";  // Percent-encoded as it will be sent; with any prefix.
  std::vector<std::pair<std::string, std::string>> query;    // Plain text, any order.
  std::vector<std::pair<std::string, std::string>> headers;  // Lower-case names.
  std::string_view body;
  // The body's digest is not computed: for bodies that TLS protects.
  bool unsigned_payload = false;
};

// What a signature is for.
struct AwsScope {
  std::string host;     // As the Host header says it.
  std::string region;   // "us-east-1"
  std::string service;  // "s3", "sts"
};

// The request to send, with the headers that sign it where `credentials` are not
// anonymous. Borrows the body.
HttpRequest SignAwsRequest(AwsRequest request, const AwsScope& scope,
                           const AwsCredentials& credentials, TimestampUs now_us);

// `a/b c` as a path: each segment percent-encoded, slashes kept.
std::string PercentEncodePath(std::string_view path);

}  // namespace firn::io

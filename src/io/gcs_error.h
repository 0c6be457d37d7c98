// SPDX-License-Identifier: Apache-2.0
// gcs_error.h: what an answer of Google Cloud Storage other than 2xx means ("HTTP status
// and error codes for JSON"). Internal to this room. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "io/http_client.h"
#include "io/remote_request.h"

namespace firn::io {

// The `error` of an answer. Where the body is no JSON, as when an object's bytes were
// asked for, it is the message.
struct GcsError {
  std::string reason;  // "notFound"
  std::string message;
};
GcsError ParseGcsError(const HttpResponse& response);

// Who asked and for what, for the remedy an error names.
struct GcsAsker {
  std::string_view bucket;
  std::string_view credentials_source;  // "the options", or "" for anonymous.
  // What is not there can only be the bucket.
  bool needs_bucket_only = false;
};

// REQUIRES: the answer's code is not 2xx.
Verdict JudgeGcsError(const HttpResponse& response, const GcsAsker& asker);

}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
// s3_error.h: what an answer of an S3 store other than 2xx means ("Error responses",
// Amazon S3 API Reference). Internal to this room. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "io/http_client.h"
#include "io/remote_request.h"

namespace firn::io {

// The `<Error>` of an answer; empty fields where there is none, as with HEAD.
struct S3Error {
  std::string code;  // "NoSuchKey"
  std::string message;
  std::string region;  // Of the bucket, where the request went to another's.
};
S3Error ParseS3Error(const HttpResponse& response);

// Who asked, for the remedy an error names.
struct S3Asker {
  std::string_view bucket;
  std::string_view region;
  std::string_view credentials_source;  // "the environment", or "" for anonymous.
};

// REQUIRES: the answer failed: its code is not 2xx, or its body holds an `<Error>`.
Verdict JudgeS3Error(const HttpResponse& response, const S3Error& error,
                     const S3Asker& asker);

// The server called the credentials expired.
bool IsExpiredCredentials(const S3Error& error);

}  // namespace firn::io

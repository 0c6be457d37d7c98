// SPDX-License-Identifier: Apache-2.0
#include "server/errors.h"

#include <string>

#include "server/json.h"

namespace firn::server {

void SetTextError(Response& response, int code, std::string_view why) {
  response.Set(code, "text/plain; charset=utf-8", std::string(why) + "\n");
}

void SetJsonError(Response& response, int code, std::string_view error_type,
                  std::string_view why) {
  std::string body = R"({"status":"error","errorType":)";
  AppendJsonString(body, error_type);
  body += R"(,"error":)";
  AppendJsonString(body, why);
  body += "}\n";
  response.Set(code, "application/json", std::move(body));
}

void SetStatusError(Response& response, const Status& status) {
  const auto set = [&](int code, std::string_view type) {
    SetJsonError(response, code, type, status.message());
  };
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return set(400, "bad_data");
    case StatusCode::kNotFound:
      return set(404, "not_found");
    case StatusCode::kAlreadyExists:
    case StatusCode::kConflict:
      return set(409, "conflict");
    case StatusCode::kPermissionDenied:
      return set(403, "forbidden");
    case StatusCode::kDeadlineExceeded:
      return set(503, "timeout");
    case StatusCode::kCancelled:
      return set(499, "canceled");
    case StatusCode::kResourceExhausted:
    case StatusCode::kUnimplemented:
      return set(422, "execution");
    case StatusCode::kUnavailable:
    case StatusCode::kCommitUnknown:
      return set(503, "unavailable");
    case StatusCode::kOk:
    case StatusCode::kCorruption:
    case StatusCode::kInternal:
      return set(500, "internal");
  }
}

bool RefuseCrossSite(Exchange& exchange) {
  if (exchange.head.sec_fetch_site != "cross-site") return false;
  SetStatusError(exchange.response,
                 Status::PermissionDenied("a page of another site may not ask for this"));
  return true;
}

}  // namespace firn::server

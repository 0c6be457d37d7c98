// SPDX-License-Identifier: Apache-2.0
// errors.h: how a Status becomes an answer.
#pragma once

#include <string_view>

#include "firn/status.h"
#include "server/exchange.h"
#include "server/response.h"

namespace firn::server {

// `why` and a newline, as text.
void SetTextError(Response& response, int code, std::string_view why);

// Prometheus's envelope, which every endpoint but the plain-text ones answers with:
// {"status":"error","errorType":…,"error":…}
void SetJsonError(Response& response, int code, std::string_view error_type,
                  std::string_view why);

// By the status's code:
//   InvalidArgument     400 bad_data      NotFound            404 not_found
//   DeadlineExceeded    503 timeout       Cancelled           499 canceled
//   ResourceExhausted   422 execution     Unimplemented       422 execution
//   Unavailable         503 unavailable   CommitUnknown       503 unavailable
//   AlreadyExists, Conflict  409 conflict PermissionDenied    403 forbidden
//   Corruption, Internal     500 internal
void SetStatusError(Response& response, const Status& status);

// A page of another site can make a browser send a request here. What changes something,
// or runs SQL, answers 403 to one; browsers say where a request comes from by themselves.
bool RefuseCrossSite(Exchange& exchange);

}  // namespace firn::server

// SPDX-License-Identifier: Apache-2.0
// rest_error.h: what an answer of a REST catalog means for who asked. Pure.
#pragma once

#include <cstdint>

#include "firn/status.h"
#include "firn/time.h"
#include "io/http_client.h"

namespace firn::iceberg {

// What a request does, which decides what its errors mean.
enum class RestAction : std::uint8_t {
  kRead,    // Nothing: it can be sent again.
  kCreate,  // Makes a thing: 409 says that the name is taken.
  kChange,  // Changes or removes one: 409 says that its state does not allow it.
};

struct RestVerdict {
  // OK for what was asked for, 304 included.
  Status status;
  // It was not carried out, and the same request may succeed later.
  bool retry = false;
  DurationMs wait_ms = 0;  // How long the server asks to wait, or 0.
  // The token was not taken: another one may be.
  bool token_refused = false;
};

// Judge an answer whatever its code. In codes for the caller:
//
//   400, 422 and others      InvalidArgument
//   401, 403, 419            PermissionDenied
//   404                      NotFound; InvalidArgument where it is no catalog that
//   answers 409                      AlreadyExists or Conflict, by the action 406, 501
//   Unimplemented 429                      ResourceExhausted, to be sent again 503
//   Unavailable, to be sent again. A change is CommitUnknown
//                            where somebody in front of the catalog said it
//   other 5xx                Unavailable, to be sent again; a change is CommitUnknown
//
// The text is the server's own message with its type and the HTTP code, or the first
// bytes of what is no message of a catalog.
RestVerdict JudgeRestAnswer(const io::HttpResponse& response, RestAction action);

// The first bytes of a body, quoted, for errors.
std::string BodyExcerpt(std::string_view body);

}  // namespace firn::iceberg

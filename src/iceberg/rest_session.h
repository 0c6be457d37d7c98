// SPDX-License-Identifier: Apache-2.0
// rest_session.h: sends requests to a REST catalog until they are answered for good.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/rest_auth.h"
#include "iceberg/rest_error.h"
#include "io/http_client.h"
#include "io/retry.h"

namespace firn::iceberg {

struct RestRequest {
  RestAction action = RestAction::kRead;
  std::string method = "GET";
  std::string target = {};  // Path and query.
  std::string body = {};    // JSON, or empty.
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// Thread-safe.
class RestSession {
 public:
  // `auth` must outlive it.
  RestSession(io::HttpAddress address, const RestCatalogOptions& options, RestAuth& auth);

  // The answer where it is 2xx or 304; else a status by rest_error.h. What was surely not
  // carried out is sent again, a bounded number of times, as is a request whose token the
  // catalog calls expired, once, with another. A read is sent again where its answer is
  // lost; a change is CommitUnknown then.
  Result<io::HttpResponse> Send(const base::Context& context, const RestRequest& request);
  // The same, with the answer as JSON. An answer that is none is Corruption, or
  // CommitUnknown of a change.
  Result<nlohmann::json> SendForJson(const base::Context& context,
                                     const RestRequest& request);

 private:
  RestVerdict Attempt(const base::Context& context, const RestRequest& request,
                      io::HttpResponse* response);

  io::HttpClient client_;
  RestAuth& auth_;
  io::Backoff backoff_;
};

// The JSON of an answer to `request`.
Result<nlohmann::json> JsonOfAnswer(const RestRequest& request,
                                    const io::HttpResponse& response);

}  // namespace firn::iceberg

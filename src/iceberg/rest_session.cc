// SPDX-License-Identifier: Apache-2.0
#include "iceberg/rest_session.h"

#include "iceberg/json.h"

namespace firn::iceberg {

RestSession::RestSession(io::HttpAddress address, const RestCatalogOptions& options,
                         RestAuth& auth)
    : client_(std::move(address), HttpOptionsOf(options)),
      auth_(auth),
      backoff_(options.retry) {}

RestVerdict RestSession::Attempt(const base::Context& context, const RestRequest& request,
                                 io::HttpResponse* response) {
  const Result<io::AccessToken> token = auth_.Token(context);
  if (!token.ok()) return {token.status()};
  io::HttpRequest http;
  http.method = request.method;
  http.target = request.target;
  http.headers = request.headers;
  http.headers.emplace_back("Accept", "application/json");
  if (!request.body.empty())
    http.headers.emplace_back("Content-Type", "application/json");
  if (!token->text.empty()) {
    http.headers.emplace_back("Authorization",
                              "Bearer " + std::string(token->text.Reveal()));
  }
  http.body = request.body;
  // To remove a thing twice is to be told the second time that it is not there.
  http.once = request.action != RestAction::kRead;
  io::HttpTrace trace;
  Result<io::HttpResponse> answer = client_.Send(http, context, {}, &trace);
  if (answer.ok()) {
    *response = std::move(*answer);
    return JudgeRestAnswer(*response, request.action);
  }
  RestVerdict verdict{answer.status()};
  if (http.once && trace.may_have_arrived) {
    verdict.status = Status::CommitUnknown(std::string(answer.status().message()));
  } else {
    verdict.retry = answer.status().Is(StatusCode::kUnavailable);
  }
  return verdict;
}

Result<io::HttpResponse> RestSession::Send(const base::Context& context,
                                           const RestRequest& request) {
  bool renewed = false;
  for (int attempt = 1;; ++attempt) {
    FIRN_RETURN_IF_ERROR(context.Check());
    io::HttpResponse response;
    const RestVerdict verdict = Attempt(context, request, &response);
    if (verdict.status.ok()) return response;
    if (verdict.token_refused && !renewed && auth_.Renew()) {
      renewed = true;
      continue;
    }
    if (!verdict.retry || attempt >= backoff_.attempts()) return verdict.status;
    // It was not carried out, so that the wait may end with the context's own status. A
    // server that asks for too long a wait is not waited for.
    const Status waited = backoff_.Wait(context, attempt + 1, verdict.wait_ms);
    FIRN_RETURN_IF_ERROR(context.Check());
    if (!waited.ok()) return verdict.status;
  }
}

Result<nlohmann::json> JsonOfAnswer(const RestRequest& request,
                                    const io::HttpResponse& response) {
  auto json = ParseJson(response.body);
  if (json.ok() && json->is_object()) return json;
  const std::string what =
      "the catalog's answer is no JSON object: " + BodyExcerpt(response.body);
  return request.action == RestAction::kRead ? Status::Corruption(what)
                                             : Status::CommitUnknown(what);
}

Result<nlohmann::json> RestSession::SendForJson(const base::Context& context,
                                                const RestRequest& request) {
  FIRN_ASSIGN_OR_RETURN(const io::HttpResponse response, Send(context, request));
  return JsonOfAnswer(request, response);
}

}  // namespace firn::iceberg

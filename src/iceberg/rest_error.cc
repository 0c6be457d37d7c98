// SPDX-License-Identifier: Apache-2.0
#include "iceberg/rest_error.h"

#include <optional>
#include <string>

#include "base/quote.h"
#include "iceberg/json.h"
#include "io/remote_request.h"

namespace firn::iceberg {
namespace {

constexpr std::size_t kExcerptBytes = 120;
constexpr std::size_t kMessageBytesMax = 1000;

// The protocol's ErrorModel.
struct RestError {
  std::string message;
  std::string type;
};

std::optional<RestError> ParseError(const std::string& body) {
  const auto json = ParseJson(body);
  if (!json.ok() || !json->is_object()) return std::nullopt;
  RestError error;
  const auto model = json->find("error");
  if (model == json->end() || !model->is_object()) return error;
  const auto text = [&](const char* key) {
    const auto found = model->find(key);
    return found != model->end() && found->is_string() ? found->get<std::string>() : "";
  };
  error.message = text("message").substr(0, kMessageBytesMax);
  error.type = text("type").substr(0, kExcerptBytes);
  return error;
}

std::string Describe(const io::HttpResponse& response,
                     const std::optional<RestError>& error) {
  std::string text;
  if (error && !error->message.empty()) {
    // A stack of the server's is not for the caller.
    text = error->message.substr(0, error->message.find_first_of("\r\n"));
  } else if (!response.body.empty()) {
    text = "the answer is no catalog's: " + BodyExcerpt(response.body);
  } else {
    text = "no reason given";
  }
  text += " (HTTP " + std::to_string(response.code);
  if (error && !error->type.empty()) text += ", " + error->type;
  return text + ")";
}

StatusCode CodeOfConflict(RestAction action, const std::optional<RestError>& error) {
  if (error && error->type == "AlreadyExistsException") return StatusCode::kAlreadyExists;
  return action == RestAction::kCreate ? StatusCode::kAlreadyExists
                                       : StatusCode::kConflict;
}

StatusCode CodeOf(const io::HttpResponse& response, RestAction action,
                  const std::optional<RestError>& error) {
  switch (response.code) {
    case 400:
      // Servers of older versions of the protocol say so by 400.
      return error && error->type == "NamespaceNotEmptyException"
                 ? StatusCode::kConflict
                 : StatusCode::kInvalidArgument;
    case 401:
    case 403:
    case 419:
      return StatusCode::kPermissionDenied;
    case 404:
      return error || response.body.empty() ? StatusCode::kNotFound
                                            : StatusCode::kInvalidArgument;
    case 406:
    case 501:
      return StatusCode::kUnimplemented;
    case 409:
      return CodeOfConflict(action, error);
    case 429:
      return StatusCode::kResourceExhausted;
    case 503:
      return action == RestAction::kRead || error ? StatusCode::kUnavailable
                                                  : StatusCode::kCommitUnknown;
    default:
      if (response.code < 500) return StatusCode::kInvalidArgument;
      return action == RestAction::kRead ? StatusCode::kUnavailable
                                         : StatusCode::kCommitUnknown;
  }
}

}  // namespace

std::string BodyExcerpt(std::string_view body) {
  std::string text = base::Quoted(body.substr(0, kExcerptBytes));
  if (body.size() > kExcerptBytes) text += "…";
  return text;
}

RestVerdict JudgeRestAnswer(const io::HttpResponse& response, RestAction action) {
  RestVerdict verdict;
  if (response.code / 100 == 2 || response.code == 304) return verdict;
  const std::optional<RestError> error = ParseError(response.body);
  const StatusCode code = CodeOf(response, action, error);
  verdict.status = Status(code, Describe(response, error));
  verdict.retry = response.code == 429 || code == StatusCode::kUnavailable;
  verdict.wait_ms = io::RetryAfterMs(response);
  verdict.token_refused = response.code == 401 || response.code == 419;
  return verdict;
}

}  // namespace firn::iceberg

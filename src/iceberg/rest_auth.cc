// SPDX-License-Identifier: Apache-2.0
#include "iceberg/rest_auth.h"

#include <utility>

namespace firn::iceberg {
namespace {

// How long a token serves whose answer does not say so, as Iceberg's own client has it.
constexpr std::int64_t kLifeUs = 3'600'000'000;

}  // namespace

io::HttpClientOptions HttpOptionsOf(const RestCatalogOptions& options) {
  io::HttpClientOptions http;
  http.ca_file = options.ca_file;
  http.verify_tls = options.verify_tls;
  http.connect_timeout_ms = options.connect_timeout_ms;
  http.idle_timeout_ms = options.request_timeout_ms;
  return http;
}

Result<std::unique_ptr<RestAuth>> RestAuth::Make(const RestCatalogOptions& options,
                                                 const io::HttpAddress& catalog,
                                                 const base::Clock& clock) {
  if (options.client_id.empty() != options.client_secret.empty()) {
    return Status::InvalidArgument(
        "a client of the catalog's token service needs both rest_client_id and "
        "rest_client_secret");
  }
  io::HttpAddress service = catalog;
  std::string target = "/v1/oauth/tokens";
  if (!options.token_uri.empty()) {
    FIRN_ASSIGN_OR_RETURN(service, io::HttpAddress::Parse(options.token_uri));
    target.clear();  // All of its path is the address's prefix.
  }
  return std::unique_ptr<RestAuth>(
      new RestAuth(options, std::move(service), std::move(target), clock));
}

RestAuth::RestAuth(const RestCatalogOptions& options, io::HttpAddress service,
                   std::string target, const base::Clock& clock)
    : options_(options),
      service_(std::move(service)),
      target_(std::move(target)),
      clock_(clock),
      requests_(HttpOptionsOf(options), options.retry, clock, nullptr),
      cached_(clock) {}

Result<io::AccessToken> RestAuth::Token(const base::Context& context) {
  if (!options_.token.empty()) {
    return io::AccessToken{options_.token, std::nullopt, "the options"};
  }
  if (options_.client_id.empty()) return io::AccessToken{};
  return cached_.Get([&] { return Fetch(context); });
}

bool RestAuth::Renew() {
  if (!options_.token.empty() || options_.client_id.empty()) return false;
  cached_.Expire();
  return true;
}

Result<io::AccessToken> RestAuth::Fetch(const base::Context& context) const {
  const std::string form =
      io::FormOf({{"grant_type", "client_credentials"},
                  {"client_id", options_.client_id},
                  {"client_secret", std::string(options_.client_secret.Reveal())},
                  {"scope", options_.scope}});
  io::HttpRequest request;
  request.method = "POST";
  request.target = target_;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  request.body = form;
  FIRN_ASSIGN_OR_RETURN(
      const io::HttpResponse response,
      requests_.Send(context, service_, request, "the catalog's token service"));
  const TimestampUs now_us = clock_.NowUs();
  FIRN_ASSIGN_OR_RETURN(
      io::AccessToken token,
      io::ParseTokenAnswer(response, "client " + options_.client_id, now_us));
  if (token.expires_us == now_us) token.expires_us = now_us + kLifeUs;
  return token;
}

}  // namespace firn::iceberg

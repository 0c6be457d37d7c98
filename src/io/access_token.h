// SPDX-License-Identifier: Apache-2.0
// access_token.h: tokens that whoever bears them may use for a while (RFC 6750). For
// this room and for catalogs behind HTTP.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "firn/secret.h"
#include "firn/status.h"
#include "firn/time.h"
#include "io/http_client.h"

namespace firn::io {

struct AccessToken {
  Secret text;  // Empty: none is sent, the request is anonymous.
  std::optional<TimestampUs> expires_us;  // Absent: never, as far as is known.
  std::string source;                     // Such as "the options"; for errors.
};

// The token of an answer of a token service (RFC 6749, section 5.1), whose life counts
// from `now_us`. PermissionDenied, naming `source` and what the service said (section
// 5.2), for any other answer.
Result<AccessToken> ParseTokenAnswer(const HttpResponse& response, std::string source,
                                     TimestampUs now_us);

// Keeps a token until shortly before it ends. Thread-safe.
class CachedToken {
 public:
  // `clock` must outlive it.
  explicit CachedToken(const base::Clock& clock) : clock_(clock) {}

  // The token kept, or what `fetch` returns: another is fetched some minutes before the
  // one kept ends, which goes on serving where that fails. Others wait for the same
  // answer.
  Result<AccessToken> Get(const std::function<Result<AccessToken>()>& fetch);
  // A server called the token expired: fetch another at the next Get(), where another may
  // come. Tokens that never end are kept.
  void Expire();

 private:
  const base::Clock& clock_;
  std::mutex mutex_;
  std::optional<AccessToken> last_;
  TimestampUs renew_us_ = 0;  // When another is asked for.
};

// `a=b&c=d` of names and values, percent-encoded.
std::string FormOf(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace firn::io

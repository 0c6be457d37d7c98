// SPDX-License-Identifier: Apache-2.0
// http_client.h: asks an HTTP/1.1 server, over TCP or TLS.
//
// The wall around libcurl, which brings connections, name resolution, proxies and TLS.
// The seam at which faults are injected is the server at the other end: tests start one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "firn/time.h"

namespace firn::io {

// `http[s]://HOST[:PORT][/PREFIX]`. A value type.
struct HttpAddress {
  std::string host;  // IPv6 without its brackets.
  std::string port = "80";
  std::string prefix;  // "" or "/…", without a slash at its end.
  bool tls = false;

  // Takes HOST:PORT too, which is http. InvalidArgument, quoting the text, for anything
  // else.
  static Result<HttpAddress> Parse(std::string_view text);
  // HOST:PORT, the host in brackets where it holds a colon.
  std::string Authority() const;
  // What a request's Host header says: Authority() without the scheme's own port.
  std::string HostHeader() const;
  bool operator==(const HttpAddress&) const = default;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // Path and query, percent-encoded; the prefix goes before it.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string_view body = {};
  // To carry it out twice is not to carry it out once, whatever its method says.
  bool once = false;
  // How long nothing may come or go of this request; 0: as long as the client's options
  // say.
  DurationMs idle_timeout_ms = 0;
};

struct HttpResponse {
  int code = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // Names as they came.
  std::string body;

  // The first value of `name`, in any case, or "".
  std::string_view Header(std::string_view name) const;
};

struct HttpClientOptions {
  // A file of trusted certificates (PEM); empty: those of the system.
  std::string ca_file;
  // Without it anybody may answer in the server's name: for tests of other parties.
  bool verify_tls = true;
  DurationMs connect_timeout_ms = 10'000;
  // How long nothing may come or go; 0: as long as the context allows.
  DurationMs idle_timeout_ms = 0;
};

// What happened on the wire, of one Send().
struct HttpTrace {
  // The server may have carried the request out, whatever Send() returned.
  bool may_have_arrived = false;
  bool timed_out = false;           // Nothing came or went for one of the timeouts.
  std::int64_t bytes_sent = 0;      // Of the body.
  std::int64_t bytes_received = 0;  // Of the answer's body.
};

// Thread-safe: each request that is under way has a connection of its own. Keeps
// connections from request to request, and opens another where the server is seen to have
// closed one meanwhile. The close may also cross the request on its way: the connection
// ends before any byte of the answer. Then
//
//   GET, HEAD, OPTIONS, PUT, DELETE   are sent once more, on a fresh connection: to carry
//                                     them out twice is to carry them out once
//   POST, all others, and `once`      are not; the error says that the server may have
//                                     carried the request out
//
// (RFC 9112, section 9.3.1). All other retries are the caller's. No redirect is followed.
// Proxies are those of the environment (http_proxy and its kin); an address of this
// machine is never asked through one.
class HttpClient {
 public:
  // Above this a body is ResourceExhausted, unless it goes to a sink.
  static constexpr std::size_t kBodyBytesMax = std::size_t{256} << 20;

  explicit HttpClient(HttpAddress address, HttpClientOptions options = {});
  ~HttpClient();  // REQUIRES: no request is under way.
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Takes a piece of a body; an error ends the request.
  using Sink = std::function<Status(std::string_view bytes)>;

  // Send `request` and return the answer, whatever its code. With a sink, the body of a
  // 2xx answer goes there instead. `trace`, where given, is set either way.
  // Errors: Unavailable where the server does not answer or breaks off; InvalidArgument
  // where its certificate is not trusted; what the context or the sink says.
  Result<HttpResponse> Send(const HttpRequest& request, const base::Context& context,
                            const Sink& sink = {}, HttpTrace* trace = nullptr);

  const HttpAddress& address() const { return address_; }

 private:
  class Connection;  // Of libcurl: with its own idle connection to the server.
  std::unique_ptr<Connection> TakeConnection();
  void KeepConnection(std::unique_ptr<Connection> connection);

  const HttpAddress address_;
  const HttpClientOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

// Percent-encode `text` for a query parameter or a path segment: all but the unreserved
// characters of RFC 3986, section 2.3.
std::string PercentEncode(std::string_view text);
// As forms and S3's listings encode it: a `+` is a space. InvalidArgument for a `%`
// without two hexadecimal digits.
Result<std::string> FormDecode(std::string_view text);

// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7, the form that is written).
Result<TimestampUs> ParseHttpDate(std::string_view text);
// The same form. REQUIRES: a year of four digits.
std::string FormatHttpDate(TimestampUs timestamp_us);

}  // namespace firn::io

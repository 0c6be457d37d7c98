// SPDX-License-Identifier: Apache-2.0
// http_client.h: asks an HTTP/1.1 server.
//
// Plain TCP: an https address is Unimplemented. The seam at which faults are injected is
// the server at the other end: tests start one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "firn/time.h"

namespace firn::io {

// `http://HOST[:PORT][/PREFIX]`. A value type.
struct HttpAddress {
  std::string host;  // IPv6 without its brackets.
  std::string port = "80";
  std::string prefix;  // "" or "/…", without a slash at its end.

  // Takes HOST:PORT too. InvalidArgument, quoting the text, for anything else.
  static Result<HttpAddress> Parse(std::string_view text);
  // HOST:PORT, the host in brackets where it holds a colon.
  std::string Authority() const;
  bool operator==(const HttpAddress&) const = default;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // Path and query, percent-encoded; the prefix goes before it.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string_view body = {};
};

struct HttpResponse {
  int code = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // Names as they came.
  std::string body;

  // The first value of `name`, in any case, or "".
  std::string_view Header(std::string_view name) const;
};

// Thread-compatible. Keeps its connection from request to request, and opens another
// where the server is seen to have closed it meanwhile. The close may also cross the
// request on its way: the connection ends before any byte of the answer. Then
//
//   GET, HEAD, OPTIONS, PUT, DELETE   are sent once more, on a fresh connection: to carry
//                                     them out twice is to carry them out once
//   POST and all others               only where no byte had been sent; otherwise the
//                                     server may have carried it out, and the error says
//                                     so
//
// (RFC 9112, section 9.3.1). A connection that ends as its first request is answered is
// an error for every method. All other retries are the caller's.
class HttpClient {
 public:
  // Above this a body is ResourceExhausted, unless it goes to a sink.
  static constexpr std::size_t kBodyBytesMax = std::size_t{256} << 20;

  explicit HttpClient(HttpAddress address) : address_(std::move(address)) {}
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Takes a piece of a body; an error ends the request.
  using Sink = std::function<Status(std::string_view bytes)>;

  // Send `request` and return the answer, whatever its code. With a sink, the body of a
  // 2xx answer goes there instead. Unavailable where the server does not answer or breaks
  // off; what the context or the sink says.
  Result<HttpResponse> Send(const HttpRequest& request, const base::Context& context,
                            const Sink& sink = {});

  const HttpAddress& address() const { return address_; }

 private:
  // How far one sending of a request came.
  struct Progress {
    bool request_left = false;  // A byte of it was sent.
    bool answer_came = false;   // A byte of the answer was read.
    bool was_closed = false;    // The server ended the connection.
  };
  Status Connect(const base::Context& context);
  // Send `request` on the connection that there is.
  Result<HttpResponse> SendOnce(const HttpRequest& request, const base::Context& context,
                                const Sink& sink, Progress* progress);
  Status WriteAll(std::string_view bytes, const base::Context& context,
                  Progress* progress);
  Result<std::size_t> Read(char* out, std::size_t size, const base::Context& context,
                           Progress* progress);
  Result<HttpResponse> ReadResponse(bool is_head, const base::Context& context,
                                    const Sink& sink, Progress* progress);
  // Whether the idle connection may still be used.
  bool IsUsable() const;
  void Close();
  Status Unavailable(std::string_view what) const;

  const HttpAddress address_;
  int fd_ = -1;
};

// Percent-encode `text` for a query parameter or a path segment.
std::string PercentEncode(std::string_view text);

}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
#include "io/http_client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "base/quote.h"

namespace firn::io {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastText = boost::beast::string_view;

// How often a wait looks at its context.
constexpr int kCheckIntervalMs = 50;
constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::uint32_t kHeaderBytesMax = 64 << 10;

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
           return lower(x) == lower(y);
         });
}

// To carry out such a request twice is to carry it out once (RFC 9110, section 9.2.2).
bool IsIdempotent(std::string_view method) {
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
  return std::find(std::begin(kMethods), std::end(kMethods), method) !=
         std::end(kMethods);
}

bool IsEndOfConnection(int error) { return error == EPIPE || error == ECONNRESET; }

// Wait until `fd` is ready, for as long as the context allows.
Status WaitFor(int fd, short events, const base::Context& context) {
  for (;;) {
    FIRN_RETURN_IF_ERROR(context.Check());
    pollfd poll_fd{fd, events, 0};
    const int ready = poll(&poll_fd, 1, kCheckIntervalMs);
    if (ready > 0) return Status::OK();
    if (ready < 0 && errno != EINTR) return Status::Unavailable(std::strerror(errno));
  }
}

// Fills an HttpResponse; its body goes to the sink where there is one and the code is
// 2xx.
class ResponseParser final : public http::basic_parser<false> {
 public:
  ResponseParser(HttpResponse* response, const HttpClient::Sink& sink)
      : response_(response), sink_(sink) {
    header_limit(kHeaderBytesMax);
    body_limit(boost::none);  // Taken care of below, by HttpClient::kBodyBytesMax.
  }

  Status status;  // Why a call below refused to go on.

 private:
  void on_request_impl(http::verb, BeastText, BeastText, int, error_code& ec) override {
    ec = {};
  }
  void on_response_impl(int code, BeastText, int, error_code& ec) override {
    ec = {};
    response_->code = code;
  }
  void on_field_impl(http::field, BeastText name, BeastText value,
                     error_code& ec) override {
    ec = {};
    response_->headers.emplace_back(std::string(name.data(), name.size()),
                                    std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code& ec) override { ec = {}; }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code& ec) override {
    ec = {};
  }
  std::size_t on_body_impl(BeastText body, error_code& ec) override {
    Take(body, ec);
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastText, error_code& ec) override {
    ec = {};
  }
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText body, error_code& ec) override {
    Take(body, ec);
    return body.size();
  }
  void on_finish_impl(error_code& ec) override { ec = {}; }

  void Take(BeastText body, error_code& ec) {
    ec = {};
    if (sink_ && response_->code / 100 == 2) {
      status = sink_({body.data(), body.size()});
    } else if (response_->body.size() + body.size() > HttpClient::kBodyBytesMax) {
      status =
          Status::ResourceExhausted("the answer is longer than " +
                                    std::to_string(HttpClient::kBodyBytesMax) + " bytes");
    } else {
      response_->body.append(body.data(), body.size());
    }
    if (!status.ok()) ec = http::error::body_limit;
  }

  HttpResponse* response_;
  const HttpClient::Sink& sink_;
};

}  // namespace

Result<HttpAddress> HttpAddress::Parse(std::string_view text) {
  const auto bad = [&] {
    return Status::InvalidArgument("expected http://HOST:PORT, got " +
                                   base::Quoted(text));
  };
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    return Status::Unimplemented("https is not supported: " + std::string(text));
  }
  const bool has_scheme = rest.starts_with("http://");
  if (has_scheme) rest.remove_prefix(7);
  HttpAddress address;
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) {
    address.prefix = rest.substr(slash);
    while (!address.prefix.empty() && address.prefix.back() == '/') {
      address.prefix.pop_back();
    }
    rest = rest.substr(0, slash);
  }
  std::size_t colon = rest.rfind(':');
  if (!rest.empty() && rest.front() == '[') {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return bad();
    address.host = rest.substr(1, close - 1);
    if (close + 1 < rest.size() && rest[close + 1] != ':') return bad();
    if (colon < close) colon = std::string_view::npos;
  } else {
    address.host = rest.substr(0, colon);
  }
  if (colon != std::string_view::npos) {
    address.port = rest.substr(colon + 1);
  } else if (!has_scheme) {
    return bad();
  }
  const bool digits =
      !address.port.empty() && std::all_of(address.port.begin(), address.port.end(),
                                           [](char c) { return c >= '0' && c <= '9'; });
  if (address.host.empty() || !digits) return bad();
  return address;
}

std::string HttpAddress::Authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
}

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoringCase(key, name)) return value;
  }
  return {};
}

HttpClient::~HttpClient() { Close(); }

void HttpClient::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Status HttpClient::Unavailable(std::string_view what) const {
  return Status::Unavailable("server " + address_.Authority() + ": " + std::string(what));
}

bool HttpClient::IsUsable() const {
  if (fd_ < 0) return false;
  // Anything to read on an idle connection is its end, or bytes nobody asked for.
  pollfd poll_fd{fd_, POLLIN | POLLRDHUP, 0};
  return poll(&poll_fd, 1, 0) == 0;
}

Status HttpClient::Connect(const base::Context& context) {
  Close();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int looked_up =
      getaddrinfo(address_.host.c_str(), address_.port.c_str(), &hints, &found);
  if (looked_up != 0) return Unavailable(gai_strerror(looked_up));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    fd_ = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return Unavailable(std::strerror(errno));
    error = connect(fd_, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      const Status waited = WaitFor(fd_, POLLOUT, context);
      if (!waited.ok()) {
        Close();
        return waited;
      }
      socklen_t size = sizeof error;
      getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) {
      const int on = 1;
      setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return Status::OK();
    }
    Close();
  }
  return Unavailable(std::strerror(error));
}

Status HttpClient::WriteAll(std::string_view bytes, const base::Context& context,
                            Progress* progress) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      progress->request_left |= n > 0;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      FIRN_RETURN_IF_ERROR(WaitFor(fd_, POLLOUT, context));
    } else if (errno != EINTR) {
      progress->was_closed = IsEndOfConnection(errno);
      return Unavailable(std::strerror(errno));
    }
  }
  return Status::OK();
}

Result<std::size_t> HttpClient::Read(char* out, std::size_t size,
                                     const base::Context& context, Progress* progress) {
  for (;;) {
    const ssize_t n = recv(fd_, out, size, MSG_DONTWAIT);
    if (n >= 0) {
      (n > 0 ? progress->answer_came : progress->was_closed) = true;
      return static_cast<std::size_t>(n);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      FIRN_RETURN_IF_ERROR(WaitFor(fd_, POLLIN, context));
    } else if (errno != EINTR) {
      progress->was_closed = IsEndOfConnection(errno);
      return Unavailable(std::strerror(errno));
    }
  }
}

Result<HttpResponse> HttpClient::Send(const HttpRequest& request,
                                      const base::Context& context, const Sink& sink) {
  const bool was_kept = IsUsable();
  if (!was_kept) FIRN_RETURN_IF_ERROR(Connect(context));
  Progress progress;
  Result<HttpResponse> response = SendOnce(request, context, sink, &progress);
  const bool crossed = was_kept && !response.ok() &&
                       response.status().Is(StatusCode::kUnavailable) &&
                       progress.was_closed && !progress.answer_came;
  if (!crossed) return response;
  if (progress.request_left && !IsIdempotent(request.method)) {
    return Unavailable("closed the connection before it answered; whether the " +
                       request.method + " was carried out is not known");
  }
  FIRN_RETURN_IF_ERROR(Connect(context));
  return SendOnce(request, context, sink, &progress);
}

Result<HttpResponse> HttpClient::SendOnce(const HttpRequest& request,
                                          const base::Context& context, const Sink& sink,
                                          Progress* progress) {
  std::string head = request.method + " " + address_.prefix + request.target +
                     " HTTP/1.1\r\nHost: " + address_.Authority() + "\r\n";
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  head += "\r\n";
  Status sent = WriteAll(head, context, progress);
  if (sent.ok()) sent = WriteAll(request.body, context, progress);
  // A server that refuses a body may answer and close before it has read all of it.
  if (!sent.ok() && !sent.Is(StatusCode::kUnavailable)) {
    Close();
    return sent;
  }
  Result<HttpResponse> response =
      ReadResponse(request.method == "HEAD", context, sink, progress);
  if (!response.ok()) {
    Close();
    if (!sent.ok()) return sent;
  }
  return response;
}

Result<HttpResponse> HttpClient::ReadResponse(bool is_head, const base::Context& context,
                                              const Sink& sink, Progress* progress) {
  std::vector<char> buffer(kReadBytes);
  std::size_t begin = 0;
  std::size_t end = 0;
  for (;;) {
    HttpResponse response;
    ResponseParser parser(&response, sink);
    if (is_head) parser.skip(true);
    while (!parser.is_done()) {
      error_code ec;
      if (begin < end) {
        const std::size_t used =
            parser.put(boost::asio::const_buffer(buffer.data() + begin, end - begin), ec);
        begin += used;
        if (!parser.status.ok()) return parser.status;
        if (ec && ec != http::error::need_more) return Unavailable(ec.message());
        if (used > 0) continue;
      }
      std::memmove(buffer.data(), buffer.data() + begin, end - begin);
      end -= begin;
      begin = 0;
      if (end == buffer.size()) return Unavailable("the header fields are too long");
      FIRN_ASSIGN_OR_RETURN(
          const std::size_t n,
          Read(buffer.data() + end, buffer.size() - end, context, progress));
      end += n;
      if (n > 0) continue;
      if (!parser.got_some()) return Unavailable("closed the connection");
      parser.put_eof(ec);
      if (ec) return Unavailable("broke off in the middle of an answer");
    }
    if (response.code / 100 == 1) continue;  // 100 Continue: the answer follows.
    if (!parser.keep_alive()) Close();
    return response;
  }
}

std::string PercentEncode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
                       c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

}  // namespace firn::io

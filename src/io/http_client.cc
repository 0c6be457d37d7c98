// SPDX-License-Identifier: Apache-2.0
#include "io/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>

#include "base/assert.h"

namespace firn::io {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How often a wait looks at its context.
constexpr int kCheckIntervalMs = 50;
constexpr std::size_t kIdleConnectionsMax = 16;
constexpr std::size_t kHeaderBytesMax = 64 << 10;
constexpr long kTransferBufferBytes = 256 << 10;

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
           return lower(x) == lower(y);
         });
}

// To carry out such a request twice is to carry it out once (RFC 9110, section 9.2.2).
bool IsIdempotent(const HttpRequest& request) {
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
  return !request.once && std::find(std::begin(kMethods), std::end(kMethods),
                                    request.method) != std::end(kMethods);
}

bool IsThisMachine(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

void InitialiseCurl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  FIRN_ASSERT(code == CURLE_OK);
}

struct HeaderList {
  ~HeaderList() { curl_slist_free_all(list); }
  void Add(const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    FIRN_ASSERT(longer != nullptr);
    list = longer;
  }
  curl_slist* list = nullptr;
};

// One request under way: what libcurl's callbacks read and fill.
struct Exchange {
  std::string_view body;
  const HttpClient::Sink* sink = nullptr;
  HttpResponse response;
  HttpTrace trace;
  std::size_t body_offset = 0;
  std::size_t header_bytes = 0;
  bool head_ended = false;  // The empty line after the header fields has come.
  Status status;            // Why a callback refused to go on.
  SteadyClock::time_point last_moved = SteadyClock::now();

  static std::size_t OnRead(char* out, std::size_t size, std::size_t count, void* self) {
    auto& x = *static_cast<Exchange*>(self);
    const std::size_t n = std::min(size * count, x.body.size() - x.body_offset);
    std::memcpy(out, x.body.data() + x.body_offset, n);
    x.body_offset += n;
    x.trace.bytes_sent += static_cast<std::int64_t>(n);
    x.last_moved = SteadyClock::now();
    return n;
  }
  static int OnSeek(void* self, curl_off_t offset, int origin) {
    auto& x = *static_cast<Exchange*>(self);
    if (origin != SEEK_SET || offset < 0 ||
        static_cast<std::size_t>(offset) > x.body.size()) {
      return CURL_SEEKFUNC_FAIL;
    }
    x.body_offset = static_cast<std::size_t>(offset);
    return CURL_SEEKFUNC_OK;
  }
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count,
                              void* self) {
    auto& x = *static_cast<Exchange*>(self);
    std::string_view line(data, size * count);
    x.last_moved = SteadyClock::now();
    x.header_bytes += line.size();
    if (x.header_bytes > kHeaderBytesMax) {
      x.status = Status::Unavailable("the header fields are too long");
      return 0;
    }
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {  // After 100 Continue another head follows.
      x.response.headers.clear();
      x.head_ended = false;
      return size * count;
    }
    x.head_ended |= line.empty();
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size * count;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    x.response.headers.emplace_back(line.substr(0, colon), value);
    return size * count;
  }
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self) {
    auto& x = *static_cast<Exchange*>(self);
    const std::string_view bytes(data, size * count);
    x.last_moved = SteadyClock::now();
    x.trace.bytes_received += static_cast<std::int64_t>(bytes.size());
    x.status = x.Take(bytes);
    return x.status.ok() ? bytes.size() : bytes.size() + 1;  // Else: give up.
  }

  Status Take(std::string_view bytes) {
    if (*sink) {
      long code = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
      if (code / 100 == 2) return (*sink)(bytes);
    }
    if (response.body.size() + bytes.size() > HttpClient::kBodyBytesMax) {
      return Status::ResourceExhausted("the answer is longer than " +
                                       std::to_string(HttpClient::kBodyBytesMax) +
                                       " bytes");
    }
    response.body += bytes;
    return {};
  }

  CURL* easy = nullptr;
};

template <typename T>
void Set(CURL* easy, CURLoption option, T value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  FIRN_ASSERT(code == CURLE_OK);
}

bool IsUntrusted(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_ISSUER_ERROR;
}

// Whether libcurl failed before a byte of the request could leave.
bool IsBeforeSending(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
         code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
         IsUntrusted(code);
}

}  // namespace

class HttpClient::Connection {
 public:
  Connection() : multi_(curl_multi_init()), easy_(curl_easy_init()) {
    FIRN_ASSERT(multi_ != nullptr && easy_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L);
  }
  ~Connection() {
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `exchange` ends with the answer or with a status of its own.
  Status Run(const HttpAddress& address, const HttpClientOptions& options,
             const HttpRequest& request, const base::Context& context,
             Exchange* exchange) {
    curl_easy_reset(easy_);
    exchange->easy = easy_;
    HeaderList headers;
    Prepare(address, options, request, exchange, &headers);
    const CURLMcode added = curl_multi_add_handle(multi_, easy_);
    FIRN_ASSERT(added == CURLM_OK);
    CURLcode code = CURLE_OK;
    const Status ran = Drive(
        request.idle_timeout_ms > 0 ? request.idle_timeout_ms : options.idle_timeout_ms,
        context, exchange, &code);
    curl_multi_remove_handle(multi_, easy_);
    long response_code = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &response_code);
    exchange->response.code = static_cast<int>(response_code);
    exchange->trace.may_have_arrived = !IsBeforeSending(code) && HasSent();
    if (!ran.ok()) return ran;
    if (!exchange->status.ok()) return exchange->status;
    return StatusOf(code, address, request, exchange);
  }

 private:
  bool HasSent() const {
    long bytes = 0;
    curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > 0;
  }

  void Prepare(const HttpAddress& address, const HttpClientOptions& options,
               const HttpRequest& request, Exchange* exchange, HeaderList* headers) {
    const std::string url = (address.tls ? "https://" : "http://") + address.Authority() +
                            address.prefix + request.target;
    error_[0] = '\0';
    Set(easy_, CURLOPT_ERRORBUFFER, error_);
    Set(easy_, CURLOPT_URL, url.c_str());
    Set(easy_, CURLOPT_PATH_AS_IS, 1L);
    Set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
    Set(easy_, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    Set(easy_, CURLOPT_NOSIGNAL, 1L);
    Set(easy_, CURLOPT_TCP_NODELAY, 1L);
    Set(easy_, CURLOPT_BUFFERSIZE, kTransferBufferBytes);
    Set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
    if (IsThisMachine(address.host)) Set(easy_, CURLOPT_PROXY, "");
    if (address.tls) {
      Set(easy_, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
      Set(easy_, CURLOPT_SSL_VERIFYPEER, options.verify_tls ? 1L : 0L);
      Set(easy_, CURLOPT_SSL_VERIFYHOST, options.verify_tls ? 2L : 0L);
      if (!options.ca_file.empty()) Set(easy_, CURLOPT_CAINFO, options.ca_file.c_str());
    }
    Set(easy_, CURLOPT_HEADERFUNCTION, &Exchange::OnHeader);
    Set(easy_, CURLOPT_HEADERDATA, exchange);
    Set(easy_, CURLOPT_WRITEFUNCTION, &Exchange::OnBody);
    Set(easy_, CURLOPT_WRITEDATA, exchange);
    PrepareMethod(request, exchange);
    headers->Add("Host: " + address.HostHeader());
    // Headers of libcurl's own that nobody asked for.
    headers->Add("Accept:");
    headers->Add("Expect:");
    headers->Add("Content-Type:");
    for (const auto& [name, value] : request.headers) {
      headers->Add(value.empty() ? name + ";" : name + ": " + value);
    }
    Set(easy_, CURLOPT_HTTPHEADER, headers->list);
  }

  void PrepareMethod(const HttpRequest& request, Exchange* exchange) {
    const auto size = static_cast<curl_off_t>(request.body.size());
    const bool has_body =
        !request.body.empty() || request.method == "POST" || request.method == "PUT";
    if (request.method == "HEAD") {
      Set(easy_, CURLOPT_NOBODY, 1L);
    } else if (has_body) {
      Set(easy_, CURLOPT_POST, 1L);
      Set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, size);
      Set(easy_, CURLOPT_UPLOAD_BUFFERSIZE, kTransferBufferBytes);
      Set(easy_, CURLOPT_READFUNCTION, &Exchange::OnRead);
      Set(easy_, CURLOPT_READDATA, exchange);
    } else {
      Set(easy_, CURLOPT_HTTPGET, 1L);
    }
    if (request.method != "HEAD") {
      Set(easy_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    // libcurl sends a request again where a kept connection ends before an answer. It
    // needs to rewind a body for that, and must not where twice is not once.
    if (IsIdempotent(request)) {
      Set(easy_, CURLOPT_SEEKFUNCTION, &Exchange::OnSeek);
      Set(easy_, CURLOPT_SEEKDATA, exchange);
    } else if (request.body.empty()) {
      Set(easy_, CURLOPT_FRESH_CONNECT, 1L);  // Nothing to rewind would stop it.
    }
  }

  // Let libcurl work until the request has ended or must end. `idle_timeout_ms` may be 0.
  Status Drive(DurationMs idle_timeout_ms, const base::Context& context,
               Exchange* exchange, CURLcode* code) {
    const auto idle_max = std::chrono::milliseconds(idle_timeout_ms);
    for (;;) {
      FIRN_RETURN_IF_ERROR(context.Check());
      int running = 0;
      const CURLMcode performed = curl_multi_perform(multi_, &running);
      FIRN_ASSERT(performed == CURLM_OK);
      if (running == 0) break;
      if (idle_timeout_ms > 0 && SteadyClock::now() - exchange->last_moved > idle_max) {
        exchange->trace.timed_out = true;
        *code = CURLE_OPERATION_TIMEDOUT;
        return {};
      }
      const CURLMcode polled =
          curl_multi_poll(multi_, nullptr, 0, kCheckIntervalMs, nullptr);
      FIRN_ASSERT(polled == CURLM_OK);
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE) *code = message->data.result;
    }
    exchange->trace.timed_out = *code == CURLE_OPERATION_TIMEDOUT;
    return {};
  }

  Status StatusOf(CURLcode code, const HttpAddress& address, const HttpRequest& request,
                  Exchange* exchange) const {
    const std::string where = "server " + address.Authority() + ": ";
    if (code == CURLE_OK) {
      // libcurl takes a connection that ends among the header fields for their end.
      if (exchange->head_ended) return {};
      return Status::Unavailable(where + "broke off in the middle of an answer");
    }
    const std::string why = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
    if (IsUntrusted(code)) {
      return Status::InvalidArgument(where + "its certificate is not trusted: " + why);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
      return Status::Unavailable(where + (HasSent() ? "did not answer in time"
                                                    : "did not take the connection in "
                                                      "time"));
    }
    const bool silent = exchange->response.code == 0;
    if (!IsIdempotent(request) && silent && exchange->trace.may_have_arrived) {
      return Status::Unavailable(where + "ended the connection before it answered (" +
                                 why + "); whether the " + request.method +
                                 " was carried out is not known");
    }
    return Status::Unavailable(where + why);
  }

  CURLM* const multi_;
  CURL* const easy_;
  char error_[CURL_ERROR_SIZE] = "";
};

HttpClient::HttpClient(HttpAddress address, HttpClientOptions options)
    : address_(std::move(address)), options_(std::move(options)) {
  InitialiseCurl();
}

HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Connection> HttpClient::TakeConnection() {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Connection>();
  // The one used last: others may end by idling.
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void HttpClient::KeepConnection(std::unique_ptr<Connection> connection) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleConnectionsMax) idle_.push_back(std::move(connection));
}

Result<HttpResponse> HttpClient::Send(const HttpRequest& request,
                                      const base::Context& context, const Sink& sink,
                                      HttpTrace* trace) {
  std::unique_ptr<Connection> connection = TakeConnection();
  Exchange exchange;
  exchange.body = request.body;
  exchange.sink = &sink;
  const Status status = connection->Run(address_, options_, request, context, &exchange);
  // A failure may leave libcurl amid a request, where it takes no options for another.
  if (status.ok()) KeepConnection(std::move(connection));
  if (trace != nullptr) *trace = exchange.trace;
  if (!status.ok()) return status;
  return std::move(exchange.response);
}

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoringCase(key, name)) return value;
  }
  return {};
}

}  // namespace firn::io

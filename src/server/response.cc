// SPDX-License-Identifier: Apache-2.0
#include "server/response.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "base/assert.h"
#include "base/clock.h"

namespace firn::server {
namespace {

void AppendNumber(std::string* out, std::uint64_t v, int base) {
  char buffer[24];
  out->append(buffer, std::to_chars(buffer, buffer + sizeof buffer, v, base).ptr);
}

// As RFC 9110 wants it: `Sun, 06 Nov 1994 08:49:37 GMT`.
void AppendHttpDate(std::string* out, TimestampUs now_us) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = now_us / 1'000'000;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char buffer[64];
  const int n =
      std::snprintf(buffer, sizeof buffer, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                    kDays[tm.tm_wday], tm.tm_mday, kMonths[tm.tm_mon], tm.tm_year + 1900,
                    tm.tm_hour, tm.tm_min, tm.tm_sec);
  out->append(buffer, static_cast<std::size_t>(n));
}

bool HasNoBody(int code) { return code == 204 || code == 304; }

}  // namespace

std::string_view ReasonPhrase(int code) {
  switch (code) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

void Response::AddHeader(std::string_view name, std::string_view value) {
  headers_.append(name).append(": ").append(value).append("\r\n");
}

void Response::Set(int code, std::string_view content_type, std::string body) {
  FIRN_ASSERT(!started_);
  code_ = code;
  content_type_ = content_type;
  body_ = std::move(body);
}

std::int64_t Response::Deadline() const {
  return base::SystemClock().SteadyNs() + write_timeout_ms_ * 1'000'000;
}

void Response::AppendHead(std::string* out, TimestampUs now_us) const {
  out->append("HTTP/1.1 ");
  AppendNumber(out, static_cast<std::uint64_t>(code_), 10);
  out->append(" ").append(ReasonPhrase(code_)).append("\r\nDate: ");
  AppendHttpDate(out, now_us);
  out->append("\r\n");
  if (!content_type_.empty()) {
    out->append("Content-Type: ").append(content_type_).append("\r\n");
    // A browser must not take text for a page, whatever it holds.
    out->append("X-Content-Type-Options: nosniff\r\n");
  }
  out->append(headers_);
  if (!keep_alive_) {
    out->append("Connection: close\r\n");
  } else if (head_.is_http_1_0) {
    out->append("Connection: keep-alive\r\n");
  }
}

Status Response::SendChunk(std::string_view data) {
  if (head_.is_http_1_0) return socket_.Write(data, {}, Deadline());
  std::string frame;
  AppendNumber(&frame, data.size(), 16);
  frame += "\r\n";
  FIRN_RETURN_IF_ERROR(socket_.Write(frame, data, Deadline()));
  return socket_.Write("\r\n", {}, Deadline());
}

Status Response::FlushIfLarge() {
  if (body_.size() < kChunkBytes) return Status::OK();
  if (!started_) {
    started_ = true;
    // An HTTP/1.0 peer knows no chunks: for it the answer ends with the connection.
    if (head_.is_http_1_0) keep_alive_ = false;
    std::string head;
    AppendHead(&head, base::SystemClock().NowUs());
    if (!head_.is_http_1_0) head += "Transfer-Encoding: chunked\r\n";
    head += "\r\n";
    FIRN_RETURN_IF_ERROR(socket_.Write(head, {}, Deadline()));
  }
  if (head_.method != Method::kHead) FIRN_RETURN_IF_ERROR(SendChunk(body_));
  body_.clear();
  return Status::OK();
}

bool Response::Finish(TimestampUs now_us) {
  if (aborted_ && started_) return false;
  Status sent;
  if (started_) {
    if (head_.method == Method::kHead) return keep_alive_;
    if (!body_.empty()) sent = SendChunk(body_);
    if (sent.ok() && !head_.is_http_1_0)
      sent = socket_.Write("0\r\n\r\n", {}, Deadline());
  } else {
    std::string head;
    AppendHead(&head, now_us);
    if (!HasNoBody(code_)) {
      head += "Content-Length: ";
      AppendNumber(&head, body_.size(), 10);
      head += "\r\n";
    }
    head += "\r\n";
    const bool with_body = head_.method != Method::kHead && !HasNoBody(code_);
    sent = socket_.Write(head, with_body ? std::string_view(body_) : std::string_view(),
                         Deadline());
  }
  return sent.ok() && keep_alive_;
}

}  // namespace firn::server

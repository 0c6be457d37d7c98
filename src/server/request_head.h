// SPDX-License-Identifier: Apache-2.0
// request_head.h: the start line and the header fields of one HTTP request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "firn/status.h"

namespace firn::server {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kOther };
std::string_view MethodName(Method method);

// Only the fields that firn looks at. A value type, reused from request to request.
struct RequestHead {
  Method method = Method::kOther;
  std::string target;  // As sent: path and query, percent-encoded.
  bool keep_alive = true;
  bool is_http_1_0 = false;
  bool is_chunked = false;
  bool expects_continue = false;
  std::uint64_t content_length = 0;  // 0 where chunked.
  std::string content_type;
  std::string content_encoding;
  std::string accept;
  std::string if_none_match;
  std::string sec_fetch_site;

  // Path and query parts of the target, still percent-encoded.
  std::string_view path() const;
  std::string_view query() const;
};

// Where a chunked body goes as it is read.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // ResourceExhausted where it is too long.
  virtual Status Add(std::string_view bytes) = 0;
};

// What Boost.Beast's HTTP/1.1 parser made of some bytes.
class RequestParser {
 public:
  RequestParser(std::int64_t header_bytes_max, RequestHead* head, BodySink* body);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Take the front of `bytes`, and return how much was taken; the rest is to be given
  // again with more behind it. Stops at the end of the header fields; where the body is
  // chunked call again until is_done(). A body with a length is the caller's to read.
  // InvalidArgument where the bytes are not HTTP, ResourceExhausted where the fields are
  // longer than `header_bytes_max`; what BodySink says.
  Result<std::size_t> Put(std::string_view bytes);
  bool is_head_done() const;
  bool is_done() const;

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;  // Beast's headers stay in the .cc file.
};

}  // namespace firn::server

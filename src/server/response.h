// SPDX-License-Identifier: Apache-2.0
// response.h: the answer to one request, whole or in chunks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "firn/time.h"
#include "server/request_head.h"
#include "server/socket.h"

namespace firn::server {

// The words that go with a status code, such as "Not Found".
std::string_view ReasonPhrase(int code);

// Collects an answer. What fits is sent with its length when the handler has returned; a
// handler that makes much calls FlushIfLarge() now and then, and the answer goes out in
// chunks. Thread-compatible. Borrows the socket and the head.
class Response {
 public:
  // How much is collected before the first chunk goes out.
  static constexpr std::size_t kChunkBytes = 64 << 10;

  Response(Socket& socket, const RequestHead& head, DurationMs write_timeout_ms)
      : socket_(socket), head_(head), write_timeout_ms_(write_timeout_ms) {}

  // REQUIRES for these three: nothing was flushed yet.
  void SetCode(int code) { code_ = code; }
  void SetContentType(std::string_view type) { content_type_ = type; }
  // `name: value` of one more header field. Neither may come from a request.
  void AddHeader(std::string_view name, std::string_view value);
  // The connection ends after this answer.
  void CloseAfter() { keep_alive_ = false; }

  std::string& body() { return body_; }
  // Code, type and body at once.
  void Set(int code, std::string_view content_type, std::string body);

  // Send what is collected where it is more than kChunkBytes. An error means the peer is
  // gone or too slow: the handler stops.
  Status FlushIfLarge();
  // The answer cannot be finished although a part of it went out: the connection is cut,
  // so that the peer does not take the part for the whole.
  void Abort() { aborted_ = true; }

  // For the connection: send the rest. False where the connection must end.
  bool Finish(TimestampUs now_us);

  int code() const { return code_; }
  bool has_started() const { return started_; }

 private:
  void AppendHead(std::string* out, TimestampUs now_us) const;
  Status SendChunk(std::string_view data);
  std::int64_t Deadline() const;

  Socket& socket_;
  const RequestHead& head_;
  const DurationMs write_timeout_ms_;
  int code_ = 200;
  std::string content_type_;
  std::string headers_;
  std::string body_;
  bool keep_alive_ = true;
  bool started_ = false;
  bool aborted_ = false;
};

}  // namespace firn::server

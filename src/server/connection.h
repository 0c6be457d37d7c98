// SPDX-License-Identifier: Apache-2.0
// connection.h: one client's connection, from its first request to its last.
//
// A connection has a thread of its own, which reads with blocking calls under deadlines:
// a remote write goes from the socket to the log on that thread, without a hand-over
// (docs/design/0007-http-server.md). Queries run on the pool; meanwhile this thread
// watches the socket, and cancels the query's context when the client hangs up.
//
//   wait for a byte (idle bound) → head → route → body (into a reused buffer) → handler
//   → answer → again, or close
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/budget.h"
#include "base/clock.h"
#include "base/context.h"
#include "firn/config.h"
#include "server/exchange.h"
#include "server/request_head.h"
#include "server/router.h"
#include "server/socket.h"
#include "server/worker_pool.h"

namespace firn::server {

// What all connections share. Everything is borrowed and must outlive them.
struct ConnectionShared {
  const ServerOptions& options;
  const Router& router;
  WorkerPool& pool;
  base::ByteBudget& body_budget;
  const Event& stopping;  // Set once: idle connections close, others after their answer.
  const base::Clock& clock;
};

// A body buffer that grows to what is needed and is used again. Thread-compatible.
class BodyBuffer {
 public:
  void Clear() { size_ = 0; }
  // Make room for `bytes` in all, keeping what is there.
  void Reserve(std::size_t bytes);
  void Append(std::string_view bytes);
  void ShrinkTo(std::size_t bytes);

  char* end() { return data_.get() + size_; }
  void Grow(std::size_t bytes) { size_ += bytes; }
  std::string_view view() const { return {data_.get(), size_}; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Run() is called once, on the connection's thread; Cancel() from any thread.
class Connection final : private BodySink {
 public:
  Connection(Socket socket, const ConnectionShared& shared);

  // Serve requests until either side has enough.
  void Run();

  // Cancel the request under way and cut the connection.
  void Cancel();

 private:
  // What became of reading a part of a request.
  enum class Next : std::uint8_t { kGoOn, kClose };

  bool WaitForRequest();
  Next ReadHead(RequestParser& parser);
  Next ReadBody(RequestParser& parser);
  Next ReadBodyOfLength(std::int64_t deadline_ns);
  Next ReadChunkedBody(RequestParser& parser, std::int64_t deadline_ns);
  Next Answer();
  void Handle(const Router::Match& match, Response& response);
  // When the request must be done: `timeout=`, within ServerOptions::query_timeout_ms.
  Result<std::int64_t> DeadlineNs(const Route& route) const;
  void RunOnPool(const Route& route, Exchange& exchange);
  // Answer with an error and end the connection.
  Next Refuse(int code, std::string_view why);
  // Read more into in_. False at the end of the stream and on errors; `status` says
  // which.
  bool ReadMore(std::int64_t deadline_ns, Status* status);
  Status Add(std::string_view bytes) override;  // BodySink
  Status ReserveBody(std::size_t bytes);

  std::string_view unread() const {
    return std::string_view(in_.data() + in_begin_, in_end_ - in_begin_);
  }
  std::int64_t After(DurationMs ms) const;

  const ConnectionShared& shared_;
  std::mutex mutex_;  // Guards closing socket_ and active_ against Cancel().
  Socket socket_;
  const base::Context* active_ = nullptr;
  bool cancelled_ = false;

  // Bytes read and not yet used are in_[in_begin_, in_end_).
  std::vector<char> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  RequestHead head_;
  Form form_;
  BodyBuffer body_;
  base::ByteReservation body_bytes_;  // For body_'s capacity.
  WriteSession write_session_;
  Event done_;  // A pool thread has finished.
};

}  // namespace firn::server

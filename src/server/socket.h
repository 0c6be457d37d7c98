// SPDX-License-Identifier: Apache-2.0
// socket.h: TCP sockets that never block past a deadline.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "firn/status.h"

namespace firn::server {

// Owns one file descriptor. Move-only; thread-compatible, but Shutdown() may be called
// from another thread while a call waits.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { Close(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  // Listen on `address`, HOST:PORT with an IPv6 host in brackets. InvalidArgument where
  // that is not what it is; AlreadyExists where the port is taken.
  static Result<Socket> Listen(std::string_view address);

  // Read at most `size` bytes; 0 at the end of the stream. Deadlines are on
  // base::SystemClock().SteadyNs(). DeadlineExceeded, or Unavailable where the peer is
  // gone.
  Result<std::size_t> Read(char* out, std::size_t size, std::int64_t deadline_ns);
  // Write all of `head` and `body`. Errors as Read.
  Status Write(std::string_view head, std::string_view body, std::int64_t deadline_ns);

  // End both directions: whoever waits in Read or Write returns.
  void Shutdown();
  // Say that nothing more comes, and wait, `linger_ms` at most, until the peer has
  // closed, throwing away what it sends: a close with unread bytes would make the kernel
  // take back an answer not yet read. The caller closes.
  void Drain(std::int64_t linger_ms);
  void Close();

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  // HOST:PORT of this end, with the port that the kernel chose.
  Result<std::string> LocalAddress() const;

 private:
  int fd_ = -1;
};

// An eventfd: one thread says that something happened, others poll for it.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void Set();
  void Clear();
  bool IsSet() const;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace firn::server

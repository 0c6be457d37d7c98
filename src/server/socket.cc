// SPDX-License-Identifier: Apache-2.0
#include "server/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>

#include "base/assert.h"
#include "base/clock.h"

namespace firn::server {
namespace {

constexpr int kBacklog = 256;

std::string ErrorText(int error) { return std::strerror(error); }

// Wait until `fd` is ready for `events`, or the deadline passes.
Status WaitFor(int fd, short events, std::int64_t deadline_ns) {
  for (;;) {
    const std::int64_t left_ns = deadline_ns - base::SystemClock().SteadyNs();
    if (left_ns <= 0) return Status::DeadlineExceeded("the peer is too slow");
    const std::int64_t left_ms =
        std::min<std::int64_t>(left_ns / 1'000'000 + 1, std::numeric_limits<int>::max());
    pollfd poll_fd{fd, events, 0};
    const int ready = poll(&poll_fd, 1, static_cast<int>(left_ms));
    if (ready > 0) return Status::OK();
    if (ready < 0 && errno != EINTR) return Status::Unavailable(ErrorText(errno));
  }
}

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Result<Socket> Socket::Listen(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  const std::string what = "listen on " + std::string(address);
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == address.size()) {
    return Status::InvalidArgument(what + ": expected HOST:PORT, such as 127.0.0.1:7070");
  }
  std::string host(address.substr(0, colon));
  const std::string port(address.substr(colon + 1));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int looked_up = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (looked_up != 0) {
    return Status::InvalidArgument(what + ": " + gai_strerror(looked_up));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  Socket socket(
      ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return Status::Unavailable(what + ": " + ErrorText(errno));
  const int on = 1;
  setsockopt(socket.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(socket.fd_, found->ai_addr, found->ai_addrlen) != 0 ||
      listen(socket.fd_, kBacklog) != 0) {
    const int error = errno;
    if (error == EADDRINUSE) {
      return Status::AlreadyExists(what + ": another process listens there");
    }
    if (error == EACCES) return Status::PermissionDenied(what + ": " + ErrorText(error));
    return Status::Unavailable(what + ": " + ErrorText(error));
  }
  return socket;
}

Result<std::size_t> Socket::Read(char* out, std::size_t size, std::int64_t deadline_ns) {
  for (;;) {
    const ssize_t n = recv(fd_, out, size, MSG_DONTWAIT);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EINTR) continue;
    if (!WouldBlock(errno)) return Status::Unavailable("read: " + ErrorText(errno));
    FIRN_RETURN_IF_ERROR(WaitFor(fd_, POLLIN, deadline_ns));
  }
}

Status Socket::Write(std::string_view head, std::string_view body,
                     std::int64_t deadline_ns) {
  while (!head.empty() || !body.empty()) {
    iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                      {const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t n = sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (!WouldBlock(errno)) return Status::Unavailable("write: " + ErrorText(errno));
      FIRN_RETURN_IF_ERROR(WaitFor(fd_, POLLOUT, deadline_ns));
      continue;
    }
    const std::size_t of_head = std::min(static_cast<std::size_t>(n), head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(static_cast<std::size_t>(n) - of_head);
  }
  return Status::OK();
}

void Socket::Shutdown() {
  if (fd_ >= 0) shutdown(fd_, SHUT_RDWR);
}

void Socket::Drain(std::int64_t linger_ms) {
  if (fd_ < 0) return;
  shutdown(fd_, SHUT_WR);
  const std::int64_t deadline_ns = base::SystemClock().SteadyNs() + linger_ms * 1'000'000;
  char scratch[16 << 10];
  for (;;) {
    const Result<std::size_t> n = Read(scratch, sizeof scratch, deadline_ns);
    // A peer that sends for ever keeps Read from waiting, so the clock is asked here too.
    if (!n.ok() || *n == 0 || base::SystemClock().SteadyNs() >= deadline_ns) break;
  }
}

void Socket::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Result<std::string> Socket::LocalAddress() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return Status::Unavailable("getsockname: " + ErrorText(errno));
  }
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getnameinfo(reinterpret_cast<sockaddr*>(&storage), size, host, sizeof host, port,
                  sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return Status::Internal("getnameinfo failed");
  }
  const std::string name = host;
  return (name.find(':') == std::string::npos ? name : "[" + name + "]") + ":" + port;
}

Event::Event() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { FIRN_ASSERT(fd_ >= 0); }
Event::~Event() { close(fd_); }

void Event::Set() {
  const std::uint64_t one = 1;
  // Fails only where the counter is full, and then the event is set.
  [[maybe_unused]] const ssize_t n = write(fd_, &one, sizeof one);
}

void Event::Clear() {
  std::uint64_t value;
  // Fails only where the event is clear already.
  [[maybe_unused]] const ssize_t n = read(fd_, &value, sizeof value);
}

bool Event::IsSet() const {
  pollfd poll_fd{fd_, POLLIN, 0};
  return poll(&poll_fd, 1, 0) > 0;
}

}  // namespace firn::server

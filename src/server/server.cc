// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "server/endpoints.h"

namespace firn::server {
namespace {

// How long a cancelled request may take to notice.
constexpr DurationMs kCancelGraceMs = 5000;

}  // namespace

Result<Socket> Server::Bind(const ServerOptions& options) {
  return Socket::Listen(options.listen);
}

Result<std::unique_ptr<Server>> Server::Start(Socket listener,
                                              const ServerOptions& options, Db& db,
                                              const base::Clock& clock,
                                              std::string version) {
  FIRN_ASSIGN_OR_RETURN(std::string address, listener.LocalAddress());
  std::unique_ptr<Server> server(
      new Server(std::move(listener), options, db, clock, std::move(address)));
  AddEndpoints(server->router_, {server->options_, db, clock, server->body_budget_,
                                 server->pool_, std::move(version)});
  server->accept_thread_ = std::thread([raw = server.get()] { raw->AcceptLoop(); });
  return server;
}

Server::Server(Socket listener, const ServerOptions& options, Db& db,
               const base::Clock& clock, std::string address)
    : options_(options),
      address_(std::move(address)),
      listener_(std::move(listener)),
      registry_(db.metrics()),
      connections_refused_(
          registry_.GetCounter("firn_http_connections_refused_total",
                               "Connections closed at once since there were too many.")),
      connections_open_(
          registry_.GetGauge("firn_http_connections", "Connections open now.")),
      router_(registry_),
      pool_(options.query_concurrency, options.query_queue_max),
      body_budget_("request bodies", options.bodies_bytes_max),
      shared_{options_, router_, pool_, body_budget_, stopping_, clock} {}

Server::~Server() { Stop(); }

void Server::AcceptLoop() {
  for (;;) {
    pollfd fds[3] = {{listener_.fd(), POLLIN, 0},
                     {stopping_.fd(), POLLIN, 0},
                     {client_finished_.fd(), POLLIN, 0}};
    if (poll(fds, 3, -1) < 0) continue;  // EINTR
    if (fds[1].revents != 0) return;
    if (fds[2].revents != 0) {
      client_finished_.Clear();
      const std::lock_guard lock(mutex_);
      ReapFinished();
    }
    if (fds[0].revents == 0) continue;
    Socket socket(
        accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.is_open()) {
      Admit(std::move(socket));
    } else if (errno == EMFILE || errno == ENFILE) {
      // Out of descriptors: wait for a connection to end rather than spin.
      pollfd finished{client_finished_.fd(), POLLIN, 0};
      poll(&finished, 1, 100);
    }
  }
}

void Server::Admit(Socket socket) {
  const int on = 1;
  setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const std::lock_guard lock(mutex_);
  if (clients_.size() >= static_cast<std::size_t>(options_.connections_max)) {
    connections_refused_.Add();
    // One try without waiting: the client may not be reading.
    [[maybe_unused]] const Status sent = socket.Write(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 21\r\n"
        "Connection: close\r\n\r\ntoo many connections\n",
        {}, 0);
    return;
  }
  clients_.push_back(std::make_unique<Client>(std::move(socket), shared_));
  connections_open_.Set(static_cast<double>(clients_.size()));
  Client* client = clients_.back().get();
  client->thread = std::thread([this, client] {
    client->connection.Run();
    client->finished.store(true);
    client_finished_.Set();
  });
}

void Server::ReapFinished() {
  clients_.remove_if([](const std::unique_ptr<Client>& client) {
    if (!client->finished.load()) return false;
    client->thread.join();
    return true;
  });
  connections_open_.Set(static_cast<double>(clients_.size()));
}

bool Server::WaitUntilIdle(DurationMs bound_ms) {
  const std::int64_t deadline_ns = base::SystemClock().SteadyNs() + bound_ms * 1'000'000;
  for (;;) {
    client_finished_.Clear();
    {
      const std::lock_guard lock(mutex_);
      ReapFinished();
      if (clients_.empty()) return true;
    }
    const std::int64_t left_ms =
        (deadline_ns - base::SystemClock().SteadyNs()) / 1'000'000 + 1;
    if (left_ms <= 0) return false;
    pollfd finished{client_finished_.fd(), POLLIN, 0};
    poll(&finished, 1, static_cast<int>(std::min<std::int64_t>(left_ms, 1 << 30)));
  }
}

bool Server::Stop() {
  if (stopped_) return true;
  stopped_ = true;
  stopping_.Set();
  if (accept_thread_.joinable()) accept_thread_.join();
  listener_.Close();
  const bool finished = WaitUntilIdle(options_.stop_timeout_ms);
  if (!finished) {
    {
      const std::lock_guard lock(mutex_);
      base::LogWarn("requests cancelled at stop",
                    {{"connections", std::to_string(clients_.size())}});
      for (const auto& client : clients_) client->connection.Cancel();
    }
    WaitUntilIdle(kCancelGraceMs);
  }
  // A thread that does not end keeps us here: it uses what we are about to destroy.
  const std::lock_guard lock(mutex_);
  for (const auto& client : clients_) client->thread.join();
  clients_.clear();
  return finished;
}

}  // namespace firn::server

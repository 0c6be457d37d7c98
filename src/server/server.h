// SPDX-License-Identifier: Apache-2.0
// server.h: firn's HTTP server: accepts connections and answers them from a Db.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/budget.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "firn/config.h"
#include "firn/db.h"
#include "server/connection.h"
#include "server/router.h"
#include "server/socket.h"
#include "server/worker_pool.h"

namespace firn::server {

// Thread-safe. Stop() and the destructor are called by the owner's thread.
class Server {
 public:
  // A port that is bound and does not answer yet. Taken before the Db is opened, so that
  // the lock file can name the address and a taken port is known at once.
  static Result<Socket> Bind(const ServerOptions& options);

  // Answer on `listener`. `db` and `clock` must outlive the server; `version` is firn's.
  static Result<std::unique_ptr<Server>> Start(Socket listener,
                                               const ServerOptions& options, Db& db,
                                               const base::Clock& clock,
                                               std::string version);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // HOST:PORT, with the port that was chosen.
  const std::string& address() const { return address_; }

  // Stop accepting, let requests under way finish for ServerOptions::stop_timeout_ms,
  // then cancel them, and return when no thread is left. True where none had to be
  // cancelled.
  bool Stop();

 private:
  struct Client {
    explicit Client(Socket socket, const ConnectionShared& shared)
        : connection(std::move(socket), shared) {}
    Connection connection;
    std::thread thread;
    std::atomic<bool> finished{false};
  };

  Server(Socket listener, const ServerOptions& options, Db& db, const base::Clock& clock,
         std::string address);

  void AcceptLoop();
  void Admit(Socket socket);
  // Join the threads of connections that have ended. REQUIRES: mutex_ is held.
  void ReapFinished();
  bool WaitUntilIdle(DurationMs bound_ms);

  const ServerOptions options_;
  const std::string address_;
  Socket listener_;
  base::MetricRegistry& registry_;
  base::Counter& connections_refused_;
  base::Gauge& connections_open_;
  Router router_;
  WorkerPool pool_;
  base::ByteBudget body_budget_;
  Event stopping_;
  Event client_finished_;
  ConnectionShared shared_;
  std::mutex mutex_;
  std::list<std::unique_ptr<Client>> clients_;  // Guarded by mutex_.
  bool stopped_ = false;
  std::thread accept_thread_;
};

}  // namespace firn::server

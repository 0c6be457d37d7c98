// SPDX-License-Identifier: Apache-2.0
// What HTTP, snappy and the walk over a remote write cost without a store: a server whose
// appender finds series by prediction and drops the samples. Prints its address and pid,
// serves until standard input ends, and prints its own CPU time as one JSON object:
//
//   mkfifo hold; bench_http_ingest < hold & exec 3> hold
//   bench_remote_write_load --url http://ADDRESS/api/v1/write --pid PID; exec 3>&-
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "base/clock.h"
#include "server/fake_db.h"
#include "server/server.h"

int main() {
  firn::server::FakeDb db;
  db.share_appender = false;
  firn::ServerOptions options;
  options.listen = "127.0.0.1:0";
  auto listener = firn::server::Server::Bind(options);
  if (!listener.ok()) {
    std::fprintf(stderr, "%s\n", listener.status().ToString().c_str());
    return 1;
  }
  auto server = firn::server::Server::Start(std::move(*listener), options, db,
                                            firn::base::SystemClock(), "bench");
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }
  std::printf("{\"address\":\"%s\",\"pid\":%d}\n", (*server)->address().c_str(),
              getpid());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
  }
  (*server)->Stop();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double user = usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6;
  const double system = usage.ru_stime.tv_sec + usage.ru_stime.tv_usec / 1e6;
  const auto samples = db.metrics()
                           .GetCounter("firn_remote_write_samples_total",
                                       "Samples received by remote write, by outcome.",
                                       firn::Labels{{"outcome", "accepted"}})
                           .value();
  std::printf(
      "{\"bench\":\"http_ingest\",\"samples\":%llu,\"user_seconds\":%.3f,"
      "\"system_seconds\":%.3f,\"ns_per_sample\":%.1f}\n",
      static_cast<unsigned long long>(samples), user, system,
      samples > 0 ? (user + system) * 1e9 / static_cast<double>(samples) : 0.0);
  return 0;
}

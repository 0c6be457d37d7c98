// SPDX-License-Identifier: Apache-2.0
// config.h: every setting of firn, with its default.
//
// One struct serves the flags of `firn serve`, the FIRN_* environment, YAML and TOML
// files, and the reference page docs/operate/configuration.md; the command line keeps the
// table that ties them together. A value type.
#pragma once

#include <cstdint>
#include <string>

#include "firn/db.h"
#include "firn/time.h"

namespace firn {

struct ServerOptions {
  // HOST:PORT; port 0 takes a free one.
  std::string listen = "127.0.0.1:7070";

  int connections_max = 512;
  // Queries that run at once, and those that may wait for a place. Beyond: 503.
  int query_concurrency = 4;
  int query_queue_max = 64;

  std::int64_t header_bytes_max = 32 << 10;
  // Of one request's body as sent, and of a remote write uncompressed.
  std::int64_t body_bytes_max = 32 << 20;
  std::int64_t uncompressed_bytes_max = 128 << 20;
  // Of all bodies held at once, compressed and not. Beyond: 503.
  std::int64_t bodies_bytes_max = std::int64_t{512} << 20;

  DurationMs header_timeout_ms = 10 * 1000;  // From a request's first byte.
  DurationMs body_timeout_ms = 60 * 1000;
  DurationMs write_timeout_ms = 60 * 1000;      // For one piece of a response.
  DurationMs idle_timeout_ms = 5 * 60 * 1000;   // Between requests.
  DurationMs query_timeout_ms = 2 * 60 * 1000;  // Also the bound on `timeout=`.
  DurationMs stop_timeout_ms = 30 * 1000;       // For requests under way at a stop.
};

struct Config {
  DbOptions db;
  ServerOptions server;
  std::string log_level = "info";  // debug, info, warn or error.
};

}  // namespace firn

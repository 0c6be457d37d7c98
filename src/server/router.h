// SPDX-License-Identifier: Apache-2.0
// router.h: which handler answers which path.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "server/exchange.h"
#include "server/request_head.h"

namespace firn::server {

using Handler = std::function<void(Exchange&)>;

enum class RunsOn : std::uint8_t {
  kConnection,  // The connection's own thread: what does not wait on a query.
  kPool,        // The query pool, with a deadline; ends early when the client goes.
};

struct Route {
  // A path, in which each `{}` stands for one segment: `/api/v1/label/{}/values`.
  std::string path;
  std::vector<Method> methods;  // HEAD comes with GET.
  RunsOn runs_on = RunsOn::kConnection;
  Handler handler;
  // False for what may take longer than a query, and ends when the client goes.
  bool has_deadline = true;
  // Whether a body of type application/x-www-form-urlencoded holds parameters.
  bool has_form_body = false;

  bool Allows(Method method) const;
  // `GET, HEAD, OPTIONS`
  std::string AllowHeader() const;
};

// Counts requests by route and status code. Thread-safe.
class RouteMetrics {
 public:
  RouteMetrics(base::MetricRegistry& registry, std::string path);
  void Observe(int code, double seconds);

 private:
  static constexpr int kCodesMax = 600;
  base::MetricRegistry& registry_;
  const std::string path_;
  base::Histogram& seconds_;
  // By status code; made when a code is first sent, so that few series are exposed.
  std::array<std::atomic<base::Counter*>, kCodesMax> by_code_{};
};

// Built at start, then immutable and thread-safe.
class Router {
 public:
  // `registry` must outlive the router.
  explicit Router(base::MetricRegistry& registry);

  void Add(Route route);

  struct Match {
    const Route* route = nullptr;  // Null where no path matches.
    // What stood for each `{}`, still percent-encoded. Borrowed from the path.
    std::vector<std::string_view> path_values;
    RouteMetrics* metrics = nullptr;
  };
  Match Find(std::string_view path) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> parts;  // What stands between the `{}`: one more than these.
    std::unique_ptr<RouteMetrics> metrics;
  };
  base::MetricRegistry& registry_;
  std::vector<Entry> entries_;
  std::unique_ptr<RouteMetrics> unmatched_;
};

}  // namespace firn::server

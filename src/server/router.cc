// SPDX-License-Identifier: Apache-2.0
#include "server/router.h"

#include <algorithm>
#include <utility>

namespace firn::server {
namespace {

// From a write of a few samples to a query at its deadline.
const std::vector<double>& SecondsBounds() {
  static const std::vector<double> bounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                             0.05,   0.1,   0.25,   0.5,   1,    2.5,
                                             5,      10,    30,     120};
  return bounds;
}

constexpr std::string_view kValue = "{}";

// Whether `path` is `parts` with one segment, not empty, in each place between them;
// those go to `values`.
bool MatchPath(const std::vector<std::string>& parts, std::string_view path,
               std::vector<std::string_view>* values) {
  values->clear();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      const std::string_view value = path.substr(0, path.find('/'));
      if (value.empty()) return false;
      values->push_back(value);
      path.remove_prefix(value.size());
    }
    if (!path.starts_with(parts[i])) return false;
    path.remove_prefix(parts[i].size());
  }
  return path.empty();
}

}  // namespace

bool Route::Allows(Method method) const {
  if (method == Method::kHead) method = Method::kGet;
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

std::string Route::AllowHeader() const {
  std::string out;
  for (const Method method : methods) {
    out += MethodName(method);
    out += method == Method::kGet ? ", HEAD, " : ", ";
  }
  return out + "OPTIONS";
}

RouteMetrics::RouteMetrics(base::MetricRegistry& registry, std::string path)
    : registry_(registry),
      path_(std::move(path)),
      seconds_(
          registry.GetHistogram("firn_http_request_seconds",
                                "Time from a request's head to the end of its answer.",
                                SecondsBounds(), Labels{{"path", path_}})) {}

void RouteMetrics::Observe(int code, double seconds) {
  seconds_.Observe(seconds);
  std::atomic<base::Counter*>& slot = by_code_[std::clamp(code, 0, kCodesMax - 1)];
  base::Counter* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {
    // Two threads may both come here; the registry gives both the same counter.
    counter = &registry_.GetCounter(
        "firn_http_requests_total", "Requests answered, by path and status code.",
        Labels{{"code", std::to_string(code)}, {"path", path_}});
    slot.store(counter, std::memory_order_release);
  }
  counter->Add();
}

Router::Router(base::MetricRegistry& registry)
    : registry_(registry),
      unmatched_(std::make_unique<RouteMetrics>(registry, "other")) {}

void Router::Add(Route route) {
  Entry entry;
  for (std::size_t from = 0; from != std::string::npos;) {
    const std::size_t value = route.path.find(kValue, from);
    entry.parts.push_back(route.path.substr(from, value - from));
    from = value == std::string::npos ? value : value + kValue.size();
  }
  entry.metrics = std::make_unique<RouteMetrics>(registry_, route.path);
  entry.route = std::move(route);
  entries_.push_back(std::move(entry));
}

Router::Match Router::Find(std::string_view path) const {
  std::vector<std::string_view> values;
  for (const Entry& entry : entries_) {
    if (MatchPath(entry.parts, path, &values)) {
      return {&entry.route, std::move(values), entry.metrics.get()};
    }
  }
  return {nullptr, {}, unmatched_.get()};
}

}  // namespace firn::server

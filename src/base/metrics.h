// SPDX-License-Identifier: Apache-2.0
// metrics.h: the registry of what firn counts about itself.
//
// Metrics are made once, at start, and live as long as the registry. Updating one is one
// relaxed atomic operation. Names follow Prometheus's rules: `firn_wal_syncs_total`,
// base units, `_total` on counters. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "firn/labels.h"

namespace firn::base {

class Counter {
 public:
  void Add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(double v) { value_.store(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// A histogram over fixed bounds, in seconds or bytes as its name says.
class Histogram {
 public:
  // REQUIRES: bounds strictly increasing, at most kBoundsMax of them.
  static constexpr std::size_t kBoundsMax = 24;
  explicit Histogram(std::vector<double> bounds);
  void Observe(double v);

  const std::vector<double>& bounds() const { return bounds_; }
  // Observations <= bounds()[i]; index bounds().size() counts them all.
  std::uint64_t CumulativeCount(std::size_t index) const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::array<std::atomic<std::uint64_t>, kBoundsMax + 1> counts_{};
  std::atomic<double> sum_{0};
};

class MetricRegistry {
 public:
  // Each returns the metric of that name and labels, made on first use. The reference
  // lives as long as the registry. REQUIRES: one name has one kind and one help text.
  Counter& GetCounter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& GetGauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram& GetHistogram(std::string_view name, std::string_view help,
                          std::vector<double> bounds, Labels labels = {});
  // A gauge whose value is asked for at each exposition. `read` must be callable from
  // any thread for as long as the registry lives.
  void AddCallback(std::string_view name, std::string_view help,
                   std::function<double()> read, Labels labels = {});
  // The same for a counter that somebody else keeps. REQUIRES: it never falls.
  void AddCounterCallback(std::string_view name, std::string_view help,
                          std::function<std::uint64_t()> read, Labels labels = {});

  // All metrics in Prometheus's text format 0.0.4, families sorted by name.
  std::string Expose() const;

 private:
  enum class Kind : std::uint8_t {
    kCounter,
    kGauge,
    kHistogram,
    kCallback,
    kCounterCallback
  };
  struct Entry {
    std::string name;
    std::string help;
    Kind kind;
    Labels labels;
    Counter counter;
    Gauge gauge;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> callback;
    std::function<std::uint64_t()> counter_callback;
  };
  // As the text format's TYPE line has it.
  static std::string_view TypeName(Kind kind);
  Entry& Find(std::string_view name, std::string_view help, Kind kind, Labels labels);
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // A deque keeps references valid as it grows.
};

}  // namespace firn::base

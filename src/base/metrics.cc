// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/assert.h"

namespace firn::base {
namespace {

void AppendValue(std::string& out, std::uint64_t v) { out += std::to_string(v); }

void AppendValue(std::string& out, double v) {
  if (std::isnan(v)) {
    out += "NaN";
  } else if (std::isinf(v)) {
    out += v > 0 ? "+Inf" : "-Inf";
  } else {
    char buffer[32];
    out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr);
  }
}

// Help texts escape backslash and line feed; label values the double quote as well.
void AppendEscaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out.push_back(c);
    }
  }
}

// `name{labels, le="bound"} value` and a line feed; no `le` where it is empty.
template <typename T>
void AppendLine(std::string& out, std::string_view name, std::string_view suffix,
                const Labels& labels, std::string_view le, T value) {
  out.append(name).append(suffix);
  char separator = '{';
  const auto label = [&out, &separator](std::string_view key, std::string_view text) {
    out.push_back(separator);
    separator = ',';
    out.append(key).append("=\"");
    AppendEscaped(out, text, /*quotes=*/true);
    out.push_back('"');
  };
  for (const Label& l : labels) label(l.name, l.value);
  if (!le.empty()) label("le", le);
  if (separator == ',') out.push_back('}');
  out.push_back(' ');
  AppendValue(out, value);
  out.push_back('\n');
}

void AppendHistogram(std::string& out, std::string_view name, const Labels& labels,
                     const Histogram& histogram) {
  // Count upwards from one reading of each bucket, so that an observation made meanwhile
  // cannot make a later bucket smaller than an earlier one.
  const std::size_t bounds = histogram.bounds().size();
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= bounds; ++i) {
    count = std::max(count, histogram.CumulativeCount(i));
    std::string le;
    if (i < bounds) {
      AppendValue(le, histogram.bounds()[i]);
    } else {
      le = "+Inf";
    }
    AppendLine(out, name, "_bucket", labels, le, count);
  }
  AppendLine(out, name, "_sum", labels, {}, histogram.sum());
  AppendLine(out, name, "_count", labels, {}, count);
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)) {
  FIRN_ASSERT(bounds_.size() <= kBoundsMax);
  FIRN_ASSERT(std::adjacent_find(bounds_.begin(), bounds_.end(),
                                 std::greater_equal<>()) == bounds_.end());
}

void Histogram::Observe(double v) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), v);
  // A NaN is below no bound and so is counted in the last bucket only.
  const std::size_t index =
      std::isnan(v) ? bounds_.size() : static_cast<std::size_t>(at - bounds_.begin());
  counts_[index].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

std::uint64_t Histogram::CumulativeCount(std::size_t index) const {
  FIRN_ASSERT(index <= bounds_.size());
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= index; ++i) {
    count += counts_[i].load(std::memory_order_relaxed);
  }
  return count;
}

MetricRegistry::Entry& MetricRegistry::Find(std::string_view name, std::string_view help,
                                            Kind kind, Labels labels) {
  for (Entry& entry : entries_) {
    if (entry.name != name) continue;
    FIRN_ASSERT(entry.kind == kind);
    FIRN_ASSERT(entry.help == help);
    if (entry.labels == labels) return entry;
  }
  Entry& entry = entries_.emplace_back();
  entry.name = name;
  entry.help = help;
  entry.kind = kind;
  entry.labels = std::move(labels);
  return entry;
}

Counter& MetricRegistry::GetCounter(std::string_view name, std::string_view help,
                                    Labels labels) {
  std::lock_guard lock(mutex_);
  return Find(name, help, Kind::kCounter, std::move(labels)).counter;
}

Gauge& MetricRegistry::GetGauge(std::string_view name, std::string_view help,
                                Labels labels) {
  std::lock_guard lock(mutex_);
  return Find(name, help, Kind::kGauge, std::move(labels)).gauge;
}

Histogram& MetricRegistry::GetHistogram(std::string_view name, std::string_view help,
                                        std::vector<double> bounds, Labels labels) {
  std::lock_guard lock(mutex_);
  Entry& entry = Find(name, help, Kind::kHistogram, std::move(labels));
  if (entry.histogram == nullptr) {
    entry.histogram = std::make_unique<Histogram>(std::move(bounds));
  } else {
    FIRN_ASSERT(entry.histogram->bounds() == bounds);
  }
  return *entry.histogram;
}

void MetricRegistry::AddCallback(std::string_view name, std::string_view help,
                                 std::function<double()> read, Labels labels) {
  std::lock_guard lock(mutex_);
  Find(name, help, Kind::kCallback, std::move(labels)).callback = std::move(read);
}

void MetricRegistry::AddCounterCallback(std::string_view name, std::string_view help,
                                        std::function<std::uint64_t()> read,
                                        Labels labels) {
  std::lock_guard lock(mutex_);
  Find(name, help, Kind::kCounterCallback, std::move(labels)).counter_callback =
      std::move(read);
}

std::string_view MetricRegistry::TypeName(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
    case Kind::kCounterCallback:
      return "counter";
    case Kind::kGauge:
    case Kind::kCallback:
      return "gauge";
    case Kind::kHistogram:
      break;
  }
  return "histogram";
}

std::string MetricRegistry::Expose() const {
  // Callbacks run without the lock: they may look at the registry themselves.
  struct Item {
    const Entry* entry;
    std::function<double()> callback;
    std::function<std::uint64_t()> counter_callback;
  };
  std::vector<Item> items;
  {
    std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      items.push_back({&entry, entry.callback, entry.counter_callback});
    }
  }
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    if (a.entry->name != b.entry->name) return a.entry->name < b.entry->name;
    return a.entry->labels < b.entry->labels;
  });

  std::string out;
  std::string_view family;
  for (const auto& [entry, callback, counter_callback] : items) {
    if (entry->name != family) {
      family = entry->name;
      out.append("# HELP ").append(family).push_back(' ');
      AppendEscaped(out, entry->help, /*quotes=*/false);
      out.append("\n# TYPE ").append(family).push_back(' ');
      out.append(TypeName(entry->kind)).push_back('\n');
    }
    switch (entry->kind) {
      case Kind::kCounter:
        AppendLine(out, family, {}, entry->labels, {}, entry->counter.value());
        break;
      case Kind::kGauge:
        AppendLine(out, family, {}, entry->labels, {}, entry->gauge.value());
        break;
      case Kind::kCallback:
        AppendLine(out, family, {}, entry->labels, {}, callback());
        break;
      case Kind::kCounterCallback:
        AppendLine(out, family, {}, entry->labels, {}, counter_callback());
        break;
      case Kind::kHistogram:
        AppendHistogram(out, family, entry->labels, *entry->histogram);
        break;
    }
  }
  return out;
}

}  // namespace firn::base

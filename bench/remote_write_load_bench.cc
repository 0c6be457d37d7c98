// SPDX-License-Identifier: Apache-2.0
// Sends the remote-write load of the ingest claim to any receiver, and prints what it
// took.
//
//   bench_remote_write_load --url http://127.0.0.1:7070/api/v1/write [--pid PID]
//       [--hosts 200] [--metrics 50] [--rounds 240] [--samples-per-request 2000]
//       [--connections 2] [--seed 1] [--start UNIX_SECONDS]
//
// 200 hosts with 50 metrics, 8 or 9 labels, half counters and half gauges with noise; 240
// samples each, 15 s apart, one sample of a series a request. Bodies are encoded before
// the clock starts. Each connection sends its own half of the hosts, so that the samples
// of a series arrive in order. With --pid, the CPU time and peak memory of that process
// are those of the server. One JSON object on standard output.
#include <snappy.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "io/http_client.h"
#include "wire/remote_write_encoder.h"

namespace {

using firn::Sample;
using firn::TimestampMs;
namespace wire = firn::wire;

struct Load {
  std::string url = "http://127.0.0.1:7070/api/v1/write";
  int pid = 0;
  int hosts = 200;
  int metrics = 50;
  int rounds = 240;
  int samples_per_request = 2000;
  int connections = 2;
  unsigned seed = 1;
  std::int64_t start_s = 0;  // 0: so that the last sample is now.
};

constexpr TimestampMs kStepMs = 15'000;

// One series: its label bytes, and a value that moves as its kind does.
class Series {
 public:
  Series(int host, int metric, unsigned seed) : random_(seed) {
    is_counter_ = metric % 2 == 0;
    wire::LabelPairs labels = {
        {"__name__",
         "bench_metric_" + std::to_string(metric) + (is_counter_ ? "_total" : "")},
        {"az", "az-" + std::to_string(host % 3)},
        {"cluster", "cluster-" + std::to_string(host % 4)},
        {"env", "production"},
        {"instance", "host-" + std::to_string(host) + ".example.internal:9100"},
        {"job", "node"},
        {"region", "region-" + std::to_string(host % 2)},
        {"team", "team-" + std::to_string(metric % 7)}};
    if (metric % 2 == 1)
      labels.emplace_back("unit", "unit-" + std::to_string(metric % 5));
    alias_ = wire::EncodeAlias(labels);
    constexpr double kScales[] = {1, 100, 1000};
    scale_ = kScales[metric / 2 % 3];
    value_ = static_cast<double>(random_() % 100'000);
  }

  void AppendTo(std::string& message, TimestampMs t) {
    // A counter grows by whole numbers; a gauge wanders in steps of its own: whole
    // numbers (bytes, counts), hundredths (percent, degrees) or thousandths (seconds).
    if (is_counter_) {
      value_ += static_cast<double>(random_() % 100);
    } else {
      const double noise = static_cast<double>(random_() % 1'000) - 500.0;
      value_ = (std::round(value_ * scale_) + noise) / scale_;
    }
    body_ = alias_;
    wire::AppendField(body_, 2, wire::EncodeSample({t, value_}));
    wire::AppendField(message, 1, body_);
  }

 private:
  std::minstd_rand random_;
  bool is_counter_;
  double scale_;  // Steps of a gauge in one.
  std::string alias_;
  std::string body_;
  double value_;
};

// Bodies of one connection, in the order they are sent.
std::vector<std::string> Encode(const Load& load, int connection, TimestampMs first_ms) {
  std::vector<Series> series;
  for (int host = connection; host < load.hosts; host += load.connections) {
    for (int metric = 0; metric < load.metrics; ++metric) {
      series.emplace_back(
          host, metric, load.seed + static_cast<unsigned>(host * load.metrics + metric));
    }
  }
  std::vector<std::string> bodies;
  std::string message;
  int in_message = 0;
  const auto flush = [&] {
    if (in_message == 0) return;
    bodies.emplace_back();
    snappy::Compress(message.data(), message.size(), &bodies.back());
    message.clear();
    in_message = 0;
  };
  for (int round = 0; round < load.rounds; ++round) {
    for (Series& one : series) {
      one.AppendTo(message, first_ms + round * kStepMs);
      if (++in_message == load.samples_per_request) flush();
    }
    flush();  // The next round holds the same series again.
  }
  return bodies;
}

// CPU seconds of a process so far, all threads.
double CpuSeconds(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

long PeakRssKb(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
  }
  return 0;
}

bool ParseFlags(int argc, char** argv, Load* load) {
  std::map<std::string, std::string> flags;
  for (int i = 1; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];
  if (argc % 2 == 0) return false;
  const auto number = [&](const char* name, auto* value) {
    const auto found = flags.find(name);
    if (found == flags.end()) return;
    *value = static_cast<std::remove_pointer_t<decltype(value)>>(
        std::strtoll(found->second.c_str(), nullptr, 10));
    flags.erase(found);
  };
  number("--pid", &load->pid);
  number("--hosts", &load->hosts);
  number("--metrics", &load->metrics);
  number("--rounds", &load->rounds);
  number("--samples-per-request", &load->samples_per_request);
  number("--connections", &load->connections);
  number("--seed", &load->seed);
  number("--start", &load->start_s);
  if (flags.count("--url")) load->url = flags["--url"];
  flags.erase("--url");
  return flags.empty() && load->connections > 0 && load->samples_per_request > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Load load;
  if (!ParseFlags(argc, argv, &load)) {
    std::fprintf(stderr, "usage: see the top of remote_write_load_bench.cc\n");
    return 2;
  }
  const auto address = firn::io::HttpAddress::Parse(load.url);
  if (!address.ok()) {
    std::fprintf(stderr, "%s\n", address.status().ToString().c_str());
    return 2;
  }
  const TimestampMs last_ms = load.start_s > 0
                                  ? load.start_s * 1000 + (load.rounds - 1) * kStepMs
                                  : firn::base::SystemClock().NowMs();
  const TimestampMs first_ms = last_ms - (load.rounds - 1) * kStepMs;
  std::vector<std::vector<std::string>> bodies;
  for (int c = 0; c < load.connections; ++c) bodies.push_back(Encode(load, c, first_ms));

  std::atomic<long> refused{0};
  std::atomic<long> requests{0};
  std::mutex first_refusal_mutex;
  std::string first_refusal;
  const double cpu_before = load.pid > 0 ? CpuSeconds(load.pid) : 0;
  const auto started = std::chrono::steady_clock::now();
  std::vector<std::thread> senders;
  for (const std::vector<std::string>& own : bodies) {
    senders.emplace_back([&] {
      firn::io::HttpClient client(*address);
      const firn::base::Context context;
      firn::io::HttpRequest request{"POST",
                                    "",
                                    {{"Content-Type", "application/x-protobuf"},
                                     {"Content-Encoding", "snappy"},
                                     {"X-Prometheus-Remote-Write-Version", "0.1.0"}},
                                    {}};
      for (const std::string& body : own) {
        request.body = body;
        const auto response = client.Send(request, context);
        ++requests;
        if (response.ok() && response->code / 100 == 2) continue;
        ++refused;
        const std::lock_guard lock(first_refusal_mutex);
        if (first_refusal.empty()) {
          first_refusal = response.ok()
                              ? std::to_string(response->code) + " " + response->body
                              : response.status().ToString();
        }
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const double cpu = load.pid > 0 ? CpuSeconds(load.pid) - cpu_before : 0;
  const double samples =
      static_cast<double>(load.hosts) * load.metrics * static_cast<double>(load.rounds);
  std::printf(
      "{\"bench\":\"remote_write_load\",\"samples\":%.0f,\"series\":%d,"
      "\"requests\":%ld,\"refused\":%ld,\"seconds\":%.3f,"
      "\"samples_per_second\":%.0f",
      samples, load.hosts * load.metrics, requests.load(), refused.load(), seconds,
      samples / seconds);
  if (load.pid > 0) {
    std::printf(
        ",\"server_cpu_seconds\":%.2f,\"samples_per_cpu_second\":%.0f,"
        "\"server_peak_rss_bytes\":%ld",
        cpu, cpu > 0 ? samples / cpu : 0.0, PeakRssKb(load.pid) * 1024);
  }
  std::printf("}\n");
  if (refused > 0) std::fprintf(stderr, "first refusal: %s\n", first_refusal.c_str());
  return refused > 0 ? 1 : 0;
}

// SPDX-License-Identifier: Apache-2.0
// fault_proxy.h: stands between a client and a real store, and harms some of what passes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "io/test_http_server.h"

namespace firn::io {

// What is done to one exchange.
enum class Harm {
  kNone,
  kResetBefore,     // The request does not arrive; the connection ends.
  kResetAfter,      // It arrives; the connection ends without an answer.
  kTruncate,        // A part of the answer, then the end.
  kLieAboutLength,  // A Content-Length that is too long, then the end.
  kDelay,           // All is well, and late.
  kInternalError,   // It arrives; the answer is 500.
  kBusy,            // It does not arrive; the answer is 503 SlowDown.
  kTooMany,         // The same with 429.
};
inline constexpr int kHarmCount = 9;

class FaultProxy {
 public:
  // Harms one exchange of `one_in`, at random. 0: none.
  FaultProxy(int upstream_port, unsigned seed, int one_in)
      : upstream_port_(upstream_port),
        random_(seed),
        one_in_(one_in),
        server_([this](const TestRequest& request) { return Pass(request); }) {}

  std::string url() const { return server_.url(); }
  void set_one_in(int one_in) { one_in_ = one_in; }
  int harmed() const { return harmed_; }

 private:
  Harm Choose() {
    const int one_in = one_in_;
    if (one_in == 0 || random_() % static_cast<unsigned>(one_in) != 0) return Harm::kNone;
    ++harmed_;
    return static_cast<Harm>(1 + random_() % (kHarmCount - 1));
  }

  std::string Pass(const TestRequest& request) {
    const Harm harm = Choose();
    const auto error = [](int code, const char* name) {
      return TestHttpServer::Reply(
          code, "<Error><Code>" + std::string(name) + "</Code></Error>", {});
    };
    if (harm == Harm::kResetBefore) return "";
    if (harm == Harm::kBusy) return error(503, "SlowDown");
    if (harm == Harm::kTooMany) return error(429, "TooManyRequests");
    std::string answer = Forward(request);
    switch (harm) {
      case Harm::kResetAfter:
        return "";
      case Harm::kInternalError:
        return error(500, "InternalError");
      case Harm::kTruncate:
        return answer.substr(0, answer.size() / 2 + 1);
      case Harm::kLieAboutLength: {
        const std::size_t at = answer.find("Content-Length: ");
        if (at != answer.npos) answer.insert(at + 16, "1");
        return answer;
      }
      case Harm::kDelay:
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return answer;
      default:
        return answer;
    }
  }

  // Send the request on and return the whole answer, which ends the connection.
  std::string Forward(const TestRequest& request) const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(upstream_port_));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    if (connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0) {
      std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
      for (const auto& [name, value] : request.headers) {
        text += name + ": " + value + "\r\n";
      }
      text += "connection: close\r\n\r\n" + request.body;
      std::size_t sent = 0;
      while (sent < text.size()) {
        const ssize_t n = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
      }
      std::string buffer(1 << 16, '\0');
      ssize_t n = 0;
      while ((n = recv(fd, buffer.data(), buffer.size(), 0)) > 0) {
        answer.append(buffer.data(), static_cast<std::size_t>(n));
      }
    }
    close(fd);
    return answer;
  }

  const int upstream_port_;
  std::mt19937 random_;  // Used by one exchange at a time.
  std::atomic<int> one_in_;
  std::atomic<int> harmed_{0};
  TestHttpServer server_;
};

}  // namespace firn::io

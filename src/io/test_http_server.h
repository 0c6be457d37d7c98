// SPDX-License-Identifier: Apache-2.0
// test_http_server.h: an HTTP server on loopback that answers as a test says. For tests.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace firn::io {

struct TestRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // Lower-case names.
  std::string body;

  std::string Header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// Answers each request with what `answer` returns: the whole text of an answer, or "" to
// end the connection without one. `answer` is called by one thread at a time.
class TestHttpServer {
 public:
  using Answer = std::function<std::string(const TestRequest&)>;

  explicit TestHttpServer(Answer answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~TestHttpServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    {
      std::lock_guard lock(mutex_);
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    threads_.clear();  // Joins.
  }
  TestHttpServer(const TestHttpServer&) = delete;
  TestHttpServer& operator=(const TestHttpServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // What came so far.
  std::vector<TestRequest> requests() const {
    std::lock_guard lock(answering_);
    return requests_;
  }

  // The text of an answer with a Content-Length.
  static std::string Reply(int code, std::string_view body = {},
                           const std::vector<std::string>& headers = {}) {
    std::string text = "HTTP/1.1 " + std::to_string(code) + " Reason\r\n";
    for (const std::string& header : headers) text += header + "\r\n";
    return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }

 private:
  void Accept() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }
  void Serve(int fd) {
    TestRequest request;
    while (Read(fd, &request)) {
      std::string text;
      {
        std::lock_guard lock(answering_);
        requests_.push_back(request);
        text = answer_(request);
      }
      if (text.empty()) break;
      std::size_t sent = 0;
      while (sent < text.size()) {
        const ssize_t n = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
      }
      // A broken answer is one that the client must not wait for the end of.
      if (sent < text.size() || text.find("Connection: close") != text.npos ||
          !IsComplete(request, text)) {
        break;
      }
    }
    std::lock_guard lock(mutex_);
    open_.remove(fd);
    close(fd);
  }
  // Whether `text` has as many bytes as its Content-Length says.
  static bool IsComplete(const TestRequest& request, const std::string& text) {
    const std::size_t end = text.find("\r\n\r\n");
    const std::size_t at = text.find("Content-Length: ");
    if (end == text.npos) return false;
    if (at == text.npos || at > end || request.method == "HEAD") return true;
    return std::strtoull(text.c_str() + at + 16, nullptr, 10) == text.size() - end - 4;
  }
  static bool Read(int fd, TestRequest* request) {
    *request = {};
    std::string head;
    char c;
    while (!head.ends_with("\r\n\r\n")) {
      if (recv(fd, &c, 1, 0) != 1) return false;
      head += c;
    }
    request->method = head.substr(0, head.find(' '));
    const std::size_t target = request->method.size() + 1;
    request->target = head.substr(target, head.find(' ', target) - target);
    std::size_t line = head.find("\r\n") + 2;
    while (line + 2 < head.size()) {
      const std::size_t end = head.find("\r\n", line);
      const std::size_t colon = head.find(':', line);
      std::string name = head.substr(line, colon - line);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char x) { return std::tolower(x); });
      std::string value = head.substr(colon + 1, end - colon - 1);
      value.erase(0, value.find_first_not_of(' '));
      request->headers[name] = value;
      line = end + 2;
    }
    std::size_t left =
        std::strtoull(request->Header("content-length").c_str(), nullptr, 10);
    request->body.resize(left);
    return left == 0 || recv(fd, request->body.data(), left, MSG_WAITALL) ==
                            static_cast<ssize_t>(left);
  }

  const Answer answer_;
  int listener_;
  int port_;
  std::thread acceptor_;
  mutable std::mutex answering_;
  std::vector<TestRequest> requests_;
  std::mutex mutex_;
  std::list<int> open_;
  std::list<std::jthread> threads_;
};

}  // namespace firn::io

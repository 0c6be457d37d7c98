// SPDX-License-Identifier: Apache-2.0
#include "io/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

namespace firn::io {
namespace {

using ::testing::HasSubstr;

TEST(HttpAddress, TakesUrlsAndHostWithPort) {
  EXPECT_EQ(*HttpAddress::Parse("http://h"), (HttpAddress{"h", "80", ""}));
  EXPECT_EQ(*HttpAddress::Parse("http://h:81/"), (HttpAddress{"h", "81", ""}));
  EXPECT_EQ(*HttpAddress::Parse("http://h:81/a/b/"), (HttpAddress{"h", "81", "/a/b"}));
  EXPECT_EQ(*HttpAddress::Parse("127.0.0.1:7070"),
            (HttpAddress{"127.0.0.1", "7070", ""}));
  EXPECT_EQ(*HttpAddress::Parse("http://[::1]:7070"), (HttpAddress{"::1", "7070", ""}));
  EXPECT_EQ(HttpAddress::Parse("http://[::1]")->Authority(), "[::1]:80");
  for (const char* bad : {"", "h", "http://", "http://h:", "http://h:x", "http://[::1",
                          "http://[::1]x:1", ":80"}) {
    EXPECT_EQ(HttpAddress::Parse(bad).status().code(), StatusCode::kInvalidArgument)
        << bad;
  }
  EXPECT_EQ(HttpAddress::Parse("https://h").status().code(), StatusCode::kUnimplemented);
}

TEST(PercentEncode, KeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(PercentEncode("a b&c=é~-._"), "a%20b%26c%3D%C3%A9~-._");
}

// Answers one connection after the other with texts that are there already.
class CannedServer {
 public:
  explicit CannedServer(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }
  ~CannedServer() {
    shutdown(listener_, SHUT_RDWR);  // Ends an accept that nobody will answer any more.
    Finish();
    close(listener_);
  }
  // Wait until all answers are sent.
  void Finish() {
    if (thread_.joinable()) thread_.join();
  }
  HttpAddress address() const { return {"127.0.0.1", port_, "/base"}; }
  // What came in; read after Finish().
  std::vector<std::string> requests;

 private:
  void Serve() {
    for (const std::string& answer : answers_) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      std::string request;
      char c;
      while (!request.ends_with("\r\n\r\n") && recv(fd, &c, 1, 0) == 1) request += c;
      requests.push_back(request);
      send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      close(fd);
    }
  }
  std::vector<std::string> answers_;
  int listener_;
  std::string port_;
  std::thread thread_;
};

TEST(HttpClient, ReadsAnswersInEveryFraming) {
  std::vector<std::string> requests;
  {
    // The server ends each connection, and says so: a client that kept one would race
    // with its end.
    CannedServer server(
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n"
         "Content-Length: 5\r\nX-A: b\r\n\r\nhello",
         "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello",
         "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"});
    HttpClient client(server.address());
    const base::Context context;
    for (int i = 0; i < 3; ++i) {
      const auto response = client.Send({"GET", "/x"}, context);
      ASSERT_TRUE(response.ok()) << response.status();
      EXPECT_EQ(response->code, 200);
      EXPECT_EQ(response->body, "hello");
      if (i == 0) {
        EXPECT_EQ(response->Header("x-a"), "b");
      }
    }
    // A sink takes the bodies of good answers only.
    std::string taken;
    const auto missing = client.Send({"GET", "/x"}, context, [&](std::string_view bytes) {
      taken += bytes;
      return Status::OK();
    });
    ASSERT_TRUE(missing.ok());
    EXPECT_EQ(missing->body, "gone");
    EXPECT_EQ(taken, "");
    server.Finish();
    requests = server.requests;
  }
  EXPECT_THAT(requests[0], HasSubstr("GET /base/x HTTP/1.1\r\nHost: 127.0.0.1:"));
}

TEST(HttpClient, BrokenAnswersAreUnavailable) {
  CannedServer server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "nonsense\r\n\r\n", ""});
  HttpClient client(server.address());
  const base::Context context;
  for (int i = 0; i < 3; ++i) {
    const Status status = client.Send({"GET", "/x"}, context).status();
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("server 127.0.0.1:"));
  }
}

TEST(HttpClient, TheSinkAndTheContextEndARequest) {
  CannedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"});
  HttpClient client(server.address());
  const base::Context context;
  const auto refuse = [](std::string_view) { return Status::Corruption("no"); };
  EXPECT_EQ(client.Send({"GET", "/x"}, context, refuse).status().code(),
            StatusCode::kCorruption);
  const base::Context cancelled;
  cancelled.Cancel();
  EXPECT_EQ(
      HttpClient({"127.0.0.1", "1", ""}).Send({"GET", "/"}, cancelled).status().ok(),
      false);
}

}  // namespace
}  // namespace firn::io

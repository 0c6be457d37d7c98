// SPDX-License-Identifier: Apache-2.0
#include "io/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
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
  for (const char* bad :
       {"", "h", "http://", "http://h:", "http://h:x", "http://[::1", "http://[::1]x:1",
        ":80", "http://u@h", "http://h?a", "http://h\\x"}) {
    EXPECT_EQ(HttpAddress::Parse(bad).status().code(), StatusCode::kInvalidArgument)
        << bad;
  }
  EXPECT_EQ(*HttpAddress::Parse("https://h/a"), (HttpAddress{"h", "443", "/a", true}));
  EXPECT_EQ(HttpAddress::Parse("https://h")->HostHeader(), "h");
  EXPECT_EQ(HttpAddress::Parse("https://h:80")->HostHeader(), "h:80");
}

TEST(PercentEncode, KeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(PercentEncode("a b&c=é~-._"), "a%20b%26c%3D%C3%A9~-._");
}

// Answers one connection after the other with texts that are there already.
class CannedServer {
 public:
  // A connection's requests are answered in order; then it is closed. An empty text
  // closes it without an answer once the request has come.
  using Connection = std::vector<std::string>;

  explicit CannedServer(std::vector<Connection> connections)
      : connections_(std::move(connections)) {
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
  // Wait until `count` connections are closed.
  void WaitClosed(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ >= count; });
  }
  HttpAddress address() const { return {"127.0.0.1", port_, "/base"}; }
  // What came in; read after Finish().
  std::vector<std::string> requests;

 private:
  void Serve() {
    for (const Connection& connection : connections_) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      for (const std::string& answer : connection) {
        requests.push_back(ReadRequest(fd));
        send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      }
      close(fd);
      std::lock_guard lock(mutex_);
      ++closed_;
      changed_.notify_all();
    }
  }
  // Bodies of these tests are one byte.
  static std::string ReadRequest(int fd) {
    std::string request;
    char c;
    while (!request.ends_with("\r\n\r\n") && recv(fd, &c, 1, 0) == 1) request += c;
    if (request.find("Content-Length: 1\r\n") != request.npos &&
        recv(fd, &c, 1, 0) == 1) {
      request += c;
    }
    return request;
  }

  const std::vector<Connection> connections_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int closed_ = 0;
  int listener_;
  std::string port_;
  std::thread thread_;
};

TEST(HttpClient, ReadsAnswersInEveryFraming) {
  std::vector<std::string> requests;
  {
    // The server ends each connection, and says so: a client that kept one would race
    // with its end.
    CannedServer server({{"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                          "Content-Length: 5\r\nX-A: b\r\n\r\nhello"},
                         {"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: "
                          "chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"},
                         {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello"},
                         {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"}});
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
  CannedServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"},
                       {"nonsense\r\n\r\n"},
                       {"HTTP/1.1 200 OK\r\nX-A: b\r\nX-C"},
                       {"HTTP/1.1 200 OK\r\nX-A: b\r\n"},
                       {""}});
  HttpClient client(server.address());
  const base::Context context;
  for (int i = 0; i < 5; ++i) {
    const Status status = client.Send({"GET", "/x"}, context).status();
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("server 127.0.0.1:"));
  }
}

const std::string kKept = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept";
const std::string kFresh = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfresh";

// Nothing was sent on the closed connection, so every method goes on a new one.
TEST(HttpClient, AConnectionClosedBetweenRequestsIsReplaced) {
  for (const char* method : {"GET", "POST"}) {
    CannedServer server({{kKept}, {kFresh}});
    HttpClient client(server.address());
    const base::Context context;
    ASSERT_TRUE(client.Send({"GET", "/1"}, context).ok());
    server.WaitClosed(1);
    const auto second = client.Send({method, "/2", {}, "x"}, context);
    ASSERT_TRUE(second.ok()) << method << ": " << second.status();
    EXPECT_EQ(second->body, "fresh");
    server.Finish();
    EXPECT_EQ(server.requests.size(), 2u) << method;
  }
}

TEST(HttpClient, AnIdempotentRequestThatACloseCrossedIsSentOnceMore) {
  for (const char* method : {"GET", "PUT", "DELETE"}) {
    CannedServer server({{kKept, ""}, {kFresh}});
    HttpClient client(server.address());
    const base::Context context;
    ASSERT_TRUE(client.Send({"GET", "/1"}, context).ok());
    std::string taken;
    const auto second =
        client.Send({method, "/2", {}, "x"}, context, [&](std::string_view bytes) {
          taken += bytes;
          return Status::OK();
        });
    ASSERT_TRUE(second.ok()) << method << ": " << second.status();
    EXPECT_EQ(taken, "fresh");
    server.Finish();
    ASSERT_EQ(server.requests.size(), 3u);
    EXPECT_EQ(server.requests[1], server.requests[2]);
  }
}

TEST(HttpClient, OtherRequestsThatACloseCrossedAreNotRepeated) {
  for (const auto& [method, once] :
       {std::pair("POST", false), std::pair("PATCH", false), std::pair("PUT", true)}) {
    CannedServer server({{kKept, ""}});
    HttpClient client(server.address());
    const base::Context context;
    ASSERT_TRUE(client.Send({"GET", "/1"}, context).ok());
    const Status second = client.Send({method, "/2", {}, "x", once}, context).status();
    EXPECT_EQ(second.code(), StatusCode::kUnavailable) << second;
    EXPECT_THAT(std::string(second.message()), HasSubstr("carried out is not known"));
    server.Finish();
    EXPECT_EQ(server.requests.size(), 2u);
  }
}

TEST(HttpClient, ANameThatIsNoneFailsEachTimeItIsTried) {
  HttpClient client(*HttpAddress::Parse("http://no..name:1"), {});
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto answer = client.Send({}, {});
    EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable) << answer.status();
  }
}

TEST(HttpDate, IsWrittenAsItIsRead) {
  EXPECT_EQ(FormatHttpDate(784'111'777'000'000), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const TimestampUs at_us : {0L, 951'782'399'000'000L, 4'102'444'799'000'000L}) {
    EXPECT_EQ(ParseHttpDate(FormatHttpDate(at_us)).value(), at_us);
  }
}

TEST(HttpClient, AFreshConnectionThatIsClosedIsAnError) {
  for (const char* method : {"GET", "POST"}) {
    // The second connection would answer.
    CannedServer server({{""}, {kFresh}});
    HttpClient client(server.address());
    const base::Context context;
    const Status status = client.Send({method, "/1"}, context).status();
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
    server.WaitClosed(1);
    ASSERT_EQ(server.requests.size(), 1u);
    EXPECT_TRUE(client.Send({"GET", "/2"}, context).ok());
  }
}

TEST(HttpClient, ARequestIsNotSentAThirdTime) {
  CannedServer server({{kKept, ""}, {""}, {kFresh}});
  HttpClient client(server.address());
  const base::Context context;
  ASSERT_TRUE(client.Send({"GET", "/1"}, context).ok());
  const Status second = client.Send({"GET", "/2"}, context).status();
  EXPECT_EQ(second.code(), StatusCode::kUnavailable) << second;
  server.WaitClosed(2);
  EXPECT_EQ(server.requests.size(), 3u);
}

// Half an answer has come: it may not be asked for again.
TEST(HttpClient, AnAnswerThatBreaksOffIsNotAskedForAgain) {
  CannedServer server(
      {{kKept, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"}, {kFresh}});
  HttpClient client(server.address());
  const base::Context context;
  ASSERT_TRUE(client.Send({"GET", "/1"}, context).ok());
  const Status second = client.Send({"GET", "/2"}, context).status();
  EXPECT_EQ(second.code(), StatusCode::kUnavailable) << second;
  server.WaitClosed(1);
  EXPECT_EQ(server.requests.size(), 2u);
}

TEST(HttpClient, TheSinkAndTheContextEndARequest) {
  CannedServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}});
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

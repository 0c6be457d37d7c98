// SPDX-License-Identifier: Apache-2.0
// server_fixture.h: for tests: a server on a port of its own, before a FakeDb, and a
// client that asks it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/context.h"
#include "io/http_client.h"
#include "server/fake_db.h"
#include "server/server.h"

namespace firn::server {

// Set db_ and options_ before Start().
class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture() {
    options_.listen = "127.0.0.1:0";
    options_.stop_timeout_ms = 5000;
  }
  void Start() {
    auto listener = Server::Bind(options_);
    ASSERT_TRUE(listener.ok()) << listener.status();
    auto server =
        Server::Start(std::move(*listener), options_, db_, base::SystemClock(), "0.1.0");
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(*server);
    client_ =
        std::make_unique<io::HttpClient>(*io::HttpAddress::Parse(server_->address()));
  }
  io::HttpResponse Send(io::HttpRequest request) {
    auto response = client_->Send(request, context_);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : io::HttpResponse{};
  }
  io::HttpResponse Get(const std::string& target) {
    return Send({.method = "GET", .target = target});
  }
  nlohmann::json GetJson(const std::string& target, int code = 200) {
    const io::HttpResponse response = Get(target);
    EXPECT_EQ(response.code, code) << response.body;
    EXPECT_EQ(response.Header("content-type"), "application/json");
    return nlohmann::json::parse(response.body, nullptr, false);
  }

  FakeDb db_;
  ServerOptions options_;
  base::Context context_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<io::HttpClient> client_;
};

}  // namespace firn::server

// SPDX-License-Identifier: Apache-2.0
// The REST catalog against a server that says what a test has it say: errors, pages,
// tokens, ETags, lost answers, nonsense. What it does as other catalogs do is in
// catalog_conformance_test.cc.
#include "iceberg/rest_catalog.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>

#include "iceberg/json.h"
#include "iceberg/table_metadata_json.h"
#include "iceberg/test_table.h"
#include "io/test_environment.h"
#include "io/test_http_server.h"

namespace firn::iceberg {
namespace {

using io::TestHttpServer;
using io::TestRequest;
using nlohmann::json;

constexpr char kTable[] = "GET /v1/namespaces/metrics/tables/probe";
constexpr char kCommit[] = "POST /v1/namespaces/metrics/tables/probe";
constexpr char kLost[] = "";  // The connection ends without an answer.

std::string Error(int code, const std::string& type, const std::string& message) {
  const json body = {{"error", {{"message", message}, {"type", type}, {"code", code}}}};
  return TestHttpServer::Reply(code, body.dump());
}

TableMetadata TestMetadata(const std::string& location = "s3://bucket/metrics/probe") {
  NewTable table;
  table.uuid = "6a8c0000-0000-4000-8000-000000000000";
  table.location = location;
  table.schema = TestSchema();
  table.spec = TestSpec();
  table.now_ms = kTestNowUs / 1000;
  return MakeTableMetadata(std::move(table)).value();
}

std::string AnswerOf(const TableMetadata& metadata) {
  return TestHttpServer::Reply(200, R"({"metadata-location":"memory://w/1.json",)"
                                    R"("metadata":)" +
                                        TableMetadataToJson(metadata) + "}");
}

std::string TableAnswer(const std::string& members = "",
                        const std::vector<std::string>& headers = {}) {
  return TestHttpServer::Reply(
      200,
      R"({"metadata-location":"s3://bucket/1.json","unknown-field":[1],"metadata":)" +
          TableMetadataToJson(TestMetadata()) + members + "}",
      headers);
}

class RestCatalogTest : public testing::Test {
 protected:
  // The next answers to requests of this method and path; the last one stays.
  void On(const std::string& what, std::deque<std::string> answers) {
    const std::lock_guard lock(mutex_);
    answers_[what] = std::move(answers);
  }
  void Configure(const std::string& body) {
    On("GET /v1/config", {TestHttpServer::Reply(200, body)});
  }

  void SetUp() override {
    Configure("{}");
    options.uri = "rest+" + server.url();
    options.rest.retry = {.attempts = 3, .backoff_first_ms = 1, .backoff_max_ms = 2000};
  }
  Status TryOpen() {
    auto opened = OpenRestCatalog(context, options, {store, clock, random, environment});
    if (!opened.ok()) return opened.status();
    catalog = std::move(*opened);
    return Status::OK();
  }
  void Open() {
    const Status opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << opened;
  }
  Result<LoadedTable> Load() { return catalog->LoadTable(context, name); }
  Status Commit() {
    return catalog->CommitTable(context, name, {}, {SetProperties{{{"k", "v"}}}})
        .status();
  }
  Status CreateNamespace() { return catalog->CreateNamespace(context, {{"a"}}, {}); }
  std::size_t Count(const std::string& what) {
    std::size_t count = 0;
    for (const TestRequest& request : server.requests()) count += Key(request) == what;
    return count;
  }
  TestRequest Last() { return server.requests().back(); }

  base::Context context;
  base::ManualClock clock{kTestNowUs};
  io::MemoryStore store{clock};
  RandomSource random{42};
  io::FakeEnvironment environment;
  OpenCatalogOptions options;
  std::unique_ptr<Catalog> catalog;
  const TableIdentifier name{{{"metrics"}}, "probe"};

 private:
  static std::string Key(const TestRequest& request) {
    return request.method + " " + request.target.substr(0, request.target.find('?'));
  }
  std::string Answer(const TestRequest& request) {
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find(Key(request));
    if (found == answers_.end()) return Error(404, "NoSuchTableException", "no such");
    std::string answer = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    return answer;
  }

  std::mutex mutex_;
  std::map<std::string, std::deque<std::string>> answers_;

 protected:
  TestHttpServer server{[this](const TestRequest& request) { return Answer(request); }};
};

TEST_F(RestCatalogTest, ConfigurationNamesPrefixAndSeparator) {
  options.warehouse = "a b";
  Configure(R"({"defaults":{"prefix":"x","namespace-separator":"%2E"},
                "overrides":{"prefix":"p/q"},"more":{}})");
  Open();
  EXPECT_EQ(Last().target, "/v1/config?warehouse=a%20b");
  On("GET /v1/p/q/namespaces/a.b/tables/t%20u", {TableAnswer()});
  EXPECT_TRUE(catalog->LoadTable(context, {{{"a", "b"}}, "t u"}).ok());
}

TEST_F(RestCatalogTest, WhatIsNoCatalogIsSaid) {
  Configure("<html>Welcome to nginx</html>");
  Status status = TryOpen();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("Welcome to nginx"), std::string_view::npos) << status;
  On("GET /v1/config", {TestHttpServer::Reply(404, "<html>not here</html>")});
  status = TryOpen();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("not here"), std::string_view::npos) << status;
  On("GET /v1/config", {Error(404, "NoSuchWarehouseException", "no warehouse w")});
  status = TryOpen();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("no warehouse w"), std::string_view::npos) << status;
  for (const char* body : {"", "[]", "{", "{\"defaults\":7}", "null"}) {
    Configure(body);
    EXPECT_EQ(TryOpen().code(), StatusCode::kCorruption) << body;
  }
  Configure(R"({"overrides":{"prefix":"a?b"}})");
  EXPECT_EQ(TryOpen().code(), StatusCode::kInvalidArgument);
  options.uri = "rest+ftp://x";
  EXPECT_EQ(TryOpen().code(), StatusCode::kInvalidArgument);
}

TEST_F(RestCatalogTest, ErrorsAreWhatTheCallerDoesNext) {
  Open();
  const std::tuple<int, const char*, StatusCode, StatusCode> cases[] = {
      {400, "BadRequestException", StatusCode::kInvalidArgument,
       StatusCode::kInvalidArgument},
      {401, "NotAuthorizedException", StatusCode::kPermissionDenied,
       StatusCode::kPermissionDenied},
      {403, "ForbiddenException", StatusCode::kPermissionDenied,
       StatusCode::kPermissionDenied},
      {404, "NoSuchNamespaceException", StatusCode::kNotFound, StatusCode::kNotFound},
      {406, "UnsupportedOperationException", StatusCode::kUnimplemented,
       StatusCode::kUnimplemented},
      {409, "CommitFailedException", StatusCode::kConflict, StatusCode::kConflict},
      {419, "AuthenticationTimeoutException", StatusCode::kPermissionDenied,
       StatusCode::kPermissionDenied},
      {422, "UnprocessableEntityException", StatusCode::kInvalidArgument,
       StatusCode::kInvalidArgument},
      {429, "TooManyRequestsException", StatusCode::kResourceExhausted,
       StatusCode::kResourceExhausted},
      {500, "InternalServerError", StatusCode::kUnavailable, StatusCode::kCommitUnknown},
      {502, "BadGateway", StatusCode::kUnavailable, StatusCode::kCommitUnknown},
      {503, "SlowDownException", StatusCode::kUnavailable, StatusCode::kUnavailable},
      {504, "GatewayTimeout", StatusCode::kUnavailable, StatusCode::kCommitUnknown},
  };
  for (const auto& [code, type, of_read, of_commit] : cases) {
    On(kTable, {Error(code, type, "the reason\n\tat com.example")});
    On(kCommit, {Error(code, type, "the reason")});
    const Status read = Load().status();
    EXPECT_EQ(read.code(), of_read) << code;
    EXPECT_EQ(Commit().code(), of_commit) << code;
    for (const std::string& part :
         {std::string("metrics.probe"), std::string("the reason (HTTP "),
          std::to_string(code), std::string(type)}) {
      EXPECT_NE(read.message().find(part), std::string_view::npos) << read;
    }
  }
  On("POST /v1/namespaces", {Error(409, "AlreadyExistsException", "taken")});
  EXPECT_EQ(CreateNamespace().code(), StatusCode::kAlreadyExists);
  for (const int code : {400, 409}) {
    On("DELETE /v1/namespaces/a", {Error(code, "NamespaceNotEmptyException", "full")});
    EXPECT_EQ(catalog->DropNamespace(context, {{"a"}}).code(), StatusCode::kConflict);
  }
}

TEST_F(RestCatalogTest, ReadsAreSentAgainWithinBounds) {
  Open();
  On(kTable, {Error(503, "x", "busy"), kLost, TableAnswer()});
  EXPECT_TRUE(Load().ok());
  EXPECT_EQ(Count(kTable), 3U);
  On(kTable, {Error(500, "x", "broken")});
  EXPECT_EQ(Load().status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Count(kTable), 6U);
  // A server that asks for a long wait is not waited for.
  On(kTable, {TestHttpServer::Reply(503, "{}", {"Retry-After: 3600"})});
  EXPECT_EQ(Load().status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Count(kTable), 7U);
}

TEST_F(RestCatalogTest, CommitsOfUnknownOutcomeAreNeverSentAgain) {
  Open();
  const std::string unknown[] = {
      kLost, Error(500, "InternalServerError", "oops"),
      TestHttpServer::Reply(504, "<html>gateway</html>"),
      // Nobody but the catalog knows that it did not take the request.
      TestHttpServer::Reply(503, "<html>proxy</html>"),
      TestHttpServer::Reply(200, "<html>captive portal</html>"),
      TestHttpServer::Reply(200, R"({"metadata-location":"x","metadata":{}})"),
      // Breaks off.
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"};
  std::size_t sent = 0;
  for (const std::string& answer : unknown) {
    On(kCommit, {answer});
    const Status status = Commit();
    EXPECT_EQ(status.code(), StatusCode::kCommitUnknown) << answer << ": " << status;
    EXPECT_EQ(Count(kCommit), ++sent) << answer;
  }
  On("POST /v1/namespaces", {kLost});
  EXPECT_EQ(CreateNamespace().code(), StatusCode::kCommitUnknown);
  EXPECT_EQ(Count("POST /v1/namespaces"), 1U);

  // What the catalog itself refused for now may be asked again.
  On(kCommit, {Error(429, "TooManyRequestsException", "slow"),
               Error(503, "ServiceUnavailableException", "not ready"), TableAnswer()});
  EXPECT_TRUE(Commit().ok());
  EXPECT_EQ(Count(kCommit), sent + 3);
}

TEST_F(RestCatalogTest, FilesOfACommitGoUnlessItMayHaveBeenTaken) {
  Open();
  const std::string table = AnswerOf(TestMetadata("memory://w/metrics/probe"));
  On(kTable, {table});
  const ManifestIo manifests(store);
  CommitOptions retries;
  retries.retries_max = 2;
  retries.wait = [](const base::Context&, DurationMs) { return Status::OK(); };
  const auto files = [&] {
    std::size_t count = 0;
    EXPECT_TRUE(store
                    .List(context, "memory://w",
                          [&](const io::ObjectInfo&) {
                            ++count;
                            return Status::OK();
                          })
                    .ok());
    return count;
  };
  const std::string conflict = Error(409, "CommitFailedException", "stale");
  const std::tuple<std::deque<std::string>, StatusCode, std::size_t> cases[] = {
      // A manifest and a manifest list stay of what was taken, or may have been.
      {{conflict, conflict, table}, StatusCode::kOk, 2},
      {{conflict}, StatusCode::kConflict, 0},
      {{Error(400, "BadRequestException", "no")}, StatusCode::kInvalidArgument, 0},
      {{Error(403, "ForbiddenException", "no")}, StatusCode::kPermissionDenied, 0},
      {{Error(404, "NoSuchTableException", "gone")}, StatusCode::kNotFound, 0},
      {{Error(503, "SlowDownException", "busy")}, StatusCode::kUnavailable, 0},
      {{kLost}, StatusCode::kCommitUnknown, 2},
      {{Error(500, "CommitStateUnknownException", "oops")},
       StatusCode::kCommitUnknown,
       2},
      {{TestHttpServer::Reply(200, "garbage")}, StatusCode::kCommitUnknown, 2},
  };
  for (const auto& [answers, code, left] : cases) {
    const std::size_t before = files();
    On(kCommit, answers);
    const auto outcome = CommitWithRetry(
        context, {*catalog, manifests, clock, random}, name,
        [](const LoadedTable&, Transaction& transaction) -> Result<BuildDecision> {
          transaction.Append({TestFile("f", 1)});
          return BuildDecision::kCommit;
        },
        retries);
    EXPECT_EQ(outcome.status().code(), code) << outcome.status();
    EXPECT_EQ(files(), before + left) << answers.front();
  }
}

TEST_F(RestCatalogTest, AServerSaysHowLongToWait) {
  Open();
  const std::string busy =
      R"({"error":{"message":"busy","type":"SlowDownException","code":503}})";
  // Longer than the first pause of its own, of at most a millisecond.
  On(kCommit, {TestHttpServer::Reply(503, busy, {"Retry-After: 1"}), TableAnswer()});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(Commit().ok());
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  // What stands in front of the catalog does not know what became of the request.
  On(kCommit, {TestHttpServer::Reply(503, "", {"Retry-After: 1"}), TableAnswer()});
  EXPECT_EQ(Commit().code(), StatusCode::kCommitUnknown);
}

TEST_F(RestCatalogTest, AServerThatIsNotThereIsUnavailable) {
  Open();
  options.uri = "rest+http://127.0.0.1:1";
  EXPECT_EQ(TryOpen().code(), StatusCode::kUnavailable);
}

TEST_F(RestCatalogTest, ListingsGoOnFromPageToPage) {
  Open();
  const auto page = [](const std::string& names, const std::string& next) {
    return TestHttpServer::Reply(
        200, R"({"identifiers":[)" + names + R"(],"next-page-token":)" + next + "}");
  };
  const auto named = [](const std::string& table) {
    return R"({"namespace":["metrics"],"name":")" + table + R"("})";
  };
  const std::string tables = "GET /v1/namespaces/metrics/tables";
  On(tables, {page(named("c") + "," + named("dotted.name"), R"("p 2")"),
              page(named("a"), R"("p3")"), page(named("b"), "null")});
  const auto listed = catalog->ListTables(context, name.name_space);
  ASSERT_TRUE(listed.ok()) << listed.status();
  std::string text;
  for (const TableIdentifier& table : *listed) text += table.name;
  EXPECT_EQ(text, "abc");
  EXPECT_NE(server.requests()[2].target.find("pageToken=p%202"), std::string::npos);

  On(tables, {page(named("a"), R"("same")")});
  EXPECT_EQ(catalog->ListTables(context, name.name_space).status().code(),
            StatusCode::kCorruption);
  On(tables, {TestHttpServer::Reply(200, R"({"identifiers":[{"name":7}]})")});
  EXPECT_EQ(catalog->ListTables(context, name.name_space).status().code(),
            StatusCode::kCorruption);
}

TEST_F(RestCatalogTest, AnEmptyListingIsOfANamespaceThatIsThere) {
  Open();  // The server lists no endpoints, so it may have views.
  for (const char* kind : {"tables", "views"}) {
    On(std::string("GET /v1/namespaces/metrics/") + kind,
       {TestHttpServer::Reply(200, R"({"identifiers":[]})")});
  }
  EXPECT_EQ(catalog->ListTables(context, name.name_space).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(catalog->ListViews(context, name.name_space).status().code(),
            StatusCode::kNotFound);
  On("GET /v1/namespaces/metrics", {TestHttpServer::Reply(200, "{}")});
  EXPECT_EQ(catalog->ListTables(context, name.name_space)->size(), 0U);
  EXPECT_EQ(catalog->ListViews(context, name.name_space)->size(), 0U);
}

TEST_F(RestCatalogTest, NamespacesNest) {
  Configure("{}");
  Open();
  On("GET /v1/namespaces", {TestHttpServer::Reply(200, R"({"namespaces":[["a"]]})"),
                            TestHttpServer::Reply(200, R"({"namespaces":[["a","b"]]})"),
                            // Without nesting of its own it lists the same again.
                            TestHttpServer::Reply(200, R"({"namespaces":[["a"]]})")});
  EXPECT_EQ(*catalog->ListNamespaces(context),
            (std::vector<Namespace>{{{"a"}}, {{"a", "b"}}}));
  EXPECT_NE(Last().target.find("parent=a%1Fb"), std::string::npos) << Last().target;
}

TEST_F(RestCatalogTest, NamespacesAreMadeWithThoseAboveThem) {
  Open();
  const std::string made = TestHttpServer::Reply(200, "{}");
  const std::string absent = Error(404, "NoSuchNamespaceException", "no parent");
  On("POST /v1/namespaces", {absent, absent, made, made, made});
  ASSERT_TRUE(catalog->CreateNamespace(context, {{"a", "b", "c"}}, {{"k", "v"}}).ok());
  std::string sent;
  for (const TestRequest& request : server.requests()) {
    if (request.method == "POST") sent += json::parse(request.body).dump() + "\n";
  }
  EXPECT_EQ(sent,
            R"({"namespace":["a","b","c"],"properties":{"k":"v"}}
{"namespace":["a","b"],"properties":{}}
{"namespace":["a"],"properties":{}}
{"namespace":["a","b"],"properties":{}}
{"namespace":["a","b","c"],"properties":{"k":"v"}}
)");
  // A conflict, of a namespace that is not there and of one that is.
  const std::string conflict = Error(409, "", "namespace 'a' must exist");
  On("POST /v1/namespaces", {conflict, made, made});
  EXPECT_TRUE(catalog->CreateNamespace(context, {{"a", "b"}}, {}).ok());
  On("GET /v1/namespaces/a%1Fb", {made});
  On("POST /v1/namespaces", {conflict});
  EXPECT_EQ(catalog->CreateNamespace(context, {{"a", "b"}}, {}).code(),
            StatusCode::kAlreadyExists);
  // Made by somebody else meanwhile; refused; not there although it was made.
  On("POST /v1/namespaces",
     {absent, Error(409, "AlreadyExistsException", "taken"), made, made});
  EXPECT_TRUE(catalog->CreateNamespace(context, {{"a", "b"}}, {}).ok());
  On("POST /v1/namespaces", {absent, Error(403, "ForbiddenException", "no")});
  EXPECT_EQ(catalog->CreateNamespace(context, {{"a", "b"}}, {}).code(),
            StatusCode::kPermissionDenied);
  On("POST /v1/namespaces", {absent, made, absent});
  EXPECT_EQ(catalog->CreateNamespace(context, {{"a", "b"}}, {}).code(),
            StatusCode::kNotFound);
}

TEST_F(RestCatalogTest, ClientsGetTokensAndRenewThem) {
  options.rest.client_id = "me & you";
  options.rest.client_secret = Secret("s3cret");
  const std::string tokens = "POST /v1/oauth/tokens";
  const auto token = [](const std::string& text) {
    return TestHttpServer::Reply(
        200,
        R"({"access_token":")" + text + R"(","token_type":"bearer","expires_in":3600})");
  };
  On(tokens, {token("one"), token("two"), token("three")});
  Open();
  EXPECT_EQ(server.requests().front().body,
            "grant_type=client_credentials&client_id=me%20%26%20you&"
            "client_secret=s3cret&scope=catalog");
  EXPECT_EQ(Last().Header("authorization"), "Bearer one");
  // Expired by the clock, then by what the server says.
  clock.AdvanceUs(3'600'000'000);
  On(kTable, {TableAnswer()});
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(Last().Header("authorization"), "Bearer two");
  for (const int code : {401, 419}) {
    On(kCommit, {Error(code, "NotAuthorizedException", "expired"), TableAnswer()});
    EXPECT_TRUE(Commit().ok());
  }
  EXPECT_EQ(Last().Header("authorization"), "Bearer three");
  EXPECT_EQ(Count(tokens), 4U);
  // Another token helps once.
  On(kCommit, {Error(401, "NotAuthorizedException", "no")});
  EXPECT_EQ(Commit().code(), StatusCode::kPermissionDenied);

  On(tokens, {TestHttpServer::Reply(401, R"({"error":"invalid_client"})")});
  const Status refused = TryOpen();
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_NE(refused.message().find("invalid_client"), std::string_view::npos);
  EXPECT_EQ(refused.message().find("s3cret"), std::string_view::npos);
  options.rest.client_secret = Secret();
  EXPECT_EQ(TryOpen().code(), StatusCode::kInvalidArgument);
}

TEST_F(RestCatalogTest, ATokenOfTheOptionsIsBorne) {
  options.rest.token = Secret("t0ken");
  Open();
  EXPECT_EQ(Last().Header("authorization"), "Bearer t0ken");
  On(kTable, {Error(401, "NotAuthorizedException", "who are you")});
  const Status refused = Load().status();
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(refused.message().find("t0ken"), std::string_view::npos);
  EXPECT_EQ(Count(kTable), 1U);
}

TEST_F(RestCatalogTest, AnUnchangedTableIsNotSentAgain) {
  Open();
  On(kTable, {TableAnswer("", {"ETag: \"v1\""}), TestHttpServer::Reply(304)});
  const auto first = Load();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Last().Header("if-none-match"), "");
  const auto second = Load();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Last().Header("if-none-match"), "\"v1\"");
  EXPECT_EQ(second->metadata, first->metadata);  // The same object.
  EXPECT_EQ(*second->metadata, TestMetadata());
}

TEST_F(RestCatalogTest, LentCredentialsOpenATable) {
  Configure(R"({"defaults":{"s3.endpoint":"http://127.0.0.1:1"}})");
  Open();
  const std::string lent =
      R"(,"config":{"s3.access-key-id":"all","s3.secret-access-key":"x"},
          "storage-credentials":[
          {"prefix":"s3://bucket/metrics","config":{"s3.access-key-id":"near",
           "s3.secret-access-key":"y","s3.session-token-expires-at-ms":")" +
      std::to_string(kTestNowUs / 1000 + 3'600'000) + R"("}},
          {"prefix":"s3://","config":{"s3.access-key-id":"far"}}])";
  On(kTable, {TableAnswer(lent, {"ETag: \"v1\""})});
  const auto first = Load();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Last().Header("x-iceberg-access-delegation"), "vended-credentials");
  ASSERT_NE(first->store, nullptr);
  EXPECT_EQ(&first->StoreOr(store), first->store.get());
  EXPECT_EQ(Load()->store, first->store);  // What is lent has not changed.
  On(kCommit, {TableAnswer()});
  EXPECT_EQ(catalog->CommitTable(context, name, {}, {})->store, first->store);
  // Shortly before they end the server is asked for others.
  clock.AdvanceUs(3'500'000'000);
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(Last().Header("if-none-match"), "");

  options.rest.vended_credentials = false;
  Configure("{}");
  Open();
  // What is lent nevertheless opens nothing.
  On(kTable, {TableAnswer(R"(,"config":{"s3.access-key-id":"all",
      "s3.secret-access-key":"x","s3.session-token":"t","gcs.oauth2.token":"t",
      "adls.sas-token.account":"t"})")});
  EXPECT_EQ(Load()->store, nullptr);
  EXPECT_EQ(Last().Header("x-iceberg-access-delegation"), "");
}

TEST_F(RestCatalogTest, OnlyWhatTheServerOffersIsAsked) {
  Configure(R"({"endpoints":["GET /v1/{prefix}/namespaces", 7]})");
  Open();
  const std::size_t before = server.requests().size();
  EXPECT_EQ(catalog->CommitTables(context, {}).code(), StatusCode::kUnimplemented);
  EXPECT_EQ(catalog->ListViews(context, name.name_space).status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(catalog->RegisterTable(context, name, "x").status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(catalog->RenameTable(context, name, name).code(), StatusCode::kUnimplemented);
  EXPECT_EQ(server.requests().size(), before);
  On(kTable, {TableAnswer()});
  EXPECT_TRUE(*catalog->TableExists(context, name));  // By loading it.

  Configure(R"({"endpoints":["HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
                             "GET /v1/{prefix}/namespaces/{namespace}/views",
                             "POST /v1/{prefix}/transactions/commit"]})");
  Open();
  On("HEAD /v1/namespaces/metrics/tables/probe",
     {TestHttpServer::Reply(204), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_TRUE(*catalog->TableExists(context, name));
  EXPECT_FALSE(*catalog->TableExists(context, name));
  On("GET /v1/namespaces/metrics/views",
     {TestHttpServer::Reply(
         200, R"({"identifiers":[{"namespace":["metrics"],"name":"v"}]})")});
  EXPECT_EQ(catalog->ListViews(context, name.name_space)->front().name, "v");
  On("POST /v1/transactions/commit", {TestHttpServer::Reply(204)});
  EXPECT_TRUE(catalog->CommitTables(context, {{name, {}, {SetProperties{}}}}).ok());
  const json sent = json::parse(Last().body);
  EXPECT_EQ(sent["table-changes"][0]["identifier"]["name"], "probe");
}

// Tables of three columns, the first of which is to be number 77.
class NewTableTest : public RestCatalogTest {
 protected:
  void SetUp() override {
    RestCatalogTest::SetUp();
    Open();
    On("GET /v1/namespaces/metrics", {TestHttpServer::Reply(200, "{}")});
    On(kTables, {TableAnswer()});
    request.identifier = name;
    request.schema = TestSchema();
    request.schema.root.fields[0].id = FieldId(77);
    request.spec = {SpecId(0),
                    {{FieldId(77), FieldId(1000), "id", Transform::Identity()}}};
    request.sort_order = TestOrder();
    request.sort_order.fields[0].source_id = FieldId(77);
  }
  // What is wanted, and what a server makes of it that numbers columns by itself.
  TableMetadata Made(std::int32_t first_id) {
    NewTable table = NewTableOf(request, "s3://bucket/metrics/probe",
                                TestMetadata().table_uuid, 1);  // As it was staged.
    table.schema.root.fields[0].id = FieldId(first_id);
    table.spec.fields[0].source_id = FieldId(first_id);
    table.sort_order.fields[0].source_id = FieldId(first_id);
    return MakeTableMetadata(std::move(table)).value();
  }
  Result<LoadedTable> Create() { return catalog->CreateTable(context, request); }

  static constexpr char kTables[] = "POST /v1/namespaces/metrics/tables";
  static constexpr char kDrop[] = "DELETE /v1/namespaces/metrics/tables/probe";
  CreateTableRequest request;
};

TEST_F(NewTableTest, KeepsItsFieldIds) {
  On(kCommit, {AnswerOf(Made(77))});
  const auto made = Create();
  ASSERT_TRUE(made.ok()) << made.status();
  const auto requests = server.requests();
  const json staged = json::parse(requests[requests.size() - 2].body);
  EXPECT_EQ(staged["stage-create"], true);
  const json sent = json::parse(requests.back().body);
  EXPECT_EQ(sent["requirements"][0]["type"], "assert-create");
  for (const json& update : sent["updates"]) {
    if (update["action"] == "add-schema") {
      EXPECT_EQ(update["schema"]["fields"][0]["id"], 77);
      EXPECT_EQ(update["last-column-id"], 77);
    }
    if (update["action"] == "set-location") {
      EXPECT_EQ(update["location"], "s3://bucket/metrics/probe");
    }
  }
  On(kCommit, {Error(409, "CommitFailedException", "exists")});
  EXPECT_EQ(Create().status().code(), StatusCode::kAlreadyExists);
  // Nothing is made by a staging whose answer is lost.
  On(kTables, {kLost});
  EXPECT_EQ(Create().status().code(), StatusCode::kUnavailable);
}

TEST_F(NewTableTest, IsLookedForWhereTheAnswerIsLost) {
  On(kCommit, {kLost});
  On(kTable, {AnswerOf(Made(77))});
  const auto made = Create();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(*made->metadata, Made(77));
  // Another one's, or none yet: nobody knows what comes of the request.
  TableMetadata other = Made(77);
  other.table_uuid = "6a8c0000-0000-4000-8000-000000000001";
  for (const std::string& there :
       {AnswerOf(other), Error(404, "NoSuchTableException", "none"),
        std::string(kLost)}) {
    On(kTable, {there});
    EXPECT_EQ(Create().status().code(), StatusCode::kCommitUnknown);
  }
}

TEST_F(NewTableTest, GetsItsFieldIdsBackOfAServerThatNumbersThem) {
  const TableMetadata numbered = Made(1);
  // What the server makes of the second commit.
  TableMetadata restored = numbered;
  restored.schemas.push_back(request.schema);
  restored.schemas.back().id = restored.current_schema_id = SchemaId(1);
  restored.last_column_id = FieldId(77);
  restored.partition_specs.push_back(request.spec);
  restored.partition_specs.back().id = restored.default_spec_id = SpecId(1);
  restored.partition_specs.back().fields[0].field_id = FieldId(1001);
  restored.last_partition_id = FieldId(1001);
  restored.sort_orders.push_back(request.sort_order);
  restored.sort_orders.back().id = restored.default_sort_order_id = SortOrderId(2);
  On(kCommit, {AnswerOf(numbered), AnswerOf(restored)});
  const auto made = Create();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->metadata->current_schema().fields(), request.schema.fields());
  const json sent = json::parse(Last().body);
  EXPECT_EQ(sent["requirements"][0]["type"], "assert-table-uuid");
  // Ids that are free: some servers take no other.
  EXPECT_EQ(sent["updates"][0]["schema"]["schema-id"], 1);
  EXPECT_EQ(sent["updates"][2]["spec"]["spec-id"], 1);
  EXPECT_EQ(sent["updates"][2]["spec"]["fields"][0]["field-id"], 1001);
  EXPECT_EQ(sent["updates"][4]["sort-order"]["order-id"], 2);
}

TEST_F(NewTableTest, IsNotLeftWithOtherFieldIds) {
  On(kDrop, {TestHttpServer::Reply(204)});
  const std::string numbered = AnswerOf(Made(1));
  const std::pair<std::string, StatusCode> cases[] = {
      {numbered, StatusCode::kUnimplemented},
      {Error(400, "BadRequestException", "no"), StatusCode::kInvalidArgument},
      {Error(409, "CommitFailedException", "a rival"), StatusCode::kConflict},
      {kLost, StatusCode::kUnavailable}};
  std::size_t drops = 0;
  for (const auto& [answer, code] : cases) {
    On(kCommit, {numbered, answer});
    On(kTable, {numbered});
    const Status status = Create().status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(Count(kDrop), ++drops);
  }
  On(kDrop, {kLost});
  On(kCommit, {numbered, numbered});
  On(kTable, {numbered});
  EXPECT_EQ(Create().status().code(), StatusCode::kCommitUnknown);
}

// A table that somebody else uses by now, or made anew, is not this one's to drop.
TEST_F(NewTableTest, IsNotDroppedWhereSomebodyUsesIt) {
  const TableMetadata numbered = Made(1);
  TableMetadata evolved = numbered;
  evolved.schemas.push_back(evolved.schemas.front());
  evolved.schemas.back().id = evolved.current_schema_id = SchemaId(1);
  evolved.schemas.back().root.fields[0].doc = "somebody's";
  TableMetadata other = numbered;
  other.table_uuid = "6a8c0000-0000-4000-8000-000000000001";
  for (const TableMetadata& there : {evolved, other}) {
    On(kCommit,
       {AnswerOf(numbered), Error(409, "CommitFailedException", "main has a snapshot")});
    On(kTable, {AnswerOf(there)});
    EXPECT_EQ(Create().status().code(), StatusCode::kCommitUnknown);
  }
  // What was done all the same, although its answer was lost, is done.
  TableMetadata restored = numbered;
  restored.schemas.push_back(request.schema);
  restored.schemas.back().id = restored.current_schema_id = SchemaId(1);
  restored.last_column_id = FieldId(77);
  On(kCommit, {AnswerOf(numbered), kLost});
  On(kTable, {AnswerOf(restored)});
  const auto made = Create();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->metadata->current_schema().fields(), request.schema.fields());
  EXPECT_EQ(Count(kDrop), 0U);
}

TEST_F(RestCatalogTest, DropsSayWhetherFilesGo) {
  Open();
  const std::string target = "/v1/namespaces/metrics/tables/probe";
  On("DELETE " + target, {TestHttpServer::Reply(204)});
  ASSERT_TRUE(catalog->DropTable(context, name).ok());
  EXPECT_EQ(Last().target, target + "?purgeRequested=false");
  ASSERT_TRUE(catalog->PurgeTable(context, name).ok());
  EXPECT_EQ(Last().target, target + "?purgeRequested=true");
}

TEST_F(RestCatalogTest, CancelledWorkIsNotBegun) {
  Open();
  const std::size_t before = server.requests().size();
  context.Cancel();
  EXPECT_EQ(Load().status().code(), StatusCode::kCancelled);
  EXPECT_EQ(Commit().code(), StatusCode::kCancelled);
  EXPECT_EQ(server.requests().size(), before);
}

}  // namespace
}  // namespace firn::iceberg

// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <arpa/inet.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <snappy.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <semaphore>

#include <nlohmann/json.hpp>

#include "server/server_fixture.h"
#include "wire/remote_write_encoder.h"

namespace firn {

// The server needs this of a Db; the real one parses PromQL.
Result<std::vector<LabelMatcher>> Db::ParseSelector(std::string_view text) {
  if (text.starts_with("!")) return Status::InvalidArgument("1:1: parse error: bad");
  return std::vector<LabelMatcher>{
      {MatchOp::kEqual, std::string(kMetricNameLabel), std::string(text)}};
}

namespace server {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr TimestampMs kNow = 1'760'000'000'000;

std::string Snappy(std::string_view message) {
  std::string out;
  snappy::Compress(message.data(), message.size(), &out);
  return out;
}

// A socket that says exactly what a test writes.
class RawClient {
 public:
  explicit RawClient(const std::string& address) {
    const auto parsed = io::HttpAddress::Parse(address);
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(parsed->port)));
    inet_pton(AF_INET, parsed->host.c_str(), &to.sin_addr);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawClient() { Close(); }
  void Write(std::string_view bytes) {
    ASSERT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Until the server closes.
  std::string ReadAll() {
    std::string out;
    char buffer[4096];
    for (ssize_t n; (n = recv(fd_, buffer, sizeof buffer, 0)) > 0;) {
      out.append(buffer, static_cast<std::size_t>(n));
    }
    return out;
  }
  std::string ReadUntil(std::string_view end) {
    std::string out;
    char c;
    while (!out.ends_with(end) && recv(fd_, &c, 1, 0) == 1) out += c;
    return out;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  bool connected() const { return connected_; }

 private:
  int fd_;
  bool connected_;
};

class ServerTest : public ServerFixture {
 protected:
  io::HttpResponse Write(const std::string& body,
                         std::vector<std::pair<std::string, std::string>> headers = {
                             {"Content-Type", "application/x-protobuf"},
                             {"Content-Encoding", "snappy"}}) {
    return Send({"POST", "/api/v1/write", std::move(headers), body});
  }
  static std::string OneSample(const std::string& metric, TimestampMs t, double v) {
    return Snappy(wire::EncodeWriteRequest(
        {wire::EncodeSeries({{"__name__", metric}, {"job", "x"}}, {{t, v}})}));
  }
  std::uint64_t CounterValue(std::string_view name, std::string_view label,
                             std::string_view value) {
    const std::string line = std::string(name) + "{" + std::string(label) + "=\"" +
                             std::string(value) + "\"} ";
    const std::string exposed = db_.metrics().Expose();
    const std::size_t at = exposed.find(line);
    return at == std::string::npos ? 0 : std::stoull(exposed.substr(at + line.size()));
  }
};

TEST_F(ServerTest, AnswersHealthAndNamesItsPaths) {
  Start();
  for (const char* path : {"/-/healthy", "/healthz", "/-/ready", "/readyz", "/"}) {
    EXPECT_EQ(Get(path).code, 200) << path;
  }
  EXPECT_THAT(Get("/").body, HasSubstr("/api/v1/query"));
  EXPECT_EQ(Get("/nowhere").code, 404);
  EXPECT_EQ(Send({.method = "DELETE", .target = "/metrics"}).code, 405);
  EXPECT_EQ(Send({.method = "DELETE", .target = "/metrics"}).Header("Allow"),
            "GET, HEAD, OPTIONS");
  EXPECT_EQ(Send({.method = "OPTIONS", .target = "/api/v1/query"}).code, 204);
  const io::HttpResponse head = Send({.method = "HEAD", .target = "/-/healthy"});
  EXPECT_EQ(head.code, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.Header("content-length"), "17");
}

TEST_F(ServerTest, TakesRemoteWritesOverOneConnection) {
  Start();
  for (int i = 0; i < 3; ++i) {
    const io::HttpResponse response = Write(OneSample("up", kNow + i, i));
    EXPECT_EQ(response.code, 204) << response.body;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.Header("content-length"), "");
  }
  EXPECT_EQ(db_.appender->samples().at("up{job=\"x\"}").size(), 3u);
  EXPECT_EQ(db_.appender->resolves(), 2);  // Then the appender's guess is right.
  const std::string metrics = Get("/metrics").body;
  EXPECT_THAT(metrics,
              HasSubstr("firn_remote_write_samples_total{outcome=\"accepted\"} 3"));
  EXPECT_THAT(
      metrics,
      HasSubstr("firn_http_requests_total{code=\"204\",path=\"/api/v1/write\"} 3"));
}

TEST_F(ServerTest, TakesAChunkedWrite) {
  Start();
  const std::string body = OneSample("up", kNow, 1);
  RawClient raw(server_->address());
  raw.Write(
      "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
      "Connection: close\r\n\r\n");
  for (const char c : body) {
    raw.Write(std::string("1\r\n") + c + "\r\n");
  }
  raw.Write("0\r\n\r\n");
  EXPECT_THAT(raw.ReadAll(), StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_EQ(db_.appender->accepted(), 1);
}

TEST_F(ServerTest, BadWritesAreAnsweredWithAReasonAndCounted) {
  Start();
  EXPECT_EQ(Write("not snappy at all").code, 400);
  EXPECT_EQ(Write(Snappy("\x0a\x7f")).code, 400);
  const io::HttpResponse bomb = Write(std::string("\x80\x80\x80\x80\x04 x", 7));
  EXPECT_EQ(bomb.code, 400);
  EXPECT_THAT(bomb.body, HasSubstr("1073741824"));
  EXPECT_EQ(Write("").code, 400);
  EXPECT_EQ(
      CounterValue("firn_remote_write_refused_requests_total", "reason", "malformed"),
      4u);
  const io::HttpResponse v2 = Write(
      "",
      {{"Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"}});
  EXPECT_EQ(v2.code, 415);
  EXPECT_THAT(v2.body, HasSubstr("remote write 1.0"));
  EXPECT_EQ(Write("", {{"Content-Type", "text/plain"}}).code, 415);
  EXPECT_EQ(Write("", {{"Content-Encoding", "gzip"}}).code, 415);
  // Headers of simple senders: none at all, or version 1 spelled out.
  EXPECT_EQ(Write(OneSample("a", kNow, 1), {}).code, 204);
  EXPECT_EQ(
      Write(OneSample("b", kNow, 1),
            {{"Content-Type", "application/x-protobuf; proto=prometheus.WriteRequest"},
             {"Content-Encoding", "Snappy"}})
          .code,
      204);
  EXPECT_EQ(db_.appender->accepted(), 2);
}

TEST_F(ServerTest, TheGoodPartOfAWriteIsKept) {
  Start();
  const io::HttpResponse response = Write(Snappy(wire::EncodeWriteRequest(
      {wire::EncodeSeries({{"__name__", "good"}}, {{kNow, 1}}),
       wire::EncodeSeries({{"__name__", "bad"}, {"a", "1"}, {"a", "2"}}, {{kNow, 1}})})));
  EXPECT_EQ(response.code, 400);
  EXPECT_THAT(response.body, HasSubstr("1 of 2 samples rejected"));
  EXPECT_THAT(response.body, HasSubstr("\"a\""));
  EXPECT_EQ(db_.appender->accepted(), 1);
  EXPECT_EQ(CounterValue("firn_remote_write_samples_total", "outcome", "invalid_series"),
            1u);
}

TEST_F(ServerTest, AFullDiskAsksTheSenderToComeBack) {
  Start();
  for (const Status& status :
       {Status::ResourceExhausted("disk full"), Status::Unavailable("closing")}) {
    db_.appender->commit_status = status;
    const io::HttpResponse response = Write(OneSample("up", kNow, 1));
    EXPECT_EQ(response.code, 503);
    EXPECT_EQ(response.Header("retry-after"), "5");
  }
  db_.appender->commit_status = Status::Corruption("log");
  EXPECT_EQ(Write(OneSample("up", kNow, 1)).code, 500);
}

TEST_F(ServerTest, KeepsMetadata) {
  Start();
  std::string message;
  wire::AppendField(message, 3, wire::EncodeMetadata(1, "up_total", "Help \"it\".", "s"));
  EXPECT_EQ(Write(Snappy(message)).code, 204);
  EXPECT_EQ(GetJson("/api/v1/metadata?metric=up_total")["data"],
            json::parse(
                R"({"up_total":[{"type":"counter","help":"Help \"it\".","unit":"s"}]})"));
  EXPECT_EQ(GetJson("/api/v1/metadata?metric=none")["data"], json::object());
  EXPECT_EQ(GetJson("/api/v1/metadata?limit=x", 400)["errorType"], "bad_data");
}

TEST_F(ServerTest, RefusesBodiesAndHeadsBeyondTheirBounds) {
  options_.body_bytes_max = 100;
  options_.header_bytes_max = 1000;
  Start();
  EXPECT_EQ(Write(std::string(101, 'x')).code, 413);
  EXPECT_EQ(Write(std::string(100, 'x')).code, 400);
  RawClient chunked(server_->address());
  chunked.Write(
      "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "ff\r\n" +
      std::string(255, 'x'));
  EXPECT_THAT(chunked.ReadAll(), StartsWith("HTTP/1.1 413 "));
  RawClient head(server_->address());
  head.Write("GET / HTTP/1.1\r\nX-Long: " + std::string(2000, 'x') + "\r\n\r\n");
  EXPECT_THAT(head.ReadAll(), StartsWith("HTTP/1.1 431 "));
}

TEST_F(ServerTest, BodiesTogetherAreBounded) {
  options_.bodies_bytes_max = 1000;
  Start();
  const io::HttpResponse response = Write(std::string(2000, 'x'));
  EXPECT_EQ(response.code, 503);
  EXPECT_NE(response.Header("retry-after"), "");
  EXPECT_EQ(Write(OneSample("up", kNow, 1)).code, 204);
}

TEST_F(ServerTest, WhatIsNotHttpIsRefused) {
  Start();
  RawClient raw(server_->address());
  raw.Write("\x16\x03\x01 hello tls\r\n\r\n");
  EXPECT_THAT(raw.ReadAll(), StartsWith("HTTP/1.1 400 "));
}

TEST_F(ServerTest, SlowClientsAreCutOff) {
  options_.header_timeout_ms = 20;
  options_.body_timeout_ms = 20;
  options_.idle_timeout_ms = 20;
  Start();
  RawClient head(server_->address());
  head.Write("GET / HTT");
  EXPECT_THAT(head.ReadAll(), StartsWith("HTTP/1.1 408 "));
  RawClient body(server_->address());
  body.Write("POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_THAT(body.ReadAll(), StartsWith("HTTP/1.1 408 "));
  RawClient idle(server_->address());
  EXPECT_EQ(idle.ReadAll(), "");
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  const std::string body = OneSample("up", kNow, 1);
  RawClient raw(server_->address());
  raw.Write(
      "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body +
      "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /readyz HTTP/1.0\r\n\r\n");
  const std::string all = raw.ReadAll();
  const std::size_t healthy = all.find("firn is healthy");
  const std::size_t written = all.find("204 No Content");
  const std::size_t missing = all.find("404 Not Found");
  const std::size_t ready = all.find("firn is ready");
  EXPECT_LT(healthy, written);
  EXPECT_LT(written, missing);
  EXPECT_LT(missing, ready);
  EXPECT_NE(ready, std::string::npos);
}

TEST_F(ServerTest, ContinuesWhenAskedTo) {
  Start();
  const std::string body = OneSample("up", kNow, 1);
  RawClient raw(server_->address());
  raw.Write(
      "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
      "Connection: close\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(raw.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  raw.Write(body);
  EXPECT_THAT(raw.ReadAll(), StartsWith("HTTP/1.1 204 "));
}

TEST_F(ServerTest, ConnectionsAreBounded) {
  options_.connections_max = 1;
  Start();
  RawClient first(server_->address());
  first.Write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(first.ReadUntil("healthy.\n"), HasSubstr("200 OK"));
  RawClient second(server_->address());
  EXPECT_THAT(second.ReadAll(), StartsWith("HTTP/1.1 503 "));
}

TEST_F(ServerTest, AnswersInstantQueriesAsPrometheusDoes) {
  db_.promql = [](const base::Context&, const PromqlRequest& r) -> Result<PromqlResult> {
    EXPECT_TRUE(r.is_instant());
    EXPECT_EQ(r.start_ms, 1'435'781'451'781);
    PromqlResult result;
    if (r.expression == "1 + 1") result.value = PromqlScalar{r.start_ms, 2};
    if (r.expression == "\"a\"") result.value = PromqlString{r.start_ms, "a\n"};
    if (r.expression == "up") {
      result.value = PromqlVector{{Labels{{"__name__", "up"}}, {r.start_ms, 1}},
                                  {Labels{}, {r.start_ms, 0.1}}};
      result.warnings = {"PromQL warning: w"};
      result.infos = {"PromQL info: i"};
    }
    return result;
  };
  Start();
  const std::string time = "&time=1435781451.781";
  EXPECT_EQ(Get("/api/v1/query?query=1%20%2B+1" + time).body,
            R"({"status":"success","data":{"resultType":"scalar","result":)"
            R"([1435781451.781,"2"]}})"
            "\n");
  EXPECT_EQ(GetJson("/api/v1/query?query=%22a%22" + time)["data"]["result"],
            json::parse(R"([1435781451.781,"a\n"])"));
  EXPECT_EQ(Get("/api/v1/query?query=up&time=2015-07-01T20:10:51.781Z").body,
            R"({"status":"success","data":{"resultType":"vector","result":[)"
            R"({"metric":{"__name__":"up"},"value":[1435781451.781,"1"]},)"
            R"({"metric":{},"value":[1435781451.781,"0.1"]}]},)"
            R"("warnings":["PromQL warning: w"],"infos":["PromQL info: i"]})"
            "\n");
  const json limited = GetJson("/api/v1/query?query=up&limit=1" + time);
  EXPECT_EQ(limited["data"]["result"].size(), 1u);
  EXPECT_EQ(limited["warnings"][1], "results truncated due to limit");
}

TEST_F(ServerTest, AnswersRangeQueriesByGetAndByForm) {
  db_.promql = [](const base::Context&, const PromqlRequest& r) -> Result<PromqlResult> {
    EXPECT_EQ(r.start_ms, 1000);
    EXPECT_EQ(r.end_ms, 3000);
    EXPECT_EQ(r.step_ms, 1000);
    EXPECT_EQ(r.expression, "a b&c");
    PromqlResult result;
    result.value = PromqlMatrix{{Labels{{"a", "b"}}, {{1000, 1}, {2500, 2}}}};
    result.stats.samples_read = 7;
    return result;
  };
  Start();
  const std::string form = "query=a+b%26c&start=1&end=3&step=1s";
  const std::string expected =
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":)"
      R"({"a":"b"},"values":[[1,"1"],[2.500,"2"]]}]}})"
      "\n";
  EXPECT_EQ(Get("/api/v1/query_range?" + form).body, expected);
  EXPECT_EQ(Send({"POST",
                  "/api/v1/query_range",
                  {{"Content-Type", "application/x-www-form-urlencoded"}},
                  form})
                .body,
            expected);
  EXPECT_EQ(GetJson("/api/v1/query_range?stats=all&" +
                    form)["data"]["stats"]["samples"]["totalQueryableSamples"],
            7);
}

TEST_F(ServerTest, RefusesBadParametersInPrometheusWords) {
  Start();
  const auto error = [&](const std::string& target) {
    const json answer = GetJson(target, 400);
    EXPECT_EQ(answer["status"], "error");
    EXPECT_EQ(answer["errorType"], "bad_data");
    return answer["error"].get<std::string>();
  };
  EXPECT_EQ(error("/api/v1/query_range?query=up&end=1&step=1"),
            R"(invalid parameter "start": cannot parse "" to a valid timestamp)");
  EXPECT_EQ(error("/api/v1/query_range?query=up&start=2&end=1&step=1"),
            R"(invalid parameter "end": end timestamp must not be before start time)");
  EXPECT_THAT(error("/api/v1/query_range?query=up&start=1&end=2&step=0"),
              StartsWith(R"(invalid parameter "step": zero or negative)"));
  EXPECT_THAT(error("/api/v1/query_range?query=up&start=0&end=11002&step=1"),
              HasSubstr("11,000 points"));
  EXPECT_THAT(error("/api/v1/query?query=up&timeout=soon"), HasSubstr("timeout"));
  EXPECT_THAT(error("/api/v1/series"), HasSubstr("no match[] parameter provided"));
  EXPECT_THAT(error("/api/v1/series?match[]=!"), HasSubstr("parse error"));
  EXPECT_THAT(error("/api/v1/label/%FF/values"), HasSubstr("invalid label name"));
  EXPECT_EQ(Get("/api/v1/query?query=%zz").code, 400);
}

TEST_F(ServerTest, MapsErrorsOfQueries) {
  Status status;
  db_.promql = [&](const base::Context&, const PromqlRequest&) -> Result<PromqlResult> {
    return status;
  };
  Start();
  const struct {
    Status status;
    int code;
    const char* type;
  } kCases[] = {
      {Status::InvalidArgument("1:5: parse error: unexpected"), 400, "bad_data"},
      {Status::InvalidArgument("many-to-many matching not allowed"), 422, "execution"},
      {Status::Unimplemented("function holt_winters"), 422, "execution"},
      {Status::ResourceExhausted("too many samples"), 422, "execution"},
      {Status::DeadlineExceeded("late"), 503, "timeout"},
      {Status::Unavailable("closing"), 503, "unavailable"},
      {Status::Internal("bug"), 500, "internal"},
      {Status::Cancelled("gone"), 499, "canceled"},
  };
  for (const auto& one : kCases) {
    status = one.status;
    const json answer = GetJson("/api/v1/query?query=x", one.code);
    EXPECT_EQ(answer["errorType"], one.type);
    EXPECT_THAT(answer["error"].get<std::string>(),
                HasSubstr(std::string(one.status.message())));
  }
}

TEST_F(ServerTest, ListsSeriesAndLabels) {
  db_.series = [](const Db::SeriesQuery& query) -> Result<std::vector<Labels>> {
    EXPECT_EQ(query.selectors.size(), 2u);
    EXPECT_EQ(query.range, (ClosedRangeMs{1000, 2000}));
    return std::vector<Labels>{Labels{{"__name__", "up"}}, Labels{{"__name__", "z"}}};
  };
  db_.label_values = [](std::string_view name, const Db::SeriesQuery& query) {
    return std::vector<std::string>{"b", std::string(name), std::to_string(query.limit)};
  };
  Start();
  EXPECT_EQ(GetJson("/api/v1/series?match[]=up&match%5B%5D=z&start=1&end=2")["data"],
            json::parse(R"([{"__name__":"up"},{"__name__":"z"}])"));
  const json one = GetJson("/api/v1/series?match[]=up&match[]=z&start=1&end=2&limit=1");
  EXPECT_EQ(one["data"].size(), 1u);
  EXPECT_EQ(one["warnings"].size(), 1u);
  EXPECT_EQ(GetJson("/api/v1/labels")["data"], json::parse(R"(["b","","0"])"));
  EXPECT_EQ(GetJson("/api/v1/label/job/values")["data"][1], "job");
  EXPECT_EQ(GetJson("/api/v1/label/U__http_2e_code__x/values")["data"][1], "http.code_x");
  EXPECT_EQ(GetJson("/api/v1/label/caf%C3%A9/values")["data"][1], "café");
}

TEST_F(ServerTest, NamesItsVersionSoThatGrafanaKnowsWhatToAsk) {
  Start();
  const json data = GetJson("/api/v1/status/buildinfo")["data"];
  EXPECT_EQ(data["version"], "3.0.0+firn.0.1.0");
  EXPECT_EQ(GetJson("/api/v1/rules")["data"], json::parse(R"({"groups":[]})"));
}

TEST_F(ServerTest, SettlesOnRequest) {
  db_.settled =
      std::vector<SettledTable>{{"metrics.samples", 8'123'456'789'012'345'678, 42}};
  Start();
  EXPECT_EQ(Send({.method = "POST", .target = "/-/settle"}).body,
            R"({"tables":[{"table":"metrics.samples","snapshot_id":8123456789012345678,)"
            R"("rows":42}]})"
            "\n");
  EXPECT_EQ(Send({"POST", "/-/settle", {{"Sec-Fetch-Site", "cross-site"}}, ""}).code,
            403);
  EXPECT_EQ(Get("/-/settle").code, 405);
}

std::shared_ptr<arrow::RecordBatch> NumbersBatch(std::int64_t rows) {
  arrow::Int64Builder n;
  arrow::StringBuilder text;
  for (std::int64_t i = 0; i < rows; ++i) {
    EXPECT_TRUE(n.Append(i).ok() && text.Append("row " + std::to_string(i)).ok());
  }
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64()),
                                                 arrow::field("t", arrow::utf8())}),
                                  rows, {*n.Finish(), *text.Finish()});
}

class SqlServerTest : public ServerTest {
 protected:
  void Serve(std::int64_t rows, int batches, Status last = Status::OK()) {
    db_.sql = [=](std::string_view text) -> Result<std::unique_ptr<SqlCursor>> {
      EXPECT_EQ(text, "SELECT '%x+'");
      const auto batch = NumbersBatch(rows);
      auto cursor = std::make_unique<FakeCursor>(
          batch->schema(),
          std::vector<std::shared_ptr<arrow::RecordBatch>>(batches, batch));
      cursor->last_status = last;
      return cursor;
    };
    Start();
  }
  io::HttpResponse Sql(std::vector<std::pair<std::string, std::string>> headers = {}) {
    return Send({"POST", "/api/v1/sql", std::move(headers), "SELECT '%x+'"});
  }
};

TEST_F(SqlServerTest, AnswersSmallResultsAtOnce) {
  Serve(2, 1);
  // What curl -d sends: the text is SQL all the same.
  const io::HttpResponse response =
      Sql({{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(response.body,
            R"({"columns":[{"name":"n","type":"int64"},{"name":"t","type":"string"}],)"
            R"("rows":[[0,"row 0"],[1,"row 1"]]})"
            "\n");
  EXPECT_EQ(response.Header("content-length"), std::to_string(response.body.size()));
}

TEST_F(SqlServerTest, StreamsLargeResultsInChunks) {
  Serve(10'000, 3);
  const io::HttpResponse response = Sql();
  EXPECT_EQ(response.Header("transfer-encoding"), "chunked");
  EXPECT_EQ(json::parse(response.body)["rows"].size(), 30'000u);
  EXPECT_EQ(Get("/healthz").code, 200);  // The connection goes on.
}

TEST_F(SqlServerTest, StreamsArrow) {
  Serve(10'000, 2);
  const io::HttpResponse response =
      Sql({{"Accept", "application/vnd.apache.arrow.stream"}});
  EXPECT_EQ(response.Header("content-type"), "application/vnd.apache.arrow.stream");
  arrow::io::BufferReader bytes(std::make_shared<arrow::Buffer>(response.body));
  auto reader = arrow::ipc::RecordBatchStreamReader::Open(&bytes);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  std::int64_t rows = 0;
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ASSERT_TRUE((*reader)->ReadNext(&batch).ok());
    if (batch == nullptr) break;
    rows += batch->num_rows();
  }
  EXPECT_EQ(rows, 20'000);
}

TEST_F(SqlServerTest, AnErrorInTheMiddleCutsTheAnswer) {
  Serve(10'000, 2, Status::Corruption("file gone bad"));
  io::HttpRequest request{"POST", "/api/v1/sql", {}, "SELECT '%x+'"};
  EXPECT_EQ(client_->Send(request, context_).status().code(), StatusCode::kUnavailable);
}

TEST_F(SqlServerTest, AnErrorBeforeTheFirstChunkIsAnError) {
  Serve(10, 1, Status::Corruption("file gone bad"));
  const io::HttpResponse response = Sql();
  EXPECT_EQ(response.code, 500);
  EXPECT_EQ(json::parse(response.body)["error"], "file gone bad");
}

TEST_F(SqlServerTest, PassesAFilterOn) {
  Serve(1, 1);
  EXPECT_EQ(Sql().code, 200);
  EXPECT_EQ(db_.sql_filter.condition, "");
  const std::string filter = "filter=" + io::PercentEncode("a = 'b&c'");
  const std::string target = "/api/v1/sql?filter_table=x.y&" + filter;
  EXPECT_EQ(Send({"POST", target, {}, "SELECT '%x+'"}).code, 200);
  EXPECT_EQ(db_.sql_filter.table, "x.y");
  EXPECT_EQ(db_.sql_filter.condition, "a = 'b&c'");
  EXPECT_EQ(Send({"POST", "/api/v1/sql?" + filter, {}, "SELECT 1"}).code, 400);
}

TEST_F(ServerTest, BadSqlIsAnErrorWithItsText) {
  Start();
  const io::HttpResponse response = Send({"POST", "/api/v1/sql", {}, "SELEC"});
  EXPECT_EQ(response.code, 400);
  EXPECT_THAT(response.body, HasSubstr("no such statement"));
  EXPECT_EQ(Send({"POST", "/api/v1/sql", {}, ""}).code, 400);
  EXPECT_EQ(Send({"POST", "/api/v1/sql", {{"Sec-Fetch-Site", "cross-site"}}, "x"}).code,
            403);
}

// A query that runs until it is cancelled.
class SlowQueryTest : public ServerTest {
 protected:
  SlowQueryTest() {
    db_.promql = [this](const base::Context& context,
                        const PromqlRequest&) -> Result<PromqlResult> {
      running_.release();
      Status status;
      while ((status = context.Check()).ok()) std::this_thread::yield();
      ended_.set_value(status);
      return status;
    };
  }
  // The server goes before what its queries use.
  ~SlowQueryTest() override { server_.reset(); }

  std::counting_semaphore<> running_{0};
  std::promise<Status> ended_;
};

TEST_F(SlowQueryTest, AClientThatHangsUpCancelsItsQuery) {
  Start();
  RawClient raw(server_->address());
  raw.Write("GET /api/v1/query?query=up HTTP/1.1\r\nHost: x\r\n\r\n");
  running_.acquire();
  raw.Close();
  EXPECT_EQ(ended_.get_future().get().code(), StatusCode::kCancelled);
}

TEST_F(SlowQueryTest, TheTimeoutParameterEndsAQuery) {
  Start();
  const json answer = GetJson("/api/v1/query?query=up&timeout=10ms", 503);
  EXPECT_EQ(answer["errorType"], "timeout");
}

TEST_F(SlowQueryTest, QueriesBeyondTheQueueAreTurnedAway) {
  options_.query_concurrency = 1;
  options_.query_queue_max = 0;
  Start();
  RawClient raw(server_->address());
  raw.Write("GET /api/v1/query?query=up HTTP/1.1\r\nHost: x\r\n\r\n");
  running_.acquire();
  const io::HttpResponse response = Get("/api/v1/query?query=up");
  EXPECT_EQ(response.code, 503);
  EXPECT_EQ(response.Header("retry-after"), "1");
  EXPECT_EQ(Get("/healthz").code, 200);  // What needs no query is answered.
}

TEST_F(SlowQueryTest, AStopCancelsWhatDoesNotFinish) {
  options_.stop_timeout_ms = 10;
  Start();
  RawClient raw(server_->address());
  raw.Write("GET /api/v1/query?query=up HTTP/1.1\r\nHost: x\r\n\r\n");
  running_.acquire();
  EXPECT_FALSE(server_->Stop());
  EXPECT_EQ(ended_.get_future().get().code(), StatusCode::kCancelled);
}

TEST_F(ServerTest, AStopLetsRequestsFinishAndIdleConnectionsGo) {
  std::binary_semaphore running{0};
  std::binary_semaphore go_on{0};
  db_.promql = [&](const base::Context&, const PromqlRequest&) -> Result<PromqlResult> {
    running.release();
    go_on.acquire();
    return PromqlResult{};
  };
  Start();
  EXPECT_EQ(Get("/healthz").code, 200);  // Leaves an idle connection behind.
  RawClient raw(server_->address());
  raw.Write("GET /api/v1/query?query=up HTTP/1.1\r\nHost: x\r\n\r\n");
  running.acquire();
  std::future<bool> stopped =
      std::async(std::launch::async, [&] { return server_->Stop(); });
  go_on.release();
  EXPECT_TRUE(stopped.get());
  EXPECT_THAT(raw.ReadAll(), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_FALSE(RawClient(server_->address()).connected());
}

TEST(ServerBind, SaysWhatIsWrongWithAnAddress) {
  ServerOptions options;
  for (const char* bad : {"", "7070", ":7070", "127.0.0.1:", "127.0.0.1:port"}) {
    options.listen = bad;
    EXPECT_EQ(Server::Bind(options).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  options.listen = "127.0.0.1:0";
  const auto first = Server::Bind(options);
  ASSERT_TRUE(first.ok());
  options.listen = *first->LocalAddress();
  EXPECT_EQ(Server::Bind(options).status().code(), StatusCode::kAlreadyExists);
}

}  // namespace
}  // namespace server
}  // namespace firn

// SPDX-License-Identifier: Apache-2.0
// The Iceberg REST catalog, request by request. test/e2e/rest_catalog_test.py has other
// engines attach to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/server_fixture.h"

namespace firn::server {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class CatalogEndpointsTest : public ServerFixture {
 protected:
  CatalogEndpointsTest() {
    db_.known.tables[{"metrics"}] = {{"samples", Table("00007-ab.metadata.json")},
                                     {"series", Table("00001-cd.metadata.json")}};
    db_.known.tables[{"a"}] = {};
    db_.known.tables[{"a", "b/c"}] = {{"t ü", Table("odd \"name\"")}};
    db_.known.properties = {{"owner", "me"}};
  }
  static CatalogTable Table(const std::string& file) {
    return {"s3://bucket/" + file, R"({"format-version":2})", {{"s3.region", "here"}}};
  }

  json Catalog(const std::string& path, int code = 200) {
    return GetJson("/iceberg/v1" + path, code);
  }
  // The error's type; its code is the answer's, and it has a text.
  std::string ErrorOf(const std::string& path, int code) {
    const json error = Catalog(path, code)["error"];
    EXPECT_EQ(error["code"], code) << error;
    EXPECT_NE(error["message"], "");
    return error["type"];
  }
  io::HttpResponse Load(const std::string& if_none_match, const std::string& more = "") {
    return Send({"GET",
                 "/iceberg/v1/namespaces/metrics/tables/samples" + more,
                 {{"If-None-Match", if_none_match}},
                 ""});
  }
};

TEST_F(CatalogEndpointsTest, ListsNamespacesLevelByLevel) {
  Start();
  EXPECT_EQ(Catalog("/namespaces"), json::parse(R"({"namespaces":[["a"],["metrics"]]})"));
  EXPECT_EQ(Catalog("/namespaces?parent=a"),
            json::parse(R"({"namespaces":[["a","b/c"]]})"));
  EXPECT_EQ(Catalog("/namespaces?parent=a%1Fb%2Fc"), json::parse(R"({"namespaces":[]})"));
  EXPECT_EQ(ErrorOf("/namespaces?parent=nope", 404), "NoSuchNamespaceException");
}

TEST_F(CatalogEndpointsTest, DescribesANamespace) {
  Start();
  EXPECT_EQ(Catalog("/namespaces/a%1Fb%2Fc"),
            json::parse(R"({"namespace":["a","b/c"],"properties":{"owner":"me"}})"));
  EXPECT_EQ(ErrorOf("/namespaces/b", 404), "NoSuchNamespaceException");
  EXPECT_EQ(Send({.method = "HEAD", .target = "/iceberg/v1/namespaces/a"}).code, 204);
  EXPECT_EQ(Send({.method = "HEAD", .target = "/iceberg/v1/namespaces/b"}).code, 404);
}

TEST_F(CatalogEndpointsTest, ListsTables) {
  Start();
  EXPECT_EQ(Catalog("/namespaces/metrics/tables"), json::parse(R"({"identifiers":[
      {"namespace":["metrics"],"name":"samples"},
      {"namespace":["metrics"],"name":"series"}]})"));
  EXPECT_EQ(ErrorOf("/namespaces/b/tables", 404), "NoSuchNamespaceException");
}

TEST_F(CatalogEndpointsTest, PagesAreWholeWhateverComesAndGoes) {
  Start();
  json page = Catalog("/namespaces/metrics/tables?pageSize=1");
  EXPECT_EQ(page["identifiers"][0]["name"], "samples");
  const std::string token = page["next-page-token"];
  db_.known.tables[{"metrics"}].erase(token);
  page = Catalog("/namespaces/metrics/tables?pageSize=1&pageToken=" + token);
  EXPECT_EQ(page["identifiers"].size(), 1U);
  EXPECT_EQ(page["identifiers"][0]["name"], "series");
  EXPECT_FALSE(page.contains("next-page-token"));
  EXPECT_EQ(ErrorOf("/namespaces?pageSize=-1", 400), "BadRequestException");

  page = Catalog("/namespaces?pageSize=1");
  EXPECT_EQ(page["namespaces"], json::parse(R"([["a"]])"));
  EXPECT_EQ(Catalog("/namespaces?pageSize=9&pageToken=a")["namespaces"],
            json::parse(R"([["metrics"]])"));
}

TEST_F(CatalogEndpointsTest, LoadsATable) {
  Start();
  EXPECT_EQ(Catalog("/namespaces/metrics/tables/samples"), json::parse(R"({
      "metadata-location":"s3://bucket/00007-ab.metadata.json",
      "metadata":{"format-version":2},"config":{"s3.region":"here"}})"));
  EXPECT_EQ(Catalog("/namespaces/metrics/tables/samples?snapshots=refs")["metadata"],
            json::object());
  EXPECT_EQ(Catalog("/namespaces/a%1Fb%2Fc/tables/t%20%C3%BC")["metadata-location"],
            "s3://bucket/odd \"name\"");
  EXPECT_EQ(ErrorOf("/namespaces/metrics/tables/none", 404), "NoSuchTableException");
  EXPECT_EQ(ErrorOf("/namespaces/metrics/tables/samples?snapshots=some", 400),
            "BadRequestException");
  const std::string path = "/iceberg/v1/namespaces/metrics/tables/";
  EXPECT_EQ(Send({.method = "HEAD", .target = path + "samples"}).code, 204);
  EXPECT_EQ(Send({.method = "HEAD", .target = path + "none"}).code, 404);
}

TEST_F(CatalogEndpointsTest, AnUnchangedTableIsNotSentAgain) {
  Start();
  const std::string tag(Load("").Header("etag"));
  EXPECT_THAT(tag, testing::StartsWith("\"00007-ab.metadata.json:"));
  const io::HttpResponse same = Load(tag);
  EXPECT_EQ(same.code, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.Header("etag"), tag);
  // Another choice of snapshots is another answer.
  EXPECT_EQ(Load(tag, "?snapshots=refs").code, 200);
  const std::string refs_tag(Load("", "?snapshots=refs").Header("etag"));
  EXPECT_EQ(Load(refs_tag, "?snapshots=refs").code, 304);
  // So is another table under the same name, with a file of the same name.
  CatalogTable& table = db_.known.tables[{"metrics"}]["samples"];
  const std::string before = std::exchange(table.metadata_json, "{\"table-uuid\":\"b\"}");
  EXPECT_EQ(Load(tag).code, 200);
  table.metadata_json = before;
  EXPECT_EQ(Load(tag).code, 304);
  table.metadata_location = "s3://b/00008-x.json";
  EXPECT_EQ(Load(tag).code, 200);
  // A name that could break a header out of its line makes no tag.
  db_.known.tables[{"metrics"}]["samples"].metadata_location = "s3://b/a\r\nX-B: c";
  EXPECT_EQ(Load(tag).Header("etag"), "");
}

TEST_F(CatalogEndpointsTest, NamesOnlyWhatItAnswersAndRefusesTheRest) {
  Start();
  const json config = Catalog("/config?warehouse=any");
  EXPECT_EQ(config["defaults"], json::object());
  EXPECT_EQ(config["overrides"], json::object());
  for (const json& endpoint : config["endpoints"]) {
    EXPECT_THAT(std::string(endpoint), ::testing::MatchesRegex("(GET|HEAD) /v1/.*"));
  }
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
           {"POST", "/namespaces"},
           {"DELETE", "/namespaces/metrics"},
           {"POST", "/namespaces/metrics/tables"},
           {"POST", "/namespaces/metrics/tables/samples"},
           {"DELETE", "/namespaces/metrics/tables/samples"}}) {
    const io::HttpResponse refused = Send({method, "/iceberg/v1" + path, {}, "{}"});
    EXPECT_EQ(refused.code, 406) << method << path;
    EXPECT_EQ(json::parse(refused.body)["error"]["type"],
              "UnsupportedOperationException");
    EXPECT_THAT(refused.body, HasSubstr("read only"));
  }
  EXPECT_EQ(Get("/iceberg/v1/namespaces/metrics/tables/samples/more").code, 404);
  EXPECT_EQ(Get("/iceberg/v1/namespaces//tables").code, 404);
}

TEST_F(CatalogEndpointsTest, SaysWhoseFaultAnErrorIs) {
  Start();
  db_.known.status = Status::Unavailable("the database is locked");
  EXPECT_EQ(ErrorOf("/namespaces", 503), "ServiceUnavailableException");
  db_.known.status = Status::Corruption("table metadata x: bad");
  EXPECT_EQ(ErrorOf("/namespaces/metrics/tables/samples", 500), "InternalServerError");
  db_.known.status = Status::PermissionDenied("not yours");
  EXPECT_EQ(ErrorOf("/namespaces/metrics", 403), "ForbiddenException");
}

}  // namespace
}  // namespace firn::server

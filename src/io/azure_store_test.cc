// SPDX-License-Identifier: Apache-2.0
// What a store of Azure's does when servers fail, lie and stay silent, and how it speaks
// to the service itself. test/stores has a real server.
#include "io/azure_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/digest.h"
#include "io/test_environment.h"
#include "io/test_http_server.h"

namespace firn::io {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class AzureStoreTest : public testing::Test {
 protected:
  static constexpr auto Reply = &TestHttpServer::Reply;

  static std::string Error(int code, const std::string& name) {
    return Reply(code,
                 "<?xml version=\"1.0\"?><Error><Code>" + name +
                     "</Code><Message>said\nRequestId:1</Message></Error>",
                 {"x-ms-error-code: " + name});
  }
  // The answer to a HEAD.
  static std::string Head(const std::string& put_id = "") {
    return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\nx-ms-meta-firnput: " +
           put_id + "\r\n\r\n";
  }

  // Serve with `answer` from now on.
  void Serve(TestHttpServer::Answer answer) {
    store_.reset();
    server_ = std::make_unique<TestHttpServer>(std::move(answer));
    options_.endpoint = server_->url() + "/acc";
    auto made = MakeAzureStore(storage_, environment_, base::SystemClock(), nullptr);
    ASSERT_TRUE(made.ok()) << made.status();
    store_ = std::move(*made);
  }
  void SetUp() override {
    options_.account = "acc";
    options_.account_key = Secret(Base64("hush"));
    options_.retry.backoff_first_ms = 0;
  }
  std::vector<std::string> Methods() const {
    std::vector<std::string> methods;
    for (const TestRequest& request : server_->requests()) {
      methods.push_back(request.method);
    }
    return methods;
  }
  Status Put() { return store_->PutIfAbsent(context_, "az://bucket/a b/key", "bytes"); }
  // Read the whole object through a reader, as files of tables are read.
  Result<std::string> Read() {
    FIRN_ASSIGN_OR_RETURN(const auto reader,
                          store_->OpenReader(context_, "az://bucket/key"));
    std::string bytes(reader->size_bytes(), '\0');
    FIRN_RETURN_IF_ERROR(reader->ReadAt(0, bytes.size(), bytes.data()));
    return bytes;
  }

  FakeEnvironment environment_;
  StorageOptions storage_;
  AzureOptions& options_ = storage_.azure;
  base::Context context_;
  std::unique_ptr<TestHttpServer> server_;
  std::unique_ptr<Store> store_;
};

// The service has no ranges from the end, but a size that is known serves as well.
TEST_F(AzureStoreTest, TheEndOfAnObjectOfKnownSizeIsOneRequest) {
  Serve([](const TestRequest&) {
    return Reply(206, "6789", {"ETag: \"e\"", "Content-Range: bytes 6-9/10"});
  });
  OpenOptions end;
  end.size_bytes = 10;
  end.tail_bytes = 4;
  const auto reader = store_->OpenReader(context_, "az://bucket/key", end).value();
  EXPECT_EQ(reader->identity(), "\"e\"");
  char out[4];
  ASSERT_TRUE(reader->ReadAt(6, 4, out).ok());
  EXPECT_EQ(std::string_view(out, 4), "6789");
  ASSERT_THAT(Methods(), ElementsAre("GET"));
  EXPECT_EQ(server_->requests()[0].Header("range"), "bytes=6-9");
  // Of another size it is another object.
  end.size_bytes = 11;
  const Status other = store_->OpenReader(context_, "az://bucket/key", end).status();
  EXPECT_TRUE(other.Is(StatusCode::kConflict)) << other;
}

TEST_F(AzureStoreTest, APutIsConditionalAndNamed) {
  Serve([](const TestRequest&) { return Reply(201, "", {}); });
  const Status put = Put();
  ASSERT_TRUE(put.ok()) << put;
  const TestRequest request = server_->requests()[0];
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.target, "/acc/bucket/a%20b/key");
  EXPECT_EQ(request.body, "bytes");
  EXPECT_EQ(request.Header("if-none-match"), "*");
  EXPECT_EQ(request.Header("x-ms-blob-type"), "BlockBlob");
  EXPECT_EQ(request.Header("x-ms-meta-firnput").size(), 26u);
  EXPECT_THAT(request.Header("authorization"), testing::StartsWith("SharedKey acc:"));
}

TEST_F(AzureStoreTest, WhatIsWrongIsNotTriedAgain) {
  struct Case {
    int code;
    std::string error;
    StatusCode status;
    std::string remedy;
  };
  for (const Case& c : {
           Case{403, "AuthenticationFailed", StatusCode::kPermissionDenied,
                "does not fit account acc"},
           Case{403, "AuthorizationPermissionMismatch", StatusCode::kPermissionDenied,
                "Storage Blob Data Contributor"},
           Case{403, "AuthorizationFailure", StatusCode::kPermissionDenied,
                "network rules"},
           Case{403, "KeyBasedAuthenticationNotPermitted", StatusCode::kPermissionDenied,
                "takes no keys"},
           Case{401, "InvalidAuthenticationInfo", StatusCode::kPermissionDenied,
                "has expired"},
           Case{403, "UnauthorizedBlobOverwrite", StatusCode::kAlreadyExists, "said"},
           Case{409, "BlobAlreadyExists", StatusCode::kAlreadyExists, "said (HTTP 409)"},
           Case{412, "ConditionNotMet", StatusCode::kAlreadyExists, "said"},
           Case{412, "LeaseIdMissing", StatusCode::kPermissionDenied, "said"},
           Case{404, "ContainerNotFound", StatusCode::kNotFound,
                "there is no bucket (container) bucket in account acc"},
           Case{413, "RequestBodyTooLarge", StatusCode::kInvalidArgument, "too large"},
           Case{307, "", StatusCode::kInvalidArgument, "check azure_endpoint"},
           Case{400, "InvalidHeaderValue", StatusCode::kInvalidArgument, "HTTP 400"},
       }) {
    Serve([&](const TestRequest& request) {
      return request.method == "HEAD" ? Head() : Error(c.code, c.error);
    });
    const Status put = Put();
    EXPECT_TRUE(put.Is(c.status)) << put;
    EXPECT_THAT(std::string(put.message()),
                AllOf(HasSubstr("az://bucket/a b/key"), HasSubstr(c.remedy),
                      Not(HasSubstr("hush")), Not(HasSubstr(Base64("hush"))),
                      Not(HasSubstr("RequestId")), Not(HasSubstr("tries"))));
    // A name that is taken is looked at: unfinished uploads may count as objects.
    EXPECT_EQ(Methods().size(), c.status == StatusCode::kAlreadyExists ? 2u : 1u);
  }
}

TEST_F(AzureStoreTest, AnUnfinishedUploadOfAnotherTakesNoName) {
  for (const std::string bytes : {"bytes", ""}) {
    bool made = false;
    Serve([&](const TestRequest& request) {
      if (request.method == "HEAD") return Reply(404, "", {});
      if (request.target.find("comp=") == std::string::npos) {
        return Error(409, "BlobAlreadyExists");
      }
      made |= request.Header("if-none-match") == "*";
      return Reply(201, "", {});
    });
    const Status put = store_->PutIfAbsent(context_, "az://bucket/key", bytes);
    EXPECT_TRUE(put.ok()) << put;
    EXPECT_TRUE(made);
    EXPECT_EQ(Methods().size(), bytes.empty() ? 3u : 4u);
  }
}

TEST_F(AzureStoreTest, ATakenNameThatCannotBeLookedAtIsNoConflict) {
  for (const bool lost : {false, true}) {
    int puts = 0;
    Serve([&](const TestRequest& request) -> std::string {
      if (request.method == "HEAD") return Reply(429, "", {});
      return lost && puts++ == 0 ? "" : Error(409, "BlobAlreadyExists");
    });
    const Status put = Put();
    EXPECT_EQ(put.code(), lost ? StatusCode::kCommitUnknown : StatusCode::kUnavailable)
        << put;
  }
}

TEST_F(AzureStoreTest, AFailingServerIsAskedThreeTimes) {
  for (const auto& [code, name] :
       {std::pair(503, "ServerBusy"), std::pair(429, ""),
        std::pair(409, "ContainerBeingDeleted"), std::pair(500, "OperationTimedOut")}) {
    Serve([code = code, name = name](const TestRequest& request) {
      return request.method == "HEAD" ? Reply(404, "", {}) : Error(code, name);
    });
    const Status put = Put();
    // A server that failed may have done it first.
    EXPECT_EQ(put.code(),
              code == 500 ? StatusCode::kCommitUnknown : StatusCode::kUnavailable)
        << put;
    EXPECT_THAT(std::string(put.message()), HasSubstr("after 3 tries"));
  }
}

TEST_F(AzureStoreTest, ALostAnswerOfOurOwnIsNoConflict) {
  for (const bool ours : {true, false}) {
    std::string put_id;
    Serve([&](const TestRequest& request) -> std::string {
      if (request.method == "GET") return Reply(200, "kept", {});
      if (request.method == "HEAD") return Head(ours ? put_id : "x");
      if (put_id.empty()) {
        put_id = request.Header("x-ms-meta-firnput");
        return "";
      }
      return Error(409, "BlobAlreadyExists");
    });
    // On a connection that was kept: nobody sends the put once more without a word.
    ASSERT_TRUE(store_->Get(context_, "az://bucket/other", 9).ok());
    const Status put = Put();
    EXPECT_EQ(put.code(), ours ? StatusCode::kOk : StatusCode::kAlreadyExists) << put;
    EXPECT_THAT(Methods(), ElementsAre("GET", "PUT", "PUT", "HEAD", "HEAD"));
  }
}

TEST_F(AzureStoreTest, SilenceIsUnknownAndNotFailure) {
  Serve([&](const TestRequest& request) -> std::string {
    return request.method == "PUT" ? "" : Reply(404, "", {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.Is(StatusCode::kCommitUnknown)) << put;
}

TEST_F(AzureStoreTest, AnExpiredTokenIsRenewedOnceAndAnExpiredSasIsNot) {
  TestHttpServer tokens([](const TestRequest&) {
    return Reply(200, R"({"access_token": "t", "expires_in": 3600})", {});
  });
  environment_.variables["AZURE_AUTHORITY_HOST"] = tokens.url();
  options_.account_key = {};
  options_.tenant_id = options_.client_id = "x";
  options_.client_secret = Secret("s");
  int left = 1;
  Serve([&](const TestRequest&) {
    return left-- > 0 ? Error(401, "InvalidAuthenticationInfo") : Reply(201, "", {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.ok()) << put;
  EXPECT_EQ(tokens.requests().size(), 2u);
  EXPECT_EQ(server_->requests()[1].Header("authorization"), "Bearer t");

  options_.sas_token = Secret("sv=1&sig=hush");
  Serve([&](const TestRequest&) { return Error(403, "AuthenticationFailed"); });
  const Status denied = Put();
  EXPECT_TRUE(denied.Is(StatusCode::kPermissionDenied)) << denied;
  EXPECT_THAT(std::string(denied.message()),
              AllOf(HasSubstr("SAS"), Not(HasSubstr("hush"))));
  EXPECT_EQ(server_->requests().size(), 1u);
  EXPECT_THAT(server_->requests()[0].target, testing::EndsWith("?sv=1&sig=hush"));
}

TEST_F(AzureStoreTest, ARangeNamesTheObjectItIsOf) {
  for (const bool replaced : {false, true}) {
    Serve([&](const TestRequest& request) {
      if (request.method == "HEAD") return Head();
      return replaced ? Error(412, "ConditionNotMet") : Reply(206, "bytes", {});
    });
    const Result<std::string> got = Read();
    EXPECT_EQ(got.status().code(), replaced ? StatusCode::kConflict : StatusCode::kOk);
    EXPECT_EQ(server_->requests()[1].Header("range"), "bytes=0-4");
    EXPECT_EQ(server_->requests()[1].Header("if-match"), "\"e\"");
  }
}

TEST_F(AzureStoreTest, LiesAboutLengthAreCorruption) {
  for (const char* body : {"much longer", "shor"}) {
    Serve([&](const TestRequest& request) {
      return request.method == "HEAD" ? Head() : Reply(206, body, {});
    });
    const Status got = Read().status();
    EXPECT_TRUE(got.Is(StatusCode::kCorruption)) << got;
  }
}

TEST_F(AzureStoreTest, ListingsGoOnWhereTheySaySoAndLeaveDirectoriesOut) {
  Serve([](const TestRequest& request) {
    const bool first = request.target.find("marker=next%2F") == std::string::npos;
    return Reply(200,
                 "<?xml version=\"1.0\"?><EnumerationResults><Blobs>" +
                     std::string(first ? "<Blob><Name>p/a</Name><Properties>"
                                         "<Last-Modified>Fri, 02 Jan 2026 03:04:05 GMT"
                                         "</Last-Modified><Content-Length>1"
                                         "</Content-Length></Properties></Blob>"
                                         "<Blob><Name>p/d</Name><Properties>"
                                         "<ResourceType>directory</ResourceType>"
                                         "</Properties></Blob>"
                                       : "<Blob><Name Encoded=\"true\">p/%ff</Name>"
                                         "<Properties/></Blob>") +
                     "</Blobs><NextMarker>" + (first ? "next/" : "") +
                     "</NextMarker></EnumerationResults>",
                 {});
  });
  std::vector<std::string> seen;
  const Status listed =
      store_->List(context_, "az://bucket/p", [&](const ObjectInfo& info) {
        seen.push_back(info.location + " " + std::to_string(info.size_bytes) + " " +
                       std::to_string(info.modified_us));
        return Status();
      });
  ASSERT_TRUE(listed.ok()) << listed;
  EXPECT_THAT(
      seen, ElementsAre("az://bucket/p/a 1 1767323045000000", "az://bucket/p/\xff 0 0"));
  Serve([](const TestRequest&) { return Reply(200, "no XML", {}); });
  const Status broken =
      store_->List(context_, "az://bucket/p", [](const ObjectInfo&) { return Status(); });
  EXPECT_TRUE(broken.Is(StatusCode::kCorruption)) << broken;
}

TEST_F(AzureStoreTest, ALocationThatNamesItsAccountIsAskedThere) {
  Serve([](const TestRequest&) { return Reply(200, "there", {}); });
  auto made = MakeAzureAccountStore(storage_, environment_, base::SystemClock(), nullptr);
  ASSERT_TRUE(made.ok()) << made.status();
  const std::string own = "abfss://bucket@acc.dfs.core.windows.net/key";
  EXPECT_EQ((*made)->Get(context_, own, 9).value(), "there");
  EXPECT_EQ(server_->requests()[0].target, "/acc/bucket/key");
  const Status other =
      (*made)->Get(context_, "abfss://bucket@other.dfs.core.windows.net/key", 9).status();
  EXPECT_TRUE(other.Is(StatusCode::kInvalidArgument)) << other;
  EXPECT_THAT(std::string(other.message()),
              AllOf(HasSubstr("\"acc\""), HasSubstr("\"other\"")));
  // A token is good for every account; this one's has no such server.
  options_.credentials = AzureCredentialsKind::kClientSecret;
  made = MakeAzureAccountStore(storage_, environment_, base::SystemClock(), nullptr);
  const Status token =
      (*made)->Get(context_, "abfss://bucket@other.dfs.core.windows.net/key", 9).status();
  EXPECT_TRUE(token.Is(StatusCode::kPermissionDenied)) << token;
  EXPECT_THAT(std::string(token.message()), HasSubstr("AZURE_CLIENT_SECRET"));
  options_.credentials = AzureCredentialsKind::kChain;
  Serve([](const TestRequest&) { return Error(404, "BlobNotFound"); });
  made = MakeAzureAccountStore(storage_, environment_, base::SystemClock(), nullptr);
  const Status absent = (*made)->Get(context_, own, 9).status();
  EXPECT_TRUE(absent.Is(StatusCode::kNotFound)) << absent;
  EXPECT_THAT(std::string(absent.message()), HasSubstr("get " + own));
}

TEST_F(AzureStoreTest, AnAccountIsNeeded) {
  options_.account.clear();
  auto made = MakeAzureStore(storage_, environment_, base::SystemClock(), nullptr);
  EXPECT_TRUE(made.status().Is(StatusCode::kInvalidArgument)) << made.status();
  EXPECT_THAT(std::string(made.status().message()), HasSubstr("azure_account"));
  environment_.variables["AZURE_STORAGE_ACCOUNT"] = "acc";
  made = MakeAzureStore(storage_, environment_, base::SystemClock(), nullptr);
  EXPECT_TRUE(made.ok()) << made.status();
  for (const char* location : {"az://UP/a", "az://c/a", "az://a.b.c/d", "az://bucket"}) {
    const Status status = (*made)->Get(context_, location, 9).status();
    EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << location << ": " << status;
  }
  options_.upload_concurrency = 0;
  EXPECT_FALSE(MakeAzureStore(storage_, environment_, base::SystemClock(), nullptr).ok());
}

// ---- Uploads in parts ----

class AzureUploadTest : public AzureStoreTest {
 protected:
  AzureUploadTest() { options_.multipart_threshold_bytes = 8 << 20; }

  Status Write() {
    FIRN_ASSIGN_OR_RETURN(const auto writer,
                          store_->OpenWriter(context_, "az://bucket/key"));
    FIRN_RETURN_IF_ERROR(writer->Append(std::string(20 << 20, 'x')));
    return writer->Close();
  }
  static bool IsList(const TestRequest& request) {
    return request.target.find("comp=blocklist") != std::string::npos;
  }
};

TEST_F(AzureUploadTest, BlocksThenTheirList) {
  Serve([](const TestRequest&) { return Reply(201, "", {}); });
  const Status written = Write();
  ASSERT_TRUE(written.ok()) << written;
  const std::vector<TestRequest> requests = server_->requests();
  ASSERT_EQ(requests.size(), 5u);
  EXPECT_EQ(requests[0].target, "/acc/bucket?restype=container");
  const TestRequest& last = requests.back();
  ASSERT_TRUE(IsList(last));
  EXPECT_EQ(last.Header("if-none-match"), "*");
  const std::string put_id = last.Header("x-ms-meta-firnput");
  EXPECT_EQ(put_id.size(), 26u);
  EXPECT_THAT(last.body,
              HasSubstr("<BlockList><Uncommitted>" + Base64(put_id + "000001") +
                        "</Uncommitted><Uncommitted>" + Base64(put_id + "000002") +
                        "</Uncommitted><Uncommitted>" + Base64(put_id + "000003") +
                        "</Uncommitted></BlockList>"));
}

// The service discards the blocks of all others when an object is made.
TEST_F(AzureUploadTest, BlocksThatARivalDiscardedMeanThatTheNameIsTaken) {
  for (const bool rival : {true, false}) {
    Serve([&](const TestRequest& request) {
      if (IsList(request)) return Error(400, "InvalidBlockList");
      if (request.method != "HEAD") return Reply(201, "", {});
      const bool of_container = request.target.find("restype") != std::string::npos;
      return of_container || rival ? Head() : Reply(404, "", {});
    });
    const Status written = Write();
    EXPECT_EQ(written.code(), rival ? StatusCode::kAlreadyExists : StatusCode::kNotFound)
        << written;
  }
}

TEST_F(AzureUploadTest, AnEndWhoseAnswerWasLostIsFoundByItsName) {
  std::string put_id;
  Serve([&](const TestRequest& request) -> std::string {
    if (request.method == "HEAD") return Head(put_id);
    if (!IsList(request)) return Reply(201, "", {});
    if (put_id.empty()) {
      put_id = request.Header("x-ms-meta-firnput");
      return "";
    }
    return Error(409, "BlobAlreadyExists");
  });
  const Status written = Write();
  EXPECT_TRUE(written.ok()) << written;
}

TEST_F(AzureUploadTest, AContainerThatIsNotThereIsFoundBeforeTheFirstBlock) {
  Serve([&](const TestRequest&) {
    return Reply(404, "", {"x-ms-error-code: ContainerNotFound"});
  });
  const Status written = Write();
  EXPECT_TRUE(written.Is(StatusCode::kNotFound)) << written;
  EXPECT_THAT(std::string(written.message()), HasSubstr("az://bucket/key"));
  EXPECT_THAT(Methods(), ElementsAre("HEAD"));
}

}  // namespace
}  // namespace firn::io

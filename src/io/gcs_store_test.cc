// SPDX-License-Identifier: Apache-2.0
// What a store of Google's does when servers fail, lie and stay silent, and how it speaks
// to the service itself. test/stores has a real server.
#include "io/gcs_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "io/gcs_object.h"
#include "io/test_environment.h"
#include "io/test_http_server.h"

namespace firn::io {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string ErrorJson(const std::string& reason, const std::string& message = "said") {
  return R"({"error": {"code": 0, "message": ")" + message +
         R"(", "errors": [{"reason": ")" + reason + R"("}]}})";
}

// The resource of an object, as the store answers with it.
std::string Resource(std::uint64_t size, const std::string& put_id = "",
                     const std::string& crc32c = "") {
  return R"({"name": "key", "generation": "7", "size": ")" + std::to_string(size) +
         R"(", "crc32c": ")" + crc32c + R"(", "metadata": {"firn-put": ")" + put_id +
         R"("}})";
}

class GcsStoreTest : public testing::Test {
 protected:
  static constexpr auto Reply = &TestHttpServer::Reply;

  // Serve with `answer` from now on.
  void Serve(TestHttpServer::Answer answer) {
    store_.reset();
    server_ = std::make_unique<TestHttpServer>(std::move(answer));
    options_.endpoint = server_->url();
    auto made = MakeGcsStore(storage_, environment_, base::SystemClock(), nullptr);
    ASSERT_TRUE(made.ok()) << made.status();
    store_ = std::move(*made);
  }
  void SetUp() override {
    options_.access_token = Secret("hush");
    options_.retry.backoff_first_ms = 0;
  }
  std::vector<std::string> Methods() const {
    std::vector<std::string> methods;
    for (const TestRequest& request : server_->requests()) {
      methods.push_back(request.method);
    }
    return methods;
  }
  Status Put() { return store_->PutIfAbsent(context_, "gs://bucket/a b/key", "bytes"); }
  // Read the whole object through a reader, as files of tables are read.
  Result<std::string> Read() {
    FIRN_ASSIGN_OR_RETURN(const auto reader,
                          store_->OpenReader(context_, "gs://bucket/key"));
    std::string bytes(reader->size_bytes(), '\0');
    FIRN_RETURN_IF_ERROR(reader->ReadAt(0, bytes.size(), bytes.data()));
    return bytes;
  }
  static std::string PutIdOf(const TestRequest& request) {
    const std::string_view key = R"("firn-put":")";
    const std::size_t at = request.body.find(key);
    return at == std::string::npos ? "" : request.body.substr(at + key.size(), 26);
  }

  FakeEnvironment environment_;
  StorageOptions storage_;
  GcsOptions& options_ = storage_.gcs;
  base::Context context_;
  std::unique_ptr<TestHttpServer> server_;
  std::unique_ptr<Store> store_;
};

TEST_F(GcsStoreTest, APutIsOneRequestWithItsConditionAndItsCrc) {
  Serve([](const TestRequest&) { return Reply(200, Resource(5), {}); });
  const Status put = Put();
  ASSERT_TRUE(put.ok()) << put;
  const TestRequest request = server_->requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target,
            "/upload/storage/v1/b/bucket/o?uploadType=multipart&ifGenerationMatch=0&name="
            "a%20b%2Fkey");
  EXPECT_EQ(request.Header("authorization"), "Bearer hush");
  EXPECT_THAT(request.body,
              AllOf(HasSubstr("\r\n\r\nbytes\r\n--"), HasSubstr(R"("firn-put":")"),
                    HasSubstr(R"("crc32c":")" + GcsCrc32c(base::Crc32c("bytes")))));
}

TEST_F(GcsStoreTest, TheEndOfAnObjectIsOneRequest) {
  OpenOptions end;
  end.tail_bytes = 4;
  Serve([](const TestRequest&) {
    return Reply(206, "6789", {"x-goog-generation: 7", "Content-Range: bytes 6-9/10"});
  });
  const auto reader = store_->OpenReader(context_, "gs://bucket/key", end).value();
  EXPECT_EQ(reader->size_bytes(), 10u);
  EXPECT_EQ(reader->identity(), "7");
  char out[4];
  ASSERT_TRUE(reader->ReadAt(7, 3, out).ok());
  EXPECT_EQ(std::string_view(out, 3), "789");
  ASSERT_EQ(server_->requests().size(), 1u);
  EXPECT_EQ(server_->requests()[0].Header("range"), "bytes=-4");
  ASSERT_TRUE(reader->ReadAt(5, 4, out).ok());
  EXPECT_EQ(server_->requests()[1].Header("range"), "bytes=5-8");
  EXPECT_THAT(server_->requests()[1].target, HasSubstr("ifGenerationMatch=7"));
}

TEST_F(GcsStoreTest, AnEmptyObjectAndOneWithoutItsGenerationAreLookedAt) {
  OpenOptions end;
  end.tail_bytes = 4;
  for (const bool empty : {true, false}) {
    Serve([&](const TestRequest& request) -> std::string {
      if (request.target.find("alt=media") == std::string::npos) {
        return Reply(200, Resource(empty ? 0 : 3), {});
      }
      if (empty) return Reply(416, ErrorJson("requestedRangeNotSatisfiable"), {});
      return Reply(206, "012", {"Content-Range: bytes 0-2/3"});
    });
    const auto reader = store_->OpenReader(context_, "gs://bucket/key", end);
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_EQ((*reader)->size_bytes(), empty ? 0u : 3u);
    EXPECT_EQ((*reader)->identity(), "7");
  }
}

// RFC 3720, appendix B.4: of 32 zeros it is 0x8a9136aa.
TEST(GcsObject, ACrcHasItsHighestByteFirst) {
  EXPECT_EQ(GcsCrc32c(base::Crc32c(std::string(32, '\0'))), "ipE2qg==");
}

TEST_F(GcsStoreTest, WhatIsWrongIsNotTriedAgain) {
  struct Case {
    int code;
    std::string error;
    StatusCode status;
    std::string remedy;
  };
  for (const Case& c : {
           Case{403, ErrorJson("forbidden"), StatusCode::kPermissionDenied,
                "check the roles of the account on the bucket: the credentials came from "
                "the options"},
           Case{403, ErrorJson("accountDisabled"), StatusCode::kPermissionDenied,
                "billing"},
           Case{401, ErrorJson("authError"), StatusCode::kPermissionDenied,
                "has expired or is not valid"},
           Case{404, ErrorJson("notFound"), StatusCode::kNotFound,
                "there is no bucket bucket"},
           Case{412, ErrorJson("conditionNotMet"), StatusCode::kAlreadyExists,
                "conditionNotMet: said (HTTP 412)"},
           Case{413, ErrorJson("uploadTooLarge"), StatusCode::kInvalidArgument,
                "too large"},
           Case{307, "", StatusCode::kInvalidArgument, "check gs_endpoint"},
           Case{400, "no JSON at all", StatusCode::kInvalidArgument,
                "no JSON at all (HTTP 400)"},
       }) {
    Serve([&](const TestRequest&) { return Reply(c.code, c.error, {}); });
    const Status put = Put();
    EXPECT_TRUE(put.Is(c.status)) << put;
    EXPECT_THAT(std::string(put.message()),
                AllOf(HasSubstr("gs://bucket/a b/key"), HasSubstr(c.remedy),
                      Not(HasSubstr("hush")), Not(HasSubstr("tries"))));
    EXPECT_THAT(Methods(), ElementsAre("POST"));
  }
}

TEST_F(GcsStoreTest, AFailingServerIsAskedThreeTimes) {
  for (const auto& [code, reason] :
       {std::pair(503, "backendError"), std::pair(429, "rateLimitExceeded"),
        std::pair(403, "userRateLimitExceeded")}) {
    Serve([code = code, reason = reason](const TestRequest& request) {
      return request.method == "GET" ? Reply(404, ErrorJson("notFound"), {})
                                     : Reply(code, ErrorJson(reason), {"Retry-After: 0"});
    });
    const Status put = Put();
    // A server that failed may have done it first.
    EXPECT_EQ(put.code(),
              code == 503 ? StatusCode::kCommitUnknown : StatusCode::kUnavailable)
        << put;
    EXPECT_THAT(std::string(put.message()), HasSubstr("after 3 tries"));
  }
}

TEST_F(GcsStoreTest, AServerThatAsksForAWaitWithinReasonGetsIt) {
  int left = 1;
  Serve([&](const TestRequest&) {
    return left-- > 0 ? Reply(503, ErrorJson("backendError"), {"Retry-After: 3600"})
                      : Reply(200, Resource(5), {});
  });
  const Result<std::string> got = store_->Get(context_, "gs://bucket/key", 100);
  EXPECT_TRUE(got.status().Is(StatusCode::kUnavailable)) << got.status();
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(GcsStoreTest, ALostAnswerOfOurOwnIsNoConflict) {
  for (const bool ours : {true, false}) {
    std::string put_id;
    Serve([&](const TestRequest& request) -> std::string {
      if (request.method == "GET")
        return Reply(200, Resource(5, ours ? put_id : "x"), {});
      if (put_id.empty()) {
        put_id = PutIdOf(request);
        return "";
      }
      return Reply(412, ErrorJson("conditionNotMet"), {});
    });
    const Status put = Put();
    EXPECT_EQ(put.code(), ours ? StatusCode::kOk : StatusCode::kAlreadyExists) << put;
    EXPECT_THAT(Methods(), ElementsAre("POST", "POST", "GET"));
    EXPECT_EQ(put_id.size(), 26u);
  }
}

TEST_F(GcsStoreTest, SilenceIsUnknownAndNotFailure) {
  Serve([&](const TestRequest& request) -> std::string {
    return request.method == "POST" ? "" : Reply(404, ErrorJson("notFound"), {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.Is(StatusCode::kCommitUnknown)) << put;
}

TEST_F(GcsStoreTest, AnExpiredTokenIsRenewedOnce) {
  TestHttpServer tokens([](const TestRequest&) {
    return Reply(200, R"({"access_token": "t", "expires_in": 3600})", {});
  });
  environment_.files["/f"] =
      R"({"type": "authorized_user", "token_uri": ")" + tokens.url() + R"("})";
  options_.access_token = {};
  options_.credentials_file = "/f";
  int left = 1;
  Serve([&](const TestRequest&) {
    return left-- > 0 ? Reply(401, ErrorJson("authError"), {})
                      : Reply(200, Resource(5), {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.ok()) << put;
  EXPECT_EQ(tokens.requests().size(), 2u);
}

TEST_F(GcsStoreTest, ARangeNamesTheGenerationItIsOf) {
  Serve([](const TestRequest& request) {
    return request.target.find("alt=media") == std::string::npos
               ? Reply(200, Resource(5), {})
               : Reply(206, "bytes", {"X-Goog-Generation: 7"});
  });
  EXPECT_EQ(Read().value(), "bytes");
  const TestRequest request = server_->requests()[1];
  EXPECT_EQ(request.target, "/storage/v1/b/bucket/o/key?alt=media&ifGenerationMatch=7");
  EXPECT_EQ(request.Header("range"), "bytes=0-4");
}

TEST_F(GcsStoreTest, AnObjectReplacedWhileItIsReadIsAConflict) {
  for (const std::string& answer : {Reply(412, ErrorJson("conditionNotMet"), {}),
                                    Reply(206, "other", {"X-Goog-Generation: 8"})}) {
    Serve([&](const TestRequest& request) {
      return request.target.find("alt=media") == std::string::npos
                 ? Reply(200, Resource(5), {})
                 : answer;
    });
    const Status got = Read().status();
    EXPECT_TRUE(got.Is(StatusCode::kConflict)) << got;
  }
}

TEST_F(GcsStoreTest, LiesAboutLengthAreCorruption) {
  for (const char* body : {"much longer", "shor"}) {
    Serve([&](const TestRequest& request) {
      return request.target.find("alt=media") == std::string::npos
                 ? Reply(200, Resource(5), {})
                 : Reply(206, body, {});
    });
    const Status got = Read().status();
    EXPECT_TRUE(got.Is(StatusCode::kCorruption)) << got;
  }
}

TEST_F(GcsStoreTest, ListingsGoOnWhereTheySaySo) {
  Serve([](const TestRequest& request) {
    if (request.target.find("pageToken=next%2F") == std::string::npos) {
      return Reply(200,
                   R"({"nextPageToken": "next/", "items": [{"name": "p/a", "size": "1",)"
                   R"( "updated": "2026-01-02T03:04:05.678Z"}]})",
                   {});
    }
    return Reply(200, R"({"items": [{"name": "p/b", "size": "2"}]})", {});
  });
  std::vector<std::string> seen;
  const Status listed =
      store_->List(context_, "gs://bucket/p", [&](const ObjectInfo& info) {
        seen.push_back(info.location + " " + std::to_string(info.size_bytes) + " " +
                       std::to_string(info.modified_us));
        return Status();
      });
  ASSERT_TRUE(listed.ok()) << listed;
  EXPECT_THAT(seen,
              ElementsAre("gs://bucket/p/a 1 1767323045678000", "gs://bucket/p/b 2 0"));
  for (const char* bad :
       {"no JSON", R"({"items": 1})", R"({"items": [{"name": "a"}]})"}) {
    Serve([&](const TestRequest&) { return Reply(200, bad, {}); });
    const Status status = store_->List(context_, "gs://bucket/p",
                                       [](const ObjectInfo&) { return Status(); });
    EXPECT_TRUE(status.Is(StatusCode::kCorruption)) << status;
  }
}

TEST_F(GcsStoreTest, ABucketIsMadeInTheProjectWhereThatIsAsked) {
  storage_.create_buckets = true;
  bool there = false;
  Serve([&](const TestRequest& request) {
    if (request.target.starts_with("/storage/v1/b?")) {
      there = true;
      return Reply(409, ErrorJson("conflict"), {});  // Another of us was quicker.
    }
    if (request.method == "GET") return Reply(200, "{}", {});
    return there ? Reply(200, Resource(5), {}) : Reply(404, ErrorJson("notFound"), {});
  });
  const Status nowhere = Put();
  EXPECT_TRUE(nowhere.Is(StatusCode::kInvalidArgument)) << nowhere;
  EXPECT_THAT(std::string(nowhere.message()), HasSubstr("gs_project"));
  environment_.variables["GOOGLE_CLOUD_PROJECT"] = "project-1";
  const Status put = Put();
  EXPECT_TRUE(put.ok()) << put;
  const TestRequest made = server_->requests()[2];
  EXPECT_EQ(made.target, "/storage/v1/b?project=project-1");
  EXPECT_EQ(made.body, R"({"name":"bucket"})");
}

TEST_F(GcsStoreTest, AnEmulatorOfTheEnvironmentIsAskedWithoutCredentials) {
  TestHttpServer server([](const TestRequest&) { return Reply(200, "there", {}); });
  environment_.variables["STORAGE_EMULATOR_HOST"] = server.url().substr(7);
  const auto store =
      MakeGcsStore(StorageOptions(), environment_, base::SystemClock(), nullptr).value();
  EXPECT_EQ(store->Get(context_, "gs://bucket/key", 9).value(), "there");
  EXPECT_EQ(server.requests()[0].Header("authorization"), "");
}

TEST_F(GcsStoreTest, NamesAndOptionsThatCannotBeAreRefused) {
  Serve([](const TestRequest&) { return Reply(200, "", {}); });
  for (const char* location : {"gs://UP/a", "gs://b/a", "gs://a b/c", "gs://bucket"}) {
    EXPECT_TRUE(
        store_->Get(context_, location, 9).status().Is(StatusCode::kInvalidArgument))
        << location;
  }
  options_.multipart_threshold_bytes = std::int64_t{2} << 30;
  EXPECT_FALSE(MakeGcsStore(storage_, environment_, base::SystemClock(), nullptr).ok());
}

// ---- Uploads in parts ----

class GcsUploadTest : public GcsStoreTest {
 protected:
  static constexpr std::size_t kMiB = 1 << 20;
  GcsUploadTest() { options_.multipart_threshold_bytes = 8 << 20; }

  // A session of the service itself, or of an emulator. `broken` may answer first; what
  // it returns other than "good" is the answer, and "lost" none after the deed.
  using Broken = std::function<std::string(const TestRequest&)>;
  void ServeUploads(bool google, Broken broken = nullptr) {
    received_.clear();
    Serve([=, this](const TestRequest& request) -> std::string {
      const std::string say = broken ? broken(request) : "good";
      if (say != "good" && say != "lost") return say;
      const std::string answer = Session(google, request);
      return say == "lost" ? "" : answer;
    });
  }
  std::string Session(bool google, const TestRequest& request) {
    if (request.method == "POST") {
      std::vector<std::string> headers = {
          "Location: http://elsewhere/session?upload_id=u"};
      if (google) headers.push_back("X-GUploader-UploadID: u");
      return Reply(200, "", headers);
    }
    if (request.method == "DELETE") return Reply(499, "", {});
    if (request.method == "GET") return Reply(404, ErrorJson("notFound"), {});
    // `bytes A-B/T`: what is there already is ignored.
    const std::string range = request.Header("content-range");
    std::size_t from = received_.size();
    std::sscanf(range.c_str(), "bytes %zu-", &from);
    if (from <= received_.size() && from + request.body.size() > received_.size()) {
      received_ += request.body.substr(received_.size() - from);
    }
    if (range.ends_with("/*")) {
      return Reply(308, "", {"Range: bytes=0-" + std::to_string(received_.size() - 1)});
    }
    return Reply(200, Resource(received_.size(), "", GcsCrc32c(base::Crc32c(received_))),
                 {});
  }
  Status Write(std::size_t size) {
    FIRN_ASSIGN_OR_RETURN(const auto writer,
                          store_->OpenWriter(context_, "gs://bucket/key"));
    expected_.clear();
    for (std::size_t i = 0; i < size; i += kMiB) {
      const std::string piece(std::min(kMiB, size - i),
                              static_cast<char>('a' + i / kMiB % 26));
      expected_ += piece;
      FIRN_RETURN_IF_ERROR(writer->Append(piece));
    }
    return writer->Close();
  }
  std::vector<std::string> Ranges() const {
    std::vector<std::string> ranges;
    for (const TestRequest& request : server_->requests()) {
      if (request.method == "PUT") ranges.push_back(request.Header("content-range"));
    }
    return ranges;
  }

  std::string received_;
  std::string expected_;
};

TEST_F(GcsUploadTest, PartsFollowEachOtherAndTheLastMakesTheObject) {
  ServeUploads(true);
  Status written = Write(17 * kMiB + 5);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_TRUE(received_ == expected_);
  EXPECT_EQ(server_->requests()[0].target,
            "/upload/storage/v1/b/bucket/o?uploadType=resumable&ifGenerationMatch=0&name="
            "key");
  EXPECT_EQ(server_->requests()[1].target, "/session?upload_id=u");
  EXPECT_THAT(Ranges(), ElementsAre("bytes 0-8388607/*", "bytes 8388608-16777215/*",
                                    "bytes 16777216-17825791/*",
                                    "bytes 17825792-17825796/17825797"));
  ServeUploads(true);
  written = Write(16 * kMiB);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(Ranges().back(), "bytes */16777216");
}

TEST_F(GcsUploadTest, APartWhoseAnswerWasLostIsSentOnceMoreToTheServiceItself) {
  int puts = 0;
  ServeUploads(true, [&](const TestRequest& request) {
    return request.method == "PUT" && ++puts == 2 ? "lost" : "good";
  });
  const Status written = Write(20 * kMiB);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_TRUE(received_ == expected_);
}

TEST_F(GcsUploadTest, WhatTheServiceDidNotTakeIsSentAfterIt) {
  int puts = 0;
  ServeUploads(true, [&](const TestRequest& request) -> std::string {
    if (request.method != "PUT" || ++puts != 1) return "good";
    received_ = request.body.substr(0, 3 * kMiB);
    return Reply(308, "", {"Range: bytes=0-" + std::to_string(3 * kMiB - 1)});
  });
  const Status written = Write(20 * kMiB);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_TRUE(received_ == expected_);
  EXPECT_EQ(Ranges()[1], "bytes 3145728-8388607/*");
}

// It would append the bytes a second time.
TEST_F(GcsUploadTest, APartWhoseAnswerWasLostEndsTheUploadToAnEmulator) {
  int puts = 0;
  ServeUploads(false, [&](const TestRequest& request) {
    return request.method == "PUT" && ++puts == 2 ? "lost" : "good";
  });
  const Status written = Write(30 * kMiB);
  EXPECT_TRUE(written.Is(StatusCode::kUnavailable)) << written;
  EXPECT_THAT(std::string(written.message()), HasSubstr("gs://bucket/key"));
  EXPECT_EQ(Ranges().size(), 2u);
  EXPECT_EQ(Methods().back(), "DELETE");
}

TEST_F(GcsUploadTest, ANameTakenMeanwhileIsFoundAtTheEndAndTheUploadGivenUp) {
  ServeUploads(true, [](const TestRequest& request) {
    return request.Header("content-range").ends_with("/20971520")
               ? Reply(412, ErrorJson("conditionNotMet"), {})
               : "good";
  });
  const Status written = Write(20 * kMiB);
  EXPECT_TRUE(written.Is(StatusCode::kAlreadyExists)) << written;
  EXPECT_EQ(Methods().back(), "DELETE");
}

TEST_F(GcsUploadTest, AnEndThatNobodyAnswersForIsUnknown) {
  ServeUploads(true, [](const TestRequest& request) {
    return request.Header("content-range").ends_with("/20971520") ? "" : "good";
  });
  const Status written = Write(20 * kMiB);
  EXPECT_TRUE(written.Is(StatusCode::kCommitUnknown)) << written;
}

TEST_F(GcsUploadTest, AnObjectOfOtherBytesIsRemovedAgain) {
  ServeUploads(true, [](const TestRequest& request) -> std::string {
    if (request.Header("content-range").ends_with("/20971520")) {
      return Reply(200, Resource(20 * kMiB, "", "AAAAAA=="), {});
    }
    return request.method == "DELETE" ? Reply(204, "", {}) : "good";
  });
  const Status written = Write(20 * kMiB);
  EXPECT_TRUE(written.Is(StatusCode::kCorruption)) << written;
  // Then the upload is given up.
  const std::vector<TestRequest> requests = server_->requests();
  const TestRequest& removal = requests[requests.size() - 2];
  EXPECT_EQ(removal.method, "DELETE");
  EXPECT_EQ(removal.target, "/storage/v1/b/bucket/o/key?generation=7");
}

TEST_F(GcsUploadTest, LiesAboutWhatIsThereAreCorruption) {
  for (const char* range : {"Range: bytes=0-99999999", "Range: none", "X: y"}) {
    ServeUploads(true, [&](const TestRequest& request) {
      return request.method == "PUT" && !received_.empty() ? Reply(308, "", {range})
                                                           : "good";
    });
    const Status written = Write(20 * kMiB);
    EXPECT_TRUE(written.Is(StatusCode::kCorruption)) << range << ": " << written;
    EXPECT_EQ(Methods().back(), "DELETE");
  }
}

TEST_F(GcsUploadTest, ARefusedStartIsTheError) {
  ServeUploads(true,
               [](const TestRequest&) { return Reply(403, ErrorJson("forbidden"), {}); });
  const Status written = Write(20 * kMiB);
  EXPECT_TRUE(written.Is(StatusCode::kPermissionDenied)) << written;
  EXPECT_THAT(Methods(), ElementsAre("POST"));
}

}  // namespace
}  // namespace firn::io

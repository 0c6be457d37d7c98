// SPDX-License-Identifier: Apache-2.0
// What an S3 store does when servers fail, lie and stay silent. test/stores has the real
// servers.
#include "io/s3_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>
#include <vector>

#include "io/digest.h"
#include "io/test_environment.h"
#include "io/test_http_server.h"

namespace firn::io {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string ErrorXml(const std::string& code, const std::string& more = "") {
  return "<?xml version=\"1.0\"?><Error><Code>" + code +
         "</Code><Message>said</Message>" + more + "</Error>";
}

class S3StoreTest : public testing::Test {
 protected:
  static constexpr auto Reply = &TestHttpServer::Reply;

  // Serve with `answer` from now on.
  void Serve(TestHttpServer::Answer answer) {
    store_.reset();
    server_ = std::make_unique<TestHttpServer>(std::move(answer));
    options_.endpoint = server_->url();
    auto made = MakeS3Store(storage_, environment_, base::SystemClock(), nullptr);
    ASSERT_TRUE(made.ok()) << made.status();
    store_ = std::move(*made);
  }
  void SetUp() override {
    options_.credentials = AwsCredentialsKind::kExplicit;
    options_.access_key_id = "id";
    options_.secret_access_key = Secret("secret");
    options_.retry.backoff_first_ms = 0;
  }
  std::vector<std::string> Methods() const {
    std::vector<std::string> methods;
    for (const TestRequest& request : server_->requests()) {
      methods.push_back(request.method);
    }
    return methods;
  }
  Status Put() { return store_->PutIfAbsent(context_, "s3://bucket/key", "bytes"); }
  // Read the whole object through a reader, as files of tables are read.
  Result<std::string> Read() {
    FIRN_ASSIGN_OR_RETURN(const auto reader,
                          store_->OpenReader(context_, "s3://bucket/key"));
    std::string bytes(reader->size_bytes(), '\0');
    FIRN_RETURN_IF_ERROR(reader->ReadAt(0, bytes.size(), bytes.data()));
    return bytes;
  }

  FakeEnvironment environment_;
  StorageOptions storage_;
  S3Options& options_ = storage_.s3;
  base::Context context_;
  std::unique_ptr<TestHttpServer> server_;
  std::unique_ptr<Store> store_;
};

TEST_F(S3StoreTest, AFailingServerIsAskedThreeTimes) {
  for (const int code : {500, 503, 429}) {
    Serve([code](const TestRequest&) { return Reply(code, ErrorXml("SlowDown"), {}); });
    const Status put = Put();
    EXPECT_TRUE(put.Is(StatusCode::kUnavailable)) << put;
    EXPECT_THAT(std::string(put.message()),
                AllOf(HasSubstr("put s3://bucket/key: "), HasSubstr("throttled"),
                      HasSubstr("after 3 tries")));
    EXPECT_THAT(Methods(), ElementsAre("PUT", "PUT", "PUT"));
  }
}

TEST_F(S3StoreTest, AServerThatRecoversIsEnough) {
  int left = 2;
  Serve([&](const TestRequest&) {
    return left-- > 0 ? Reply(503, ErrorXml("SlowDown"), {}) : Reply(200, "", {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.ok()) << put;
  EXPECT_EQ(server_->requests()[2].body, "bytes");
  EXPECT_EQ(server_->requests()[2].Header("if-none-match"), "*");
}

TEST_F(S3StoreTest, WhatIsWrongIsNotTriedAgain) {
  struct Case {
    int code;
    std::string error;
    StatusCode status;
    std::string remedy;
  };
  for (const Case& c : {
           Case{403, ErrorXml("AccessDenied"), StatusCode::kPermissionDenied, "policy"},
           Case{403, ErrorXml("SignatureDoesNotMatch"), StatusCode::kPermissionDenied,
                "does not fit"},
           Case{403, ErrorXml("InvalidAccessKeyId"), StatusCode::kPermissionDenied,
                "does not know the access key id"},
           Case{400, ErrorXml("ExpiredToken"), StatusCode::kPermissionDenied, "expired"},
           Case{403, ErrorXml("RequestTimeTooSkewed"), StatusCode::kPermissionDenied,
                "clock"},
           Case{404, ErrorXml("NoSuchBucket"), StatusCode::kNotFound, "no bucket bucket"},
           Case{301, ErrorXml("PermanentRedirect", "<Region>eu-west-1</Region>"),
                StatusCode::kInvalidArgument, "set the region to eu-west-1"},
           Case{400,
                ErrorXml("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
                StatusCode::kInvalidArgument, "set the region to eu-west-1"},
           Case{400, ErrorXml("EntityTooLarge"), StatusCode::kInvalidArgument,
                "too large"},
           Case{400, "no XML at all", StatusCode::kInvalidArgument, "HTTP 400"},
       }) {
    Serve([&](const TestRequest&) { return Reply(c.code, c.error, {}); });
    const Status put = Put();
    EXPECT_TRUE(put.Is(c.status)) << put;
    EXPECT_THAT(std::string(put.message()),
                AllOf(HasSubstr("s3://bucket/key"), HasSubstr(c.remedy),
                      Not(HasSubstr("secret:")), Not(HasSubstr("tries"))));
    EXPECT_THAT(Methods(), ElementsAre("PUT"));
  }
}

// The first attempt created the object and its answer was lost: the second finds the
// name taken, by ourselves.
TEST_F(S3StoreTest, ALostAnswerOfOurOwnIsNoConflict) {
  std::string put_id;
  int puts = 0;
  Serve([&](const TestRequest& request) -> std::string {
    if (request.method == "HEAD") {
      return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n"
             "x-amz-meta-firn-put: " +
             put_id + "\r\n\r\n";
    }
    if (puts++ == 0) {
      put_id = request.Header("x-amz-meta-firn-put");
      return "";
    }
    return Reply(412, ErrorXml("PreconditionFailed"), {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.ok()) << put;
  EXPECT_THAT(Methods(), ElementsAre("PUT", "PUT", "HEAD"));
  EXPECT_NE(put_id, "");
}

// A put that replaces has no condition, and no answer to it came. Our own object tells
// that it arrived; that of another tells nothing: ours may still take its place.
TEST_F(S3StoreTest, AReplacementWithoutAnAnswerIsOursOrNotKnown) {
  for (const bool ours : {true, false}) {
    std::string put_id;
    Serve([&](const TestRequest& request) -> std::string {
      if (request.method == "HEAD") {
        return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n"
               "x-amz-meta-firn-put: " +
               (ours ? put_id : "x") + "\r\n\r\n";
      }
      put_id = request.Header("x-amz-meta-firn-put");
      EXPECT_EQ(request.Header("if-none-match"), "");
      return "";
    });
    auto writer =
        store_->OpenWriter(context_, "s3://bucket/key", {.replace = true}).value();
    ASSERT_TRUE(writer->Append("bytes").ok());
    const Status closed = writer->Close();
    EXPECT_EQ(closed.code(), ours ? StatusCode::kOk : StatusCode::kCommitUnknown)
        << closed;
  }
}

// A connection that is kept may end while the request is on its way. To send a put once
// more without a word would find our own object.
TEST_F(S3StoreTest, AKeptConnectionThatEndsHidesNoAttempt) {
  std::string put_id;
  Serve([&](const TestRequest& request) -> std::string {
    if (request.method == "GET") return Reply(200, "kept", {});
    if (request.method == "HEAD") {
      return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n"
             "x-amz-meta-firn-put: " +
             put_id + "\r\n\r\n";
    }
    if (put_id.empty()) {
      put_id = request.Header("x-amz-meta-firn-put");
      return "";
    }
    return Reply(412, ErrorXml("PreconditionFailed"), {});
  });
  ASSERT_EQ(store_->Get(context_, "s3://bucket/other", 9).value(), "kept");
  const Status put = Put();
  EXPECT_TRUE(put.ok()) << put;
  EXPECT_THAT(Methods(), ElementsAre("GET", "PUT", "PUT", "HEAD"));
}

// Nobody answered for how it was encrypted, so that is asked.
TEST_F(S3StoreTest, ALostAnswerOfOurOwnIsCheckedForEncryption) {
  options_.encryption = ServerSideEncryption::kS3;
  for (const bool encrypted : {true, false}) {
    std::string put_id;
    Serve([&](const TestRequest& request) -> std::string {
      if (request.method == "HEAD") {
        return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n" +
               std::string(encrypted ? "x-amz-server-side-encryption: AES256\r\n" : "") +
               "x-amz-meta-firn-put: " + put_id + "\r\n\r\n";
      }
      if (request.method == "DELETE") return Reply(204, "", {});
      if (put_id.empty()) {
        put_id = request.Header("x-amz-meta-firn-put");
        return "";
      }
      return Reply(412, ErrorXml("PreconditionFailed"), {});
    });
    const Status put = Put();
    EXPECT_EQ(put.code(), encrypted ? StatusCode::kOk : StatusCode::kUnimplemented)
        << put;
    EXPECT_EQ(Methods().back(), encrypted ? "HEAD" : "DELETE");
  }
}

TEST_F(S3StoreTest, ALostAnswerAndARivalIsAConflict) {
  int puts = 0;
  Serve([&](const TestRequest& request) -> std::string {
    if (request.method == "HEAD") {
      return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n"
             "x-amz-meta-firn-put: another\r\n\r\n";
    }
    return puts++ == 0 ? "" : Reply(412, ErrorXml("PreconditionFailed"), {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.Is(StatusCode::kAlreadyExists)) << put;
}

TEST_F(S3StoreTest, ATakenNameNeedsNoSecondLook) {
  Serve(
      [&](const TestRequest&) { return Reply(412, ErrorXml("PreconditionFailed"), {}); });
  const Status put = Put();
  EXPECT_TRUE(put.Is(StatusCode::kAlreadyExists)) << put;
  EXPECT_THAT(Methods(), ElementsAre("PUT"));
}

// It did what it was told, and then failed.
TEST_F(S3StoreTest, AFailureOfTheServerMayComeAfterTheDeed) {
  std::string put_id;
  Serve([&](const TestRequest& request) -> std::string {
    if (request.method == "HEAD") {
      return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n"
             "x-amz-meta-firn-put: " +
             put_id + "\r\n\r\n";
    }
    if (put_id.empty()) {
      put_id = request.Header("x-amz-meta-firn-put");
      return Reply(500, ErrorXml("InternalError"), {});
    }
    return Reply(412, ErrorXml("PreconditionFailed"), {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.ok()) << put;
}

TEST_F(S3StoreTest, SilenceIsUnknownAndNotFailure) {
  Serve([&](const TestRequest& request) -> std::string {
    return request.method == "PUT" ? "" : Reply(404, "", {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.Is(StatusCode::kCommitUnknown)) << put;
  EXPECT_THAT(std::string(put.message()), HasSubstr("after 3 tries"));
}

TEST_F(S3StoreTest, AServerThatIsNotThereIsNotUnknown) {
  Serve([&](const TestRequest&) { return ""; });
  server_.reset();
  const Status put = Put();
  EXPECT_TRUE(put.Is(StatusCode::kUnavailable)) << put;
  EXPECT_THAT(std::string(put.message()), HasSubstr("127.0.0.1"));
}

TEST_F(S3StoreTest, AReadThatBreaksOffIsTriedAgain) {
  int gets = 0;
  Serve([&](const TestRequest& request) -> std::string {
    if (request.method == "HEAD") {
      return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\n";
    }
    if (gets++ == 0) {
      return "HTTP/1.1 206 Partial\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhal";
    }
    return Reply(206, "whole", {});
  });
  EXPECT_EQ(Read().value(), "whole");
  EXPECT_EQ(server_->requests()[2].Header("range"), "bytes=0-4");
  EXPECT_EQ(server_->requests()[2].Header("if-match"), "\"e\"");
}

TEST_F(S3StoreTest, AWholeObjectIsOneRequest) {
  int gets = 0;
  Serve([&](const TestRequest&) -> std::string {
    if (gets++ == 0) {
      return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhal";
    }
    return Reply(200, "whole", {});
  });
  EXPECT_EQ(store_->Get(context_, "s3://bucket/key", 5).value(), "whole");
  EXPECT_THAT(Methods(), ElementsAre("GET", "GET"));
  const Status longer = store_->Get(context_, "s3://bucket/key", 4).status();
  EXPECT_TRUE(longer.Is(StatusCode::kResourceExhausted)) << longer;
  EXPECT_THAT(std::string(longer.message()), HasSubstr("get s3://bucket/key: "));
}

TEST_F(S3StoreTest, LiesAboutLengthAreCorruption) {
  for (const char* body : {"much longer", "shor"}) {
    Serve([&](const TestRequest& request) -> std::string {
      if (request.method == "HEAD") {
        return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\n";
      }
      return Reply(206, body, {});
    });
    const Status got = Read().status();
    EXPECT_TRUE(got.Is(StatusCode::kCorruption)) << got;
    EXPECT_THAT(std::string(got.message()), HasSubstr("get s3://bucket/key"));
  }
}

TEST_F(S3StoreTest, AnObjectReplacedWhileItIsReadIsAConflict) {
  Serve([&](const TestRequest& request) -> std::string {
    if (request.method == "HEAD") {
      return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\n";
    }
    return Reply(412, ErrorXml("PreconditionFailed"), {});
  });
  const Status got = Read().status();
  EXPECT_TRUE(got.Is(StatusCode::kConflict)) << got;
}

TEST_F(S3StoreTest, TheEndOfAnObjectIsOneRequest) {
  OpenOptions end;
  end.tail_bytes = 4;
  Serve([&](const TestRequest&) {
    return Reply(206, "6789", {"ETag: \"e\"", "Content-Range: bytes 6-9/10"});
  });
  const auto reader = store_->OpenReader(context_, "s3://bucket/key", end).value();
  EXPECT_EQ(reader->size_bytes(), 10u);
  EXPECT_EQ(reader->identity(), "\"e\"");
  EXPECT_EQ(reader->open_requests(), 1);
  char out[4];
  ASSERT_TRUE(reader->ReadAt(7, 3, out).ok());
  EXPECT_EQ(std::string_view(out, 3), "789");
  ASSERT_EQ(server_->requests().size(), 1u);
  EXPECT_EQ(server_->requests()[0].Header("range"), "bytes=-4");
  ASSERT_TRUE(reader->ReadAt(5, 4, out).ok());
  EXPECT_EQ(server_->requests()[1].Header("range"), "bytes=5-8");
  EXPECT_EQ(server_->requests()[1].Header("if-match"), "\"e\"");
}

TEST_F(S3StoreTest, AnswersToTheEndOfAnObject) {
  struct Case {
    int code;
    std::string body;
    std::vector<std::string> headers;
    StatusCode opened;
  };
  for (const Case& c : {
           // Whole, where the store has no ranges and the object is short.
           Case{200, "012", {}, StatusCode::kOk},
           Case{206, "012", {"Content-Range: bytes 0-2/3"}, StatusCode::kOk},
           Case{200, "0123456789", {}, StatusCode::kCorruption},
           Case{206, "6789", {}, StatusCode::kCorruption},
           Case{206, "6789", {"Content-Range: bytes 6-9/*"}, StatusCode::kCorruption},
           Case{206, "789", {"Content-Range: bytes 7-9/10"}, StatusCode::kCorruption},
           Case{403, ErrorXml("AccessDenied"), {}, StatusCode::kPermissionDenied},
           Case{404, ErrorXml("NoSuchKey"), {}, StatusCode::kNotFound},
       }) {
    Serve([&](const TestRequest&) { return Reply(c.code, c.body, c.headers); });
    OpenOptions end;
    end.tail_bytes = 4;
    const auto reader = store_->OpenReader(context_, "s3://bucket/key", end);
    EXPECT_EQ(reader.status().code(), c.opened) << reader.status();
    if (reader.ok()) {
      EXPECT_EQ((*reader)->size_bytes(), 3u);
    }
    EXPECT_THAT(Methods(), ElementsAre("GET"));
  }
  // An empty object has no last byte: the second look tells it from other errors.
  Serve([](const TestRequest& request) {
    return request.method == "HEAD"
               ? std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
               : Reply(416, ErrorXml("InvalidRange"), {});
  });
  OpenOptions end;
  end.tail_bytes = 4;
  EXPECT_EQ(store_->OpenReader(context_, "s3://bucket/key", end).value()->size_bytes(),
            0u);
}

// Two threads read first, and between them the object is replaced.
TEST_F(S3StoreTest, FirstReadsThatMeetTwoObjectsAreAConflict) {
  int gets = 0;
  Serve([&](const TestRequest& request) {
    // Without the name of the one that the other met.
    return request.Header("if-match").empty()
               ? Reply(206, "0",
                       {"ETag: \"e" + std::to_string(++gets) + "\"",
                        "Content-Range: bytes 0-0/10"})
               : Reply(412, ErrorXml("PreconditionFailed"), {});
  });
  OpenOptions known;
  known.size_bytes = 10;
  const auto reader = store_->OpenReader(context_, "s3://bucket/key", known).value();
  EXPECT_THAT(Methods(), ElementsAre());
  std::vector<Status> read(2);
  {
    std::vector<std::jthread> threads;
    for (Status& status : read) {
      threads.emplace_back([&] {
        char out;
        status = reader->ReadAt(0, 1, &out);
      });
    }
  }
  EXPECT_EQ(read[0].ok() + read[1].ok(), 1) << read[0] << ", " << read[1];
  EXPECT_TRUE(read[read[0].ok() ? 1 : 0].Is(StatusCode::kConflict));
}

TEST_F(S3StoreTest, EncryptionThatWasIgnoredIsUndone) {
  options_.encryption = ServerSideEncryption::kKms;
  options_.kms_key_id = "key-1";
  Serve([&](const TestRequest& request) {
    return Reply(request.method == "DELETE" ? 204 : 200, "", {});
  });
  const Status put = Put();
  EXPECT_TRUE(put.Is(StatusCode::kUnimplemented)) << put;
  EXPECT_THAT(Methods(), ElementsAre("PUT", "DELETE"));
  const TestRequest request = server_->requests()[0];
  EXPECT_EQ(request.Header("x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(request.Header("x-amz-server-side-encryption-aws-kms-key-id"), "key-1");
}

TEST_F(S3StoreTest, ACustomerKeyIsNotSentInTheOpen) {
  options_.encryption = ServerSideEncryption::kCustomer;
  options_.customer_key = Secret(Base64(std::string(32, 'k')));
  Serve([&](const TestRequest&) { return Reply(200, "", {}); });
  const Status put = Put();
  EXPECT_TRUE(put.Is(StatusCode::kInvalidArgument)) << put;
  EXPECT_THAT(Methods(), ElementsAre());
}

// ---- Uploads in parts ----

class S3UploadTest : public S3StoreTest {
 protected:
  S3UploadTest() { options_.multipart_threshold_bytes = 8 << 20; }

  // Answers as a store would; `Broken` says which requests fail, and how.
  using Broken = std::function<std::string(const TestRequest&)>;
  void ServeUploads(Broken broken = nullptr) {
    Serve([broken](const TestRequest& request) -> std::string {
      if (broken) {
        const std::string text = broken(request);
        if (text != "good") return text;
      }
      if (request.target.find("?uploads=") != std::string::npos) {
        return Reply(200,
                     "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                     "</InitiateMultipartUploadResult>",
                     {});
      }
      if (request.method == "PUT") return Reply(200, "", {"ETag: \"part\""});
      if (request.method == "DELETE") return Reply(204, "", {});
      return Reply(200, "<CompleteMultipartUploadResult/>", {});
    });
  }
  Status Write(std::size_t size) {
    FIRN_ASSIGN_OR_RETURN(const auto writer,
                          store_->OpenWriter(context_, "s3://bucket/key"));
    const std::string piece(1 << 20, 'x');
    for (std::size_t i = 0; i < size; i += piece.size()) {
      FIRN_RETURN_IF_ERROR(writer->Append(piece));
    }
    return writer->Close();
  }
  int Count(const std::string& method, const std::string& in_target) const {
    int count = 0;
    for (const TestRequest& request : server_->requests()) {
      count += request.method == method &&
               request.target.find(in_target) != request.target.npos;
    }
    return count;
  }
};

TEST_F(S3UploadTest, PartsThenOneObject) {
  ServeUploads();
  const Status written = Write(20 << 20);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(Count("PUT", "partNumber="), 3);
  EXPECT_EQ(Count("DELETE", ""), 0);
  const TestRequest last = server_->requests().back();
  EXPECT_EQ(last.method, "POST");
  EXPECT_EQ(last.Header("if-none-match"), "*");
  EXPECT_THAT(last.body, HasSubstr("<PartNumber>3</PartNumber><ETag>"));
}

TEST_F(S3UploadTest, AtTheThresholdOnePutIsEnough) {
  ServeUploads();
  ASSERT_TRUE(Write(8 << 20).ok());
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(S3UploadTest, AFailedPartGivesTheUploadUp) {
  ServeUploads([](const TestRequest& request) {
    return request.target.find("partNumber=2") != std::string::npos
               ? Reply(403, ErrorXml("AccessDenied"), {})
               : std::string("good");
  });
  const Status written = Write(40 << 20);
  EXPECT_TRUE(written.Is(StatusCode::kPermissionDenied)) << written;
  EXPECT_EQ(Count("DELETE", "uploadId=u1"), 1);
  EXPECT_EQ(Count("POST", "uploadId=u1"), 0);
}

TEST_F(S3UploadTest, AWriterThatIsDroppedGivesTheUploadUp) {
  ServeUploads();
  {
    auto writer = store_->OpenWriter(context_, "s3://bucket/key").value();
    ASSERT_TRUE(writer->Append(std::string(20 << 20, 'x')).ok());
  }
  EXPECT_EQ(Count("DELETE", "uploadId=u1"), 1);
}

TEST_F(S3UploadTest, ACancelledWriteGivesTheUploadUp) {
  ServeUploads();
  {
    const base::Context cancelled;
    auto writer = store_->OpenWriter(cancelled, "s3://bucket/key").value();
    ASSERT_TRUE(writer->Append(std::string(20 << 20, 'x')).ok());
    cancelled.Cancel();
    EXPECT_TRUE(writer->Append("x").Is(StatusCode::kCancelled));
    EXPECT_FALSE(writer->Close().ok());
  }
  EXPECT_EQ(Count("DELETE", "uploadId=u1"), 1);
  EXPECT_EQ(Count("POST", "uploadId=u1"), 0);
}

TEST_F(S3UploadTest, ATakenNameGivesTheUploadUp) {
  ServeUploads([](const TestRequest& request) {
    return request.method == "POST" &&
                   request.target.find("uploadId") != std::string::npos
               ? Reply(412, ErrorXml("PreconditionFailed"), {})
               : std::string("good");
  });
  const Status written = Write(20 << 20);
  EXPECT_TRUE(written.Is(StatusCode::kAlreadyExists)) << written;
  EXPECT_EQ(Count("DELETE", "uploadId=u1"), 1);
}

// A store may be silent while it copies the parts: the longer, the more there are.
TEST_F(S3UploadTest, ACompletionMayTakeLongerThanOtherRequests) {
  options_.request_timeout_ms = 200;
  ServeUploads([](const TestRequest& request) {
    if (request.method == "POST" &&
        request.target.find("uploadId") != std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
    return std::string("good");
  });
  const Status written = Write(20 << 20);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(Count("POST", "uploadId=u1"), 1);
}

// "200 OK" is sent before the parts are put together; what follows may be an error.
TEST_F(S3UploadTest, AnErrorInsideASuccessIsAnError) {
  ServeUploads([](const TestRequest& request) {
    return request.method == "POST" &&
                   request.target.find("uploadId") != std::string::npos
               ? Reply(200, ErrorXml("AccessDenied"), {})
               : std::string("good");
  });
  const Status written = Write(20 << 20);
  EXPECT_FALSE(written.ok());
  EXPECT_EQ(Count("DELETE", "uploadId=u1"), 1);
}

// ---- Listings ----

TEST_F(S3StoreTest, ListsGoOnWhereAPageEnds) {
  Serve([](const TestRequest& request) {
    const bool second =
        request.target.find("continuation-token=t%2F1") != std::string::npos;
    return Reply(200,
                 second ? "<ListBucketResult><EncodingType>url</EncodingType>"
                          "<IsTruncated>false</IsTruncated><Contents><Key>p/b%2B+c</Key>"
                          "<Size>2</Size><LastModified>2026-01-02T03:04:05.678Z"
                          "</LastModified></Contents></ListBucketResult>"
                        : "<ListBucketResult><EncodingType>url</EncodingType>"
                          "<IsTruncated>true</IsTruncated>"
                          "<NextContinuationToken>t/1</NextContinuationToken>"
                          "<Contents><Key>p/</Key><Size>0</Size></Contents>"
                          "<Contents><Key>p/a</Key><Size>1</Size></Contents>"
                          "</ListBucketResult>",
                 {});
  });
  std::vector<ObjectInfo> infos;
  const Status listed =
      store_->List(context_, "s3://bucket/p", [&](const ObjectInfo& info) {
        infos.push_back(info);
        return Status();
      });
  ASSERT_TRUE(listed.ok()) << listed;
  ASSERT_EQ(infos.size(), 2u);
  EXPECT_EQ(infos[0].location, "s3://bucket/p/a");
  EXPECT_EQ(infos[1].location, "s3://bucket/p/b+ c");
  EXPECT_EQ(infos[1].size_bytes, 2u);
  EXPECT_EQ(infos[1].modified_us, 1'767'323'045'678'000);
  EXPECT_THAT(server_->requests()[0].target, HasSubstr("prefix=p%2F"));
}

TEST_F(S3StoreTest, AListThatIsNoneIsCorruption) {
  for (const char* body :
       {"<html>welcome</html>", "not XML",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"}) {
    Serve([&](const TestRequest&) { return Reply(200, body, {}); });
    const Status listed = store_->List(context_, "s3://bucket/p",
                                       [](const ObjectInfo&) { return Status(); });
    EXPECT_TRUE(listed.Is(StatusCode::kCorruption)) << listed;
  }
}

}  // namespace
}  // namespace firn::io

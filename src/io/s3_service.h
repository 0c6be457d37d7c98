// SPDX-License-Identifier: Apache-2.0
// s3_service.h: a bucket of an S3 store (Amazon S3 API Reference, 2006-03-01). Internal
// to this room.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "firn/storage.h"
#include "io/aws_credentials.h"
#include "io/aws_signature.h"
#include "io/http_client.h"
#include "io/object_service.h"
#include "io/remote_request.h"

namespace firn::io {

class S3Service final : public ObjectService {
 public:
  // `options.region` is set. `metrics` may be null; everything passed must outlive it.
  // InvalidArgument for an endpoint or bucket name that cannot be.
  static Result<std::unique_ptr<S3Service>> Make(
      const S3Options& options, std::string bucket,
      std::shared_ptr<AwsCredentialsProvider> credentials, const base::Clock& clock,
      const StoreMetrics* metrics);

  Result<RemoteObject> Head(const base::Context& context,
                            const std::string& key) override;
  Status GetRange(const base::Context& context, const std::string& key,
                  const std::string& etag, std::uint64_t offset, std::uint64_t size,
                  char* out) override;
  Result<RemoteObject> GetAnyRange(const base::Context& context, const std::string& key,
                                   std::uint64_t offset, std::uint64_t size,
                                   char* out) override;
  Result<RemoteTail> GetTail(const base::Context& context, const std::string& key,
                             std::uint64_t size) override;
  Result<std::string> Get(const base::Context& context, const std::string& key,
                          std::uint64_t size_limit_bytes) override;
  Result<PutResult> Put(const base::Context& context, const NewObject& object,
                        std::string_view bytes) override;
  Status CheckCreated(const base::Context& context, const std::string& key) override;
  Result<std::unique_ptr<MultipartUpload>> StartUpload(const base::Context& context,
                                                       const NewObject& object) override;
  Status Delete(const base::Context& context, const std::string& key) override;
  Result<RemotePage> List(const base::Context& context, const std::string& prefix,
                          const std::string& from) override;
  Status CreateBucket(const base::Context& context) override;
  PartLimits part_limits() const override { return {}; }

 private:
  friend class S3Upload;
  friend class S3Bucket;
  using Fields = std::vector<std::pair<std::string, std::string>>;

  // A request before it is signed.
  struct Ask {
    StoreOperation operation;
    std::string method;
    std::string key;  // Empty: the bucket itself.
    Fields query = {};
    Fields headers = {};
    std::string_view body = {};
    HttpClient::Sink sink = {};
    // Called before each attempt.
    std::function<void()> restart = {};
    // What an answer of 2xx has to be beyond that.
    std::function<Status(const HttpResponse&)> check = {};
    // A second of it would not find what the first did.
    bool once = false;
    // As in HttpRequest.
    DurationMs idle_timeout_ms = 0;
  };

  S3Service(const S3Options& options, std::string bucket, HttpAddress address,
            bool path_style, std::shared_ptr<AwsCredentialsProvider> credentials,
            const base::Clock& clock, const StoreMetrics* metrics);

  RemoteOutcome Run(const base::Context& context, const Ask& ask);
  // Ask for a range and take the answer into `out`. `etag` may be empty: of any object.
  RemoteOutcome RunRange(const base::Context& context, const std::string& key,
                         const std::string& etag, std::uint64_t offset,
                         std::uint64_t size, char* out);
  Verdict Judge(const Ask& ask, const HttpResponse& response);
  // How long the answer to the completion of an upload of `size_bytes` may be waited for.
  DurationMs CompletionTimeoutMs(std::uint64_t size_bytes) const;
  std::string LocationOf(const std::string& key) const;
  Result<bool> BucketExists(const base::Context& context);
  // The headers that ask for encryption of a new object, and those that reading or
  // sending a part needs.
  Fields EncryptionOfNew() const;
  Fields EncryptionOfPart() const;
  // Whether a server did what EncryptionOfNew() asked for: some ignore it and answer 200.
  Status CheckEncryption(const HttpResponse& response) const;
  // An object that should have been encrypted is not: take it away. Returns `why`.
  Status RemovePlain(const base::Context& context, const std::string& key,
                     const Status& why);

  const S3Options options_;
  const std::string bucket_;
  const bool path_style_;
  const std::shared_ptr<AwsCredentialsProvider> credentials_;
  const base::Clock& clock_;
  HttpClient client_;
  Backoff backoff_;
  RemoteRequests requests_;
  const AwsScope scope_;
};

}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
// gcs_service.h: a bucket of Google Cloud Storage (its JSON API, v1). Internal to this
// room.
//
//   create   `ifGenerationMatch=0`: an object that is not there has generation 0
//   read     an object is known by its generation, which never comes again
//   parts    a resumable upload: the one kind that takes a precondition. Its parts go one
//            after the other, and it becomes an object with the last
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "firn/storage.h"
#include "io/gcs_credentials.h"
#include "io/http_client.h"
#include "io/object_service.h"
#include "io/remote_request.h"

namespace firn::io {

class GcsService final : public ObjectService {
 public:
  // `options.endpoint` is set. `metrics` may be null; everything passed must outlive it.
  // InvalidArgument for an endpoint or bucket name that cannot be.
  static Result<std::unique_ptr<GcsService>> Make(
      const GcsOptions& options, std::string bucket,
      std::shared_ptr<GcsCredentialsProvider> credentials, const base::Clock& clock,
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
  Status CheckCreated(const base::Context&, const std::string&) override { return {}; }
  Result<std::unique_ptr<MultipartUpload>> StartUpload(const base::Context& context,
                                                       const NewObject& object) override;
  Status Delete(const base::Context& context, const std::string& key) override;
  Result<RemotePage> List(const base::Context& context, const std::string& prefix,
                          const std::string& from) override;
  Status CreateBucket(const base::Context& context) override;
  PartLimits part_limits() const override {
    return {256 << 10, std::uint64_t{1} << 30, 10'000, 1};
  }

 private:
  friend class GcsUpload;

  // A request before it has its token.
  struct Ask {
    StoreOperation operation;
    std::string method;
    std::string key;          // For errors. Empty: the bucket itself.
    std::string target = {};  // Path and query.
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string_view body = {};
    HttpClient::Sink sink = {};
    // Called before each attempt; may change what is sent, or end it.
    std::function<Status(HttpRequest*)> restart = {};
    // What an answer of 2xx has to be beyond that.
    std::function<Status(const HttpResponse&)> check = {};
    // Judges an answer before all else; nothing for those it leaves alone.
    std::function<std::optional<Verdict>(const HttpResponse&)> judge = {};
    bool needs_bucket_only = false;
  };

  GcsService(const GcsOptions& options, std::string bucket, HttpAddress address,
             std::shared_ptr<GcsCredentialsProvider> credentials,
             const base::Clock& clock, const StoreMetrics* metrics);

  RemoteOutcome Run(const base::Context& context, const Ask& ask);
  // GetRange() of the object that `etag` names, or of any where it is empty.
  RemoteOutcome RunRange(const base::Context& context, const std::string& key,
                         const std::string& etag, std::uint64_t offset,
                         std::uint64_t size, char* out);
  Result<RemoteObject> ObjectOf(const std::string& key,
                                const HttpResponse& response) const;
  std::string LocationOf(const std::string& key) const;
  std::string BucketTarget() const;
  std::string ObjectTarget(const std::string& key) const;
  std::string UploadTarget(const NewObject& object, std::string_view type) const;
  // Remove the object of that generation, which is not what it should be.
  Status DeleteGeneration(const base::Context& context, const std::string& key,
                          const std::string& generation);

  const GcsOptions options_;
  const std::string bucket_;
  const std::shared_ptr<GcsCredentialsProvider> credentials_;
  HttpClient client_;
  Backoff backoff_;
  RemoteRequests requests_;
};

}  // namespace firn::io

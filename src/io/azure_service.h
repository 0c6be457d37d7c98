// SPDX-License-Identifier: Apache-2.0
// azure_service.h: a container of Azure's blob service (Azure Storage REST API). Internal
// to this room.
//
//   create   `If-None-Match: *`
//   parts    blocks of their own identifiers, which no listing shows and no reader sees
//            until a list of them becomes the object. The service discards blocks that no
//            list names when the object is made, else after a week: there is no request
//            that would, other than to make the object and delete it
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "firn/storage.h"
#include "io/azure_credentials.h"
#include "io/azure_signature.h"
#include "io/http_client.h"
#include "io/object_service.h"
#include "io/remote_request.h"

namespace firn::io {

// Which container, and how errors write it.
struct AzurePlace {
  std::string account;
  std::string endpoint;  // Of the account's blobs.
  std::string container;
  std::string location;  // `az://C` or `abfss://C@ACCOUNT.dfs.core.windows.net`
};

class AzureService final : public ObjectService {
 public:
  // `metrics` may be null; everything passed must outlive it. InvalidArgument for an
  // endpoint or container name that cannot be.
  static Result<std::unique_ptr<AzureService>> Make(
      const AzureOptions& options, AzurePlace place,
      std::shared_ptr<AzureCredentialsProvider> credentials, const base::Clock& clock,
      const StoreMetrics* metrics);

  Result<RemoteObject> Head(const base::Context& context,
                            const std::string& key) override;
  Status GetRange(const base::Context& context, const std::string& key,
                  const std::string& etag, std::uint64_t offset, std::uint64_t size,
                  char* out) override;
  Result<RemoteObject> GetAnyRange(const base::Context& context, const std::string& key,
                                   std::uint64_t offset, std::uint64_t size,
                                   char* out) override;
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
    return {1, std::uint64_t{4000} << 20, 50'000};
  }

 private:
  friend class AzureUpload;
  using Fields = std::vector<std::pair<std::string, std::string>>;

  // A request before it is signed.
  struct Ask {
    StoreOperation operation;
    std::string method;
    std::string key;  // Empty: the container itself.
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
  };

  AzureService(const AzureOptions& options, AzurePlace place, HttpAddress address,
               std::shared_ptr<AzureCredentialsProvider> credentials,
               const base::Clock& clock, const StoreMetrics* metrics);

  RemoteOutcome Run(const base::Context& context, const Ask& ask);
  // GetRange() of the object that `etag` names, or of any where it is empty.
  RemoteOutcome RunRange(const base::Context& context, const std::string& key,
                         const std::string& etag, std::uint64_t offset,
                         std::uint64_t size, char* out);
  std::string LocationOf(const std::string& key) const;
  // Put() by a list of one block.
  Result<PutResult> PutAsBlock(const base::Context& context, const NewObject& object,
                               std::string_view bytes, bool earlier_may_have_arrived);

  const AzurePlace place_;
  const std::shared_ptr<AzureCredentialsProvider> credentials_;
  const base::Clock& clock_;
  HttpClient client_;
  Backoff backoff_;
  RemoteRequests requests_;
};

}  // namespace firn::io

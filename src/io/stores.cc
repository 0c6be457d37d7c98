// SPDX-License-Identifier: Apache-2.0
#include "io/stores.h"

#include <mutex>
#include <string>
#include <utility>

#include "io/azure_store.h"
#include "io/gcs_store.h"
#include "io/s3_store.h"

namespace firn::io {
namespace {

class Stores final : public Store {
 public:
  Stores(const StorageOptions& options, const Environment& environment,
         const base::Clock& clock, base::MetricRegistry* metrics)
      : options_(options),
        environment_(environment),
        clock_(clock),
        metrics_(metrics),
        local_(MakeLocalStore()) {}

  Result<std::unique_ptr<ObjectReader>> OpenReader(const base::Context& context,
                                                   const std::string& location,
                                                   const OpenOptions& options) override {
    FIRN_ASSIGN_OR_RETURN(Store* const store, StoreOf(location));
    return store->OpenReader(context, location, options);
  }
  Result<std::unique_ptr<ObjectWriter>> OpenWriter(const base::Context& context,
                                                   const std::string& location,
                                                   const WriteOptions& options) override {
    FIRN_ASSIGN_OR_RETURN(Store* const store, StoreOf(location));
    return store->OpenWriter(context, location, options);
  }
  Result<std::string> Get(const base::Context& context, const std::string& location,
                          std::uint64_t size_limit_bytes) override {
    FIRN_ASSIGN_OR_RETURN(Store* const store, StoreOf(location));
    return store->Get(context, location, size_limit_bytes);
  }
  Status PutIfAbsent(const base::Context& context, const std::string& location,
                     std::string_view bytes) override {
    FIRN_ASSIGN_OR_RETURN(Store* const store, StoreOf(location));
    return store->PutIfAbsent(context, location, bytes);
  }
  Status Remove(const base::Context& context, const std::string& location) override {
    FIRN_ASSIGN_OR_RETURN(Store* const store, StoreOf(location));
    return store->Remove(context, location);
  }
  Status List(const base::Context& context, const std::string& prefix,
              const std::function<Status(const ObjectInfo&)>& visit) override {
    FIRN_ASSIGN_OR_RETURN(Store* const store, StoreOf(prefix));
    return store->List(context, prefix, visit);
  }
  Status ListUnfinished(const base::Context& context, const std::string& prefix,
                        const std::function<Status(const ObjectInfo&)>& visit) override {
    FIRN_ASSIGN_OR_RETURN(Store* const store, StoreOf(prefix));
    return store->ListUnfinished(context, prefix, visit);
  }

 private:
  // The store that serves `location`. The local one says what is wrong with a location
  // that none serves.
  Result<Store*> StoreOf(const std::string& location) {
    const std::size_t end = location.find("://");
    const std::string_view scheme = std::string_view(location).substr(
        0, end == std::string::npos ? std::size_t{0} : end);
    std::lock_guard lock(mutex_);
    if (scheme == "s3") return Made(&s3_, MakeS3Store);
    if (scheme == "gs") return Made(&gcs_, MakeGcsStore);
    if (scheme == "az") return Made(&azure_, MakeAzureStore);
    if (scheme == "abfss") return Made(&azure_accounts_, MakeAzureAccountStore);
    return local_.get();
  }

  using Make = Result<std::unique_ptr<Store>>(const StorageOptions&, const Environment&,
                                              const base::Clock&, base::MetricRegistry*);
  Result<Store*> Made(std::unique_ptr<Store>* store, Make* make) {
    if (*store == nullptr) {
      FIRN_ASSIGN_OR_RETURN(*store, make(options_, environment_, clock_, metrics_));
    }
    return store->get();
  }

  const StorageOptions options_;
  const Environment& environment_;
  const base::Clock& clock_;
  base::MetricRegistry* const metrics_;
  const std::unique_ptr<Store> local_;
  std::mutex mutex_;
  std::unique_ptr<Store> s3_;
  std::unique_ptr<Store> gcs_;
  std::unique_ptr<Store> azure_;
  std::unique_ptr<Store> azure_accounts_;
};

}  // namespace

std::unique_ptr<Store> MakeStores(const StorageOptions& options,
                                  const Environment& environment,
                                  const base::Clock& clock,
                                  base::MetricRegistry* metrics) {
  return std::make_unique<Stores>(options, environment, clock, metrics);
}

}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
#include "io/stores.h"

#include <mutex>
#include <string>
#include <utility>

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
                                                   const std::string& location) override {
    FIRN_ASSIGN_OR_RETURN(Store* const store, StoreOf(location));
    return store->OpenReader(context, location);
  }
  Result<std::unique_ptr<ObjectWriter>> OpenWriter(const base::Context& context,
                                                   const std::string& location) override {
    FIRN_ASSIGN_OR_RETURN(Store* const store, StoreOf(location));
    return store->OpenWriter(context, location);
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

 private:
  // The store that serves `location`. The local one says what is wrong with a location
  // that none serves.
  Result<Store*> StoreOf(const std::string& location) {
    if (!location.starts_with("s3://")) return local_.get();
    std::lock_guard lock(mutex_);
    if (s3_ == nullptr) {
      FIRN_ASSIGN_OR_RETURN(s3_,
                            MakeS3Store(options_, environment_, clock_, metrics_));
    }
    return s3_.get();
  }

  const StorageOptions options_;
  const Environment& environment_;
  const base::Clock& clock_;
  base::MetricRegistry* const metrics_;
  const std::unique_ptr<Store> local_;
  std::mutex mutex_;
  std::unique_ptr<Store> s3_;
};

}  // namespace

std::unique_ptr<Store> MakeStores(const StorageOptions& options,
                                  const Environment& environment,
                                  const base::Clock& clock,
                                  base::MetricRegistry* metrics) {
  return std::make_unique<Stores>(options, environment, clock, metrics);
}

}  // namespace firn::io

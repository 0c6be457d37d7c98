// SPDX-License-Identifier: Apache-2.0
// store_matrix.h: the stores that FIRN_TEST_STORES names, a JSON array of {"name",
// "scheme", "bucket", "endpoint", "ca_file", …} with the keys of their protocols, and a
// place of its own in each for every test. stores_test.py starts the servers.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/metrics.h"
#include "io/store.h"
#include "io/stores.h"
#include "io/test_environment.h"

namespace firn::io {

inline constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

struct Subject {
  std::string name;
  std::string scheme;  // "s3", "gs" or "az"
  std::string bucket;
  StorageOptions storage;
  bool encrypts = false;  // With keys of its own and of a key service.
  bool takes_customer_keys = false;
  bool has_lifecycle = false;
  bool has_sessions = false;
  bool is_on_disk = false;  // Objects may be larger than the machine's memory.
};

inline void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

// Do `change` to the options of the protocol that `scheme` names. Those that all of them
// have are called the same.
template <typename Change>
void ChangeOptions(const std::string& scheme, StorageOptions* storage, Change change) {
  if (scheme == "s3") change(storage->s3);
  if (scheme == "gs") change(storage->gcs);
  if (scheme == "az") change(storage->azure);
}

inline std::string EndpointOf(const Subject& subject) {
  StorageOptions storage = subject.storage;
  std::string endpoint;
  ChangeOptions(subject.scheme, &storage, [&](auto& own) { endpoint = own.endpoint; });
  return endpoint;
}

inline std::vector<Subject> Subjects(const std::string& scheme = "") {
  std::vector<Subject> subjects;
  const char* text = std::getenv("FIRN_TEST_STORES");
  if (text == nullptr) return subjects;
  for (const nlohmann::json& json : nlohmann::json::parse(text)) {
    Subject subject;
    subject.name = json.at("name");
    subject.scheme = json.at("scheme");
    subject.bucket = json.at("bucket");
    subject.encrypts = json.value("encrypts", false);
    subject.takes_customer_keys = json.value("takes_customer_keys", false);
    subject.has_lifecycle = json.value("has_lifecycle", false);
    subject.has_sessions = json.value("has_sessions", false);
    subject.is_on_disk = json.value("is_on_disk", false);
    StorageOptions& storage = subject.storage;
    storage.s3.credentials = AwsCredentialsKind::kExplicit;
    storage.s3.access_key_id = json.value("access_key", "");
    storage.s3.secret_access_key = Secret(json.value("secret_key", ""));
    storage.gcs.credentials = GcsCredentialsKind::kAnonymous;
    storage.gcs.project = "firn";
    storage.azure.account = json.value("account", "");
    storage.azure.account_key = Secret(json.value("account_key", ""));
    ChangeOptions(subject.scheme, &storage, [&](auto& own) {
      own.endpoint = json.at("endpoint");
      own.ca_file = json.value("ca_file", "");
      own.multipart_threshold_bytes = 10 << 20;
    });
    if (subject.scheme == "az") storage.azure.endpoint += "/" + storage.azure.account;
    if (scheme.empty() || scheme == subject.scheme)
      subjects.push_back(std::move(subject));
  }
  return subjects;
}

// How much of what takes minutes: all of it where FIRN_FULL is set.
inline int Scaled(int by_default, int full) {
  return std::getenv("FIRN_FULL") == nullptr ? by_default : full;
}

class StoreMatrix : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    store_ = Make(GetParam().storage);
    static std::atomic<int> count{0};
    prefix_ =
        "test-" + std::to_string(std::random_device()()) + "-" + std::to_string(count++);
    root_ = GetParam().scheme + "://" + GetParam().bucket + "/" + prefix_;
    StorageOptions creating = GetParam().storage;
    creating.create_buckets = true;
    const auto store = MakeStores(creating, environment_, base::SystemClock(), nullptr);
    const Status put = store->PutIfAbsent(context_, At("first"), "x");
    ASSERT_TRUE(put.ok()) << put;
    ASSERT_TRUE(store->Remove(context_, At("first")).ok());
  }
  // With a store of other options: an object of 20 MB in parts and one of 5 bytes.
  Status WriteBoth(Store& store) {
    FIRN_RETURN_IF_ERROR(store.PutIfAbsent(context_, At("small"), "small"));
    return WriteLarge(store, At("large"));
  }
  Status WriteLarge(Store& store, const std::string& location) {
    FIRN_ASSIGN_OR_RETURN(const auto writer, store.OpenWriter(context_, location));
    FIRN_RETURN_IF_ERROR(writer->Append(std::string(20 << 20, 'x')));
    return writer->Close();
  }
  std::unique_ptr<Store> Make(const StorageOptions& options) {
    return MakeStores(options, environment_, base::SystemClock(), &metrics_);
  }
  // The options of the subject with `change` done to those of its protocol.
  template <typename Change>
  StorageOptions With(Change change) const {
    StorageOptions storage = GetParam().storage;
    ChangeOptions(GetParam().scheme, &storage, change);
    return storage;
  }
  std::string At(const std::string& name) const { return root_ + "/" + name; }
  std::vector<std::string> List(const std::string& prefix) {
    std::vector<std::string> names;
    const Status status = store_->List(context_, prefix, [&](const ObjectInfo& info) {
      names.push_back(info.location);
      return Status();
    });
    EXPECT_TRUE(status.ok()) << status;
    return names;
  }

  base::MetricRegistry metrics_;
  base::Context context_;
  FakeEnvironment environment_;
  std::unique_ptr<Store> store_;
  std::string prefix_;
  std::string root_;
};

}  // namespace firn::io

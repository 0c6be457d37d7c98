// SPDX-License-Identifier: Apache-2.0
// What every object store promises, tried on each that FIRN_TEST_STORES names: a JSON
// array of {"name", "bucket", "endpoint", "access_key", "secret_key", "ca_file", …}.
// stores_test.py starts the servers and runs this.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/metrics.h"
#include "fault_proxy.h"
#include "io/digest.h"
#include "io/environment.h"
#include "io/s3_bucket.h"
#include "io/s3_store.h"
#include "io/store.h"

namespace firn::io {
namespace {

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

struct Subject {
  std::string name;
  std::string bucket;
  S3Options s3;
  bool encrypts = false;  // With keys of its own and of a key service.
  bool takes_customer_keys = false;
  bool has_lifecycle = false;
};

void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

std::vector<Subject> Subjects() {
  std::vector<Subject> subjects;
  const char* text = std::getenv("FIRN_TEST_STORES");
  if (text == nullptr) return subjects;
  for (const nlohmann::json& json : nlohmann::json::parse(text)) {
    Subject subject;
    subject.name = json.at("name");
    subject.bucket = json.at("bucket");
    subject.encrypts = json.value("encrypts", false);
    subject.takes_customer_keys = json.value("takes_customer_keys", false);
    subject.has_lifecycle = json.value("has_lifecycle", false);
    subject.s3.endpoint = json.at("endpoint");
    subject.s3.credentials = AwsCredentialsKind::kExplicit;
    subject.s3.access_key_id = json.at("access_key");
    subject.s3.secret_access_key = Secret(json.at("secret_key"));
    subject.s3.ca_file = json.value("ca_file", "");
    subject.s3.multipart_threshold_bytes = 10 << 20;
    subjects.push_back(std::move(subject));
  }
  return subjects;
}

// How much of what takes minutes: FIRN_ROUNDS of the full count.
int Scaled(int by_default, int full) {
  return std::getenv("FIRN_FULL") == nullptr ? by_default : full;
}

std::string RandomBytes(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random();
    bytes.replace(i, std::min<std::size_t>(8, size - i),
                  reinterpret_cast<const char*>(&word),
                  std::min<std::size_t>(8, size - i));
  }
  return bytes;
}

class StoreMatrix : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    auto made = Make(GetParam().s3);
    ASSERT_TRUE(made.ok()) << made.status();
    store_ = std::move(*made);
    static std::atomic<int> count{0};
    prefix_ =
        "test-" + std::to_string(std::random_device()()) + "-" + std::to_string(count++);
    root_ = "s3://" + GetParam().bucket + "/" + prefix_;
    auto bucket = S3Bucket::Make(GetParam().s3, GetParam().bucket, ProcessEnvironment(),
                                 base::SystemClock(), nullptr);
    ASSERT_TRUE(bucket.ok()) << bucket.status();
    bucket_ = std::move(*bucket);
    const Status created = bucket_->Create(context_);
    ASSERT_TRUE(created.ok()) << created;
  }
  // No upload that a test began is left.
  void TearDown() override {
    if (bucket_ == nullptr) return;
    const auto pending = bucket_->PendingUploads(context_, prefix_);
    ASSERT_TRUE(pending.ok()) << pending.status();
    EXPECT_EQ(pending->size(), 0u);
  }
  // With a store of other options: an object of 20 MB in parts and one of 5 bytes.
  Status WriteBoth(Store& store) {
    FIRN_RETURN_IF_ERROR(store.PutIfAbsent(context_, At("small"), "small"));
    FIRN_ASSIGN_OR_RETURN(const auto writer, store.OpenWriter(context_, At("large")));
    FIRN_RETURN_IF_ERROR(writer->Append(std::string(20 << 20, 'x')));
    return writer->Close();
  }
  Result<std::unique_ptr<Store>> Make(const S3Options& options) {
    StorageOptions storage;
    storage.s3 = options;
    return MakeS3Store(storage, ProcessEnvironment(), base::SystemClock(), &metrics_);
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
  std::unique_ptr<Store> store_;
  std::unique_ptr<S3Bucket> bucket_;
  std::string prefix_;
  std::string root_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreMatrix);
INSTANTIATE_TEST_SUITE_P(Each, StoreMatrix, testing::ValuesIn(Subjects()),
                         [](const auto& info) { return info.param.name; });

TEST_P(StoreMatrix, ASmallObjectComesBack) {
  const std::string bytes = RandomBytes(100'000, 1);
  auto writer = store_->OpenWriter(context_, At("a b/ü+%.bin"));
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Append(std::string_view(bytes).substr(0, 70'000)).ok());
  EXPECT_THAT(List(root_), testing::IsEmpty());
  ASSERT_TRUE((*writer)->Append(std::string_view(bytes).substr(70'000)).ok());
  const Status closed = (*writer)->Close();
  ASSERT_TRUE(closed.ok()) << closed;
  EXPECT_THAT(List(root_), testing::ElementsAre(At("a b/ü+%.bin")));
  auto reader = store_->OpenReader(context_, At("a b/ü+%.bin"));
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->size_bytes(), bytes.size());
  std::string part(1000, '\0');
  const Status read = (*reader)->ReadAt(12'345, part.size(), part.data());
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_EQ(part, bytes.substr(12'345, 1000));
  EXPECT_TRUE((*reader)->ReadAt(99'999, 2, part.data()).Is(StatusCode::kInvalidArgument));
  EXPECT_EQ(store_->Get(context_, At("a b/ü+%.bin"), kNoLimit).value(), bytes);
  EXPECT_TRUE(store_->Get(context_, At("a b/ü+%.bin"), 99'999)
                  .status()
                  .Is(StatusCode::kResourceExhausted));
}

TEST_P(StoreMatrix, AnEmptyObjectComesBack) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("empty"), "").ok());
  EXPECT_EQ(store_->Get(context_, At("empty"), kNoLimit).value(), "");
}

TEST_P(StoreMatrix, OpensWithTheEndOrTheSizeAtHand) {
  const std::string bytes = RandomBytes(100'000, 3);
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("a"), bytes).ok());
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("empty"), "").ok());
  const std::string identity = store_->OpenReader(context_, At("a")).value()->identity();
  EXPECT_NE(identity, "");
  for (const bool known : {false, true}) {
    for (const std::uint64_t tail : {0, 10'000, 200'000}) {
      OpenOptions options;
      options.tail_bytes = tail;
      if (known) options.size_bytes = bytes.size();
      auto reader = store_->OpenReader(context_, At("a"), options);
      ASSERT_TRUE(reader.ok()) << reader.status();
      EXPECT_EQ((*reader)->size_bytes(), bytes.size());
      if (!known) {
        EXPECT_EQ((*reader)->identity(), identity);
      }
      for (const std::uint64_t offset : {95'000, 50'000, 0}) {
        std::string part(5000, '\0');
        const Status read = (*reader)->ReadAt(offset, part.size(), part.data());
        ASSERT_TRUE(read.ok()) << read;
        EXPECT_EQ(part, bytes.substr(offset, part.size()));
      }
    }
  }
  OpenOptions options;
  options.tail_bytes = 10'000;
  EXPECT_EQ(store_->OpenReader(context_, At("empty"), options).value()->size_bytes(), 0u);
  EXPECT_TRUE(store_->OpenReader(context_, At("absent"), options)
                  .status()
                  .Is(StatusCode::kNotFound));
  // One that is not as it was said to be: when it is opened, or when it is read.
  for (const std::uint64_t wrong : {99'999, 100'001, 1'000'000}) {
    for (const std::uint64_t tail : {0, 10'000}) {
      options.size_bytes = wrong;
      options.tail_bytes = tail;
      auto reader = store_->OpenReader(context_, At("a"), options);
      char last = 0;
      const Status status =
          reader.ok() ? (*reader)->ReadAt(wrong - 1, 1, &last) : reader.status();
      EXPECT_TRUE(status.Is(StatusCode::kConflict)) << status;
    }
  }
}

TEST_P(StoreMatrix, ALargeObjectGoesInParts) {
  const std::string bytes = RandomBytes((std::size_t{40} << 20) + 12'345, 2);
  auto writer = store_->OpenWriter(context_, At("large"));
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (std::size_t i = 0; i < bytes.size(); i += 3'000'000) {
    const Status appended =
        (*writer)->Append(std::string_view(bytes).substr(i, 3'000'000));
    ASSERT_TRUE(appended.ok()) << appended;
  }
  const Status closed = (*writer)->Close();
  ASSERT_TRUE(closed.ok()) << closed;
  EXPECT_TRUE(store_->Get(context_, At("large"), kNoLimit).value() == bytes);
  // A second one does not take its place, and finds out at the end.
  auto second = store_->OpenWriter(context_, At("large"));
  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_TRUE((*second)->Append(std::string(20 << 20, 'x')).ok());
  const Status taken = (*second)->Close();
  EXPECT_TRUE(taken.Is(StatusCode::kAlreadyExists)) << taken;
  EXPECT_EQ(store_->OpenReader(context_, At("large")).value()->size_bytes(),
            bytes.size());
}

TEST_P(StoreMatrix, AWriterThatIsDroppedLeavesNothing) {
  {
    auto writer = store_->OpenWriter(context_, At("dropped"));
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Append(std::string(30 << 20, 'x')).ok());
  }
  EXPECT_THAT(List(root_), testing::IsEmpty());
}

TEST_P(StoreMatrix, OfTwoRivalsExactlyOneCreates) {
  const int rounds = Scaled(50, 1000);
  for (int round = 0; round < rounds; ++round) {
    const std::string name = At("commit-" + std::to_string(round));
    Status outcome[2];
    {
      std::vector<std::jthread> rivals;
      for (int i = 0; i < 2; ++i) {
        rivals.emplace_back([&, i] {
          outcome[i] = store_->PutIfAbsent(context_, name, std::to_string(i));
        });
      }
    }
    ASSERT_NE(outcome[0].ok(), outcome[1].ok()) << outcome[0] << " " << outcome[1];
    const int winner = outcome[0].ok() ? 0 : 1;
    ASSERT_TRUE(outcome[1 - winner].Is(StatusCode::kAlreadyExists))
        << outcome[1 - winner];
    ASSERT_EQ(store_->Get(context_, name, kNoLimit).value(), std::to_string(winner));
  }
}

TEST_P(StoreMatrix, ListsManyKeysInOrder) {
  const int count = Scaled(2'100, 100'000);
  constexpr int kThreads = 8;
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < kThreads; ++t) {
      writers.emplace_back([&, t] {
        for (int i = t; i < count; i += kThreads) {
          const Status put =
              store_->PutIfAbsent(context_, At("many/k" + std::to_string(i)), "x");
          ASSERT_TRUE(put.ok()) << put;
        }
      });
    }
  }
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("many-more"), "x").ok());
  const std::vector<std::string> names = List(At("many"));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(count));
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  // What the visitor says ends it.
  int seen = 0;
  const Status stopped = store_->List(context_, At("many"), [&](const ObjectInfo&) {
    return ++seen == 3 ? Status::Cancelled("enough") : Status();
  });
  EXPECT_TRUE(stopped.Is(StatusCode::kCancelled));
  EXPECT_EQ(seen, 3);
  {
    std::vector<std::jthread> removers;
    for (int t = 0; t < kThreads; ++t) {
      removers.emplace_back([&, t] {
        for (int i = t; i < count; i += kThreads) {
          const Status removed =
              store_->Remove(context_, At("many/k" + std::to_string(i)));
          ASSERT_TRUE(removed.ok()) << removed;
        }
      });
    }
  }
  EXPECT_THAT(List(At("many")), testing::IsEmpty());
}

TEST_P(StoreMatrix, WhatIsAbsentIsNotFound) {
  EXPECT_TRUE(
      store_->OpenReader(context_, At("absent")).status().Is(StatusCode::kNotFound));
  const Status got = store_->Get(context_, At("absent"), kNoLimit).status();
  EXPECT_TRUE(got.Is(StatusCode::kNotFound)) << got;
  EXPECT_THAT(std::string(got.message()), testing::HasSubstr(At("absent")));
  const Status removed = store_->Remove(context_, At("absent"));
  EXPECT_TRUE(removed.ok()) << removed;
  EXPECT_THAT(List(At("absent")), testing::IsEmpty());
}

TEST_P(StoreMatrix, ABucketThatIsNotThereIsNotFound) {
  const Status status =
      store_->Get(context_, "s3://no-such-bucket-here/a", kNoLimit).status();
  EXPECT_TRUE(status.Is(StatusCode::kNotFound)) << status;
  const Status put = store_->PutIfAbsent(context_, "s3://no-such-bucket-here/a", "x");
  EXPECT_TRUE(put.Is(StatusCode::kNotFound)) << put;
  EXPECT_THAT(std::string(put.message()), testing::HasSubstr("no bucket"));
}

TEST_P(StoreMatrix, AWrongSecretIsDenied) {
  S3Options options = GetParam().s3;
  options.secret_access_key = Secret("not-the-secret");
  const auto store = Make(options).value();
  const Status put = store->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.Is(StatusCode::kPermissionDenied)) << put;
  EXPECT_THAT(std::string(put.message()),
              testing::AllOf(testing::HasSubstr(At("a")),
                             testing::HasSubstr("credentials came from the options"),
                             testing::Not(testing::HasSubstr("not-the-secret"))));
  options.access_key_id = "nobody";
  const Status unknown = Make(options).value()->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(unknown.Is(StatusCode::kPermissionDenied)) << unknown;
  options.credentials = AwsCredentialsKind::kAnonymous;
  const Status anonymous = Make(options).value()->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(anonymous.Is(StatusCode::kPermissionDenied)) << anonymous;
  EXPECT_THAT(std::string(anonymous.message()), testing::HasSubstr("was anonymous"));
}

TEST_P(StoreMatrix, AWrongRegionNamesTheRightOne) {
  S3Options options = GetParam().s3;
  options.region = "eu-nowhere-1";
  const Status put = Make(options).value()->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.Is(StatusCode::kInvalidArgument)) << put;
  EXPECT_THAT(std::string(put.message()), testing::HasSubstr("us-east-1"));
}

TEST_P(StoreMatrix, ObjectsAreEncryptedAsAskedOrNotKept) {
  for (const auto& [kind, key] : {std::pair(ServerSideEncryption::kS3, ""),
                                  std::pair(ServerSideEncryption::kKms, "firn-key")}) {
    S3Options options = GetParam().s3;
    options.encryption = kind;
    options.kms_key_id = key;
    const auto store = Make(options).value();
    const Status written = WriteBoth(*store);
    if (GetParam().encrypts) {
      EXPECT_TRUE(written.ok()) << written;
      EXPECT_EQ(store->Get(context_, At("small"), kNoLimit).value(), "small");
      EXPECT_EQ(store->Get(context_, At("large"), kNoLimit).value().size(), 20u << 20);
    } else {
      EXPECT_TRUE(written.Is(StatusCode::kUnimplemented)) << written;
      EXPECT_THAT(List(root_), testing::IsEmpty());
    }
    for (const std::string& name : List(root_)) {
      ASSERT_TRUE(store_->Remove(context_, name).ok());
    }
  }
  S3Options options = GetParam().s3;
  options.encryption = ServerSideEncryption::kKms;
  options.kms_key_id = "no-such-key";
  const Status unknown = WriteBoth(*Make(options).value());
  EXPECT_FALSE(unknown.ok());
  EXPECT_THAT(List(root_), testing::IsEmpty());
}

TEST_P(StoreMatrix, ACustomerKeyIsNeededToReadBack) {
  S3Options options = GetParam().s3;
  if (!options.endpoint.starts_with("https://")) GTEST_SKIP() << "needs TLS";
  options.encryption = ServerSideEncryption::kCustomer;
  options.customer_key = Secret(Base64(std::string(32, 'k')));
  const auto store = Make(options).value();
  const Status written = WriteBoth(*store);
  if (!GetParam().takes_customer_keys) {
    EXPECT_TRUE(written.Is(StatusCode::kUnimplemented)) << written;
    EXPECT_THAT(List(root_), testing::IsEmpty());
    return;
  }
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(store->Get(context_, At("small"), kNoLimit).value(), "small");
  EXPECT_EQ(store->Get(context_, At("large"), kNoLimit).value().size(), 20u << 20);
  EXPECT_FALSE(store_->Get(context_, At("small"), kNoLimit).ok());
  options.customer_key = Secret(Base64(std::string(32, 'o')));
  EXPECT_FALSE(Make(options).value()->Get(context_, At("small"), kNoLimit).ok());
}

TEST_P(StoreMatrix, ACertificateThatIsNotTrustedIsRefused) {
  S3Options options = GetParam().s3;
  if (!options.endpoint.starts_with("https://")) GTEST_SKIP() << "needs TLS";
  options.ca_file.clear();
  const Status put = Make(options).value()->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.Is(StatusCode::kInvalidArgument)) << put;
  EXPECT_THAT(std::string(put.message()), testing::HasSubstr("not trusted"));
  options.verify_tls = false;
  const Status unverified = Make(options).value()->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(unverified.ok()) << unverified;
}

TEST_P(StoreMatrix, ABucketTellsWhatItWasTold) {
  ASSERT_TRUE(bucket_->Exists(context_).value());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(bucket_->Create(context_).ok());
    for (const bool on : {true, false}) {
      const Status set = bucket_->SetVersioning(context_, on);
      ASSERT_TRUE(set.ok()) << set;
      EXPECT_EQ(bucket_->Versioning(context_).value(), on);
    }
  }
  const std::vector<S3LifecycleRule> rules = {{"old", "a/", true, 30, {}, {}},
                                              {"versions", "", false, {}, 7, {}}};
  const Status set = bucket_->SetLifecycle(context_, rules);
  if (!GetParam().has_lifecycle) {
    EXPECT_FALSE(set.ok());
    return;
  }
  ASSERT_TRUE(set.ok()) << set;
  ASSERT_TRUE(bucket_->SetLifecycle(context_, rules).ok());
  EXPECT_EQ(bucket_->Lifecycle(context_).value(), rules);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(bucket_->SetLifecycle(context_, {}).ok());
    EXPECT_EQ(bucket_->Lifecycle(context_).value().size(), 0u);
  }
}

// Half of all exchanges come to harm. Whatever a call then answers has to be true.
TEST_P(StoreMatrix, AnswersAreTrueWhateverHappensOnTheWay) {
  const std::string& endpoint = GetParam().s3.endpoint;
  if (endpoint.starts_with("https://")) GTEST_SKIP() << "the proxy reads plain text";
  const int port = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
  const int rounds = Scaled(150, 3000);
  FaultProxy proxy(port, 1, 2);
  S3Options options = GetParam().s3;
  options.endpoint = proxy.url();
  options.retry.backoff_first_ms = 1;
  options.multipart_threshold_bytes = 5 << 20;
  options.request_timeout_ms = 5'000;
  const auto store = Make(options).value();
  std::mt19937 random(2);
  std::map<std::string, std::string> surely;           // What has to be there.
  std::map<std::string, std::set<std::string>> maybe;  // What may be there.
  std::map<StatusCode, int> outcomes;
  for (int round = 0; round < rounds; ++round) {
    const std::string name = At("o" + std::to_string(random() % (rounds / 2)));
    std::string bytes = "round " + std::to_string(round);
    if (round % 50 == 49) bytes.resize(11 << 20, 'x');
    Status put;
    if (bytes.size() > 1000) {
      auto writer = store->OpenWriter(context_, name).value();
      put = writer->Append(bytes);
      const Status closed = writer->Close();
      if (put.ok()) put = closed;
    } else {
      put = store->PutIfAbsent(context_, name, bytes);
    }
    ++outcomes[put.code()];
    if (put.ok()) {
      ASSERT_EQ(surely.count(name), 0u) << name << " was created twice";
      surely[name] = bytes;
      ASSERT_TRUE(store_->Get(context_, name, kNoLimit).value() == bytes);
    } else if (put.Is(StatusCode::kCommitUnknown)) {
      maybe[name].insert(bytes);
    } else if (put.Is(StatusCode::kAlreadyExists)) {
      ASSERT_TRUE(surely.count(name) + maybe.count(name) > 0) << put;
    } else {
      ASSERT_TRUE(put.Is(StatusCode::kUnavailable)) << put;
    }
    // A read is right or an error.
    if (!surely.empty()) {
      const auto& [there, content] = *surely.begin();
      const Result<std::string> read = store->Get(context_, there, kNoLimit);
      if (read.ok()) {
        ASSERT_TRUE(*read == content);
      } else {
        // Corruption where the length was a lie.
        ASSERT_TRUE(read.status().Is(StatusCode::kUnavailable) ||
                    read.status().Is(StatusCode::kCorruption))
            << read.status();
      }
    }
  }
  EXPECT_GT(proxy.harmed(), rounds / 2);
  EXPECT_GT(outcomes[StatusCode::kOk], 0);
  for (const std::string& name : List(root_)) {
    const std::string there = store_->Get(context_, name, kNoLimit).value();
    if (surely.count(name) > 0) {
      EXPECT_TRUE(there == surely[name]) << name;
      surely.erase(name);
    } else {
      EXPECT_TRUE(maybe[name].count(there) > 0) << name << " was said not to be there";
    }
  }
  EXPECT_EQ(surely.size(), 0u) << surely.begin()->first << " is lost";
  // An upload whose giving up came to harm is left to the store's lifecycle rule.
  prefix_ = "nothing";
}

TEST_P(StoreMatrix, RequestsAreCounted) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("counted"), "12345").ok());
  ASSERT_TRUE(store_->Get(context_, At("counted"), kNoLimit).ok());
  const std::string text = metrics_.Expose();
  for (const char* line :
       {"firn_store_requests_total{operation=\"put\",scheme=\"s3\"} 1\n",
        "firn_store_sent_bytes_total{operation=\"put\",scheme=\"s3\"} 5\n",
        "firn_store_received_bytes_total{operation=\"get\",scheme=\"s3\"} 5\n",
        "firn_store_request_errors_total{operation=\"put\",scheme=\"s3\"} 0\n"}) {
    EXPECT_THAT(text, testing::HasSubstr(line));
  }
}

}  // namespace
}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
// What a writer holds of its context's budget, and which buckets are made. What requests
// look like is tested with each protocol.
#include "io/remote_store.h"

#include <gtest/gtest.h>

#include <atomic>

namespace firn::io {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

// A bucket in memory, which counts what it is asked.
struct Bucket {
  std::mutex mutex;
  std::map<std::string, std::string> objects;
  bool there = true;
  bool may_be_made = true;
  int made = 0;
  int parts = 0;
  int aborted = 0;
  bool completed_again = false;  // The answer to a first completion was lost.
  int looks_before_there = 0;    // Of those that find no object yet.
  int completions = 0;
  int completions_given_up = 0;  // Of those, at first, that come to nothing.
  Status later_completion;       // What a second one is answered.
  std::string put_id;            // Of the newest upload.
  base::ByteBudget* budget = nullptr;
  std::int64_t used_most = 0;

  Status Check() {
    if (budget != nullptr) used_most = std::max(used_most, budget->used_bytes());
    return there ? Status() : Status::NotFound("no bucket");
  }
};

class FakeUpload final : public MultipartUpload {
 public:
  FakeUpload(Bucket& bucket, std::string key) : bucket_(bucket), key_(std::move(key)) {}
  Status PutPart(const base::Context&, int number, std::string_view bytes) override {
    std::lock_guard lock(bucket_.mutex);
    ++bucket_.parts;
    parts_[number] = bytes;
    return bucket_.Check();
  }
  Result<PutResult> Complete(const base::Context&, int) override {
    std::lock_guard lock(bucket_.mutex);
    if (bucket_.completions++ > 0) FIRN_RETURN_IF_ERROR(bucket_.later_completion);
    if (bucket_.completions > bucket_.completions_given_up) {
      for (const auto& [number, bytes] : parts_) bucket_.objects[key_] += bytes;
    }
    PutResult result;
    result.earlier_may_have_arrived = bucket_.completed_again;
    return result;
  }
  Status Abort(const base::Context&) override {
    std::lock_guard lock(bucket_.mutex);
    ++bucket_.aborted;
    return {};
  }

 private:
  Bucket& bucket_;
  const std::string key_;
  std::map<int, std::string> parts_;
};

class FakeService final : public ObjectService {
 public:
  explicit FakeService(Bucket& bucket) : bucket_(bucket) {}
  Result<RemoteObject> Head(const base::Context&, const std::string& key) override {
    std::lock_guard lock(bucket_.mutex);
    if (!bucket_.objects.contains(key) || bucket_.looks_before_there-- > 0) {
      return Status::NotFound(key);
    }
    return RemoteObject{key, bucket_.objects[key].size(), 0, "etag", bucket_.put_id};
  }
  Status GetRange(const base::Context&, const std::string& key, const std::string&,
                  std::uint64_t, std::uint64_t, char*) override {
    return Status::NotFound(key);
  }
  Result<std::string> Get(const base::Context&, const std::string& key,
                          std::uint64_t) override {
    FIRN_RETURN_IF_ERROR(bucket_.Check());
    return bucket_.objects[key];
  }
  Result<PutResult> Put(const base::Context&, const NewObject& object,
                        std::string_view bytes) override {
    FIRN_RETURN_IF_ERROR(bucket_.Check());
    bucket_.objects[object.key] = bytes;
    return PutResult();
  }
  Status CheckCreated(const base::Context&, const std::string&) override { return {}; }
  Result<std::unique_ptr<MultipartUpload>> StartUpload(const base::Context&,
                                                       const NewObject& object) override {
    FIRN_RETURN_IF_ERROR(bucket_.Check());
    bucket_.put_id = object.put_id;
    return std::unique_ptr<MultipartUpload>(
        std::make_unique<FakeUpload>(bucket_, object.key));
  }
  Status Delete(const base::Context&, const std::string&) override {
    return bucket_.Check();
  }
  Result<RemotePage> List(const base::Context&, const std::string&,
                          const std::string&) override {
    FIRN_RETURN_IF_ERROR(bucket_.Check());
    return RemotePage();
  }
  Status CreateBucket(const base::Context&) override {
    ++bucket_.made;
    if (!bucket_.may_be_made) return Status::PermissionDenied("no");
    bucket_.there = true;
    return {};
  }
  PartLimits part_limits() const override { return {}; }

 private:
  Bucket& bucket_;
};

class RemoteStoreTest : public testing::Test {
 protected:
  std::unique_ptr<Store> Make() {
    return MakeRemoteStore(
        options_,
        [this](const std::string&) -> Result<std::unique_ptr<ObjectService>> {
          return std::unique_ptr<ObjectService>(std::make_unique<FakeService>(bucket_));
        },
        base::SystemClock());
  }
  // Write `size` bytes that differ, in pieces of a mebibyte.
  Status Write(const base::Context& context, std::int64_t size) {
    const auto store = Make();
    FIRN_ASSIGN_OR_RETURN(const auto writer, store->OpenWriter(context, "s3://b/key"));
    expected_.clear();
    for (std::int64_t i = 0; i < size; i += kMiB) {
      const std::string piece(static_cast<std::size_t>(std::min(kMiB, size - i)),
                              static_cast<char>('a' + i / kMiB % 26));
      expected_ += piece;
      FIRN_RETURN_IF_ERROR(writer->Append(piece));
    }
    return writer->Close();
  }

  RemoteStoreOptions options_{"s3", 20 * kMiB, 3, false};
  Bucket bucket_;
  std::string expected_;
};

TEST_F(RemoteStoreTest, WhatAWriterHoldsIsDrawnOnTheBudget) {
  base::ByteBudget budget("test", 200 * kMiB);
  bucket_.budget = &budget;
  const base::Context context(base::SystemClock(), INT64_MAX, &budget);
  for (const std::int64_t size : {kMiB, 20 * kMiB, 61 * kMiB + 5}) {
    bucket_.objects.clear();
    bucket_.used_most = 0;
    const Status written = Write(context, size);
    ASSERT_TRUE(written.ok()) << written;
    EXPECT_TRUE(bucket_.objects["key"] == expected_);
    EXPECT_GE(bucket_.used_most, std::min(size, 20 * kMiB));
    EXPECT_EQ(budget.used_bytes(), 0);
  }
}

// A tenth of what it would like to hold is enough.
TEST_F(RemoteStoreTest, ShortOfMemoryTheUploadBeginsSoonerAndWaits) {
  for (const std::int64_t limit : {9 * kMiB, 13 * kMiB, 17 * kMiB}) {
    base::ByteBudget budget("test", limit);
    const base::Context context(base::SystemClock(), INT64_MAX, &budget);
    bucket_.objects.clear();
    bucket_.parts = 0;
    const Status written = Write(context, 61 * kMiB + 5);
    ASSERT_TRUE(written.ok()) << written;
    EXPECT_TRUE(bucket_.objects["key"] == expected_);
    EXPECT_EQ(bucket_.parts, 8);
    EXPECT_EQ(budget.used_bytes(), 0);
  }
}

TEST_F(RemoteStoreTest, WithLessThanAPartItIsExhausted) {
  base::ByteBudget budget("test", 4 * kMiB);
  const base::Context context(base::SystemClock(), INT64_MAX, &budget);
  ASSERT_TRUE(Write(context, 3 * kMiB).ok());
  const Status written = Write(context, 30 * kMiB);
  EXPECT_TRUE(written.Is(StatusCode::kResourceExhausted)) << written;
  EXPECT_NE(written.message().find("put s3://b/key"), std::string_view::npos) << written;
  EXPECT_EQ(budget.used_bytes(), 0);
}

TEST_F(RemoteStoreTest, ABucketThatIsNotThereIsMadeForAWriteWhereThatIsAsked) {
  const base::Context context;
  for (const std::int64_t size : {kMiB, 30 * kMiB}) {
    for (const bool create : {false, true}) {
      options_.create_buckets = create;
      bucket_.there = false;
      bucket_.made = 0;
      bucket_.objects.clear();
      const Status written = Write(context, size);
      EXPECT_EQ(written.code(), create ? StatusCode::kOk : StatusCode::kNotFound);
      EXPECT_EQ(bucket_.made, create ? 1 : 0);
      EXPECT_EQ(bucket_.objects.size(), create ? 1u : 0u);
      EXPECT_EQ(Make()->PutIfAbsent(context, "s3://b/other", "x").ok(), create);
    }
  }
}

TEST_F(RemoteStoreTest, AnObjectThatIsSaidToBeMadeIsWaitedFor) {
  options_.multipart_threshold_bytes = kMiB;
  bucket_.completed_again = true;
  bucket_.looks_before_there = 2;
  const Status written = Write(base::Context(), 3 * kMiB);
  EXPECT_TRUE(written.ok()) << written;
  EXPECT_EQ(bucket_.objects["key"], expected_);
  EXPECT_LT(bucket_.looks_before_there, 0);  // It was seen.
}

TEST_F(RemoteStoreTest, AnObjectThatIsSaidToBeMadeAndDoesNotComeIsAskedForAnew) {
  options_.multipart_threshold_bytes = kMiB;
  options_.arrival = {3, 1, 1};
  bucket_.completed_again = true;
  bucket_.completions_given_up = 4;
  const Status written = Write(base::Context(), 3 * kMiB);
  EXPECT_TRUE(written.ok()) << written;
  EXPECT_EQ(bucket_.completions, 5);
  EXPECT_EQ(bucket_.objects["key"], expected_);
}

TEST_F(RemoteStoreTest, AnObjectThatDoesNotComeIsNotKnownToBeThere) {
  options_.multipart_threshold_bytes = kMiB;
  options_.arrival = {3, 1, 1};
  bucket_.completed_again = true;
  bucket_.completions_given_up = 1'000;
  Status written = Write(base::Context(), 3 * kMiB);
  EXPECT_TRUE(written.Is(StatusCode::kCommitUnknown)) << written;
  EXPECT_EQ(bucket_.completions, 10);

  // Refused when it is asked for anew: the first may still come.
  bucket_.completions = 0;
  bucket_.later_completion = Status::NotFound("no such upload");
  written = Write(base::Context(), 3 * kMiB);
  EXPECT_TRUE(written.Is(StatusCode::kCommitUnknown)) << written;
  EXPECT_EQ(bucket_.completions, 2);
}

TEST_F(RemoteStoreTest, WaitingForAnObjectEndsWithItsContext) {
  options_.multipart_threshold_bytes = kMiB;
  bucket_.completed_again = true;
  bucket_.completions_given_up = 1'000;
  const base::Clock& clock = base::SystemClock();
  const base::Context context(clock, clock.SteadyNs() + 300'000'000, nullptr);
  const Status written = Write(context, 3 * kMiB);
  EXPECT_TRUE(written.Is(StatusCode::kCommitUnknown)) << written;
  EXPECT_EQ(bucket_.completions, 1);
}

TEST_F(RemoteStoreTest, NothingElseMakesABucket) {
  options_.create_buckets = true;
  bucket_.there = false;
  const base::Context context;
  const auto store = Make();
  EXPECT_TRUE(store->Get(context, "s3://b/a", 9).status().Is(StatusCode::kNotFound));
  EXPECT_FALSE(store->Remove(context, "s3://b/a").ok());
  EXPECT_FALSE(
      store->List(context, "s3://b/a", [](const ObjectInfo&) { return Status(); }).ok());
  EXPECT_EQ(bucket_.made, 0);
}

TEST_F(RemoteStoreTest, ABucketThatCannotBeMadeIsTheError) {
  options_.create_buckets = true;
  bucket_.there = bucket_.may_be_made = false;
  const base::Context context;
  const Status put = Make()->PutIfAbsent(context, "s3://b/a", "x");
  EXPECT_TRUE(put.Is(StatusCode::kPermissionDenied)) << put;
  EXPECT_EQ(bucket_.made, 1);
}

}  // namespace
}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
// What every object store promises, tried on each there is.
#include "store_matrix.h"

#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <thread>

#include "base/budget.h"
#include "base/context.h"
#include "fault_proxy.h"
#include "io/http_client.h"

namespace firn::io {
namespace {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreMatrix);
INSTANTIATE_TEST_SUITE_P(Each, StoreMatrix, testing::ValuesIn(Subjects()),
                         [](const auto& info) { return info.param.name; });

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
  // A second one does not take its place, and finds out at the end or sooner.
  auto second = store_->OpenWriter(context_, At("large"));
  ASSERT_TRUE(second.ok()) << second.status();
  Status taken = (*second)->Append(std::string(20 << 20, 'x'));
  if (taken.ok()) taken = (*second)->Close();
  EXPECT_TRUE(taken.Is(StatusCode::kAlreadyExists)) << taken;
  EXPECT_EQ(store_->OpenReader(context_, At("large")).value()->size_bytes(),
            bytes.size());
}

TEST_P(StoreMatrix, AnObjectIsReplacedInOneStep) {
  // By a put and by parts, each in the place of either.
  const std::vector<std::string> contents = {"small", RandomBytes(20 << 20, 4),
                                             RandomBytes(20 << 20, 5), "", "other"};
  std::string before;
  for (const std::string& bytes : contents) {
    auto writer = store_->OpenWriter(context_, At("replaced"), {.replace = true});
    ASSERT_TRUE(writer.ok()) << writer.status();
    const Status appended = (*writer)->Append(bytes);
    ASSERT_TRUE(appended.ok()) << appended;
    if (&bytes != &contents.front()) {
      EXPECT_TRUE(store_->Get(context_, At("replaced"), kNoLimit).value() == before);
    }
    const Status closed = (*writer)->Close();
    ASSERT_TRUE(closed.ok()) << closed;
    EXPECT_TRUE(store_->Get(context_, At("replaced"), kNoLimit).value() == bytes);
    before = bytes;
  }
  EXPECT_EQ(List(root_).size(), 1u);
  EXPECT_TRUE(
      store_->PutIfAbsent(context_, At("replaced"), "x").Is(StatusCode::kAlreadyExists));
}

// The most memory that this process has had, in bytes.
std::int64_t PeakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  }
  return -1;
}

// STO-4: ten gigabytes in full.
TEST_P(StoreMatrix, AWriteTakesTheSameMemoryHoweverLongItIs) {
  if (!GetParam().is_on_disk) GTEST_SKIP() << "the server keeps objects in memory";
  constexpr std::size_t kPiece = 1 << 20;
  constexpr std::int64_t kMemoryMax = 320 << 20;
  const int pieces = Scaled(100, 10 * 1024);
  std::string piece = RandomBytes(kPiece, 3);
  base::ByteBudget budget("of a long write", kMemoryMax);
  const base::Context bounded(base::SystemClock(),
                              std::numeric_limits<std::int64_t>::max(), &budget);
  const std::int64_t before = PeakMemory();
  auto writer = store_->OpenWriter(bounded, At("long"));
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (int i = 0; i < pieces; ++i) {
    std::memcpy(piece.data(), &i, sizeof i);
    const Status appended = (*writer)->Append(piece);
    ASSERT_TRUE(appended.ok()) << appended;
  }
  const Status closed = (*writer)->Close();
  ASSERT_TRUE(closed.ok()) << closed;
  EXPECT_LT(PeakMemory() - before, kMemoryMax + (64 << 20));
  EXPECT_EQ(budget.used_bytes(), 0);
  const auto reader = store_->OpenReader(context_, At("long")).value();
  EXPECT_EQ(reader->size_bytes(), static_cast<std::uint64_t>(pieces) * kPiece);
  for (const int i : {0, pieces / 2, pieces - 1}) {
    std::string part(kPiece, '\0');
    const Status read =
        reader->ReadAt(static_cast<std::uint64_t>(i) * kPiece, kPiece, part.data());
    ASSERT_TRUE(read.ok()) << read;
    std::memcpy(piece.data(), &i, sizeof i);
    EXPECT_TRUE(part == piece) << i;
  }
  EXPECT_TRUE(store_->Remove(context_, At("long")).ok());
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
  // Servers that keep their objects in memory sort all of them for each page.
  const bool sorts = GetParam().scheme != "s3";
  const int count = Scaled(sorts ? 1'100 : 2'100, sorts ? 10'000 : 100'000);
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
  const std::string nowhere = GetParam().scheme + "://no-such-bucket-here/a";
  const Status status = store_->Get(context_, nowhere, kNoLimit).status();
  EXPECT_TRUE(status.Is(StatusCode::kNotFound)) << status;
  for (const Status& put :
       {store_->PutIfAbsent(context_, nowhere, "x"), WriteLarge(*store_, nowhere)}) {
    EXPECT_TRUE(put.Is(StatusCode::kNotFound)) << put;
    EXPECT_THAT(
        std::string(put.message()),
        testing::AllOf(testing::HasSubstr("no bucket"), testing::HasSubstr(nowhere)));
  }
}

TEST_P(StoreMatrix, ABucketIsMadeForTheFirstWriteOfMany) {
  StorageOptions creating = GetParam().storage;
  creating.create_buckets = true;
  const std::string bucket = GetParam().scheme + "://" + prefix_;
  Status outcome[4];
  {
    std::vector<std::jthread> rivals;
    for (int i = 0; i < 4; ++i) {
      rivals.emplace_back([&, i] {
        const auto store = Make(creating);
        const std::string name = bucket + "/" + std::to_string(i);
        outcome[i] = i % 2 == 0 ? store->PutIfAbsent(context_, name, "x")
                                : WriteLarge(*store, name);
      });
    }
  }
  for (const Status& status : outcome) EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(List(bucket).size(), 4u);
}

TEST_P(StoreMatrix, ACertificateThatIsNotTrustedIsRefused) {
  if (!EndpointOf(GetParam()).starts_with("https://")) GTEST_SKIP() << "needs TLS";
  const Status put = Make(With([](auto& own) {
                       own.ca_file.clear();
                     }))->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.Is(StatusCode::kInvalidArgument)) << put;
  EXPECT_THAT(std::string(put.message()), testing::HasSubstr("not trusted"));
  const Status unverified = Make(With([](auto& own) {
                              own.ca_file.clear();
                              own.verify_tls = false;
                            }))->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(unverified.ok()) << unverified;
}

// Half of all exchanges come to harm. Whatever a call then answers has to be true.
TEST_P(StoreMatrix, AnswersAreTrueWhateverHappensOnTheWay) {
  const std::string endpoint = EndpointOf(GetParam());
  if (endpoint.starts_with("https://")) GTEST_SKIP() << "the proxy reads plain text";
  const HttpAddress address = HttpAddress::Parse(endpoint).value();
  const int rounds = Scaled(150, 3000);
  FaultProxy proxy(std::stoi(address.port), 1, 2);
  const auto store = Make(With([&](auto& own) {
    own.endpoint = proxy.url() + address.prefix;
    own.retry.backoff_first_ms = 1;
    own.multipart_threshold_bytes = 5 << 20;
    own.request_timeout_ms = 5'000;
  }));
  std::mt19937 random(2);
  std::map<std::string, std::string> surely;           // What has to be there.
  std::map<std::string, std::set<std::string>> maybe;  // What may be there.
  std::map<StatusCode, int> outcomes;
  std::map<std::string, std::string> said;  // What came of each name.
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
    said[name] += "round " + std::to_string(round) + ": " + put.ToString() + "\n";
    if (put.ok()) {
      ASSERT_EQ(surely.count(name), 0u) << name << " was created twice: " << said[name];
      surely[name] = bytes;
      ASSERT_TRUE(store_->Get(context_, name, kNoLimit).value() == bytes);
    } else if (put.Is(StatusCode::kCommitUnknown)) {
      maybe[name].insert(bytes);
    } else if (put.Is(StatusCode::kAlreadyExists)) {
      ASSERT_TRUE(surely.count(name) + maybe.count(name) > 0) << said[name];
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
}

TEST_P(StoreMatrix, RequestsAreCounted) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("counted"), "12345").ok());
  ASSERT_TRUE(store_->Get(context_, At("counted"), kNoLimit).ok());
  const std::string text = metrics_.Expose();
  const std::string scheme = ",scheme=\"" + GetParam().scheme + "\"} ";
  for (const std::string& line :
       {"firn_store_requests_total{operation=\"put\"" + scheme + "1\n",
        "firn_store_received_bytes_total{operation=\"get\"" + scheme + "5\n",
        "firn_store_request_errors_total{operation=\"put\"" + scheme + "0\n"}) {
    EXPECT_THAT(text, testing::HasSubstr(line));
  }
  // Google's puts describe the object in their bodies.
  if (GetParam().scheme == "gs") return;
  EXPECT_THAT(text, testing::HasSubstr("firn_store_sent_bytes_total{operation=\"put\"" +
                                       scheme + "5\n"));
}

}  // namespace
}  // namespace firn::io

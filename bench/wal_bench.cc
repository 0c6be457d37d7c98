// SPDX-License-Identifier: Apache-2.0
// Claim: an append to the log costs a copy and a CRC, and writers who wait together share
// syncs. Cases: `append` writes to files that discard everything, so only the log's own
// work is left; `commit` writes to the disk below TMPDIR (or the first argument) and
// waits for each record, as a server does that acknowledges requests.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/ulid.h"
#include "io/file.h"
#include "wal/log.h"

namespace {

using firn::Result;
using firn::Status;

constexpr std::size_t kRecordBytes = 20'000;

[[noreturn]] void Fail(const Status& status) {
  std::fprintf(stderr, "bench wal: %s\n", status.ToString().c_str());
  std::exit(1);
}

// Files that take everything and keep nothing but sizes.
class DiscardedFile final : public firn::io::AppendFile {
 public:
  explicit DiscardedFile(std::uint64_t size_bytes) : size_bytes_(size_bytes) {}
  Status Append(std::string_view bytes) override {
    size_bytes_ += bytes.size();
    return Status::OK();
  }
  Status Sync() override { return Status::OK(); }
  Status Truncate(std::uint64_t size_bytes) override {
    size_bytes_ = size_bytes;
    return Status::OK();
  }
  std::uint64_t size_bytes() const override { return size_bytes_; }

 private:
  std::uint64_t size_bytes_;
};

class DiscardingFileSystem final : public firn::io::FileSystem {
 public:
  Result<std::unique_ptr<firn::io::AppendFile>> OpenAppend(const std::string&) override {
    return std::unique_ptr<firn::io::AppendFile>(
        std::make_unique<DiscardedFile>(created_bytes_));
  }
  Status WriteAtomically(const std::string&, std::string_view bytes) override {
    created_bytes_ = bytes.size();
    return Status::OK();
  }
  Result<std::vector<std::string>> List(const std::string&) override {
    return std::vector<std::string>();
  }
  Status CreateDirectories(const std::string&) override { return Status::OK(); }
  Status SyncDirectory(const std::string&) override { return Status::OK(); }
  Status Remove(const std::string&) override { return Status::OK(); }
  Result<std::string> Read(const std::string& path, std::uint64_t) override {
    return Status::NotFound(path);
  }
  Result<std::string> ReadAt(const std::string& path, std::uint64_t,
                             std::uint64_t) override {
    return Status::NotFound(path);
  }
  Result<std::uint64_t> ReadInto(const std::string& path, std::uint64_t, std::uint64_t,
                                 char*) override {
    return Status::NotFound(path);
  }
  Result<bool> Exists(const std::string&) override { return false; }
  Result<std::uint64_t> FileSize(const std::string& path) override {
    return Status::NotFound(path);
  }
  Status Rename(const std::string& from, const std::string&) override {
    return Status::NotFound(from);
  }
  Result<std::unique_ptr<firn::io::DirectoryLock>> Lock(const std::string& path,
                                                        std::string_view) override {
    return Status::NotFound(path);
  }

 private:
  std::uint64_t created_bytes_ = 0;
};

double CpuSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::unique_ptr<firn::wal::Log> OpenLog(firn::io::FileSystem& files,
                                        const std::string& dir) {
  firn::base::UlidSource ulids(firn::base::SystemClock());
  Result<std::unique_ptr<firn::wal::Log>> log =
      firn::wal::Log::Open(files, dir, firn::wal::LogOptions{}, ulids);
  if (!log.ok()) Fail(log.status());
  return std::move(log).value();
}

void Append(firn::wal::Log& log, std::string_view payload, bool wait) {
  const Result<firn::wal::Offset> end =
      log.Append(firn::wal::RecordKind::kSamples, "", payload);
  if (!end.ok()) Fail(end.status());
  if (!wait) return;
  const Status status = log.WaitSynced(*end);
  if (!status.ok()) Fail(status);
}

void BenchAppend() {
  constexpr int kAppends = 200'000;
  DiscardingFileSystem files;
  const std::unique_ptr<firn::wal::Log> log = OpenLog(files, "discarded");
  const std::string payload(kRecordBytes, 'x');
  for (int i = 0; i < kAppends / 10; ++i) Append(*log, payload, false);
  const double begin_s = CpuSeconds();
  for (int i = 0; i < kAppends; ++i) Append(*log, payload, false);
  const double cpu_s = CpuSeconds() - begin_s;
  std::printf(
      "{\"bench\":\"wal\",\"case\":\"append\",\"record_bytes\":%zu,"
      "\"cpu_ns_per_append\":%.0f,\"mb_per_cpu_s\":%.0f}\n",
      kRecordBytes, cpu_s * 1e9 / kAppends, kAppends * kRecordBytes / cpu_s / 1e6);
}

void BenchCommit(const std::string& dir, int writers) {
  constexpr int kAppends = 4'000;
  std::filesystem::remove_all(dir);
  const std::unique_ptr<firn::wal::Log> log = OpenLog(firn::io::LocalFileSystem(), dir);
  const std::string payload(kRecordBytes, 'x');
  const auto begin = std::chrono::steady_clock::now();
  const double begin_cpu_s = CpuSeconds();
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&] {
      for (int i = 0; i < kAppends / writers; ++i) Append(*log, payload, true);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double cpu_s = CpuSeconds() - begin_cpu_s;
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  const firn::wal::LogCounts counts = log->counts();
  const double appends = static_cast<double>(counts.records);
  std::printf(
      "{\"bench\":\"wal\",\"case\":\"commit\",\"writers\":%d,\"record_bytes\":%zu,"
      "\"mb_per_s\":%.1f,\"us_per_append\":%.1f,\"cpu_us_per_append\":%.1f,"
      "\"syncs_per_append\":%.3f}\n",
      writers, kRecordBytes,
      static_cast<double>(counts.bytes_written) / wall.count() / 1e6,
      wall.count() * 1e6 / appends, cpu_s * 1e6 / appends,
      static_cast<double>(counts.writes) / appends);
  std::filesystem::remove_all(dir);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path parent =
      argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path();
  const std::string dir = parent / ("firn-bench-wal-" + std::to_string(::getpid()));
  BenchAppend();
  for (const int writers : {1, 2, 8}) BenchCommit(dir, writers);
  return 0;
}

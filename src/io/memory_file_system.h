// SPDX-License-Identifier: Apache-2.0
// memory_file_system.h: a file system in memory that can lose power and fail.
//
// Every file has its appended bytes and its synced length; every directory its entries
// and its synced entries. CutPower() forgets what was not synced. Faults are injected by
// a hook that sees each operation before it happens. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "io/file.h"

namespace firn::io {

// One operation about to happen, as a fault hook sees it.
struct FileOperation {
  enum class Kind : std::uint8_t {
    kOpen,
    kAppend,
    kSync,
    kTruncate,
    kRead,
    kWrite,
    kRemove,
    kRename,
    kSyncDirectory
  };
  Kind kind;
  std::string path;
  std::uint64_t bytes = 0;
};

class MemoryFileSystem final : public FileSystem {
 public:
  // An error from the hook is returned in place of the operation. An append that fails
  // leaves a part of its bytes (half) behind, as a full disk does.
  using FaultHook = std::function<Status(const FileOperation&)>;

  MemoryFileSystem();
  ~MemoryFileSystem() override;

  // Drop what was never synced: each file is cut to its synced length plus a random part
  // of the rest (a disk may have written some of it), names never synced vanish or stay
  // at random, removals never synced may come back. Open handles fail from then on.
  // The same `seed` on the same state gives the same result.
  void CutPower(std::uint64_t seed);
  void SetFaultHook(FaultHook hook);

  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override;
  Result<std::string> Read(const std::string& path,
                           std::uint64_t size_limit_bytes) override;
  Result<std::string> ReadAt(const std::string& path, std::uint64_t offset,
                             std::uint64_t size_bytes) override;
  Result<std::uint64_t> ReadInto(const std::string& path, std::uint64_t offset,
                                 std::uint64_t size_bytes, char* out) override;
  Status WriteAtomically(const std::string& path, std::string_view bytes) override;
  Result<std::vector<std::string>> List(const std::string& dir) override;
  Result<bool> Exists(const std::string& path) override;
  Result<std::uint64_t> FileSize(const std::string& path) override;
  Status Remove(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status CreateDirectories(const std::string& dir) override;
  Status SyncDirectory(const std::string& dir) override;
  Result<std::unique_ptr<DirectoryLock>> Lock(const std::string& path,
                                              std::string_view holder) override;

 private:
  struct State;
  friend class MemoryAppendFile;
  friend class MemoryDirectoryLock;
  std::shared_ptr<State> state_;  // Shared with open handles.
};

}  // namespace firn::io

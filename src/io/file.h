// SPDX-License-Identifier: Apache-2.0
// file.h: files that a process owns and appends to, on a local file system.
//
// The write-ahead log and the data directory stand on this seam; tables stand on
// io/store.h. Bytes appended are durable only after Sync(), and a name is durable only
// after SyncDirectory() on its parent: a power cut may take everything else. The
// implementation in memory drops exactly that.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"

namespace firn::io {

// One file open for appending. Thread-compatible.
class AppendFile {
 public:
  virtual ~AppendFile() = default;  // Closes without a sync.
  // Append all of `bytes`. ResourceExhausted where the disk is full; the file may then
  // end in a part of `bytes`, and the caller truncates or gives the file up.
  virtual Status Append(std::string_view bytes) = 0;
  // Make everything appended durable (fdatasync). After an error nothing is known of the
  // bytes since the last good sync: the caller gives the file up.
  virtual Status Sync() = 0;
  virtual Status Truncate(std::uint64_t size_bytes) = 0;
  // Bytes appended so far, including those there at open.
  virtual std::uint64_t size_bytes() const = 0;
};

// Held while one process owns a directory; released when destroyed or when the process
// ends, however it ends.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Open for appending, creating the file if absent. Not durable until SyncDirectory.
  virtual Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) = 0;
  // The whole file. ResourceExhausted above `size_limit_bytes`; NotFound.
  virtual Result<std::string> Read(const std::string& path,
                                   std::uint64_t size_limit_bytes) = 0;
  // Up to `size_bytes` bytes from `offset` on: fewer where the file ends before that.
  // NotFound.
  virtual Result<std::string> ReadAt(const std::string& path, std::uint64_t offset,
                                     std::uint64_t size_bytes) = 0;
  // The same into `out`, which has room for all of them. Returns how many there were.
  virtual Result<std::uint64_t> ReadInto(const std::string& path, std::uint64_t offset,
                                         std::uint64_t size_bytes, char* out) = 0;
  // Replace `path` by `bytes` atomically and durably: temporary file, sync, rename, sync
  // of the directory. After an error `path` has its old bytes or the new ones, whole.
  virtual Status WriteAtomically(const std::string& path, std::string_view bytes) = 0;
  // Names (not paths) of the entries of `dir`, sorted, without `.*.tmp`: what a crash
  // left of WriteAtomically. NotFound.
  virtual Result<std::vector<std::string>> List(const std::string& dir) = 0;
  virtual Result<bool> Exists(const std::string& path) = 0;
  virtual Result<std::uint64_t> FileSize(const std::string& path) = 0;
  // Remove a file; OK where it is absent already.
  virtual Status Remove(const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Create `dir` and its parents; OK where it exists. Durable when it returns.
  virtual Status CreateDirectories(const std::string& dir) = 0;
  // Make creations, removals and renames in `dir` durable.
  virtual Status SyncDirectory(const std::string& dir) = 0;
  // Take the lock file at `path` and write `holder` (such as "pid 12, 127.0.0.1:7070")
  // into it. AlreadyExists, quoting the holder's text, while another process has it.
  virtual Result<std::unique_ptr<DirectoryLock>> Lock(const std::string& path,
                                                      std::string_view holder) = 0;
};

// The machine's own file system. Lives for the whole process.
FileSystem& LocalFileSystem();

}  // namespace firn::io

// SPDX-License-Identifier: Apache-2.0
// descriptor.h: an open file descriptor, and the few system calls firn makes on one.
//
// Each call is repeated when a signal interrupts it. `path` is for the text of errors.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "firn/status.h"

namespace firn::io {

// Owns one descriptor and closes it. Move-only; thread-compatible.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  // open(2) with O_CLOEXEC added.
  static Result<Descriptor> Open(const std::string& path, int flags, mode_t mode = 0666);

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void Close();

 private:
  int fd_ = -1;
};

// Write all of `bytes`. `written` counts those that arrived, after an error as well.
Status WriteAll(const Descriptor& fd, std::string_view bytes, std::uint64_t& written,
                const std::string& path);

// Read up to `size` bytes from `offset` into `out`: fewer only at the end of the file.
Result<std::uint64_t> ReadAtMost(const Descriptor& fd, std::uint64_t offset,
                                 std::uint64_t size, char* out, const std::string& path);

// What tells one state of a file from another. Two writes within one tick of the file
// system's clock (4 ms at most on Linux) may leave the time as it was.
struct FileState {
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileState&) const = default;
};
// Of the regular file behind `fd`. InvalidArgument where it is no regular file.
Result<FileState> RegularFileState(const Descriptor& fd, const std::string& path);
Result<std::uint64_t> RegularFileSize(const Descriptor& fd, const std::string& path);

// The bytes of the whole file. ResourceExhausted above `size_limit_bytes`.
Result<std::string> ReadWhole(const Descriptor& fd, std::uint64_t size_limit_bytes,
                              const std::string& path);

// fdatasync(2): the bytes and the size are durable.
Status SyncData(const Descriptor& fd, const std::string& path);

// fsync(2) of a directory: the names in it are durable.
Status SyncDirectoryAt(const std::string& dir);

// Create `dir` and its parents, each durable when this returns. A parent that an earlier
// process may have left unsynced is synced too.
Status MakeDirectoriesDurably(const std::string& dir);

// The directory part of `path`: "." where there is none, "/" for what is below the root.
std::string ParentDirectory(std::string_view path);

}  // namespace firn::io

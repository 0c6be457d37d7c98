// SPDX-License-Identifier: Apache-2.0
#include "io/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "io/errno_status.h"

namespace firn::io {
namespace {

// Linux moves at most about 2 GiB in one call; smaller steps let a signal through.
constexpr std::uint64_t kTransferBytesMax = 1 << 30;

// Call `call` until no signal interrupts it.
template <typename Call>
auto Uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

Result<bool> IsDirectory(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return false;
    return ErrnoStatus(errno, "stat", path);
  }
  if (!S_ISDIR(info.st_mode)) return ErrnoStatus(ENOTDIR, "create directory", path);
  return true;
}

}  // namespace

Result<Descriptor> Descriptor::Open(const std::string& path, int flags, mode_t mode) {
  const int fd =
      Uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  return Descriptor(fd);
}

void Descriptor::Close() {
  // close(2) may report an error of an earlier write, but whoever cares has synced. It is
  // not repeated when interrupted: Linux has freed the number already.
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Status WriteAll(const Descriptor& fd, std::string_view bytes, std::uint64_t& written,
                const std::string& path) {
  written = 0;
  while (written < bytes.size()) {
    const std::uint64_t step =
        std::min<std::uint64_t>(bytes.size() - written, kTransferBytesMax);
    const ssize_t n =
        Uninterrupted([&] { return ::write(fd.get(), bytes.data() + written, step); });
    if (n < 0) return ErrnoStatus(errno, "write", path);
    if (n == 0) return ErrnoStatus(EIO, "write", path);
    written += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<std::uint64_t> ReadAtMost(const Descriptor& fd, std::uint64_t offset,
                                 std::uint64_t size, char* out, const std::string& path) {
  std::uint64_t done = 0;
  while (done < size) {
    const std::uint64_t step = std::min<std::uint64_t>(size - done, kTransferBytesMax);
    const ssize_t n = Uninterrupted([&] {
      return ::pread(fd.get(), out + done, step, static_cast<off_t>(offset + done));
    });
    if (n < 0) return ErrnoStatus(errno, "read", path);
    if (n == 0) break;
    done += static_cast<std::uint64_t>(n);
  }
  return done;
}

Result<FileState> RegularFileState(const Descriptor& fd, const std::string& path) {
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "stat", path);
  if (S_ISDIR(info.st_mode)) return ErrnoStatus(EISDIR, "read", path);
  if (!S_ISREG(info.st_mode)) {
    return Status::InvalidArgument("read " + path + ": not a regular file");
  }
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  return FileState{static_cast<std::uint64_t>(info.st_size),
                   info.st_mtim.tv_sec * kSecondNs + info.st_mtim.tv_nsec, info.st_ino};
}

Result<std::uint64_t> RegularFileSize(const Descriptor& fd, const std::string& path) {
  FIRN_ASSIGN_OR_RETURN(const FileState state, RegularFileState(fd, path));
  return state.size_bytes;
}

Result<std::string> ReadWhole(const Descriptor& fd, std::uint64_t size_limit_bytes,
                              const std::string& path) {
  FIRN_ASSIGN_OR_RETURN(const std::uint64_t size, RegularFileSize(fd, path));
  if (size > size_limit_bytes) {
    return Status::ResourceExhausted("read " + path + ": " + std::to_string(size) +
                                     " bytes exceed the limit of " +
                                     std::to_string(size_limit_bytes));
  }
  std::string bytes(size, '\0');
  FIRN_ASSIGN_OR_RETURN(const std::uint64_t read,
                        ReadAtMost(fd, 0, size, bytes.data(), path));
  bytes.resize(read);  // The file may have been cut meanwhile.
  return bytes;
}

Status SyncData(const Descriptor& fd, const std::string& path) {
  if (Uninterrupted([&] { return ::fdatasync(fd.get()); }) != 0) {
    return ErrnoStatus(errno, "sync", path);
  }
  return {};
}

Status SyncDirectoryAt(const std::string& dir) {
  FIRN_ASSIGN_OR_RETURN(const Descriptor fd,
                        Descriptor::Open(dir, O_RDONLY | O_DIRECTORY));
  if (Uninterrupted([&] { return ::fsync(fd.get()); }) != 0) {
    return ErrnoStatus(errno, "sync directory", dir);
  }
  return {};
}

Status MakeDirectoriesDurably(const std::string& dir) {
  // 1. Walk up to the deepest directory that exists.
  std::vector<std::string> missing;
  std::string at = dir.empty() ? "." : dir;
  for (;;) {
    FIRN_ASSIGN_OR_RETURN(const bool exists, IsDirectory(at));
    if (exists) break;
    missing.push_back(at);
    const std::string parent = ParentDirectory(at);
    if (parent == at) break;
    at = parent;
  }
  // 2. Sync its own name: a process that died between mkdir and the sync of the parent
  //    has left it so. Where the parent may not be read, it was not made by firn.
  const Status synced = SyncDirectoryAt(ParentDirectory(at));
  if (!synced.ok() && !synced.Is(StatusCode::kPermissionDenied)) return synced;
  // 3. Create the rest downwards, syncing each name in its parent. Another process may
  //    create the same directories at the same time.
  for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
    if (::mkdir(path->c_str(), 0777) != 0 && errno != EEXIST) {
      return ErrnoStatus(errno, "create directory", *path);
    }
    FIRN_RETURN_IF_ERROR(SyncDirectoryAt(ParentDirectory(*path)));
  }
  return {};
}

std::string ParentDirectory(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  while (path.size() > 1 && path[path.size() - 1] != '/') path.remove_suffix(1);
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

}  // namespace firn::io

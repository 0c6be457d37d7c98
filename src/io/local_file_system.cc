// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "base/quote.h"
#include "io/descriptor.h"
#include "io/errno_status.h"
#include "io/file.h"
#include "io/temporary_name.h"

namespace firn::io {
namespace {

// Longest text of a lock's holder that is read back.
constexpr std::uint64_t kHolderBytesMax = 4096;

class LocalAppendFile final : public AppendFile {
 public:
  LocalAppendFile(Descriptor fd, std::string path, std::uint64_t size_bytes)
      : fd_(std::move(fd)), path_(std::move(path)), size_bytes_(size_bytes) {}

  Status Append(std::string_view bytes) override {
    FIRN_RETURN_IF_ERROR(broken_);
    std::uint64_t written = 0;
    const Status status = WriteAll(fd_, bytes, written, path_);
    size_bytes_ += written;
    return status;
  }

  Status Sync() override {
    // After a failed sync the kernel may have dropped the pages and call them clean: a
    // second try would then report success for bytes that are lost.
    FIRN_RETURN_IF_ERROR(broken_);
    broken_ = SyncData(fd_, path_);
    return broken_;
  }

  Status Truncate(std::uint64_t size_bytes) override {
    FIRN_RETURN_IF_ERROR(broken_);
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)) != 0) {
      return ErrnoStatus(errno, "truncate", path_);
    }
    size_bytes_ = size_bytes;
    return {};
  }

  std::uint64_t size_bytes() const override { return size_bytes_; }

 private:
  Descriptor fd_;
  const std::string path_;
  std::uint64_t size_bytes_;
  Status broken_;  // The first failed sync.
};

// The lock belongs to the open file description, so that two opens in one process exclude
// each other too, and it goes when the last descriptor of it is closed.
class LocalDirectoryLock final : public DirectoryLock {
 public:
  explicit LocalDirectoryLock(Descriptor fd) : fd_(std::move(fd)) {}
  ~LocalDirectoryLock() override {
    // An empty file says that nobody holds it; where this fails, the next holder's text
    // replaces the old one all the same.
    if (::ftruncate(fd_.get(), 0) != 0) return;
  }

 private:
  Descriptor fd_;
};

class MachineFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override {
    FIRN_ASSIGN_OR_RETURN(Descriptor fd,
                          Descriptor::Open(path, O_WRONLY | O_CREAT | O_APPEND));
    FIRN_ASSIGN_OR_RETURN(const std::uint64_t size, RegularFileSize(fd, path));
    return std::make_unique<LocalAppendFile>(std::move(fd), path, size);
  }

  Result<std::string> Read(const std::string& path,
                           std::uint64_t size_limit_bytes) override {
    FIRN_ASSIGN_OR_RETURN(const Descriptor fd, Descriptor::Open(path, O_RDONLY));
    return ReadWhole(fd, size_limit_bytes, path);
  }

  Result<std::string> ReadAt(const std::string& path, std::uint64_t offset,
                             std::uint64_t size_bytes) override {
    FIRN_ASSIGN_OR_RETURN(const Descriptor fd, Descriptor::Open(path, O_RDONLY));
    FIRN_ASSIGN_OR_RETURN(const std::uint64_t size, RegularFileSize(fd, path));
    if (offset >= size) return std::string();
    std::string bytes(std::min(size_bytes, size - offset), '\0');
    FIRN_ASSIGN_OR_RETURN(const std::uint64_t read,
                          ReadAtMost(fd, offset, bytes.size(), bytes.data(), path));
    bytes.resize(read);
    return bytes;
  }

  Result<std::uint64_t> ReadInto(const std::string& path, std::uint64_t offset,
                                 std::uint64_t size_bytes, char* out) override {
    FIRN_ASSIGN_OR_RETURN(const Descriptor fd, Descriptor::Open(path, O_RDONLY));
    return ReadAtMost(fd, offset, size_bytes, out, path);
  }

  Status WriteAtomically(const std::string& path, std::string_view bytes) override {
    // The temporary name is the same each time, so that crashes leave one file at most;
    // writers in this process therefore take turns.
    std::lock_guard lock(replace_mutex_);
    const std::string dir = ParentDirectory(path);
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::string temporary = dir + "/" + TemporaryName(name, {});
    Status status = WriteSynced(temporary, bytes);
    if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
      status = ErrnoStatus(errno, "replace", path);
    }
    if (!status.ok()) {
      ::unlink(temporary.c_str());
      return status.With("write " + path);
    }
    return SyncDirectoryAt(dir).With("write " + path);
  }

  Result<std::vector<std::string>> List(const std::string& dir) override {
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(dir.c_str()), &::closedir);
    if (stream == nullptr) return ErrnoStatus(errno, "list", dir);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != ".." && !IsTemporaryName(name)) names.emplace_back(name);
    }
    if (errno != 0) return ErrnoStatus(errno, "list", dir);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> Exists(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return ErrnoStatus(errno, "stat", path);
  }

  Result<std::uint64_t> FileSize(const std::string& path) override {
    FIRN_ASSIGN_OR_RETURN(const Descriptor fd, Descriptor::Open(path, O_RDONLY));
    return RegularFileSize(fd, path);
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return ErrnoStatus(errno, "remove", path);
    }
    return {};
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return ErrnoStatus(errno, "rename", from + " to " + to);
    }
    return {};
  }

  Status CreateDirectories(const std::string& dir) override {
    return MakeDirectoriesDurably(dir);
  }

  Status SyncDirectory(const std::string& dir) override { return SyncDirectoryAt(dir); }

  Result<std::unique_ptr<DirectoryLock>> Lock(const std::string& path,
                                              std::string_view holder) override {
    FIRN_ASSIGN_OR_RETURN(Descriptor fd, Descriptor::Open(path, O_RDWR | O_CREAT));
    struct flock whole_file{};
    whole_file.l_type = F_WRLCK;
    whole_file.l_whence = SEEK_SET;
    if (::fcntl(fd.get(), F_OFD_SETLK, &whole_file) != 0) {
      if (errno != EAGAIN && errno != EACCES) return ErrnoStatus(errno, "lock", path);
      FIRN_ASSIGN_OR_RETURN(const std::string held_by, ReadAt(path, 0, kHolderBytesMax));
      return Status::AlreadyExists("lock " + path + ": held by " + base::Quoted(held_by));
    }
    if (::ftruncate(fd.get(), 0) != 0) return ErrnoStatus(errno, "truncate", path);
    std::uint64_t written = 0;
    FIRN_RETURN_IF_ERROR(WriteAll(fd, holder, written, path));
    return std::make_unique<LocalDirectoryLock>(std::move(fd));
  }

 private:
  static Status WriteSynced(const std::string& path, std::string_view bytes) {
    FIRN_ASSIGN_OR_RETURN(const Descriptor fd,
                          Descriptor::Open(path, O_WRONLY | O_CREAT | O_TRUNC));
    std::uint64_t written = 0;
    FIRN_RETURN_IF_ERROR(WriteAll(fd, bytes, written, path));
    return SyncData(fd, path);
  }

  std::mutex replace_mutex_;
};

}  // namespace

FileSystem& LocalFileSystem() {
  static MachineFileSystem files;
  return files;
}

}  // namespace firn::io

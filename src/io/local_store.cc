// SPDX-License-Identifier: Apache-2.0
// An object is written in three steps, each durable before the next:
//
//   1. its bytes, under a temporary name in the directory it will live in (fdatasync);
//   2. its name, by link(2), which fails where the name is taken: of any number of rivals
//      exactly one succeeds, on every POSIX file system. One that replaces gets it by
//      rename(2);
//   3. the directory (fsync), once the temporary name is removed.
//
// Invariant: whatever has a final name has all its bytes. A crash leaves at most a
// temporary file, which only the listing of what is unfinished shows.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <random>
#include <set>

#include "io/descriptor.h"
#include "io/errno_status.h"
#include "io/file.h"
#include "io/store.h"
#include "io/temporary_name.h"

namespace firn::io {
namespace {

// A file is opened at the first read where its size is known before.
class LocalReader final : public ObjectReader {
 public:
  LocalReader(std::string path, std::uint64_t size_bytes)
      : path_(std::move(path)), size_bytes_(size_bytes) {}
  LocalReader(Descriptor fd, std::string path, const FileState& state)
      : path_(std::move(path)),
        size_bytes_(state.size_bytes),
        identity_(std::to_string(state.modified_ns) + "." + std::to_string(state.inode)),
        fd_(std::move(fd)),
        state_(state) {}

  std::uint64_t size_bytes() const override { return size_bytes_; }
  std::string identity() const override { return identity_; }

  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    if (offset > size_bytes_ || size > size_bytes_ - offset) {
      return Status::InvalidArgument("read " + path_ + ": " + std::to_string(size) +
                                     " bytes at " + std::to_string(offset) +
                                     " pass the end at " + std::to_string(size_bytes_));
    }
    FIRN_RETURN_IF_ERROR(EnsureOpen());
    FIRN_ASSIGN_OR_RETURN(const std::uint64_t read,
                          ReadAtMost(fd_, offset, size, out, path_));
    if (read != size) {
      return Status::Corruption("read " + path_ + ": the file was cut below the " +
                                std::to_string(size_bytes_) +
                                " bytes it had when opened");
    }
    // A file that took the name of this one leaves it as it is; one that was written in
    // place shows.
    FIRN_ASSIGN_OR_RETURN(const FileState now, RegularFileState(fd_, path_));
    if (now == state_) return {};
    return Status::Conflict("read " + path_ + ": the file was written while it was read");
  }

 private:
  Status EnsureOpen() {
    std::lock_guard lock(mutex_);
    if (fd_.is_open()) return {};
    FIRN_ASSIGN_OR_RETURN(Descriptor fd, Descriptor::Open(path_, O_RDONLY));
    FIRN_ASSIGN_OR_RETURN(state_, RegularFileState(fd, path_));
    if (state_.size_bytes != size_bytes_) {
      return Status::Conflict("read " + path_ + ": the file has " +
                              std::to_string(state_.size_bytes) + " bytes where " +
                              std::to_string(size_bytes_) +
                              " were expected: it is another one");
    }
    fd_ = std::move(fd);
    return {};
  }

  const std::string path_;
  const std::uint64_t size_bytes_;
  const std::string identity_;
  std::mutex mutex_;  // While the file is being opened; nothing changes afterwards.
  Descriptor fd_;
  FileState state_;
};

// Directories this process has made durable, so that it does so once. Bounded: at the
// bound it forgets them all, which costs a few syncs. Thread-safe.
class DurableDirectories {
 public:
  Status Make(const std::string& dir) {
    {
      std::lock_guard lock(mutex_);
      if (known_.count(dir) != 0) return {};
    }
    FIRN_RETURN_IF_ERROR(MakeDirectoriesDurably(dir));
    std::lock_guard lock(mutex_);
    if (known_.size() >= kKnownMax) known_.clear();
    known_.insert(dir);
    return {};
  }
  void Forget(const std::string& dir) {
    std::lock_guard lock(mutex_);
    known_.erase(dir);
  }

 private:
  static constexpr std::size_t kKnownMax = 10'000;
  std::mutex mutex_;
  std::set<std::string> known_;
};

// One object on its way, from the temporary file to the final name.
class LocalWriter final : public ObjectWriter {
 public:
  LocalWriter(Descriptor fd, std::string temporary, std::string path, bool replace)
      : fd_(std::move(fd)),
        temporary_(std::move(temporary)),
        path_(std::move(path)),
        replace_(replace) {}
  ~LocalWriter() override { RemoveTemporary(); }

  Status Append(std::string_view bytes) override {
    FIRN_RETURN_IF_ERROR(failed_);
    if (!fd_.is_open()) return Status::InvalidArgument("append " + path_ + ": closed");
    std::uint64_t written = 0;
    failed_ = WriteAll(fd_, bytes, written, path_);
    return failed_;
  }

  Status Close() override {
    FIRN_RETURN_IF_ERROR(failed_);
    if (!fd_.is_open()) return Status::InvalidArgument("close " + path_ + ": closed");
    failed_ = Publish();
    fd_.Close();
    RemoveTemporary();
    // The directory is synced where the name is now there, and where it is another's:
    // that rival may not have come to its sync yet.
    if (failed_.ok() || failed_.Is(StatusCode::kAlreadyExists)) {
      const Status synced = SyncDirectoryAt(ParentDirectory(path_));
      if (failed_.ok()) failed_ = synced;
    }
    return failed_;
  }

  // Whether the object has its name, even if Close failed after that.
  bool published() const { return published_; }

 private:
  Status Publish() {
    FIRN_RETURN_IF_ERROR(SyncData(fd_, path_));
    if (replace_) {
      if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
        return ErrnoStatus(errno, "replace", path_);
      }
      temporary_.clear();
    } else if (::link(temporary_.c_str(), path_.c_str()) != 0) {
      return ErrnoStatus(errno, "create", path_);
    }
    published_ = true;
    return {};
  }

  void RemoveTemporary() {
    // Where this fails, a temporary file is left that no listing shows.
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  Descriptor fd_;
  std::string temporary_;
  const std::string path_;
  const bool replace_;
  bool published_ = false;
  Status failed_;
};

class LocalStore final : public Store {
 public:
  LocalStore() {
    std::random_device device;
    next_tag_ = (static_cast<std::uint64_t>(device()) << 32) | device();
  }

  Result<std::unique_ptr<ObjectReader>> OpenReader(const base::Context& context,
                                                   const std::string& location,
                                                   const OpenOptions& options) override {
    FIRN_RETURN_IF_ERROR(context.Check());
    FIRN_ASSIGN_OR_RETURN(std::string path, LocalPath(location));
    if (options.size_bytes.has_value()) {
      return std::make_unique<LocalReader>(std::move(path), *options.size_bytes);
    }
    FIRN_ASSIGN_OR_RETURN(Descriptor fd, Descriptor::Open(path, O_RDONLY));
    FIRN_ASSIGN_OR_RETURN(const FileState state, RegularFileState(fd, path));
    return std::make_unique<LocalReader>(std::move(fd), std::move(path), state);
  }

  Result<std::unique_ptr<ObjectWriter>> OpenWriter(const base::Context& context,
                                                   const std::string& location,
                                                   const WriteOptions& options) override {
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<LocalWriter> writer,
                          Begin(context, location, options.replace));
    return std::unique_ptr<ObjectWriter>(std::move(writer));
  }

  Result<std::string> Get(const base::Context& context, const std::string& location,
                          std::uint64_t size_limit_bytes) override {
    FIRN_RETURN_IF_ERROR(context.Check());
    FIRN_ASSIGN_OR_RETURN(const std::string path, LocalPath(location));
    FIRN_ASSIGN_OR_RETURN(const Descriptor fd, Descriptor::Open(path, O_RDONLY));
    return ReadWhole(fd, size_limit_bytes, path);
  }

  Status PutIfAbsent(const base::Context& context, const std::string& location,
                     std::string_view bytes) override {
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<LocalWriter> writer,
                          Begin(context, location, /*replace=*/false));
    FIRN_RETURN_IF_ERROR(writer->Append(bytes));
    const Status status = writer->Close();
    if (!status.ok() && writer->published()) {
      return Status::CommitUnknown(
          "create " + location +
          ": created, not known durable: " + std::string(status.message()));
    }
    return status;
  }

  Status Remove(const base::Context& context, const std::string& location) override {
    FIRN_RETURN_IF_ERROR(context.Check());
    FIRN_ASSIGN_OR_RETURN(const std::string path, LocalPath(location));
    return LocalFileSystem().Remove(path);
  }

  Status List(const base::Context& context, const std::string& prefix,
              const std::function<Status(const ObjectInfo&)>& visit) override {
    return ListBelow(context, prefix, Names::kFinal, visit);
  }
  Status ListUnfinished(const base::Context& context, const std::string& prefix,
                        const std::function<Status(const ObjectInfo&)>& visit) override {
    return ListBelow(context, prefix, Names::kTemporary, visit);
  }

 private:
  Result<std::unique_ptr<LocalWriter>> Begin(const base::Context& context,
                                             const std::string& location, bool replace);
  enum class Names : std::uint8_t { kFinal, kTemporary };
  Status ListBelow(const base::Context& context, const std::string& prefix, Names which,
                   const std::function<Status(const ObjectInfo&)>& visit) {
    FIRN_ASSIGN_OR_RETURN(const std::string path, LocalPath(prefix));
    return ListDirectory(context, path.size() > 1 ? path : std::string(), which, visit);
  }
  Status ListDirectory(const base::Context& context, const std::string& dir, Names which,
                       const std::function<Status(const ObjectInfo&)>& visit);

  DurableDirectories directories_;
  std::atomic<std::uint64_t> next_tag_;  // Starts at random: processes share directories.
};

Result<std::unique_ptr<LocalWriter>> LocalStore::Begin(const base::Context& context,
                                                       const std::string& location,
                                                       bool replace) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(const std::string path, LocalPath(location));
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name.empty() || IsTemporaryName(name)) {
    return Status::InvalidArgument("create " + path +
                                   ": names of the form .*.tmp are temporary files'");
  }
  const std::string dir = ParentDirectory(path);
  // Tried again where the directory was removed since it was made, or the temporary name
  // is taken by what a crash left behind.
  constexpr int kTriesMax = 10;
  Status status;
  for (int i = 0; i < kTriesMax; ++i) {
    FIRN_RETURN_IF_ERROR(directories_.Make(dir));
    const std::string temporary =
        JoinLocation(dir, TemporaryName(name, std::to_string(next_tag_.fetch_add(1))));
    Result<Descriptor> fd = Descriptor::Open(temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (fd.ok()) {
      return std::make_unique<LocalWriter>(std::move(fd).value(), temporary, path,
                                           replace);
    }
    status = fd.status();
    if (status.Is(StatusCode::kNotFound)) {
      directories_.Forget(dir);
    } else if (!status.Is(StatusCode::kAlreadyExists)) {
      break;
    }
  }
  return status;
}

// Lists `dir` and what is below it, in order of the full path. A directory sorts as its
// name and a slash, for that is how its files' paths go on. Links to files are listed;
// links to directories are not followed, since they may lead round in a circle.
Status LocalStore::ListDirectory(const base::Context& context, const std::string& dir,
                                 Names which,
                                 const std::function<Status(const ObjectInfo&)>& visit) {
  FIRN_RETURN_IF_ERROR(context.Check());
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir((dir + "/").c_str()), &::closedir);
  if (stream == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return ErrnoStatus(errno, "list", dir);
  }
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat info;
    const bool is_directory =
        ::lstat((dir + "/" + name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    // A directory of such a name is none of ours, and passed over either way.
    const bool is_temporary = IsTemporaryName(name);
    if (is_directory ? is_temporary : is_temporary != (which == Names::kTemporary)) {
      continue;
    }
    if (is_directory) name.push_back('/');
    names.push_back(std::move(name));
    errno = 0;
  }
  if (errno != 0) return ErrnoStatus(errno, "list", dir);
  stream.reset();
  std::sort(names.begin(), names.end());

  for (const std::string& name : names) {
    const std::string path = dir + "/" + name;
    if (name.ends_with('/')) {
      FIRN_RETURN_IF_ERROR(
          ListDirectory(context, path.substr(0, path.size() - 1), which, visit));
      continue;
    }
    struct stat info;
    // A file may be removed while its directory is listed.
    if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    constexpr TimestampUs kSecondUs = 1'000'000;
    const TimestampUs modified_us =
        info.st_mtim.tv_sec * kSecondUs + info.st_mtim.tv_nsec / 1000;
    FIRN_RETURN_IF_ERROR(
        visit({"file://" + path, static_cast<std::uint64_t>(info.st_size), modified_us}));
  }
  return {};
}

}  // namespace

Status Store::ListUnfinished(const base::Context& context, const std::string&,
                             const std::function<Status(const ObjectInfo&)>&) {
  return context.Check();
}

std::unique_ptr<Store> MakeLocalStore() { return std::make_unique<LocalStore>(); }

}  // namespace firn::io

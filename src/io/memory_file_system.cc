// SPDX-License-Identifier: Apache-2.0
// What is kept, and what a power cut takes:
//
//   a file       its bytes, and the bytes of its last sync. The cut leaves those of the
//                last sync and a random part of what was appended since. Where the file
//                was truncated since, the truncation has happened or it has not.
//   a directory  its names, and the names of its last sync. What changed since is a list
//   of
//                steps; the cut keeps each or drops it, at random. A rename is one step:
//                a file is never lost between two names.
//
// Directories themselves are durable once made, as CreateDirectories promises.
#include "io/memory_file_system.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/quote.h"
#include "io/descriptor.h"

namespace firn::io {
namespace {

// Directories and names are kept under tidy absolute paths; what is relative counts from
// the root, since there is no current directory here.
std::string Tidy(std::string_view path) {
  std::string tidy = "/";
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (segment.empty() || segment == ".") continue;
    if (!tidy.ends_with('/')) tidy.push_back('/');
    tidy.append(segment);
  }
  return tidy;
}

struct File {
  std::string bytes;
  std::string synced;
  // The least size the file has had since its last sync: bytes below it are as synced.
  std::uint64_t unchanged_bytes = 0;
};

using FilePtr = std::shared_ptr<File>;
using Names = std::map<std::string, FilePtr>;

struct Directory {
  Names names;
  Names synced;
};

// One change to a name, not durable yet. Steps of one `change` happen together.
struct Step {
  std::uint64_t change;
  std::string dir;
  std::string name;
  FilePtr file;  // Null where the name is removed.
};

Status NoSuch(std::string_view operation, const std::string& path) {
  return Status::NotFound(std::string(operation) + " " + path +
                          ": No such file or directory");
}

Status IsADirectory(std::string_view operation, const std::string& path) {
  return Status::InvalidArgument(std::string(operation) + " " + path +
                                 ": Is a directory");
}

void ApplyTo(Names& names, const Step& step) {
  if (step.file != nullptr) {
    names[step.name] = step.file;
  } else {
    names.erase(step.name);
  }
}

}  // namespace

struct MemoryFileSystem::State {
  struct Place {
    Directory* dir;
    std::string dir_path;
    std::string name;
  };

  // Ask the hook without the lock: it may look at the file system itself.
  Status Ask(FileOperation::Kind kind, const std::string& path, std::uint64_t bytes = 0) {
    FaultHook current;
    {
      std::lock_guard lock(mutex);
      current = hook;
    }
    return current ? current({kind, path, bytes}) : Status();
  }

  // The rest expects the lock to be held.
  Result<Place> FindPlace(std::string_view operation, const std::string& path) {
    const std::string tidy = Tidy(path);
    const std::string dir_path = ParentDirectory(tidy);
    if (directories.count(tidy) != 0) return IsADirectory(operation, path);
    const auto dir = directories.find(dir_path);
    if (dir == directories.end()) return NoSuch(operation, path);
    return Place{&dir->second, dir_path, tidy.substr(tidy.rfind('/') + 1)};
  }

  Result<FilePtr> FindFile(std::string_view operation, const std::string& path) {
    FIRN_ASSIGN_OR_RETURN(const Place place, FindPlace(operation, path));
    const auto at = place.dir->names.find(place.name);
    if (at == place.dir->names.end()) return NoSuch(operation, path);
    return at->second;
  }

  void Change(const Place& place, std::uint64_t change, FilePtr file) {
    Step step{change, place.dir_path, place.name, std::move(file)};
    ApplyTo(place.dir->names, step);
    steps.push_back(std::move(step));
  }

  void SyncNames(const std::string& dir_path) {
    Directory& dir = directories.at(dir_path);
    dir.synced = dir.names;
    std::erase_if(steps, [&dir_path](const Step& s) { return s.dir == dir_path; });
  }

  static void SyncBytes(File& file) {
    file.synced = file.bytes;
    file.unchanged_bytes = file.bytes.size();
  }

  std::mutex mutex;
  std::map<std::string, Directory> directories{{"/", {}}};
  std::vector<Step> steps;
  std::map<std::string, std::string> lock_holders;  // By path of the lock file.
  std::uint64_t next_change = 0;
  std::uint64_t power_cuts = 0;  // Handles of an earlier count are dead.
  FaultHook hook;
};

class MemoryAppendFile final : public AppendFile {
 public:
  using State = MemoryFileSystem::State;

  MemoryAppendFile(std::shared_ptr<State> state, std::string path, FilePtr file)
      : state_(std::move(state)),
        path_(std::move(path)),
        file_(std::move(file)),
        power_cuts_(state_->power_cuts) {}

  Status Append(std::string_view bytes) override {
    const Status fault = state_->Ask(FileOperation::Kind::kAppend, path_, bytes.size());
    std::lock_guard lock(state_->mutex);
    FIRN_RETURN_IF_ERROR(CheckAlive());
    FIRN_RETURN_IF_ERROR(broken_);
    file_->bytes.append(fault.ok() ? bytes : bytes.substr(0, bytes.size() / 2));
    return fault;
  }

  Status Sync() override {
    const Status fault = state_->Ask(FileOperation::Kind::kSync, path_);
    std::lock_guard lock(state_->mutex);
    FIRN_RETURN_IF_ERROR(CheckAlive());
    FIRN_RETURN_IF_ERROR(broken_);
    broken_ = fault;
    if (fault.ok()) State::SyncBytes(*file_);
    return fault;
  }

  Status Truncate(std::uint64_t size_bytes) override {
    FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kTruncate, path_));
    std::lock_guard lock(state_->mutex);
    FIRN_RETURN_IF_ERROR(CheckAlive());
    FIRN_RETURN_IF_ERROR(broken_);
    file_->bytes.resize(size_bytes);
    file_->unchanged_bytes = std::min(file_->unchanged_bytes, size_bytes);
    return {};
  }

  std::uint64_t size_bytes() const override {
    std::lock_guard lock(state_->mutex);
    return file_->bytes.size();
  }

 private:
  Status CheckAlive() const {
    if (power_cuts_ == state_->power_cuts) return {};
    return Status::Unavailable("file " + path_ + ": the power was cut");
  }

  const std::shared_ptr<State> state_;
  const std::string path_;
  const FilePtr file_;
  const std::uint64_t power_cuts_;
  Status broken_;  // The first failed sync, as on a real disk.
};

class MemoryDirectoryLock final : public DirectoryLock {
 public:
  using State = MemoryFileSystem::State;

  MemoryDirectoryLock(std::shared_ptr<State> state, std::string path)
      : state_(std::move(state)),
        path_(std::move(path)),
        power_cuts_(state_->power_cuts) {}
  ~MemoryDirectoryLock() override {
    std::lock_guard lock(state_->mutex);
    // After a power cut the name may be somebody else's.
    if (power_cuts_ == state_->power_cuts) state_->lock_holders.erase(path_);
  }

 private:
  const std::shared_ptr<State> state_;
  const std::string path_;
  const std::uint64_t power_cuts_;
};

MemoryFileSystem::MemoryFileSystem() : state_(std::make_shared<State>()) {}
MemoryFileSystem::~MemoryFileSystem() = default;

void MemoryFileSystem::CutPower(std::uint64_t seed) {
  std::lock_guard lock(state_->mutex);
  std::mt19937_64 random(seed);
  const auto coin = [&random] { return (random() & 1) != 0; };
  ++state_->power_cuts;
  state_->lock_holders.clear();

  // 1. Names: those of the last sync, and of the steps since some, in their order.
  for (auto& [path, dir] : state_->directories) dir.names = dir.synced;
  std::map<std::uint64_t, bool> kept;
  for (const Step& step : state_->steps) {
    const auto [at, first] = kept.try_emplace(step.change, false);
    if (first) at->second = coin();
    if (at->second) ApplyTo(state_->directories.at(step.dir).names, step);
  }
  state_->steps.clear();

  // 2. Bytes: those of the last sync, and some of what came since. A file of two names is
  //    cut once: afterwards it has nothing left to lose.
  for (auto& [path, dir] : state_->directories) {
    for (auto& [name, file] : dir.names) {
      const bool truncated = file->unchanged_bytes < file->synced.size();
      if (truncated && coin()) {
        file->bytes = file->synced;
      } else {
        const std::uint64_t unsynced = file->bytes.size() - file->unchanged_bytes;
        file->bytes.resize(file->unchanged_bytes + random() % (unsynced + 1));
      }
      State::SyncBytes(*file);
    }
    dir.synced = dir.names;
  }
}

void MemoryFileSystem::SetFaultHook(FaultHook hook) {
  std::lock_guard lock(state_->mutex);
  state_->hook = std::move(hook);
}

Result<std::unique_ptr<AppendFile>> MemoryFileSystem::OpenAppend(
    const std::string& path) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kOpen, path));
  std::lock_guard lock(state_->mutex);
  FIRN_ASSIGN_OR_RETURN(const State::Place place, state_->FindPlace("open", path));
  const auto at = place.dir->names.find(place.name);
  FilePtr file = at != place.dir->names.end() ? at->second : nullptr;
  if (file == nullptr) {
    file = std::make_shared<File>();
    state_->Change(place, state_->next_change++, file);
  }
  return std::make_unique<MemoryAppendFile>(state_, path, std::move(file));
}

Result<std::string> MemoryFileSystem::Read(const std::string& path,
                                           std::uint64_t size_limit_bytes) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kRead, path));
  std::lock_guard lock(state_->mutex);
  FIRN_ASSIGN_OR_RETURN(const FilePtr file, state_->FindFile("open", path));
  if (file->bytes.size() > size_limit_bytes) {
    return Status::ResourceExhausted(
        "read " + path + ": " + std::to_string(file->bytes.size()) +
        " bytes exceed the limit of " + std::to_string(size_limit_bytes));
  }
  return file->bytes;
}

Result<std::string> MemoryFileSystem::ReadAt(const std::string& path,
                                             std::uint64_t offset,
                                             std::uint64_t size_bytes) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kRead, path));
  std::lock_guard lock(state_->mutex);
  FIRN_ASSIGN_OR_RETURN(const FilePtr file, state_->FindFile("open", path));
  if (offset >= file->bytes.size()) return std::string();
  return file->bytes.substr(offset, size_bytes);
}

Result<std::uint64_t> MemoryFileSystem::ReadInto(const std::string& path,
                                                 std::uint64_t offset,
                                                 std::uint64_t size_bytes, char* out) {
  FIRN_ASSIGN_OR_RETURN(const std::string bytes, ReadAt(path, offset, size_bytes));
  bytes.copy(out, bytes.size());
  return bytes.size();
}

Status MemoryFileSystem::WriteAtomically(const std::string& path,
                                         std::string_view bytes) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kWrite, path, bytes.size()));
  {
    std::lock_guard lock(state_->mutex);
    FIRN_ASSIGN_OR_RETURN(const State::Place place, state_->FindPlace("write", path));
    auto file = std::make_shared<File>();
    file->bytes = bytes;
    State::SyncBytes(*file);
    state_->Change(place, state_->next_change++, std::move(file));
  }
  // Between the rename and this the new bytes are there, but may go with the power.
  return SyncDirectory(ParentDirectory(Tidy(path))).With("write " + path);
}

Result<std::vector<std::string>> MemoryFileSystem::List(const std::string& dir) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kRead, dir));
  std::lock_guard lock(state_->mutex);
  const std::string tidy = Tidy(dir);
  const auto at = state_->directories.find(tidy);
  if (at == state_->directories.end()) return NoSuch("list", dir);
  std::vector<std::string> names;
  for (const auto& [name, file] : at->second.names) names.push_back(name);
  for (const auto& [path, directory] : state_->directories) {
    if (path != "/" && ParentDirectory(path) == tidy) {
      names.push_back(path.substr(path.rfind('/') + 1));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<bool> MemoryFileSystem::Exists(const std::string& path) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kRead, path));
  std::lock_guard lock(state_->mutex);
  if (state_->directories.count(Tidy(path)) != 0) return true;
  return state_->FindFile("stat", path).ok();
}

Result<std::uint64_t> MemoryFileSystem::FileSize(const std::string& path) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kRead, path));
  std::lock_guard lock(state_->mutex);
  FIRN_ASSIGN_OR_RETURN(const FilePtr file, state_->FindFile("open", path));
  return static_cast<std::uint64_t>(file->bytes.size());
}

Status MemoryFileSystem::Remove(const std::string& path) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kRemove, path));
  std::lock_guard lock(state_->mutex);
  const Result<State::Place> place = state_->FindPlace("remove", path);
  if (place.status().Is(StatusCode::kNotFound)) return {};
  FIRN_RETURN_IF_ERROR(place.status());
  if (place->dir->names.count(place->name) != 0) {
    state_->Change(*place, state_->next_change++, nullptr);
  }
  return {};
}

Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kRename, from));
  std::lock_guard lock(state_->mutex);
  FIRN_ASSIGN_OR_RETURN(const FilePtr file, state_->FindFile("rename", from));
  FIRN_ASSIGN_OR_RETURN(const State::Place source, state_->FindPlace("rename", from));
  FIRN_ASSIGN_OR_RETURN(const State::Place target, state_->FindPlace("rename", to));
  if (Tidy(from) == Tidy(to)) return {};
  const std::uint64_t change = state_->next_change++;
  state_->Change(target, change, file);
  state_->Change(source, change, nullptr);
  return {};
}

Status MemoryFileSystem::CreateDirectories(const std::string& dir) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kSyncDirectory, dir));
  std::lock_guard lock(state_->mutex);
  std::vector<std::string> missing;
  for (std::string at = Tidy(dir); state_->directories.count(at) == 0;
       at = ParentDirectory(at)) {
    const auto parent = state_->directories.find(ParentDirectory(at));
    if (parent != state_->directories.end() &&
        parent->second.names.count(at.substr(at.rfind('/') + 1)) != 0) {
      return Status::InvalidArgument("create directory " + at + ": Not a directory");
    }
    missing.push_back(at);
  }
  for (std::string& path : missing) state_->directories[std::move(path)];
  return {};
}

Status MemoryFileSystem::SyncDirectory(const std::string& dir) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kSyncDirectory, dir));
  std::lock_guard lock(state_->mutex);
  const std::string tidy = Tidy(dir);
  if (state_->directories.count(tidy) == 0) return NoSuch("sync directory", dir);
  state_->SyncNames(tidy);
  return {};
}

Result<std::unique_ptr<DirectoryLock>> MemoryFileSystem::Lock(const std::string& path,
                                                              std::string_view holder) {
  FIRN_RETURN_IF_ERROR(state_->Ask(FileOperation::Kind::kOpen, path));
  std::lock_guard lock(state_->mutex);
  FIRN_ASSIGN_OR_RETURN(const State::Place place, state_->FindPlace("lock", path));
  const std::string key = Tidy(path);
  const auto held = state_->lock_holders.find(key);
  if (held != state_->lock_holders.end()) {
    return Status::AlreadyExists("lock " + path + ": held by " +
                                 base::Quoted(held->second));
  }
  if (place.dir->names.count(place.name) == 0) {
    state_->Change(place, state_->next_change++, std::make_shared<File>());
  }
  File& file = *place.dir->names.at(place.name);
  file.bytes = holder;
  file.unchanged_bytes = 0;
  state_->lock_holders.emplace(key, holder);
  return std::make_unique<MemoryDirectoryLock>(state_, key);
}

}  // namespace firn::io

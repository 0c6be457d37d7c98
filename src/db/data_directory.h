// SPDX-License-Identifier: Apache-2.0
// data_directory.h: the directory a server owns: who holds it, whose it is, where its log
// lies.
//
//   LOCK      held by the process that serves; names it
//   FORMAT    version, writer ULID, name of the log's directory
//   wal-…/    the log
//   spill/    rows that wait to be sorted
//
// docs/format/data-directory.md has the bytes.
//
// FORMAT is replaced atomically, so changing to a new log is one step: after a crash the
// old one is in use, or the new one, never half of each.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/ulid.h"
#include "firn/status.h"
#include "io/file.h"

namespace firn::db {

inline constexpr int kDataDirectoryVersion = 1;

// Where rows wait that are to be sorted and do not fit into memory.
inline std::string SpillPath(const std::string& data_dir) { return data_dir + "/spill"; }

// Thread-compatible.
class DataDirectory {
 public:
  // Create the directory where it is absent (NotFound unless `create`), take its lock and
  // read FORMAT, or write one with a new writer. `holder` says who we are, for the next
  // who asks. `files` must outlive it. Errors: AlreadyExists where another process has
  // it, naming that; Unimplemented where a newer firn wrote it; Corruption where FORMAT
  // cannot be read.
  static Result<std::unique_ptr<DataDirectory>> Open(io::FileSystem& files,
                                                     std::string path,
                                                     std::string_view holder, bool create,
                                                     base::UlidSource& ulids);

  const std::string& path() const { return path_; }
  const base::Ulid& writer() const { return writer_; }
  // Whether FORMAT was written by this Open.
  bool created() const { return created_; }
  std::string log_path() const { return path_ + "/" + log_; }

  // A directory name for another log; nothing is created.
  std::string NewLogName(base::UlidSource& ulids) const;
  std::string PathOf(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }
  // Make `name` the log from now on, durably. The old log's directory stays as it is.
  Status UseLog(std::string name);

 private:
  DataDirectory(io::FileSystem& files, std::string path)
      : files_(files), path_(std::move(path)) {}
  Status ReadFormat(std::string_view text);
  Status WriteFormat() const;

  io::FileSystem& files_;
  const std::string path_;
  std::unique_ptr<io::DirectoryLock> lock_;
  base::Ulid writer_;
  std::string log_;
  bool created_ = false;
};

}  // namespace firn::db

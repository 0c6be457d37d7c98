// SPDX-License-Identifier: Apache-2.0
#include "db/data_directory.h"

#include <charconv>
#include <map>

namespace firn::db {
namespace {

constexpr std::uint64_t kFormatBytesMax = 4096;
constexpr std::string_view kFirstLine = "firn data directory";

}  // namespace

Result<std::unique_ptr<DataDirectory>> DataDirectory::Open(io::FileSystem& files,
                                                           std::string path,
                                                           std::string_view holder,
                                                           bool create,
                                                           base::UlidSource& ulids) {
  std::unique_ptr<DataDirectory> directory(new DataDirectory(files, std::move(path)));
  const std::string& dir = directory->path_;
  if (!create) {
    FIRN_ASSIGN_OR_RETURN(const bool exists, files.Exists(dir + "/FORMAT"));
    if (!exists) return Status::NotFound(dir + " is not a firn data directory");
  }
  FIRN_RETURN_IF_ERROR(files.CreateDirectories(dir).With("data directory"));
  Result<std::unique_ptr<io::DirectoryLock>> lock = files.Lock(dir + "/LOCK", holder);
  FIRN_RETURN_IF_ERROR(lock.status().With("data directory " + dir + " is in use"));
  directory->lock_ = *std::move(lock);

  const Result<std::string> format = files.Read(dir + "/FORMAT", kFormatBytesMax);
  if (format.ok()) {
    FIRN_RETURN_IF_ERROR(directory->ReadFormat(*format).With(dir + "/FORMAT"));
    return directory;
  }
  if (!format.status().Is(StatusCode::kNotFound)) return format.status();
  directory->writer_ = ulids.Next();
  directory->log_ = directory->NewLogName(ulids);
  directory->created_ = true;
  FIRN_RETURN_IF_ERROR(directory->WriteFormat());
  return directory;
}

// FORMAT is lines: the first as above, then `key value`. Keys that are not known belong
// to the same version and are kept out of the way of older readers: they are ignored.
Status DataDirectory::ReadFormat(std::string_view text) {
  std::map<std::string_view, std::string_view> values;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (first && line != kFirstLine) break;
    if (!first) {
      const std::size_t space = line.find(' ');
      if (space != std::string_view::npos) {
        values[line.substr(0, space)] = line.substr(space + 1);
      }
    }
    first = false;
  }
  int version = 0;
  const std::string_view number = values["version"];
  const auto [stop, error] =
      std::from_chars(number.data(), number.data() + number.size(), version);
  if (error != std::errc() || stop != number.data() + number.size() || version < 1) {
    return Status::Corruption("this is not the FORMAT file of a firn data directory");
  }
  if (version > kDataDirectoryVersion) {
    return Status::Unimplemented("the directory has version " + std::to_string(version) +
                                 ", written by a newer "
                                 "firn; this one knows up to " +
                                 std::to_string(kDataDirectoryVersion));
  }
  FIRN_ASSIGN_OR_RETURN(writer_, base::Ulid::Parse(values["writer"]));
  log_ = std::string(values["log"]);
  if (log_.empty() || log_.find('/') != std::string::npos || log_[0] == '.') {
    return Status::Corruption("no name of a log directory in it");
  }
  return Status::OK();
}

Status DataDirectory::WriteFormat() const {
  std::string text(kFirstLine);
  text += "\nversion " + std::to_string(kDataDirectoryVersion);
  text += "\nwriter " + writer_.ToString();
  text += "\nlog " + log_ + "\n";
  return files_.WriteAtomically(path_ + "/FORMAT", text);
}

std::string DataDirectory::NewLogName(base::UlidSource& ulids) const {
  return "wal-" + ulids.Next().ToString();
}

Status DataDirectory::UseLog(std::string name) {
  const std::string before = std::exchange(log_, std::move(name));
  const Status written = WriteFormat();
  if (!written.ok()) log_ = before;
  return written;
}

}  // namespace firn::db

// SPDX-License-Identifier: Apache-2.0
#include "table/data_files.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "parquet/reader.h"

namespace firn::table {
namespace {

constexpr std::string_view kWildcards = "*?";

// The segment before the first slash; the rest loses it.
std::string_view TakeSegment(std::string_view& path) {
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(path.size(), segment.size() + 1));
  return segment;
}

bool IsHidden(std::string_view name) {
  if (name.starts_with('.')) return true;
  return name.starts_with('_') && name.find('=') == std::string_view::npos;
}

bool HasHiddenSegment(std::string_view path) {
  while (!path.empty()) {
    if (IsHidden(TakeSegment(path))) return true;
  }
  return false;
}

bool HasParquetName(std::string_view path) {
  return path.ends_with(".parquet") || path.ends_with(".parq") || path.ends_with(".pq");
}

// Of a name that fits up to a star, the star is tried on one byte more each time it does
// not go on to fit: linear in both for one star, and never exponential.
bool MatchesName(std::string_view pattern, std::string_view name) {
  if (IsHidden(name) && (pattern.empty() || pattern[0] != name[0])) return false;
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_end = 0;  // The star stands for the bytes up to here.
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) segments.push_back(TakeSegment(path));
  return segments;
}

// The files below `base` that `wanted` takes, by their path relative to it.
Result<std::vector<std::string>> List(
    const base::Context& context, io::Store& store, const std::string& base,
    const std::function<bool(std::string_view)>& wanted) {
  std::vector<std::string> found;
  const std::size_t skip = base.ends_with('/') ? base.size() : base.size() + 1;
  FIRN_RETURN_IF_ERROR(
      store.List(context, base, [&](const io::ObjectInfo& object) -> Status {
        if (object.location.size() <= skip) return Status::OK();
        if (!wanted(std::string_view(object.location).substr(skip))) return Status::OK();
        if (found.size() == kDataFilesMax) {
          return Status::ResourceExhausted("more than " + std::to_string(kDataFilesMax) +
                                           " files below " + base);
        }
        found.push_back(object.location);
        return Status::OK();
      }));
  return found;
}

Result<DataFiles> FindByPattern(const base::Context& context, io::Store& store,
                                const std::string& location) {
  const std::size_t slash = location.rfind('/', location.find_first_of(kWildcards));
  std::string base = location.substr(0, slash);
  if (base == "file://") base += '/';  // The root is a directory.
  if (slash == std::string::npos || base.ends_with("//")) {
    return Status::InvalidArgument("a wildcard in the bucket of " + location);
  }
  const std::string_view pattern = std::string_view(location).substr(slash + 1);
  FIRN_ASSIGN_OR_RETURN(std::vector<std::string> found,
                        List(context, store, base, [&](std::string_view path) {
                          return MatchesPattern(pattern, path);
                        }));
  if (found.empty()) return Status::NotFound("no file matches " + location);
  return DataFiles{std::move(found), nullptr};
}

}  // namespace

// One row of a table of prefixes at a time: reaches[k] says whether the segments of the
// path so far can be matched by the first k of the pattern.
bool MatchesPattern(std::string_view pattern_text, std::string_view path) {
  const std::vector<std::string_view> pattern = Segments(pattern_text);
  std::vector<bool> reaches(pattern.size() + 1);
  const auto skip_stars = [&] {
    for (std::size_t k = 0; k < pattern.size(); ++k) {
      if (reaches[k] && pattern[k] == "**") reaches[k + 1] = true;
    }
  };
  reaches[0] = true;
  skip_stars();
  while (!path.empty()) {
    const std::string_view segment = TakeSegment(path);
    std::vector<bool> next(pattern.size() + 1);
    for (std::size_t k = 0; k < pattern.size(); ++k) {
      if (!reaches[k]) continue;
      // A directory below `**` stays there; the name of a file takes a segment.
      if (pattern[k] == "**") {
        if (!IsHidden(segment)) next[k] = true;
      } else if (MatchesName(pattern[k], segment)) {
        next[k + 1] = true;
      }
    }
    reaches = std::move(next);
    skip_stars();
  }
  return reaches[pattern.size()];
}

Result<DataFiles> FindDataFiles(const base::Context& context, io::Store& store,
                                std::string_view text) {
  FIRN_ASSIGN_OR_RETURN(const std::string location, io::ParseLocation(text));
  if (location.find_first_of(kWildcards) != std::string::npos) {
    return FindByPattern(context, store, location);
  }
  // A slash at the end says that it is a directory, and nothing else need be asked.
  Status why = Status::NotFound("no file " + location);
  if (!text.ends_with('/')) {
    auto file =
        store.OpenReader(context, location, parquet::FileReader::WithEnd(std::nullopt));
    if (file.ok()) return DataFiles{{location}, std::move(file).value()};
    why = file.status();
    // What a local directory says to those who read it as a file.
    if (!why.Is(StatusCode::kNotFound) && !why.Is(StatusCode::kInvalidArgument)) {
      return why;
    }
  }
  std::size_t others = 0;
  FIRN_ASSIGN_OR_RETURN(std::vector<std::string> found,
                        List(context, store, location, [&](std::string_view path) {
                          const bool wanted =
                              !HasHiddenSegment(path) && HasParquetName(path);
                          if (!wanted) ++others;
                          return wanted;
                        }));
  if (!found.empty()) return DataFiles{std::move(found), nullptr};
  if (others > 0) {
    return Status::NotFound("no file *.parquet, *.parq or *.pq below " + location +
                            ", which has " + std::to_string(others) + " others");
  }
  if (why.Is(StatusCode::kNotFound)) return why;
  return Status::NotFound("no Parquet file at " + location + ": " +
                          std::string(why.message()));
}

}  // namespace firn::table

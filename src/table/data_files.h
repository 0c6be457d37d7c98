// SPDX-License-Identifier: Apache-2.0
// data_files.h: which Parquet files a location stands for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "io/store.h"

namespace firn::table {

// More files than this are ResourceExhausted: their names are held all at once.
inline constexpr std::size_t kDataFilesMax = 100'000;

struct DataFiles {
  std::vector<std::string> locations;  // Ascending, never empty.
  // Where the location is that of one file: the file, opened, which saves a request.
  std::unique_ptr<io::ObjectReader> only;
};

// `text` is a location or a path (io::ParseLocation) of
//
//   a file        as it is, whatever its name
//   a directory   every file below it that is called *.parquet, *.parq or *.pq
//   a pattern     every file that matches: `*` is any part of a name, `?` any one byte of
//                 one, a segment `**` any number of directories
//
// Below a directory, and where a pattern does not begin so itself, names that begin with
// `.` or `_` are hidden, with all that is below them; `_x=1` is a partition, and is not.
//
// NotFound where there is no such file, and otherwise what the store returns.
Result<DataFiles> FindDataFiles(const base::Context& context, io::Store& store,
                                std::string_view text);

// Whether `path`, relative to where the pattern's first wildcard stands, matches.
// Internal to this room.
bool MatchesPattern(std::string_view pattern, std::string_view path);

}  // namespace firn::table

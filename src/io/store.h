// SPDX-License-Identifier: Apache-2.0
// store.h: immutable objects at locations, the way object stores keep them.
//
// Tables stand on this seam. A location is an absolute URI (`file:///w/a.parquet`,
// `memory://w/a.parquet`); ParseLocation makes one of a plain path. An object becomes
// visible whole, by Close() or PutIfAbsent(), and is durable from then on: a local store
// has synced the file and its directory before either returns. Objects are never changed
// in place; one may take the name of another (WriteOptions::replace). Thread-safe;
// streams are thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "firn/time.h"

namespace firn::io {

struct ObjectInfo {
  std::string location;
  std::uint64_t size_bytes = 0;
  TimestampUs modified_us = 0;  // By the store's clock.
};

// How an object is opened.
struct OpenOptions {
  // The object's size, where the caller knows it and vouches that the object is never
  // replaced, as a table's metadata does for its files. Then nobody is asked before the
  // first read: that is also where a missing object is NotFound, and one of another size
  // a Conflict.
  std::optional<std::uint64_t> size_bytes;
  // Fetch this much of the object's end by the request that opens it; reads that lie
  // inside are served from memory. A store that answers at once has no use for it.
  std::uint64_t tail_bytes = 0;
};

// How an object is written.
struct WriteOptions {
  // An object of the name may be there, and is there until the new one takes its place,
  // whole: a reader sees the one or the other.
  bool replace = false;
};

// Random access to one object. Thread-safe: reads may run in parallel. All reads are of
// one object: where another takes its place in between, a read is a Conflict (or still
// served from the object that was opened), never a mixture.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual std::uint64_t size_bytes() const = 0;
  // Exactly `size` bytes from `offset`, into `out`, which has room for them.
  // InvalidArgument where the range passes the end; Unavailable after retries.
  virtual Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) = 0;

  // Which of the objects that had this location one after another it is: the ETag, or
  // time and inode of a local file. Equal identities and sizes mean equal bytes. Empty
  // where that is not known: who opened it vouched that there is only one.
  virtual std::string identity() const { return {}; }
  // How much of the end was fetched while opening: reads inside of it ask nobody.
  virtual std::uint64_t tail_bytes() const { return 0; }
  // How many requests opening took.
  virtual std::int64_t open_requests() const { return 0; }
};

// One object being written. Nothing is visible until Close() returns OK.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;  // Gives the object up where Close was not called.
  virtual Status Append(std::string_view bytes) = 0;
  // Make the object durable and visible. AlreadyExists where the name is taken, and was
  // not to be replaced: the object there is left as it is. CommitUnknown where the
  // outcome is not known.
  virtual Status Close() = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // `context` must outlive the reader.
  virtual Result<std::unique_ptr<ObjectReader>> OpenReader(
      const base::Context& context, const std::string& location,
      const OpenOptions& options = {}) = 0;
  virtual Result<std::unique_ptr<ObjectWriter>> OpenWriter(
      const base::Context& context, const std::string& location,
      const WriteOptions& options = {}) = 0;
  // The whole object. ResourceExhausted above `size_limit_bytes`.
  virtual Result<std::string> Get(const base::Context& context,
                                  const std::string& location,
                                  std::uint64_t size_limit_bytes) = 0;
  // Create the object whole, or return AlreadyExists and leave what is there. Of any
  // number of rivals exactly one succeeds. CommitUnknown where the outcome is not known.
  virtual Status PutIfAbsent(const base::Context& context, const std::string& location,
                             std::string_view bytes) = 0;
  // Remove the object; OK where it is absent already.
  virtual Status Remove(const base::Context& context, const std::string& location) = 0;
  // Call `visit` for each object below `prefix` (a directory), in order of location; for
  // none where there is no such directory. Locations are spelt as ParseLocation spells
  // them, however `prefix` was.
  // A status other than OK from `visit` ends the listing and is returned.
  virtual Status List(const base::Context& context, const std::string& prefix,
                      const std::function<Status(const ObjectInfo&)>& visit) = 0;
  // The same of what a crash in the middle of a write left below `prefix`, and of writes
  // under way: only their age tells the two apart. Remove takes these locations. For
  // none in a store that forgets by itself what was not finished, by its own rules.
  virtual Status ListUnfinished(const base::Context& context, const std::string& prefix,
                                const std::function<Status(const ObjectInfo&)>& visit);
};

// The absolute URI of `text`: a URI is checked and kept, a path is made absolute against
// the current directory and becomes `file:///…` with no `.` or `..` left. InvalidArgument
// for a scheme that no store serves; the text lists those that are.
//
// One object has one spelling: `file:/a` and `file://localhost/a`, which others write,
// become `file:///a`; repeated slashes and one at the end go. `file://a` names a host and
// is refused. `s3a://` and `s3n://` become `s3://`, `gcs://` becomes `gs://`, `abfs://`,
// `wasb://` and `wasbs://` become `abfss://C@ACCOUNT.dfs…/KEY`, or `az://C/KEY` where
// they name no account; slashes inside a key are part of it. A URI with a `.` or `..`
// segment is refused, so that what starts with a table's location lies inside it
// (symbolic links aside). Nothing is percent-decoded or -encoded, as in Iceberg's own
// local file access: `a%20b` and `a b` are two files.
Result<std::string> ParseLocation(std::string_view text);
// The local path of a `file:` location, in any of the spellings above, or of an absolute
// plain path, which some writers put into metadata. InvalidArgument for another scheme.
Result<std::string> LocalPath(std::string_view location);
// `location` with the symbolic links of its directories resolved, as far as these exist,
// where it is a local file; any other as it is. Locations of one file are then equal,
// unless the file itself is a link.
// REQUIRES: ParseLocation spelt it.
Result<std::string> ResolveDirectoryLinks(const std::string& location);
// `base` and `name` with exactly one `/` between.
std::string JoinLocation(std::string_view base, std::string_view name);

// Objects as files: written under a temporary name, synced, then linked to the final one
// (link(2) fails where the name exists) or renamed to it where they replace, and the
// directory synced.
std::unique_ptr<Store> MakeLocalStore();

}  // namespace firn::io

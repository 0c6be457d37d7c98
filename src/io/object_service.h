// SPDX-License-Identifier: Apache-2.0
// object_service.h: what one bucket of an object store can do, request by request.
// Internal to this room.
//
// A protocol (S3, GCS, Azure) implements these few calls; RemoteStore makes a Store of
// them. Each call is retried by the protocol's RemoteRequests and returns when its
// outcome is known, or says that it is not.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "firn/time.h"

namespace firn::io {

// An object of the bucket, by its key: the location without `scheme://bucket/`.
struct RemoteObject {
  std::string key;
  std::uint64_t size_bytes = 0;
  TimestampUs modified_us = 0;  // By the store's clock.
  std::string etag;             // Names the object's content; as the store spells it.
  // The `put_id` that it was written with, or "".
  std::string put_id;
};

// The end of an object.
struct RemoteTail {
  RemoteObject object;
  std::string bytes;
};

struct RemotePage {
  std::vector<RemoteObject> objects;  // In the order of their keys' bytes.
  std::string next;                   // Where the next page begins; "" at the end.
};

// An object to be made.
struct NewObject {
  std::string key;
  std::string put_id;     // Kept with it.
  bool replaces = false;  // One of its name may be there, and goes when this one is.
};

// How a put that names a new object ended.
enum class PutOutcome : std::uint8_t {
  // The object is there, and is ours. Where an earlier attempt may have arrived: so the
  // store says, and the object may still be to come.
  kDone,
  // Some object was there before, and is not to be replaced. It may be ours, where
  // `kUnknown` came before.
  kTaken,
  kUnknown,  // No answer: it may be there, or come later.
};
struct PutResult {
  PutOutcome outcome = PutOutcome::kDone;
  Status status;  // Why not, for kTaken and kUnknown.
  // The attempt that was answered was not the first that may have arrived: kTaken may
  // be our own doing, and kDone be said of an object that the first is still making.
  bool earlier_may_have_arrived = false;
};

// One upload in parts. Thread-safe: as many parts as part_limits() allows may be sent
// side by side, and they are begun in their order.
class MultipartUpload {
 public:
  virtual ~MultipartUpload() = default;
  // Send part `number`, counted from 1. Parts but the last are within part_limits().
  virtual Status PutPart(const base::Context& context, int number,
                         std::string_view bytes) = 0;
  // Make the object of parts 1 to `part_count`, all of which were sent. An object of its
  // name is treated as in Put().
  virtual Result<PutResult> Complete(const base::Context& context, int part_count) = 0;
  // Give the upload up, so that nothing of it is left. OK where it is gone already.
  virtual Status Abort(const base::Context& context) = 0;
};

// Thread-safe.
class ObjectService {
 public:
  virtual ~ObjectService() = default;

  // NotFound where there is no such object.
  virtual Result<RemoteObject> Head(const base::Context& context,
                                    const std::string& key) = 0;
  // Bytes [offset, offset + size) into `out`, of the object that `etag` names; Conflict
  // where another has taken its place. REQUIRES: size > 0.
  virtual Status GetRange(const base::Context& context, const std::string& key,
                          const std::string& etag, std::uint64_t offset,
                          std::uint64_t size, char* out) = 0;
  // The same of whatever object is there, and which one that is. Conflict where it ends
  // before the range does. By default a Head and a GetRange; a protocol whose answer to
  // a ranged read names the object needs one request. REQUIRES: size > 0.
  virtual Result<RemoteObject> GetAnyRange(const base::Context& context,
                                           const std::string& key, std::uint64_t offset,
                                           std::uint64_t size, char* out);
  // The last `size` bytes, or all of a shorter object, of whatever object is there. By
  // default a Head and a GetRange; a protocol that has ranges from the end needs one
  // request. REQUIRES: size > 0.
  virtual Result<RemoteTail> GetTail(const base::Context& context, const std::string& key,
                                     std::uint64_t size);
  // The whole object, by one request. ResourceExhausted above `size_limit_bytes`.
  virtual Result<std::string> Get(const base::Context& context, const std::string& key,
                                  std::uint64_t size_limit_bytes) = 0;
  // Create the object: where one of its name is there, only if this one replaces.
  virtual Result<PutResult> Put(const base::Context& context, const NewObject& object,
                                std::string_view bytes) = 0;
  // Whether an object of ours, whose creation nobody answered for, is as it was asked
  // for; where it is not it is removed again.
  virtual Status CheckCreated(const base::Context& context, const std::string& key) = 0;
  virtual Result<std::unique_ptr<MultipartUpload>> StartUpload(
      const base::Context& context, const NewObject& object) = 0;
  // OK where it is absent already.
  virtual Status Delete(const base::Context& context, const std::string& key) = 0;
  // A page of the objects whose keys start with `prefix`. `from` is empty for the first
  // page, then the `next` of the page before.
  virtual Result<RemotePage> List(const base::Context& context, const std::string& prefix,
                                  const std::string& from) = 0;

  // Make the bucket. OK where it is there already and ours.
  virtual Status CreateBucket(const base::Context& context) = 0;

  // What parts may be: sizes in bytes, how many of them, and how many at a time.
  struct PartLimits {
    std::uint64_t size_min = 5 << 20;
    std::uint64_t size_max = std::uint64_t{5} << 30;
    int count_max = 10'000;
    int concurrency_max = std::numeric_limits<int>::max();
  };
  virtual PartLimits part_limits() const = 0;
};

}  // namespace firn::io

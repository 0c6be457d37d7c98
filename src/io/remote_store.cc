// SPDX-License-Identifier: Apache-2.0
#include "io/remote_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/budget.h"
#include "io/part_uploader.h"
#include "io/retry.h"

namespace firn::io {
namespace {

// Parts grow as the object does, so that small ones begin early and large ones stay
// within the count a store allows: this many of each size.
constexpr int kPartsOfEachSize = 1000;
constexpr std::uint64_t kFirstPartBytes = 8 << 20;
// What a writer's buffer begins with; it doubles as it fills.
constexpr std::uint64_t kFirstBufferBytes = 64 << 10;

Status CommitUnknown(const Status& why) {
  return Status::CommitUnknown(std::string(why.message()) +
                               "; whether the object was created is not known");
}

// Where the caller was told of an object of another size.
Status CheckSize(const std::string& location, std::uint64_t size_bytes,
                 std::uint64_t expected_bytes) {
  if (size_bytes == expected_bytes) return {};
  return Status::Conflict("read " + location + ": the object has " +
                          std::to_string(size_bytes) + " bytes where " +
                          std::to_string(expected_bytes) +
                          " were expected: it is another one");
}

// Reads one object. Which one it is becomes known with the first answer, and every later
// request names it.
class RemoteReader final : public ObjectReader {
 public:
  // An object of which only the size is known.
  RemoteReader(const base::Context& context, ObjectService& service, std::string location,
               std::string key, std::uint64_t size_bytes)
      : context_(context),
        service_(service),
        location_(std::move(location)),
        key_(std::move(key)),
        size_bytes_(size_bytes) {}
  // An object that has been seen, and its end.
  RemoteReader(const base::Context& context, ObjectService& service, std::string location,
               RemoteTail seen)
      : context_(context),
        service_(service),
        location_(std::move(location)),
        key_(std::move(seen.object.key)),
        size_bytes_(seen.object.size_bytes),
        // A store without ETags has at least the time.
        identity_(seen.object.etag.empty() ? std::to_string(seen.object.modified_us)
                                           : seen.object.etag),
        tail_(std::move(seen.bytes)),
        open_requests_(1),
        etag_(std::move(seen.object.etag)) {}

  std::uint64_t size_bytes() const override { return size_bytes_; }
  std::string identity() const override { return identity_; }
  std::uint64_t tail_bytes() const override { return tail_.size(); }
  std::int64_t open_requests() const override { return open_requests_; }

  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    if (offset > size_bytes_ || size > size_bytes_ - offset) {
      return Status::InvalidArgument("read " + location_ + ": " + std::to_string(size) +
                                     " bytes at " + std::to_string(offset) +
                                     " pass the end at " + std::to_string(size_bytes_));
    }
    if (size == 0) return {};
    const std::uint64_t tail_offset = size_bytes_ - tail_.size();
    if (offset >= tail_offset) {
      tail_.copy(out, size, offset - tail_offset);
      return {};
    }
    std::optional<std::string> etag;
    {
      std::lock_guard lock(mutex_);
      etag = etag_;
    }
    if (etag.has_value()) {
      return service_.GetRange(context_, key_, *etag, offset, size, out);
    }
    FIRN_ASSIGN_OR_RETURN(RemoteObject object,
                          service_.GetAnyRange(context_, key_, offset, size, out));
    return Meet(std::move(object));
  }

 private:
  // The object that an answer came from. Of first reads side by side each meets one.
  Status Meet(RemoteObject object) {
    FIRN_RETURN_IF_ERROR(CheckSize(location_, object.size_bytes, size_bytes_));
    std::lock_guard lock(mutex_);
    if (!etag_.has_value()) {
      etag_ = std::move(object.etag);
      return {};
    }
    if (*etag_ == object.etag) return {};
    return Status::Conflict("read " + location_ +
                            ": the object was replaced while it was read");
  }

  const base::Context& context_;
  ObjectService& service_;
  const std::string location_;
  const std::string key_;
  const std::uint64_t size_bytes_;
  const std::string identity_;
  const std::string tail_;
  const std::int64_t open_requests_ = 0;
  std::mutex mutex_;
  std::optional<std::string> etag_;  // Absent: no answer has come yet.
};

// Wait for an object that the store says is made. True: it is there, and as asked for.
Result<bool> Arrives(const base::Context& context, ObjectService& service,
                     const NewObject& object, const RetryOptions& looks) {
  Backoff pauses(looks);
  for (int look = 1;; ++look) {
    const Result<RemoteObject> there = service.Head(context, object.key);
    if (there.ok() && there->put_id == object.put_id) {
      FIRN_RETURN_IF_ERROR(service.CheckCreated(context, object.key));
      return true;
    }
    if (!there.ok() && !there.status().Is(StatusCode::kNotFound)) {
      return CommitUnknown(there.status());
    }
    if (look == looks.attempts || !pauses.Wait(context, look + 1, 0).ok()) return false;
  }
}

// Decide, where a name is taken or an answer was lost, whether the object is ours.
Status OutcomeOf(const base::Context& context, ObjectService& service,
                 const NewObject& object, const PutResult& result) {
  if (result.outcome == PutOutcome::kDone) return {};
  if (result.outcome == PutOutcome::kTaken && !result.earlier_may_have_arrived) {
    return result.status;
  }
  const Result<RemoteObject> there = service.Head(context, object.key);
  if (there.ok() && there->put_id == object.put_id) {
    return service.CheckCreated(context, object.key);
  }
  if (result.outcome == PutOutcome::kTaken) {
    return there.ok() ? result.status : CommitUnknown(result.status);
  }
  // Another's object has the name, so ours cannot come any more, unless it replaces.
  if (there.ok() && !object.replaces) {
    return Status::AlreadyExists("put " + object.key +
                                 ": the name is taken by another object");
  }
  return CommitUnknown(result.status);
}

// How often an object is asked for anew that is said to be made and does not come.
constexpr int kAsksMax = 10;

// Make the object by `put`, and find out whether it is there.
//
// A store that is asked again, because its first answer was lost, may say that all is
// done while it is still putting the object together (versitygw does, "for idempotency"),
// and may give that up where it sees that nobody waits for the first answer. So done is
// then what is seen, and what is not seen in a while is asked for once more.
Status PutAndSee(const base::Context& context, ObjectService& service,
                 const NewObject& object, const RetryOptions& looks,
                 const std::function<Result<PutResult>()>& put) {
  for (int asked = 1;; ++asked) {
    Result<PutResult> result = put();
    if (!result.ok()) {
      return asked == 1 ? result.status() : CommitUnknown(result.status());
    }
    result->earlier_may_have_arrived |= asked > 1;
    if (result->outcome != PutOutcome::kDone || !result->earlier_may_have_arrived) {
      return OutcomeOf(context, service, object, *result);
    }
    FIRN_ASSIGN_OR_RETURN(const bool there, Arrives(context, service, object, looks));
    if (there) return {};
    const Status ended = context.Check();
    if (!ended.ok()) return CommitUnknown(ended);
    if (asked == kAsksMax) {
      return CommitUnknown(Status::Unavailable("put " + object.key + ": the store said " +
                                               std::to_string(asked) +
                                               " times that the object is made, and it "
                                               "is not there"));
    }
  }
}

// What `write` returns. A write finds nothing missing but its bucket: where it does, and
// may, the bucket is made and the write done once more.
template <typename Write>
auto WithBucket(const base::Context& context, ObjectService& service, bool create,
                const Write& write) -> decltype(write()) {
  auto written = write();
  if (!create || !written.status().Is(StatusCode::kNotFound)) return written;
  FIRN_RETURN_IF_ERROR(service.CreateBucket(context));
  return write();
}

class RemoteWriter final : public ObjectWriter {
 public:
  RemoteWriter(const base::Context& context, ObjectService& service, std::string location,
               NewObject object, const RemoteStoreOptions& options)
      : context_(context),
        service_(service),
        location_(std::move(location)),
        object_(std::move(object)),
        options_(options),
        part_bytes_(std::max(kFirstPartBytes, service.part_limits().size_min)) {}

  Status Append(std::string_view bytes) override {
    if (closed_)
      return Status::InvalidArgument("append to " + location_ + ": it is closed");
    FIRN_RETURN_IF_ERROR(status_);
    status_ = Take(bytes);
    if (!status_.ok()) Drop();
    return status_;
  }

  Status Close() override {
    if (closed_) return Status::InvalidArgument("close " + location_ + ": it is closed");
    closed_ = true;
    FIRN_RETURN_IF_ERROR(status_);
    if (uploader_ != nullptr && !buffer_.empty()) FIRN_RETURN_IF_ERROR(SendPart());
    const Status made = PutAndSee(
        context_, service_, object_, options_.arrival, [&]() -> Result<PutResult> {
          if (uploader_ != nullptr) return uploader_->Complete();
          return WithBucket(context_, service_, options_.create_buckets,
                            [&] { return service_.Put(context_, object_, buffer_); });
        });
    Drop();
    return made;
  }

 private:
  void Drop() {
    uploader_.reset();
    buffer_ = {};
    reserved_.Clear();
  }

  Status Take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::uint64_t bound =
          uploader_ == nullptr ? options_.multipart_threshold_bytes : part_bytes_;
      // Full, and more is to come: what is whole at Close() was not too long for a put.
      bool send = buffer_.size() >= bound;
      if (!send) {
        const std::uint64_t room = std::min(bound - buffer_.size(), part_bytes_);
        const std::string_view piece = bytes.substr(0, room);
        const Status made = MakeRoom(buffer_.size() + piece.size(), bound);
        if (made.ok()) {
          buffer_ += piece;
          bytes.remove_prefix(piece.size());
        } else {
          // Short of memory; what is held can go already.
          send = made.Is(StatusCode::kResourceExhausted) && uploader_ == nullptr &&
                 buffer_.size() >= part_bytes_;
          if (!send) return made;
        }
      }
      if (send) FIRN_RETURN_IF_ERROR(uploader_ == nullptr ? StartUpload() : SendPart());
    }
    return context_.Check();
  }

  // Let the buffer have room for `need` bytes, and for more up to `bound` where that is
  // to be had. Waits for parts under way where memory is short.
  Status MakeRoom(std::uint64_t need, std::uint64_t bound) {
    if (need <= room_bytes_) return {};
    // A part is going to be full; what is held before an upload need not.
    std::uint64_t size =
        uploader_ != nullptr
            ? bound
            : std::min(bound, std::max({need, 2 * room_bytes_, kFirstBufferBytes}));
    const std::uint64_t least = std::min(bound, need + kFirstBufferBytes);
    for (;;) {
      const Status grown = Reserve(size - room_bytes_);
      if (grown.ok()) break;
      if (!grown.Is(StatusCode::kResourceExhausted)) return grown;
      if (uploader_ != nullptr && uploader_->WaitForOne()) continue;
      if (size <= least) return grown.With("put " + location_);
      size = least;
    }
    room_bytes_ = size;
    buffer_.reserve(size);
    return {};
  }

  Status Reserve(std::uint64_t bytes) {
    const auto count = static_cast<std::int64_t>(bytes);
    if (room_bytes_ > 0) return reserved_.Grow(count);
    FIRN_ASSIGN_OR_RETURN(reserved_,
                          base::ByteReservation::Make(context_.budget(), count));
    return {};
  }

  // The buffer and what is reserved for it; another begins.
  std::shared_ptr<PartMemory> TakeBuffer() {
    room_bytes_ = 0;
    return std::make_shared<PartMemory>(
        PartMemory{std::exchange(buffer_, {}), std::move(reserved_)});
  }

  // Begin the upload, and let it have all full parts of what came so far.
  Status StartUpload() {
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<MultipartUpload> upload,
                          WithBucket(context_, service_, options_.create_buckets, [&] {
                            return service_.StartUpload(context_, object_);
                          }));
    uploader_ = std::make_unique<PartUploader>(
        context_, std::move(upload),
        std::min(options_.upload_concurrency, service_.part_limits().concurrency_max));
    const std::shared_ptr<PartMemory> all = TakeBuffer();
    std::uint64_t offset = 0;
    while (all->bytes.size() - offset >= part_bytes_) {
      FIRN_RETURN_IF_ERROR(
          Send(all, std::string_view(all->bytes).substr(offset, part_bytes_)));
      offset += part_bytes_;
    }
    const std::uint64_t rest = all->bytes.size() - offset;
    const Status room = MakeRoom(rest, part_bytes_);
    if (room.ok()) {
      buffer_ = all->bytes.substr(offset);
    } else if (room.Is(StatusCode::kResourceExhausted)) {
      // Every part was waited for, so the memory is nobody else's: the rest stays in it.
      room_bytes_ = all->bytes.size();
      reserved_ = std::move(all->reserved);
      buffer_ = std::move(all->bytes);
      buffer_.erase(0, offset);
    }
    return room.Is(StatusCode::kResourceExhausted) ? Status() : room;
  }

  // Let the upload have the buffer.
  Status SendPart() {
    const std::shared_ptr<PartMemory> memory = TakeBuffer();
    return Send(memory, memory->bytes);
  }

  Status Send(const std::shared_ptr<PartMemory>& memory, std::string_view bytes) {
    const ObjectService::PartLimits limits = service_.part_limits();
    if (parts_ == limits.count_max) {
      return Status::InvalidArgument("put " + location_ +
                                     ": the object is too large for " +
                                     std::to_string(limits.count_max) + " parts");
    }
    FIRN_RETURN_IF_ERROR(uploader_->Add(memory, bytes));
    if (++parts_ % kPartsOfEachSize == 0) {
      part_bytes_ = std::min(part_bytes_ * 2, limits.size_max);
    }
    return {};
  }

  const base::Context& context_;
  ObjectService& service_;
  const std::string location_;
  const NewObject object_;
  const RemoteStoreOptions& options_;
  std::uint64_t part_bytes_;
  int parts_ = 0;
  std::string buffer_;
  std::uint64_t room_bytes_ = 0;  // Reserved for the buffer.
  base::ByteReservation reserved_;
  std::unique_ptr<PartUploader> uploader_;
  bool closed_ = false;
  Status status_;
};

class RemoteStore final : public Store {
 public:
  RemoteStore(RemoteStoreOptions options, ObjectServiceFactory factory,
              const base::Clock& clock)
      : options_(std::move(options)), factory_(std::move(factory)), put_ids_(clock) {}

  Result<std::unique_ptr<ObjectReader>> OpenReader(const base::Context& context,
                                                   const std::string& location,
                                                   const OpenOptions& options) override {
    FIRN_RETURN_IF_ERROR(context.Check());
    FIRN_ASSIGN_OR_RETURN(Place place, Find(location));
    ObjectService& service = *place.service;
    const std::uint64_t size = options.size_bytes.value_or(0);
    if (options.size_bytes.has_value() && (options.tail_bytes == 0 || size == 0)) {
      return std::make_unique<RemoteReader>(context, service, location,
                                            std::move(place.key), size);
    }
    RemoteTail seen;
    if (options.size_bytes.has_value()) {
      seen.bytes.resize(std::min(size, options.tail_bytes));
      FIRN_ASSIGN_OR_RETURN(
          seen.object, service.GetAnyRange(context, place.key, size - seen.bytes.size(),
                                           seen.bytes.size(), seen.bytes.data()));
      FIRN_RETURN_IF_ERROR(CheckSize(location, seen.object.size_bytes, size));
    } else if (options.tail_bytes > 0) {
      FIRN_ASSIGN_OR_RETURN(seen,
                            service.GetTail(context, place.key, options.tail_bytes));
    } else {
      FIRN_ASSIGN_OR_RETURN(seen.object, service.Head(context, place.key));
    }
    return std::make_unique<RemoteReader>(context, service, location, std::move(seen));
  }

  Result<std::unique_ptr<ObjectWriter>> OpenWriter(const base::Context& context,
                                                   const std::string& location,
                                                   const WriteOptions& options) override {
    FIRN_ASSIGN_OR_RETURN(Place place, Find(location));
    return std::unique_ptr<ObjectWriter>(std::make_unique<RemoteWriter>(
        context, *place.service, location,
        NewObject{std::move(place.key), put_ids_.Next().ToString(), options.replace},
        options_));
  }

  Result<std::string> Get(const base::Context& context, const std::string& location,
                          std::uint64_t size_limit_bytes) override {
    FIRN_ASSIGN_OR_RETURN(const Place place, Find(location));
    return place.service->Get(context, place.key, size_limit_bytes);
  }

  Status PutIfAbsent(const base::Context& context, const std::string& location,
                     std::string_view bytes) override {
    FIRN_ASSIGN_OR_RETURN(Place place, Find(location));
    const NewObject object{std::move(place.key), put_ids_.Next().ToString()};
    return PutAndSee(context, *place.service, object, options_.arrival, [&] {
      return WithBucket(context, *place.service, options_.create_buckets,
                        [&] { return place.service->Put(context, object, bytes); });
    });
  }

  Status Remove(const base::Context& context, const std::string& location) override {
    FIRN_ASSIGN_OR_RETURN(const Place place, Find(location));
    return place.service->Delete(context, place.key);
  }

  Status List(const base::Context& context, const std::string& prefix,
              const std::function<Status(const ObjectInfo&)>& visit) override {
    FIRN_ASSIGN_OR_RETURN(const std::string parsed, ParseLocation(prefix));
    const std::string root = options_.scheme + "://";
    const std::string_view rest = std::string_view(parsed).substr(root.size());
    const std::string bucket(rest.substr(0, rest.find('/')));
    FIRN_ASSIGN_OR_RETURN(ObjectService* const service, ServiceOf(bucket));
    std::string key(rest.substr(std::min(rest.size(), bucket.size() + 1)));
    if (!key.empty()) key += '/';
    std::string from;
    do {
      FIRN_RETURN_IF_ERROR(context.Check());
      FIRN_ASSIGN_OR_RETURN(RemotePage page, service->List(context, key, from));
      for (RemoteObject& object : page.objects) {
        if (object.key.ends_with('/')) continue;  // Stands for a directory.
        FIRN_RETURN_IF_ERROR(visit(
            {root + bucket + "/" + object.key, object.size_bytes, object.modified_us}));
      }
      from = std::move(page.next);
    } while (!from.empty());
    return {};
  }

 private:
  struct Place {
    ObjectService* service;
    std::string key;
  };

  // The service of the bucket that `location` names, and the key in it.
  Result<Place> Find(const std::string& location) {
    const std::string root = options_.scheme + "://";
    const std::size_t slash = location.find('/', root.size());
    if (!location.starts_with(root) || slash == std::string::npos ||
        slash + 1 == location.size()) {
      return Status::InvalidArgument("location " + location + ": expected " + root +
                                     "BUCKET/KEY");
    }
    FIRN_ASSIGN_OR_RETURN(ObjectService* const service,
                          ServiceOf(location.substr(root.size(), slash - root.size())));
    return Place{service, location.substr(slash + 1)};
  }

  Result<ObjectService*> ServiceOf(const std::string& bucket) {
    std::lock_guard lock(mutex_);
    std::unique_ptr<ObjectService>& service = services_[bucket];
    if (service == nullptr) {
      Result<std::unique_ptr<ObjectService>> made = factory_(bucket);
      if (!made.ok()) {
        services_.erase(bucket);
        return made.status();
      }
      service = std::move(*made);
    }
    return service.get();
  }

  const RemoteStoreOptions options_;
  const ObjectServiceFactory factory_;
  base::UlidSource put_ids_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<ObjectService>> services_;
};

}  // namespace

std::unique_ptr<Store> MakeRemoteStore(RemoteStoreOptions options,
                                       ObjectServiceFactory factory,
                                       const base::Clock& clock) {
  return std::make_unique<RemoteStore>(std::move(options), std::move(factory), clock);
}

}  // namespace firn::io

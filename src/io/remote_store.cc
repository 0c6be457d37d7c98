// SPDX-License-Identifier: Apache-2.0
#include "io/remote_store.h"

#include <algorithm>
#include <utility>

#include "base/budget.h"
#include "io/part_uploader.h"

namespace firn::io {
namespace {

// Parts grow as the object does, so that small ones begin early and large ones stay
// within the count a store allows: this many of each size.
constexpr int kPartsOfEachSize = 1000;
constexpr std::uint64_t kFirstPartBytes = 8 << 20;

Status CommitUnknown(const Status& why) {
  return Status::CommitUnknown(std::string(why.message()) +
                               "; whether the object was created is not known");
}

class RemoteReader final : public ObjectReader {
 public:
  RemoteReader(const base::Context& context, ObjectService& service, std::string location,
               RemoteObject object)
      : context_(context),
        service_(service),
        location_(std::move(location)),
        object_(std::move(object)) {}

  std::uint64_t size_bytes() const override { return object_.size_bytes; }

  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    if (offset > object_.size_bytes || size > object_.size_bytes - offset) {
      return Status::InvalidArgument("read " + location_ + ": " + std::to_string(size) +
                                     " bytes at " + std::to_string(offset) +
                                     " pass the end at " +
                                     std::to_string(object_.size_bytes));
    }
    if (size == 0) return {};
    return service_.GetRange(context_, object_.key, object_.etag, offset, size, out);
  }

 private:
  const base::Context& context_;
  ObjectService& service_;
  const std::string location_;
  const RemoteObject object_;
};

// Decide, where a name is taken or the answer was lost, whether the object is ours.
Status OutcomeOf(const base::Context& context, ObjectService& service,
                 const std::string& key, const std::string& put_id,
                 const PutResult& result) {
  if (result.outcome == PutOutcome::kDone) return {};
  if (result.outcome == PutOutcome::kTaken && !result.earlier_may_have_arrived) {
    return result.status;
  }
  const Result<RemoteObject> there = service.Head(context, key);
  if (there.ok() && there->put_id == put_id) return {};
  if (result.outcome == PutOutcome::kTaken) {
    return there.ok() ? result.status : CommitUnknown(result.status);
  }
  // Another's object has the name, so ours cannot come any more.
  if (there.ok()) {
    return Status::AlreadyExists("put " + key + ": the name is taken by another object");
  }
  return CommitUnknown(result.status);
}

class RemoteWriter final : public ObjectWriter {
 public:
  RemoteWriter(const base::Context& context, ObjectService& service, std::string location,
               std::string key, std::string put_id, const RemoteStoreOptions& options)
      : context_(context),
        service_(service),
        location_(std::move(location)),
        key_(std::move(key)),
        put_id_(std::move(put_id)),
        options_(options),
        part_bytes_(std::max(kFirstPartBytes, service.part_limits().size_min)) {}

  Status Append(std::string_view bytes) override {
    if (closed_)
      return Status::InvalidArgument("append to " + location_ + ": it is closed");
    FIRN_RETURN_IF_ERROR(status_);
    status_ = Take(bytes);
    if (!status_.ok()) {
      uploader_.reset();
      buffer_ = {};
    }
    return status_;
  }

  Status Close() override {
    if (closed_) return Status::InvalidArgument("close " + location_ + ": it is closed");
    closed_ = true;
    FIRN_RETURN_IF_ERROR(status_);
    Result<PutResult> result = PutResult();
    if (uploader_ == nullptr) {
      result = service_.PutIfAbsent(context_, key_, buffer_, put_id_);
    } else {
      if (!buffer_.empty()) FIRN_RETURN_IF_ERROR(SendPart());
      result = uploader_->Complete();
    }
    uploader_.reset();
    buffer_ = {};
    if (!result.ok()) return result.status();
    return OutcomeOf(context_, service_, key_, put_id_, *result);
  }

 private:
  Status Take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::uint64_t bound =
          uploader_ == nullptr ? options_.multipart_threshold_bytes : part_bytes_;
      const std::uint64_t room = bound - std::min<std::uint64_t>(bound, buffer_.size());
      const std::string_view piece = bytes.substr(0, room);
      buffer_ += piece;
      bytes.remove_prefix(piece.size());
      // Full, and more is to come: what is whole at Close() was not too long for a put.
      if (bytes.empty()) break;
      FIRN_RETURN_IF_ERROR(uploader_ == nullptr ? StartUpload() : SendPart());
    }
    return context_.Check();
  }

  // Begin the upload, and let it have all full parts of what came so far.
  Status StartUpload() {
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<MultipartUpload> upload,
                          service_.StartUpload(context_, key_, put_id_));
    uploader_ = std::make_unique<PartUploader>(context_, std::move(upload),
                                               options_.upload_concurrency);
    const std::string all = std::exchange(buffer_, {});
    std::size_t offset = 0;
    while (all.size() - offset >= part_bytes_) {
      buffer_ = all.substr(offset, part_bytes_);
      offset += part_bytes_;
      FIRN_RETURN_IF_ERROR(SendPart());
    }
    buffer_ = all.substr(offset);
    return {};
  }

  // Let the upload have the buffer.
  Status SendPart() {
    const ObjectService::PartLimits limits = service_.part_limits();
    if (parts_ == limits.count_max) {
      return Status::InvalidArgument("put " + location_ +
                                     ": the object is too large for " +
                                     std::to_string(limits.count_max) + " parts");
    }
    FIRN_RETURN_IF_ERROR(uploader_->Add(std::exchange(buffer_, {})));
    if (++parts_ % kPartsOfEachSize == 0) {
      part_bytes_ = std::min(part_bytes_ * 2, limits.size_max);
    }
    return {};
  }

  const base::Context& context_;
  ObjectService& service_;
  const std::string location_;
  const std::string key_;
  const std::string put_id_;
  const RemoteStoreOptions& options_;
  std::uint64_t part_bytes_;
  int parts_ = 0;
  std::string buffer_;
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
                                                   const std::string& location) override {
    FIRN_ASSIGN_OR_RETURN(const Place place, Find(location));
    FIRN_ASSIGN_OR_RETURN(RemoteObject object, place.service->Head(context, place.key));
    return std::unique_ptr<ObjectReader>(std::make_unique<RemoteReader>(
        context, *place.service, location, std::move(object)));
  }

  Result<std::unique_ptr<ObjectWriter>> OpenWriter(const base::Context& context,
                                                   const std::string& location) override {
    FIRN_ASSIGN_OR_RETURN(Place place, Find(location));
    return std::unique_ptr<ObjectWriter>(std::make_unique<RemoteWriter>(
        context, *place.service, location, std::move(place.key),
        put_ids_.Next().ToString(), options_));
  }

  Result<std::string> Get(const base::Context& context, const std::string& location,
                          std::uint64_t size_limit_bytes) override {
    FIRN_ASSIGN_OR_RETURN(const Place place, Find(location));
    return place.service->Get(context, place.key, size_limit_bytes);
  }

  Status PutIfAbsent(const base::Context& context, const std::string& location,
                     std::string_view bytes) override {
    FIRN_ASSIGN_OR_RETURN(const Place place, Find(location));
    const std::string put_id = put_ids_.Next().ToString();
    FIRN_ASSIGN_OR_RETURN(const PutResult result,
                          place.service->PutIfAbsent(context, place.key, bytes, put_id));
    return OutcomeOf(context, *place.service, place.key, put_id, result);
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

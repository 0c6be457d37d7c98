// SPDX-License-Identifier: Apache-2.0
#include "io/memory_store.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace firn::io {
namespace {

// The form under which an object is kept: any scheme is served, but two spellings of one
// local file are one object.
Result<std::string> KeyOf(const std::string& location) {
  const std::size_t colon = location.find("://");
  if (colon != std::string::npos && colon > 0 && !location.starts_with("file:")) {
    return location;
  }
  FIRN_ASSIGN_OR_RETURN(const std::string path, LocalPath(location));
  return "file://" + path;
}

}  // namespace

struct MemoryStore::State {
  struct Object {
    std::shared_ptr<const std::string> bytes;
    TimestampUs modified_us = 0;
    std::string identity;
  };

  explicit State(const base::Clock& clock_in) : clock(clock_in) {}

  // Ask the hook without the lock: it may use the store itself. It is one hook, whose
  // state is kept from call to call.
  Fault Ask(StoreOperation::Kind kind, const std::string& location) {
    std::shared_ptr<FaultHook> current;
    {
      std::lock_guard lock(mutex);
      current = hook;
    }
    return current != nullptr ? (*current)({kind, location}) : Fault{};
  }

  Status Create(const std::string& key, std::string bytes, bool replace = false) {
    auto stored = std::make_shared<const std::string>(std::move(bytes));
    std::lock_guard lock(mutex);
    if (!replace && objects.contains(key)) {
      return Status::AlreadyExists("create " + key + ": File exists");
    }
    objects[key] = {std::move(stored), clock.NowUs(), std::to_string(++created_count)};
    return {};
  }

  Result<Object> Find(const std::string& key) {
    std::lock_guard lock(mutex);
    const auto at = objects.find(key);
    if (at == objects.end()) return Status::NotFound("open " + key + ": no such object");
    return at->second;
  }

  const base::Clock& clock;
  std::mutex mutex;
  std::map<std::string, Object> objects;
  std::uint64_t created_count = 0;
  std::shared_ptr<FaultHook> hook;
};

namespace {

using Kind = StoreOperation::Kind;

}  // namespace

// Reads go through the hook one by one, as requests to a real store would.
class MemoryReader final : public ObjectReader {
 public:
  using Ask = std::function<MemoryStore::Fault()>;
  using Bytes = std::shared_ptr<const std::string>;
  // What finds the object at the first read, of which the size is known.
  using Find = std::function<Result<Bytes>()>;
  MemoryReader(Ask ask, Find find, std::string location, std::uint64_t size_bytes)
      : ask_(std::move(ask)),
        find_(std::move(find)),
        location_(std::move(location)),
        size_bytes_(size_bytes) {}
  MemoryReader(Ask ask, std::string location, Bytes bytes, std::string identity,
               std::uint64_t tail_bytes)
      : ask_(std::move(ask)),
        location_(std::move(location)),
        size_bytes_(bytes->size()),
        identity_(std::move(identity)),
        tail_bytes_(std::min<std::uint64_t>(tail_bytes, bytes->size())),
        open_requests_(1),
        bytes_(std::move(bytes)) {}

  std::uint64_t size_bytes() const override { return size_bytes_; }
  std::string identity() const override { return identity_; }
  std::uint64_t tail_bytes() const override { return tail_bytes_; }
  std::int64_t open_requests() const override { return open_requests_; }

  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    if (offset > size_bytes_ || size > size_bytes_ - offset) {
      return Status::InvalidArgument("read " + location_ + ": " + std::to_string(size) +
                                     " bytes at " + std::to_string(offset) +
                                     " pass the end at " + std::to_string(size_bytes_));
    }
    if (offset < size_bytes_ - tail_bytes_ || tail_bytes_ == 0) {
      FIRN_RETURN_IF_ERROR(ask_().status);
    }
    FIRN_ASSIGN_OR_RETURN(const Bytes bytes, Whole());
    if (size > 0) std::memcpy(out, bytes->data() + offset, size);
    return {};
  }

 private:
  Result<Bytes> Whole() {
    std::lock_guard lock(mutex_);
    if (bytes_ != nullptr) return bytes_;
    FIRN_ASSIGN_OR_RETURN(Bytes bytes, find_());
    if (bytes->size() != size_bytes_) {
      return Status::Conflict("read " + location_ + ": the object has " +
                              std::to_string(bytes->size()) + " bytes where " +
                              std::to_string(size_bytes_) +
                              " were expected: it is another one");
    }
    bytes_ = std::move(bytes);
    return bytes_;
  }

  const Ask ask_;
  const Find find_;
  const std::string location_;
  const std::uint64_t size_bytes_;
  const std::string identity_;
  const std::uint64_t tail_bytes_ = 0;
  const std::int64_t open_requests_ = 0;
  std::mutex mutex_;
  Bytes bytes_;  // Null until found.
};

class MemoryWriter final : public ObjectWriter {
 public:
  using Ask = std::function<MemoryStore::Fault()>;
  using Create = std::function<Status(std::string)>;
  MemoryWriter(Ask ask, Create create, std::string location)
      : ask_(std::move(ask)),
        create_(std::move(create)),
        location_(std::move(location)) {}

  Status Append(std::string_view bytes) override {
    FIRN_RETURN_IF_ERROR(failed_);
    if (closed_) return Status::InvalidArgument("append " + location_ + ": closed");
    failed_ = ask_().status;
    if (failed_.ok()) bytes_.append(bytes);
    return failed_;
  }

  Status Close() override {
    FIRN_RETURN_IF_ERROR(failed_);
    if (closed_) return Status::InvalidArgument("close " + location_ + ": closed");
    closed_ = true;
    const MemoryStore::Fault fault = ask_();
    Status created;
    if (fault.status.ok() || fault.happens_anyway) created = create_(std::move(bytes_));
    failed_ = fault.status.ok() ? created : fault.status;
    return failed_;
  }

 private:
  const Ask ask_;
  const Create create_;
  const std::string location_;
  std::string bytes_;
  bool closed_ = false;
  Status failed_;
};

MemoryStore::MemoryStore(const base::Clock& clock)
    : state_(std::make_shared<State>(clock)) {}

MemoryStore::~MemoryStore() = default;

void MemoryStore::SetFaultHook(FaultHook hook) {
  auto shared = hook ? std::make_shared<FaultHook>(std::move(hook)) : nullptr;
  std::lock_guard lock(state_->mutex);
  state_->hook = std::move(shared);
}

Result<std::unique_ptr<ObjectReader>> MemoryStore::OpenReader(
    const base::Context& context, const std::string& location,
    const OpenOptions& options) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(const std::string key, KeyOf(location));
  auto ask = [state = state_, location] { return state->Ask(Kind::kRead, location); };
  if (options.size_bytes.has_value() && options.tail_bytes == 0) {
    auto find = [state = state_, key]() -> Result<MemoryReader::Bytes> {
      FIRN_ASSIGN_OR_RETURN(State::Object object, state->Find(key));
      return std::move(object.bytes);
    };
    return std::make_unique<MemoryReader>(std::move(ask), std::move(find), location,
                                          *options.size_bytes);
  }
  FIRN_RETURN_IF_ERROR(state_->Ask(Kind::kRead, location).status);
  FIRN_ASSIGN_OR_RETURN(State::Object object, state_->Find(key));
  if (object.bytes->size() != options.size_bytes.value_or(object.bytes->size())) {
    return Status::Conflict("open " + location + ": the object is another one");
  }
  return std::make_unique<MemoryReader>(std::move(ask), location, std::move(object.bytes),
                                        std::move(object.identity), options.tail_bytes);
}

Result<std::unique_ptr<ObjectWriter>> MemoryStore::OpenWriter(
    const base::Context& context, const std::string& location,
    const WriteOptions& options) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(const std::string key, KeyOf(location));
  auto ask = [state = state_, location] { return state->Ask(Kind::kWrite, location); };
  auto create = [state = state_, key, replace = options.replace](std::string bytes) {
    return state->Create(key, std::move(bytes), replace);
  };
  return std::make_unique<MemoryWriter>(std::move(ask), std::move(create), location);
}

Result<std::string> MemoryStore::Get(const base::Context& context,
                                     const std::string& location,
                                     std::uint64_t size_limit_bytes) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(const std::string key, KeyOf(location));
  FIRN_RETURN_IF_ERROR(state_->Ask(Kind::kRead, location).status);
  FIRN_ASSIGN_OR_RETURN(const State::Object object, state_->Find(key));
  const std::string* const bytes = object.bytes.get();
  if (bytes->size() > size_limit_bytes) {
    return Status::ResourceExhausted(
        "read " + location + ": " + std::to_string(bytes->size()) +
        " bytes exceed the limit of " + std::to_string(size_limit_bytes));
  }
  return *bytes;
}

Status MemoryStore::PutIfAbsent(const base::Context& context, const std::string& location,
                                std::string_view bytes) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(const std::string key, KeyOf(location));
  const Fault fault = state_->Ask(Kind::kPutIfAbsent, location);
  if (!fault.status.ok() && !fault.happens_anyway) return fault.status;
  const Status created = state_->Create(key, std::string(bytes));
  return fault.status.ok() ? created : fault.status;
}

Status MemoryStore::Remove(const base::Context& context, const std::string& location) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(const std::string key, KeyOf(location));
  const Fault fault = state_->Ask(Kind::kRemove, location);
  if (!fault.status.ok() && !fault.happens_anyway) return fault.status;
  std::lock_guard lock(state_->mutex);
  state_->objects.erase(key);
  return fault.status;
}

Status MemoryStore::List(const base::Context& context, const std::string& prefix,
                         const std::function<Status(const ObjectInfo&)>& visit) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(const std::string key, KeyOf(prefix));
  FIRN_RETURN_IF_ERROR(state_->Ask(Kind::kList, prefix).status);
  const std::string below = JoinLocation(key, "");
  std::vector<ObjectInfo> found;
  {
    std::lock_guard lock(state_->mutex);
    for (auto at = state_->objects.lower_bound(below);
         at != state_->objects.end() && at->first.starts_with(below); ++at) {
      const State::Object& object = at->second;
      found.push_back({at->first, object.bytes->size(), object.modified_us});
    }
  }
  for (const ObjectInfo& info : found) {
    FIRN_RETURN_IF_ERROR(context.Check());
    FIRN_RETURN_IF_ERROR(visit(info));
  }
  return {};
}

}  // namespace firn::io

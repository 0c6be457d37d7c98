// SPDX-License-Identifier: Apache-2.0
// memory_store.h: a store in memory for tests, with faults. Serves every scheme.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "io/store.h"

namespace firn::io {

struct StoreOperation {
  enum class Kind : std::uint8_t { kRead, kWrite, kPutIfAbsent, kRemove, kList };
  Kind kind;
  std::string location;
};

// Thread-safe. Objects are durable once visible, so a power cut loses only objects whose
// writer was not closed. A hook sees each request, as a store elsewhere would: kRead for
// Get, for an OpenReader that is not told the size or fetches the end, and for a ReadAt
// beyond what was fetched; kWrite for each Append and for Close of a writer, and one for
// each other call.
class MemoryStore final : public Store {
 public:
  // What a hook may do to an operation: let it be, fail it before it happens, or let it
  // happen and report an error all the same (the unknown outcome).
  struct Fault {
    Status status;  // OK lets the operation be.
    bool happens_anyway = false;
  };
  using FaultHook = std::function<Fault(const StoreOperation&)>;

  explicit MemoryStore(const base::Clock& clock);
  ~MemoryStore() override;
  void SetFaultHook(FaultHook hook);

  Result<std::unique_ptr<ObjectReader>> OpenReader(
      const base::Context& context, const std::string& location,
      const OpenOptions& options = {}) override;
  Result<std::unique_ptr<ObjectWriter>> OpenWriter(
      const base::Context& context, const std::string& location,
      const WriteOptions& options = {}) override;
  Result<std::string> Get(const base::Context& context, const std::string& location,
                          std::uint64_t size_limit_bytes) override;
  Status PutIfAbsent(const base::Context& context, const std::string& location,
                     std::string_view bytes) override;
  Status Remove(const base::Context& context, const std::string& location) override;
  Status List(const base::Context& context, const std::string& prefix,
              const std::function<Status(const ObjectInfo&)>& visit) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace firn::io

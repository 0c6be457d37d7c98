// SPDX-License-Identifier: Apache-2.0
#include "parquet/parallel_stream.h"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/record_batch.h"
#include "arrow/util/byte_size.h"

#include "base/assert.h"
#include "parquet/row_stream.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

// Unordered, a row group's batches are taken as they come, so a few suffice for both
// sides to go on. Ordered, a row group waits for those before it: what it may hold until
// then is half of a large one, which is enough for two threads to be busy all the time.
constexpr std::size_t kUnorderedBatches = 4;
constexpr std::int64_t kOrderedBytes = 64 << 20;

class ParallelStream final : public scan::BatchStream {
 public:
  ParallelStream(const base::Context& context, std::shared_ptr<io::ObjectReader> object,
                 std::string location, ScanShape shape, FilePlan plan,
                 ParallelOptions options)
      : context_(context),
        object_(std::move(object)),
        location_(std::move(location)),
        shape_(std::move(shape)),
        plan_(std::move(plan)),
        options_(options),
        read_ahead_(ReadAheadOf(shape_.options)) {
    FIRN_ASSERT(options.threads > 0);
  }
  ~ParallelStream() override { Stop(); }

  const std::shared_ptr<arrow::Schema>& schema() const override { return shape_.schema; }

  Result<BatchPtr> Next() override {
    if (finished_) return BatchPtr();
    Start();
    const Status going_on = context_.Check().With(location_);
    Result<BatchPtr> next = going_on.ok() ? Take() : Result<BatchPtr>(going_on);
    if (!next.ok() || *next == nullptr) {
      finished_ = true;
      Stop();
    }
    return next;
  }

  scan::ScanStats stats() const override {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  struct Held {
    BatchPtr batch;
    std::int64_t bytes = 0;
  };
  struct Slot {
    std::deque<Held> batches;
    std::int64_t bytes = 0;  // Of them.
    bool ended = false;
    Status status;  // Of the end.
  };
  using Slots = std::map<std::size_t, Slot>;  // By place in the plan.

  void Start() {
    if (!threads_.empty()) return;
    const std::size_t count = std::min<std::size_t>(
        static_cast<std::size_t>(options_.threads), plan_.row_groups.size());
    for (std::size_t i = 0; i < count; ++i) {
      threads_.emplace_back([this] { Work(); });
    }
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (std::jthread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
    slots_.clear();
  }

  // The slot to take from, or none where one has to wait.
  Slots::iterator Ready() {
    for (auto slot = slots_.begin(); slot != slots_.end(); ++slot) {
      if (!slot->second.batches.empty() || slot->second.ended) return slot;
      if (options_.ordered) break;
    }
    return slots_.end();
  }

  Result<BatchPtr> Take() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (slots_.empty() && next_ == plan_.row_groups.size()) return BatchPtr();
      const auto slot = Ready();
      if (slot == slots_.end()) {
        ready_.wait(lock);
        continue;
      }
      if (!slot->second.batches.empty()) {
        Held held = std::move(slot->second.batches.front());
        slot->second.batches.pop_front();
        slot->second.bytes -= held.bytes;
        stats_.rows += held.batch->num_rows();
        room_.notify_all();
        return std::move(held.batch);
      }
      FIRN_RETURN_IF_ERROR(slot->second.status);
      slots_.erase(slot);
      room_.notify_all();
    }
  }

  // Whether no row group is left to claim. REQUIRES: the mutex is held.
  bool no_more() const { return stop_ || failed_ || next_ == plan_.row_groups.size(); }

  // A thread's life.
  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      room_.wait(lock, [this] {
        return no_more() || slots_.size() <= static_cast<std::size_t>(options_.threads);
      });
      if (no_more()) return;
      const std::size_t place = next_++;
      Slot& slot = slots_[place];  // Stays where it is while others come and go.
      ++stats_.row_groups_read;
      lock.unlock();
      const Status status =
          Guard(location_, [&] { return Decode(plan_.row_groups[place], slot); });
      lock.lock();
      slot.ended = true;
      slot.status = status;
      // What comes after an error will not be asked for; what comes before it will.
      if (!status.ok()) failed_ = true;
      ready_.notify_all();
      room_.notify_all();
    }
  }

  Status Decode(const RowGroupPlan& plan, Slot& slot) {
    FIRN_ASSIGN_OR_RETURN(const auto scan, RowGroupScan::Open(context_, shape_, *object_,
                                                              plan, read_ahead_));
    scan::ScanStats counted;
    while (true) {
      auto next = scan->Next();
      std::unique_lock lock(mutex_);
      CountSince(*scan, counted);
      FIRN_RETURN_IF_ERROR(next.status());
      if (*next == nullptr || stop_) return Status::OK();
      const std::int64_t bytes = arrow::util::TotalBufferSize(**next);
      slot.batches.push_back({std::move(next).value(), bytes});
      slot.bytes += bytes;
      ready_.notify_all();
      room_.wait(lock, [&] { return stop_ || HasRoom(slot); });
    }
  }

  bool HasRoom(const Slot& slot) const {
    return options_.ordered ? slot.bytes < kOrderedBytes
                            : slot.batches.size() < kUnorderedBatches;
  }

  // Add what `scan` has done beyond `counted`. REQUIRES: the mutex is held.
  void CountSince(const RowGroupScan& scan, scan::ScanStats& counted) {
    scan::ScanStats now;
    CountScan(scan, now);
    stats_.pages_pruned += now.pages_pruned - counted.pages_pruned;
    stats_.bytes_read += now.bytes_read - counted.bytes_read;
    stats_.requests += now.requests - counted.requests;
    counted = now;
  }

  const base::Context& context_;
  const std::shared_ptr<io::ObjectReader> object_;
  const std::string location_;
  const ScanShape shape_;
  const FilePlan plan_;
  const ParallelOptions options_;
  const ReadAhead read_ahead_;

  mutable std::mutex mutex_;
  std::condition_variable ready_;  // A batch, or the end of a slot.
  std::condition_variable room_;   // A slot went, or a batch of one; or the stream ends.
  bool stop_ = false;              // Nobody takes batches any more.
  bool failed_ = false;            // A slot has ended in an error.
  std::size_t next_ = 0;           // The row group that is claimed next.
  Slots slots_;
  scan::ScanStats stats_;

  bool finished_ = false;
  std::vector<std::jthread> threads_;  // Last: they use all of the above.
};

}  // namespace

std::unique_ptr<scan::BatchStream> MakeParallelStream(
    const base::Context& context, std::shared_ptr<io::ObjectReader> object,
    std::string location, ScanShape shape, FilePlan plan, ParallelOptions options) {
  return std::make_unique<ParallelStream>(context, std::move(object), std::move(location),
                                          std::move(shape), std::move(plan), options);
}

}  // namespace firn::parquet

// SPDX-License-Identifier: Apache-2.0
#include "io/part_uploader.h"

#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace firn::io {

PartUploader::PartUploader(const base::Context& context,
                           std::unique_ptr<MultipartUpload> upload, int concurrency)
    : context_(context), upload_(std::move(upload)), concurrency_(concurrency) {
  FIRN_ASSERT(concurrency >= 1);
}

PartUploader::~PartUploader() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  threads_.clear();  // Joins.
  if (!ended_) Abort();
}

void PartUploader::SendParts() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Part part = std::move(waiting_.front());
    waiting_.pop_front();
    if (status_.ok()) {
      lock.unlock();
      const Status sent = upload_->PutPart(context_, part.number, part.bytes);
      lock.lock();
      if (status_.ok()) status_ = sent;
    }
    part.memory.reset();  // Whoever waits for a part waits for its memory.
    --under_way_;
    changed_.notify_all();
  }
}

Status PartUploader::Add(std::shared_ptr<const PartMemory> memory,
                         std::string_view bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return under_way_ < concurrency_ || !status_.ok(); });
  FIRN_RETURN_IF_ERROR(status_);
  ++under_way_;
  waiting_.push_back({++part_count_, std::move(memory), bytes});
  if (static_cast<int>(threads_.size()) < under_way_) {
    threads_.emplace_back([this] { SendParts(); });
  }
  changed_.notify_all();
  return {};
}

bool PartUploader::WaitForOne() {
  std::unique_lock lock(mutex_);
  const int before = under_way_;
  if (before == 0) return false;
  changed_.wait(lock, [&] { return under_way_ < before; });
  return true;
}

Status PartUploader::WaitForAll() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return under_way_ == 0; });
  return status_;
}

Result<PutResult> PartUploader::Complete() {
  FIRN_RETURN_IF_ERROR(WaitForAll());
  FIRN_ASSIGN_OR_RETURN(PutResult result, upload_->Complete(context_, part_count_));
  // Taken may be our own doing, and the upload then gone: to give it up harms nothing.
  if (result.outcome == PutOutcome::kTaken) Abort();
  ended_ = true;
  return result;
}

void PartUploader::Abort() {
  ended_ = true;
  // The work may have been cancelled; what it left is cleared away all the same.
  const base::Context own;
  const Status aborted = upload_->Abort(own);
  if (!aborted.ok()) {
    base::LogWarn("an upload could not be given up",
                  {{"why", std::string(aborted.message())}});
  }
}

}  // namespace firn::io

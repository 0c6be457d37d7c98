// SPDX-License-Identifier: Apache-2.0
// part_uploader.h: sends the parts of one upload side by side. Internal to this room.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/budget.h"
#include "base/context.h"
#include "firn/status.h"
#include "io/object_service.h"

namespace firn::io {

// Memory that parts lie in; freed, and given back to its budget, with the last of them.
struct PartMemory {
  std::string bytes;
  base::ByteReservation reserved;
};

// Holds at most `concurrency` parts: Add() waits where all are under way. Threads are
// begun as parts come. Thread-compatible.
class PartUploader {
 public:
  // `context` must outlive it. REQUIRES: concurrency >= 1.
  PartUploader(const base::Context& context, std::unique_ptr<MultipartUpload> upload,
               int concurrency);
  // Waits for what is under way; gives the upload up where Complete did not end well.
  ~PartUploader();
  PartUploader(const PartUploader&) = delete;
  PartUploader& operator=(const PartUploader&) = delete;

  // Send the next part: `bytes` of `memory`, which must not change any more. The first
  // error of any part is returned from then on.
  Status Add(std::shared_ptr<const PartMemory> memory, std::string_view bytes);
  // Wait until one of the parts under way has ended; false where there is none.
  bool WaitForOne();
  // Wait for the parts, and make the object of them. The upload is given up where its
  // name is taken; where the outcome is unknown it is left alone.
  Result<PutResult> Complete();

 private:
  struct Part {
    int number;
    std::shared_ptr<const PartMemory> memory;
    std::string_view bytes;
  };
  void SendParts();
  Status WaitForAll();
  void Abort();

  const base::Context& context_;
  const std::unique_ptr<MultipartUpload> upload_;
  const int concurrency_;
  bool ended_ = false;  // Nothing is left to give up.
  int part_count_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> waiting_;
  int under_way_ = 0;
  bool stopping_ = false;
  Status status_;
  std::vector<std::jthread> threads_;
};

}  // namespace firn::io

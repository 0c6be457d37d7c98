// SPDX-License-Identifier: Apache-2.0
// cancel_on_signal.h: while it lives, Ctrl-C cancels a context instead of ending the
// process, so that what was begun is given up and nothing of it stays.
#pragma once

#include "cli/program.h"

#include "base/context.h"

namespace firn::cli {

// One at a time. Both must outlive it.
class CancelOnSignalScope {
 public:
  CancelOnSignalScope(const World& world, const base::Context& context) : world_(world) {
    if (world_.cancel_on_signal) world_.cancel_on_signal(&context);
  }
  ~CancelOnSignalScope() {
    if (world_.cancel_on_signal) world_.cancel_on_signal(nullptr);
  }
  CancelOnSignalScope(const CancelOnSignalScope&) = delete;
  CancelOnSignalScope& operator=(const CancelOnSignalScope&) = delete;

 private:
  const World& world_;
};

}  // namespace firn::cli

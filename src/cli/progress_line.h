// SPDX-License-Identifier: Apache-2.0
// progress_line.h: how far long work is, for a person who waits.
#pragma once

#include <ostream>
#include <string>

#include "cli/program.h"

namespace firn::cli {

// The share that is done, rewritten in place while it changes. Nothing where standard
// error is no terminal.
class ProgressLine {
 public:
  ProgressLine(World& world, const CommonFlags& common)
      : world_(world), shown_(world.err_is_terminal && !common.quiet) {}
  ~ProgressLine() { Clear(); }

  void Show(const std::string& file, double share) {
    const int percent = static_cast<int>(share * 100);
    if (!shown_ || percent == percent_) return;
    percent_ = percent;
    world_.err << "\r\x1b[K" << percent << " % of " << file << std::flush;
  }
  void Clear() {
    if (percent_ >= 0) world_.err << "\r\x1b[K" << std::flush;
    percent_ = -1;
  }

 private:
  World& world_;
  const bool shown_;
  int percent_ = -1;
};

}  // namespace firn::cli

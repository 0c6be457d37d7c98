// SPDX-License-Identifier: Apache-2.0
// progress_line.h: how far a file is, in percent.
#pragma once

#include <string>

#include "cli/status_line.h"

namespace firn::cli {

// The share that is done, shown anew when it changes.
class ProgressLine {
 public:
  ProgressLine(World& world, const CommonFlags& common) : line_(world, common) {}

  void Show(const std::string& file, double share) {
    const int percent = static_cast<int>(share * 100);
    if (percent == percent_) return;
    percent_ = percent;
    line_.Show(std::to_string(percent) + " % of " + file);
  }
  void Clear() {
    line_.Clear();
    percent_ = -1;
  }

 private:
  StatusLine line_;
  int percent_ = -1;
};

}  // namespace firn::cli

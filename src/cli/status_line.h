// SPDX-License-Identifier: Apache-2.0
// status_line.h: how far long work is, for a person who waits.
#pragma once

#include <ostream>
#include <string_view>

#include "cli/program.h"

namespace firn::cli {

// One line, rewritten in place, and gone in the end. Nothing where standard error is no
// terminal.
class StatusLine {
 public:
  StatusLine(World& world, const CommonFlags& common)
      : world_(world), shown_(world.err_is_terminal && !common.quiet) {}
  ~StatusLine() { Clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void Show(std::string_view text) {
    if (!shown_) return;
    drawn_ = true;
    world_.err << "\r\x1b[K" << text << std::flush;
  }
  void Clear() {
    if (drawn_) world_.err << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }

 private:
  World& world_;
  const bool shown_;
  bool drawn_ = false;
};

}  // namespace firn::cli

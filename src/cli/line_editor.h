// SPDX-License-Identifier: Apache-2.0
// line_editor.h: reads lines from a terminal, with editing and a history that is kept in
// $XDG_STATE_HOME/firn/sql_history (~/.local/state by default).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/config_load.h"

namespace firn::cli {

// Thread-compatible; at most one at a time, since libedit asks for the prompt by a
// function without a place for state.
class LineEditor {
 public:
  explicit LineEditor(const EnvironmentLookup& environment);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // A line with its newline; nullopt at the end of input.
  std::optional<std::string> ReadLine(const std::string& prompt);
  // Keep a statement in the history.
  void Remember(const std::string& statement);

 private:
  struct Libedit;
  std::unique_ptr<Libedit> libedit_;
  std::string history_file_;  // Empty: history is not kept.
};

}  // namespace firn::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/line_editor.h"

#include <histedit.h>

#include <cstdio>
#include <filesystem>

namespace firn::cli {
namespace {

constexpr int kHistoryMax = 1000;

std::string& Prompt() {
  static std::string prompt;
  return prompt;
}

char* PromptForLibedit(EditLine*) { return Prompt().data(); }

// The history's file, its directory made; "" where there is no place for it.
std::string HistoryFile(const EnvironmentLookup& environment) {
  std::string state = environment("XDG_STATE_HOME").value_or("");
  if (state.empty()) {
    const std::string home = environment("HOME").value_or("");
    if (home.empty()) return {};
    state = home + "/.local/state";
  }
  std::error_code error;
  std::filesystem::create_directories(state + "/firn", error);
  return error ? std::string() : state + "/firn/sql_history";
}

}  // namespace

struct LineEditor::Libedit {
  EditLine* editor = el_init("firn", stdin, stdout, stderr);
  History* history = history_init();
  HistEvent event{};
};

LineEditor::LineEditor(const EnvironmentLookup& environment)
    : libedit_(std::make_unique<Libedit>()), history_file_(HistoryFile(environment)) {
  Libedit& edit = *libedit_;
  history(edit.history, &edit.event, H_SETSIZE, kHistoryMax);
  history(edit.history, &edit.event, H_SETUNIQUE, 1);
  if (!history_file_.empty()) {
    history(edit.history, &edit.event, H_LOAD, history_file_.c_str());
  }
  el_set(edit.editor, EL_PROMPT, &PromptForLibedit);
  el_set(edit.editor, EL_EDITOR, "emacs");
  el_set(edit.editor, EL_SIGNAL, 1);
  el_set(edit.editor, EL_HIST, history, edit.history);
  el_source(edit.editor, nullptr);
}

LineEditor::~LineEditor() {
  if (!history_file_.empty()) {
    history(libedit_->history, &libedit_->event, H_SAVE, history_file_.c_str());
  }
  history_end(libedit_->history);
  el_end(libedit_->editor);
}

std::optional<std::string> LineEditor::ReadLine(const std::string& prompt) {
  Prompt() = prompt;
  int size = 0;
  const char* line = el_gets(libedit_->editor, &size);
  if (line == nullptr || size <= 0) return std::nullopt;
  return std::string(line, static_cast<std::size_t>(size));
}

void LineEditor::Remember(const std::string& statement) {
  history(libedit_->history, &libedit_->event, H_ENTER, (statement + ";").c_str());
}

}  // namespace firn::cli

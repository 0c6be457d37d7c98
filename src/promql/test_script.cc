// SPDX-License-Identifier: Apache-2.0
#include "promql/test_script.h"

#include <array>
#include <utility>

#include "base/duration.h"
#include "base/quote.h"
#include "promql/literal.h"

namespace firn::promql {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The first word of `*text`, which is cut off with the space after it.
std::string_view TakeWord(std::string_view* text) {
  const std::size_t end = text->find_first_of(" \t");
  const std::string_view word = text->substr(0, end);
  *text = end == std::string_view::npos ? std::string_view() : Trim(text->substr(end));
  return word;
}

// Lines without surrounding space; comments become empty lines, which end a block.
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = Trim(text.substr(0, end));
    if (line.starts_with('#')) line = {};
    lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

class ScriptReader {
 public:
  explicit ScriptReader(std::string_view text) : lines_(Lines(text)) {}

  Result<std::vector<Command>> Read() {
    std::vector<Command> commands;
    for (; next_ < lines_.size(); ++next_) {
      std::string_view rest = lines_[next_];
      if (rest.empty()) continue;
      Command command;
      command.line = static_cast<int>(next_) + 1;
      const std::string_view word = TakeWord(&rest);
      if (word == "clear") {
        command.action = ClearCommand{};
      } else if (word == "load" || word == "load_with_nhcb") {
        FIRN_ASSIGN_OR_RETURN(command.action, ReadLoad(word, rest));
      } else if (word == "eval" || word.starts_with("eval_")) {
        FIRN_ASSIGN_OR_RETURN(command.action, ReadEval(word, rest));
      } else {
        return Error("invalid command " + base::Quoted(lines_[next_]));
      }
      commands.push_back(std::move(command));
    }
    return commands;
  }

 private:
  Status Error(std::string_view what) const {
    return Status::InvalidArgument("line " + std::to_string(next_ + 1) + ": " +
                                   std::string(what));
  }

  // Move to the next line of the block; false at its end.
  bool NextInBlock() {
    if (next_ + 1 >= lines_.size() || lines_[next_ + 1].empty()) return false;
    ++next_;
    return true;
  }

  Result<LoadCommand> ReadLoad(std::string_view word, std::string_view rest) {
    LoadCommand load;
    load.with_nhcb = word == "load_with_nhcb";
    const Result<DurationMs> step = base::ParseDuration(rest);
    if (!step.ok()) return Error(step.status().message());
    load.step_ms = *step;
    while (NextInBlock()) {
      Result<SeriesDescription> series = ParseSeriesDescription(lines_[next_]);
      if (!series.ok()) return Error(series.status().message());
      load.series.push_back(std::move(*series));
    }
    return load;
  }

  Result<DurationMs> TakeTime(std::string_view keyword, std::string_view* rest) const {
    if (TakeWord(rest) != keyword) {
      return Error("expected " + base::Quoted(keyword) + " in eval");
    }
    const Result<DurationMs> time = base::ParseDuration(TakeWord(rest));
    if (!time.ok()) return Error(time.status().message());
    return *time;
  }

  Result<EvalCommand> ReadEval(std::string_view word, std::string_view rest) {
    EvalCommand eval;
    FIRN_RETURN_IF_ERROR(ReadSuffix(word, eval));
    const std::string_view form = TakeWord(&rest);
    if (form == "instant") {
      FIRN_ASSIGN_OR_RETURN(eval.start_ms, TakeTime("at", &rest));
      eval.end_ms = eval.start_ms;
    } else if (form == "range") {
      eval.is_range = true;
      FIRN_ASSIGN_OR_RETURN(eval.start_ms, TakeTime("from", &rest));
      FIRN_ASSIGN_OR_RETURN(eval.end_ms, TakeTime("to", &rest));
      FIRN_ASSIGN_OR_RETURN(eval.step_ms, TakeTime("step", &rest));
    } else {
      return Error("expected \"instant\" or \"range\" in eval");
    }
    eval.expression = std::string(rest);
    while (NextInBlock()) {
      const Status status = ReadExpected(lines_[next_], eval);
      if (eval.broken.ok()) eval.broken = status;
    }
    return eval;
  }

  // eval_fail, eval_warn, eval_info and eval_ordered.
  Status ReadSuffix(std::string_view word, EvalCommand& eval) const {
    using Kind = Expectation::Kind;
    if (word == "eval") return {};
    if (word == "eval_fail") {
      eval.expectations.push_back({Kind::kFail, Expectation::Match::kAny, ""});
    } else if (word == "eval_warn") {
      eval.expectations.push_back({Kind::kWarn, Expectation::Match::kAny, ""});
    } else if (word == "eval_info") {
      eval.expectations.push_back({Kind::kInfo, Expectation::Match::kAny, ""});
    } else if (word == "eval_ordered") {
      eval.expectations.push_back({Kind::kOrdered, Expectation::Match::kAny, ""});
    } else {
      return Error("invalid command " + base::Quoted(word));
    }
    return {};
  }

  Status ReadExpected(std::string_view line, EvalCommand& eval) {
    using Kind = Expectation::Kind;
    using Match = Expectation::Match;
    std::string_view rest = line;
    const std::string_view word = TakeWord(&rest);
    if (word == "expected_fail_message") {
      eval.expectations.push_back({Kind::kFail, Match::kMessage, std::string(rest)});
      return {};
    }
    if (word == "expected_fail_regexp") {
      eval.expectations.push_back({Kind::kFail, Match::kRegex, std::string(rest)});
      return {};
    }
    if (word == "expect") return ReadExpect(rest, eval);
    if (const std::optional<double> number = ParseNumber(line)) {
      eval.scalar = *number;
      return {};
    }
    Result<SeriesDescription> series = ParseSeriesDescription(line);
    if (!series.ok()) return Error(series.status().message());
    if (series->values.size() > 1 && !eval.is_range && !eval.expects_range_vector) {
      return Error("expecting multiple values in instant evaluation not allowed");
    }
    eval.series.push_back(std::move(*series));
    return {};
  }

  Status ReadExpect(std::string_view rest, EvalCommand& eval) {
    using Kind = Expectation::Kind;
    constexpr std::array<std::pair<std::string_view, Kind>, 6> kKinds = {
        {{"ordered", Kind::kOrdered},
         {"fail", Kind::kFail},
         {"warn", Kind::kWarn},
         {"no_warn", Kind::kNoWarn},
         {"info", Kind::kInfo},
         {"no_info", Kind::kNoInfo}}};
    const std::string_view word = TakeWord(&rest);
    if (word == "string") {
      Result<std::string> text = Unquote(rest);
      if (!text.ok()) return Error(text.status().message());
      eval.text = std::move(*text);
      return {};
    }
    if (word == "range" && rest.starts_with("vector")) {
      TakeWord(&rest);
      eval.expects_range_vector = true;
      FIRN_ASSIGN_OR_RETURN(eval.start_ms, TakeTime("from", &rest));
      FIRN_ASSIGN_OR_RETURN(eval.end_ms, TakeTime("to", &rest));
      FIRN_ASSIGN_OR_RETURN(eval.step_ms, TakeTime("step", &rest));
      return {};
    }
    for (const auto& [name, kind] : kKinds) {
      if (name != word) continue;
      Expectation expectation{kind, Expectation::Match::kAny, ""};
      if (rest.starts_with("msg:")) {
        expectation.match = Expectation::Match::kMessage;
        expectation.text = std::string(Trim(rest.substr(4)));
      } else if (rest.starts_with("regex:")) {
        expectation.match = Expectation::Match::kRegex;
        expectation.text = std::string(Trim(rest.substr(6)));
      } else if (!rest.empty()) {
        break;
      }
      eval.expectations.push_back(std::move(expectation));
      return {};
    }
    return Error("invalid expect statement");
  }

  const std::vector<std::string_view> lines_;
  std::size_t next_ = 0;
};

}  // namespace

const Expectation* EvalCommand::Find(Expectation::Kind kind) const {
  for (const Expectation& expectation : expectations) {
    if (expectation.kind == kind) return &expectation;
  }
  return nullptr;
}

Result<std::vector<Command>> ParseTestScript(std::string_view text) {
  return ScriptReader(text).Read();
}

}  // namespace firn::promql

// SPDX-License-Identifier: Apache-2.0
#include "promql/test_run.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/context.h"
#include "base/quote.h"
#include "promql/ast.h"
#include "promql/format.h"
#include "promql/function.h"
#include "promql/literal.h"
#include "promql/memory_series.h"
#include "promql/parser.h"
#include "promql/quantile.h"
#include "promql/test_script.h"

namespace firn::promql {
namespace {

using Kind = Expectation::Kind;

// Relative error allowed for values.
constexpr double kEpsilon = 1e-6;

Status Mismatch(std::string text) { return Status::InvalidArgument(std::move(text)); }

bool Matches(const Expectation& expectation, std::string_view text) {
  switch (expectation.match) {
    case Expectation::Match::kAny:
      return true;
    case Expectation::Match::kMessage:
      return expectation.text == text;
    case Expectation::Match::kRegex:
      return RE2::PartialMatch(text, expectation.text);
  }
  return false;
}

std::string Join(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + text;
  return out + "]";
}

// Check the annotations of one sort against what is expected of it.
Status CheckAnnotations(const EvalCommand& eval, Kind wanted, Kind unwanted,
                        std::string_view sort, const std::vector<std::string>& got) {
  if (eval.Find(unwanted) != nullptr && !got.empty()) {
    return Mismatch("expected no " + std::string(sort) + ", got " + Join(got));
  }
  if (eval.Find(wanted) == nullptr) return {};
  if (got.empty()) return Mismatch("expected " + std::string(sort) + ", got none");
  std::vector<bool> matched(got.size());
  for (const Expectation& expectation : eval.expectations) {
    if (expectation.kind != wanted) continue;
    bool found = false;
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (!Matches(expectation, got[i])) continue;
      found = true;
      matched[i] = true;
    }
    if (!found) {
      return Mismatch("expected " + std::string(sort) + " " +
                      base::Quoted(expectation.text) + ", got " + Join(got));
    }
  }
  const auto other = std::find(matched.begin(), matched.end(), false);
  if (other == matched.end()) return {};
  return Mismatch("unexpected " + std::string(sort) + " " +
                  got[static_cast<std::size_t>(other - matched.begin())]);
}

std::string Show(const SequenceValue& value) {
  switch (value.kind) {
    case SequenceValue::Kind::kNumber:
      return FormatGeneral(value.value);
    case SequenceValue::Kind::kOmitted:
      return "_";
    case SequenceValue::Kind::kHistogram:
      break;
  }
  return "a native histogram";
}

// The expected series by labels; the last of those with the same labels counts.
std::map<Labels, std::size_t> ByLabels(const EvalCommand& eval) {
  std::map<Labels, std::size_t> positions;
  for (std::size_t i = 0; i < eval.series.size(); ++i) {
    positions[eval.series[i].labels] = i;
  }
  return positions;
}

Status CheckVector(const EvalCommand& eval, const PromqlVector& got) {
  if (eval.scalar) return Mismatch("expected a scalar, got an instant vector");
  if (eval.text) return Mismatch("expected a string, got an instant vector");
  std::map<Labels, std::size_t> expected = ByLabels(eval);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::string name = got[i].labels.ToString();
    const std::string value = FormatGeneral(got[i].sample.value);
    const auto at = expected.find(got[i].labels);
    if (at == expected.end()) return Mismatch("unexpected " + name + " " + value);
    const SeriesDescription& series = eval.series[at->second];
    if (eval.Find(Kind::kOrdered) != nullptr && at->second != i) {
      return Mismatch("expected " + name + " at position " +
                      std::to_string(at->second + 1) + ", got it at " +
                      std::to_string(i + 1));
    }
    if (series.values.empty()) return Mismatch("no value expected for " + name);
    const SequenceValue& want = series.values[0];
    if (want.kind != SequenceValue::Kind::kNumber ||
        !AlmostEqual(want.value, got[i].sample.value, kEpsilon)) {
      return Mismatch("expected " + Show(want) + " for " + name + ", got " + value);
    }
    expected.erase(at);
  }
  if (expected.empty()) return {};
  return Mismatch("expected " + expected.begin()->first.ToString() + ", got nothing");
}

std::string Show(const PromqlSeries& series) {
  std::string out = series.labels.ToString();
  for (const Sample& sample : series.samples) {
    out += " " + FormatGeneral(sample.value) + "@" + std::to_string(sample.timestamp_ms);
  }
  return out;
}

Status CheckSeries(const EvalCommand& eval, const SeriesDescription& want,
                   const PromqlSeries& got) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < want.values.size(); ++i) {
    const TimestampMs time = eval.start_ms + static_cast<std::int64_t>(i) * eval.step_ms;
    if (time > eval.end_ms) return Mismatch("more values expected than steps");
    const SequenceValue& value = want.values[i];
    if (value.kind == SequenceValue::Kind::kOmitted) continue;
    if (value.kind == SequenceValue::Kind::kHistogram || next == got.samples.size() ||
        got.samples[next].timestamp_ms != time ||
        !AlmostEqual(value.value, got.samples[next].value, kEpsilon)) {
      return Mismatch("expected " + Show(value) + " at " + std::to_string(time) +
                      " ms, got " + Show(got));
    }
    ++next;
  }
  if (next == got.samples.size()) return {};
  return Mismatch("expected " + std::to_string(next) + " values, got " + Show(got));
}

Status CheckMatrix(const EvalCommand& eval, const PromqlMatrix& got) {
  if (eval.Find(Kind::kOrdered) != nullptr) {
    return Mismatch("expected an ordered result, got a range vector");
  }
  if (eval.scalar) return Mismatch("expected a scalar, got a range vector");
  std::map<Labels, std::size_t> expected = ByLabels(eval);
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (i > 0 && got[i].labels < got[i - 1].labels) {
      return Mismatch("series are not sorted: " + got[i].labels.ToString());
    }
    const auto at = expected.find(got[i].labels);
    if (at == expected.end()) return Mismatch("unexpected " + Show(got[i]));
    FIRN_RETURN_IF_ERROR(CheckSeries(eval, eval.series[at->second], got[i]));
    expected.erase(at);
  }
  if (expected.empty()) return {};
  return Mismatch("expected " + expected.begin()->first.ToString() + ", got nothing");
}

Status CheckScalar(const EvalCommand& eval, double got) {
  if (!eval.scalar) {
    return Mismatch("expected a vector, got the scalar " + FormatGeneral(got));
  }
  if (AlmostEqual(*eval.scalar, got, kEpsilon)) return {};
  return Mismatch("expected " + FormatGeneral(*eval.scalar) + ", got " +
                  FormatGeneral(got));
}

Status CheckResult(const EvalCommand& eval, const PromqlResult& result) {
  if (const auto* vector = std::get_if<PromqlVector>(&result.value)) {
    return CheckVector(eval, *vector);
  }
  if (const auto* matrix = std::get_if<PromqlMatrix>(&result.value)) {
    return CheckMatrix(eval, *matrix);
  }
  if (const auto* scalar = std::get_if<PromqlScalar>(&result.value)) {
    return CheckScalar(eval, scalar->value);
  }
  const std::string& text = std::get<PromqlString>(result.value).value;
  if (eval.text && *eval.text == text) return {};
  return Mismatch("expected the string " + base::Quoted(eval.text.value_or("")) +
                  ", got " + base::Quoted(text));
}

// Whether the query failed as it should. What is not built never counts as that.
Status CheckFailure(const EvalCommand& eval, const Status& got) {
  if (got.Is(StatusCode::kUnimplemented)) return got;
  for (const Expectation& expectation : eval.expectations) {
    if (expectation.kind != Kind::kFail || Matches(expectation, got.message())) continue;
    return Mismatch("expected the error " + base::Quoted(expectation.text) + ", got " +
                    base::Quoted(got.message()));
  }
  return {};
}

// Pins every selector's time that is not pinned, unless a subquery above is.
// Returns false where the expression's value depends on the evaluation time even then.
bool PinTimes(Expr& expr, TimestampMs time_ms) {
  const auto pin = [time_ms](TimeShift& shift) {
    if (shift.anchor != AtAnchor::kNone) return;
    shift.anchor = AtAnchor::kTime;
    shift.at_ms = time_ms;
  };
  if (auto* selector = expr.As<VectorSelector>()) pin(selector->shift);
  if (auto* matrix = expr.As<MatrixSelector>()) pin(matrix->selector.shift);
  if (auto* subquery = expr.As<Subquery>()) {
    pin(subquery->shift);
    return true;
  }
  if (const auto* call = expr.As<Call>()) {
    const FunctionFamily family = call->function->family;
    if (family == FunctionFamily::kTime || family == FunctionFamily::kContext ||
        call->function->id == FunctionId::kPredictLinear) {
      return false;
    }
  }
  bool pinned = true;
  ForEachChild(expr, [&](Expr& child) { pinned = PinTimes(child, time_ms) && pinned; });
  return pinned;
}

bool MentionsQueryTimes(std::string_view expression) {
  for (std::string_view call : {"start()", "end()", "range()", "step()"}) {
    if (expression.find(call) != std::string_view::npos) return true;
  }
  return false;
}

// The last part of a metric's name that makes it part of a classic histogram.
std::string_view HistogramSuffix(std::string_view name) {
  for (std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (name.ends_with(suffix)) return suffix;
  }
  return {};
}

class ScriptRun {
 public:
  explicit ScriptRun(const Engine& engine) : engine_(engine) {}

  ScriptReport Run(const std::vector<Command>& commands) {
    for (const Command& command : commands) {
      if (std::holds_alternative<ClearCommand>(command.action)) store_.Clear();
      if (const auto* load = std::get_if<LoadCommand>(&command.action)) Load(*load);
      if (const auto* eval = std::get_if<EvalCommand>(&command.action)) {
        const Status status = Evaluate(*eval);
        if (status.ok()) {
          ++report_.passed;
        } else {
          report_.failures.push_back(
              {command.line, eval->expression, std::string(status.message())});
        }
      }
    }
    return std::move(report_);
  }

 private:
  void Load(const LoadCommand& load) {
    // Of two lines for one series the last counts.
    std::map<Labels, const SeriesDescription*> series;
    for (const SeriesDescription& one : load.series) series[one.labels] = &one;
    for (const auto& [labels, one] : series) {
      std::vector<Sample> samples;
      for (std::size_t i = 0; i < one->values.size(); ++i) {
        const TimestampMs time = static_cast<std::int64_t>(i) * load.step_ms;
        if (one->values[i].kind == SequenceValue::Kind::kNumber) {
          samples.push_back({time, one->values[i].value});
          if (load.with_nhcb) LoadNativeHistogram(labels, time);
        } else if (one->values[i].kind == SequenceValue::Kind::kHistogram) {
          store_.AppendHistogram(labels, time);
        }
      }
      store_.Append(labels, samples);
    }
  }

  void LoadNativeHistogram(const Labels& labels, TimestampMs time_ms) {
    const std::string_view name = labels.metric_name();
    const std::string_view suffix = HistogramSuffix(name);
    if (suffix.empty()) return;
    Labels base = labels;
    base.Set(kMetricNameLabel, std::string(name.substr(0, name.size() - suffix.size())));
    base.Remove("le");
    store_.AppendHistogram(base, time_ms);
  }

  Result<PromqlResult> Query(std::string expression, TimestampMs start_ms,
                             TimestampMs end_ms, DurationMs step_ms) {
    PromqlRequest request;
    request.expression = std::move(expression);
    request.start_ms = start_ms;
    request.end_ms = end_ms;
    request.step_ms = step_ms;
    return engine_.Execute(context_, store_, request);
  }

  Status Evaluate(const EvalCommand& eval) {
    FIRN_RETURN_IF_ERROR(eval.broken);
    if (eval.is_range) {
      return Check(eval,
                   Query(eval.expression, eval.start_ms, eval.end_ms, eval.step_ms));
    }
    const TimestampMs time = eval.end_ms;
    FIRN_RETURN_IF_ERROR(EvaluateInstant(eval, eval.expression, time));
    Result<ExprPtr> expr = ParseExpr(eval.expression);
    if (!expr.ok() || !PinTimes(**expr, time)) return {};
    const std::string pinned = Format(**expr);
    std::vector<TimestampMs> times = {-10 * time, 0, time / 5, time, 10 * time};
    if (time == 0) times = {-1000, 0, 1000};
    for (TimestampMs other : times) {
      FIRN_RETURN_IF_ERROR(
          EvaluateInstant(eval, pinned, other)
              .With("as " + pinned + " at " + std::to_string(other) + " ms"));
    }
    return {};
  }

  Status EvaluateInstant(const EvalCommand& eval, const std::string& expression,
                         TimestampMs time) {
    const Result<PromqlResult> result = Query(expression, time, time, 0);
    FIRN_RETURN_IF_ERROR(Check(eval, result));
    if (!result.ok() || eval.text || eval.expects_range_vector ||
        MentionsQueryTimes(expression)) {
      return {};
    }
    return CheckInRange(eval, *result, expression, time)
        .With("in the middle of a range query");
  }

  Status Check(const EvalCommand& eval, const Result<PromqlResult>& result) {
    const bool should_fail = eval.Find(Kind::kFail) != nullptr;
    if (!result.ok()) {
      return should_fail ? CheckFailure(eval, result.status()) : result.status();
    }
    if (should_fail) return Mismatch("expected an error, got none");
    FIRN_RETURN_IF_ERROR(
        CheckAnnotations(eval, Kind::kWarn, Kind::kNoWarn, "warning", result->warnings));
    FIRN_RETURN_IF_ERROR(
        CheckAnnotations(eval, Kind::kInfo, Kind::kNoInfo, "info", result->infos));
    return CheckResult(eval, *result);
  }

  // The same query at a minute before, at, and a minute after the time.
  Status CheckInRange(const EvalCommand& eval, const PromqlResult& instant,
                      const std::string& expression, TimestampMs time) {
    constexpr DurationMs kMinute = 60'000;
    FIRN_ASSIGN_OR_RETURN(const PromqlResult result,
                          Query(expression, time - kMinute, time + kMinute, kMinute));
    // The order of series says nothing in a range query.
    if (eval.Find(Kind::kOrdered) != nullptr) return {};
    PromqlVector vector;
    for (const PromqlSeries& series : std::get<PromqlMatrix>(result.value)) {
      for (const Sample& sample : series.samples) {
        if (sample.timestamp_ms == time) vector.push_back({series.labels, sample});
      }
    }
    if (!std::holds_alternative<PromqlScalar>(instant.value)) {
      return CheckVector(eval, vector);
    }
    if (vector.size() != 1) return Mismatch("expected one series for a scalar");
    return CheckScalar(eval, vector[0].sample.value);
  }

  const Engine& engine_;
  base::Context context_;
  MemorySeries store_;
  ScriptReport report_;
};

}  // namespace

EngineOptions ScriptEngineOptions() {
  EngineOptions options;
  options.name_removal = NameRemoval::kAtEnd;
  return options;
}

Result<ScriptReport> RunTestScript(std::string_view text, const Engine& engine) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<Command> commands, ParseTestScript(text));
  return ScriptRun(engine).Run(commands);
}

}  // namespace firn::promql

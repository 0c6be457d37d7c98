// SPDX-License-Identifier: Apache-2.0
// Prometheus's query API, so that Grafana and promtool work unchanged.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "base/utf8.h"
#include "server/endpoints.h"
#include "server/errors.h"
#include "server/json.h"
#include "server/prometheus_params.h"
#include "server/prometheus_result.h"

namespace firn::server {
namespace {

constexpr std::int64_t kStepsMax = 11'000;
// Of the Prometheus whose interface this is. Clients such as Grafana decide by it what
// they may ask for.
constexpr std::string_view kPrometheusVersion = "3.0.0";
constexpr std::string_view kTruncated = "results truncated due to limit";

void AppendTexts(std::string& out, std::string_view key,
                 const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  out += ",\"";
  out += key;
  out += "\":[";
  for (const std::string& text : texts) {
    if (out.back() != '[') out += ',';
    AppendJsonString(out, text);
  }
  out += ']';
}

// {"status":"success","data":…}
void SetData(Response& response, std::string_view data,
             const std::vector<std::string>& warnings = {},
             const std::vector<std::string>& infos = {}) {
  std::string body = R"({"status":"success","data":)";
  body.reserve(data.size() + 64);
  body += data;
  AppendTexts(body, "warnings", warnings);
  AppendTexts(body, "infos", infos);
  body += "}\n";
  response.Set(200, "application/json", std::move(body));
}

// A query that does not parse is the asker's fault; one that fails while it runs is not.
void SetQueryError(Response& response, const Status& status) {
  if (status.Is(StatusCode::kInvalidArgument) &&
      status.message().find("parse error") == std::string_view::npos) {
    return SetJsonError(response, 422, "execution", status.message());
  }
  if (status.Is(StatusCode::kInvalidArgument)) {
    return SetStatusError(response, status.With("invalid parameter \"query\""));
  }
  SetStatusError(response, status);
}

Result<PromqlRequest> InstantRequest(const Form& form, TimestampMs now_ms) {
  PromqlRequest request;
  request.expression = form.Get("query");
  FIRN_ASSIGN_OR_RETURN(request.start_ms, TimeParameter(form, "time", now_ms));
  request.end_ms = request.start_ms;
  FIRN_ASSIGN_OR_RETURN(request.lookback_ms,
                        DurationParameter(form, "lookback_delta", 0));
  return request;
}

Result<PromqlRequest> RangeRequest(const Form& form) {
  PromqlRequest request;
  request.expression = form.Get("query");
  FIRN_ASSIGN_OR_RETURN(request.start_ms, TimeParameter(form, "start", std::nullopt));
  FIRN_ASSIGN_OR_RETURN(request.end_ms, TimeParameter(form, "end", std::nullopt));
  if (request.end_ms < request.start_ms) {
    return InvalidParameter("end", "end timestamp must not be before start time");
  }
  FIRN_ASSIGN_OR_RETURN(request.step_ms, DurationParameter(form, "step", std::nullopt));
  if (request.step_ms <= 0) {
    return InvalidParameter("step",
                            "zero or negative query resolution step widths are not "
                            "accepted. Try a positive integer");
  }
  // Subtracted as unsigned: the ends may be as far apart as 64 bits go.
  const std::uint64_t range = static_cast<std::uint64_t>(request.end_ms) -
                              static_cast<std::uint64_t>(request.start_ms);
  if (range / static_cast<std::uint64_t>(request.step_ms) > kStepsMax) {
    return Status::InvalidArgument(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the "
        "query resolution (?step=XX)");
  }
  FIRN_ASSIGN_OR_RETURN(request.lookback_ms,
                        DurationParameter(form, "lookback_delta", 0));
  return request;
}

void RunQuery(const EndpointContext& context, Exchange& exchange,
              const Result<PromqlRequest>& request) {
  Response& response = exchange.response;
  if (!request.ok()) return SetStatusError(response, request.status());
  const Form& form = exchange.form;
  const Result<std::int64_t> limit = LimitParameter(form, "limit");
  if (!limit.ok()) return SetStatusError(response, limit.status());
  Result<PromqlResult> result = context.db.Promql(exchange.context, *request);
  if (!result.ok()) return SetQueryError(response, result.status());
  if (TruncateSeries(*result, *limit)) result->warnings.emplace_back(kTruncated);
  std::string data;
  AppendPromqlData(data, *result, !form.Get("stats").empty());
  SetData(response, data, result->warnings, result->infos);
}

// Names or values, sorted, one more than the limit having been asked for.
void SetTexts(Response& response, Result<std::vector<std::string>> texts,
              std::int64_t limit) {
  if (!texts.ok()) return SetStatusError(response, texts.status());
  std::vector<std::string> warnings;
  if (limit > 0 && static_cast<std::int64_t>(texts->size()) > limit) {
    texts->resize(static_cast<std::size_t>(limit));
    warnings.emplace_back(kTruncated);
  }
  std::string data = "[";
  for (const std::string& text : *texts) {
    if (data.back() != '[') data += ',';
    AppendJsonString(data, text);
  }
  SetData(response, data + "]", warnings);
}

Result<Db::SeriesQuery> QueryWithOneMore(const Form& form, std::int64_t* limit) {
  FIRN_ASSIGN_OR_RETURN(Db::SeriesQuery query, SeriesParameters(form));
  *limit = query.limit;
  if (query.limit > 0) ++query.limit;  // To see whether there is more.
  return query;
}

void LabelNames(Db& db, Exchange& exchange) {
  std::int64_t limit = 0;
  const Result<Db::SeriesQuery> query = QueryWithOneMore(exchange.form, &limit);
  if (!query.ok()) return SetStatusError(exchange.response, query.status());
  SetTexts(exchange.response, db.LabelNames(exchange.context, *query), limit);
}

void LabelValues(Db& db, Exchange& exchange) {
  const std::string name = UnescapeLabelName(exchange.path_values.front());
  if (name.empty() || !base::IsValidUtf8(name)) {
    return SetStatusError(
        exchange.response,
        Status::InvalidArgument("invalid label name: " + base::Quoted(name)));
  }
  std::int64_t limit = 0;
  const Result<Db::SeriesQuery> query = QueryWithOneMore(exchange.form, &limit);
  if (!query.ok()) return SetStatusError(exchange.response, query.status());
  SetTexts(exchange.response, db.LabelValues(exchange.context, name, *query), limit);
}

void Series(Db& db, Exchange& exchange) {
  Response& response = exchange.response;
  std::int64_t limit = 0;
  const Result<Db::SeriesQuery> query = QueryWithOneMore(exchange.form, &limit);
  if (!query.ok()) return SetStatusError(response, query.status());
  if (query->selectors.empty()) {
    return SetStatusError(response,
                          Status::InvalidArgument("no match[] parameter provided"));
  }
  Result<std::vector<Labels>> series = db.Series(exchange.context, *query);
  if (!series.ok()) return SetStatusError(response, series.status());
  std::vector<std::string> warnings;
  if (limit > 0 && static_cast<std::int64_t>(series->size()) > limit) {
    series->resize(static_cast<std::size_t>(limit));
    warnings.emplace_back(kTruncated);
  }
  std::string data = "[";
  for (const Labels& labels : *series) {
    if (data.back() != '[') data += ',';
    AppendLabels(data, labels);
  }
  SetData(response, data + "]", warnings);
}

void Metadata(Db& db, Exchange& exchange) {
  Response& response = exchange.response;
  const Result<std::int64_t> limit = LimitParameter(exchange.form, "limit");
  if (!limit.ok()) return SetStatusError(response, limit.status());
  const Result<std::int64_t> each = LimitParameter(exchange.form, "limit_per_metric");
  if (!each.ok()) return SetStatusError(response, each.status());
  Result<std::vector<MetricDescription>> metrics =
      db.Metadata(exchange.context, "", exchange.form.Get("metric"), *limit);
  if (!metrics.ok()) return SetStatusError(response, metrics.status());
  std::stable_sort(metrics->begin(), metrics->end(),
                   [](const auto& a, const auto& b) { return a.metric < b.metric; });
  std::string data = "{";
  for (std::size_t i = 0; i < metrics->size();) {
    if (i > 0) data += ',';
    const std::string& metric = (*metrics)[i].metric;
    AppendJsonString(data, metric);
    data += ":[";
    for (std::int64_t n = 0; i < metrics->size() && (*metrics)[i].metric == metric; ++i) {
      if (*each > 0 && n++ >= *each) continue;
      if (data.back() != '[') data += ',';
      data += R"({"type":)" + JsonString((*metrics)[i].type) + R"(,"help":)" +
              JsonString((*metrics)[i].help) + R"(,"unit":)" +
              JsonString((*metrics)[i].unit) + "}";
    }
    data += ']';
  }
  SetData(response, data + "}");
}

}  // namespace

void AddPrometheusEndpoints(Router& router, const EndpointContext& context) {
  Db& db = context.db;
  // What Prometheus takes by GET, and by POST with the parameters in the body.
  const auto add_query = [&router](std::string path, Handler handler) {
    router.Add({std::move(path),
                {Method::kGet, Method::kPost},
                RunsOn::kPool,
                std::move(handler),
                /*has_deadline=*/true,
                /*has_form_body=*/true});
  };
  add_query("/api/v1/query", [context](Exchange& exchange) {
    RunQuery(context, exchange, InstantRequest(exchange.form, context.clock.NowMs()));
  });
  add_query("/api/v1/query_range", [context](Exchange& exchange) {
    RunQuery(context, exchange, RangeRequest(exchange.form));
  });
  add_query("/api/v1/labels", [&db](Exchange& exchange) { LabelNames(db, exchange); });
  add_query("/api/v1/series", [&db](Exchange& exchange) { Series(db, exchange); });
  router.Add({"/api/v1/label/{}/values",
              {Method::kGet},
              RunsOn::kPool,
              [&db](Exchange& exchange) { LabelValues(db, exchange); }});
  router.Add(
      {"/api/v1/metadata", {Method::kGet}, RunsOn::kPool, [&db](Exchange& exchange) {
         Metadata(db, exchange);
       }});
  // The version is that of the interface, with firn's own as build metadata:
  // `3.0.0+firn.…`.
  const std::string build =
      R"({"version":)" +
      JsonString(std::string(kPrometheusVersion) + "+firn." + context.version) +
      R"(,"revision":"","branch":"","buildUser":"","buildDate":"",)"
      R"("goVersion":"","application":"firn"})";
  router.Add({"/api/v1/status/buildinfo",
              {Method::kGet},
              RunsOn::kConnection,
              [build](Exchange& exchange) { SetData(exchange.response, build); }});
  // firn evaluates no rules, so there are none: Grafana asks for them in Explore.
  router.Add(
      {"/api/v1/rules", {Method::kGet}, RunsOn::kConnection, [](Exchange& exchange) {
         SetData(exchange.response, R"({"groups":[]})");
       }});
}

}  // namespace firn::server

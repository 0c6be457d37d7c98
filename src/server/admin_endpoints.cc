// SPDX-License-Identifier: Apache-2.0
// Health, metrics, settling, and the page that names all the rest.
#include <string>

#include "base/metrics.h"
#include "server/endpoints.h"
#include "server/errors.h"
#include "server/json.h"

namespace firn::server {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

constexpr std::string_view kIndex = R"(
POST /api/v1/write                    Prometheus remote write 1.0
GET  /api/v1/query                    PromQL at one time: query, time
GET  /api/v1/query_range              PromQL over a range: query, start, end, step
GET  /api/v1/series                   series: match[], start, end
GET  /api/v1/labels                   label names
GET  /api/v1/label/NAME/values        values of one label
GET  /api/v1/metadata                 type, help and unit of metrics
GET  /api/v1/status/buildinfo         version
POST /api/v1/sql                      SQL, as JSON or an Arrow stream
GET  /iceberg/v1/config               the tables, as an Iceberg REST catalog (read only)
POST /-/settle                        settle all hot data into tables now
GET  /-/healthy   /-/ready            health (also /healthz, /readyz)
GET  /metrics                         firn's own metrics
)";

void Settle(Db& db, Exchange& exchange) {
  const Result<std::vector<SettledTable>> settled = db.Settle(exchange.context);
  if (settled.status().Is(StatusCode::kResourceExhausted)) {
    // The disk is full. Nothing is lost, and settling goes on when there is room.
    return SetJsonError(exchange.response, 503, "unavailable",
                        settled.status().message());
  }
  if (!settled.ok()) return SetStatusError(exchange.response, settled.status());
  std::string body = R"({"tables":[)";
  for (const SettledTable& table : *settled) {
    if (body.back() != '[') body += ',';
    body += R"({"table":)";
    AppendJsonString(body, table.table);
    body += R"(,"snapshot_id":)";
    AppendJsonInt(body, table.snapshot_id);
    body += R"(,"rows":)";
    AppendJsonInt(body, table.rows);
    body += '}';
  }
  body += "]}\n";
  exchange.response.Set(200, "application/json", std::move(body));
}

}  // namespace

void AddAdminEndpoints(Router& router, const EndpointContext& context) {
  const auto text = [](std::string_view said) {
    return [said](Exchange& exchange) {
      exchange.response.Set(200, kText, std::string(said));
    };
  };
  // A server exists only with an open Db behind it, so alive and ready are one.
  for (const char* path : {"/-/healthy", "/healthz"}) {
    router.Add({path, {Method::kGet}, RunsOn::kConnection, text("firn is healthy.\n")});
  }
  for (const char* path : {"/-/ready", "/readyz"}) {
    router.Add({path, {Method::kGet}, RunsOn::kConnection, text("firn is ready.\n")});
  }
  base::MetricRegistry& registry = context.db.metrics();
  base::Gauge& running = registry.GetGauge("firn_http_pool_running",
                                           "Requests that run on the query pool now.");
  base::Gauge& queued = registry.GetGauge("firn_http_pool_queued",
                                          "Requests that wait for the query pool now.");
  base::Gauge& body_bytes =
      registry.GetGauge("firn_http_body_bytes", "Memory held for request bodies now.");
  router.Add({"/metrics",
              {Method::kGet},
              RunsOn::kConnection,
              [&registry, &running, &queued, &body_bytes, &pool = context.pool,
               &budget = context.body_budget](Exchange& exchange) {
                running.Set(pool.running());
                queued.Set(pool.queued());
                body_bytes.Set(static_cast<double>(budget.used_bytes()));
                exchange.response.Set(200, "text/plain; version=0.0.4; charset=utf-8",
                                      registry.Expose());
              }});
  router.Add({"/-/settle",
              {Method::kPost},
              RunsOn::kPool,
              [&db = context.db](Exchange& exchange) {
                if (RefuseCrossSite(exchange)) return;
                Settle(db, exchange);
              },
              /*has_deadline=*/false});
  router.Add({"/",
              {Method::kGet},
              RunsOn::kConnection,
              [page = "firn " + context.version + "\n" + std::string(kIndex)](
                  Exchange& exchange) { exchange.response.Set(200, kText, page); }});
}

}  // namespace firn::server

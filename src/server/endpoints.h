// SPDX-License-Identifier: Apache-2.0
// endpoints.h: what the server answers, path by path (docs/operate/http.md lists it).
#pragma once

#include <string>

#include "base/budget.h"
#include "base/clock.h"
#include "firn/config.h"
#include "firn/db.h"
#include "server/router.h"
#include "server/worker_pool.h"

namespace firn::server {

// What handlers stand on. Everything but the version is borrowed and must outlive the
// router they are added to. Handlers are thread-safe.
struct EndpointContext {
  const ServerOptions& options;
  Db& db;
  const base::Clock& clock;
  base::ByteBudget& body_budget;
  const WorkerPool& pool;
  std::string version;
};

// All endpoints.
void AddEndpoints(Router& router, const EndpointContext& context);

// By subject; AddEndpoints calls each.
void AddWriteEndpoint(Router& router, const EndpointContext& context);
void AddPrometheusEndpoints(Router& router, const EndpointContext& context);
void AddSqlEndpoint(Router& router, const EndpointContext& context);
void AddCatalogEndpoints(Router& router, const EndpointContext& context);
void AddAdminEndpoints(Router& router, const EndpointContext& context);

}  // namespace firn::server

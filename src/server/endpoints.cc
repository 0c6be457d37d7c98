// SPDX-License-Identifier: Apache-2.0
#include "server/endpoints.h"

namespace firn::server {

void AddEndpoints(Router& router, const EndpointContext& context) {
  AddWriteEndpoint(router, context);  // First, as it is asked for most.
  AddPrometheusEndpoints(router, context);
  AddSqlEndpoint(router, context);
  AddCatalogEndpoints(router, context);
  AddAdminEndpoints(router, context);
}

}  // namespace firn::server

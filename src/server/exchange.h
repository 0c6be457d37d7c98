// SPDX-License-Identifier: Apache-2.0
// exchange.h: what a handler gets: one request, and the answer it fills in.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/budget.h"
#include "base/context.h"
#include "firn/appender.h"
#include "server/form.h"
#include "server/request_head.h"
#include "server/response.h"
#include "wire/ingest.h"

namespace firn::server {

// What a connection remembers from request to request for remote write: the order of its
// series (in the Appender) and a buffer. Thread-compatible.
struct WriteSession {
  std::unique_ptr<Appender> appender;  // Made at the first write.
  wire::RemoteWriteIngester ingester;
  base::ByteReservation buffer_bytes;  // What the ingester's buffer takes of the budget.
};

// Borrows everything; lives while the handler runs.
struct Exchange {
  const RequestHead& head;
  std::string_view body;
  const Form& form;  // Form body first, then the query string, as in Go.
  // What stood for each {} in the route, percent-decoded.
  const std::vector<std::string>& path_values;
  const base::Context& context;
  WriteSession& write_session;
  Response& response;
};

}  // namespace firn::server

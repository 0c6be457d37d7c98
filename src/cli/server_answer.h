// SPDX-License-Identifier: Apache-2.0
// server_answer.h: asks a running server, and reads what it answers.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/row_printer.h"

#include "base/context.h"
#include "firn/db.h"
#include "firn/promql.h"
#include "firn/status.h"
#include "io/http_client.h"

namespace firn::cli {

// Run a statement on the server, with a filter on one of its tables, and print its rows
// as they come. Errors: the server's
// own, with the code that its HTTP status stands for; Unavailable where it does not
// answer.
Status SqlOverHttp(io::HttpClient& client, const base::Context& context,
                   std::string_view statement, const TableFilter& filter,
                   RowPrinter& printer);

// Evaluate on the server. `request` as Db::Promql takes it.
Result<PromqlResult> PromqlOverHttp(io::HttpClient& client, const base::Context& context,
                                    const PromqlRequest& request);

// Read the answer of /api/v1/query or query_range.
Result<PromqlResult> ParsePromqlAnswer(std::string_view json);

// The error that an answer which is not 2xx holds.
Status AnswerStatus(int code, std::string_view body);

}  // namespace firn::cli

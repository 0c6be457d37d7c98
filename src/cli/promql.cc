// SPDX-License-Identifier: Apache-2.0
// firn promql: evaluates one expression, on a server or on a directory.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/promql_printer.h"
#include "cli/run_stats.h"
#include "cli/server_answer.h"
#include "cli/sql_source.h"

#include "base/context.h"
#include "base/duration.h"
#include "base/timestamp.h"
#include "io/http_client.h"

namespace firn::cli {
namespace {

Result<TimestampMs> ParseTime(std::string_view flag, const std::string& text) {
  const Result<TimestampUs> us = base::ParseTimestamp(text);
  if (!us.ok()) return us.status().With(flag);
  return (*us + (*us >= 0 ? 500 : -500)) / 1000;
}

Result<PromqlRequest> MakeRequest(const World& world, const PromqlFlags& flags) {
  PromqlRequest request;
  request.expression = flags.expression;
  const bool is_range = !flags.start.empty() || !flags.end.empty() || !flags.step.empty();
  if (!is_range) {
    request.start_ms = world.clock.NowMs();
    if (!flags.time.empty()) {
      FIRN_ASSIGN_OR_RETURN(request.start_ms, ParseTime("--time", flags.time));
    }
    request.end_ms = request.start_ms;
    return request;
  }
  if (!flags.time.empty() || flags.start.empty() || flags.end.empty() ||
      flags.step.empty()) {
    return Status::InvalidArgument(
        "a range takes --start, --end and --step; one time takes --time");
  }
  FIRN_ASSIGN_OR_RETURN(request.start_ms, ParseTime("--start", flags.start));
  FIRN_ASSIGN_OR_RETURN(request.end_ms, ParseTime("--end", flags.end));
  if (request.end_ms < request.start_ms) {
    return Status::InvalidArgument("--end is before --start");
  }
  const Result<DurationMs> step = base::ParseDurationOrSeconds(flags.step);
  if (!step.ok()) return step.status().With("--step");
  if (*step <= 0) return Status::InvalidArgument("--step is not above zero");
  request.step_ms = *step;
  return request;
}

// The address in a lock's text, `pid 12, address 127.0.0.1:7070`, quoted by an error.
std::optional<std::string> HolderAddress(std::string_view message) {
  constexpr std::string_view kWord = "address ";
  const std::size_t at = message.find(kWord);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = message.substr(at + kWord.size());
  return std::string(rest.substr(0, rest.find_first_of("\"',;) \n")));
}

Result<PromqlResult> Ask(const std::string& server, const PromqlRequest& request) {
  FIRN_ASSIGN_OR_RETURN(io::HttpAddress address, io::HttpAddress::Parse(server));
  io::HttpClient client(std::move(address));
  const base::Context context;
  return PromqlOverHttp(client, context, request);
}

Result<PromqlResult> Evaluate(const World& world, const PromqlFlags& flags,
                              const PromqlRequest& request) {
  const base::Context context;
  if (!flags.source.server.empty()) return Ask(flags.source.server, request);
  if (flags.data.empty()) {
    FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<Db> db,
                          OpenWarehouse(world, flags.source));
    return db->Promql(context, request);
  }
  FIRN_ASSIGN_OR_RETURN(Config config, ReaderConfig(world, flags.source));
  config.db.data_dir = flags.data;
  config.db.holder = "firn promql";
  config.db.settle_interval_ms = 0;
  config.db.create = false;  // A mistyped path is an error, not a new directory.
  const Result<std::unique_ptr<Db>> db = world.open_db(config.db);
  if (db.ok()) return (*db)->Promql(context, request);
  const Status status = db.status();
  const std::optional<std::string> address = HolderAddress(status.message());
  if (status.Is(StatusCode::kAlreadyExists) && address) return Ask(*address, request);
  return status;
}

}  // namespace

int Promql(World& world, const CommonFlags& common, const PromqlFlags& flags) {
  const RunStats stats(world.clock);
  const std::string format =
      !flags.format.empty() ? flags.format : std::string(common.json ? "json" : "table");
  if (format != "table" && format != "json") {
    return PrintBadUsage(
        world, "promql",
        Status::InvalidArgument("format " + format + " is neither table nor json"));
  }
  const Result<PromqlRequest> request = MakeRequest(world, flags);
  if (!request.ok()) return PrintBadUsage(world, "promql", request.status());
  const SourceFlags& source = flags.source;
  if (source.server.empty() && flags.data.empty() && source.warehouse.empty() &&
      !world.environment("FIRN_WAREHOUSE")) {
    return PrintBadUsage(world, "promql",
                         Status::InvalidArgument("nothing to ask is named"),
                         "Say --server URL, --data DIR or --warehouse URI.");
  }
  const Result<PromqlResult> result = Evaluate(world, flags, *request);
  if (!result.ok()) return PrintError(world, "promql", result.status());
  if (!common.quiet) {
    for (const std::string& warning : result->warnings) world.err << warning << "\n";
    for (const std::string& info : result->infos) world.err << info << "\n";
  }
  world.out << (format == "json" ? PromqlAsJson(*result) : PromqlAsText(*result));
  if (common.stats) stats.Print(world, PromqlRows(*result));
  return kDone;
}

}  // namespace firn::cli

// SPDX-License-Identifier: Apache-2.0
// firn serve: binds the port, opens the database, answers until told to stop.
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cli/commands.h"

#include "base/json.h"
#include "base/log.h"
#include "server/server.h"

namespace firn::cli {
namespace {

base::LogLevel LevelOf(std::string_view name) {
  if (name == "debug") return base::LogLevel::kDebug;
  if (name == "warn") return base::LogLevel::kWarn;
  if (name == "error") return base::LogLevel::kError;
  return base::LogLevel::kInfo;
}

std::string_view RemedyForOpen(const Status& status) {
  if (status.Is(StatusCode::kAlreadyExists)) {
    return "Stop that process, or choose another directory with --data.";
  }
  return {};
}

void PrintStart(World& world, const CommonFlags& common, const Config& config,
                const std::string& address) {
  const std::string& data = config.db.data_dir;
  const std::string warehouse =
      config.db.warehouse.empty() ? data + "/warehouse" : config.db.warehouse;
  if (common.json) {
    world.out << R"({"address":)" << base::JsonString("http://" + address)
              << R"(,"data":)" << base::JsonString(data) << R"(,"warehouse":)"
              << base::JsonString(warehouse) << "}" << std::endl;
    return;
  }
  if (common.quiet) return;
  world.out << "firn " << world.version << " serves on http://" << address << "\n"
            << "Data lands in " << data << ", tables in " << warehouse << "\n"
            << "Ctrl-C or SIGTERM stops it; nothing acknowledged is lost" << std::endl;
}

}  // namespace

int Serve(World& world, const CommonFlags& common, const ServeFlags& flags) {
  Result<Config> config =
      LoadConfig(flags.config_file, world.environment, flags.settings);
  if (!config.ok()) {
    return PrintBadUsage(world, "configuration", config.status(),
                         "`firn config reference` lists the settings.");
  }
  base::SetLogLevel(LevelOf(config->log_level));
  world.keep_stop_signals();

  // The port first: whether it is free is known at once, and the lock file names it.
  Result<server::Socket> listener = server::Server::Bind(config->server);
  if (!listener.ok()) {
    return listener.status().Is(StatusCode::kInvalidArgument)
               ? PrintBadUsage(world, "serve", listener.status())
               : PrintError(world, "serve", listener.status(),
                            "Choose another address with --listen.");
  }
  const Result<std::string> address = listener->LocalAddress();
  if (!address.ok()) return PrintError(world, "serve", address.status());
  config->db.holder = "pid " + std::to_string(getpid()) + ", address " + *address;

  Result<std::unique_ptr<Db>> db = world.open_db(config->db);
  if (!db.ok()) {
    return PrintError(world, "serve", db.status(), RemedyForOpen(db.status()));
  }
  for (const std::string& report : (*db)->start_reports()) {
    base::LogWarn("found at start", {{"what", report}});
  }
  Result<std::unique_ptr<server::Server>> server = server::Server::Start(
      std::move(*listener), config->server, **db, world.clock, world.version);
  if (!server.ok()) return PrintError(world, "serve", server.status());
  PrintStart(world, common, *config, *address);

  world.wait_for_stop();
  base::LogInfo("stopping");
  const bool all_finished = (*server)->Stop();
  server->reset();
  db->reset();
  base::LogInfo("stopped", {{"all_requests_finished", all_finished ? "true" : "false"}});
  return kDone;
}

}  // namespace firn::cli

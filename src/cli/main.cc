// SPDX-License-Identifier: Apache-2.0
// The program firn.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "cli/program.h"

#include "base/clock.h"
#include "firn/db.h"

namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void KeepStopSignals() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void WaitForStop() {
  const sigset_t signals = StopSignals();
  int caught = 0;
  while (sigwait(&signals, &caught) != 0) {
  }
  // From here on a signal does what it does by itself: it ends the process.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

std::optional<std::string> Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

}  // namespace

int main(int argc, char** argv) {
  // A peer that goes away is an error of a write, not the end of the process.
  signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  firn::cli::World world{std::cout,
                         std::cerr,
                         std::cin,
                         isatty(STDIN_FILENO) == 1,
                         Environment,
                         firn::base::SystemClock(),
                         FIRN_VERSION,
                         firn::Db::Open,
                         firn::Db::OpenReader,
                         KeepStopSignals,
                         WaitForStop};
  const int code = firn::cli::Run({argv + 1, argv + argc}, world);
  std::cout.flush();
  // Output that could not be written is no success, whatever the command thought.
  return code == 0 && !std::cout ? int{firn::cli::kFailed} : code;
}

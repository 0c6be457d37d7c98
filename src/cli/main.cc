// SPDX-License-Identifier: Apache-2.0
// The program firn.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "cli/program.h"

#include "base/clock.h"
#include "base/context.h"
#include "firn/db.h"
#include "firn/files.h"
#include "firn/table_changes.h"
#include "firn/table_maintenance.h"
#include "firn/table_rows.h"

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

// What a signal cancels, while there is something.
std::atomic<const firn::base::Context*> cancelled_by_signal{nullptr};

extern "C" void CancelOnSignal(int) {
  const firn::base::Context* context = cancelled_by_signal.load();
  if (context != nullptr) context->Cancel();
}

void CancelContextOnSignal(const firn::base::Context* context) {
  cancelled_by_signal.store(context);
  struct sigaction action = {};
  action.sa_handler = context != nullptr ? CancelOnSignal : SIG_DFL;
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

// Standard input, a piece at a time, so that a signal ends the wait for more.
firn::Result<std::int64_t> ReadInput(const firn::base::Context& context,
                                     std::int64_t size, char* out) {
  constexpr int kCheckIntervalMs = 100;
  std::int64_t total = 0;
  while (total < size) {
    FIRN_RETURN_IF_ERROR(context.Check());
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = poll(&input, 1, kCheckIntervalMs);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t count =
        read(STDIN_FILENO, out + total, static_cast<std::size_t>(size - total));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return firn::Status::Unavailable("standard input cannot be read: " +
                                       std::generic_category().message(errno));
    }
    if (count == 0) break;
    total += count;
  }
  return total;
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
                         WaitForStop,
                         firn::Db::OpenFiles,
                         firn::Files::Open,
                         CancelContextOnSignal,
                         isatty(STDERR_FILENO) == 1,
                         firn::TableChanges::Open,
                         firn::TableRows::Open,
                         ReadInput,
                         firn::TableMaintenance::Open};
  const int code = firn::cli::Run({argv + 1, argv + argc}, world);
  std::cout.flush();
  // Output that could not be written is no success, whatever the command thought.
  return code == 0 && !std::cout ? int{firn::cli::kFailed} : code;
}

// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

#include "base/clock.h"
#include "base/quote.h"
#include "base/timestamp.h"

namespace firn::base {
namespace {

std::atomic<LogLevel> least_level{LogLevel::kInfo};

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kError:
      return "ERROR";
  }
  return "?";
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
  }
  return false;
}

// A line is written whole: callers take turns, and a short write is continued. Where
// standard error cannot be written to, there is nobody left to tell.
void WriteLine(std::string_view line) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void SetLogLevel(LogLevel level) { least_level.store(level, std::memory_order_relaxed); }

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < least_level.load(std::memory_order_relaxed)) return;
  std::string line = FormatTimestampMs(SystemClock().NowMs());
  line.append(" ").append(LevelName(level)).append(" ").append(event);
  for (const LogField& field : fields) {
    line.append(" ").append(field.key).append("=");
    if (NeedsQuotes(field.value)) {
      AppendQuoted(line, field.value);
    } else {
      line.append(field.value);
    }
  }
  line.push_back('\n');
  WriteLine(line);
}

}  // namespace firn::base

// SPDX-License-Identifier: Apache-2.0
// log.h: structured log lines on standard error.
//
// One line an event: `2026-01-02T03:04:05.678Z INFO settle done table=metrics.samples`.
// Not for hot paths. Never pass a secret. Thread-safe; a line is written whole.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace firn::base {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

struct LogField {
  std::string_view key;
  std::string value;  // Quoted on output where it holds spaces or quotes.
};

// Lines below this level are dropped. Starts at kInfo.
void SetLogLevel(LogLevel level);

void Log(LogLevel level, std::string_view event,
         std::initializer_list<LogField> fields = {});

inline void LogInfo(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, event, fields);
}
inline void LogWarn(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarn, event, fields);
}
inline void LogError(std::string_view event,
                     std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, event, fields);
}

}  // namespace firn::base

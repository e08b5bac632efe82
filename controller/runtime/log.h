// The process's log: spdlog behind four functions, so that its headers stay in one .cc. Values are
// escaped; secrets never come here.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace zoe::log {

using Field = std::pair<std::string_view, std::string>;
using Fields = std::initializer_list<Field>;

enum class Level { kDebug, kInfo, kWarn, kError };

// Text: `2026-01-31T12:00:00.123Z INFO  message key=value`; JSON: one object a line. Goes to
// stderr. Call once, early.
void Configure(Level level, bool json);
// "debug", "info", "warn", "error"; false if it is none of them.
bool ParseLevel(std::string_view name, Level& level);

void Debug(std::string_view message, Fields fields = {});
void Info(std::string_view message, Fields fields = {});
void Warn(std::string_view message, Fields fields = {});
void Error(std::string_view message, Fields fields = {});

// Number of Error lines so far: tests expect 0.
int ErrorCount();

}  // namespace zoe::log

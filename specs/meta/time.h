#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "specs/meta/expected.h"

namespace zoe {

// Calendar time, UTC, millisecond resolution. Comes from the context's clock, never from the system
// directly.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
// For measuring and waiting.
using SteadyTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

// RFC 3339 in UTC: "2026-01-31T12:00:00Z", with ".123" only where there are milliseconds.
std::string FormatTime(WallTime time);
// Reads RFC 3339 with any offset and up to nanoseconds (cut to milliseconds). kInvalid otherwise.
Expected<WallTime> ParseTime(std::string_view text);

// kubectl's AGE: "5s", "3m20s", "2h", "4d".
std::string FormatAge(Duration age);
// "300ms", "5s", "1m30s", "2h" (Go's syntax); a bare number is seconds. kInvalid otherwise.
Expected<Duration> ParseDuration(std::string_view text);

}  // namespace zoe

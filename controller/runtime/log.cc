#include "controller/runtime/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>

#include "specs/codec/value.h"

namespace zoe::log {
namespace {

std::atomic<bool> json_format{false};
std::atomic<int> error_count{0};

spdlog::logger& Logger() {
  // Never destroyed: threads may log while the process ends.
  static spdlog::logger& logger = *[] {
    auto made = new spdlog::logger("zoe", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::warn);
    return made;
  }();
  return logger;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (IsControl(c) || c == ' ' || c == '"' || c == '=' || c == '\\' || (c & 0x80) != 0)
      return true;
  }
  return false;
}

// A line is one event: nothing that comes from outside may start another.
void AppendMessage(std::string& out, std::string_view message) {
  bool plain = true;
  for (const char c : message) plain = plain && !IsControl(c) && (c & 0x80) == 0;
  if (plain) {
    out += message;
    return;
  }
  std::string quoted;
  codec::AppendJsonString(quoted, message);
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {  // the escapes without the quotes around them
    if (quoted[i] == '\\' && quoted[i + 1] == '"') continue;
    out += quoted[i];
  }
}

std::string TextLine(std::string_view level, std::string_view message, Fields fields) {
  std::string line(level);
  line.append(6 - level.size(), ' ');
  AppendMessage(line, message);
  for (const auto& [name, value] : fields) {
    line += ' ';
    line += name;
    line += '=';
    if (NeedsQuotes(value)) {
      codec::AppendJsonString(line, value);
    } else {
      line += value;
    }
  }
  return line;
}

std::string JsonLine(std::string_view level, std::string_view message, Fields fields) {
  std::string line = "\"level\":\"";
  line += level;
  line += "\",\"message\":";
  codec::AppendJsonString(line, message);
  for (const auto& [name, value] : fields) {
    line += ',';
    codec::AppendJsonString(line, name);
    line += ':';
    codec::AppendJsonString(line, value);
  }
  return line;
}

void Write(spdlog::level::level_enum level, std::string_view text_name, std::string_view json_name,
           std::string_view message, Fields fields) {
  spdlog::logger& logger = Logger();
  if (!logger.should_log(level)) return;
  const std::string line = json_format.load(std::memory_order_relaxed)
                               ? JsonLine(json_name, message, fields)
                               : TextLine(text_name, message, fields);
  logger.log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void Configure(Level level, bool json) {
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err};
  spdlog::logger& logger = Logger();
  json_format = json;
  logger.set_level(kLevels[static_cast<int>(level)]);
  logger.set_pattern(json ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
                     spdlog::pattern_time_type::utc);
}

bool ParseLevel(std::string_view name, Level& level) {
  static constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
  for (int i = 0; i < 4; ++i) {
    if (name != kNames[i]) continue;
    level = static_cast<Level>(i);
    return true;
  }
  return false;
}

void Debug(std::string_view message, Fields fields) {
  Write(spdlog::level::debug, "DEBUG", "debug", message, fields);
}
void Info(std::string_view message, Fields fields) {
  Write(spdlog::level::info, "INFO", "info", message, fields);
}
void Warn(std::string_view message, Fields fields) {
  Write(spdlog::level::warn, "WARN", "warn", message, fields);
}
void Error(std::string_view message, Fields fields) {
  error_count.fetch_add(1);
  Write(spdlog::level::err, "ERROR", "error", message, fields);
}

int ErrorCount() { return error_count.load(); }

}  // namespace zoe::log

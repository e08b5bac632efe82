#include "cli/progress.h"

#include <algorithm>
#include <sstream>

#include "cli/output.h"
#include "cli/table.h"

namespace zoe::cli {
namespace {

using codec::Value;

const codec::Array& Services(const Value& execution) {
  static const codec::Array none;
  const Value* services = execution.At("status.services");
  return services != nullptr && services->is_array() ? services->as_array() : none;
}

// All of its replicas that may run are ready.
bool IsReady(const Value& service) {
  const char* wanted = service.Find("granted") == nullptr ? "total" : "granted";
  return IntAt(service, "ready") >= IntAt(service, wanted);
}

std::string Cut(const std::string& line, size_t columns) {
  if (Width(line) < columns) return line;
  std::string cut;
  size_t width = 0;
  for (const char c : line) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80 && ++width >= columns) break;
    cut += c;
  }
  return cut;
}

}  // namespace

std::string PhaseLine(const Value& execution) {
  const std::string phase = execution.StringAt("status.phase");
  std::string line = phase.empty() ? "Pending" : phase;
  size_t ready = 0;
  for (const Value& service : Services(execution)) {
    if (IsReady(service)) ++ready;
  }
  if (!Services(execution).empty()) {
    line += ", " + std::to_string(ready) + "/" + std::to_string(Services(execution).size()) +
            " services ready";
  }
  const std::string reason = phase == "Running" || phase == "Succeeded" ? "" : Reason(execution);
  return reason.empty() ? line : line + ": " + reason;
}

std::string Reason(const Value& execution) {
  const bool failed = execution.StringAt("status.phase") == "Failed";
  // A condition that is as it should be explains nothing.
  constexpr struct {
    std::string_view type, good;
  } kOrder[] = {{"Complete", ""},
                {"Degraded", "False"},
                {"Admitted", "True"},
                {"EssentialReady", "True"},
                {"Ready", "True"}};
  for (const auto& [type, good] : kOrder) {
    if (type == "Complete" && !failed) continue;
    const Value* condition = Condition(execution, type);
    if (condition == nullptr || condition->StringAt("status") == good) continue;
    const std::string message = condition->StringAt("message"),
                      reason = condition->StringAt("reason");
    if (message.empty() && reason.empty()) continue;
    return message.empty() ? reason : failed && !reason.empty() ? reason + ": " + message : message;
  }
  for (const Value& service : Services(execution)) {
    const std::string message = service.StringAt("message");
    if (!message.empty()) return "service " + service.StringAt("name") + ": " + message;
  }
  return "";
}

std::string WhyQueued(const Value& execution) {
  const Value* admitted = Condition(execution, "Admitted");
  if (admitted == nullptr) return "";
  std::string message = admitted->StringAt("message");
  constexpr std::string_view kPlace = "position ", kSaid = " in the queue: ";
  const size_t said = message.find(kSaid);
  if (message.starts_with(kPlace) && said != message.npos) message.erase(0, said + kSaid.size());
  return message;
}

std::string FailedService(const Value& execution) {
  std::string suspect;
  for (const Value& service : Services(execution)) {
    if (IntAt(service, "exitCode") != 0) return service.StringAt("name");
    if (suspect.empty() && !IsReady(service) && !service.StringAt("message").empty())
      suspect = service.StringAt("name");
  }
  return suspect;
}

std::vector<std::string> ServiceLines(const Value& execution) {
  Table table({});
  for (const Value& service : Services(execution)) {
    table.Add({service.StringAt("name"),
               std::to_string(IntAt(service, "ready")) + "/" +
                   std::to_string(IntAt(service, "total")) + " ready",
               service.StringAt("message")});
  }
  std::stringstream text;
  table.Flush(text, "  ");
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

void LiveView::Draw(std::vector<std::string> lines) {
  if (!enabled()) return;
  const auto rows = static_cast<size_t>(std::max(2, io_.rows - 1));
  if (lines.size() > rows) {
    const size_t more = lines.size() - rows + 1;
    lines.resize(rows - 1);
    lines.push_back("… and " + std::to_string(more) + " more");
  }
  for (std::string& line : lines)
    line = Cut(OneLine(line), static_cast<size_t>(std::max(20, io_.columns)));
  if (lines == shown_) return;
  std::string text;
  if (!shown_.empty()) text += "\x1b[" + std::to_string(shown_.size()) + "A\r";
  for (const std::string& line : lines) text += "\x1b[2K" + line + "\n";
  if (lines.size() < shown_.size()) text += "\x1b[J";
  io_.err << text << std::flush;
  shown_ = std::move(lines);
}

void LiveView::Clear() {
  if (shown_.empty()) return;
  io_.err << "\x1b[" << shown_.size() << "A\r\x1b[J" << std::flush;
  shown_.clear();
}

}  // namespace zoe::cli

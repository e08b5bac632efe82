#include "controller/scheduler/constraint.h"

#include <algorithm>
#include <optional>
#include <string>

#include "specs/meta/subnet.h"

namespace zoe::scheduler {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualFold(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view Find(const std::map<std::string, std::string>& labels, std::string_view name) {
  const auto it = labels.find(std::string(name));
  return it == labels.end() ? std::string_view() : std::string_view(it->second);
}

std::optional<std::string_view> ValueOf(const Node& node, std::string_view key) {
  static constexpr std::string_view kNodeLabels = "node.labels.", kEngineLabels = "engine.labels.";
  if (key.starts_with(kNodeLabels)) return Find(node.labels, key.substr(kNodeLabels.size()));
  if (key.starts_with(kEngineLabels))
    return Find(node.engine_labels, key.substr(kEngineLabels.size()));
  if (key == "node.id") return node.id;
  if (key == "node.hostname") return node.name;
  if (key == "node.role") return node.role;
  if (key == "node.platform.os") return node.os;
  if (key == "node.platform.arch") return node.architecture;
  return std::nullopt;
}

// An address, or the subnet that it is in.
bool IsAt(const Node& node, std::string_view place) {
  const auto subnet = ParseSubnet(place), own = ParseSubnet(node.address);
  return subnet && own ? subnet->Overlaps(*own) : EqualFold(node.address, place);
}

}  // namespace

bool Meets(const Node& node, std::string_view constraint) {
  size_t sign = constraint.find("==");
  const bool equal = sign != std::string_view::npos;
  if (!equal) sign = constraint.find("!=");
  if (sign == std::string_view::npos) return false;
  const std::string_view key = Trim(constraint.substr(0, sign)),
                         wanted = Trim(constraint.substr(sign + 2));
  if (key == "node.ip") return IsAt(node, wanted) == equal;
  const auto value = ValueOf(node, key);
  return value && EqualFold(*value, wanted) == equal;
}

}  // namespace zoe::scheduler

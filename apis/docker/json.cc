#include "apis/docker/json.h"

#include <algorithm>

#include "apis/docker/engine_error.h"

namespace zoe::docker {

const Json& Child(const Json& object, std::string_view name) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto it = object.find(name);
  return it == object.end() ? kNone : *it;
}

std::string Text(const Json& object, std::string_view name) {
  const Json& value = Child(object, name);
  return value.is_string() ? value.get<std::string>() : "";
}

int64_t Number(const Json& object, std::string_view name) {
  const Json& value = Child(object, name);
  return value.is_number() ? value.get<int64_t>() : 0;
}

bool Flag(const Json& object, std::string_view name) {
  const Json& value = Child(object, name);
  return value.is_boolean() && value.get<bool>();
}

std::vector<std::string> Texts(const Json& object, std::string_view name) {
  std::vector<std::string> out;
  for (const Json& value : Child(object, name)) {
    if (value.is_string()) out.push_back(value.get<std::string>());
  }
  return out;
}

Labels ReadLabels(const Json& object, std::string_view name) {
  Labels out;
  const Json& labels = Child(object, name);
  if (!labels.is_object()) return out;
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string()) out[key] = value.get<std::string>();
  }
  return out;
}

WallTime ReadTime(const Json& object, std::string_view name) {
  return ParseTime(Text(object, name)).value_or(WallTime{});
}

uint64_t VersionOf(const Json& object) {
  return static_cast<uint64_t>(Number(Child(object, "Version"), "Index"));
}

std::vector<SwarmPort> ReadPorts(const Json& list) {
  std::vector<SwarmPort> ports;
  for (const Json& port : list) {
    if (Text(port, "Protocol") != "tcp") continue;
    ports.push_back({static_cast<int32_t>(Number(port, "TargetPort")),
                     static_cast<int32_t>(Number(port, "PublishedPort")),
                     Text(port, "PublishMode") == "host"});
  }
  return ports;
}

bool Empty(const Json& value) {
  if (value.is_null() || value == false || value == "" || value == 0) return true;
  if (value.is_array()) return value.empty();
  return value.is_object() && std::ranges::all_of(value, Empty);
}

Expected<std::string> Dump(const Json& json) {
  try {
    return json.dump();
  } catch (const Json::exception&) {
    return MakeError(Code::kInvalid, "a value for Docker is not UTF-8 text");
  }
}

Expected<Json> ParseList(std::string_view text, std::string_view what, std::string_view id) {
  Json list = Json::parse(text, nullptr, false);
  if (list.is_null()) list = Json::array();  // Go writes an empty list so, now and then
  const bool good = list.is_array() &&
                    std::ranges::all_of(list, [&](const Json& o) { return !Text(o, id).empty(); });
  if (!good) return Nonsense(what, text);
  return list;
}

}  // namespace zoe::docker

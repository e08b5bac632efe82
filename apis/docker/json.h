// Reading the Engine's JSON: a member that is absent or of another type reads as empty. For the .cc
// files of this folder only (it brings in nlohmann's headers).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/swarm.h"

namespace zoe::docker {

using Json = nlohmann::json;

const Json& Child(const Json& object, std::string_view name);
std::string Text(const Json& object, std::string_view name);
int64_t Number(const Json& object, std::string_view name);
bool Flag(const Json& object, std::string_view name);
std::vector<std::string> Texts(const Json& object, std::string_view name);
Labels ReadLabels(const Json& object, std::string_view name);
WallTime ReadTime(const Json& object, std::string_view name);
uint64_t VersionOf(const Json& object);
// A list of the Engine's PortConfig; what isn't TCP is left out.
std::vector<SwarmPort> ReadPorts(const Json& list);
// null, false, 0, "", [], {} and objects of nothing else.
bool Empty(const Json& value);

// kInvalid if a string in it isn't UTF-8.
Expected<std::string> Dump(const Json& json);
// A list of objects that each have `id`. kInternal.
Expected<Json> ParseList(std::string_view text, std::string_view what, std::string_view id);

}  // namespace zoe::docker

#include "cli/resource.h"

#include <algorithm>
#include <cctype>

#include "apis/client/client.h"
#include "cli/options.h"
#include "specs/core/kinds.h"

namespace zoe::cli {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Expected<std::pair<std::string, std::string>> SplitSlash(const std::string& word) {
  const std::vector<std::string> parts = Split(word, '/');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
    return MakeError(Code::kBadRequest,
                     "\"" + word + "\" is no KIND/NAME, such as execution/wordcount");
  }
  return std::pair(parts[0], parts[1]);
}

}  // namespace

std::string Resource::Path(std::string_view ns, std::string_view name) const {
  return client::ResourcePath(base, namespaced ? ns : std::string_view{}, plural, name);
}

Resource FromKind(const v1::Kind& kind) {
  const std::string group(kind.group), version(kind.api_version);
  return {.kind = std::string(kind.name),
          .plural = std::string(kind.plural),
          .singular = std::string(kind.singular),
          .group = group,
          .base = (group.empty() ? "/api/" : "/apis/") + version,
          .namespaced = kind.namespaced,
          .known = &kind};
}

std::vector<std::string_view> ResourceNames() {
  std::vector<std::string_view> names;
  for (const auto* kinds : {&v1::Kinds(), &core::Kinds()}) {
    for (const v1::Kind& kind : *kinds) {
      if (std::find(names.begin(), names.end(), kind.plural) != names.end()) continue;
      names.insert(names.end(), {kind.plural, kind.singular});
      names.insert(names.end(), kind.short_names.begin(), kind.short_names.end());
    }
  }
  return names;
}

Expected<Resource> FindResource(std::string_view name) {
  std::string lower = Lower(name);
  if (lower.ends_with(".zoe")) lower.resize(lower.size() - 4);
  if (const v1::Kind* kind = v1::FindResource(lower)) return FromKind(*kind);
  for (const v1::Kind& kind : core::Kinds()) {
    if (lower == kind.plural || lower == kind.singular ||
        std::count(kind.short_names.begin(), kind.short_names.end(), lower) > 0)
      return FromKind(kind);
  }
  const std::string close = Closest(lower, ResourceNames());
  return MakeError(Code::kBadRequest,
                   "the server doesn't have a resource type \"" + std::string(name) + "\"" +
                       (close.empty() ? "" : "; did you mean \"" + close + "\"?"));
}

Expected<Resource> ResourceOf(const codec::Value& object) {
  const std::string kind = object.StringAt("kind"), version = object.StringAt("apiVersion");
  if (version == v1::kApiVersion) {
    if (const v1::Kind* known = v1::FindKind(kind)) return FromKind(*known);
  }
  if (version == "v1") {
    if (const v1::Kind* view = core::FindKind(kind)) return FromKind(*view);
  }
  return MakeError(Code::kBadRequest, "no kind \"" + kind + "\" in apiVersion \"" + version + "\"");
}

std::vector<Resource> AllResources(bool views) {
  std::vector<Resource> all;
  if (views) all.push_back(FromKind(*core::FindKind("Pod")));
  for (const v1::Kind& kind : v1::Kinds()) {
    if (kind.namespaced && kind.name != "Event") all.push_back(FromKind(kind));
  }
  return all;
}

bool ComesWithUser(const Resource& resource) {
  return resource.kind == "Workspace" || resource.kind == "Gateway";
}

Expected<std::vector<Target>> ParseTargets(const std::vector<std::string>& words, bool views) {
  std::vector<Target> targets;
  if (words.empty()) {
    return MakeError(Code::kBadRequest, "which resource? such as: executions, applications, all");
  }
  const bool slashed = words[0].find('/') != std::string::npos;
  if (slashed) {
    for (const std::string& word : words) {
      if (word.find('/') == std::string::npos) {
        return MakeError(Code::kBadRequest,
                         "KIND/NAME and plain names don't mix: \"" + word + "\"");
      }
      ZOE_ASSIGN(const auto pair, SplitSlash(word));
      ZOE_ASSIGN(Resource resource, FindResource(pair.first));
      if (!targets.empty() && targets.back().resource.kind == resource.kind) {
        targets.back().names.push_back(pair.second);
      } else {
        targets.push_back({std::move(resource), {pair.second}});
      }
    }
    return targets;
  }
  const std::vector<std::string> names(words.begin() + 1, words.end());
  for (const std::string& name : names) {
    if (name.find('/') != std::string::npos) {
      return MakeError(Code::kBadRequest, "KIND/NAME and plain names don't mix: \"" + name + "\"");
    }
    if (name.empty()) return MakeError(Code::kBadRequest, "a resource's name can't be empty");
  }
  for (const std::string& kind : Split(words[0], ',')) {
    if (Lower(kind) == "all") {
      for (Resource& resource : AllResources(views))
        targets.push_back({std::move(resource), names});
      continue;
    }
    ZOE_ASSIGN(Resource resource, FindResource(kind));
    targets.push_back({std::move(resource), names});
  }
  return targets;
}

Expected<std::vector<One>> ParseOnes(const std::vector<std::string>& words,
                                     std::string_view standard) {
  std::vector<One> ones;
  if (!standard.empty() && words.empty()) {
    ZOE_ASSIGN(const Resource resource, FindResource(standard));
    return MakeError(Code::kBadRequest, "which " + resource.singular + "? give its name");
  }
  if (!standard.empty() && !words.empty() && words[0].find('/') == std::string::npos) {
    // "NAME…", or "KIND NAME…" if the first word can only be a kind.
    const bool kind_first = words.size() > 1 && FindResource(words[0]).ok();
    ZOE_ASSIGN(const Resource resource,
               FindResource(kind_first ? std::string_view(words[0]) : standard));
    for (size_t i = kind_first ? 1 : 0; i < words.size(); ++i) {
      if (words[i].find('/') == std::string::npos) {
        ones.push_back({resource, words[i]});
        continue;
      }
      ZOE_ASSIGN(const auto pair, SplitSlash(words[i]));
      ZOE_ASSIGN(Resource other, FindResource(pair.first));
      ones.push_back({std::move(other), pair.second});
    }
    return ones;
  }
  ZOE_ASSIGN(const std::vector<Target> targets, ParseTargets(words));
  for (const Target& target : targets) {
    for (const std::string& name : target.names) ones.push_back({target.resource, name});
  }
  if (ones.empty())
    return MakeError(Code::kBadRequest,
                     "which " + targets[0].resource.singular + "? give its name");
  return ones;
}

}  // namespace zoe::cli

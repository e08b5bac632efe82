// What a user may call a resource, and where the API has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "specs/codec/value.h"
#include "specs/meta/expected.h"
#include "specs/v1/kinds.h"

namespace zoe::cli {

struct Resource {
  std::string kind, plural, singular;
  std::string group;  // "zoe"; empty for the read-only views of core/v1
  std::string base;   // "/apis/zoe/v1", "/api/v1"
  bool namespaced = true;
  const v1::Kind* known = nullptr;  // never null once found

  std::string Singular() const {
    return singular + (group.empty() ? "" : "." + group);
  }  // execution.zoe
  std::string Plural() const {
    return plural + (group.empty() ? "" : "." + group);
  }  // executions.zoe
  std::string Label(std::string_view name) const { return Singular() + "/" + std::string(name); }
  // `ns` is left out for cluster-scoped resources.
  std::string Path(std::string_view ns, std::string_view name = {}) const;
};

// By plural, singular, short name or kind, any case, with or without ".zoe". kBadRequest with a
// suggestion.
Expected<Resource> FindResource(std::string_view name);
Resource FromKind(const v1::Kind& kind);
// By an object's apiVersion and kind.
Expected<Resource> ResourceOf(const codec::Value& object);
// Everything that "all" means: what namespaces hold, but events; with `views` their pods too.
std::vector<Resource> AllResources(bool views = false);
// True for what a User brings along and what is made again when it is removed: "all" of delete
// spares it.
bool ComesWithUser(const Resource& resource);
// Words that FindResource knows, for suggestions and completion.
std::vector<std::string_view> ResourceNames();

// One resource and the names asked for; no names: all.
struct Target {
  Resource resource;
  std::vector<std::string> names;
};

// "exec", "exec a b", "exec/a app/b", "exec,app", "all". kBadRequest for what makes no sense.
Expected<std::vector<Target>> ParseTargets(const std::vector<std::string>& words,
                                           bool views = false);
// Exactly one object: "exec NAME", "exec/NAME", or "NAME" alone if `standard` (a resource's name)
// is given.
struct One {
  Resource resource;
  std::string name;
};
Expected<std::vector<One>> ParseOnes(const std::vector<std::string>& words,
                                     std::string_view standard = {});

}  // namespace zoe::cli

// api-resources and api-versions: what the server says it serves.
#include <algorithm>

#include "cli/commands.h"
#include "cli/table.h"

namespace zoe::cli {
namespace {

using codec::Value;

struct Served {
  std::string group, version, name, kind, short_names, verbs, categories;
  bool namespaced = false;
};

std::string Joined(const Value* words) {
  std::string out;
  if (words == nullptr || !words->is_array()) return out;
  for (const Value& word : words->as_array()) {
    if (word.is_string()) out += (out.empty() ? "" : ",") + word.as_string();
  }
  return out;
}

// Every group's version, "v1" of the core first; `preferred`: one of each group.
Expected<std::vector<std::string>> GroupVersions(client::Client& client, bool preferred) {
  std::vector<std::string> found;
  ZOE_ASSIGN(const Value core, client.Get("/api"));
  if (const Value* versions = core.Find("versions"); versions != nullptr && versions->is_array()) {
    for (const Value& version : versions->as_array()) found.push_back(version.ScalarText());
  }
  ZOE_ASSIGN(const Value list, client.Get("/apis"));
  const Value* groups = list.Find("groups");
  if (groups == nullptr || !groups->is_array()) return found;
  for (const Value& group : groups->as_array()) {
    if (preferred) {
      found.push_back(group.StringAt("preferredVersion.groupVersion"));
      continue;
    }
    const Value* versions = group.Find("versions");
    if (versions == nullptr || !versions->is_array()) continue;
    for (const Value& version : versions->as_array())
      found.push_back(version.StringAt("groupVersion"));
  }
  return found;
}

Expected<void> AddResources(client::Client& client, const std::string& group_version,
                            std::vector<Served>& all) {
  const size_t slash = group_version.find('/');
  const bool core = slash == std::string::npos;
  ZOE_ASSIGN(const Value list, client.Get((core ? "/api/" : "/apis/") + group_version));
  const Value* resources = list.Find("resources");
  if (resources == nullptr || !resources->is_array()) return {};
  for (const Value& resource : resources->as_array()) {
    Served served;
    served.name = resource.StringAt("name");
    if (served.name.find('/') != std::string::npos) continue;
    served.group = core ? "" : group_version.substr(0, slash);
    served.version = group_version;
    served.kind = resource.StringAt("kind");
    served.short_names = Joined(resource.Find("shortNames"));
    served.verbs = Joined(resource.Find("verbs"));
    served.categories = Joined(resource.Find("categories"));
    const Value* namespaced = resource.Find("namespaced");
    served.namespaced = namespaced != nullptr && *namespaced == Value(true);
    all.push_back(std::move(served));
  }
  return {};
}

Expected<std::vector<Served>> AllServed(Session& session) {
  ZOE_ASSIGN(client::Client* const client, session.Connect());
  ZOE_ASSIGN(const std::vector<std::string> versions, GroupVersions(*client, true));
  std::vector<Served> all;
  for (const std::string& version : versions) ZOE_TRY(AddResources(*client, version, all));
  std::sort(all.begin(), all.end(), [](const Served& a, const Served& b) {
    return std::tie(a.group, a.name) < std::tie(b.group, b.name);
  });
  return all;
}

}  // namespace

int ApiResources(Session& session) {
  const Arguments& args = session.args();
  const std::string& format = args.Get("output");
  if (!session.words().empty() || (!format.empty() && format != "wide" && format != "name"))
    return session.Usage("api-resources takes no words, and -o wide or -o name");
  auto all = AllServed(session);
  if (!all.ok()) return session.Fail(all.error());
  std::erase_if(*all, [&](const Served& served) {
    return (args.Has("namespaced") && args.Is("namespaced") != served.namespaced) ||
           (args.Has("api-group") && args.Get("api-group") != served.group);
  });
  if (format == "name") {
    for (const Served& served : *all)
      session.out() << served.name << (served.group.empty() ? "" : ".") << served.group << '\n';
    return kOk;
  }
  std::vector<std::string> headers = {"NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"};
  if (format == "wide") headers.insert(headers.end(), {"VERBS", "CATEGORIES"});
  Table table(args.Is("no-headers") ? std::vector<std::string>{} : headers);
  for (const Served& served : *all) {
    std::vector<std::string> row = {served.name, served.short_names, served.version,
                                    served.namespaced ? "true" : "false", served.kind};
    if (format == "wide") row.insert(row.end(), {served.verbs, served.categories});
    table.Add(std::move(row));
  }
  table.Flush(session.out());
  return kOk;
}

int ApiVersions(Session& session) {
  if (!session.words().empty()) return session.Usage("api-versions takes no words");
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error());
  auto versions = GroupVersions(**client, false);
  if (!versions.ok()) return session.Fail(versions.error());
  std::sort(versions->begin(), versions->end());
  for (const std::string& version : *versions) session.out() << version << '\n';
  return kOk;
}

}  // namespace zoe::cli

#include "cli/quota.h"

#include <algorithm>
#include <string>
#include <vector>

#include "cli/resource.h"
#include "cli/table.h"
#include "specs/v1/kinds.h"
#include "specs/v1/quota.h"
#include "specs/v1/user.h"

namespace zoe::cli {
namespace {

using codec::Value;

// A later server's fields are none of a count's business.
template <class T>
Expected<T> Read(Value item, const char* kind) {
  item.Set("apiVersion", std::string(v1::kApiVersion));
  item.Set("kind", kind);
  ZOE_ASSIGN(const v1::DecodeResult decoded, v1::Decode(item, v1::Strictness::kIgnore));
  return static_cast<const T&>(*decoded.object);
}

template <class T>
Expected<std::vector<T>> ListOf(client::Client& client, const char* plural, const char* kind,
                                const std::string& ns = {}) {
  ZOE_ASSIGN(const Resource resource, FindResource(plural));
  ZOE_ASSIGN(const Value list, client.List(resource.Path(ns)));
  std::vector<T> objects;
  for (const Value& item : list.Find("items")->as_array()) {
    ZOE_ASSIGN(T object, Read<T>(item, kind));
    objects.push_back(std::move(object));
  }
  return objects;
}

// Of those that may be seen, the one that limits the user; nullptr: none.
const v1::Quota* QuotaOf(const v1::User& user, const std::vector<v1::Quota>& quotas) {
  for (const v1::Quota& quota : quotas) {
    if (quota.meta.name == user.spec.quota) return &quota;
  }
  for (const v1::Quota& quota : quotas) {
    const auto& roles = quota.spec.roles;
    if (std::ranges::find(roles, user.spec.role) != roles.end()) return &quota;
  }
  return nullptr;
}

Expected<std::vector<v1::User>> UsersSeen(client::Client& client, const std::string& self) {
  auto users = ListOf<v1::User>(client, "users", "User");
  if (users.ok() || users.error().code != Code::kForbidden || self.empty()) return users;
  ZOE_ASSIGN(const Resource resource, FindResource("users"));
  ZOE_ASSIGN(const Value document, client.Get(resource.Path("", self)));
  ZOE_ASSIGN(v1::User user, Read<v1::User>(document, "User"));
  return std::vector<v1::User>{std::move(user)};
}

Expected<std::vector<std::string>> Row(client::Client& client, const v1::User& user,
                                       const v1::Quota& quota) {
  ZOE_ASSIGN(const std::vector<v1::Execution> executions,
             ListOf<v1::Execution>(client, "executions", "Execution", user.meta.name));
  v1::Usage used;
  for (const v1::Execution& execution : executions) used = used + v1::CountedOf(execution);
  std::vector<std::string> row = {user.meta.name, quota.meta.name};
  for (const std::string_view name : {"executions", "cpu", "memory", "services"}) {
    row.emplace_back("-");
    for (const v1::QuotaLine& line : v1::CompareWithQuota(quota.spec, used)) {
      if (line.name == name) row.back() = line.used + "/" + line.limit;
    }
  }
  row.push_back(quota.spec.runtime.empty() ? "-" : quota.spec.runtime);
  return row;
}

}  // namespace

Expected<void> DescribeQuotas(client::Client& client, const Value& object, const std::string& self,
                              std::ostream& out) {
  ZOE_ASSIGN(const auto quotas, ListOf<v1::Quota>(client, "quotas", "Quota"));
  std::vector<v1::User> users;
  const std::string name = object.StringAt("metadata.name");
  const bool of_user = object.StringAt("kind") == "User";
  if (of_user) {
    ZOE_ASSIGN(v1::User user, Read<v1::User>(object, "User"));
    users.push_back(std::move(user));
  } else {
    ZOE_ASSIGN(users, UsersSeen(client, self));
  }
  Table table({"User", "Quota", "Executions", "CPU", "Memory", "Services", "Runtime"}, 2, 0);
  table.Add({"----", "-----", "----------", "---", "------", "--------", "-------"});
  bool any = false;
  for (const v1::User& user : users) {
    const v1::Quota* quota = QuotaOf(user, quotas);
    if (quota == nullptr || (!of_user && quota->meta.name != name)) continue;
    ZOE_ASSIGN(std::vector<std::string> row, Row(client, user, *quota));
    table.Add(std::move(row));
    any = true;
  }
  if (!any) {
    if (!of_user) out << "Used:  <nobody has it>\n";
    return {};
  }
  out << "Used:\n";
  table.Flush(out, "  ");
  return {};
}

}  // namespace zoe::cli

#include "specs/v1/allow_list.h"

#include <algorithm>

#include "specs/schema/names.h"
#include "specs/v1/checks.h"
#include "specs/v1/user.h"

namespace zoe::v1 {
namespace {

// Where Docker's socket is, by both names of the directory.
constexpr std::string_view kSockets[] = {"/var/run/docker.sock", "/run/docker.sock"};

// Without double slashes, "." and a slash at the end: "//data/./x/" is "/data/x".
std::string Normalized(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") out += "/" + std::string(part);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return out.empty() ? "/" : out;
}

// Both normalized.
bool Contains(std::string_view directory, std::string_view path) {
  if (directory == "/" || directory == path) return true;
  return path.starts_with(directory) && path[directory.size()] == '/';
}

bool HoldsSocket(std::string_view path) {
  return std::any_of(std::begin(kSockets), std::end(kSockets),
                     [&](std::string_view socket) { return Contains(path, socket); });
}

bool IsRole(std::string_view text) {
  return text == kRoleAdmin || text == kRoleUser || text == kRoleGuest;
}

template <class Parse>
Expected<std::vector<Allowance>> ParseList(std::string_view text, const Parse& parse) {
  std::vector<Allowance> allowed;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    Allowance one;
    if (const size_t at = item.rfind('@'); at != std::string_view::npos) {
      one.role = item.substr(at + 1);
      if (!IsRole(one.role)) {
        return MakeError(Code::kInvalid, schema::Quote(item) +
                                             ": after @ stands a role: admin, "
                                             "user or guest");
      }
      item = item.substr(0, at);
    }
    ZOE_TRY(parse(item, one));
    allowed.push_back(std::move(one));
  }
  return allowed;
}

bool Covers(const Allowance& one, std::string_view role) {
  return one.role.empty() || one.role == role;
}

}  // namespace

Expected<std::vector<Allowance>> ParseAllowedPaths(std::string_view text) {
  return ParseList(text, [](std::string_view item, Allowance& one) -> Expected<void> {
    if (item.ends_with(":ro")) {
      one.read_only = true;
      item.remove_suffix(3);
    }
    if (const std::string wrong = schema::MustBeAbsolutePath(item); !wrong.empty())
      return MakeError(Code::kInvalid, schema::Quote(item) + " " + wrong);
    one.what = Normalized(item);
    if (!HoldsSocket(one.what)) return {};
    return MakeError(
        Code::kInvalid,
        schema::Quote(item) + " holds Docker's socket: who has that has the whole Swarm");
  });
}

Expected<std::vector<Allowance>> ParseAllowedCapabilities(std::string_view text) {
  return ParseList(text, [](std::string_view item, Allowance& one) -> Expected<void> {
    one.what = item;
    if (const std::string wrong = MustBeCapability(item); !wrong.empty())
      return MakeError(Code::kInvalid, schema::Quote(item) + " " + wrong);
    return {};
  });
}

std::string RefusePath(const std::vector<Allowance>& allowed, std::string_view path, bool read_only,
                       std::string_view role) {
  const std::string wanted = Normalized(path);
  if (HoldsSocket(wanted)) return "holds Docker's socket: that is never allowed";
  std::string why;
  for (const Allowance& one : allowed) {
    if (!Covers(one, role) || !Contains(one.what, wanted)) continue;
    if (!one.read_only && one.what == wanted) return "";
    if (one.read_only && read_only) return "";
    why = one.read_only ? "is allowed for reading only: add readOnly: true"
                        : "lies below a path that is allowed as a whole only: mount " + one.what;
  }
  if (!why.empty()) return why;
  return "is not allowed for role " + std::string(role) +
         ": the operator allows host paths by --allow-host-paths";
}

std::string RefuseCapability(const std::vector<Allowance>& allowed, std::string_view capability,
                             std::string_view role) {
  const bool covered = std::any_of(allowed.begin(), allowed.end(), [&](const Allowance& one) {
    return Covers(one, role) && one.what == capability;
  });
  if (covered) return "";
  return "is not allowed for role " + std::string(role) +
         ": the operator allows capabilities by --allow-capabilities";
}

}  // namespace zoe::v1

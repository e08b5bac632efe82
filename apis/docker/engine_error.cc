#include "apis/docker/engine_error.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

namespace zoe::docker {
namespace {

std::string Printable(std::string_view text, size_t most) {
  std::string cut(text.substr(0, most));
  for (char& c : cut) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '.';
  }
  return text.size() > most ? cut + "..." : cut;
}

std::string MessageOf(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_object()) {
    const auto it = json.find("message");
    if (it != json.end() && it->is_string()) return it->get<std::string>();
  }
  return Printable(body, 200);
}

}  // namespace

// The Engine's own words, as 20.10 to 28 write them. SwarmKit's errors come through as
// "rpc error: code = C desc = ...", most of them with status 500.
EngineRefusal ReadRefusal(std::string_view where, bool write, int status, std::string_view body) {
  const std::string message = MessageOf(body);
  const std::string at(where);
  std::string lower = message;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto says = [&lower](std::string_view words) { return lower.find(words) != lower.npos; };
  const auto is = [&message](Code code) { return EngineRefusal{MakeError(code, message)}; };

  if (says("worker nodes can't be used"))
    return {MakeError(Code::kUnavailable, "NotAManager",
                      at + " is a Swarm worker: give the endpoint of a manager"),
            true};
  if (says("not a swarm manager") || says("not part of a swarm"))
    return {MakeError(Code::kUnavailable, "NotAManager",
                      at + " is not a Swarm manager: run `docker swarm init` there, or join it to "
                           "a Swarm as a manager"),
            true};
  if (says("does not have a leader") || says("has no leader") || says("no elected"))
    return {MakeError(Code::kUnavailable, "NoLeader", at + ": " + message), true};
  if (says("client version") && says("too new"))
    return {MakeError(Code::kUnavailable, at + ": " + message), true};
  if (says("update out of sequence")) return is(Code::kConflict);
  if (says("is in use") || says("has active endpoints")) return is(Code::kConflict);
  if (says("already exists") || says("name conflicts") || status == 409)
    return is(Code::kAlreadyExists);
  if (status == 404 || (status == 500 && says("not found"))) return is(Code::kNotFound);
  if (status == 400 || says("code = invalidargument")) return is(Code::kInvalid);
  if (status == 401) return {MakeError(Code::kUnauthorized, at + " answers 401: " + message)};
  if (status == 403) return {MakeError(Code::kForbidden, at + " answers 403: " + message)};
  if (status == 503) return {MakeError(Code::kUnavailable, at + ": " + message), true};
  // The manager gave up waiting for the others: what was asked may still happen.
  if (status >= 500 && (says("context deadline exceeded") || says("context canceled") ||
                        says("code = unavailable") || says("raft: failed to process the request") ||
                        says("transport is closing") || status == 502 || status == 504)) {
    return {MakeError(write ? Code::kOutcomeUnknown : Code::kUnavailable, at + ": " + message),
            !write};
  }
  return {MakeError(Code::kInternal, at + " answers " + std::to_string(status) + ": " + message)};
}

Error Unreachable(std::string_view where, bool unix_socket, int os_errno,
                  std::string_view failure) {
  const std::string at(where);
  if (unix_socket && os_errno == ENOENT)
    return MakeError(Code::kUnavailable, "no Docker at " + at +
                                             ": there is no such socket. Is Docker running "
                                             "(systemctl start docker)?");
  if (unix_socket && (os_errno == EACCES || os_errno == EPERM))
    return MakeError(Code::kUnavailable, "may not use Docker at " + at +
                                             ": permission denied. Run as root, or add this user "
                                             "to the group docker");
  if (os_errno == ECONNREFUSED)
    return MakeError(Code::kUnavailable,
                     "nothing listens at " + at + ". Is Docker running (systemctl start docker)?");
  return MakeError(Code::kUnavailable,
                   "cannot reach Docker at " + at + ": " + std::string(failure));
}

Error Nonsense(std::string_view what, std::string_view body) {
  return MakeError(Code::kInternal, "Docker's answer to " + std::string(what) +
                                        " makes no sense: \"" + Printable(body, 60) + "\"");
}

}  // namespace zoe::docker

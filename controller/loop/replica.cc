#include "controller/loop/replica.h"

#include <algorithm>

#include "specs/codec/value.h"

namespace zoe {
namespace {

constexpr size_t kMaxIdentity = 4096, kMaxShown = 256;

// Somebody else's text, made fit for a line of a terminal.
std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, kMaxShown));
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  return shown;
}

}  // namespace

std::string EncodeReplica(const Replica& replica) {
  codec::Value value;
  value.Set("id", replica.id);
  if (!replica.url.empty()) value.Set("url", replica.url);
  if (replica.since) value.Set("since", FormatTime(*replica.since));
  return codec::ToJson(value);
}

Replica DecodeReplica(std::string_view identity) {
  const auto value = codec::ParseJson(identity, {.bytes = kMaxIdentity, .nodes = 64});
  if (!value.ok() || !value->is_object() || value->StringAt("id").empty())
    return {.id = Shown(identity)};
  Replica replica{.id = Shown(value->StringAt("id")), .url = Shown(value->StringAt("url"))};
  if (const auto since = ParseTime(value->StringAt("since")); since.ok()) replica.since = *since;
  return replica;
}

}  // namespace zoe

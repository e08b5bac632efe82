// List, then watch: the state of a collection and every change of it, across lost connections and
// expired histories.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "apis/client/client.h"
#include "specs/codec/value.h"

namespace zoe::cli {

enum class Seen { kListed, kAdded, kModified, kDeleted };

struct Follower {
  // kListed: there when the following began. False ends it.
  std::function<bool(Seen seen, const codec::Value& object)> on_object;
  // The first list is complete. False ends it.
  std::function<bool()> on_listed;
  // The connection was lost; it is tried again until the stop token ends it. May be empty.
  std::function<void(const Error&)> on_trouble;
};

// Blocks. Ends with ok when a callback says so, with kCancelled when `stop` is requested, and with
// the server's error if it refuses; the first list is not tried again. After a lost connection it
// goes on from the last resourceVersion; after 410 it lists again and reports the difference.
Expected<void> Follow(client::Client& client, const std::string& path,
                      const client::Query& selectors, std::stop_token stop,
                      const Follower& follower);

}  // namespace zoe::cli

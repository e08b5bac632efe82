// What one node of ZooKeeper says, as long as someone wants to know.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apis/zookeeper/zookeeper_store.h"

namespace zoe {

// "node /docker/managers of ZooKeeper at h1:2181,h2:2181": for messages; without credentials.
std::string ZnodeName(const ZooKeeperOptions& options);

// Follows the node at the path options.chroot, with a session of its own; options.deployment and
// the store's timeouts don't matter. Returns at once, whether ZooKeeper can be reached or not, and
// goes on through lost connections and expired sessions.
//
// `on_value` gets the data when it is first known and whenever it has changed, or why there is
// none: kNotFound (no such node; it may come), kForbidden, kUnavailable (the hosts' names can't be
// resolved, the server refuses). Never twice the same. Between two changes that follow each other
// closely it may see the last one only. A lost connection is no news. Runs on a thread of the
// Watch; must not destroy the Watch.
Expected<std::unique_ptr<Watch>> FollowZnode(
    const ZooKeeperOptions& options, std::function<void(const Expected<std::string>&)> on_value);

}  // namespace zoe

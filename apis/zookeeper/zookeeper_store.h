// The Store of a highly available controller: ZooKeeper, which also elects the leader.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controller/ports/store.h"
#include "specs/meta/time.h"

namespace zoe {

struct ZooKeeperOptions {
  std::string hosts;               // "h1:p1,h2:p2"; IPv6 as "[::1]:2181"
  std::string chroot;              // "/shared/zoe" or empty; made if missing
  std::string deployment = "zoe";  // everything lives under CHROOT/DEPLOYMENT
  std::string
      credentials;  // "user:password"; then every node is for this user only, else for everyone
  // Who is dead leads no longer than this. 5/6 of it are asked of the servers, which have the last
  // word (usually within 2 and 20 of their ticks) and end sessions up to a tick later.
  Duration session_timeout{6'000};
  Duration connect_timeout{10'000};  // of OpenZooKeeperStore
  Duration call_timeout{10'000};     // of each call
  Duration write_patience{3'000};    // a write waits so long for a connection that is lost
  int64_t keep_changes = 10'000;     // the leader trims the change log to about this many
  // The session is saved there, and those of dead processes of this host are ended; empty: not.
  std::string state_dir = {};
  bool make = true;  // a store that is missing; else that is kUnavailable StoreMissing
};

// Reads zk://[user:password@]h1[:p1][,h2[:p2]...][/chroot]; the port is 2181 if missing; user and
// password may be percent-encoded. kInvalid says what is wrong.
Expected<ZooKeeperOptions> ParseZooKeeperUrl(std::string_view url);

// Connects, makes the layout (see `make`) and waits for both, at most connect_timeout
// (kUnavailable; kForbidden if the nodes belong to someone else). From then on the store survives
// lost connections and expired sessions by itself.
//
// Layout under /CHROOT/DEPLOYMENT:
//   objects/KIND/NAMESPACE/NAME   one node per object; NAMESPACE is "_" for cluster-scoped kinds.
//                                 Bytes that ZooKeeper or the layout can't take are
//                                 percent-encoded. NAMESPACE nodes are set by deletions and by
//                                 writes in turn, and by nothing else
//   changes/c-0000000000...       the change log: "set KIND/NAMESPACE/NAME" or "delete ..." per
//                                 write; its parent's data is set by every write and is the only
//                                 thing that is watched
//   election/                     ephemeral sequential nodes, one per candidate; the lowest leads
// A write is one multi: the fence if it is the leader's (ForLeader), the object, the entry of the
// change log, the log's head. All of it has one zxid: the revision.
//
// Thread-safe; the callbacks of feeds and campaigns run on the store's own thread. A write whose
// reply was lost is kOutcomeUnknown, at once when the connection breaks. Reads are repeated until
// call_timeout. While the connection is lost, reads wait for it within that time, writes within
// write_patience; then they are kUnavailable.
//
// Leadership: a leader that can't reach a majority of the servers stops leading after 2/3 of the
// session timeout, by its own clock, before anyone else can lead. After an expired session, feeds
// get on_gap and campaigns stand again. After two session timeouts without a connection the session
// is opened anew: servers refuse who has seen more than they have.
//
// Nodes of the layout that are missing (the data were lost, or removed by hand) are not made anew
// by who is running: until somebody has put them back everything is kUnavailable (StoreMissing),
// and no listing is an empty one.
Expected<std::unique_ptr<Store>> OpenZooKeeperStore(const ZooKeeperOptions& options);

}  // namespace zoe

// Reads the change log and tells subscribers, in order. One watch: on the data of the log's head,
// which every write sets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apis/memory/change_feed.h"
#include "apis/zookeeper/client.h"
#include "apis/zookeeper/layout.h"

namespace zoe::zookeeper {

// Everything runs on the pump, except Subscribe, which is thread-safe.
//
// Entries are numbered without holes, and the head's mzxid is the revision of the newest one. So
// the log is read forward from the last entry seen until that revision is reached; an entry that
// isn't there before means that the log was trimmed under us.
class ChangeLog {
 public:
  struct Options {
    int64_t keep = 0;                // entries that trimming leaves
    std::function<bool()> may_trim;  // are we the leader?
    std::function<void()> on_ready;  // the position in the log is known
  };
  ChangeLog(const Layout& layout, Client& client, Pump& pump, Options options);

  std::unique_ptr<Watch> Subscribe(Feed feed, Revision after) {
    return subscribers_->Add(std::move(feed), after);
  }

  // A new session tells all subscribers of a gap: the former one's watch is gone.
  void OnConnected(bool fresh);
  void OnNode(const std::string& path);

 private:
  struct Window;
  void Restart();
  void OnMissing();
  void Locate(Revision head, const Reply& children);
  void Located(int32_t sequence, Revision revision);
  void Poll();
  void ReadWindow(Revision head, int count);
  void OnWindow(Revision head, const Window& window);
  void Idle();
  void Trim();
  void OnLog(const Reply& children);
  // Runs `then` on the pump with the reply, unless the session was replaced meanwhile or the reply
  // was lost.
  Session::Done Then(std::function<void(const Reply&)> then);
  void Recover();

  const Layout& layout_;
  Client& client_;
  Pump& pump_;
  const Options options_;
  const std::shared_ptr<Subscribers> subscribers_ = std::make_shared<Subscribers>();

  uint64_t epoch_ = 0;  // of the reading: replies of an earlier one are ignored
  bool located_ = false;
  bool busy_ = false;   // a chain of replies is under way
  bool again_ = false;  // the head changed meanwhile
  bool trimming_ = false;
  bool missing_ = false;     // the log isn't there
  int32_t last_ = -1;        // the newest entry delivered
  int32_t trimmed_at_ = -1;  // the newest entry when the log was last trimmed or listed
  int64_t length_ = 0;       // of the log at that moment
  Revision last_revision_ = 0;
};

}  // namespace zoe::zookeeper

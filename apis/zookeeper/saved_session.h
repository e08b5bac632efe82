// The session of this process in a file, so that the next process of this host can end it if this
// one was killed: the servers would keep its place in the election until the session's timeout.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "apis/zookeeper/session.h"

namespace zoe::zookeeper {

// Which sessions belong together: those of controllers with the same servers and the same place in
// them.
struct SessionPlace {
  std::string hosts, path;
  bool operator==(const SessionPlace&) const = default;
};

// One file `zookeeper-session-*` in `directory`, with mode 0600: who reads it can end the session.
// As long as its owner lives it is locked (flock), so that no living process's session is taken for
// that of a dead one. Not thread-safe.
class SavedSession {
 public:
  // No directory: does nothing.
  SavedSession(std::string directory, SessionPlace place)
      : directory_(std::move(directory)), place_(std::move(place)) {}
  ~SavedSession();  // the file stays, unlocked
  SavedSession(const SavedSession&) = delete;
  SavedSession& operator=(const SavedSession&) = delete;

  // Written beside, then renamed. kUnavailable with the reason; what was saved before stays.
  Expected<void> Save(const SessionId& id);
  // The session has been ended.
  void Remove();

 private:
  const std::string directory_;
  const SessionPlace place_;
  std::string path_;
  int fd_ = -1;
};

// Ends the sessions of `place` that were saved in `directory` by processes which are dead, on a
// thread of its own, in at most about 2 s each. A file whose session could not be ended stays for
// the next time; whatever else is in the directory is left alone.
std::jthread EndDeadSessions(std::string directory, SessionPlace place);

}  // namespace zoe::zookeeper

// Keeps a session alive, replaces it when it is over, and turns asynchronous calls into ones that
// wait.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apis/zookeeper/pump.h"
#include "apis/zookeeper/session.h"

namespace zoe::zookeeper {

// Thread-safe, but for what says that it runs on the pump.
class Client {
 public:
  // What the session goes through. Runs on the pump.
  struct Listener {
    std::function<void(bool fresh)> on_connected;  // fresh: nothing that was watched still is
    std::function<void()> on_over;  // the session is over: its ephemeral nodes are or will be gone
    std::function<void(const std::string& path)> on_node;
  };
  using Issue = std::function<void(Session&, Session::Done)>;

  // Both must outlive Close.
  Client(Session::Options options, Pump& pump, Listener listener);
  ~Client() { Close(); }
  // Returns at once; kUnavailable, if the hosts' names can't be resolved.
  Expected<void> Start() { return Start({}); }
  // Ends the session and every call that waits. Not from the pump.
  void Close();

  // False: there was none until then.
  bool AwaitConnection(SteadyTime deadline) { return WaitConnected(deadline) != nullptr; }
  // Waits for a connection, then for the reply. Rc::kNotSent: there was no connection until the
  // deadline. Rc::kLost: no reply.
  Reply Once(SteadyTime deadline, const Issue& issue);
  // The same, repeated while replies are lost: for reads.
  Reply Read(SteadyTime deadline, const Issue& issue);
  // Several reads at once, all in the same session and in this order. False, if one was lost.
  bool ReadAll(SteadyTime deadline, const std::vector<Issue>& issues, std::vector<Reply>& replies);

  // The session to issue to from the pump; null while there is no connection.
  std::shared_ptr<Session> connected();
  bool closed();
  // Of the session; no id before the first connection.
  SessionId id();
  // The session timeout that the server granted.
  Duration timeout();
  // Since when there is no connection; SteadyTime::max() if there is one.
  SteadyTime lost_since();
  const std::string& hosts() const { return options_.hosts; }

 private:
  void OnState(const std::shared_ptr<Session>& session, Session::State state);
  void CaughtUp(const std::shared_ptr<Session>& session, Rc rc);
  void Replace(const SessionId& attach);
  Expected<void> Start(const SessionId& attach);
  void Reopen(const std::shared_ptr<Session>& session);
  std::shared_ptr<Session> WaitConnected(SteadyTime deadline);

  const Session::Options options_;
  Pump& pump_;
  const Listener listener_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Session> session_;
  bool connected_ = false, fresh_ = true, closed_ = false;
  SteadyTime lost_since_;
};

}  // namespace zoe::zookeeper

#include "apis/zookeeper/client.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "controller/runtime/log.h"

namespace zoe::zookeeper {
namespace {

constexpr Duration kRetryDelay{1'000}, kReadRetryDelay{20};
// Reads of one batch that may be unanswered at a time: bounds memory at kMaxRecordBytes each.
constexpr size_t kWindow = 128;

SteadyTime Now() { return std::chrono::steady_clock::now(); }

// Where replies of calls that wait come in. Shared with them: a caller may give up first.
struct Inbox {
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<Reply> replies;
  size_t missing = 0;

  explicit Inbox(size_t size) : replies(size), missing(size) {}
  void Put(size_t i, Reply reply) {
    const std::lock_guard lock(mutex);
    replies[i] = std::move(reply);
    if (--missing == 0) arrived.notify_all();
  }
  bool Wait(SteadyTime deadline) {
    std::unique_lock lock(mutex);
    return arrived.wait_until(lock, deadline, [this] { return missing == 0; });
  }
};

}  // namespace

Client::Client(Session::Options options, Pump& pump, Listener listener)
    : options_(std::move(options)),
      pump_(pump),
      listener_(std::move(listener)),
      lost_since_(Now()) {}

// The events name their session weakly: those of a former one are told apart, and a session doesn't
// keep itself alive.
Expected<void> Client::Start(const SessionId& attach) {
  struct Self {
    std::mutex mutex;
    std::weak_ptr<Session> session;
  };
  const auto self = std::make_shared<Self>();
  const std::unique_lock starting(self->mutex);
  const auto session_of = [self] {
    const std::lock_guard lock(self->mutex);
    return self->session.lock();
  };
  Session::Events events{
      .on_state =
          [this, session_of](Session::State state) {
            pump_.Post([this, session_of, state] {
              if (const auto session = session_of()) OnState(session, state);
            });
          },
      .on_node =
          [this](std::string path) {
            pump_.Post([this, path = std::move(path)] { listener_.on_node(path); });
          }};
  Session::Options options = options_;
  options.attach = attach;
  ZOE_ASSIGN(const std::shared_ptr<Session> session, Session::Start(options, std::move(events)));
  self->session = session;
  const std::lock_guard lock(mutex_);
  if (closed_) return MakeError(Code::kCancelled, "the store is closing");
  session_ = session;
  fresh_ = true;
  return {};
}

void Client::Close() {
  std::shared_ptr<Session> session;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    connected_ = false;
    session.swap(session_);
    changed_.notify_all();
  }
  if (session) session->Close();
}

void Client::OnState(const std::shared_ptr<Session>& session, Session::State state) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || session != session_) return;
    if (state != Session::State::kConnected && connected_) {
      connected_ = false;
      lost_since_ = Now();
      log::Warn("lost the connection to ZooKeeper", {{"hosts", options_.hosts}});
    }
    // Also of a connection that was lost before its server had caught up.
    if (state == Session::State::kConnecting)
      pump_.PostAfter(session->timeout() * 2, [this, session] { Reopen(session); });
  }
  if (state == Session::State::kOver) {
    log::Warn("the ZooKeeper session is over, starting another", {{"hosts", options_.hosts}});
    listener_.on_over();
    session->Close();
    Replace({});
  } else if (state == Session::State::kConnected) {
    // A new session may meet a server that lags behind what the former one has seen: nothing is
    // read before it has caught up.
    session->Sync("/", [this, session](const Reply& reply) {
      pump_.Post([this, session, rc = reply.rc] { CaughtUp(session, rc); });
    });
  }
}

void Client::CaughtUp(const std::shared_ptr<Session>& session, Rc rc) {
  bool fresh = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || session != session_ || rc == Rc::kLost || rc == Rc::kNotSent) return;
    connected_ = true;
    lost_since_ = SteadyTime::max();
    fresh = std::exchange(fresh_, false);
    changed_.notify_all();
  }
  log::Info(fresh ? "opened a ZooKeeper session" : "connected to ZooKeeper again",
            {{"hosts", options_.hosts}});
  listener_.on_connected(fresh);
}

void Client::Replace(const SessionId& attach) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
  }
  if (const Expected<void> started = Start(attach); !started.ok()) {
    log::Warn("can't reach ZooKeeper", {{"reason", started.error().message}});
    pump_.PostAfter(kRetryDelay, [this, attach] { Replace(attach); });
  }
}

// What has seen a newer transaction than a server has is refused by it, for ever if the server's
// data were lost or restored from a copy. Another handle of the same session has seen nothing yet:
// it gets the session back with its nodes, or hears that it is over.
void Client::Reopen(const std::shared_ptr<Session>& session) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || session != session_ || connected_) return;
    const SteadyTime due = lost_since_ + session->timeout() * 2;
    if (Now() < due) {
      pump_.PostAt(due, [this, session] { Reopen(session); });
      return;
    }
  }
  log::Info("opening the ZooKeeper session anew", {{"hosts", options_.hosts}});
  const SessionId id = session->id();
  session->Close();
  Replace(id);
}

std::shared_ptr<Session> Client::WaitConnected(SteadyTime deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [this] { return connected_ || closed_; });
  return connected_ ? session_ : nullptr;
}

Reply Client::Once(SteadyTime deadline, const Issue& issue) {
  const std::shared_ptr<Session> session = WaitConnected(deadline);
  if (!session) return {.rc = Rc::kNotSent};
  const auto inbox = std::make_shared<Inbox>(1);
  issue(*session, [inbox](Reply reply) { inbox->Put(0, std::move(reply)); });
  if (!inbox->Wait(deadline)) return {.rc = Rc::kLost};
  return std::move(inbox->replies[0]);
}

Reply Client::Read(SteadyTime deadline, const Issue& issue) {
  std::vector<Reply> replies;
  while (!ReadAll(deadline, {issue}, replies)) {
    if (Now() >= deadline || closed()) return {.rc = Rc::kNotSent};
  }
  return std::move(replies[0]);
}

bool Client::ReadAll(SteadyTime deadline, const std::vector<Issue>& issues,
                     std::vector<Reply>& replies) {
  replies.clear();
  const std::shared_ptr<Session> session = WaitConnected(deadline);
  if (!session) return false;
  for (size_t from = 0; from < issues.size(); from += kWindow) {
    const size_t count = std::min(kWindow, issues.size() - from);
    const auto inbox = std::make_shared<Inbox>(count);
    for (size_t i = 0; i < count; ++i) {
      issues[from + i](*session, [inbox, i](Reply reply) { inbox->Put(i, std::move(reply)); });
    }
    if (!inbox->Wait(deadline)) return false;
    for (Reply& reply : inbox->replies) {
      if (reply.rc == Rc::kLost || reply.rc == Rc::kNotSent) {
        // The pump may not have heard of the loss yet: don't spin until it has.
        std::unique_lock lock(mutex_);
        changed_.wait_until(lock, std::min(deadline, Now() + kReadRetryDelay),
                            [this] { return closed_; });
        return false;
      }
      replies.push_back(std::move(reply));
    }
  }
  return true;
}

std::shared_ptr<Session> Client::connected() {
  const std::lock_guard lock(mutex_);
  return connected_ ? session_ : nullptr;
}

bool Client::closed() {
  const std::lock_guard lock(mutex_);
  return closed_;
}

SessionId Client::id() {
  const std::lock_guard lock(mutex_);
  return session_ ? session_->id() : SessionId{};
}

Duration Client::timeout() {
  const std::lock_guard lock(mutex_);
  return session_ ? session_->timeout() : options_.timeout;
}

SteadyTime Client::lost_since() {
  const std::lock_guard lock(mutex_);
  return lost_since_;
}

}  // namespace zoe::zookeeper

#include "apis/zookeeper/change_log.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "controller/runtime/log.h"

namespace zoe::zookeeper {
namespace {

constexpr int kFirstWindow = 4, kLargestWindow = 256;
constexpr Duration kRecoverDelay{1'000};
constexpr size_t kTrimStep = 2'000;

}  // namespace

// Replies of several reads; the last one that comes in posts them all.
struct ChangeLog::Window {
  explicit Window(size_t size) : replies(size), missing(size) {}
  std::vector<Reply> replies;
  std::atomic<size_t> missing;
};

ChangeLog::ChangeLog(const Layout& layout, Client& client, Pump& pump, Options options)
    : layout_(layout), client_(client), pump_(pump), options_(std::move(options)) {}

void ChangeLog::OnConnected(bool fresh) {
  ++epoch_;
  busy_ = again_ = trimming_ = false;
  if (fresh || !located_) {
    located_ = false;
    Restart();
  } else {
    Poll();
  }
}

void ChangeLog::OnNode(const std::string& path) {
  if (path == layout_.changes() && located_) Poll();
}

Session::Done ChangeLog::Then(std::function<void(const Reply&)> then) {
  return [this, epoch = epoch_, then = std::move(then)](Reply reply) {
    pump_.Post([this, epoch, then, reply = std::move(reply)] {
      if (epoch != epoch_) return;
      if (reply.rc == Rc::kLost || reply.rc == Rc::kNotSent || reply.rc == Rc::kNoAuth ||
          reply.rc == Rc::kOther) {
        Recover();
      } else {
        then(reply);
      }
    });
  };
}

// A lost connection is followed by OnConnected, which begins a new epoch; this is for whatever else
// may fail.
void ChangeLog::Recover() {
  busy_ = false;
  pump_.PostAfter(kRecoverDelay, [this, epoch = epoch_] {
    if (epoch != epoch_ || busy_ || !client_.connected()) return;
    located_ ? Poll() : Restart();
  });
}

// What was known stays known: that the log is gone says nothing about objects. Whoever puts it back
// puts another one there.
void ChangeLog::OnMissing() {
  if (!std::exchange(missing_, true)) {
    log::Error(
        "the store's data are missing in ZooKeeper: what is known of them stays readable, "
        "nothing is changed until they are restored",
        {{"node", layout_.changes()}, {"hosts", client_.hosts()}});
  }
  located_ = false;
  Recover();
}

// Finds the end of the log. The head is read before the entries: an entry that comes in between is
// found, never skipped.
void ChangeLog::Restart() {
  const auto session = client_.connected();
  if (!session) return;
  busy_ = true;
  located_ = false;
  session->Exists(layout_.changes(), false, Then([this](const Reply& head) {
                    const auto current = client_.connected();
                    if (!current) return Recover();
                    if (head.rc != Rc::kOk) return OnMissing();
                    current->Children(
                        layout_.changes(),
                        Then([this, revision = head.stat.mzxid](const Reply& children) {
                          Locate(revision, children);
                        }));
                  }));
}

void ChangeLog::Locate(Revision head, const Reply& children) {
  std::optional<int32_t> newest;
  for (const std::string& child : children.children) {
    const std::optional<int32_t> sequence = SequenceOf(child);
    if (sequence && (!newest || Distance(*sequence, *newest) > 0)) newest = sequence;
  }
  length_ = static_cast<int64_t>(children.children.size());
  const auto session = client_.connected();
  if (!session) return Recover();
  if (!newest) return Located(-1, head);
  session->Get(layout_.ChangePath(*newest), false,
               Then([this, sequence = *newest](const Reply& entry) {
                 if (entry.rc != Rc::kOk) return Restart();  // trimmed meanwhile
                 Located(sequence, entry.stat.czxid);
               }));
}

void ChangeLog::Located(int32_t sequence, Revision revision) {
  last_ = trimmed_at_ = sequence;
  last_revision_ = revision;
  located_ = true;
  busy_ = false;
  if (std::exchange(missing_, false))
    log::Info("the store's data are back in ZooKeeper", {{"node", layout_.changes()}});
  subscribers_->DeliverGap();
  if (options_.on_ready) options_.on_ready();
  Poll();
}

void ChangeLog::Poll() {
  again_ = true;
  if (busy_) return;
  const auto session = client_.connected();
  if (!session) return;
  busy_ = true;
  again_ = false;
  session->Get(layout_.changes(), true, Then([this](const Reply& head) {
                 if (head.rc != Rc::kOk) return OnMissing();
                 if (head.stat.mzxid <= last_revision_) return Idle();
                 ReadWindow(head.stat.mzxid, kFirstWindow);
               }));
}

void ChangeLog::ReadWindow(Revision head, int count) {
  const auto session = client_.connected();
  if (!session) return Recover();
  const auto window = std::make_shared<Window>(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    session->Get(layout_.ChangePath(Next(last_, i + 1)), false,
                 [this, epoch = epoch_, window, head, i](Reply reply) {
                   window->replies[static_cast<size_t>(i)] = std::move(reply);
                   if (--window->missing > 0) return;
                   pump_.Post([this, epoch, window, head] {
                     if (epoch == epoch_) OnWindow(head, *window);
                   });
                 });
  }
}

void ChangeLog::OnWindow(Revision head, const Window& window) {
  for (const Reply& entry : window.replies) {
    if (entry.rc == Rc::kNoNode) {
      if (last_revision_ >= head) return Idle();
      log::Info("the change log has a gap: everything is listed again",
                {{"after", std::to_string(last_revision_)}});
      return Restart();
    }
    if (entry.rc != Rc::kOk) return Recover();
    last_ = Next(last_);
    last_revision_ = entry.stat.czxid;
    // Whatever else someone put there is no change of ours.
    if (const auto change = DecodeChange(entry.bytes, last_revision_))
      subscribers_->Deliver(*change);
  }
  if (last_revision_ >= head) return Idle();
  ReadWindow(head, std::min(static_cast<int>(window.replies.size()) * 2, kLargestWindow));
}

void ChangeLog::Idle() {
  busy_ = false;
  if (options_.may_trim() && length_ + Distance(last_, trimmed_at_) >
                                 options_.keep + std::max<int64_t>(options_.keep / 10, 8))
    Trim();
  if (again_) Poll();
}

void ChangeLog::Trim() {
  const auto session = client_.connected();
  if (!session || trimming_) return;
  trimming_ = true;
  session->Children(layout_.changes(), Then([this](const Reply& children) {
                      trimming_ = false;
                      if (children.rc == Rc::kOk) OnLog(children);
                    }));
}

void ChangeLog::OnLog(const Reply& children) {
  std::vector<int32_t> old;
  for (const std::string& child : children.children) {
    const std::optional<int32_t> sequence = SequenceOf(child);
    if (sequence && Distance(last_, *sequence) >= options_.keep) old.push_back(*sequence);
  }
  std::sort(old.begin(), old.end(), [](int32_t a, int32_t b) { return Distance(a, b) < 0; });
  if (old.size() > kTrimStep) old.resize(kTrimStep);
  length_ = static_cast<int64_t>(children.children.size() - old.size());
  trimmed_at_ = last_;
  const auto session = client_.connected();
  if (!session) return;
  for (const int32_t sequence : old)
    session->Delete(layout_.ChangePath(sequence), [](const Reply&) {});
}

}  // namespace zoe::zookeeper

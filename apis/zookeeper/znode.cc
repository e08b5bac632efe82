#include "apis/zookeeper/znode.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "apis/zookeeper/client.h"

namespace zoe {
namespace {

using zookeeper::Client;
using zookeeper::Pump;
using zookeeper::Rc;
using zookeeper::Reply;
using zookeeper::Session;

constexpr Duration kRetryDelay{1'000};

class ZnodeFollower : public Watch {
 public:
  ZnodeFollower(const ZooKeeperOptions& options,
                std::function<void(const Expected<std::string>&)> on_value)
      : path_(options.chroot),
        on_value_(std::move(on_value)),
        client_({.hosts = options.hosts,
                 .credentials = options.credentials,
                 .timeout = options.session_timeout},
                pump_,
                {.on_connected = [this](bool) { Look(); },
                 .on_over = [] {},
                 .on_node =
                     [this](const std::string& path) {
                       if (path == path_) Look();
                     }}) {}

  ~ZnodeFollower() override {
    client_.Close();
    pump_.Stop();
  }

  void Start() {
    pump_.Post([this] { Open(); });
  }

 private:
  // What follows runs on the pump.

  void Open() {
    const Expected<void> started = client_.Start();
    if (started.ok() || client_.closed()) return;
    Tell(started.error());
    pump_.PostAfter(kRetryDelay, [this] { Open(); });
  }

  // The watch is set by a question that a missing node answers, too, and before the data are read:
  // no change falls between the two.
  void Look() {
    ++look_;
    if (const auto session = client_.connected()) {
      session->Exists(path_, true, Then([this](const Reply& reply) {
                        if (reply.rc == Rc::kNoNode) return Tell(Missing());
                        if (reply.rc == Rc::kOk) Read();
                      }));
    }
  }

  void Read() {
    if (const auto session = client_.connected()) {
      session->Get(path_, false, Then([this](const Reply& reply) {
                     if (reply.rc == Rc::kOk) Tell(reply.bytes);
                   }));
    }
  }

  // A lost reply is followed by on_connected; a node that goes between two questions by its watch.
  Session::Done Then(std::function<void(const Reply&)> then) {
    return [this, look = look_, then = std::move(then)](Reply reply) {
      pump_.Post([this, look, then, reply = std::move(reply)] {
        if (look != look_) return;
        then(reply);
        if (reply.rc == Rc::kNoAuth)
          Tell(MakeError(Code::kForbidden, "may not be read with these credentials"));
        if (reply.rc == Rc::kOther)
          Tell(MakeError(Code::kUnavailable, "can't be read: " + reply.bytes));
        if (reply.rc == Rc::kNoAuth || reply.rc == Rc::kOther) LookLater();
      });
    };
  }

  void LookLater() {
    pump_.PostAfter(kRetryDelay, [this, look = look_] {
      if (look == look_) Look();
    });
  }

  static Error Missing() { return MakeError(Code::kNotFound, "there is no such node"); }

  void Tell(Expected<std::string> news) {
    const bool same =
        told_ && told_->ok() == news.ok() &&
        (news.ok() ? **told_ == *news : told_->error().message == news.error().message);
    if (same) return;
    told_ = std::move(news);
    on_value_(*told_);
  }

  const std::string path_;
  const std::function<void(const Expected<std::string>&)> on_value_;
  uint64_t look_ = 0;  // answers to former looks don't count
  std::optional<Expected<std::string>> told_;
  Pump pump_;
  Client client_;
};

}  // namespace

std::string ZnodeName(const ZooKeeperOptions& options) {
  return "node " + options.chroot + " of ZooKeeper at " + options.hosts;
}

Expected<std::unique_ptr<Watch>> FollowZnode(
    const ZooKeeperOptions& options, std::function<void(const Expected<std::string>&)> on_value) {
  if (options.chroot.empty()) return MakeError(Code::kInvalid, "the path of a node is missing");
  auto follower = std::make_unique<ZnodeFollower>(options, std::move(on_value));
  follower->Start();
  return std::unique_ptr<Watch>(std::move(follower));
}

}  // namespace zoe

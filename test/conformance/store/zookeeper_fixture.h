// What tests of ZooKeeper's store share: a real server, a place of its own for each test, and an
// administrator who looks into it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apis/zookeeper/session.h"
#include "apis/zookeeper/zookeeper_store.h"
#include "test/conformance/store/recorder.h"
#include "test/conformance/store/tcp_proxy.h"
#include "test/conformance/store/zookeeper_server.h"

namespace zoe::conformance {

using std::chrono::steady_clock;
using zookeeper::Rc;
using zookeeper::Reply;
using zookeeper::Session;

// Polls a state of the world that nothing announces.
inline bool Eventually(const std::function<bool()>& holds,
                       std::chrono::seconds timeout = std::chrono::seconds(20)) {
  const auto deadline = steady_clock::now() + timeout;
  while (!holds()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

inline Key Exec(const std::string& name) { return {"Execution", "alice", name}; }

// An administrator with a client of his own.
class Shell {
 public:
  explicit Shell(const std::string& hosts) {
    session_ =
        Session::Start({.hosts = hosts, .credentials = "", .timeout = Duration(10'000)},
                       {.on_state = [](Session::State) {}, .on_node = [](const std::string&) {}})
            .value();
  }
  ~Shell() { session_->Close(); }
  std::vector<std::string> Children(const std::string& path) {
    return Wait([&](Session::Done done) { session_->Children(path, std::move(done)); }).children;
  }
  Rc Delete(const std::string& path) {
    return Wait([&](Session::Done done) { session_->Delete(path, std::move(done)); }).rc;
  }
  Rc Create(const std::string& path) {
    return Wait([&](Session::Done done) {
             session_->Create(path, "", zookeeper::CreateMode::kPersistent, std::move(done));
           })
        .rc;
  }

 private:
  // The first calls may come before the connection: they are made again.
  Reply Wait(const std::function<void(Session::Done)>& call) {
    Reply reply;
    Eventually([&] {
      std::mutex mutex;
      std::condition_variable cv;
      bool answered = false;
      call([&](Reply r) {
        const std::lock_guard lock(mutex);
        reply = std::move(r);
        answered = true;
        cv.notify_all();
      });
      std::unique_lock lock(mutex);
      cv.wait(lock, [&] { return answered; });
      return reply.rc != Rc::kLost && reply.rc != Rc::kNotSent;
    });
    return reply;
  }
  std::shared_ptr<Session> session_;
};

class ZooKeeperTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!server_)
      server_ = new Expected<std::unique_ptr<ZooKeeperServer>>(ZooKeeperServer::Start());
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  void SetUp() override {
    if (!server_->ok()) GTEST_SKIP() << server_->error().message;
    static int next = 0;
    options_.hosts = server().hosts();
    options_.chroot = "/test-" + std::to_string(++next);
    options_.session_timeout = Duration(1'500);
  }
  static ZooKeeperServer& server() { return ***server_; }

  std::unique_ptr<Store> MustOpen(const ZooKeeperOptions& options) {
    Expected<std::unique_ptr<Store>> store = OpenZooKeeperStore(options);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return store.ok() ? std::move(store).value() : nullptr;
  }
  std::unique_ptr<Store> MustOpen() { return MustOpen(options_); }
  ZooKeeperOptions Through(const TcpProxy& proxy) const {
    ZooKeeperOptions options = options_;
    options.hosts = proxy.hosts();
    return options;
  }
  std::string base() const { return options_.chroot + "/zoe"; }

  inline static Expected<std::unique_ptr<ZooKeeperServer>>* server_ = nullptr;
  ZooKeeperOptions options_;
};

}  // namespace zoe::conformance

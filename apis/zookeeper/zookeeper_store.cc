#include "apis/zookeeper/zookeeper_store.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "apis/memory/store_errors.h"
#include "apis/zookeeper/change_log.h"
#include "apis/zookeeper/client.h"
#include "apis/zookeeper/election.h"
#include "apis/zookeeper/layout.h"
#include "apis/zookeeper/saved_session.h"
#include "controller/runtime/log.h"

namespace zoe {
namespace {

using zookeeper::ChangeLog;
using zookeeper::Client;
using zookeeper::CreateMode;
using zookeeper::DecodeSegment;
using zookeeper::Election;
using zookeeper::EncodeChange;
using zookeeper::EndDeadSessions;
using zookeeper::Layout;
using zookeeper::Op;
using zookeeper::Pump;
using zookeeper::Rc;
using zookeeper::Reply;
using zookeeper::SavedSession;
using zookeeper::Session;
using zookeeper::SessionPlace;

constexpr Duration kPingTimeout{1'000};

SteadyTime After(Duration timeout) { return std::chrono::steady_clock::now() + timeout; }

Client::Issue Exists(std::string path) {
  return [path = std::move(path)](Session& session, Session::Done done) {
    session.Exists(path, false, std::move(done));
  };
}
Client::Issue Get(std::string path) {
  return [path = std::move(path)](Session& session, Session::Done done) {
    session.Get(path, false, std::move(done));
  };
}
Client::Issue Children(std::string path) {
  return [path = std::move(path)](Session& session, Session::Done done) {
    session.Children(path, std::move(done));
  };
}
Client::Issue Create(std::string path) {
  return [path = std::move(path)](Session& session, Session::Done done) {
    session.Create(path, "", CreateMode::kPersistent, std::move(done));
  };
}

// What a multi of ours came to.
struct Written {
  Rc rc = Rc::kOk;        // of the operation that refused
  Op::Kind kind{};        // which one that was
  std::string path;       // and where
  Revision revision = 0;  // on kOk
  bool fenced = false;    // refused because this process does not lead
};

// Whose write it is: anybody's, or the leader's, which proves that it still leads.
enum class Author { kAnyone, kLeader };

class ZooKeeperStore : public Store {
 public:
  explicit ZooKeeperStore(const ZooKeeperOptions& options)
      : options_(options),
        layout_(options.chroot, options.deployment),
        client_({.hosts = options.hosts,
                 .credentials = options.credentials,
                 .timeout = options.session_timeout * 5 / 6},
                *pump_,
                {.on_connected = [this](bool fresh) { OnConnected(fresh); },
                 .on_over = [this] { election_->OnOver(); },
                 .on_node =
                     [this](const std::string& path) {
                       changes_.OnNode(path);
                       election_->OnNode(path);
                     }}),
        election_(std::make_shared<Election>(layout_, client_, pump_)),
        changes_(layout_, client_, *pump_,
                 {.keep = options.keep_changes,
                  .may_trim = [this] { return !election_->Fence().empty(); },
                  .on_ready = [this] { SetReady(); }}),
        saved_session_(options.state_dir, Place()) {}

  // The session's end comes first: what still calls back then only posts to a pump that no longer
  // runs it.
  ~ZooKeeperStore() override {
    ending_ = {};
    const bool ends = client_.connected() != nullptr;
    client_.Close();
    pump_->Stop();
    if (ends) saved_session_.Remove();
  }

  Expected<void> Open() {
    const SteadyTime deadline = After(options_.connect_timeout);
    ending_ = EndDeadSessions(options_.state_dir, Place());
    ZOE_TRY(client_.Start());
    ZOE_TRY(MakeLayout(deadline));
    pump_->Post([this] {
      layout_made_ = true;
      if (client_.connected()) changes_.OnConnected(true);
    });
    std::unique_lock lock(mutex_);
    if (!ready_changed_.wait_until(lock, deadline, [this] { return ready_; }))
      return NotConnected(layout_.changes());
    return {};
  }

  Expected<Record> Get(const Key& key) override {
    const std::string path = layout_.ObjectPath(key);
    Reply reply = client_.Read(After(options_.call_timeout), ::zoe::Get(path));
    if (reply.rc == Rc::kNoNode) return Absent(key);
    if (reply.rc != Rc::kOk) return ReadError(reply, path);
    return Record{key, reply.stat.mzxid, std::move(reply.bytes)};
  }

  // All in one session: another one could meet a server that lags behind the revision which was
  // read first.
  Expected<Listing> List(std::string_view kind) override {
    const SteadyTime deadline = After(options_.call_timeout);
    while (true) {
      Listing listing;
      Reply failure;
      if (ListOnce(kind, deadline, listing, failure)) {
        if (failure.rc == Rc::kNoNode) return Missing(failure.bytes);
        if (failure.rc != Rc::kOk) return ReadError(failure, layout_.objects());
        return listing;
      }
      if (std::chrono::steady_clock::now() >= deadline || client_.closed())
        return NotConnected(layout_.objects());
    }
  }

  Expected<Revision> Create(const Key& key, std::string bytes) override {
    return Create(Author::kAnyone, key, std::move(bytes));
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    return Replace(Author::kAnyone, key, expected, bytes);
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    return Delete(Author::kAnyone, key, expected);
  }
  Expected<Revision> Turn(const Key& place) override {
    const std::string path = layout_.NamespacePath(place);
    const Reply reply = client_.Read(After(options_.call_timeout), Exists(path));
    if (reply.rc == Rc::kNoNode) return Revision{0};
    if (reply.rc != Rc::kOk) return ReadError(reply, path);
    return TurnOf(reply);
  }
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    return WriteInTurn(Author::kAnyone, key, expected, std::move(bytes), turn);
  }

  Expected<Revision> Create(Author author, const Key& key, std::string bytes) {
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    ZOE_TRY(Begin(author));
    const SteadyTime deadline = After(options_.call_timeout);
    const Op create{
        .kind = Op::Kind::kCreate, .path = layout_.ObjectPath(key), .bytes = std::move(bytes)};
    Written written = Write(author, deadline, {create}, key, false);
    if (written.rc == Rc::kNoNode &&
        written.path == create.path) {  // the namespace's first object of that kind
      ZOE_TRY(MakeNode(layout_.KindPath(key.kind), deadline));
      ZOE_TRY(MakeNode(layout_.NamespacePath(key), deadline));
      written = Write(author, deadline, {create}, key, false);
    }
    if (written.rc == Rc::kNodeExists && written.path == create.path)
      return AlreadyExistsError(key);
    return Result(written);
  }

  Expected<Revision> Replace(Author author, const Key& key, Revision expected,
                             const std::string& bytes) {
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    return Swap(
        author, key, expected, false, [&](int32_t version, int32_t ns_version) -> std::vector<Op> {
          return {
              {.kind = Op::Kind::kCheck, .path = layout_.NamespacePath(key), .version = ns_version},
              {.kind = Op::Kind::kSet,
               .path = layout_.ObjectPath(key),
               .bytes = bytes,
               .version = version}};
        });
  }

  Expected<Revision> WriteInTurn(Author author, const Key& key, Revision expected,
                                 std::string bytes, Revision turn) {
    if (expected == 0) return CreateInTurn(author, key, std::move(bytes), turn);
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    const auto ops_for = [&](int32_t version, int32_t ns_version) -> std::vector<Op> {
      return {{.kind = Op::Kind::kSet, .path = layout_.NamespacePath(key), .version = ns_version},
              {.kind = Op::Kind::kSet,
               .path = layout_.ObjectPath(key),
               .bytes = bytes,
               .version = version}};
    };
    return Swap(author, key, expected, false, ops_for, turn);
  }

  Expected<Revision> CreateInTurn(Author author, const Key& key, std::string bytes, Revision turn) {
    if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
    ZOE_TRY(Begin(author));
    const SteadyTime deadline = After(options_.call_timeout);
    const std::string path = layout_.ObjectPath(key), ns_path = layout_.NamespacePath(key);
    Reply ns = client_.Read(deadline, Exists(ns_path));
    if (ns.rc == Rc::kNoNode) {
      ZOE_TRY(MakeNode(layout_.KindPath(key.kind), deadline));
      ZOE_TRY(MakeNode(ns_path, deadline));
      ns = client_.Read(deadline, Exists(ns_path));
    }
    if (ns.rc != Rc::kOk) return ReadError(ns, ns_path);
    if (TurnOf(ns) != turn) return TurnTakenError(key);
    const Written written =
        Write(author, deadline,
              {{.kind = Op::Kind::kSet, .path = ns_path, .version = ns.stat.version},
               {.kind = Op::Kind::kCreate, .path = path, .bytes = std::move(bytes)}},
              key, false);
    if (written.rc == Rc::kBadVersion && written.path == ns_path) return TurnTakenError(key);
    if (written.rc == Rc::kNodeExists && written.path == path) return AlreadyExistsError(key);
    return Result(written);
  }

  // Deletions and writes in turn, and nothing else, set the namespace's node: see Swap.
  Expected<Revision> Delete(Author author, const Key& key, Revision expected) {
    return Swap(
        author, key, expected, true, [&](int32_t version, int32_t ns_version) -> std::vector<Op> {
          return {
              {.kind = Op::Kind::kSet, .path = layout_.NamespacePath(key), .version = ns_version},
              {.kind = Op::Kind::kDelete, .path = layout_.ObjectPath(key), .version = version}};
        });
  }

  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    const Reply head = client_.Read(After(options_.call_timeout), Exists(layout_.changes()));
    if (head.rc != Rc::kOk) return ReadError(head, layout_.changes());
    return changes_.Subscribe(std::move(feed), head.stat.mzxid);
  }

  Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                            LeaderCallback callback) override {
    return election_->Join(std::move(identity), std::move(callback));
  }

  Expected<std::vector<Candidate>> Candidates() override {
    const SteadyTime deadline = After(options_.call_timeout);
    const Reply field = client_.Read(deadline, Children(layout_.election()));
    if (field.rc != Rc::kOk) return ReadError(field, layout_.election());
    std::vector<Candidate> candidates;
    for (const std::string& node : Election::InOrder(field.children)) {
      Reply said = client_.Read(deadline, ::zoe::Get(layout_.election() + "/" + node));
      if (said.rc == Rc::kNoNode) continue;  // it left meanwhile
      if (said.rc != Rc::kOk) return ReadError(said, layout_.election());
      candidates.push_back({std::move(said.bytes), candidates.empty()});
    }
    return candidates;
  }

  Store& ForLeader() override { return leader_; }

  Expected<void> Ping() override {
    const SteadyTime deadline = After(client_.connected() ? kPingTimeout : Duration{0});
    const std::string* const nodes[] = {&layout_.changes(), &layout_.objects(),
                                        &layout_.election()};
    std::vector<Client::Issue> issues;
    for (const std::string* node : nodes) issues.push_back(Exists(*node));
    std::vector<Reply> replies;
    if (!client_.ReadAll(deadline, issues, replies)) return NotConnected(layout_.base());
    for (size_t i = 0; i < replies.size(); ++i) {
      if (replies[i].rc != Rc::kOk) return ReadError(replies[i], *nodes[i]);
    }
    return {};
  }

 private:
  // The store as the control loop sees it.
  class LeadersView : public Store {
   public:
    explicit LeadersView(ZooKeeperStore& store) : store_(store) {}
    Expected<Record> Get(const Key& key) override { return store_.Get(key); }
    Expected<Listing> List(std::string_view kind) override { return store_.List(kind); }
    Expected<Revision> Create(const Key& key, std::string bytes) override {
      return store_.Create(Author::kLeader, key, std::move(bytes));
    }
    Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
      return store_.Replace(Author::kLeader, key, expected, bytes);
    }
    Expected<Revision> Delete(const Key& key, Revision expected) override {
      return store_.Delete(Author::kLeader, key, expected);
    }
    Expected<Revision> Turn(const Key& place) override { return store_.Turn(place); }
    Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                   Revision turn) override {
      return store_.WriteInTurn(Author::kLeader, key, expected, std::move(bytes), turn);
    }
    Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
      return store_.Subscribe(std::move(feed));
    }
    Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                              LeaderCallback callback) override {
      return store_.Campaign(std::move(identity), std::move(callback));
    }
    Expected<std::vector<Candidate>> Candidates() override { return store_.Candidates(); }
    Store& ForLeader() override { return *this; }
    Expected<void> Ping() override { return store_.Ping(); }

   private:
    ZooKeeperStore& store_;
  };

  SessionPlace Place() const { return {options_.hosts, layout_.base()}; }

  void OnConnected(bool fresh) {
    if (const auto saved = saved_session_.Save(client_.id()); !saved.ok() && !told_not_saved_) {
      told_not_saved_ = true;
      log::Warn(
          "the ZooKeeper session can't be saved: should this process be killed, its place in "
          "the election is kept until the session's timeout (see --state-dir)",
          {{"reason", saved.error().message}});
    }
    if (!layout_made_) return;  // Open goes on from there
    changes_.OnConnected(fresh);
    election_->OnConnected();
  }

  void SetReady() {
    const std::lock_guard lock(mutex_);
    ready_ = true;
    ready_changed_.notify_all();
  }

  Expected<void> MakeLayout(SteadyTime deadline) {
    for (size_t slash = layout_.base().find('/', 1); slash != std::string::npos;
         slash = layout_.base().find('/', slash + 1))
      ZOE_TRY(MakeNode(layout_.base().substr(0, slash), deadline));
    for (const std::string& path :
         {layout_.base(), layout_.objects(), layout_.changes(), layout_.election()})
      ZOE_TRY(MakeNode(path, deadline));
    // That a node exists is told to everyone, what it holds is not.
    const Reply head = client_.Read(deadline, ::zoe::Get(layout_.changes()));
    if (head.rc != Rc::kOk) return ReadError(head, layout_.changes());
    return {};
  }

  // Looks first: where the node exists, its parent need not let us create. Creating it twice does
  // no harm, so a lost reply is just asked about again.
  Expected<void> MakeNode(const std::string& path, SteadyTime deadline) {
    const Reply found = client_.Read(deadline, Exists(path));
    if (found.rc == Rc::kOk) return {};
    if (found.rc != Rc::kNoNode || !options_.make) return ReadError(found, path);
    const Reply made = client_.Read(deadline, ::zoe::Create(path));
    if (made.rc == Rc::kOk || made.rc == Rc::kNodeExists) return {};
    return ReadError(made, path);
  }

  // Refuses what can't be written now: without a request, and before anything is read for it.
  Expected<void> Begin(Author author) {
    SteadyTime until = After(options_.write_patience);
    if (author == Author::kLeader) {
      const Election::Lease lease = election_->FenceNow();
      if (lease.node.empty()) return NotLeading();
      until = std::min(until, lease.until);
    }
    if (!client_.AwaitConnection(until)) return NotConnected(layout_.objects());
    return {};
  }

  // One transaction: fencing check, the object's operations, the change log's entry, the log's
  // head. Sent once.
  Written Write(Author author, SteadyTime deadline, std::vector<Op> object_ops, const Key& key,
                bool deleted) {
    std::vector<Op> ops;
    if (author == Author::kLeader) {
      const std::string fence = election_->Fence();
      if (fence.empty()) return {.rc = Rc::kNoNode, .kind = Op::Kind::kCheck, .fenced = true};
      ops.push_back({.kind = Op::Kind::kCheck, .path = fence});
    }
    for (Op& op : object_ops) ops.push_back(std::move(op));
    ops.push_back({.kind = Op::Kind::kCreate,
                   .path = layout_.ChangePrefix(),
                   .bytes = EncodeChange(key, deleted),
                   .mode = CreateMode::kSequential});
    ops.push_back({.kind = Op::Kind::kSet, .path = layout_.changes()});
    const Reply reply = client_.Once(deadline, [&](Session& session, Session::Done done) {
      session.Multi(ops, std::move(done));
    });
    Written written{.rc = reply.rc, .revision = reply.stat.mzxid};
    if (reply.failed < ops.size()) {
      written.kind = ops[reply.failed].kind;
      written.path = ops[reply.failed].path;
      written.fenced = author == Author::kLeader && reply.failed == 0 && reply.rc == Rc::kNoNode;
    }
    return written;
  }

  // Of a namespace's node. That nobody has set it since it was made is no change of an object's.
  static Revision TurnOf(const Reply& ns) { return ns.stat.version == 0 ? 0 : ns.stat.mzxid; }

  // ZooKeeper compares a node's version, the port a revision. The version that is read with the
  // right mzxid stands for it, unless the object is deleted and created anew in between: then
  // versions start again and may meet. So deletions set the namespace's node, whose version is read
  // before the object's and checked with it. A deletion of another object meanwhile makes that
  // check fail although the object is unchanged: nothing was written, and it is looked at again,
  // unless it is just that node which must be as it was: a write in `turn`.
  template <class F>
  Expected<Revision> Swap(Author author, const Key& key, Revision expected, bool deletes, F ops_for,
                          std::optional<Revision> turn = {}) {
    ZOE_TRY(Begin(author));
    const SteadyTime deadline = After(options_.call_timeout);
    const std::string path = layout_.ObjectPath(key), ns_path = layout_.NamespacePath(key);
    while (true) {
      std::vector<Reply> found;
      while (!client_.ReadAll(deadline, {Exists(ns_path), Exists(path)}, found)) {
        if (std::chrono::steady_clock::now() >= deadline || client_.closed())
          return NotConnected(path);
      }
      const Reply& object = found[1];
      if (object.rc == Rc::kNoNode) return Absent(key);
      if (object.rc != Rc::kOk) return ReadError(object, path);
      if (object.stat.mzxid != expected) return ConflictError(key, expected, object.stat.mzxid);
      if (turn && TurnOf(found[0]) != *turn) return TurnTakenError(key);
      const Written written = Write(
          author, deadline, ops_for(object.stat.version, found[0].stat.version), key, deletes);
      if (written.rc == Rc::kBadVersion && written.path == ns_path) {
        if (turn) return TurnTakenError(key);
        continue;
      }
      if (written.rc == Rc::kNoNode && written.path == path) return NotFoundError(key);
      if (written.rc == Rc::kBadVersion && written.path == path)
        return MakeError(Code::kConflict, key.ToString() + " has changed since it was read");
      return Result(written);
    }
  }

  Expected<Revision> Result(const Written& written) {
    if (written.fenced) return NotLeading();
    switch (written.rc) {
      case Rc::kOk:
        return written.revision;
      case Rc::kNotSent:
        return NotConnected(layout_.objects());
      case Rc::kLost:
        return MakeError(Code::kOutcomeUnknown, "ConnectionLost",
                         "ZooKeeper at " + client_.hosts() +
                             " did not confirm a write: it may have happened or not");
      case Rc::kNoAuth:
        return NoAccess(written.path);
      case Rc::kNoNode:
        return Missing(written.path);
      default:
        break;
    }
    return MakeError(Code::kInternal, "ZooKeeper refused a write at " + written.path);
  }

  // False: a reply was lost. Otherwise `failure` says whether there is a listing.
  bool ListOnce(std::string_view kind, SteadyTime deadline, Listing& listing, Reply& failure) {
    const auto session = client_.connected();
    std::vector<Reply> replies;
    if (!client_.ReadAll(deadline, {Exists(layout_.changes()), Children(layout_.objects())},
                         replies))
      return false;
    // No layout is no empty store.
    for (size_t i = 0; i < replies.size(); ++i) {
      if (replies[i].rc != Rc::kOk) {
        failure = std::move(replies[i]);
        failure.bytes = i == 0 ? layout_.changes() : layout_.objects();
        return true;
      }
    }
    listing.revision = replies[0].stat.mzxid;
    std::vector<Key> keys;
    for (const std::string& child : replies[1].children) {
      if (kind.empty() || DecodeSegment(child) == kind)
        keys.push_back({DecodeSegment(child), "", ""});
    }
    for (std::string Key::*part : {&Key::ns, &Key::name}) {
      std::vector<Client::Issue> issues;
      for (const Key& key : keys)
        issues.push_back(
            Children(part == &Key::ns ? layout_.KindPath(key.kind) : layout_.NamespacePath(key)));
      if (!client_.ReadAll(deadline, issues, replies)) return false;
      if (Failed(replies, failure)) return true;
      std::vector<Key> deeper;
      for (size_t i = 0; i < keys.size(); ++i) {
        // We never remove these: somebody is at it by hand, and what is left shows nothing.
        if (replies[i].rc == Rc::kNoNode) return false;
        for (const std::string& child : replies[i].children) {
          deeper.push_back(keys[i]);
          deeper.back().*part = DecodeSegment(child);
        }
      }
      keys = std::move(deeper);
    }
    std::sort(keys.begin(), keys.end());
    std::vector<Client::Issue> issues;
    for (const Key& key : keys) issues.push_back(::zoe::Get(layout_.ObjectPath(key)));
    if (!client_.ReadAll(deadline, issues, replies)) return false;
    if (Failed(replies, failure)) return true;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (replies[i].rc == Rc::kOk)  // else it was deleted meanwhile
        listing.records.push_back(
            {std::move(keys[i]), replies[i].stat.mzxid, std::move(replies[i].bytes)});
    }
    return session == client_.connected();
  }

  static bool Failed(const std::vector<Reply>& replies, Reply& failure) {
    for (const Reply& reply : replies) {
      if (reply.rc != Rc::kOk && reply.rc != Rc::kNoNode) failure = reply;
    }
    return failure.rc != Rc::kOk;
  }

  Error ReadError(const Reply& reply, const std::string& path) {
    if (reply.rc == Rc::kNotSent || reply.rc == Rc::kLost) return NotConnected(path);
    if (reply.rc == Rc::kNoAuth) return NoAccess(path);
    if (reply.rc == Rc::kNoNode) return Missing(path);
    return MakeError(Code::kInternal, "ZooKeeper refused to read " + path + ": " + reply.bytes);
  }

  // No such object; unless there is no store at all.
  Error Absent(const Key& key) {
    const Reply root = client_.Read(After(options_.call_timeout), Exists(layout_.objects()));
    return root.rc == Rc::kOk ? NotFoundError(key) : ReadError(root, layout_.objects());
  }

  Error Missing(const std::string& path) {
    return MakeError(Code::kUnavailable, "StoreMissing",
                     "the node " + path + " is missing in ZooKeeper at " + client_.hosts() +
                         ": its data were lost or removed; what runs is left as it is until they "
                         "are restored (zoe-controller --restore), or until a controller that is "
                         "started anew makes an empty store");
  }

  static Error NotLeading() {
    return MakeError(Code::kUnavailable, "NotLeading",
                     "this process is not the leader: nothing was written");
  }

  Error NotConnected(const std::string& path) {
    const SteadyTime since = client_.lost_since();
    std::string lasting;
    if (since != SteadyTime::max()) {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
          std::chrono::steady_clock::now() - since);
      lasting = ", for " + std::to_string(seconds.count()) + " s now";
    }
    return MakeError(
        Code::kUnavailable, "ZooKeeperAway",
        "no ZooKeeper server answers at " + client_.hosts() + lasting + " (" + path + ")");
  }

  Error NoAccess(const std::string& path) {
    return MakeError(Code::kForbidden, "ZooKeeperAccess",
                     "ZooKeeper at " + client_.hosts() + " refuses access to " + path +
                         ": it was made with another user or password");
  }

  const ZooKeeperOptions options_;
  const Layout layout_;
  const std::shared_ptr<Pump> pump_ = std::make_shared<Pump>();
  Client client_;
  const std::shared_ptr<Election> election_;
  ChangeLog changes_;
  LeadersView leader_{*this};
  std::jthread ending_;         // sessions of dead processes
  SavedSession saved_session_;  // on the pump
  bool told_not_saved_ = false;

  bool layout_made_ = false;  // on the pump
  std::mutex mutex_;
  std::condition_variable ready_changed_;
  bool ready_ = false;
};

}  // namespace

Expected<std::unique_ptr<Store>> OpenZooKeeperStore(const ZooKeeperOptions& options) {
  auto store = std::make_unique<ZooKeeperStore>(options);
  ZOE_TRY(store->Open());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace zoe

#include "apis/zookeeper/session.h"

#include <zookeeper/zookeeper.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "controller/runtime/log.h"

namespace zoe::zookeeper {
namespace {

Rc RcOf(int rc) {
  switch (rc) {
    case ZOK:
      return Rc::kOk;
    case ZNONODE:
      return Rc::kNoNode;
    case ZNODEEXISTS:
      return Rc::kNodeExists;
    case ZBADVERSION:
      return Rc::kBadVersion;
    case ZNOTEMPTY:
      return Rc::kNotEmpty;
    case ZNOAUTH:
    case ZINVALIDACL:
    case ZAUTHFAILED:
      return Rc::kNoAuth;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSESSIONEXPIRED:
    case ZSESSIONMOVED:
    case ZCLOSING:
      return Rc::kLost;
    default:
      return Rc::kOther;
  }
}

Reply ReplyOf(int rc) {
  Reply reply{.rc = RcOf(rc)};
  if (reply.rc == Rc::kOther) reply.bytes = zerror(rc);
  return reply;
}

NodeStat StatOf(const struct Stat& stat) { return {stat.czxid, stat.mzxid, stat.version}; }

int FlagsOf(CreateMode mode) {
  switch (mode) {
    case CreateMode::kPersistent:
      return ZOO_PERSISTENT;
    case CreateMode::kSequential:
      return ZOO_PERSISTENT_SEQUENTIAL;
    case CreateMode::kEphemeralSequential:
      return ZOO_EPHEMERAL_SEQUENTIAL;
  }
  return ZOO_PERSISTENT;
}

// How long Close waits for replies: at its end the client forgets what is still unanswered.
constexpr Duration kDrainTimeout{1'000};

}  // namespace

struct Session::Call {
  Call(Session* owner, Done then) : session(owner), done(std::move(then)) {}
  virtual ~Call() = default;
  Session* const session;
  Done done;
};

// Everything that the client reads and writes until a multi is over.
struct Session::MultiCall : Call {
  using Call::Call;
  std::vector<Op> ops;
  std::vector<zoo_op_t> client_ops;
  std::vector<zoo_op_result_t> results;
  struct Stat stat = {};
};

struct Session::Callbacks {
  static void Finish(const void* data, Reply reply) {
    auto* call = static_cast<Call*>(const_cast<void*>(data));
    call->session->Take(call)->done(std::move(reply));
  }
  static SessionId IdOf(const clientid_t& id) {
    return {id.client_id, std::string(id.passwd, sizeof(id.passwd))};
  }
  static void Watch(zhandle_t* handle, int type, int state, const char* path, void* context) {
    auto* session = static_cast<Session*>(context);
    if (type != ZOO_SESSION_EVENT) {
      if (path != nullptr) session->events_.on_node(path);
      return;
    }
    if (state == ZOO_CONNECTED_STATE) {
      session->timeout_ = zoo_recv_timeout(handle);
      {
        const std::lock_guard lock(session->id_mutex_);
        session->id_ = IdOf(*zoo_client_id(handle));
      }
      session->events_.on_state(State::kConnected);
    } else if (state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE) {
      session->events_.on_state(State::kOver);
    } else {
      session->events_.on_state(State::kConnecting);
    }
  }
  static void Data(int rc, const char* value, int size, const struct Stat* stat, const void* data) {
    Reply reply = ReplyOf(rc);
    if (rc == ZOK && size > 0) reply.bytes.assign(value, static_cast<size_t>(size));
    if (rc == ZOK) reply.stat = StatOf(*stat);
    Finish(data, std::move(reply));
  }
  static void Stat(int rc, const struct Stat* stat, const void* data) {
    Reply reply = ReplyOf(rc);
    if (rc == ZOK) reply.stat = StatOf(*stat);
    Finish(data, std::move(reply));
  }
  static void Strings(int rc, const struct String_vector* strings, const void* data) {
    Reply reply = ReplyOf(rc);
    if (rc == ZOK) reply.children.assign(strings->data, strings->data + strings->count);
    Finish(data, std::move(reply));
  }
  static void String(int rc, const char* value, const void* data) {
    Reply reply = ReplyOf(rc);
    if (rc == ZOK && value != nullptr) reply.bytes = value;
    Finish(data, std::move(reply));
  }
  static void Void(int rc, const void* data) { Finish(data, ReplyOf(rc)); }
  static void Multi(int rc, const void* data) {
    const auto* call = static_cast<const MultiCall*>(static_cast<const Call*>(data));
    Reply reply = ReplyOf(rc);
    reply.stat = StatOf(call->stat);
    // Of a refused multi, those before the culprit report 0 and those after it
    // ZRUNTIMEINCONSISTENCY.
    while (rc != ZOK && reply.failed < call->results.size() &&
           call->results[reply.failed].err == ZOK)
      ++reply.failed;
    Finish(data, std::move(reply));
  }
  static void Log(const char* message) { log::Debug(message); }
};

Expected<std::shared_ptr<Session>> Session::Start(const Options& options, Events events) {
  // Process-wide, and at DEBUG the client's threads use memory that was freed (ZOOKEEPER-4809).
  zoo_set_debug_level(ZOO_LOG_LEVEL_WARN);
  std::shared_ptr<Session> session(new Session(options, std::move(events)));
  session->timeout_ = options.timeout.count();
  const std::unique_lock lock(session->mutex_);
  clientid_t attach{};
  attach.client_id = options.attach.id;
  options.attach.secret.copy(attach.passwd, sizeof(attach.passwd));
  std::string hosts = options.hosts;
  // The client takes IPv6 addresses without brackets.
  std::erase_if(hosts, [](char c) { return c == '[' || c == ']'; });
  session->handle_ =
      zookeeper_init2(hosts.c_str(), Callbacks::Watch, static_cast<int>(options.timeout.count()),
                      options.attach.id == 0 ? nullptr : &attach, session.get(),
                      ZOO_NO_LOG_CLIENTENV, Callbacks::Log);
  if (session->handle_ == nullptr) {
    return MakeError(Code::kUnavailable,
                     "can't start a ZooKeeper client for " + options.hosts + ": " +
                         (errno == ENOENT ? "no host of that name" : std::strerror(errno)));
  }
  if (const std::string& user = options.credentials; !user.empty()) {
    // Sent with every connection. A wrong password isn't reported here: it shows as kNoAuth later.
    zoo_add_auth(session->handle_, "digest", user.data(), static_cast<int>(user.size()), nullptr,
                 nullptr);
  }
  return session;
}

SessionId Session::id() const {
  const std::lock_guard lock(id_mutex_);
  return id_;
}

void Session::Close() {
  zhandle_t* handle = nullptr;
  {
    const std::unique_lock lock(mutex_);
    std::swap(handle, handle_);
  }
  if (handle == nullptr) return;
  {
    std::unique_lock lock(calls_mutex_);
    calls_ended_.wait_for(lock, kDrainTimeout, [this] { return calls_.empty(); });
  }
  zookeeper_close(handle);
  // The client's threads have ended: what is left is nobody else's.
  for (Call* call : std::vector(calls_.begin(), calls_.end()))
    Take(call)->done(Reply{.rc = Rc::kLost});
}

std::unique_ptr<Session::Call> Session::Take(Call* call) {
  const std::lock_guard lock(calls_mutex_);
  calls_.erase(call);
  if (calls_.empty()) calls_ended_.notify_all();
  return std::unique_ptr<Call>(call);
}

template <class F>
void Session::Issue(Done done, F send) {
  Send(std::make_unique<Call>(this, std::move(done)), send);
}

// Registered before it is sent: its end may come before `send` returns.
template <class F>
void Session::Send(std::unique_ptr<Call> owned, F send) {
  Call* const call = owned.release();
  {
    const std::lock_guard lock(calls_mutex_);
    calls_.insert(call);
  }
  {
    const std::shared_lock lock(mutex_);
    if (handle_ != nullptr && send(handle_, static_cast<const void*>(call)) == ZOK) return;
  }
  Take(call)->done(Reply{.rc = Rc::kNotSent});
}

void Session::Get(const std::string& path, bool watch, Done done) {
  Issue(std::move(done), [&](zhandle_t* handle, const void* data) {
    return zoo_aget(handle, path.c_str(), watch, Callbacks::Data, data);
  });
}

void Session::Exists(const std::string& path, bool watch, Done done) {
  Issue(std::move(done), [&](zhandle_t* handle, const void* data) {
    return zoo_aexists(handle, path.c_str(), watch, Callbacks::Stat, data);
  });
}

void Session::Children(const std::string& path, Done done) {
  Issue(std::move(done), [&](zhandle_t* handle, const void* data) {
    return zoo_aget_children(handle, path.c_str(), 0, Callbacks::Strings, data);
  });
}

void Session::Create(const std::string& path, const std::string& bytes, CreateMode mode,
                     Done done) {
  Issue(std::move(done), [&](zhandle_t* handle, const void* data) {
    const ACL_vector* acl =
        options_.credentials.empty() ? &ZOO_OPEN_ACL_UNSAFE : &ZOO_CREATOR_ALL_ACL;
    return zoo_acreate(handle, path.c_str(), bytes.data(), static_cast<int>(bytes.size()), acl,
                       FlagsOf(mode), Callbacks::String, data);
  });
}

void Session::Delete(const std::string& path, Done done) {
  Issue(std::move(done), [&](zhandle_t* handle, const void* data) {
    return zoo_adelete(handle, path.c_str(), -1, Callbacks::Void, data);
  });
}

void Session::Sync(const std::string& path, Done done) {
  Issue(std::move(done), [&](zhandle_t* handle, const void* data) {
    return zoo_async(handle, path.c_str(), Callbacks::String, data);
  });
}

void Session::Multi(std::vector<Op> ops, Done done) {
  auto call = std::make_unique<MultiCall>(this, std::move(done));
  call->ops = std::move(ops);
  call->client_ops.resize(call->ops.size());
  call->results.resize(call->ops.size());
  const ACL_vector* acl =
      options_.credentials.empty() ? &ZOO_OPEN_ACL_UNSAFE : &ZOO_CREATOR_ALL_ACL;
  for (size_t i = 0; i < call->ops.size(); ++i) {
    const Op& op = call->ops[i];
    zoo_op_t* out = &call->client_ops[i];
    const int size = static_cast<int>(op.bytes.size());
    switch (op.kind) {
      case Op::Kind::kCheck:
        zoo_check_op_init(out, op.path.c_str(), op.version);
        break;
      case Op::Kind::kDelete:
        zoo_delete_op_init(out, op.path.c_str(), op.version);
        break;
      case Op::Kind::kSet:
        zoo_set_op_init(out, op.path.c_str(), op.bytes.data(), size, op.version, &call->stat);
        break;
      case Op::Kind::kCreate:
        zoo_create_op_init(out, op.path.c_str(), op.bytes.data(), size, acl, FlagsOf(op.mode),
                           nullptr, 0);
        break;
    }
  }
  MultiCall* const multi = call.get();
  Send(std::move(call), [&](zhandle_t* handle, const void* data) {
    // The client copies a list with its lock while it queues a multi (ZOOKEEPER-4299): one at a
    // time.
    const std::lock_guard one(multi_mutex_);
    return zoo_amulti(handle, static_cast<int>(multi->ops.size()), multi->client_ops.data(),
                      multi->results.data(), Callbacks::Multi, data);
  });
}

}  // namespace zoe::zookeeper

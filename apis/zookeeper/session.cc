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

// The client passes one pointer through; each call owns its Done until it has run.
struct Call {
  Session::Done done;
};

// Everything that the client reads and writes until a multi is over.
struct MultiCall {
  Session::Done done;
  std::vector<Op> ops;
  std::vector<zoo_op_t> client_ops;
  std::vector<zoo_op_result_t> results;
  struct Stat stat = {};
};

void Finish(const void* data, Reply reply) {
  const std::unique_ptr<Call> call(static_cast<Call*>(const_cast<void*>(data)));
  call->done(std::move(reply));
}

}  // namespace

struct Session::Callbacks {
  static void Watch(zhandle_t* handle, int type, int state, const char* path, void* context) {
    auto* session = static_cast<Session*>(context);
    if (type != ZOO_SESSION_EVENT) {
      if (path != nullptr) session->events_.on_node(path);
      return;
    }
    if (state == ZOO_CONNECTED_STATE) {
      session->timeout_ = zoo_recv_timeout(handle);
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
    const std::unique_ptr<MultiCall> call(static_cast<MultiCall*>(const_cast<void*>(data)));
    Reply reply = ReplyOf(rc);
    reply.stat = StatOf(call->stat);
    // Of a refused multi, those before the culprit report 0 and those after it
    // ZRUNTIMEINCONSISTENCY.
    while (rc != ZOK && reply.failed < call->results.size() &&
           call->results[reply.failed].err == ZOK)
      ++reply.failed;
    call->done(std::move(reply));
  }
  static void Log(const char* message) { log::Debug(message); }
};

Expected<std::shared_ptr<Session>> Session::Start(const Options& options, Events events) {
  // Process-wide, and at DEBUG the client's threads use memory that was freed (ZOOKEEPER-4809).
  zoo_set_debug_level(ZOO_LOG_LEVEL_WARN);
  std::shared_ptr<Session> session(new Session(options, std::move(events)));
  session->timeout_ = options.timeout.count();
  const std::unique_lock lock(session->mutex_);
  session->handle_ = zookeeper_init2(options.hosts.c_str(), Callbacks::Watch,
                                     static_cast<int>(options.timeout.count()), nullptr,
                                     session.get(), ZOO_NO_LOG_CLIENTENV, Callbacks::Log);
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

void Session::Close() {
  zhandle_t* handle = nullptr;
  {
    const std::unique_lock lock(mutex_);
    std::swap(handle, handle_);
  }
  if (handle != nullptr) zookeeper_close(handle);
}

template <class F>
void Session::Issue(Done done, F call) {
  auto owned = std::make_unique<Call>(Call{std::move(done)});
  {
    const std::shared_lock lock(mutex_);
    if (handle_ != nullptr && call(handle_, owned.get()) == ZOK) {
      (void)owned.release();  // now the client's, until Finish
      return;
    }
  }
  owned->done(Reply{.rc = Rc::kNotSent});
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
  auto call = std::make_unique<MultiCall>();
  call->done = std::move(done);
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
  {
    const std::shared_lock lock(mutex_);
    // The client copies a list with its lock while it queues a multi (ZOOKEEPER-4299): one at a
    // time.
    const std::lock_guard one(multi_mutex_);
    if (handle_ != nullptr &&
        zoo_amulti(handle_, static_cast<int>(call->ops.size()), call->client_ops.data(),
                   call->results.data(), Callbacks::Multi, call.get()) == ZOK) {
      (void)call.release();  // now the client's, until Callbacks::Multi
      return;
    }
  }
  call->done(Reply{.rc = Rc::kNotSent});
}

}  // namespace zoe::zookeeper

#include "apis/docker/exec.h"

#include <condition_variable>
#include <deque>

#include "apis/docker/engine_error.h"
#include "apis/docker/json.h"

namespace zoe::docker {
namespace {

constexpr size_t kHeader = 8;
constexpr size_t kMaxNodes = 4096;
// An exec is known as running, and as ended, a moment after its streams say so.
constexpr Duration kSettle{10'000}, kPause{20};
// Of one engine among several that are asked who they are.
constexpr Duration kAskLimit{3'000};

std::string Replaced(std::string text, std::string_view name, const std::string& value) {
  for (size_t at = text.find(name); at != std::string::npos;
       at = text.find(name, at + value.size()))
    text.replace(at, name.size(), value);
  return text;
}

Error NoEngine(const SwarmNode& node, const std::string& why) {
  return MakeError(Code::kUnavailable,
                   "the Engine of node " + node.name + " can't be reached from here: " + why);
}

// "" if it is in no Swarm.
Expected<std::string> NodeIdOf(const Context& ctx, EngineClient& engine) {
  ZOE_ASSIGN(const std::string text, engine.Do(ctx.WithTimeout(kAskLimit), {"GET", "/info"}));
  const Json info = Json::parse(text, nullptr, false);
  return Text(Child(info, "Swarm"), "NodeID");
}

// What the Engine says of containers that don't run is 409, as for a name that is taken.
Error Refusal(Error error) {
  if (error.code == Code::kAlreadyExists) error.code = Code::kConflict;
  return error;
}

class Session final : public ExecSession {
 public:
  // Either of an exec, or of the main process of a container.
  Session(std::shared_ptr<EngineClient> engine, std::string exec_id, std::string container_id,
          bool tty, std::unique_ptr<Tunnel> tunnel)
      : engine_(std::move(engine)),
        exec_id_(std::move(exec_id)),
        container_id_(std::move(container_id)),
        tty_(tty),
        tunnel_(std::move(tunnel)) {}

  Expected<ExecOutput> Read(const Context& ctx) override {
    while (true) {
      if (!pending_.empty()) {
        ExecOutput output = std::move(pending_.front());
        pending_.pop_front();
        return output;
      }
      ZOE_ASSIGN(std::string bytes, tunnel_->Read(ctx));
      if (tty_ || bytes.empty()) return ExecOutput{ExecStream::kOut, std::move(bytes)};
      std::vector<ExecOutput> outputs;
      if (!frames_.Feed(bytes, outputs)) return Nonsense("an exec", bytes);
      for (ExecOutput& output : outputs) pending_.push_back(std::move(output));
    }
  }

  Expected<void> Write(const Context& ctx, std::string_view bytes) override {
    if (input_gone_) return {};
    auto written = tunnel_->Write(ctx, bytes);
    if (written.ok() || written.error().code == Code::kCancelled) return written;
    input_gone_ = true;
    return {};
  }

  Expected<void> CloseInput() override {
    if (!input_gone_) tunnel_->EndWriting();
    input_gone_ = true;
    return {};
  }

  Expected<void> Resize(const Context& ctx, uint16_t width, uint16_t height) override {
    if (!tty_) return {};
    const std::string size = "/resize?w=" + std::to_string(width) + "&h=" + std::to_string(height);
    const std::string target = exec_id_.empty() ? "/containers/" + Escape(container_id_) + size
                                                : "/exec/" + Escape(exec_id_) + size;
    return Settled(ctx, [&]() -> Expected<bool> {
      const auto done = engine_->Do(ctx, {"POST", target});
      if (done.ok()) return true;
      if (done.error().code == Code::kCancelled) return done.error();
      return false;
    });
  }

  Expected<std::optional<int>> ExitCode(const Context& ctx) override {
    std::optional<int> code;
    if (exec_id_.empty()) return code;
    ZOE_TRY(Settled(ctx, [&]() -> Expected<bool> {
      ZOE_ASSIGN(const std::string text,
                 engine_->Do(ctx, {"GET", "/exec/" + Escape(exec_id_) + "/json"}));
      const Json state = Json::parse(text, nullptr, false);
      if (Flag(state, "Running") || !Child(state, "ExitCode").is_number()) return false;
      code = static_cast<int>(Number(state, "ExitCode"));
      return true;
    }));
    return code;
  }

 private:
  // Asks until it is so, for a while.
  template <class F>
  Expected<void> Settled(const Context& ctx, F is_so) {
    std::mutex mutex;
    std::condition_variable pause;
    const std::stop_callback wake(ctx.stop, [&] { pause.notify_all(); });
    const SteadyTime until = ctx.clock.Now() + kSettle;
    while (true) {
      ZOE_ASSIGN(const bool so, is_so());
      if (so || ctx.clock.Now() >= until) return {};
      std::unique_lock lock(mutex);
      ctx.clock.WaitUntil(pause, lock, ctx.clock.Now() + kPause);
      if (ctx.Done()) return MakeError(Code::kCancelled, "cancelled");
    }
  }

  const std::shared_ptr<EngineClient> engine_;
  const std::string exec_id_, container_id_;
  const bool tty_;
  const std::unique_ptr<Tunnel> tunnel_;
  OutputFrames frames_;
  std::deque<ExecOutput> pending_;
  bool input_gone_ = false;
};

Expected<std::unique_ptr<ExecSession>> Attach(const Context& ctx,
                                              std::shared_ptr<EngineClient> engine,
                                              const ExecRequest& request) {
  const std::string container = "/containers/" + Escape(request.container_id);
  ZOE_ASSIGN(const std::string text, engine->Do(ctx, {"GET", container + "/json"}));
  const Json info = Json::parse(text, nullptr, false);
  if (!Flag(Child(info, "State"), "Running"))
    return MakeError(Code::kConflict, "container " + request.container_id + " is not running");
  const bool tty = Flag(Child(info, "Config"), "Tty");
  std::string target = container + "/attach?stream=1";
  if (request.in) target += "&stdin=1";
  if (request.out) target += "&stdout=1";
  if (request.err) target += "&stderr=1";
  ZOE_ASSIGN(auto tunnel, engine->Hijack(ctx, {"POST", target}));
  return std::unique_ptr<ExecSession>(std::make_unique<Session>(
      std::move(engine), "", request.container_id, tty, std::move(tunnel)));
}

Expected<std::unique_ptr<ExecSession>> Run(const Context& ctx, std::shared_ptr<EngineClient> engine,
                                           const ExecRequest& request) {
  const Json make = {{"AttachStdin", request.in},
                     {"AttachStdout", request.out},
                     {"AttachStderr", request.err && !request.tty},
                     {"Tty", request.tty},
                     {"Cmd", request.command}};
  ZOE_ASSIGN(std::string body, Dump(make));
  ZOE_ASSIGN(
      const std::string text,
      engine->Do(ctx, {"POST", "/containers/" + Escape(request.container_id) + "/exec", body}));
  const std::string id = Text(Json::parse(text, nullptr, false), "Id");
  if (id.empty()) return Nonsense("an exec", text);
  ZOE_ASSIGN(body, Dump({{"Detach", false}, {"Tty", request.tty}}));
  ZOE_ASSIGN(auto tunnel, engine->Hijack(ctx, {"POST", "/exec/" + Escape(id) + "/start", body}));
  return std::unique_ptr<ExecSession>(std::make_unique<Session>(
      std::move(engine), id, request.container_id, request.tty, std::move(tunnel)));
}

}  // namespace

Expected<std::shared_ptr<EngineClient>> NodeEngines::Find(const Context& ctx,
                                                          const SwarmNode& node) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = known_.find(node.id);
    if (it != known_.end()) return it->second;
  }
  ZOE_ASSIGN(auto found, Look(ctx, node));
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMaxNodes) known_.clear();
  known_[node.id] = found;
  return found;
}

void NodeEngines::Forget(const std::string& node_id) {
  const std::lock_guard lock(mutex_);
  known_.erase(node_id);
}

Expected<std::shared_ptr<EngineClient>> NodeEngines::Look(const Context& ctx,
                                                          const SwarmNode& node) {
  for (const std::string& endpoint : managers_.endpoints()) {
    ZOE_ASSIGN(std::shared_ptr<EngineClient> engine,
               EngineClient::Open({{endpoint}, managers_.tls()}));
    const auto id = NodeIdOf(ctx, *engine);
    if (id.ok() && *id == node.id) return engine;
    if (ctx.Done()) return MakeError(Code::kCancelled, "cancelled");
  }
  if (node_engine_.empty())
    return NoEngine(node, "set --node-engine, such as https://{{address}}:2376");
  const bool bare = node.address.find(':') != std::string::npos;  // IPv6
  const std::string address = bare ? "[" + node.address + "]" : node.address;
  const std::string endpoint =
      Replaced(Replaced(node_engine_, "{{address}}", address), "{{name}}", node.name);
  auto engine = EngineClient::Open({{endpoint}, managers_.tls()});
  if (!engine) return NoEngine(node, "--node-engine: " + engine.error().message);
  const auto id = NodeIdOf(ctx, **engine);
  if (!id) {
    if (id.error().code == Code::kCancelled) return id.error();
    return NoEngine(node, "--node-engine: " + id.error().message);
  }
  if (*id != node.id)
    return NoEngine(node, "--node-engine: " + endpoint + " is the Engine of another node");
  return std::shared_ptr<EngineClient>(std::move(*engine));
}

bool OutputFrames::Feed(std::string_view bytes, std::vector<ExecOutput>& out) {
  while (!bytes.empty()) {
    if (left_ == 0) {
      head_ += bytes.front();
      bytes.remove_prefix(1);
      if (head_.size() < kHeader) continue;
      const auto byte = [&](size_t i) { return static_cast<unsigned char>(head_[i]); };
      // 0: stdin's echo, 1: out, 2: err, 3: the engine's own words.
      if (byte(0) > 3 || byte(1) || byte(2) || byte(3)) return false;
      stream_ = byte(0) >= 2 ? ExecStream::kErr : ExecStream::kOut;
      left_ = size_t{byte(4)} << 24 | size_t{byte(5)} << 16 | size_t{byte(6)} << 8 | byte(7);
      head_.clear();
      continue;
    }
    const size_t n = std::min(left_, bytes.size());
    out.push_back({stream_, std::string(bytes.substr(0, n))});
    bytes.remove_prefix(n);
    left_ -= n;
  }
  return true;
}

Expected<std::unique_ptr<ExecSession>> StartExec(const Context& ctx,
                                                 std::shared_ptr<EngineClient> engine,
                                                 const ExecRequest& request) {
  auto session = request.command.empty() ? Attach(ctx, std::move(engine), request)
                                         : Run(ctx, std::move(engine), request);
  if (!session) return Refusal(session.error());
  return session;
}

}  // namespace zoe::docker

// Commands in pods over real WebSockets; what runs them is a Swarm whose programs are written here.
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "controller/crypto/crypto.h"
#include "specs/codec/value.h"
#include "test/unit/apis/network.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

constexpr size_t kFlood = 8 << 20;

// echo WORD; cat; fail CODE; flood; size (of the terminal); wait (until it is ended).
class Program final : public ExecSession {
 public:
  explicit Program(const ExecRequest& request) : request_(request) {
    const std::string& name = request.command.empty() ? "attached" : request.command[0];
    if (name == "attached") Say(ExecStream::kOut, "main process\n");
    if (name == "echo") Say(ExecStream::kOut, request.command.at(1) + "\n");
    if (name == "fail") {
      Say(ExecStream::kErr, "oh\n");
      exit_code_ = std::stoi(request.command.at(1));
    }
    if (name == "flood") {
      for (size_t sent = 0; sent < kFlood; sent += 64 * 1024)
        Say(ExecStream::kOut, std::string(64 * 1024, static_cast<char>('a' + sent % 23)));
    }
    ended_ = name != "cat" && name != "size" && name != "wait";
  }
  static std::atomic<int>& Living() {
    static std::atomic<int> living{0};
    return living;
  }
  struct Count {
    Count() { ++Living(); }
    ~Count() { --Living(); }
  } counted;

  Expected<ExecOutput> Read(const Context& ctx) override {
    std::unique_lock lock(mutex_);
    const std::stop_callback wake(ctx.stop, [this] { changed_.notify_all(); });
    while (said_.empty() && !ended_) {
      if (ctx.Done()) return MakeError(Code::kCancelled, "cancelled");
      ctx.clock.WaitUntil(changed_, lock, std::min(ctx.deadline, ctx.clock.Now() + Duration(50)));
    }
    if (said_.empty()) return ExecOutput{};
    ExecOutput output = std::move(said_.front());
    said_.pop_front();
    return output;
  }
  Expected<void> Write(const Context&, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (request_.command.at(0) == "cat") Say(ExecStream::kOut, std::string(bytes));
    return {};
  }
  Expected<void> CloseInput() override {
    const std::lock_guard lock(mutex_);
    if (!request_.command.empty() && request_.command[0] == "cat") ended_ = true;
    changed_.notify_all();
    return {};
  }
  Expected<void> Resize(const Context&, uint16_t width, uint16_t height) override {
    const std::lock_guard lock(mutex_);
    Say(ExecStream::kOut, std::to_string(width) + "x" + std::to_string(height) + "\n");
    ended_ = true;
    return {};
  }
  Expected<std::optional<int>> ExitCode(const Context&) override {
    return request_.command.empty() ? std::optional<int>() : std::optional(exit_code_);
  }

 private:
  void Say(ExecStream stream, std::string text) {
    said_.push_back({stream, std::move(text)});
    changed_.notify_all();
  }

  const ExecRequest request_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ExecOutput> said_;
  int exit_code_ = 0;
  bool ended_ = false;
};

class ProgramSwarm final : public SimSwarm {
 public:
  using SimSwarm::SimSwarm;
  static std::unique_ptr<SimSwarm> Make(SimOptions options, const Clock& clock) {
    return std::make_unique<ProgramSwarm>(std::move(options), clock);
  }
  Expected<std::unique_ptr<ExecSession>> Exec(const Context&, const ExecRequest& request) override {
    if (!request.command.empty() && request.command[0] == "unreachable") {
      return MakeError(Code::kUnavailable,
                       "the Engine of node two can't be reached from here: set --node-engine");
    }
    return std::unique_ptr<ExecSession>(std::make_unique<Program>(request));
  }
};

// What a client hears of a session, to its end.
struct Heard {
  std::map<int, std::string> channels;
  int close_code = 0;
};

class ServerExec : public ::testing::Test {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestOptions();
    options.auth = AuthMode::kPassword;
    options.limits.execs = 16;
    options.limits.exec_idle = Duration(700);
    return options;
  }
  ServerExec() : served_(Options(), 8192, ProgramSwarm::Make) {}
  void SetUp() override {
    ASSERT_TRUE(served_.server->Start().ok());
    served_.AddUser("alice", "sesame");
    served_.AddUser("bob", "sesame");
    served_.AddUser("chief", "sesame", "admin");
    pod_ = Run("Execution", "lab", "note");
  }
  void TearDown() override {
    served_.server->Stop();
    EXPECT_EQ(Program::Living(), 0);
  }

  // A pod of alice's that runs: its name.
  std::string Run(const std::string& kind, const std::string& name, const std::string& service) {
    const Context ctx{served_.clock};
    SwarmServiceSpec spec;
    spec.name = name + "-" + service;
    spec.labels = {{"zoe.deployment", "zoe"}, {"zoe.namespace", "alice"}, {"zoe.kind", kind},
                   {"zoe.name", name},        {"zoe.uid", name},          {"zoe.service", service}};
    spec.replicas = 1;
    spec.image = "zoe/mini";
    spec.command = {"sleep", "1000"};
    const auto made = served_.swarm->CreateServices(ctx, {&spec, 1});
    if (!made.front().ok()) ADD_FAILURE() << made.front().error().message;
    for (const auto end = served_.clock.Now() + Duration(10'000); served_.clock.Now() < end;
         std::this_thread::yield()) {
      const auto seen = served_.swarm->Observe(ctx, name);
      if (!seen.ok() || seen->tasks.empty()) continue;
      const SwarmTask& task = seen->tasks.front();
      if (task.state == TaskState::kRunning)
        return name + "-" + service + "-1-" + task.id.substr(task.id.size() - 5);
    }
    ADD_FAILURE() << "it does not run";
    return {};
  }

  static std::string Basic(const std::string& user) {
    return "Authorization: Basic " + crypto::EncodeBase64(user + ":sesame") + "\r\n";
  }
  std::string Path(const std::string& query, const std::string& what = "exec") const {
    return "/api/v1/namespaces/alice/pods/" + pod_ + "/" + what + "?" + query;
  }
  static std::string Upgrade(const std::string& path, const std::string& fields,
                             const std::string& protocols = "v5.channel.k8s.io") {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" +
           "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: " + protocols + "\r\n" + fields +
           "\r\n";
  }
  // The status line and what else the head says.
  std::string Open(Wire& wire, const std::string& path, const std::string& fields,
                   const std::string& protocols = "v5.channel.k8s.io") {
    wire.Send(Upgrade(path, fields, protocols));
    return wire.ReadHead();
  }
  static std::string Frame(int channel, const std::string& bytes, int opcode = 2) {
    std::string payload = bytes;
    if (channel >= 0) payload.insert(payload.begin(), static_cast<char>(channel));
    std::string frame(1, static_cast<char>(0x80 | opcode));
    if (payload.size() > 125) {
      frame += '\xfe';
      frame += static_cast<char>(payload.size() >> 8);
      frame += static_cast<char>(payload.size());
    } else {
      frame += static_cast<char>(0x80 | payload.size());
    }
    return frame + std::string(4, '\0') + payload;
  }
  // The next frame: its opcode and payload; opcode -1 at the end.
  static std::pair<int, std::string> ReadFrame(Wire& wire) {
    const std::string head = wire.Read(2);
    if (head.size() < 2) return {-1, ""};
    const auto byte = [](const std::string& s, size_t i) {
      return static_cast<uint64_t>(static_cast<unsigned char>(s[i]));
    };
    uint64_t size = byte(head, 1);
    const size_t extra = size == 127 ? 8 : (size == 126 ? 2 : 0);
    if (extra > 0) {
      const std::string text = wire.Read(extra);
      size = 0;
      for (size_t i = 0; i < text.size(); ++i) size = size << 8 | byte(text, i);
    }
    return {static_cast<int>(byte(head, 0) & 0x0f), wire.Read(size)};
  }
  static Heard Listen(Wire& wire) {
    Heard heard;
    while (true) {
      const auto [opcode, payload] = ReadFrame(wire);
      if (opcode == 8 && payload.size() >= 2) {
        heard.close_code =
            static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
      }
      if (opcode == 8 || opcode < 0) return heard;
      if (opcode == 2 && !payload.empty())
        heard.channels[static_cast<unsigned char>(payload[0])] += payload.substr(1);
    }
  }
  Answer Call(const std::string& path, const std::string& fields) {
    return Peer(served_.port()).Call("GET", path, "", fields);
  }

  Served served_;
  std::string pod_;
};

TEST_F(ServerExec, RunsACommandAndSaysHowItEnded) {
  Wire wire = Wire::To(served_.port());
  const std::string head = Open(wire, Path("command=echo&command=hi&stdout=1"), Basic("alice"));
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
  EXPECT_NE(head.find("\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n"), std::string::npos);
  EXPECT_NE(head.find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            std::string::npos);
  const Heard heard = Listen(wire);
  EXPECT_EQ(heard.channels.at(1), "hi\n");
  EXPECT_EQ(heard.channels.at(3), R"({"metadata":{},"status":"Success"})");
  EXPECT_EQ(heard.close_code, 1000);
}

TEST_F(ServerExec, TellsStandardErrorAndTheExitCode) {
  Wire wire = Wire::To(served_.port());
  Open(wire, Path("command=fail&command=3&stdout=1&stderr=1"), Basic("alice"), "v4.channel.k8s.io");
  const Heard heard = Listen(wire);
  EXPECT_EQ(heard.channels.at(2), "oh\n");
  const auto status = codec::ParseJson(heard.channels.at(3));
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->Find("reason")->as_string(), "NonZeroExitCode");
  const auto& cause = status->Find("details")->Find("causes")->as_array().at(0);
  EXPECT_EQ(cause.Find("reason")->as_string(), "ExitCode");
  EXPECT_EQ(cause.Find("message")->as_string(), "3");
}

TEST_F(ServerExec, PassesInputInAnyFramesToItsEnd) {
  Wire wire = Wire::To(served_.port());
  Open(wire, Path("command=cat&stdin=1&stdout=1"), Basic("alice"));
  wire.Send(Frame(0, "bin") + Frame(0, "ary,", 1) + Frame(-1, "ping", 9) + Frame(77, "nobody's") +
            Frame(0, std::string(60'000, 'x')) + Frame(255, std::string(1, '\0')));
  const Heard heard = Listen(wire);
  EXPECT_EQ(heard.channels.at(1), "binary," + std::string(60'000, 'x'));
  EXPECT_EQ(heard.channels.at(3), R"({"metadata":{},"status":"Success"})");
}

TEST_F(ServerExec, AnswersPings) {
  Wire wire = Wire::To(served_.port());
  Open(wire, Path("command=cat&stdin=1&stdout=1"), Basic("alice"));
  wire.Send(Frame(-1, "are you there", 9));
  std::pair<int, std::string> frame;
  do frame = ReadFrame(wire);
  while (frame.first == 2);
  EXPECT_EQ(frame, std::pair(10, std::string("are you there")));
}

TEST_F(ServerExec, SetsTheSizeOfATerminal) {
  Wire wire = Wire::To(served_.port());
  Open(wire, Path("command=size&stdin=1&stdout=1&stderr=1&tty=1"), Basic("alice"));
  wire.Send(Frame(4, R"({"Width":97,"Height":31})"));
  EXPECT_EQ(Listen(wire).channels.at(1), "97x31\n");
}

TEST_F(ServerExec, AttachesToTheMainProcess) {
  Wire wire = Wire::To(served_.port());
  Open(wire, Path("stdout=1&command=ignored", "attach"), Basic("alice"));
  EXPECT_EQ(Listen(wire).channels.at(1), "main process\n");
}

TEST_F(ServerExec, LosesNothingOfMuchOutputToASlowReader) {
  Wire wire = Wire::To(served_.port());
  Open(wire, Path("command=flood&stdout=1"), Basic("alice"));
  const Heard heard = Listen(wire);
  EXPECT_EQ(heard.channels.at(1).size(), kFlood);
  EXPECT_EQ(heard.close_code, 1000);
}

TEST_F(ServerExec, EndsWithItsClient) {
  {
    Wire wire = Wire::To(served_.port());
    Open(wire, Path("command=wait&stdin=1&stdout=1"), Basic("alice"));
    EXPECT_EQ(Program::Living(), 1);
  }
  const auto end = served_.clock.Now() + Duration(10'000);
  while (Program::Living() > 0 && served_.clock.Now() < end) std::this_thread::yield();
  EXPECT_EQ(Program::Living(), 0);
}

TEST_F(ServerExec, EndsWhenNothingIsSaidForLong) {
  Wire wire = Wire::To(served_.port());
  Open(wire, Path("command=wait&stdin=1&stdout=1"), Basic("alice"));
  const Heard heard = Listen(wire);
  EXPECT_NE(heard.channels.at(3).find("nothing was said"), std::string::npos);
}

TEST_F(ServerExec, TellsWhoBreaksTheProtocol) {
  for (const std::string& nonsense :
       {std::string("\x82\x01x"), std::string("\xc2\x80\0\0\0\0", 6), std::string("GET / HTTP/1.1"),
        Frame(-1, std::string(126, 'x'), 9), Frame(0, "x", 3)}) {
    Wire wire = Wire::To(served_.port());
    Open(wire, Path("command=wait&stdin=1&stdout=1"), Basic("alice"));
    wire.Send(nonsense);
    EXPECT_EQ(Listen(wire).close_code, 1002);
  }
}

TEST_F(ServerExec, RefusesBeforeTheUpgradeWhatItCannotDo) {
  const struct {
    std::string path;
    int status;
    std::string message;
  } rows[] = {
      {Path("command=echo&stdout=1"), 400, "Upgrade request required"},
      {Path("command=echo"), 400, "you must specify at least 1 of stdin, stdout, stderr"},
      {Path("stdout=1"), 400, "you must specify at least one command for the container"},
      {Path("command=echo&stdout=1&container=other"), 400,
       "container other is not valid for pod " + pod_},
      {"/api/v1/namespaces/alice/pods/none/exec?command=echo&stdout=1", 404,
       "pods \"none\" not found"},
  };
  for (const auto& row : rows) {
    const Answer answer = Call(row.path, Basic("alice"));
    EXPECT_EQ(answer.status, row.status) << answer.body;
    const auto status = codec::ParseJson(answer.body);
    ASSERT_TRUE(status.ok()) << answer.body;
    EXPECT_EQ(status->Find("message")->as_string(), row.message);
  }
  Wire wire = Wire::To(served_.port());
  EXPECT_TRUE(Open(wire, Path("command=unreachable&stdout=1"), Basic("alice"))
                  .starts_with("HTTP/1.1 503 "));
  Wire other = Wire::To(served_.port());
  EXPECT_TRUE(Open(other, Path("command=echo&stdout=1"), Basic("alice"), "chat")
                  .starts_with("HTTP/1.1 400 "));
}

TEST_F(ServerExec, OpensNobodyElsesPodsAndNoGatewayButToAdmins) {
  const std::string path = Path("command=echo&command=hi&stdout=1");
  EXPECT_EQ(Call(path, Basic("bob")).status, 403);
  EXPECT_EQ(Call(path, "").status, 401);
  EXPECT_EQ(Call(path, Basic("chief")).status, 400);
  pod_ = Run("Gateway", "alice", "gateway");
  const Answer answer = Call(Path("command=echo&stdout=1"), Basic("alice"));
  EXPECT_EQ(answer.status, 403) << answer.body;
  EXPECT_NE(answer.body.find("only an admin can"), std::string::npos);
  EXPECT_EQ(Call(Path("stdout=1", "attach"), Basic("alice")).status, 403);
  EXPECT_EQ(Call(Path("command=echo&stdout=1"), Basic("chief")).status, 400);
}

TEST_F(ServerExec, OpensToNoPageOfAnotherSite) {
  Wire wire = Wire::To(served_.port());
  EXPECT_TRUE(Open(wire, Path("command=echo&command=hi&stdout=1"),
                   Basic("alice") + "Origin: http://evil.example\r\n")
                  .starts_with("HTTP/1.1 403 "));
}

TEST_F(ServerExec, TakesATokenAmongTheProtocolsAndNeverSaysIt) {
  const Answer made = Peer(served_.port())
                          .Call("POST", "/apis/zoe/v1/users/alice/tokens", R"({"name":"laptop"})",
                                Basic("alice") + "Content-Type: application/json\r\n");
  const auto token = codec::ParseJson(made.body);
  ASSERT_TRUE(token.ok() && token->Find("token") != nullptr) << made.body;
  std::string encoded = crypto::EncodeBase64(token->Find("token")->as_string());
  while (encoded.ends_with('=')) encoded.pop_back();
  std::ranges::replace(encoded, '+', '-');
  std::ranges::replace(encoded, '/', '_');
  const std::string path = Path("command=echo&command=hi&stdout=1");
  Wire wire = Wire::To(served_.port());
  const std::string head = Open(
      wire, path, "", "base64url.bearer.authorization.k8s.io." + encoded + ", v4.channel.k8s.io");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
  EXPECT_EQ(head.find(encoded), std::string::npos);
  EXPECT_EQ(Listen(wire).channels.at(1), "hi\n");
  Wire wrong = Wire::To(served_.port());
  EXPECT_TRUE(Open(wrong, path, "",
                   "base64url.bearer.authorization.k8s.io.em9lX2FsaWNlX3g, v4.channel.k8s.io")
                  .starts_with("HTTP/1.1 401 "));
}

TEST_F(ServerExec, HoldsHalfOfThemForOneUserAtMost) {
  std::vector<Wire> wires;
  for (int i = 0; i < 8; ++i) {
    wires.push_back(Wire::To(served_.port()));
    EXPECT_TRUE(Open(wires.back(), Path("command=cat&stdin=1&stdout=1"), Basic("alice"))
                    .starts_with("HTTP/1.1 101 "));
  }
  Wire last = Wire::To(served_.port());
  EXPECT_TRUE(Open(last, Path("command=cat&stdin=1&stdout=1"), Basic("alice"))
                  .starts_with("HTTP/1.1 429 "));
}

}  // namespace
}  // namespace zoe

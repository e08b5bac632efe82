// apis/docker against a scripted engine: what no real one can be made to say.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "apis/docker/docker_swarm.h"
#include "apis/docker/engine_client.h"
#include "apis/docker/engine_error.h"
#include "apis/docker/logs.h"
#include "apis/docker/object_codec.h"
#include "apis/docker/service_codec.h"
#include "controller/runtime/system_clock.h"

namespace zoe::docker {
namespace {

using std::string;

string Reply(int status, const string& body, const string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
string Message(const string& text) { return "{\"message\":\"" + text + "\"}"; }

// An engine on a unix socket (or, with `tcp`, a port). The script gets "METHOD TARGET" and the body
// and returns the bytes to send; "" closes the connection without a word, kSilence keeps it open.
class FakeEngine {
 public:
  using Script = std::function<string(const string& request, const string& body)>;
  static inline const string kSilence = "\x01silence";

  explicit FakeEngine(Script script, string api_version = "1.41")
      : script_(std::move(script)), version_(std::move(api_version)) {
    string dir = (std::filesystem::temp_directory_path() / "zoe-fake-XXXXXX").string();
    dir_ = ::mkdtemp(dir.data());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_ = dir_ + "/s";
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    accepting_ = std::thread([this] { Accept(); });
  }
  ~FakeEngine() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& t : serving_) t.join();
    ::close(listener_);
    std::filesystem::remove_all(dir_);
  }

  string endpoint() const { return "unix://" + path_; }
  std::vector<string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  int Count(const string& beginning) const {
    int n = 0;
    for (const string& r : requests()) n += r.starts_with(beginning);
    return n;
  }

 private:
  void Accept() {
    for (int fd; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      serving_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    string in;
    char buffer[4096];
    for (;;) {
      size_t head;
      while ((head = in.find("\r\n\r\n")) == string::npos) {
        const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) return Close(fd);
        in.append(buffer, static_cast<size_t>(n));
      }
      const string header = in.substr(0, head);
      const size_t at = header.find("Content-Length: ");
      const size_t length = at == string::npos ? 0 : std::stoul(header.substr(at + 16));
      while (in.size() < head + 4 + length) {
        const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) return Close(fd);
        in.append(buffer, static_cast<size_t>(n));
      }
      const string request = header.substr(0, header.find(" HTTP/"));
      const string body = in.substr(head + 4, length);
      in.erase(0, head + 4 + length);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      string out = request == "GET /_ping" && !version_.empty()
                       ? Reply(200, "OK", "Api-Version: " + version_ + "\r\n")
                       : script_(request, body);
      if (out == kSilence) continue;
      if (!out.empty()) (void)!::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
      if (out.empty() || out.find("X-Close:") != string::npos) return Close(fd);
    }
  }

  // The destructor shuts down what is open: a number that was closed may be someone else's by then.
  void Close(int fd) {
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    ::close(fd);
  }

  const Script script_;
  const string version_;
  string dir_, path_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::vector<string> requests_;
  std::vector<int> open_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

const SystemClock kClock;

Context Soon(int ms = 5'000) { return Context{kClock}.WithTimeout(Duration(ms)); }

std::unique_ptr<EngineClient> Client(std::vector<string> endpoints) {
  auto client = EngineClient::Open({std::move(endpoints), {}});
  EXPECT_TRUE(client.ok());
  return *std::move(client);
}

std::unique_ptr<Swarm> Open(std::vector<string> endpoints) {
  auto swarm = OpenDockerSwarm({.endpoints = std::move(endpoints)}, kClock);
  EXPECT_TRUE(swarm.ok());
  return *std::move(swarm);
}

Code CodeOf(const Expected<string>& result) {
  return result.ok() ? Code::kBadRequest : result.error().code;
}

TEST(DockerEndpoints, AreCheckedWhenOpened) {
  for (const char* good : {"unix:///run/docker.sock", "tcp://h:2375", "https://h:2376"})
    EXPECT_TRUE(EngineClient::Open({{good}, {}}).ok()) << good;
  for (const string bad :
       {"", "docker.sock", "unix://relative", "tcp://", "ftp://h:1", "tcp://h:1/path"}) {
    const auto opened = EngineClient::Open({{bad}, {}});
    ASSERT_FALSE(opened.ok()) << bad;
    EXPECT_EQ(opened.error().code, Code::kInvalid);
  }
  EXPECT_FALSE(EngineClient::Open({{}, {}}).ok());
  const auto longer = EngineClient::Open({{"unix:///" + string(108, 'x')}, {}});
  ASSERT_FALSE(longer.ok());
  EXPECT_NE(longer.error().message.find("too long"), string::npos);
}

TEST(DockerEndpoints, MissingSocketSaysWhatToDo) {
  const auto result = Client({"unix:///nonexistent/docker.sock"})->Do(Soon(), {"GET", "/nodes"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kUnavailable);
  EXPECT_NE(result.error().message.find("Is Docker running"), string::npos);
}

TEST(DockerVersion, TheOlderOfBothIsSpoken) {
  for (const auto& [theirs, spoken] : std::map<string, string>{
           {"1.41", "/v1.41/nodes"}, {"1.43", "/v1.43/nodes"}, {"1.99", "/v1.44/nodes"}}) {
    FakeEngine engine([](const string&, const string&) { return Reply(200, "[]"); }, theirs);
    const auto client = Client({engine.endpoint()});
    EXPECT_TRUE(client->Do(Soon(), {"GET", "/nodes"}).ok());
    EXPECT_TRUE(client->Do(Soon(), {"GET", "/nodes"}).ok());
    EXPECT_EQ(engine.Count("GET " + spoken), 2);
    EXPECT_EQ(engine.Count("GET /_ping"), 1);
  }
}

TEST(DockerVersion, TooOldAnEngineIsRefusedWithTheReason) {
  FakeEngine engine([](const string&, const string&) { return Reply(200, "[]"); }, "1.40");
  const auto result = Client({engine.endpoint()})->Do(Soon(), {"GET", "/nodes"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kUnavailable);
  EXPECT_NE(result.error().message.find("1.41 (Docker 20.10)"), string::npos);
  EXPECT_EQ(engine.Count("GET /v"), 0);
}

TEST(DockerVersion, SomethingElseThanDockerIsRefused) {
  FakeEngine engine([](const string&, const string&) { return Reply(200, "hello"); }, "");
  const auto result = Client({engine.endpoint()})->Do(Soon(), {"GET", "/nodes"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kUnavailable);
}

TEST(DockerFailover, GoesOnToTheNextManagerAndStaysThere) {
  std::atomic<bool> lost = false;
  FakeEngine worker([&](const string&, const string&) {
    return Reply(503, Message("This node is not a swarm manager. Use \\\"docker swarm init\\\""));
  });
  FakeEngine leaderless([&](const string&, const string&) {
    return Reply(500,
                 Message("rpc error: code = Unknown desc = The swarm does not have a leader."));
  });
  FakeEngine manager([&](const string&, const string&) {
    return lost ? Reply(503, Message("This node is not a swarm manager.")) : Reply(200, "{}");
  });
  const auto client = Client(
      {"unix:///nonexistent/s", worker.endpoint(), leaderless.endpoint(), manager.endpoint()});
  EXPECT_TRUE(client->Do(Soon(), {"POST", "/services/create", "{}"}).ok());
  EXPECT_TRUE(client->Do(Soon(), {"GET", "/nodes"}).ok());
  EXPECT_EQ(worker.Count("POST"), 1);
  EXPECT_EQ(leaderless.Count("POST"), 1);
  EXPECT_EQ(manager.Count("POST"), 1);
  EXPECT_EQ(worker.Count("GET /v"), 0);
  lost = true;
  const auto none = client->Do(Soon(), {"GET", "/nodes"});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::kUnavailable);
  EXPECT_NE(none.error().message.find("docker swarm init"), string::npos);
  EXPECT_NE(none.error().message.find("does not have a leader"), string::npos);
}

TEST(DockerFailover, AWriteThatWasSentIsNeverSentAgain) {
  FakeEngine dying([](const string&, const string&) { return ""; });
  FakeEngine other([](const string&, const string&) { return Reply(201, "{\"ID\":\"x\"}"); });
  const auto client = Client({dying.endpoint(), other.endpoint()});
  EXPECT_EQ(CodeOf(client->Do(Soon(), {"POST", "/services/create", "{}"})), Code::kOutcomeUnknown);
  EXPECT_EQ(dying.Count("POST"), 1);
  EXPECT_EQ(other.Count("POST"), 0);
}

// libcurl by itself repeats a request whose kept connection turns out dead.
TEST(DockerFailover, AWriteOnAKeptConnectionThatDiesIsNotRepeated) {
  std::atomic<int> posts = 0;
  FakeEngine engine([&](const string& request, const string&) -> string {
    if (!request.starts_with("POST")) return Reply(200, "[]");
    ++posts;
    return "";
  });
  const auto client = Client({engine.endpoint()});
  ASSERT_TRUE(client->Do(Soon(), {"GET", "/nodes"}).ok());
  EXPECT_EQ(CodeOf(client->Do(Soon(), {"POST", "/services/create", "{}"})), Code::kOutcomeUnknown);
  EXPECT_EQ(posts, 1);
}

TEST(DockerFailover, AReadIsRepeatedElsewhere) {
  FakeEngine dying([](const string&, const string&) { return ""; });
  FakeEngine silent([](const string&, const string&) { return FakeEngine::kSilence; });
  FakeEngine other([](const string&, const string&) { return Reply(200, "fine"); });
  const auto client = Client({dying.endpoint(), silent.endpoint(), other.endpoint()});
  const auto read = client->Do(Soon(4'000), {"GET", "/nodes"});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, "fine");
}

TEST(DockerCalls, EndByDeadlineAndByStop) {
  FakeEngine silent([](const string&, const string&) { return FakeEngine::kSilence; });
  const auto client = Client({silent.endpoint()});
  const SteadyTime begin = kClock.Now();
  EXPECT_EQ(CodeOf(client->Do(Soon(200), {"GET", "/nodes"})), Code::kUnavailable);
  EXPECT_EQ(CodeOf(client->Do(Soon(200), {"POST", "/services/create", "{}"})),
            Code::kOutcomeUnknown);
  std::stop_source stop;
  Context ctx{kClock, stop.get_token()};
  std::jthread stopper([&] {
    while (silent.Count("GET /v1.41/stop") == 0) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ(CodeOf(client->Do(ctx, {"GET", "/stop"})), Code::kCancelled);
  EXPECT_LT(kClock.Now() - begin, std::chrono::seconds(5));
}

TEST(DockerCalls, SeveralAreInFlightAndAnsweredInOrder) {
  std::mutex mutex;
  std::condition_variable all;
  int waiting = 0;
  FakeEngine engine([&](const string& request, const string&) {
    std::unique_lock lock(mutex);
    ++waiting;
    all.notify_all();
    all.wait_for(lock, std::chrono::seconds(5), [&] { return waiting >= 4; });
    return Reply(200, request);
  });
  const auto client = Client({engine.endpoint()});
  const std::vector<EngineRequest> requests = {
      {"GET", "/a"}, {"GET", "/b"}, {"GET", "/c"}, {"GET", "/d"}};
  const auto answers = client->DoAll(Soon(), requests);
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_GE(waiting, 4);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(*answers[i], "GET /v1.41" + requests[i].target);
}

// `openssl s_server -HTTP` answers with files: a manager that wants a client certificate.
class TlsEngine {
 public:
  TlsEngine() {
    string dir = (std::filesystem::temp_directory_path() / "zoe-tls-XXXXXX").string();
    dir_ = ::mkdtemp(dir.data());
    std::filesystem::create_directories(dir_ + "/v1.41");
    std::ofstream(dir_ + "/_ping") << Reply(200, "OK", "Api-Version: 1.41\r\n");
    std::ofstream(dir_ + "/v1.41/nodes") << Reply(200, "[]");
    const string script =
        "cd " + dir_ +
        " && { openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -keyout ca.key -out ca.pem &&"
        " for w in server client; do openssl req -newkey rsa:2048 -nodes -subj /CN=$w"
        " -keyout $w.key -out $w.csr && echo subjectAltName=IP:127.0.0.1 > ext &&"
        " openssl x509 -req -in $w.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext"
        " -out $w.pem || exit 1; done; } > log 2>&1 && echo $$ && exec openssl s_server"
        " -accept 127.0.0.1:0 -HTTP -Verify 1 -verify_return_error -CAfile ca.pem"
        " -cert server.pem -key server.key 2>&1";
    pipe_ = ::popen(script.c_str(), "re");
    char line[512];
    while (::fgets(line, sizeof line, pipe_)) {
      const string text(line);
      if (pid_ == 0) pid_ = std::atoi(line);
      if (text.starts_with("ACCEPT")) {
        address_ = text.substr(7, text.find_first_of("\r\n") - 7);
        break;
      }
    }
  }
  ~TlsEngine() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    ::pclose(pipe_);
    std::filesystem::remove_all(dir_);
  }
  const string& address() const { return address_; }
  TlsFiles Files(const string& ca, const string& who) const {
    const string own = who.empty() ? "" : dir_ + "/" + who;
    return {dir_ + "/" + ca, who.empty() ? "" : own + ".pem", who.empty() ? "" : own + ".key"};
  }

 private:
  string dir_, address_;
  FILE* pipe_ = nullptr;
  pid_t pid_ = 0;
};

TEST(DockerTls, BothSidesMustProveWhoTheyAre) {
  if (std::system("command -v openssl > /dev/null") != 0) GTEST_SKIP() << "no openssl program";
  const TlsEngine engine;
  ASSERT_FALSE(engine.address().empty());
  const auto ask = [&](const string& scheme, const TlsFiles& files) {
    auto client = EngineClient::Open({{scheme + engine.address()}, files});
    return (*client)->Do(Soon(), {"GET", "/nodes"});
  };
  for (const char* scheme : {"https://", "tcp://"}) {
    const auto good = ask(scheme, engine.Files("ca.pem", "client"));
    EXPECT_TRUE(good.ok()) << good.error().message;
  }
  for (const TlsFiles& files :
       {engine.Files("ca.pem", ""), engine.Files("client.pem", "client"), TlsFiles{}}) {
    const auto bad = ask("https://", files);
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().code, Code::kUnavailable);
  }
}

TEST(DockerErrors, AreToldApartByTheEnginesWords) {
  const auto code = [](int status, const string& text, bool write = true) {
    return ReadRefusal("here", write, status, Message(text)).error.code;
  };
  EXPECT_EQ(code(500, "rpc error: code = Unknown desc = update out of sequence"), Code::kConflict);
  EXPECT_EQ(code(409,
                 "rpc error: code = AlreadyExists desc = name conflicts with an existing "
                 "object: service a already exists"),
            Code::kAlreadyExists);
  EXPECT_EQ(code(409, "network with name n1 already exists"), Code::kAlreadyExists);
  EXPECT_EQ(code(404, "service zzz not found"), Code::kNotFound);
  EXPECT_EQ(code(500, "network nonono not found"), Code::kNotFound);
  EXPECT_EQ(code(400, "rpc error: code = InvalidArgument desc = name must be valid"),
            Code::kInvalid);
  EXPECT_EQ(code(400, "rpc error: code = FailedPrecondition desc = network x is in use by service"),
            Code::kConflict);
  EXPECT_EQ(code(503, "anything"), Code::kUnavailable);
  EXPECT_EQ(code(500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
            Code::kOutcomeUnknown);
  EXPECT_EQ(code(500, "context deadline exceeded", false), Code::kUnavailable);
  EXPECT_EQ(code(500, "something new"), Code::kInternal);
  EXPECT_EQ(ReadRefusal("here", true, 502, "<html>bad gateway</html>").error.code,
            Code::kOutcomeUnknown);
  const Error worker =
      ReadRefusal("here", false, 503, Message("Worker nodes can't be used to view")).error;
  EXPECT_NE(worker.message.find("worker"), string::npos);
}

TEST(DockerErrors, NonsenseIsInternalAndCitesOnlyItsBeginning) {
  const string secret = "PASSWORD=geheim";
  for (const string& body :
       {string("not json"), string("{}"), string("[1,2]"), string("[{\"ID\":\"a\"},{}]"),
        string("[{\"ID\":\"a\",") + string(100, ' ') + secret, string("\xff\xfe\0x", 4)}) {
    FakeEngine engine([&](const string&, const string&) { return Reply(200, body); });
    const auto listed = Open({engine.endpoint()})->ListServices(Soon());
    ASSERT_FALSE(listed.ok()) << body;
    EXPECT_EQ(listed.error().code, Code::kInternal);
    EXPECT_EQ(listed.error().message.find("geheim"), string::npos);
    EXPECT_LT(listed.error().message.size(), 200u);
  }
}

TEST(DockerErrors, ACutAnswerIsNoAnswer) {
  FakeEngine engine([](const string&, const string&) {
    return string("HTTP/1.1 200 OK\r\nX-Close: 1\r\nContent-Length: 100\r\n\r\n[{\"ID\":");
  });
  const auto swarm = Open({engine.endpoint()});
  const auto listed = swarm->ListServices(Soon());
  ASSERT_FALSE(listed.ok());
  EXPECT_EQ(listed.error().code, Code::kUnavailable);
  const SwarmServiceSpec spec;
  EXPECT_EQ(CodeOf(swarm->CreateServices(Soon(), {&spec, 1})[0]), Code::kOutcomeUnknown);
}

TEST(DockerErrors, ACreateThatDoesNotSayWhatItMadeIsUnknown) {
  FakeEngine engine([](const string&, const string&) { return Reply(201, "<html>"); });
  const SwarmServiceSpec spec;
  EXPECT_EQ(CodeOf(Open({engine.endpoint()})->CreateServices(Soon(), {&spec, 1})[0]),
            Code::kOutcomeUnknown);
}

TEST(DockerErrors, TextThatIsNotUtf8IsInvalidAndNothingIsSentForIt) {
  FakeEngine engine([](const string&, const string&) { return Reply(201, "{\"ID\":\"x\"}"); });
  std::vector<SwarmServiceSpec> specs(2);
  specs[0].env = {"A=\xff"};
  const auto ids = Open({engine.endpoint()})->CreateServices(Soon(), specs);
  EXPECT_EQ(CodeOf(ids[0]), Code::kInvalid);
  EXPECT_EQ(*ids[1], "x");
  EXPECT_EQ(engine.Count("POST"), 1);
}

TEST(DockerSwarmPort, NetworksOfALeaderlessManagerAreNotBelieved) {
  FakeEngine engine([](const string& request, const string&) {
    if (request.find("/networks") != string::npos) return Reply(200, "[]");
    return Reply(500,
                 Message("rpc error: code = Unknown desc = The swarm does not have a leader."));
  });
  const auto networks = Open({engine.endpoint()})->ListNetworks(Soon());
  ASSERT_FALSE(networks.ok());
  EXPECT_EQ(networks.error().code, Code::kUnavailable);
}

TEST(DockerSwarmPort, TasksOfDownNodesAreMarked) {
  FakeEngine engine([](const string& request, const string&) {
    if (request.find("/nodes") != string::npos) {
      return Reply(200, R"([{"ID":"up","Description":{"Hostname":"a"},"Status":{"State":"ready"}},
        {"ID":"down","Description":{"Hostname":"b"},"Status":{"State":"down"}}])");
    }
    return Reply(200, R"([{"ID":"1","NodeID":"up"},{"ID":"2","NodeID":"down"},{"ID":"3"}])");
  });
  const auto tasks = Open({engine.endpoint()})->ListTasks(Soon());
  ASSERT_TRUE(tasks.ok());
  EXPECT_EQ((*tasks)[0].node_name, "a");
  EXPECT_FALSE((*tasks)[0].node_down);
  EXPECT_TRUE((*tasks)[1].node_down);
  EXPECT_FALSE((*tasks)[2].node_down);
}

TEST(DockerCodec, ExitCodesAreThoseOfContainersThatRan) {
  const auto tasks = DecodeTasks(R"([
    {"ID":"1","Status":{"State":"running","ContainerStatus":{"ContainerID":"c","ExitCode":0}}},
    {"ID":"2","Status":{"State":"complete","ContainerStatus":{"ContainerID":"c","ExitCode":0}}},
    {"ID":"3","Status":{"State":"failed","ContainerStatus":{"ContainerID":"c","ExitCode":137}}},
    {"ID":"4","Status":{"State":"rejected"}},
    {"ID":"5","Status":{"State":"shutdown","ContainerStatus":{"ContainerID":"","ExitCode":0}}},
    {"ID":"6","Status":{"State":"whatever","Timestamp":5}}])");
  ASSERT_TRUE(tasks.ok());
  EXPECT_FALSE((*tasks)[0].exit_code);
  EXPECT_EQ((*tasks)[1].exit_code, 0);
  EXPECT_EQ((*tasks)[2].exit_code, 137);
  EXPECT_FALSE((*tasks)[3].exit_code);
  EXPECT_FALSE((*tasks)[4].exit_code);
  EXPECT_EQ((*tasks)[5].state, TaskState::kNew);
}

TEST(DockerCodec, WhatWeNeverSetShowsAsAltered) {
  const SwarmServiceSpec spec{.name = "a", .replicas = 1, .image = "i"};
  const string sent = *EncodeService(spec);
  const auto read = [](const string& json) {
    return DecodeServices("[{\"ID\":\"x\",\"Spec\":" + json + "}]")->front().spec;
  };
  EXPECT_TRUE(read(sent) == spec);
  const auto with = [&](const string& before, const string& extra) {
    string json = sent;
    return json.insert(json.find(before) + before.size(), extra);
  };
  for (const string& json :
       {with("\"ContainerSpec\":{", "\"Configs\":[{\"ConfigID\":\"s\"}],"),
        with("\"Mounts\":[", "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/v\"}"),
        with("\"Placement\":{", "\"MaxReplicas\":1,"),
        with("\"TaskTemplate\":{", "\"LogDriver\":{\"Name\":\"none\"},")}) {
    EXPECT_TRUE(read(json).altered) << json;
    EXPECT_FALSE(read(json) == spec);
  }
  // What an engine adds by itself does not.
  EXPECT_TRUE(read(with("\"ContainerSpec\":{", "\"Isolation\":\"default\",\"Privileges\":null,")) ==
              spec);
}

TEST(DockerLogFrames, AreReadHoweverTheyAreCut) {
  const auto frame = [](char stream, const string& text) {
    return string{stream,
                  0,
                  0,
                  0,
                  0,
                  0,
                  static_cast<char>(text.size() >> 8),
                  static_cast<char>(text.size())} +
           text;
  };
  const string longer = string(20'000, 'x') + "\n";
  const string all = frame(1, "one\n") + frame(2, "") + frame(2, longer) + frame(1, "three");
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{7}, size_t{8}, size_t{9}, all.size()}) {
    LogFrames frames;
    std::vector<string> lines;
    for (size_t at = 0; at < all.size(); at += piece) {
      EXPECT_TRUE(frames.Feed(std::string_view(all).substr(at, piece), [&](std::string_view line) {
        lines.emplace_back(line);
        return true;
      }));
    }
    EXPECT_FALSE(frames.error());
    EXPECT_EQ(lines, (std::vector<string>{"one\n", "", longer, "three"}));
  }
}

TEST(DockerLogFrames, EndWithTheSinkWithNonsenseAndWithTheEnginesError) {
  const string good("\1\0\0\0\0\0\0\2a\n", 10);
  LogFrames ended;
  int lines = 0;
  EXPECT_FALSE(ended.Feed(good + good, [&](std::string_view) { return ++lines < 1; }));
  EXPECT_EQ(lines, 1);
  EXPECT_FALSE(ended.error());
  LogFrames nonsense;
  EXPECT_FALSE(nonsense.Feed("plain text, no frames", [](std::string_view) { return true; }));
  EXPECT_EQ(nonsense.error()->code, Code::kInternal);
  LogFrames huge;
  EXPECT_FALSE(huge.Feed(string("\1\0\0\0\x7f\0\0\0", 8), [](std::string_view) { return true; }));
  LogFrames failed;
  EXPECT_FALSE(
      failed.Feed(string("\3\0\0\0\0\0\0\4oops", 12), [](std::string_view) { return true; }));
  EXPECT_EQ(failed.error()->code, Code::kUnavailable);
  EXPECT_EQ(failed.error()->message, "oops");
}

TEST(DockerWatch, AsksLittleAtRestAndOftenWhenChangesAreExpected) {
  std::atomic<int> version = 1;
  FakeEngine engine([&](const string& request, const string&) {
    if (request.find("/events") != string::npos)
      return string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (request.find("/tasks") != string::npos) {
      return Reply(200, "[{\"ID\":\"t\",\"ServiceID\":\"s\",\"Version\":{\"Index\":" +
                            std::to_string(version) + "}}]");
    }
    if (request.find("/networks") != string::npos || request.find("/secrets") != string::npos)
      return Reply(200, "[]");
    return Reply(200, R"([{"ID":"s","Version":{"Index":1},"Spec":{"Labels":{"zoe.kind":"Execution",
      "zoe.namespace":"alice","zoe.name":"wordcount"}}}])");
  });
  const auto swarm = Open({engine.endpoint()});
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<SwarmHint> hints;
  const auto watch = swarm->Subscribe([&](const SwarmHint& hint) {
    const std::lock_guard lock(mutex);
    hints.push_back(hint);
    changed.notify_all();
  });
  ASSERT_TRUE(watch.ok());
  std::unique_lock lock(mutex);
  const auto until = [&](const auto& holds) {
    return changed.wait_for(lock, std::chrono::seconds(5), holds);
  };
  ASSERT_TRUE(until([&] { return hints.size() == 1; }));
  EXPECT_EQ(hints[0].kind, "");  // begun: look at everything
  // Nobody expects anything: no poll for a while.
  EXPECT_FALSE(
      changed.wait_for(lock, std::chrono::milliseconds(400), [&] { return hints.size() > 1; }));
  EXPECT_LE(engine.Count("GET /v1.41/tasks"), 2);
  swarm->ExpectChanges(Duration(5'000));
  version = 2;
  ASSERT_TRUE(until([&] { return hints.size() == 2; }));
  EXPECT_EQ(hints[1].kind, "Execution");
  EXPECT_EQ(hints[1].ns, "alice");
  EXPECT_EQ(hints[1].name, "wordcount");
  EXPECT_GE(engine.Count("GET /v1.41/tasks"), 2);
}

}  // namespace
}  // namespace zoe::docker

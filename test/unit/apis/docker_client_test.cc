// apis/docker against a scripted engine: which manager is asked, what its answers mean.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "apis/docker/engine_error.h"
#include "test/unit/apis/fake_engine.h"

namespace zoe::docker {
namespace {

TEST(DockerEndpoints, AreCheckedWhenOpened) {
  for (const char* good : {"unix:///run/docker.sock", "tcp://h:2375", "https://h:2376"})
    EXPECT_TRUE(EngineClient::Open({{good}, {}}).ok()) << good;
  for (const string bad :
       {"", "docker.sock", "unix://relative", "tcp://", "ftp://h:1", "tcp://h:1/path", "tcp://h",
        "tcp://h:0", "tcp://:1", "tcp://h :1", "tcp://me:secret@h:1", "secret@h"}) {
    const auto opened = EngineClient::Open({{bad}, {}});
    ASSERT_FALSE(opened.ok()) << bad;
    EXPECT_EQ(opened.error().code, Code::kInvalid);
    EXPECT_EQ(opened.error().message.find("secret"), string::npos);
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
  for (const char* end : {"node lost leader status", "node is stopped"}) {
    const string text =
        string("rpc error: code = Unknown desc = raft: failed to process the request: ") + end;
    EXPECT_EQ(code(500, text), Code::kOutcomeUnknown);
    EXPECT_EQ(code(500, text, false), Code::kUnavailable);
  }
  EXPECT_EQ(code(500, "rpc error: code = Unknown desc = raft: no elected cluster leader"),
            Code::kUnavailable);
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

}  // namespace
}  // namespace zoe::docker

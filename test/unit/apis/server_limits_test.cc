// Strangers: broken HTTP, too much of it, wrong passwords, TLS.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

using std::string_literals::operator""s;

constexpr std::string_view kExecutions = "/apis/zoe/v1/namespaces/alice/executions";

ServerOptions Quick() {
  ServerOptions options = TestOptions();
  options.limits.read_deadline = Duration(300);
  options.limits.idle = Duration(600);
  return options;
}

class ServerLimitsTest : public ::testing::Test {
 protected:
  explicit ServerLimitsTest(ServerOptions options = TestOptions()) : served_(std::move(options)) {}
  void SetUp() override { ASSERT_TRUE(served_.server->Start().ok()); }
  void TearDown() override {
    EXPECT_EQ(Peer(served_.port()).Call("GET", "/healthz").body, "ok")
        << "others must still be served";
  }
  Answer Raw(std::string_view bytes) {
    Peer peer(served_.port());
    peer.Send(bytes);
    return peer.Read();
  }
  Served served_;
};

struct Broken {
  const char* name;
  std::string bytes;
};

TEST_F(ServerLimitsTest, BrokenRequestsAreRefusedAndTheConnectionClosed) {
  const std::string post = "POST " + std::string(kExecutions) + " HTTP/1.1\r\nHost: localhost\r\n";
  const std::vector<Broken> rows = {
      {"garbage", "\x16\x03\x01\x02 nonsense\r\n\r\n"},
      {"no version", "GET /healthz\r\n\r\n"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"future version", "GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n"},
      {"no host", "GET /healthz HTTP/1.1\r\n\r\n"},
      {"two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"space before colon", "GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n"},
      {"no colon", "GET /healthz HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n"},
      {"negative length", post + "Content-Length: -1\r\n\r\n"},
      {"worded length", post + "Content-Length: abc\r\n\r\n"},
      {"huge length", post + "Content-Length: 99999999999999999999999999\r\n\r\n"},
      {"two lengths", post + "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"},
      {"length and chunks",
       post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"negative chunk", post + "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n"},
      {"worded chunk", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"},
      {"overflowing chunk",
       post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n"},
      {"other encoding", post + "Transfer-Encoding: gzip\r\n\r\n"},
      {"two encodings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {"a length twice", post + "Content-Length: 2, 2\r\n\r\n{}"},
      {"endless chunk extension",
       post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(300'000, 'a')},
      {"NUL in the path", "GET /heal\0thz HTTP/1.1\r\nHost: a\r\n\r\n"s},
  };
  for (const Broken& row : rows) {
    Peer peer(served_.port());
    peer.Send(row.bytes);
    Answer answer = peer.Read();
    EXPECT_EQ(answer.status, 400) << row.name;
    EXPECT_NE(answer.body.find("\"reason\":\"BadRequest\""), std::string::npos) << row.name;
    EXPECT_EQ(answer.headers["connection"], "close") << row.name;
    EXPECT_TRUE(peer.AwaitClose()) << row.name;
  }
}

TEST_F(ServerLimitsTest, NobodyIsServedAsOneselfWhoAsksToBeSomebodyElse) {
  const std::string get = "GET " + std::string(kExecutions) + " HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_EQ(Raw(get + "\r\n").status, 200);
  for (const char* name : {"Impersonate-User", "impersonate-group", "Impersonate-Extra-scopes"}) {
    const Answer answer = Raw(get + name + ": bob\r\n\r\n");
    EXPECT_EQ(answer.status, 403) << name;
    EXPECT_NE(answer.body.find("impersonation"), std::string::npos) << name;
  }
}

// They are answered on the threads that serve all connections.
TEST_F(ServerLimitsTest, LargeReviewsAreRefusedUnread) {
  const auto ask = [&](size_t bytes) {
    const std::string body =
        R"({"spec":{"namespace":"alice","x":")" + std::string(bytes, 'x') + R"("}})";
    return Peer(served_.port())
        .Call("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body,
              "Content-Type: application/json\r\n")
        .status;
  };
  EXPECT_EQ(ask(1'000), 201);
  EXPECT_EQ(ask(100'000), 413);
}

TEST_F(ServerLimitsTest, TooLargeHeadersAndBodiesAreRefused) {
  EXPECT_EQ(
      Raw("GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n").status,
      431);
  EXPECT_EQ(Raw("GET /" + std::string(40'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n").status, 431);
  const std::string post = "POST " + std::string(kExecutions) + " HTTP/1.1\r\nHost: localhost\r\n";
  const Answer declared = Raw(post + "Content-Length: 209715200\r\n\r\n");
  EXPECT_EQ(declared.status, 413);
  EXPECT_NE(declared.body.find("RequestEntityTooLarge"), std::string::npos);
  const Answer chunked = Raw(post + "Transfer-Encoding: chunked\r\n\r\n100001\r\n");
  EXPECT_EQ(chunked.status, 413);
}

TEST_F(ServerLimitsTest, TwoHundredMegabytesAreNotBuffered) {
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  Peer peer(served_.port());
  peer.Send("POST " + std::string(kExecutions) +
            " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65536, ' ') + "\r\n";
  for (int i = 0; i < 3200 && peer.Send(chunk); ++i) {
  }
  peer.AwaitClose();
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 50 * 1024);
}

TEST_F(ServerLimitsTest, RecordLargerThanTheStoreTakesIsRefused) {
  std::string env;
  for (const char* name : {"A", "B", "C", "D", "E", "F"}) {
    env += std::string(env.empty() ? "" : ",") + R"({"name":")" + name + R"(","value":")" +
           std::string(120'000, 'x') + R"("})";
  }
  const std::string body =
      R"({"kind":"Execution","metadata":{"name":"a"},"spec":{"application":{"services":[)"
      R"({"name":"w","image":"x","env":[)" +
      env + "]}]}}}";
  const Answer answer =
      Peer(served_.port()).Call("POST", kExecutions, body, "Content-Type: application/json\r\n");
  EXPECT_EQ(answer.status, 413) << answer.body.substr(0, 300);
}

TEST_F(ServerLimitsTest, HostileDocumentsAreRefused) {
  const auto post = [&](const std::string& body) {
    return Peer(served_.port())
        .Call("POST", kExecutions, body, "Content-Type: application/yaml\r\n")
        .status;
  };
  EXPECT_EQ(post(std::string(100'000, '[')), 400);
  EXPECT_EQ(post("a: &a [*a]\n"), 400);
  EXPECT_EQ(post(","), 400);
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 8; ++j) bomb += "," + last;
    bomb += "]\n";
  }
  EXPECT_EQ(post(bomb), 400);
  EXPECT_EQ(post("a: 1\na: 2\n"), 400);
}

TEST_F(ServerLimitsTest, PipelinedRequestsAreAnsweredInOrder) {
  Peer peer(served_.port());
  peer.Send(
      "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /version HTTP/1.1\r\nHost: "
      "localhost\r\n\r\nHEAD /version HTTP/1.1\r\nHost: localhost\r\n\r\nGET /nope "
      "HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(peer.Read().body, "ok");
  const Answer version = peer.Read();
  EXPECT_EQ(version.status, 200);
  EXPECT_EQ(peer.Read(true).headers["content-length"], version.headers.at("content-length"));
  EXPECT_EQ(peer.Read().status, 404);
}

TEST_F(ServerLimitsTest, ExpectationToContinueIsAnswered) {
  Peer peer(served_.port());
  const std::string body =
      R"({"kind":"Execution","metadata":{"name":"a"},"spec":{"application":{"services":[{"name":"w","image":"x"}]}}})";
  peer.Send("POST " + std::string(kExecutions) +
            " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(peer.Read().status, 100);
  peer.Send(body);
  EXPECT_EQ(peer.Read().status, 201);
}

TEST_F(ServerLimitsTest, ChunkedBodiesOldClientsAndAbsoluteTargetsWork) {
  EXPECT_EQ(Raw("POST " + std::string(kExecutions) +
                " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
                "3\r\n{}\n\r\n0\r\n\r\n")
                .status,
            422);
  Peer old(served_.port());
  old.Send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.Read().body, "ok");
  EXPECT_TRUE(old.AwaitClose());
  EXPECT_EQ(Raw("GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").body, "ok");
}

TEST_F(ServerLimitsTest, AThousandIdleConnectionsDisturbNobody) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 3000) GTEST_SKIP() << "needs 3000 file descriptors";
  std::vector<Peer> idle;
  for (int i = 0; i < 1000; ++i) idle.emplace_back(served_.port());
  EXPECT_EQ(Peer(served_.port()).Call("GET", "/healthz").body, "ok");
  EXPECT_EQ(idle.back().Call("GET", "/healthz").body, "ok");
}

TEST_F(ServerLimitsTest, PagesOfOtherSitesCanNotUseTheBrowser) {
  const auto get = [&](const std::string& headers) {
    return Raw("GET " + std::string(kExecutions) + " HTTP/1.1\r\n" + headers + "\r\n").status;
  };
  EXPECT_EQ(get("Host: localhost:4850\r\n"), 200);
  EXPECT_EQ(get("Host: [::1]:4850\r\n"), 200);
  EXPECT_EQ(get("Host: evil.example\r\n"), 403);
  EXPECT_EQ(get("Host: localhost:4850\r\nOrigin: http://localhost:4850\r\n"), 200);
  EXPECT_EQ(get("Host: localhost:4850\r\nOrigin: http://evil.example\r\n"), 403);
  EXPECT_EQ(get("Host: localhost:4850\r\nSec-Fetch-Site: cross-site\r\n"), 403);
}

class QuickServer : public ServerLimitsTest {
 protected:
  QuickServer() : ServerLimitsTest(Quick()) {}
};

TEST_F(QuickServer, SlowHeadersAndBodiesAreCut) {
  std::vector<Peer> peers;
  for (int i = 0; i < 50; ++i) {
    peers.emplace_back(served_.port());
    peers.back().Send("GET /healthz HTTP/1.1\r\nHo");
  }
  peers.emplace_back(served_.port());
  peers.back().Send("POST " + std::string(kExecutions) +
                    " HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  peers.emplace_back(served_.port());  // says nothing at all
  for (Peer& peer : peers) EXPECT_TRUE(peer.AwaitClose());
}

TEST_F(QuickServer, IdleConnectionsAreClosedAfterAWhile) {
  Peer peer(served_.port());
  EXPECT_EQ(peer.Call("GET", "/healthz").status, 200);
  EXPECT_EQ(peer.Call("GET", "/healthz").status, 200);
  EXPECT_TRUE(peer.AwaitClose());
}

class FewConnections : public ServerLimitsTest {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestOptions();
    options.limits.connections = 4;
    return options;
  }
  FewConnections() : ServerLimitsTest(Options()) {}
};

TEST_F(FewConnections, TheNextWaitsUntilOneLeaves) {
  std::vector<Peer> peers;
  for (int i = 0; i < 4; ++i) {
    peers.emplace_back(served_.port());
    EXPECT_EQ(peers.back().Call("GET", "/healthz").status, 200);
  }
  Peer waiting(served_.port());
  auto answer =
      std::async(std::launch::async, [&] { return waiting.Call("GET", "/healthz").status; });
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  peers.pop_back();
  EXPECT_EQ(answer.get(), 200);
}

class WithPassword : public ServerLimitsTest {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestOptions();
    options.auth = AuthMode::kPassword;
    return options;
  }
  WithPassword() : ServerLimitsTest(Options()) { served_.AddUser("admin", "secret", "admin"); }
  Answer As(const std::string& headers) {
    return Peer(served_.port()).Call("GET", kExecutions, {}, headers);
  }
};

constexpr char kRight[] = "Authorization: Basic YWRtaW46c2VjcmV0\r\n";  // admin:secret
constexpr char kWrong[] = "Authorization: Basic YWRtaW46c2VjcmV4\r\n";  // admin:secrex
constexpr char kOther[] = "Authorization: Basic cm9vdDpzZWNyZXQ=\r\n";  // root:secret

TEST_F(WithPassword, OnlyAdminWithThePasswordGetsIn) {
  EXPECT_EQ(As(kRight).status, 200);
  const Answer nobody = As("");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_TRUE(nobody.headers.at("www-authenticate").starts_with("Basic "));
  EXPECT_NE(nobody.body.find("\"reason\":\"Unauthorized\""), std::string::npos);
  for (const char* headers : {kWrong, kOther, "Authorization: Basic ====\r\n",
                              "Authorization: Bearer x\r\n", "Authorization: basic\r\n"}) {
    EXPECT_EQ(As(headers).status, 401) << headers;
  }
  for (const char* open : {"/healthz", "/livez", "/readyz", "/version"})
    EXPECT_EQ(Peer(served_.port()).Call("GET", open).status, 200) << open;
  for (const char* closed : {"/metrics", "/apis", "/", "/api/v1/nodes"})
    EXPECT_EQ(Peer(served_.port()).Call("GET", closed).status, 401) << closed;
}

TEST_F(WithPassword, GuessingIsSlowedDown) {
  int refused = 0;
  Peer peer(served_.port());
  for (int i = 0; i < 40; ++i) refused += peer.Call("GET", kExecutions, {}, kWrong).status == 429;
  EXPECT_GT(refused, 20);
}

TEST(ServerStart, RefusesWhatItCanNotServe) {
  const auto start = [](auto change) {
    ServerOptions options = TestOptions();
    change(options);
    Served served(options);
    const auto started = served.server->Start();
    return started.ok() ? std::string() : started.error().message;
  };
  EXPECT_EQ(start([](ServerOptions&) {}), "");
  EXPECT_EQ(start([](ServerOptions& o) { o.listen = "[::1]:0"; }), "");
  for (const char* listen : {"localhost", "127.0.0.1:", "127.0.0.1:99999", ":80", "::1:80",
                             "host.example:80", "127.0.0.1:80x"}) {
    EXPECT_NE(start([&](ServerOptions& o) { o.listen = listen; }).find("ADDRESS:PORT"),
              std::string::npos)
        << listen;
  }
  EXPECT_NE(start([](ServerOptions& o) { o.listen = "0.0.0.0:0"; }).find("loopback"),
            std::string::npos);
  EXPECT_NE(start([](ServerOptions& o) { o.tls_cert = "x"; }).find("both"), std::string::npos);
  EXPECT_NE(start([](ServerOptions& o) {
              o.tls_cert = o.tls_key = "/nonexistent";
            }).find("TLS certificate"),
            std::string::npos);
}

TEST(ServerStart, SaysThatAnAddressIsTaken) {
  Served first;
  ASSERT_TRUE(first.server->Start().ok());
  ServerOptions options = TestOptions();
  options.listen = first.server->address();
  Served second(options);
  const auto started = second.server->Start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Code::kUnavailable);
}

TEST(ServerTls, ServesHttpsToModernClients) {
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("zoe-tls-" + std::to_string(getpid()));
  std::filesystem::create_directory(dir);
  const std::string cert = dir / "cert.pem", key = dir / "key.pem", out = dir / "out";
  const std::string make =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "
      "/CN=localhost "
      "-addext subjectAltName=IP:127.0.0.1 -keyout " +
      key + " -out " + cert + " 2>/dev/null";
  if (std::system(make.c_str()) != 0 || std::system("curl --version >/dev/null 2>&1") != 0) {
    std::filesystem::remove_all(dir);
    GTEST_SKIP() << "needs openssl and curl";
  }
  ServerOptions options = TestOptions();
  options.tls_cert = cert;
  options.tls_key = key;
  {
    Served served(options);
    ASSERT_TRUE(served.server->Start().ok());
    const std::string curl =
        "curl -s --cacert " + cert + " -o " + out + " " + served.server->url() + "/healthz ";
    EXPECT_EQ(std::system(curl.c_str()), 0);
    std::string body;
    std::getline(std::ifstream(out), body);
    EXPECT_EQ(body, "ok");
    EXPECT_NE(std::system((curl + "--tls-max 1.1").c_str()), 0);
    EXPECT_EQ(Peer(served.port()).Call("GET", "/healthz").status, 0)
        << "plain HTTP must not be served";
    Peer silent(served.port());
    EXPECT_EQ(std::system(curl.c_str()), 0) << "a client that never shakes hands holds nobody up";
  }
  std::filesystem::remove_all(dir);
}

TEST(ServerReadiness, SaysWhatIsMissing) {
  Metrics metrics;
  SystemClock clock;
  Cache cache;
  Admission admission(cache, {});
  const auto store = MakeMemoryStore();
  SimOptions options;
  options.fault = [](std::string_view) { return SimFault::kBefore; };
  const auto swarm = MakeSimSwarm(std::move(options), clock);
  Server server(TestOptions(), {*store, cache, *swarm, admission, metrics, clock, [] {
                                  return Expected<void>(MakeError(Code::kUnavailable, "not yet"));
                                }});
  ASSERT_TRUE(server.Start().ok());
  const auto port =
      static_cast<uint16_t>(std::stoi(server.address().substr(server.address().rfind(':') + 1)));
  const Answer ready = Peer(port).Call("GET", "/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_NE(ready.body.find("[+]store ok"), std::string::npos) << ready.body;
  EXPECT_NE(ready.body.find("[-]cache failed"), std::string::npos) << ready.body;
  EXPECT_NE(ready.body.find("[-]swarm failed"), std::string::npos) << ready.body;
  EXPECT_NE(ready.body.find("[-]controller failed: not yet"), std::string::npos) << ready.body;
  const Answer others =
      Peer(port).Call("GET", "/readyz?exclude=swarm&exclude=cache&exclude=controller&verbose");
  EXPECT_EQ(others.status, 200);
  EXPECT_NE(others.body.find("[+]swarm excluded: ok"), std::string::npos) << others.body;
  EXPECT_EQ(Peer(port).Call("GET", "/livez").status, 200);
  const Answer list = Peer(port).Call("GET", kExecutions);
  EXPECT_EQ(list.status, 503);
  EXPECT_EQ(list.headers.at("retry-after"), "1");
}

}  // namespace
}  // namespace zoe

// Endpoints of executions through the API: everything passes a real SOCKS5 server.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "apis/server/forward.h"
#include "specs/v1/credential.h"
#include "specs/v1/execution.h"
#include "specs/v1/gateway.h"
#include "test/unit/apis/network.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

constexpr std::string_view kLab = "/apis/zoe/v1/namespaces/alice/executions/lab";
const std::string kWeb = std::string(kLab) + "/endpoints/web/proxy";
const std::string kKeep = std::string(kLab) + "/endpoints/keep/proxy";
constexpr size_t kMega = 1 << 20;

// What tests wait for, with a deadline.
class Signal {
 public:
  void Set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool Await() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

std::string Ok(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

class ServerProxy : public ::testing::Test {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestOptions();
    options.limits.proxied = 4;
    options.limits.proxy_connect = Duration(500);
    options.limits.proxy_head = Duration(1'000);
    return options;
  }
  explicit ServerProxy(const ServerOptions& options = Options()) : served_(options) {}
  void SetUp() override {
    ASSERT_TRUE(served_.server->Start().ok());
    PutGateway(network_.port());
    PutExecution(v1::kRunning);
  }

  template <class T>
  void Put(const std::string& kind, const T& object) {
    const Key key{kind, object.meta.ns, object.meta.name};
    const std::string json = v1::EncodeJson(*v1::FindKind(kind), object);
    const auto stands = served_.cache.Get(key);
    const auto revision = stands ? served_.store->Replace(key, stands->revision, json)
                                 : served_.store->Create(key, json);
    ASSERT_TRUE(revision.ok()) << revision.error().ToString();
    ASSERT_TRUE(served_.cache.WaitFor(*revision, Duration(10'000)));
  }
  void PutGateway(uint16_t port, const std::string& ready = "True",
                  const std::string& password = "secret") {
    v1::Gateway gateway;
    gateway.meta.name = gateway.meta.ns = "alice";
    gateway.status.address = "127.0.0.1";
    gateway.status.socks_port = port;
    gateway.status.conditions = {{"Ready", ready, "Test", "its node has burnt down", {}, 0}};
    Put("Gateway", gateway);
    v1::Credential credential;
    credential.meta.ns = "alice";
    credential.meta.name = "gateway";
    credential.spec.socks_password = password;
    Put("Credential", credential);
  }
  void PutExecution(std::string_view phase) {
    v1::Execution execution;
    execution.meta.ns = "alice";
    execution.meta.name = "lab";
    v1::Service service;
    service.name = "note";
    service.image = "zoe/mini";
    const auto port = [&](const char* name, int number, const char* scheme, const char* proxy) {
      service.ports.push_back(
          {.name = name, .port = number, .scheme = scheme, .endpoint = true, .proxy_path = proxy});
    };
    port("web", 8080, "http", "strip");
    port("keep", 8081, "http", "keep");
    port("db", 5432, "postgres", "strip");
    execution.spec.application.emplace().services = {service};
    execution.status.phase = phase;
    Put("Execution", execution);
  }
  Answer Call(std::string_view method, std::string_view target, std::string_view body = {},
              std::string_view fields = {}) {
    return Peer(served_.port()).Call(method, target, body, fields);
  }
  Wire Client(const std::string& bytes) {
    Wire wire = Wire::To(served_.port());
    wire.Send(bytes);
    return wire;
  }
  // The program answers every request so.
  void Answers(const std::string& bytes) {
    network_.Add("note.lab:8080", [bytes](Wire& wire) {
      wire.ReadHead();
      wire.Send(bytes);
    });
  }
  std::string Upgrade() {
    return "GET " + kWeb +
           "/ws HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\n"
           "Upgrade: websocket\r\nSec-WebSocket-Key: abc\r\n\r\n";
  }

  Network network_;
  Served served_;
};

TEST_F(ServerProxy, SendsTheRequestOnAndTheAnswerBack) {
  std::string head;
  network_.Add("note.lab:8080", [&](Wire& wire) {
    head = wire.ReadHead();
    head += wire.Read(5);
    wire.Send(Ok("fine",
                 "Content-Type: text/x\r\nSet-Cookie: a=b; Path=/\r\nSet-Cookie: zoe-session=x\r\n"
                 "X-Frame-Options: DENY\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"));
  });
  const Answer answer = Call("PROPFIND", kWeb + "/a%2Fb//c?x=100%&y", "hello",
                             "Cookie: zoe-session=s; mine=1\r\nX-CSRF-Token: t\r\nX-Custom: 1\r\n"
                             "Authorization: token jupyters\r\nConnection: X-Hop\r\nX-Hop: 1\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "fine");
  EXPECT_EQ(answer.headers.at("content-type"), "text/x");
  EXPECT_EQ(answer.headers.at("x-frame-options"), "DENY");
  EXPECT_EQ(answer.headers.at("set-cookie"), "a=b; Path=" + kWeb + "/");
  EXPECT_FALSE(answer.headers.contains("x-hop"));
  EXPECT_EQ(head,
            "PROPFIND /a%2Fb//c?x=100%&y HTTP/1.1\r\nHost: localhost\r\nX-Custom: 1\r\n"
            "Authorization: token jupyters\r\nCookie: mine=1\r\nX-Forwarded-For: 127.0.0.1\r\n"
            "X-Forwarded-Host: localhost\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Prefix: " +
                kWeb + "\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
}

TEST_F(ServerProxy, KeepsThePathOfThoseWhoKnowTheirPrefix) {
  std::string line;
  network_.Add("note.lab:8081", [&](Wire& wire) {
    const std::string head = wire.ReadHead();
    line = head.substr(0, head.find("\r\n"));
    wire.Send(Ok(head.find("X-Forwarded-Prefix") == std::string::npos ? "none" : "twice"));
  });
  EXPECT_EQ(Call("GET", std::string(kLab) + "/endpoints/note.keep/proxy/lab?a").body, "none");
  EXPECT_EQ(line, "GET " + kKeep + "/lab?a HTTP/1.1");
}

TEST_F(ServerProxy, LeadsBehindTheSlashOfThePrefix) {
  const Answer answer = Call("GET", kWeb + "?a=%");
  EXPECT_EQ(answer.status, 307);
  EXPECT_EQ(answer.headers.at("location"), kWeb + "/?a=%");
}

TEST_F(ServerProxy, SaysWhyThereIsNothingToReach) {
  const auto says = [&](const std::string& target, int status, const std::string& words) {
    const Answer answer = Call("GET", target);
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_NE(answer.body.find(words), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("\"kind\":\"Status\""), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("secret"), std::string::npos) << answer.body;
  };
  says(std::string(kLab) + "/endpoints/wbe/proxy/", 404, "there are web, keep, db");
  says(std::string(kLab) + "/endpoints/db/proxy/", 400, "does not speak HTTP");
  says("/apis/zoe/v1/namespaces/alice/executions/x/endpoints/web/proxy/", 404, "not found");
  says(kWeb + "/", 502, "note.lab:8080 can't be reached: its name is unknown");
  network_.set_refusal(5);
  says(kWeb + "/", 502, "no service answers at note.lab:8080");
  network_.set_refusal(0);
  says(kWeb + "/", 504, "took too long");
  PutExecution(v1::kSuspended);
  says(kWeb + "/", 503, "Suspended");
  PutExecution(v1::kRunning);
  PutGateway(network_.port(), "True", "wrong");
  says(kWeb + "/", 503, "does not take the account");
  PutGateway(1);
  says(kWeb + "/", 503, "Connection refused");
  PutGateway(served_.port());
  says(kWeb + "/", 503, "gateway");
  PutGateway(network_.port(), "False");
  says(kWeb + "/", 503, "its node has burnt down");
}

TEST_F(ServerProxy, ToldWhatIsWrongWithAnAnswer) {
  const auto says = [&](const std::string& bytes, int status, const std::string& words) {
    Answers(bytes);
    const Answer answer = Call("GET", kWeb + "/");
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_NE(answer.body.find(words), std::string::npos) << answer.body;
  };
  says("", 502, "without an answer");
  says("SSH-2.0-OpenSSH_9.2\r\n", 502, "no valid HTTP");
  says("HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'x') + "\r\n\r\n", 502, "larger than");
  says("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 502, "transfer encoding");
  says("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 502,
       "transfer encoding");
  says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 502,
       "without being asked");
  std::string interim;
  for (int i = 0; i < 30; ++i) interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
  says(interim, 502, "without end");
  network_.Add("note.lab:8080", [](Wire& wire) { wire.ReadAll(); });
  const Answer late = Call("GET", kWeb + "/");
  EXPECT_EQ(late.status, 504);
  EXPECT_NE(late.body.find("has not answered in time"), std::string::npos) << late.body;
}

TEST_F(ServerProxy, AnAnswerThatBreaksOffIsSeenToBeBroken) {
  for (const char* bytes :
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n"}) {
    Answers(bytes);
    const Answer answer = Call("GET", kWeb + "/");
    EXPECT_EQ(answer.status, 200);
    EXPECT_FALSE(answer.complete) << bytes;
  }
}

TEST_F(ServerProxy, TakesEveryFramingOfAnswers) {
  const auto body = [&](const std::string& bytes, std::string_view method = "GET") {
    Answers(bytes);
    const Answer answer = Call(method, kWeb + "/");
    return std::to_string(answer.status) + (answer.complete ? " " : " broken ") + answer.body;
  };
  EXPECT_EQ(body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"),
            "200 ab");
  EXPECT_EQ(body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n"
                 "Trailer: x\r\n\r\n"),
            "200 ab");
  EXPECT_EQ(body("HTTP/1.0 200 OK\r\n\r\nuntil the end"), "200 until the end");
  EXPECT_EQ(body("HTTP/1.1 204 No Content\r\n\r\n"), "204 ");
  EXPECT_EQ(body("HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"), "304 ");
  EXPECT_EQ(body(Ok("")), "200 ");
  Answers("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  Peer peer(served_.port());
  EXPECT_EQ(peer.Call("HEAD", kWeb + "/").headers.at("content-length"), "1000");
  EXPECT_EQ(peer.Call("GET", "/version").status, 200);
}

TEST_F(ServerProxy, TheConnectionServesWhatComesNext) {
  Answers(Ok("one"));
  const std::string get = "GET " + kWeb + "/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string post =
      "POST " + kWeb + "/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
  const std::string version = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Peer peer(served_.port());
  ASSERT_TRUE(peer.Send(get + version + post + get + version));
  for (const char* body : {"one", "ok", "one", "one", "ok"}) EXPECT_EQ(peer.Read().body, body);
  ASSERT_TRUE(peer.Send(get));
  EXPECT_EQ(peer.Read().body, "one");
  Answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n");
  ASSERT_TRUE(peer.Send(get + version));
  EXPECT_EQ(peer.Read().body, "two");
  EXPECT_EQ(peer.Read().body, "ok");
}

TEST_F(ServerProxy, RefusedUploadsAreNotAskedFor) {
  const std::string head =
      " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: ";
  Wire refused =
      Client("POST " + std::string(kLab) + "/endpoints/x/proxy/" + head + "10000000000\r\n\r\n");
  EXPECT_EQ(refused.ReadHead().substr(9, 3), "404");
  EXPECT_NE(refused.ReadAll().find("Status"), std::string::npos);
  network_.Add("note.lab:8080", [](Wire& wire) {
    const std::string told = wire.ReadHead();
    wire.Send(Ok(wire.Read(3) + (told.find("Expect") == std::string::npos ? "" : " told")));
  });
  Wire taken = Client("POST " + kWeb + "/" + head + "3\r\n\r\n");
  EXPECT_EQ(taken.ReadHead(), "HTTP/1.1 100 Continue\r\n\r\n");
  taken.Send("abc");
  EXPECT_EQ(taken.ReadHead().substr(9, 3), "200");
  EXPECT_EQ(taken.Read(3), "abc");
}

TEST_F(ServerProxy, UploadsOfAnySizePassWithBackpressure) {
  constexpr size_t kTotal = 64 * kMega;
  Signal read_on;
  size_t received = 0;
  network_.Add("note.lab:8080", [&](Wire& wire) {
    wire.ReadHead();
    read_on.Await();
    for (size_t size = 1; size > 0 && received < kTotal; received += size)
      size = wire.Read(kMega).size();
    wire.Send(Ok("got it"));
  });
  Wire client = Client("PUT " + kWeb + "/big HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                       std::to_string(kTotal) + "\r\n\r\n");
  const std::string piece(kMega, 'x');
  const size_t ahead = client.SendUntilFull(piece, kTotal);
  EXPECT_LT(ahead, kTotal / 2) << "what nobody reads must not be taken";
  read_on.Set();
  for (size_t sent = ahead; sent < kTotal;) {
    const size_t size = std::min(piece.size(), kTotal - sent);
    ASSERT_TRUE(client.Send(std::string_view(piece).substr(0, size)));
    sent += size;
  }
  EXPECT_EQ(client.ReadHead().substr(9, 3), "200");
  EXPECT_EQ(client.Read(6), "got it");
  EXPECT_EQ(received, kTotal);
}

TEST_F(ServerProxy, ChunkedUploadsStayChunked) {
  std::string seen;
  network_.Add("note.lab:8080", [&](Wire& wire) {
    seen = wire.ReadHead();
    std::string body;
    while (!body.ends_with("0\r\n\r\n")) body += wire.Read(1);
    seen += body;
    wire.Send(Ok(""));
  });
  Wire client =
      Client("POST " + kWeb +
             "/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
             "2;x=y\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.ReadHead().substr(9, 3), "200");
  EXPECT_NE(seen.find("Transfer-Encoding: chunked"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("Content-Length"), std::string::npos) << seen;
  EXPECT_NE(seen.find("abc"), std::string::npos) << seen;
}

TEST_F(ServerProxy, ABrokenUploadReachesNobodyAsAWholeOne) {
  Signal over;
  std::string seen;
  network_.Add("note.lab:8080", [&](Wire& wire) {
    wire.ReadHead();
    seen = wire.ReadAll();
    over.Set();
  });
  Wire client =
      Client("POST " + kWeb +
             "/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
             "zz\r\n");
  EXPECT_EQ(client.ReadHead().substr(9, 3), "400");
  EXPECT_TRUE(over.Await());
  EXPECT_EQ(seen.find("0\r\n\r\n"), std::string::npos) << seen;
}

TEST_F(ServerProxy, DownloadsOfAnySizePassWithBackpressure) {
  constexpr size_t kTotal = 64 * kMega;
  Signal full;
  std::atomic<size_t> ahead{0};
  network_.Add("note.lab:8080", [&](Wire& wire) {
    wire.ReadHead();
    wire.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kTotal) + "\r\n\r\n");
    const std::string piece(kMega, 'y');
    size_t sent = wire.SendUntilFull(piece, kTotal / 2);
    ahead = sent;
    full.Set();
    while (sent < kTotal) {
      const size_t size = std::min(piece.size(), kTotal - sent);
      if (!wire.Send(std::string_view(piece).substr(0, size))) return;
      sent += size;
    }
  });
  Wire client =
      Client("GET " + kWeb + "/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(full.Await());
  EXPECT_LT(ahead, kTotal / 2) << "what nobody reads must not be taken";
  EXPECT_NE(client.ReadHead(), "");
  EXPECT_EQ(client.CountAll(), kTotal);
}

TEST_F(ServerProxy, AClientThatGoesIsFollowed) {
  Signal begun, gone;
  network_.Add("note.lab:8080", [&](Wire& wire) {
    wire.ReadHead();
    begun.Set();
    if (wire.AtEnd()) gone.Set();
  });
  {
    Wire client = Client("GET " + kWeb + "/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(begun.Await());
  }
  EXPECT_TRUE(gone.Await());
}

TEST_F(ServerProxy, TunnelsCarryFramesBothWays) {
  network_.Add("note.lab:8080", [](Wire& wire) {
    const std::string head = wire.ReadHead();
    if (head.find("Connection: Upgrade\r\n") == std::string::npos ||
        head.find("Upgrade: websocket\r\n") == std::string::npos)
      return;
    wire.Send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: def\r\n\r\nhello");
    for (std::string frame; !(frame = wire.Read(10)).empty();) wire.Send(frame);
    wire.Send("bye");
  });
  Wire client = Client(Upgrade() + "0123456789");
  const std::string head = client.ReadHead();
  EXPECT_NE(head.find("101 Switching Protocols"), std::string::npos) << head;
  EXPECT_NE(head.find("Sec-WebSocket-Accept: def\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Connection: Upgrade\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("Transfer-Encoding"), std::string::npos) << head;
  EXPECT_EQ(client.Read(15), "hello0123456789");
  for (int i = 0; i < 2000; ++i) {
    const std::string frame = std::to_string(1'000'000'000 + i);
    ASSERT_TRUE(client.Send(frame));
    ASSERT_EQ(client.Read(10), frame);
  }
  const std::string many(kMega, 'z');  // 10 does not divide it: the last frame is short
  std::thread sender([&] {
    client.Send(many);
    client.EndSending();
  });
  EXPECT_EQ(client.Read(kMega).size(), kMega);
  sender.join();
  EXPECT_EQ(client.ReadAll(), "bye") << "half closed, the other half goes on";
}

TEST_F(ServerProxy, TheProgramMayEndItsHalfOfATunnelFirst) {
  Signal over;
  std::string seen;
  network_.Add("note.lab:8080", [&](Wire& wire) {
    wire.ReadHead();
    wire.Send("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    wire.EndSending();
    seen = wire.ReadAll();
    over.Set();
  });
  Wire client = Client(Upgrade());
  client.ReadHead();
  EXPECT_TRUE(client.AtEnd());
  client.Send("still here");
  client.EndSending();
  ASSERT_TRUE(over.Await());
  EXPECT_EQ(seen, "still here");
}

TEST_F(ServerProxy, ASlowReaderHoldsATunnelBack) {
  constexpr size_t kMost = 64 * kMega;
  Signal full;
  std::atomic<size_t> ahead{0};
  network_.Add("note.lab:8080", [&](Wire& wire) {
    wire.ReadHead();
    wire.Send("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    ahead = wire.SendUntilFull(std::string(kMega, 'a'), kMost);
    full.Set();
  });
  Wire client = Client(Upgrade());
  ASSERT_TRUE(full.Await());
  EXPECT_LT(ahead, kMost);
  client.ReadHead();
  EXPECT_EQ(client.CountAll(), ahead);
}

TEST_F(ServerProxy, AResetOfTheProgramEndsTheTunnel) {
  network_.Add("note.lab:8080", [&](Wire& wire) {
    wire.ReadHead();
    wire.Send("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    wire.Read(4);
    wire.Reset();
  });
  Wire client = Client(Upgrade());
  client.ReadHead();
  client.Send("stop");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(ServerProxy, StopEndsTunnelsWithinItsGrace) {
  network_.Add("note.lab:8080", [&](Wire& wire) {
    wire.ReadHead();
    wire.Send("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    wire.ReadAll();
  });
  Wire client = Client(Upgrade());
  client.ReadHead();
  const auto begun = std::chrono::steady_clock::now();
  served_.server->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(ServerProxy, HowMuchIsProxiedAtOneTimeIsBounded) {
  network_.Add("note.lab:8080", [&](Wire& wire) {
    wire.ReadHead();
    wire.Send("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    wire.ReadAll();
  });
  {
    std::vector<Wire> tunnels;
    for (int i = 0; i < 4; ++i) {
      tunnels.push_back(Client(Upgrade()));
      EXPECT_NE(tunnels.back().ReadHead(), "");
    }
    EXPECT_EQ(Call("GET", kWeb + "/").status, 429);
    EXPECT_EQ(Call("GET", "/version").status, 200);
  }
  Answers(Ok("again"));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  int status = 429;
  while (status == 429 && std::chrono::steady_clock::now() < until)
    status = Call("GET", kWeb + "/").status;
  EXPECT_EQ(status, 200);
}

class ServerProxyLogin : public ServerProxy {
 protected:
  static ServerOptions WithPasswords() {
    ServerOptions options = Options();
    options.auth = AuthMode::kPassword;
    return options;
  }
  ServerProxyLogin() : ServerProxy(WithPasswords()) {}
};

TEST_F(ServerProxyLogin, WhatLoggedInHereIsNotSentOn) {
  served_.AddUser("alice", "jabberwocky");
  std::string head;
  network_.Add("note.lab:8080", [&](Wire& wire) {
    head = wire.ReadHead();
    head += wire.Read(3);
    wire.Send(Ok("in"));
  });
  const Answer answer = Call("POST", kWeb + "/", "abc",
                             "Authorization: Basic YWxpY2U6amFiYmVyd29ja3k=\r\nX-Own: 1\r\n");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, "in");
  EXPECT_NE(head.find("X-Own"), std::string::npos);
  EXPECT_EQ(head.find("Authorization"), std::string::npos) << head;
  EXPECT_EQ(Call("POST", kWeb + "/", "abc").status, 401);
  EXPECT_EQ(Call("POST", kWeb + "/", std::string(4 * kMega, 'x')).status, 401)
      << "the answer must not be lost to the rest of the request";
}

TEST_F(ServerProxyLogin, NobodyMakesABrowserKeepThePassword) {
  served_.AddUser("alice", "jabberwocky");
  const std::string browser = "User-Agent: Mozilla/5.0\r\n";
  const std::string alice = "Authorization: Basic YWxpY2U6amFiYmVyd29ja3k=\r\n";
  EXPECT_EQ(Call("GET", kLab, "", browser).status, 401);
  EXPECT_EQ(Call("GET", kLab, "", browser).headers.count("www-authenticate"), 0U);
  EXPECT_EQ(Call("GET", kLab).headers.count("www-authenticate"), 1U);
  for (const auto& [asked, passes] : {std::pair{"Basic realm=\"zoe\"", false},
                                      {"basic", false},
                                      {"Bearer realm=\"hub\"", true},
                                      {"Negotiate, Basic realm=\"zoe\"", false}}) {
    network_.Add("note.lab:8080", [&, challenge = std::string(asked)](Wire& wire) {
      wire.ReadHead();
      wire.Send("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: " + challenge +
                "\r\nContent-Length: 0\r\n\r\n");
    });
    const Answer answer = Call("GET", kWeb + "/", "", alice);
    EXPECT_EQ(answer.status, 401);
    EXPECT_EQ(answer.headers.count("www-authenticate"), passes ? 1U : 0U) << asked;
  }
}

TEST_F(ServerProxyLogin, AProgramsOwnAuthorizationPassesBesideASession) {
  served_.AddUser("alice", "jabberwocky");
  const Answer login = Call("POST", "/login", R"({"username":"alice","password":"jabberwocky"})",
                            "Content-Type: application/json\r\n");
  ASSERT_EQ(login.status, 200) << login.body;
  const std::string set = login.headers.at("set-cookie");
  const std::string cookie = "Cookie: " + set.substr(0, set.find(';')) + "; own=1\r\n";
  std::string head;
  network_.Add("note.lab:8080", [&](Wire& wire) {
    head = wire.ReadHead();
    wire.Send(Ok("in"));
  });
  const std::string token = "Authorization: token jupyters\r\n";
  const Answer answer = Call("GET", kWeb + "/", "", cookie + token);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(head.find(token), std::string::npos) << head;
  EXPECT_NE(head.find("Cookie: own=1\r\n"), std::string::npos) << head;
  EXPECT_EQ(Call("GET", kWeb + "/", "", token).status, 401);
  EXPECT_EQ(Call("GET", std::string(kLab), "", cookie + token).status, 401);
  EXPECT_EQ(Call("GET", kWeb + "/", "", cookie + "Origin: http://example.org\r\n").status, 403)
      << "no other site opens a WebSocket with the session";
}

TEST(ServerProxyTls, CarriesEverythingOverTlsToo) {
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("zoe-proxy-tls-" + std::to_string(getpid()));
  std::filesystem::create_directory(dir);
  const std::string cert = dir / "cert.pem", key = dir / "key.pem", out = dir / "out";
  const std::string make =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "
      "/CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout " +
      key + " -out " + cert + " 2>/dev/null";
  if (std::system(make.c_str()) != 0 || std::system("curl --version >/dev/null 2>&1") != 0) {
    std::filesystem::remove_all(dir);
    GTEST_SKIP() << "needs openssl and curl";
  }
  class Fixture : public ServerProxy {
   public:
    explicit Fixture(const ServerOptions& options) : ServerProxy(options) { SetUp(); }
    void TestBody() override {}
    using ServerProxy::network_;
    using ServerProxy::served_;
  };
  ServerOptions options = TestOptions();
  options.tls_cert = cert;
  options.tls_key = key;
  {
    Fixture fixture(options);
    constexpr size_t kTotal = 8 * kMega;
    Signal read;
    size_t received = 0;
    std::string head;
    fixture.network_.Add("note.lab:8080", [&](Wire& wire) {
      head = wire.ReadHead();
      received = wire.Read(kTotal).size();
      read.Set();
      wire.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n800000\r\n" +
                std::string(kTotal, 'd') + "\r\n0\r\n\r\n");
    });
    std::ofstream(dir / "in") << std::string(kTotal, 'u');
    const std::string curl = "curl -sf --cacert " + cert + " -o " + out + " -T " +
                             (dir / "in").string() + " " + fixture.served_.server->url() + kWeb;
    EXPECT_EQ(std::system((curl + "/").c_str()), 0);
    ASSERT_TRUE(read.Await());
    EXPECT_EQ(received, kTotal);
    EXPECT_EQ(std::filesystem::file_size(out), kTotal);
    EXPECT_NE(head.find("X-Forwarded-Proto: https"), std::string::npos) << head;
  }
  std::filesystem::remove_all(dir);
}

TEST(Forwarding, LocationsStayWithinThePrefix) {
  server::ProxyTarget strip{"note.lab", 8080, "alice", "/p/web/proxy", true};
  server::ProxyTarget keep = strip;
  keep.strip = false;
  const struct {
    const char *location, *stripped, *kept;
  } rows[] = {
      {"/login?next=/", "/p/web/proxy/login?next=/", "/login?next=/"},
      {"/p/web/proxy/lab", "/p/web/proxy/lab", "/p/web/proxy/lab"},
      {"/p/web/proxyx", "/p/web/proxy/p/web/proxyx", "/p/web/proxyx"},
      {"tree", "tree", "tree"},
      {"?a", "?a", "?a"},
      {"http://note.lab:8080/a", "/p/web/proxy/a", "/a"},
      {"HTTP://Note.Lab.Alice:8080", "/p/web/proxy/", "/"},
      {"//note.lab/a", "/p/web/proxy/a", "/a"},
      {"https://zoe:4850/a", "/p/web/proxy/a", "https://zoe:4850/a"},
      {"https://zoe:4850?a", "/p/web/proxy/?a", "https://zoe:4850?a"},
      {"https://example.org/a", "https://example.org/a", "https://example.org/a"},
      {"http://note.lab.evil.org/", "http://note.lab.evil.org/", "http://note.lab.evil.org/"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(server::RewriteLocation(row.location, strip, "zoe:4850"), row.stripped);
    EXPECT_EQ(server::RewriteLocation(row.location, keep, "zoe:4850"), row.kept);
  }
}

TEST(Forwarding, CookiesStayWithinThePrefixAndCannotBeOurs) {
  const server::ProxyTarget target{"note.lab", 8080, "alice", "/p/web/proxy", true};
  const struct {
    const char *cookie, *rewritten;
  } rows[] = {
      {"a=b", "a=b"},
      {"a=b; Path=/; HttpOnly", "a=b; Path=/p/web/proxy/; HttpOnly"},
      {"a=b; path=/x; Domain=zoe; Secure", "a=b; Path=/p/web/proxy/x; Secure"},
      {"a=b; Path=/p/web/proxy/x", "a=b; Path=/p/web/proxy/x"},
      {"a=b; Path", "a=b; Path=/p/web/proxy/"},
      {"zoe-session=x", ""},
      {" Zoe-Session = x; Path=/", ""},
      {"=zoe-session=x", ""},
      {"zoe-session", ""},
      {"", ""},
  };
  for (const auto& row : rows)
    EXPECT_EQ(server::RewriteCookie(row.cookie, target).value_or(""), row.rewritten) << row.cookie;
}

}  // namespace
}  // namespace zoe

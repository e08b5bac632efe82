// Ports of containers through the API: SPDY as kubectl speaks it, plain and in WebSockets, and
// numbered channels. Everything passes a real SOCKS5 server.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "apis/server/pods.h"
#include "apis/server/port_forwarder.h"
#include "apis/server/spdy.h"
#include "specs/v1/credential.h"
#include "specs/v1/execution.h"
#include "specs/v1/gateway.h"
#include "test/unit/apis/network.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

using server::spdy::Frame;
using server::spdy::Type;

constexpr size_t kMega = 1 << 20;

// Bytes after an upgrade, plain or in the messages of a WebSocket.
class Link {
 public:
  Link(uint16_t port, const std::string& request, bool websocket)
      : wire_(Wire::To(port)), websocket_(websocket) {
    wire_.Send(request);
    head_ = wire_.ReadHead();
  }
  const std::string& head() const { return head_; }
  Wire& wire() { return wire_; }

  bool Send(std::string_view bytes) {
    if (!websocket_) return wire_.Send(bytes);
    std::string frame = "\x82";
    const int width = bytes.size() < 126 ? 0 : bytes.size() < 65536 ? 2 : 8;
    frame += static_cast<char>(0x80 | (width == 0 ? bytes.size() : width == 2 ? 126 : 127));
    for (int i = width - 1; i >= 0; --i) frame += static_cast<char>(bytes.size() >> 8 * i);
    frame.append(4, '\0');  // the mask changes nothing
    return wire_.Send(frame) && wire_.Send(bytes);
  }
  // Something; "" at the end. Of a WebSocket a whole message.
  std::string Read() {
    if (!websocket_) return wire_.ReadSome();
    const std::string head = wire_.Read(2);
    if (head.size() < 2 || (head[0] & 0x0f) == 8) return "";
    size_t size = static_cast<unsigned char>(head[1]);
    if (size >= 126) {
      const std::string more = wire_.Read(size == 126 ? 2 : 8);
      size = 0;
      for (const char byte : more) size = size << 8 | static_cast<unsigned char>(byte);
    }
    return wire_.Read(size);
  }

 private:
  Wire wire_;
  const bool websocket_;
  std::string head_;
};

// A client of SPDY: what kubectl does, a step at a time.
class SpdyClient {
 public:
  explicit SpdyClient(Link link) : link_(std::move(link)) {}

  Link& link() { return link_; }
  bool Put(const Frame& frame) {
    std::string bytes;
    encoder_->Put(frame, bytes);
    return link_.Send(bytes);
  }
  uint32_t Open(const server::spdy::Headers& headers) {
    const uint32_t id = next_;
    next_ += 2;
    Put({.type = Type::kSynStream, .id = id, .headers = headers});
    return id;
  }
  struct Pair {
    uint32_t error = 0, data = 0;
  };
  Pair Connect(int port) {
    const std::string request = std::to_string(requests_++);
    const auto headers = [&](const char* type) {
      return server::spdy::Headers{
          {"port", std::to_string(port)}, {"requestid", request}, {"streamtype", type}};
    };
    Pair pair;
    pair.error = Open(headers("error"));
    Put({.id = pair.error, .fin = true});
    pair.data = Open(headers("data"));
    return pair;
  }
  bool Send(uint32_t stream, std::string_view data, bool fin = false) {
    return Put({.id = stream, .fin = fin, .data = data});
  }
  // False: the connection has ended.
  bool Step() {
    const std::string bytes = link_.Read();
    if (bytes.empty()) return false;
    std::string_view rest = bytes;
    Frame frame;
    while (true) {
      const auto is_frame = decoder_->Next(rest, frame);
      EXPECT_TRUE(is_frame.ok());
      if (!is_frame.ok() || !*is_frame) return is_frame.ok();
      if (frame.type == Type::kSynReply) replied_.insert(frame.id);
      if (frame.type == Type::kRstStream) reset_[frame.id] = frame.value;
      if (frame.type == Type::kPing) pings_.insert(frame.id);
      got_[frame.id] += frame.data;
      if (frame.fin) ended_.insert(frame.id);
    }
  }
  // All of it, to its end.
  std::string ReadAll(uint32_t stream) {
    while (!ended_.contains(stream) && Step()) {
    }
    EXPECT_TRUE(ended_.contains(stream)) << stream;
    return got_[stream];
  }
  bool AwaitData(uint32_t stream, const std::string& data) {
    while (got_[stream] != data && Step()) {
    }
    return got_[stream] == data;
  }
  uint32_t AwaitReset(uint32_t stream) {
    while (!reset_.contains(stream) && Step()) {
    }
    const uint32_t status = reset_[stream];
    reset_.erase(stream);
    return status;
  }
  bool AwaitPing(uint32_t id) {
    while (!pings_.contains(id) && Step()) {
    }
    return pings_.contains(id);
  }
  bool replied(uint32_t stream) const { return replied_.contains(stream); }

 private:
  Link link_;
  std::unique_ptr<server::spdy::Encoder> encoder_ = std::make_unique<server::spdy::Encoder>();
  std::unique_ptr<server::spdy::Decoder> decoder_ = std::make_unique<server::spdy::Decoder>();
  uint32_t next_ = 1;
  int requests_ = 0;
  std::map<uint32_t, std::string> got_;
  std::map<uint32_t, uint32_t> reset_;
  std::set<uint32_t> ended_, replied_, pings_;
};

class ServerPortForward : public ::testing::Test {
 protected:
  static ServerOptions Options() {
    ServerOptions options = TestOptions();
    options.limits.proxied = 50;
    options.limits.proxy_connect = Duration(500);
    return options;
  }
  ServerPortForward() : served_(Options()) {}
  void SetUp() override {
    ASSERT_TRUE(served_.server->Start().ok());
    PutGateway("True");
    PutExecution();
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
  void PutGateway(const std::string& ready) {
    v1::Gateway gateway;
    gateway.meta.name = gateway.meta.ns = "alice";
    gateway.status.address = "127.0.0.1";
    gateway.status.socks_port = network_.port();
    gateway.status.conditions = {{"Ready", ready, "Test", "its node has burnt down", {}, 0}};
    Put("Gateway", gateway);
    v1::Credential credential;
    credential.meta.ns = "alice";
    credential.meta.name = "gateway";
    credential.spec.socks_password = "secret";
    Put("Credential", credential);
  }
  // An execution whose second replica runs: pod_ is its name, note-2.lab the container's.
  void PutExecution() {
    v1::Execution execution;
    execution.meta.ns = "alice";
    execution.meta.name = "lab";
    execution.meta.uid = "11111111-2222-3333-4444-555555555555";
    v1::Service service;
    service.name = "note";
    service.image = "zoe/mini";
    service.replicas.total = 2;
    execution.spec.application.emplace().services = {service};
    execution.status.phase = v1::kRunning;
    Put("Execution", execution);
    SwarmServiceSpec spec;
    spec.name = "lab-note";
    spec.image = "zoe/mini";
    spec.replicas = 2;
    spec.hostname = "note-{{.Task.Slot}}.lab";
    spec.labels = {
        {std::string(kLabelDeployment), "zoe"},       {std::string(kLabelNamespace), "alice"},
        {std::string(kLabelKind), "Execution"},       {std::string(kLabelName), "lab"},
        {std::string(kLabelUid), execution.meta.uid}, {std::string(kLabelService), "note"}};
    const Context ctx = Context{served_.clock, {}}.WithTimeout(Duration(10'000));
    ASSERT_TRUE(served_.swarm->CreateServices(ctx, {&spec, 1}).front().ok());
    while (pod_.empty()) {
      const auto seen = served_.swarm->Observe(ctx, execution.meta.uid);
      ASSERT_TRUE(seen.ok()) << seen.error().ToString();
      for (const SwarmTask& task : seen->tasks) {
        if (task.slot == 2 && task.state == TaskState::kRunning)
          pod_ = "lab-note-2-" + task.id.substr(task.id.size() - 5);
      }
      std::this_thread::yield();
    }
  }

  std::string Path() const { return "/api/v1/namespaces/alice/pods/" + pod_ + "/portforward"; }
  static std::string SpdyHeaders() {
    return "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
           "X-Stream-Protocol-Version: portforward.k8s.io\r\n";
  }
  static std::string WebSocketHeaders(const std::string& protocols) {
    return "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
           (protocols.empty() ? "" : "Sec-WebSocket-Protocol: " + protocols + "\r\n");
  }
  SpdyClient Plain() {
    SpdyClient client(Link(served_.port(),
                           "POST " + Path() + " HTTP/1.1\r\nHost: localhost\r\n" + SpdyHeaders() +
                               "Content-Length: 0\r\n\r\n",
                           false));
    EXPECT_TRUE(client.link().head().starts_with("HTTP/1.1 101 ")) << client.link().head();
    return client;
  }
  Link WebSocket(const std::string& query, const std::string& protocols) {
    return Link(served_.port(),
                "GET " + Path() + query + " HTTP/1.1\r\nHost: localhost\r\n" +
                    WebSocketHeaders(protocols) + "\r\n",
                true);
  }
  Answer Call(const std::string& path, const std::string& headers,
              std::string_view method = "POST") {
    return Peer(served_.port()).Call(method, path, {}, headers);
  }
  // A program that says back what it is told, and ends when it is told no more.
  void AddEcho(int port) {
    network_.Add("note-2.lab:" + std::to_string(port), [](Wire& wire) {
      while (true) {
        const std::string byte = wire.Read(1);
        if (byte.empty() || !wire.Send(byte)) return;
      }
    });
  }

  Network network_;
  Served served_;
  std::string pod_;
};

TEST_F(ServerPortForward, CarriesAConnectionBothWaysAndEndsIt) {
  AddEcho(8080);
  SpdyClient client = Plain();
  const std::string& head = client.link().head();
  EXPECT_NE(head.find("\r\nUpgrade: SPDY/3.1\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n"), std::string::npos);
  const auto pair = client.Connect(8080);
  client.Send(pair.data, "hello ");
  EXPECT_TRUE(client.AwaitData(pair.data, "hello "));
  EXPECT_TRUE(client.replied(pair.data));
  EXPECT_TRUE(client.replied(pair.error));
  client.Send(pair.data, "again", true);
  EXPECT_EQ(client.ReadAll(pair.data), "hello again");
  EXPECT_EQ(client.ReadAll(pair.error), "");
  EXPECT_EQ(network_.connections(), 1u);
}

TEST_F(ServerPortForward, SpeaksSpdyWithinAWebSocket) {
  AddEcho(8080);
  SpdyClient client(WebSocket("", "SPDY/3.1+portforward.k8s.io"));
  const std::string& head = client.link().head();
  ASSERT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
  EXPECT_NE(head.find("\r\nSec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io\r\n"),
            std::string::npos)
      << head;
  const auto pair = client.Connect(8080);
  client.Send(pair.data, "hello", true);
  EXPECT_EQ(client.ReadAll(pair.data), "hello");
  EXPECT_EQ(client.ReadAll(pair.error), "");
}

TEST_F(ServerPortForward, ServesPortsOfNumberedChannels) {
  AddEcho(8080);
  network_.Add("note-2.lab:5432", [](Wire& wire) { wire.Send("database"); });
  Link link = WebSocket("?ports=8080&ports=5432,9", "v9.channel.k8s.io, v4.channel.k8s.io");
  ASSERT_TRUE(link.head().starts_with("HTTP/1.1 101 ")) << link.head();
  // The port of each channel comes first: two bytes, the lower first.
  EXPECT_EQ(link.Read(), std::string("\0\x90\x1f", 3));
  EXPECT_EQ(link.Read(), std::string("\1\x90\x1f", 3));
  EXPECT_EQ(link.Read(), std::string("\2\x38\x15", 3));
  EXPECT_EQ(link.Read(), std::string("\3\x38\x15", 3));
  EXPECT_EQ(link.Read(), std::string("\4\x09\x00", 3));
  EXPECT_EQ(link.Read(), std::string("\5\x09\x00", 3));
  std::map<char, std::string> got;
  link.Send(std::string("\0hello", 6));
  while (got[0] != "hello" || got[2] != "database" || got[5].empty()) {
    const std::string message = link.Read();
    ASSERT_FALSE(message.empty());
    got[message[0]] += message.substr(1);
  }
  EXPECT_NE(got[5].find("note-2.lab:9 can't be reached"), std::string::npos) << got[5];
}

TEST_F(ServerPortForward, EndsNumberedChannelsWithTheLastConnection) {
  network_.Add("note-2.lab:80", [](Wire& wire) { wire.Send("bye"); });
  Link link = WebSocket("?ports=80", "");
  EXPECT_EQ(link.Read(), std::string("\0\x50\0", 3));
  EXPECT_EQ(link.Read(), std::string("\1\x50\0", 3));
  EXPECT_EQ(link.Read(), std::string("\0bye", 4));
  EXPECT_EQ(link.Read(), "");
}

TEST_F(ServerPortForward, CarriesManyConnectionsAtOnce) {
  constexpr int kConnections = 40;
  const std::string much(kMega, 'x');
  network_.Add("note-2.lab:8080", [&](Wire& wire) {
    const std::string name = wire.Read(2);
    wire.Send(name + much);
  });
  for (const bool plain : {true, false}) {
    SpdyClient client = plain ? Plain() : SpdyClient(WebSocket("", "SPDY/3.1+portforward.k8s.io"));
    std::vector<SpdyClient::Pair> pairs;
    for (int i = 0; i < kConnections; ++i) {
      pairs.push_back(client.Connect(8080));
      client.Send(pairs.back().data, std::to_string(10 + i), true);
    }
    for (int i = 0; i < kConnections; ++i) {
      const std::string got = client.ReadAll(pairs[static_cast<size_t>(i)].data);
      EXPECT_EQ(got.size(), 2 + kMega);
      EXPECT_EQ(got.substr(0, 2), std::to_string(10 + i));
    }
  }
}

TEST_F(ServerPortForward, LetsEachSideEndItsHalf) {
  network_.Add("note-2.lab:1", [](Wire& wire) {
    const std::string all = wire.ReadAll();
    wire.Send("read " + std::to_string(all.size()));
  });
  std::string later;
  std::mutex mutex;
  std::condition_variable changed;
  network_.Add("note-2.lab:2", [&](Wire& wire) {
    wire.Send("first");
    wire.EndSending();
    const std::string all = wire.ReadAll();
    const std::lock_guard lock(mutex);
    later = all;
    changed.notify_all();
  });
  SpdyClient client = Plain();
  const auto one = client.Connect(1);
  client.Send(one.data, std::string(5 * kMega, 'x'), true);
  EXPECT_EQ(client.ReadAll(one.data), "read " + std::to_string(5 * kMega));
  const auto two = client.Connect(2);
  EXPECT_EQ(client.ReadAll(two.data), "first");
  EXPECT_EQ(client.ReadAll(two.error), "");
  client.Send(two.data, "still heard", true);
  std::unique_lock lock(mutex);
  EXPECT_TRUE(
      changed.wait_for(lock, std::chrono::seconds(10), [&] { return later == "still heard"; }));
}

TEST_F(ServerPortForward, SaysWhyAPortIsNotReachedAndServesOn) {
  AddEcho(8080);
  SpdyClient client = Plain();
  const auto unknown = client.Connect(81);
  EXPECT_NE(client.ReadAll(unknown.error).find("note-2.lab:81 can't be reached"),
            std::string::npos);
  EXPECT_EQ(client.ReadAll(unknown.data), "");
  network_.set_refusal(5);
  const auto refused = client.Connect(82);
  EXPECT_NE(client.ReadAll(refused.error).find("no service answers at note-2.lab:82"),
            std::string::npos);
  network_.set_refusal(0);
  const auto silent = client.Connect(83);
  EXPECT_EQ(client.ReadAll(silent.error), "the connection to note-2.lab:83 took too long");
  const auto works = client.Connect(8080);
  client.Send(works.data, "x", true);
  EXPECT_EQ(client.ReadAll(works.data), "x");
}

TEST_F(ServerPortForward, HasASentenceBeforeTheUpgradeForWhatCanNotBe) {
  const auto says = [&](const Answer& answer, int status, const std::string& words) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_NE(answer.body.find(words), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("\"kind\":\"Status\""), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("secret"), std::string::npos) << answer.body;
  };
  const auto get = [&](const std::string& query, const std::string& protocols) {
    return Call(Path() + query, WebSocketHeaders(protocols), "GET");
  };
  says(Call(Path(), ""), 400, "on an upgraded connection");
  says(Call(Path(), "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"), 400,
       "X-Stream-Protocol-Version");
  says(get("", "chat"), 400, "v4.channel.k8s.io");
  says(get("", "v4.channel.k8s.io"), 400, "ports is required");
  says(get("?ports=0", "v4.channel.k8s.io"), 400, "\\\"0\\\" is no port");
  says(get("?ports=80,x", "v4.channel.k8s.io"), 400, "\\\"x\\\" is no port");
  says(get("?ports=65536", "v4.channel.k8s.io"), 400, "is no port");
  std::string many = "?ports=1";
  for (int i = 2; i < 70; ++i) many += "," + std::to_string(i);
  says(get(many, "v4.channel.k8s.io"), 400, "at most 64");
  says(Call("/api/v1/namespaces/alice/pods/lab-note-2-zzzzz/portforward", SpdyHeaders()), 404,
       "not found");
  PutGateway("False");
  says(Call(Path(), SpdyHeaders()), 503, "its node has burnt down");
}

TEST_F(ServerPortForward, RefusesStreamsThatAreNoPair) {
  AddEcho(8080);
  SpdyClient client = Plain();
  const auto refused = [&](const server::spdy::Headers& headers) {
    EXPECT_EQ(client.AwaitReset(client.Open(headers)), server::spdy::kRefusedStream);
  };
  refused({});
  refused({{"streamtype", "data"}});
  refused({{"streamtype", "stdin"}, {"port", "80"}});
  refused({{"streamtype", "data"}, {"port", "0"}});
  refused({{"streamtype", "data"}, {"port", "80x"}});
  refused({{"streamtype", "data"}, {"port", "70000"}});
  client.Open({{"streamtype", "data"}, {"port", "80"}, {"requestid", "a"}});
  refused({{"streamtype", "data"}, {"port", "80"}, {"requestid", "a"}});
  refused({{"streamtype", "error"}, {"port", "81"}, {"requestid", "a"}});
  client.Put({.type = Type::kSynStream, .id = 2});
  EXPECT_EQ(client.AwaitReset(2), server::spdy::kProtocolError);
  client.Put({.type = Type::kSynStream, .id = 1});
  EXPECT_EQ(client.AwaitReset(1), server::spdy::kProtocolError);
  // Clients of old name no request.
  const uint32_t error = client.Open({{"streamtype", "error"}, {"port", "8080"}});
  const uint32_t data = client.Open({{"streamtype", "data"}, {"port", "8080"}});
  client.Send(data, "hello", true);
  EXPECT_EQ(client.ReadAll(data), "hello");
  EXPECT_EQ(client.ReadAll(error), "");
  client.Put({.type = Type::kPing, .id = 7});
  EXPECT_TRUE(client.AwaitPing(7));
}

// Else a client that opens and resets without end fills the memory.
TEST_F(ServerPortForward, ForgetsStreamsThatAreResetBeforeTheyArePairs) {
  AddEcho(8080);
  SpdyClient client = Plain();
  const auto headers = [](const char* type) {
    return server::spdy::Headers{{"streamtype", type}, {"port", "8080"}, {"requestid", "a"}};
  };
  const uint32_t first = client.Open(headers("error"));
  client.Put({.type = Type::kRstStream, .id = first, .value = 5});
  const uint32_t error = client.Open(headers("error"));
  const uint32_t data = client.Open(headers("data"));
  client.Send(data, "hello", true);
  EXPECT_EQ(client.ReadAll(data), "hello");
  EXPECT_EQ(client.ReadAll(error), "");
}

TEST_F(ServerPortForward, LeavesNothingOfClientsThatVanishOrReset) {
  std::mutex mutex;
  std::condition_variable changed;
  int ended = 0;
  network_.Add("note-2.lab:8080", [&](Wire& wire) {
    wire.Send("up");
    wire.ReadAll();
    const std::lock_guard lock(mutex);
    ++ended;
    changed.notify_all();
  });
  const auto await_end = [&](int count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [&] { return ended == count; });
  };
  {
    SpdyClient client = Plain();
    const auto reset = client.Connect(8080), stays = client.Connect(8080);
    EXPECT_TRUE(client.AwaitData(reset.data, "up"));
    EXPECT_TRUE(client.AwaitData(stays.data, "up"));
    client.Put({.type = Type::kRstStream, .id = reset.data, .value = server::spdy::kCancel});
    EXPECT_EQ(client.ReadAll(reset.error), "");
    EXPECT_TRUE(await_end(1));
  }
  EXPECT_TRUE(await_end(2));
  // All places are free again: more connections than there are at one time.
  for (int round = 0; round < 3; ++round) {
    SpdyClient client = Plain();
    std::vector<SpdyClient::Pair> pairs;
    for (int i = 0; i < 30; ++i) pairs.push_back(client.Connect(8080));
    for (const auto& pair : pairs) EXPECT_TRUE(client.AwaitData(pair.data, "up"));
    client.link().wire().Close();
    EXPECT_TRUE(await_end(2 + 30 * (round + 1)));
  }
}

TEST_F(ServerPortForward, BoundsWhatItForwardsAtOneTime) {
  AddEcho(8080);
  SpdyClient client = Plain();
  std::vector<SpdyClient::Pair> pairs;
  for (int i = 0; i < 50; ++i) {
    pairs.push_back(client.Connect(8080));
    client.Send(pairs.back().data, "x");
  }
  for (int i = 0; i < 49; ++i) {
    const auto& pair = pairs[static_cast<size_t>(i)];
    ASSERT_TRUE(client.AwaitData(pair.data, "x")) << i << client.ReadAll(pair.error);
  }
  EXPECT_NE(client.ReadAll(pairs.back().error).find("too many connections"), std::string::npos);
  EXPECT_EQ(Call(Path(), SpdyHeaders()).status, 429);
}

TEST_F(ServerPortForward, HoldsUpWhoSendsMoreThanTheOtherSideTakes) {
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    size_t sent = 0;
    bool go_on = false;
  };
  const auto state = std::make_shared<State>();  // the network outlives this function
  network_.Add("note-2.lab:8080", [state](Wire& wire) {
    const size_t bytes = wire.SendUntilFull(std::string(kMega, 'x'), 200 * kMega);
    const std::lock_guard lock(state->mutex);
    state->sent = bytes;
    state->changed.notify_all();
  });
  network_.Add("note-2.lab:8081", [state](Wire& wire) {
    std::unique_lock lock(state->mutex);
    state->changed.wait_for(lock, std::chrono::seconds(20), [&] { return state->go_on; });
    lock.unlock();
    wire.CountAll();
  });
  SpdyClient reader = Plain();
  reader.Connect(8080);
  {
    std::unique_lock lock(state->mutex);
    EXPECT_TRUE(
        state->changed.wait_for(lock, std::chrono::seconds(20), [&] { return state->sent > 0; }));
    EXPECT_LT(state->sent, 40 * kMega);
  }
  SpdyClient writer = Plain();
  const auto pair = writer.Connect(8081);
  std::string frame;
  server::spdy::Encoder().Put({.id = pair.data, .data = std::string(kMega, 'x')}, frame);
  EXPECT_LT(writer.link().wire().SendUntilFull(frame, 200 * kMega), 40 * kMega);
  const std::lock_guard lock(state->mutex);
  state->go_on = true;
  state->changed.notify_all();
}

TEST_F(ServerPortForward, CutsClientsThatSpeakNonsenseOrOnlyAsk) {
  SpdyClient nonsense = Plain();
  nonsense.link().Send("\x80\x02 this is another version of SPDY");
  EXPECT_FALSE(nonsense.Step());
  SpdyClient asking = Plain();
  std::string pings;
  server::spdy::Encoder encoder;
  for (uint32_t i = 0; i < 10'000; ++i) encoder.Put({.type = Type::kPing, .id = 2 * i + 1}, pings);
  size_t total = 0;
  while (total < 64 * kMega && asking.link().wire().Send(pings)) total += pings.size();
  EXPECT_LT(asking.link().wire().CountAll(), total / 2);
  EXPECT_TRUE(asking.link().wire().AtEnd());
  // Others are served all the while.
  AddEcho(8080);
  SpdyClient client = Plain();
  const auto pair = client.Connect(8080);
  client.Send(pair.data, "x", true);
  EXPECT_EQ(client.ReadAll(pair.data), "x");
}

TEST_F(ServerPortForward, EndsWithTheServer) {
  AddEcho(8080);
  SpdyClient client = Plain();
  const auto pair = client.Connect(8080);
  client.Send(pair.data, "x");
  EXPECT_TRUE(client.AwaitData(pair.data, "x"));
  const auto begun = std::chrono::steady_clock::now();
  served_.server->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
  EXPECT_FALSE(client.Step());
}

}  // namespace
}  // namespace zoe

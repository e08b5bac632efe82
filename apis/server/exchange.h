// One request and its answer, free of the HTTP library: what sessions give and handlers take.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apis/server/body.h"
#include "apis/server/query.h"
#include "apis/server/router.h"
#include "specs/meta/time.h"
#include "webhooks/admission/admission.h"

namespace boost::asio {
class io_context;
}

namespace zoe::server {

class WatchHub;

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOther };

struct Request {
  Method method = Method::kOther;
  std::string target;  // path and query as sent
  std::string host, origin, fetch_site, accept, content_type, authorization;
  std::string remote;                          // the client's address without port
  std::string cookie, csrf_token, user_agent;  // header fields Cookie, X-CSRF-Token, User-Agent
  std::string if_none_match;                   // header field If-None-Match
  std::string body;
  // Set instead of `body` for routes that take it as it comes (StreamsBody in router.h).
  std::shared_ptr<RequestBody> stream;
  // All header fields as sent, in order; only for such routes.
  std::vector<std::pair<std::string, std::string>> fields;
  std::string method_name;  // as sent; only for such routes
};

using Body = std::shared_ptr<const std::string>;

// The body is prefix + body + suffix: shared bytes are written without being copied.
struct Response {
  int status = 200;
  // Of a streamed answer: its length where it is known (else chunked).
  std::optional<uint64_t> length;
  // Another server's answer: `headers` are all of it but the framing, nothing is added.
  bool relayed = false;
  // Of a streamed answer: the connection changes to another protocol (status 101), no framing.
  bool upgrade = false;
  std::string_view content_type = "application/json";  // static storage; empty: none is sent
  std::string prefix;
  Body body;
  std::string suffix;
  std::vector<std::pair<std::string, std::string>> headers;

  size_t size() const { return prefix.size() + (body ? body->size() : 0) + suffix.size(); }
};

// What a producer gives to be written next.
struct Pieces {
  std::vector<Body> bodies;
  size_t bytes = 0;
  bool end = false;    // the answer is complete
  bool abort = false;  // the answer is broken: the client must see that it is

  void Add(Body body) {
    bytes += body->size();
    bodies.push_back(std::move(body));
  }
};

// Feeds a streamed answer. Called on the connection's thread only, never while a write is under
// way: a client that reads slowly is asked for less often, and nothing piles up.
class Producer {
 public:
  virtual ~Producer() = default;
  virtual void Fill(Pieces& out) = 0;
  // Fill is called at this time at the latest (within the sessions' tick).
  virtual SteadyTime next() const { return SteadyTime::max(); }
  // The client has gone or the server stops.
  virtual void Closed() {}
};

// How the caller has shown who it is.
enum class Proof {
  kNone,     // --auth none
  kBasic,    // user name and password
  kToken,    // a bearer token
  kSession,  // a browser's cookie
};

struct User {
  std::string name;
  std::string role{v1::kRoleAdmin};
  Proof proof = Proof::kNone;
  std::optional<WallTime> expires_at;  // of the token or session
  std::string quota = {};              // name of the Quota that limits the user; empty: none

  Caller caller() const { return {name, role}; }
};

class Exchange {
 public:
  virtual ~Exchange() = default;

  // Exactly one of these, once. Any thread. Without effect if the client has gone.
  virtual void Send(Response response) = 0;
  virtual void Stream(Response head, std::shared_ptr<Producer> producer) = 0;
  // The producer has something. Any thread.
  virtual void Wake() = 0;
  // Requested when the client has gone or the server stops.
  virtual std::stop_token stop() const = 0;
  // Of the connection's thread; to be used on it only.
  virtual WatchHub& hub() = 0;
  // The connection's loop, for work that must stay on its thread (the proxy's sockets).
  virtual boost::asio::io_context& context() = 0;

  // Set on the connection's thread before any other sees the exchange.
  Request request;
  Route route;
  Query query;
  User user;
  std::chrono::steady_clock::time_point begun;
};
using ExchangePtr = std::shared_ptr<Exchange>;

}  // namespace zoe::server

// A server with everything behind it in this process: memory store, informer, simulated Swarm.
// Traffic goes over real sockets.
#pragma once

#include <sodium.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "apis/memory/memory_store.h"
#include "apis/server/credentials.h"
#include "apis/server/server.h"
#include "apis/server/writer.h"
#include "apis/sim/sim_swarm.h"
#include "controller/cache/cache.h"
#include "controller/cache/informer.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/system_clock.h"
#include "webhooks/admission/admission.h"

namespace zoe {

inline ServerOptions TestOptions() {
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.auth = AuthMode::kNone;
  return options;
}

class Served {
 public:
  using MakeSwarm = std::unique_ptr<SimSwarm> (*)(SimOptions, const Clock&);
  explicit Served(ServerOptions options = TestOptions(), size_t history = 8192,
                  MakeSwarm make_swarm = MakeSimSwarm)
      : cache(history),
        admission(cache, {.users_make_namespaces = options.auth == AuthMode::kPassword}) {
    swarm = make_swarm({}, clock);
    informer.Start();
    while (!cache.synced()) std::this_thread::yield();
    server = std::make_unique<Server>(std::move(options),
                                      ServerDeps{*store, cache, *swarm, admission, metrics, clock});
  }
  ~Served() {
    server.reset();
    informer.Stop();
  }
  uint16_t port() const {
    const std::string address = server->address();
    return static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }

  // Verifies in no time.
  static std::string CheapHash(const std::string& password) {
    std::array<char, crypto_pwhash_argon2id_STRBYTES> hash{};
    if (crypto_pwhash_argon2id_str(hash.data(), password.data(), password.size(), 1, 8192) != 0)
      std::abort();
    return hash.data();
  }
  // Someone who can log in.
  void AddUser(const std::string& name, const std::string& password,
               const std::string& role = "user") {
    server::Credentials credentials(*store, cache, clock);
    server::Writer writer(*store, cache, admission, credentials, clock);
    codec::Value document, metadata, spec;
    metadata.Set("name", name);
    spec.Set("role", role);
    document.Set("metadata", std::move(metadata));
    document.Set("spec", std::move(spec));
    const auto made = writer.Create(*v1::FindKind("User"), {"User", "", ""}, std::move(document),
                                    {}, {.name = "admin"});
    const auto user = cache.Get<v1::User>({"User", "", name});
    if (!made.ok() || !user || !credentials.SetPasswordHash(*user, CheapHash(password)).ok())
      std::abort();
  }

  SystemClock clock;
  Metrics metrics;
  std::unique_ptr<Store> store = MakeMemoryStore();
  Cache cache;
  Informer informer{*store, cache, clock, metrics};
  Admission admission;
  std::unique_ptr<SimSwarm> swarm;
  std::unique_ptr<Server> server;
};

}  // namespace zoe

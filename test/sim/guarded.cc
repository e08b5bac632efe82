#include "test/sim/guarded.h"

#include <utility>

namespace zoe::sim_test {
namespace {

template <class R, class F>
R Guarded(CallGuard& guard, const Call& call, F f) {
  if (guard.Before(call) == Verdict::kRefuse)
    return MakeError(Code::kUnavailable, std::string(call.name) + ": nobody answers (simulated)");
  R result = f();
  if (guard.After(call, result.ok() ? nullptr : &result.error()))
    return MakeError(call.write ? Code::kOutcomeUnknown : Code::kUnavailable,
                     std::string(call.name) + ": the reply was lost (simulated)");
  return result;
}

class GuardedStore : public Store {
 public:
  GuardedStore(Store& store, int controller, CallGuard& guard, bool outer)
      : store_(store), controller_(controller), guard_(guard) {
    if (outer)
      leader_ = std::make_unique<GuardedStore>(store.ForLeader(), controller, guard, false);
  }

  Expected<Record> Get(const Key& key) override {
    return Do<Expected<Record>>("Store.Get", false, key, [&] { return store_.Get(key); });
  }
  Expected<Listing> List(std::string_view kind) override {
    return Do<Expected<Listing>>("Store.List", false, {std::string(kind), "", ""},
                                 [&] { return store_.List(kind); });
  }
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    return Do<Expected<Revision>>("Store.Create", true, key,
                                  [&] { return store_.Create(key, std::move(bytes)); });
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    return Do<Expected<Revision>>("Store.Replace", true, key,
                                  [&] { return store_.Replace(key, expected, std::move(bytes)); });
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    return Do<Expected<Revision>>("Store.Delete", true, key,
                                  [&] { return store_.Delete(key, expected); });
  }
  Expected<Revision> Turn(const Key& place) override {
    return Do<Expected<Revision>>("Store.Turn", false, place, [&] { return store_.Turn(place); });
  }
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    return Do<Expected<Revision>>(expected == 0 ? "Store.Create" : "Store.Replace", true, key, [&] {
      return store_.WriteInTurn(key, expected, std::move(bytes), turn);
    });
  }
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    return store_.Subscribe(std::move(feed));
  }
  Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                            LeaderCallback callback) override {
    return store_.Campaign(std::move(identity), std::move(callback));
  }
  Expected<std::vector<Candidate>> Candidates() override { return store_.Candidates(); }
  Store& ForLeader() override { return leader_ ? *leader_ : *this; }
  Expected<void> Ping() override { return store_.Ping(); }

 private:
  template <class R, class F>
  R Do(std::string_view name, bool write, const Key& key, F f) {
    const Call call{controller_, write, name, [&key] { return key.ToString(); }};
    return Guarded<R>(guard_, call, [&] {
      guard_.InFlight(call);
      return f();
    });
  }

  Store& store_;
  const int controller_;
  CallGuard& guard_;
  std::unique_ptr<GuardedStore> leader_;
};

class GuardedSwarm : public Swarm {
 public:
  GuardedSwarm(FickleSwarm& swarm, int controller, CallGuard& guard, std::function<Hint(Hint)> wrap)
      : swarm_(swarm), controller_(controller), guard_(guard), wrap_(std::move(wrap)) {}

  Expected<Observation> Observe(const Context& ctx, const std::string& uid) override {
    return Read<Expected<Observation>>("Swarm.Observe", ctx,
                                       [&] { return swarm_.Observe(ctx, uid); });
  }
  Expected<std::vector<SwarmService>> ListServices(const Context& ctx) override {
    return Read<Expected<std::vector<SwarmService>>>("Swarm.ListServices", ctx,
                                                     [&] { return swarm_.ListServices(ctx); });
  }
  Expected<std::vector<SwarmTask>> ListTasks(const Context& ctx) override {
    return Read<Expected<std::vector<SwarmTask>>>("Swarm.ListTasks", ctx,
                                                  [&] { return swarm_.ListTasks(ctx); });
  }
  Expected<std::vector<SwarmNetwork>> ListNetworks(const Context& ctx) override {
    return Read<Expected<std::vector<SwarmNetwork>>>("Swarm.ListNetworks", ctx,
                                                     [&] { return swarm_.ListNetworks(ctx); });
  }
  Expected<std::vector<SwarmNode>> ListNodes(const Context& ctx) override {
    return Read<Expected<std::vector<SwarmNode>>>("Swarm.ListNodes", ctx,
                                                  [&] { return swarm_.ListNodes(ctx); });
  }
  Expected<std::vector<SwarmUsage>> Usage(const Context& ctx) override {
    return Read<Expected<std::vector<SwarmUsage>>>("Swarm.Usage", ctx,
                                                   [&] { return swarm_.Usage(ctx); });
  }
  std::vector<Expected<std::string>> CreateServices(
      const Context& ctx, std::span<const SwarmServiceSpec> specs) override {
    std::vector<Expected<std::string>> results;
    for (const SwarmServiceSpec& spec : specs) {
      results.push_back(Write<Expected<std::string>>(
          "Swarm.CreateService", ctx, [&] { return NameOfService(spec); },
          [&](const Context& sent) {
            return std::move(swarm_.CreateServices(sent, std::span(&spec, 1))[0]);
          }));
    }
    return results;
  }
  Expected<void> UpdateService(const Context& ctx, const std::string& id, uint64_t version,
                               const SwarmServiceSpec& spec) override {
    return Write<Expected<void>>(
        "Swarm.UpdateService", ctx, [&] { return NameOfService(spec); },
        [&](const Context& sent) { return swarm_.UpdateService(sent, id, version, spec); });
  }
  std::vector<Expected<void>> RemoveServices(const Context& ctx,
                                             std::span<const std::string> ids) override {
    std::vector<Expected<void>> results;
    for (const std::string& id : ids) {
      results.push_back(Write<Expected<void>>(
          "Swarm.RemoveService", ctx, [&] { return OfService(id); },
          [&](const Context& sent) {
            return std::move(swarm_.RemoveServices(sent, std::span(&id, 1))[0]);
          }));
    }
    return results;
  }
  Expected<SwarmService> FindService(const Context& ctx, const std::string& name) override {
    return Read<Expected<SwarmService>>("Swarm.FindService", ctx,
                                        [&] { return swarm_.FindService(ctx, name); });
  }
  Expected<std::string> CreateNetwork(const Context& ctx, const SwarmNetworkSpec& spec) override {
    return Write<Expected<std::string>>(
        "Swarm.CreateNetwork", ctx, [&] { return LabelOf(spec.labels, kLabelNamespace); },
        [&](const Context& sent) { return swarm_.CreateNetwork(sent, spec); });
  }
  Expected<void> RemoveNetwork(const Context& ctx, const std::string& id) override {
    return Write<Expected<void>>(
        "Swarm.RemoveNetwork", ctx, [&] { return OfNetwork(id); },
        [&](const Context& sent) { return swarm_.RemoveNetwork(sent, id); });
  }
  Expected<std::vector<std::string>> ListSubnets(const Context& ctx) override {
    return Read<Expected<std::vector<std::string>>>("Swarm.ListSubnets", ctx,
                                                    [&] { return swarm_.ListSubnets(ctx); });
  }
  Expected<std::vector<SwarmSecret>> ListSecrets(const Context& ctx) override {
    return Read<Expected<std::vector<SwarmSecret>>>("Swarm.ListSecrets", ctx,
                                                    [&] { return swarm_.ListSecrets(ctx); });
  }
  Expected<std::string> CreateSecret(const Context& ctx, const std::string& name,
                                     const Labels& labels, std::string_view data) override {
    return Write<Expected<std::string>>(
        "Swarm.CreateSecret", ctx, [&] { return LabelOf(labels, kLabelNamespace); },
        [&](const Context& sent) { return swarm_.CreateSecret(sent, name, labels, data); });
  }
  Expected<void> RemoveSecret(const Context& ctx, const std::string& id) override {
    return Write<Expected<void>>(
        "Swarm.RemoveSecret", ctx, [&] { return OfSecret(id); },
        [&](const Context& sent) { return swarm_.RemoveSecret(sent, id); });
  }
  Expected<void> Logs(const Context& ctx, const LogQuery& query, const LogSink& sink) override {
    return swarm_.Logs(ctx, query, sink);
  }
  Expected<std::unique_ptr<ExecSession>> Exec(const Context& ctx,
                                              const ExecRequest& request) override {
    return swarm_.Exec(ctx, request);
  }
  Expected<std::unique_ptr<SwarmWatch>> Subscribe(Hint on_hint) override {
    return swarm_.Subscribe(wrap_(std::move(on_hint)));
  }
  void ExpectChanges(Duration window) override { swarm_.ExpectChanges(window); }
  Expected<void> Ping(const Context& ctx) override {
    return Read<Expected<void>>("Swarm.Ping", ctx, [&] { return swarm_.Ping(ctx); });
  }

 private:
  template <class R, class F>
  R Read(std::string_view name, const Context& ctx, F f) {
    if (ctx.Done()) return MakeError(Code::kCancelled, "stopped before it began");
    const Call call{controller_, false, name, {}};
    return Guarded<R>(guard_, call, [&] {
      guard_.InFlight(call);
      return f();
    });
  }
  // What was sent is done, whatever has become of the lease and of the caller's patience meanwhile.
  template <class R, class Name, class F>
  R Write(std::string_view name, const Context& ctx, Name object, F f) {
    const Call call{controller_, true, name, object};
    const auto stopped = [&] { return ctx.Done() || !ctx.MayWrite(); };
    if (stopped()) return MakeError(Code::kCancelled, "stopped before it began");
    return Guarded<R>(guard_, call, [&]() -> R {
      if (stopped()) return MakeError(Code::kCancelled, "stopped before it was sent");
      guard_.InFlight(call);
      return f(Context{ctx.clock});
    });
  }

  std::string OfService(const std::string& id) {
    std::string name;
    swarm_.With([&](sim::Cluster& cluster) {
      if (const SwarmService* s = cluster.GetService(id)) name = NameOfService(s->spec);
    });
    return name;
  }
  std::string OfNetwork(const std::string& id) {
    std::string name;
    swarm_.With([&](sim::Cluster& cluster) {
      for (const SwarmNetwork& n : cluster.Networks()) {
        if (n.id == id) name = LabelOf(n.spec.labels, kLabelNamespace);
      }
    });
    return name;
  }
  std::string OfSecret(const std::string& id) {
    std::string name;
    swarm_.With([&](sim::Cluster& cluster) {
      for (const SwarmSecret& s : cluster.Secrets()) {
        if (s.id == id) name = LabelOf(s.labels, kLabelNamespace);
      }
    });
    return name;
  }

  FickleSwarm& swarm_;
  const int controller_;
  CallGuard& guard_;
  const std::function<Hint(Hint)> wrap_;
};

}  // namespace

std::unique_ptr<Store> MakeGuardedStore(Store& store, int controller, CallGuard& guard) {
  return std::make_unique<GuardedStore>(store, controller, guard, true);
}

std::unique_ptr<Swarm> MakeGuardedSwarm(FickleSwarm& swarm, int controller, CallGuard& guard,
                                        std::function<Hint(Hint)> wrap) {
  return std::make_unique<GuardedSwarm>(swarm, controller, guard, std::move(wrap));
}

std::string NameOfService(const SwarmServiceSpec& spec) {
  const std::string ns = LabelOf(spec.labels, kLabelNamespace);
  const std::string kind = LabelOf(spec.labels, kLabelKind);
  if (kind == "Gateway") return "Gateway/" + ns;
  if (kind.empty()) return spec.name;
  return ns + "/" + LabelOf(spec.labels, kLabelName) + "/" + LabelOf(spec.labels, kLabelService);
}

}  // namespace zoe::sim_test

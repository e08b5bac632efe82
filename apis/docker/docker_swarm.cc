#include "apis/docker/docker_swarm.h"

#include <algorithm>
#include <set>

#include "apis/docker/engine_client.h"
#include "apis/docker/exec.h"
#include "apis/docker/kills.h"
#include "apis/docker/logs.h"
#include "apis/docker/object_codec.h"
#include "apis/docker/observer.h"
#include "apis/docker/service_codec.h"
#include "apis/docker/usage.h"
#include "controller/runtime/log.h"

namespace zoe {
namespace docker {
namespace {

constexpr Duration kPingLimit{1'000};

std::string LabelFilter(std::string_view name, const std::string& value) {
  return std::string(name) + "=" + value;
}

Error Prefixed(const std::string& what, const Error& error) {
  Error out = error;
  out.message = what + ": " + error.message;
  return out;
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

EngineOptions ToEngines(const DockerOptions& options) {
  return {options.endpoints,
          {options.tls_ca, options.tls_cert, options.tls_key},
          options.source.follow != nullptr};
}

class DockerSwarm : public Swarm {
 public:
  DockerSwarm(std::unique_ptr<EngineClient> client, const DockerOptions& options,
              const Clock& clock)
      : client_(std::move(client)),
        deployment_(options.deployment),
        clock_(clock),
        source_(options.source),
        engines_(*client_, options.node_engine) {}

  Expected<void> Start() {
    if (!source_.follow) return {};
    client_->SetTrouble(source_.name + " has not been read yet");
    ZOE_ASSIGN(source_watch_,
               source_.follow([this](const Expected<std::string>& told) { TakeEndpoints(told); }));
    return {};
  }

  Expected<Observation> Observe(const Context& ctx, const std::string& uid) override {
    const std::string filters = Filters(
        {{"label", {LabelFilter(kLabelDeployment, deployment_), LabelFilter(kLabelUid, uid)}}});
    std::vector<EngineRequest> requests = {{"GET", "/services?filters=" + filters},
                                           {"GET", "/tasks?filters=" + filters}};
    const bool with_nodes = nodes_.NeedsRead(clock_.Now());
    if (with_nodes) requests.push_back({"GET", "/nodes"});
    const auto answers = client_->DoAll(ctx, requests, Ask::kOneManager);
    for (const auto& answer : answers) ZOE_TRY(answer);
    Observation seen;
    ZOE_ASSIGN(seen.services, DecodeServices(*answers[0]));
    ZOE_ASSIGN(seen.tasks, DecodeTasks(*answers[1]));
    if (with_nodes) ZOE_TRY(TakeNodes(*answers[2]));
    ZOE_TRY(Describe(ctx, seen.tasks));
    const SteadyTime now = clock_.Now();
    kills_.Describe(
        ctx, kills_.NeedsNodes(seen.tasks, now) ? nodes_.Nodes(now) : std::vector<SwarmNode>{},
        seen.tasks);
    return seen;
  }

  Expected<std::vector<SwarmService>> ListServices(const Context& ctx) override {
    ZOE_ASSIGN(const std::string json,
               client_->Do(ctx, {"GET", "/services?filters=" + OfDeployment()}));
    return DecodeServices(json);
  }

  Expected<std::vector<SwarmUsage>> Usage(const Context& ctx) override {
    return usage_.Read(ctx, [&]() -> Expected<UsageMeter::Wanted> {
      UsageMeter::Wanted wanted;
      ZOE_ASSIGN(const std::string json,
                 client_->Do(ctx, {"GET", "/tasks?filters=" + OfDeployment()}));
      ZOE_ASSIGN(wanted.tasks, DecodeTasks(json));
      std::erase_if(wanted.tasks,
                    [](const SwarmTask& t) { return t.state != TaskState::kRunning; });
      ZOE_ASSIGN(wanted.nodes, ListNodes(ctx));
      return wanted;
    });
  }

  Expected<std::vector<SwarmTask>> ListTasks(const Context& ctx) override {
    ZOE_ASSIGN(const std::string json, client_->Do(ctx, {"GET", "/tasks"}));
    ZOE_ASSIGN(auto tasks, DecodeTasks(json));
    ZOE_TRY(Describe(ctx, tasks));
    return tasks;
  }

  Expected<std::vector<SwarmNetwork>> ListNetworks(const Context& ctx) override {
    ZOE_ASSIGN(const auto read, ReadNetworks(ctx, "/networks?filters=" + OfDeployment()));
    return DecodeNetworks(read.first);
  }

  Expected<std::vector<std::string>> ListSubnets(const Context& ctx) override {
    ZOE_ASSIGN(const auto read, ReadNetworks(ctx, "/networks"));
    return DecodeSubnets(read.first, read.second);
  }

  Expected<std::vector<SwarmSecret>> ListSecrets(const Context& ctx) override {
    ZOE_ASSIGN(const std::string json,
               client_->Do(ctx, {"GET", "/secrets?filters=" + OfDeployment()}));
    return DecodeSecrets(json);
  }

  Expected<std::string> CreateSecret(const Context& ctx, const std::string& name,
                                     const Labels& labels, std::string_view data) override {
    ZOE_ASSIGN(std::string body, EncodeSecret(name, labels, data));
    return Created("create secret " + name,
                   client_->Do(ctx, {"POST", "/secrets/create", std::move(body)}));
  }

  Expected<void> RemoveSecret(const Context& ctx, const std::string& id) override {
    return Removed(client_->Do(ctx, {"DELETE", "/secrets/" + Escape(id)}));
  }

  Expected<std::vector<SwarmNode>> ListNodes(const Context& ctx) override {
    ZOE_ASSIGN(const std::string json, client_->Do(ctx, {"GET", "/nodes"}));
    ZOE_TRY(TakeNodes(json));
    return nodes_.Nodes(clock_.Now());
  }

  std::vector<Expected<std::string>> CreateServices(
      const Context& ctx, std::span<const SwarmServiceSpec> specs) override {
    std::vector<Expected<std::string>> results;
    std::vector<EngineRequest> requests;
    std::vector<size_t> of_request;
    for (const SwarmServiceSpec& spec : specs) {
      results.push_back(EncodeService(spec));
      if (!results.back()) continue;
      of_request.push_back(results.size() - 1);
      requests.push_back({"POST", "/services/create", *std::move(results.back())});
    }
    auto answers = client_->DoAll(ctx, requests);
    for (size_t i = 0; i < answers.size(); ++i) {
      const std::string& name = specs[of_request[i]].name;
      results[of_request[i]] = Created("create service " + name, answers[i]);
    }
    return results;
  }

  Expected<void> UpdateService(const Context& ctx, const std::string& id, uint64_t version,
                               const SwarmServiceSpec& spec) override {
    ZOE_ASSIGN(std::string body, EncodeService(spec));
    const auto answer = client_->Do(
        ctx, {"POST", "/services/" + Escape(id) + "/update?version=" + std::to_string(version),
              std::move(body)});
    if (!answer) return Prefixed("update service " + spec.name, answer.error());
    return {};
  }

  std::vector<Expected<void>> RemoveServices(const Context& ctx,
                                             std::span<const std::string> ids) override {
    std::vector<EngineRequest> requests;
    for (const std::string& id : ids) requests.push_back({"DELETE", "/services/" + Escape(id)});
    std::vector<Expected<void>> results;
    for (const auto& answer : client_->DoAll(ctx, requests)) results.push_back(Removed(answer));
    return results;
  }

  // The Engine's name filter is a prefix.
  Expected<SwarmService> FindService(const Context& ctx, const std::string& name) override {
    ZOE_ASSIGN(const std::string json,
               client_->Do(ctx, {"GET", "/services?filters=" + Filters({{"name", {name}}})}));
    ZOE_ASSIGN(auto services, DecodeServices(json));
    for (SwarmService& service : services) {
      if (service.spec.name == name) return std::move(service);
    }
    return MakeError(Code::kNotFound, "service " + name + " not found");
  }

  Expected<std::string> CreateNetwork(const Context& ctx, const SwarmNetworkSpec& spec) override {
    ZOE_ASSIGN(std::string body, EncodeNetwork(spec));
    return Created("create network " + spec.name,
                   client_->Do(ctx, {"POST", "/networks/create", std::move(body)}));
  }

  Expected<void> RemoveNetwork(const Context& ctx, const std::string& id) override {
    return Removed(client_->Do(ctx, {"DELETE", "/networks/" + Escape(id)}));
  }

  Expected<void> Logs(const Context& ctx, const LogQuery& query, const LogSink& sink) override {
    return ReadLogs(*client_, ctx, query, sink);
  }

  Expected<std::unique_ptr<ExecSession>> Exec(const Context& ctx,
                                              const ExecRequest& request) override {
    ZOE_ASSIGN(const auto nodes, ListNodes(ctx));
    const auto node = std::ranges::find(nodes, request.node_id, &SwarmNode::id);
    if (node == nodes.end())
      return MakeError(Code::kUnavailable, "node " + request.node_id + " has left the Swarm");
    ZOE_ASSIGN(auto engine, engines_.Find(ctx, *node));
    auto session = StartExec(ctx, std::move(engine), request);
    if (!session && session.error().code != Code::kInvalid) engines_.Forget(node->id);
    return session;
  }

  Expected<std::unique_ptr<SwarmWatch>> Subscribe(
      std::function<void(const SwarmHint&)> on_hint) override {
    return std::unique_ptr<SwarmWatch>(std::make_unique<Observer>(
        Observer::Parts{*client_, clock_, nodes_, attention_, deployment_}, std::move(on_hint)));
  }

  void ExpectChanges(Duration window) override { attention_.Expect(clock_.Now() + window); }

  // Not /_ping: an engine answers that without being a manager, or without a leader.
  Expected<void> Ping(const Context& ctx) override {
    const auto answer = client_->Do(ctx.WithTimeout(kPingLimit), {"GET", "/nodes"});
    if (!answer) return answer.error();
    return TakeNodes(*answer);
  }

 private:
  void TakeEndpoints(const Expected<std::string>& told) {
    const uint64_t before = client_->epoch();
    const Expected<void> taken =
        told.ok() ? client_->SetEndpoints(SplitEndpoints(*told)) : Expected<void>(told.error());
    if (taken.ok()) {
      if (client_->epoch() != before)
        log::Info("the Swarm's managers are known",
                  {{"from", source_.name}, {"managers", Joined(client_->endpoints())}});
      return;
    }
    client_->SetTrouble(source_.name + ": " + taken.error().message +
                        ", but it is to hold the endpoints of the Swarm's managers, such as "
                        "tcp://10.0.0.1:2375,tcp://10.0.0.2:2375");
    const auto kept = client_->endpoints();
    log::Warn("the Swarm's managers can't be learnt",
              {{"from", source_.name},
               {"reason", taken.error().message},
               {"still_used", kept.empty() ? "none" : Joined(kept)}});
  }

  std::string OfDeployment() const {
    return Filters({{"label", {LabelFilter(kLabelDeployment, deployment_)}}});
  }

  // Networks and nodes. A manager without a leader still lists its local networks, with status 200:
  // /nodes, asked of the same one in the same breath, tells whether the Swarm's were among them.
  Expected<std::pair<std::string, std::string>> ReadNetworks(const Context& ctx,
                                                             const std::string& target) {
    const std::vector<EngineRequest> requests = {{"GET", target}, {"GET", "/nodes"}};
    auto answers = client_->DoAll(ctx, requests, Ask::kOneManager);
    for (const auto& answer : answers) ZOE_TRY(answer);
    ZOE_TRY(TakeNodes(*answers[1]));
    return std::pair(*std::move(answers[0]), *std::move(answers[1]));
  }

  // A create that succeeded without saying what it made is as good as one without an answer.
  Expected<std::string> Created(const std::string& what, const Expected<std::string>& answer) {
    if (!answer) return Prefixed(what, answer.error());
    auto id = DecodeId(*answer);
    if (!id) return MakeError(Code::kOutcomeUnknown, what + ": " + id.error().message);
    return id;
  }

  Expected<void> Removed(const Expected<std::string>& answer) {
    if (answer || answer.error().code == Code::kNotFound) return {};
    return answer.error();
  }

  Expected<void> TakeNodes(const std::string& json) {
    std::set<std::string> unknown;
    ZOE_ASSIGN(auto nodes, DecodeNodes(json, &unknown));
    nodes_.Set(std::move(nodes), unknown, clock_.Now());
    return {};
  }

  Expected<void> Describe(const Context& ctx, std::vector<SwarmTask>& tasks) {
    const SteadyTime now = clock_.Now();
    if (nodes_.Describe(tasks, now) && !nodes_.NeedsRead(now)) return {};
    ZOE_ASSIGN(const std::string json, client_->Do(ctx, {"GET", "/nodes"}));
    ZOE_TRY(TakeNodes(json));
    nodes_.Describe(tasks, now);
    return {};
  }

  const std::unique_ptr<EngineClient> client_;
  const std::string deployment_;
  const Clock& clock_;
  const EndpointSource source_;
  NodeEngines engines_;
  Kills kills_{engines_};
  UsageMeter usage_{engines_};
  NodeCache nodes_;
  Attention attention_;
  std::unique_ptr<Watch> source_watch_;  // last: it calls back until it has ended
};

}  // namespace
}  // namespace docker

Expected<std::unique_ptr<Swarm>> OpenDockerSwarm(const DockerOptions& options, const Clock& clock) {
  ZOE_ASSIGN(auto client, docker::EngineClient::Open(docker::ToEngines(options)));
  auto swarm = std::make_unique<docker::DockerSwarm>(std::move(client), options, clock);
  ZOE_TRY(swarm->Start());
  return std::unique_ptr<Swarm>(std::move(swarm));
}

}  // namespace zoe

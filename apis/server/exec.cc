// Commands in containers, .../pods/NAME/exec and attach: GET with a WebSocket, or POST or GET with
// SPDY.
//
// Query: command (repeated; of exec), container (the only one, if it is named), stdin, stdout,
// stderr, tty. Streams: channels.h. The last word in the error channel is a Status.
//
// Errors before the upgrade: 400 the query, a pod that has ended, no upgrade asked for; 404 no such
// pod, its container isn't there (yet); 403 a Gateway's, for who is no admin; 409 the container
// doesn't run; 429; 503 the Engine of its node can't be reached, with what to do about it.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "apis/server/api.h"
#include "apis/server/channels.h"
#include "apis/server/exec_session.h"
#include "apis/server/pods.h"
#include "apis/server/spdy_channels.h"
#include "apis/server/status.h"
#include "apis/server/websocket.h"

namespace zoe::server {
namespace {

constexpr Duration kStartLimit{15'000};
constexpr std::string_view kV5 = "v5.channel.k8s.io", kV4 = "v4.channel.k8s.io";

struct ExecQuery {
  std::vector<std::string> command;
  std::string container;
  ExecStreams streams;
};

Error Bad(std::string message) { return MakeError(Code::kBadRequest, std::move(message)); }

Expected<ExecQuery> ParseExecQuery(const Exchange& exchange) {
  const Query& query = exchange.query;
  ExecQuery asked;
  for (const std::string_view word : query.All("command")) asked.command.emplace_back(word);
  asked.container = query.Get("container");
  ZOE_ASSIGN(asked.streams.in, query.Bool("stdin", false));
  ZOE_ASSIGN(asked.streams.out, query.Bool("stdout", false));
  ZOE_ASSIGN(asked.streams.err, query.Bool("stderr", false));
  ZOE_ASSIGN(asked.streams.tty, query.Bool("tty", false));
  if (asked.streams.tty) asked.streams.err = false;
  if (!asked.streams.in && !asked.streams.out && !asked.streams.err)
    return Bad("you must specify at least 1 of stdin, stdout, stderr");
  if (exchange.route.subresource == "attach") {
    asked.command.clear();
  } else if (asked.command.empty() || asked.command.front().empty()) {
    return Bad("you must specify at least one command for the container");
  }
  for (const std::string& word : asked.command) {
    if (word.find('\0') != std::string::npos) return Bad("the command holds a NUL");
  }
  return asked;
}

// How the request wants to go on.
struct Transport {
  std::optional<WebSocketOffer> offer;  // else SPDY
  std::string protocol;
};

Expected<Transport> ChooseTransport(const Request& request) {
  Transport transport;
  if (AsksForSpdy(request)) {
    ZOE_ASSIGN(transport.protocol, ChooseSpdyProtocol(request, {kV4}));
    return transport;
  }
  if (!AsksForWebSocket(request)) return Bad("Upgrade request required");
  ZOE_ASSIGN(transport.offer, ReadWebSocketOffer(request));
  transport.protocol = ChooseProtocol(*transport.offer, {kV5, kV4});
  if (transport.protocol.empty()) {
    return Bad("Sec-WebSocket-Protocol names none of the protocols served here: " +
               std::string(kV5) + ", " + std::string(kV4));
  }
  return transport;
}

std::vector<int> ChannelsOf(const ExecStreams& streams) {
  std::vector<int> channels{kErrorChannel};
  if (streams.in) channels.push_back(kStdinChannel);
  if (streams.out) channels.push_back(kStdoutChannel);
  if (streams.err) channels.push_back(kStderrChannel);
  if (streams.tty) channels.push_back(kResizeChannel);
  return channels;
}

// Upgrades, and waits until the client has opened what it has to; nullptr: it has gone before.
ChannelsPtr Upgrade(const ExchangePtr& exchange, const Transport& transport,
                    const ExecStreams& streams) {
  if (transport.offer) {
    return OpenWebSocketChannels(
        exchange, *transport.offer,
        {.protocol = transport.protocol, .closes_channels = transport.protocol == kV5});
  }
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    ChannelsPtr channels;
  };
  const auto shared = std::make_shared<Shared>();
  OpenSpdyExec(exchange, transport.protocol, ChannelsOf(streams), [shared](ChannelsPtr channels) {
    const std::lock_guard lock(shared->mutex);
    shared->channels = std::move(channels);
    shared->changed.notify_all();
  });
  const std::stop_token stop = exchange->stop();
  const std::stop_callback wake(stop, [shared] {
    const std::lock_guard lock(shared->mutex);
    shared->changed.notify_all();
  });
  std::unique_lock lock(shared->mutex);
  shared->changed.wait(lock, [&] { return shared->channels || stop.stop_requested(); });
  return shared->channels;
}

// The task that a pod is, of a service of this deployment.
struct PodTask {
  SwarmTask task;
  std::string container;  // its one container's name
  std::string kind;       // of the object that it belongs to
};

Expected<PodTask> FindPodTask(const ServerDeps& deps, const Context& ctx, const Route& route) {
  SwarmPicture picture;
  ZOE_ASSIGN(picture.services, deps.swarm.ListServices(ctx));
  ZOE_ASSIGN(picture.tasks, deps.swarm.ListTasks(ctx));
  for (const PodTasks& slot : SlotsOf(picture)) {
    const Labels& labels = slot.service->spec.labels;
    const SwarmTask& task = *slot.tasks.back();
    if (LabelOf(labels, kLabelNamespace) == route.ns &&
        PodNameOf(*slot.service, task) == route.name)
      return PodTask{task, ContainerNameOf(*slot.service), LabelOf(labels, kLabelKind)};
  }
  return MakeError(Code::kNotFound, "pods \"" + route.name + "\" not found");
}

// Of a Gateway it is the host key and the accounts of its namespace that can be read in there.
Expected<void> CheckPod(const Exchange& exchange, const PodTask& pod, const ExecQuery& asked) {
  const Route& route = exchange.route;
  if (pod.kind == "Gateway" && exchange.user.role != v1::kRoleAdmin) {
    return MakeError(Code::kForbidden, "pods \"" + route.name + "\" is forbidden: User \"" +
                                           exchange.user.name + "\" cannot " + route.subresource +
                                           " into a Gateway: only an admin can");
  }
  if (!asked.container.empty() && asked.container != pod.container)
    return Bad("container " + asked.container + " is not valid for pod " + route.name);
  if (IsTerminal(pod.task.state)) {
    return Bad("cannot exec into a container in a completed pod; current phase is " +
               std::string(pod.task.state == TaskState::kComplete ? "Succeeded" : "Failed"));
  }
  if (pod.task.state != TaskState::kRunning || pod.task.container_id.empty())
    return MakeError(Code::kNotFound, "container not found (\"" + pod.container + "\")");
  return {};
}

struct Prepared {
  Transport transport;
  std::unique_ptr<ExecSession> session;
};

Expected<Prepared> Prepare(const ServerDeps& deps, const Exchange& exchange,
                           const ExecQuery& asked) {
  const Context ctx = Context{deps.clock, exchange.stop()}.WithTimeout(kStartLimit);
  ZOE_ASSIGN(const PodTask pod, FindPodTask(deps, ctx, exchange.route));
  ZOE_TRY(CheckPod(exchange, pod, asked));
  Prepared prepared;
  ZOE_ASSIGN(prepared.transport, ChooseTransport(exchange.request));
  ExecRequest request{.node_id = pod.task.node_id,
                      .container_id = pod.task.container_id,
                      .command = asked.command,
                      .tty = asked.streams.tty,
                      .in = asked.streams.in,
                      .out = asked.streams.out,
                      .err = asked.streams.err};
  ZOE_ASSIGN(prepared.session, deps.swarm.Exec(ctx, request));
  return prepared;
}

}  // namespace

void Api::Exec(const ExchangePtr& exchange) {
  const auto fail = [this, exchange](const Error& error) {
    Reply(exchange, ErrorResponse(error, &exchange->route));
  };
  auto asked = ParseExecQuery(*exchange);
  if (!asked.ok()) return fail(asked.error());
  const bool posted =
      execs_.Post(exchange->user.name, [this, exchange, fail, asked = std::move(asked).value()] {
        auto prepared = Prepare(deps_, *exchange, asked);
        if (!prepared.ok()) return fail(prepared.error());
        Count(*exchange, 101);
        Audit(*exchange, 101);
        const ChannelsPtr channels = Upgrade(exchange, prepared->transport, asked.streams);
        if (!channels) return;
        ServeExec({deps_.clock, exchange->stop()}, *channels, *prepared->session, asked.streams,
                  options_.limits.exec_idle);
      });
  if (!posted) fail(MakeError(Code::kTooManyRequests, "too many commands are running: try again"));
}

}  // namespace zoe::server

// pods/portforward: which container, through which gateway, in which protocol.
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <charconv>

#include "apis/server/api.h"
#include "apis/server/pods.h"
#include "apis/server/port_forwarder.h"
#include "apis/server/proxy.h"
#include "apis/server/spdy_channels.h"
#include "apis/server/status.h"
#include "apis/server/websocket.h"
#include "specs/core/pod.h"

namespace zoe::server {
namespace {

constexpr std::string_view kPlain = "portforward.k8s.io";
constexpr std::string_view kTunnelled = "SPDY/3.1+portforward.k8s.io";
constexpr std::string_view kNumbered = "v4.channel.k8s.io";

// What the client asks to go on in.
struct Way {
  bool websocket = false;
  WebSocketOffer offer;
  std::string protocol;
  std::vector<uint16_t> ports;  // of kNumbered
};

Expected<std::vector<uint16_t>> ParsePorts(const Query& query) {
  std::vector<uint16_t> ports;
  for (std::string_view rest : query.All("ports")) {
    while (!rest.empty()) {
      const std::string_view text = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(text.size() + 1, rest.size()));
      uint16_t port = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
      if (error != std::errc() || end != text.data() + text.size() || port == 0)
        return MakeError(Code::kBadRequest, "query parameter ports: \"" + std::string(text) +
                                                "\" is no port (1 to 65535)");
      ports.push_back(port);
    }
  }
  if (ports.empty())
    return MakeError(Code::kBadRequest, "query parameter ports is required: ?ports=8080");
  if (ports.size() > kMaxPorts)
    return MakeError(Code::kBadRequest, "query parameter ports: at most " +
                                            std::to_string(kMaxPorts) + " ports at one time");
  return ports;
}

Expected<Way> ParseWay(const Exchange& exchange) {
  Way way;
  if (AsksForSpdy(exchange.request)) {
    ZOE_ASSIGN(way.protocol, ChooseSpdyProtocol(exchange.request, {kPlain}));
    return way;
  }
  if (!AsksForWebSocket(exchange.request))
    return MakeError(Code::kBadRequest,
                     "ports are forwarded on an upgraded connection: by WebSocket or SPDY/3.1");
  way.websocket = true;
  ZOE_ASSIGN(way.offer, ReadWebSocketOffer(exchange.request));
  way.protocol = ChooseProtocol(way.offer, {kTunnelled, kNumbered});
  if (way.protocol.empty() && !way.offer.protocols.empty())
    return MakeError(Code::kBadRequest, "none of the WebSocket's protocols is served here: " +
                                            std::string(kTunnelled) + ", " +
                                            std::string(kNumbered));
  if (way.protocol == kTunnelled) return way;
  ZOE_ASSIGN(way.ports, ParsePorts(exchange.query));
  return way;
}

std::string LabelOf(const Meta& meta, std::string_view label) {
  const auto found = meta.labels.find(std::string(label));
  return found == meta.labels.end() ? std::string() : found->second;
}

// The name that the container answers to in its namespace's network: SERVICE-N.EXECUTION.
Expected<std::string> HostOf(const core::Pod& pod) {
  const std::string who = "pod \"" + pod.meta.name + "\" ";
  if (LabelOf(pod.meta, kLabelKind) != "Execution")
    return MakeError(Code::kBadRequest,
                     who +
                         "is a gateway: it leads to other containers, its own ports are not "
                         "forwarded");
  if (pod.status.phase != "Running") return MakeError(Code::kUnavailable, who + "is not running");
  return LabelOf(pod.meta, kLabelService) + "-" + LabelOf(pod.meta, kLabelReplica) + "." +
         LabelOf(pod.meta, kLabelName);
}

void Begin(const ExchangePtr& exchange, const Way& way, PortForwardOptions options) {
  if (!way.websocket) {
    return ForwardSpdyPorts(exchange, OpenSpdyTunnel(exchange, way.protocol), std::move(options));
  }
  const bool tunnel = way.protocol == kTunnelled;
  auto channels =
      OpenWebSocketChannels(exchange, way.offer, {.protocol = way.protocol, .numbered = !tunnel});
  if (tunnel) return ForwardSpdyPorts(exchange, std::move(channels), std::move(options));
  ForwardPorts(exchange, std::move(channels), way.ports, std::move(options));
}

}  // namespace

void Api::PortForward(const ExchangePtr& exchange) {
  const auto fail = [this, exchange](const Error& error) {
    Reply(exchange, ErrorResponse(error, &exchange->route));
  };
  auto way = ParseWay(*exchange);
  if (!way.ok()) return fail(way.error());
  const auto handler = [this, exchange, fail, way = std::move(*way)](const Expected<void>& read) {
    if (!read.ok()) return fail(read.error());
    const Route& route = exchange->route;
    const EntryPtr entry = CacheOf(*route.kind).Get(route.key());
    if (!entry) return fail(NotFound(route));
    auto host = HostOf(static_cast<const core::Pod&>(*entry->object));
    if (!host.ok()) return fail(host.error());
    auto gateway = FindGateway(deps_.cache, exchange->route.ns);
    if (!gateway.ok()) return fail(gateway.error());
    PortForwardOptions options{.gateway = std::move(*gateway), .host = std::move(*host)};
    options.slot = TakePlace();
    if (!options.slot)
      return fail(MakeError(Code::kTooManyRequests, "too much is being proxied: try again"));
    options.place = [this] { return TakePlace(); };
    options.connect = options_.limits.proxy_connect;
    Count(*exchange, 101);
    Audit(*exchange, 101);
    Begin(exchange, way, std::move(options));
  };
  views_.Refresh(*exchange->route.kind, [exchange, handler](const Expected<void>& read) {
    boost::asio::post(exchange->context(), [handler, read] { handler(read); });
  });
}

}  // namespace zoe::server

#include "specs/v1/endpoints.h"

#include <algorithm>

namespace zoe::v1 {

bool IsProxied(const Port& port) {
  return port.protocol == "tcp" && (port.scheme.empty() || port.scheme == "http");
}

std::vector<EndpointTarget> EndpointsOf(const std::vector<Service>& services) {
  std::vector<EndpointTarget> endpoints;
  for (const Service& service : services) {
    for (const Port& port : service.ports) {
      if (port.endpoint) endpoints.push_back({port.name, service.name, port});
    }
  }
  std::vector<std::string> names;
  for (const EndpointTarget& endpoint : endpoints) names.push_back(endpoint.port.name);
  for (EndpointTarget& endpoint : endpoints) {
    if (std::count(names.begin(), names.end(), endpoint.port.name) > 1)
      endpoint.id = endpoint.service + "." + endpoint.port.name;
  }
  return endpoints;
}

const EndpointTarget* FindEndpoint(const std::vector<EndpointTarget>& endpoints,
                                   std::string_view id) {
  for (const EndpointTarget& endpoint : endpoints) {
    if (endpoint.id == id || endpoint.service + "." + endpoint.port.name == id) return &endpoint;
  }
  return nullptr;
}

std::string ProxyPath(std::string_view ns, std::string_view execution, std::string_view id) {
  std::string path = "/apis/zoe/v1/namespaces/";
  path.append(ns).append("/executions/").append(execution).append("/endpoints/").append(id);
  return path + "/proxy";
}

}  // namespace zoe::v1

// The endpoints of an application: the ports that people open, and where the API's proxy has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "specs/v1/application.h"

namespace zoe::v1 {

struct EndpointTarget {
  std::string id;  // in the proxy's path: the port's name, or SERVICE.PORT where several have it
  std::string service;
  Port port;
};

// The API's proxy speaks plain HTTP to the port: its scheme is http, or it has none and is TCP.
bool IsProxied(const Port& port);

// In the order of the services and their ports.
std::vector<EndpointTarget> EndpointsOf(const std::vector<Service>& services);

// By id; SERVICE.PORT always works. nullptr: there is none.
const EndpointTarget* FindEndpoint(const std::vector<EndpointTarget>& endpoints,
                                   std::string_view id);

// "/apis/zoe/v1/namespaces/NS/executions/NAME/endpoints/ID/proxy", without a slash at the end.
std::string ProxyPath(std::string_view ns, std::string_view execution, std::string_view id);

}  // namespace zoe::v1

// The ways into a namespace's private network. Internal to apis/server.
#pragma once

#include <string>

#include "apis/server/socks.h"
#include "controller/cache/cache.h"
#include "specs/meta/expected.h"

namespace zoe::server {

// The namespace's gateway, with the account that is this server's. kUnavailable: there is none that
// leads anywhere now; the message says why.
Expected<SocksServer> FindGateway(const Cache& cache, const std::string& ns);

}  // namespace zoe::server

#include "apis/server/api.h"
#include "apis/server/status.h"

namespace zoe::server {

void Api::PortForward(const ExchangePtr& exchange) {
  Reply(exchange, StatusResponse(501, "NotImplemented", "not served yet"));
}

}  // namespace zoe::server

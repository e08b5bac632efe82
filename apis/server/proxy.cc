#include "apis/server/api.h"
#include "apis/server/status.h"

namespace zoe::server {

void Api::Proxy(const ExchangePtr& exchange) {
  Reply(exchange,
        ErrorResponse(MakeError(Code::kNotFound, "nothing is served here yet"), &exchange->route));
}

}  // namespace zoe::server

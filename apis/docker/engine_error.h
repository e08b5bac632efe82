// What an Engine's refusal means to the port.
#pragma once

#include <string>
#include <string_view>

#include "specs/meta/expected.h"

namespace zoe::docker {

struct EngineRefusal {
  Error error;
  bool ask_another = false;  // this engine can't, nothing was done; another manager may
};

// `where`: the endpoint, for messages. `write`: the request would have changed something.
EngineRefusal ReadRefusal(std::string_view where, bool write, int status, std::string_view body);

// kUnavailable for an endpoint that no connection could be made to; says what to do about it.
Error Unreachable(std::string_view where, bool unix_socket, int os_errno, std::string_view failure);

// kInternal for an answer that makes no sense; cites only its beginning, where no env value stands.
Error Nonsense(std::string_view what, std::string_view body);

}  // namespace zoe::docker

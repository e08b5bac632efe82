// The head of an answer, in bytes.
#pragma once

#include <cstdint>
#include <string>

#include "apis/server/exchange.h"

namespace zoe::server {

struct Framing {
  enum Kind { kLength, kChunked, kNone } kind = kNone;  // kNone: no body, its end closes, upgrades
  uint64_t length = 0;
  bool http11 = true;
  bool keep_alive = false;
};

// Replaces `head`. Field values of `response` hold no line ends: that is their maker's duty.
void MakeHead(const Response& response, const Framing& framing, std::string& head);

// No body follows: an answer to HEAD, 204, 304.
bool HasNoBody(Method method, int status);

}  // namespace zoe::server

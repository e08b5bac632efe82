#include "apis/server/head.h"

#include <ctime>

#include "apis/server/status.h"

namespace zoe::server {
namespace {

// IMF-fixdate of now, made once a second by each thread.
const std::string& DateHeader() {
  thread_local std::time_t made_at = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    char buffer[40];
    text.assign(buffer, std::strftime(buffer, sizeof(buffer), "%a, %d %b %Y %H:%M:%S GMT", &utc));
    made_at = now;
  }
  return text;
}

bool SaysHowToCache(const Response& response) {
  for (const auto& [name, value] : response.headers) {
    if (name == "Cache-Control") return true;
  }
  return false;
}

}  // namespace

bool HasNoBody(Method method, int status) {
  return method == Method::kHead || status == 204 || status == 304;
}

void MakeHead(const Response& response, const Framing& framing, std::string& head) {
  head.assign("HTTP/1.1 ");
  head += std::to_string(response.status);
  head += ' ';
  head += StatusText(response.status);
  if (!response.relayed) {
    head += "\r\nDate: ";
    head += DateHeader();
    if (!response.content_type.empty()) {
      head += "\r\nContent-Type: ";
      head += response.content_type;
    }
  }
  // Of a 304 it would be the length of what is not sent.
  const bool no_length = response.status == 204 || (response.status == 304 && !response.relayed);
  if (framing.kind == Framing::kLength && !no_length) {
    head += "\r\nContent-Length: ";
    head += std::to_string(framing.length);
  } else if (framing.kind == Framing::kChunked) {
    head += "\r\nTransfer-Encoding: chunked";
  }
  if (!response.relayed) {
    if (!SaysHowToCache(response)) head += "\r\nCache-Control: no-cache, private";
    head += "\r\nX-Content-Type-Options: nosniff";
  }
  for (const auto& [name, value] : response.headers) {
    head += "\r\n";
    head += name;
    head += ": ";
    head += value;
  }
  if (response.upgrade) {  // its own Connection field stands in `headers`
  } else if (!framing.keep_alive) {
    head += "\r\nConnection: close";
  } else if (!framing.http11) {
    head += "\r\nConnection: keep-alive";
  }
  head += "\r\n\r\n";
}

}  // namespace zoe::server

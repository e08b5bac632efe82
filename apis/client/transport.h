// How requests travel: cpprestsdk, its connections, and what its failures mean. Only this folder's
// .cc files include it.
#pragma once

#include <cpprest/http_client.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "apis/client/client.h"

namespace zoe::client {

using web::http::http_request;
using web::http::http_response;
using Vendor = web::http::client::http_client;

// Replies of our own server are as large as its store allows.
inline constexpr codec::Budget kReplyBudget{
    .bytes = size_t{1} << 30, .depth = 128, .nodes = 100'000'000, .alias_nodes = 0};
inline constexpr size_t kMaxErrorBytes = 1 << 20;
// For connections whose silence is watched by ourselves.
inline constexpr std::chrono::hours kAnyTime{24 * 300};

struct Reply {
  int status = 0;
  std::string body;
  std::vector<std::string> warnings;
};

std::string Encode(std::string_view text);
std::string Target(std::string_view path, const Query& query);
// The texts of a Warning field (RFC 7234, 5.5) with code 299, as far as it can be read.
std::vector<std::string> ParseWarnings(std::string_view field);
Error ErrorFromReply(const Reply& reply);
Error TransportError(const std::string& server, const web::http::http_exception& e, bool read);
// Reads what has come, at most `limit` bytes. Empty at the end.
std::string ReadSome(concurrency::streams::streambuf<uint8_t>& buffer, size_t limit);
// Everything up to the end, or an error past `limit` bytes.
Expected<std::string> ReadAll(const http_response& response, size_t limit);
// The library's pool has 40 threads unless it is sized before its first use.
void SizePool();
// Says why the authorities can't be used, if so.
Expected<void> CheckAuthorities(const std::string& ca_file);

struct Client::State {
  Options options;
  std::string host;  // header field, where the library's own would be wrong: an IPv6 address
  std::string authorization;
  std::mutex mutex;
  std::shared_ptr<Vendor> vendor;  // for reads: holds the kept-alive connections

  Expected<std::shared_ptr<Vendor>> Make(Duration timeout) const;
  // The library sends a request again, whatever its method, when a kept-alive connection turns out
  // to be closed; the server may have acted on it. So only reads share connections, and a write has
  // one of its own.
  Expected<std::shared_ptr<Vendor>> Connection(bool read, std::optional<Duration> timeout);
  void Forget();
  Query Written(Query query) const;  // with the field manager, if it names none
  http_request Prepare(const web::http::method& method, const std::string& target) const;
  void Trace(const std::string& method, const std::string& target, int status,
             SteadyTime start) const;
  Expected<Reply> Send(const std::string& method, const std::string& target,
                       const std::string* body, const std::string& content_type,
                       std::optional<Duration> timeout = {});
  // What a whole answer says: its JSON, null where it is empty, or the server's error.
  Expected<codec::Value> Understand(const std::string& method, const std::string& target,
                                    const Reply& reply) const;
  Expected<codec::Value> Call(const std::string& method, const std::string& target,
                              const codec::Value* body = nullptr,
                              const std::string& content_type = "application/json",
                              std::optional<Duration> timeout = {});
};

}  // namespace zoe::client

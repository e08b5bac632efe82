#include "apis/client/transport.h"

#include <pplx/threadpool.h>

#include <algorithm>

#if defined(__SANITIZE_THREAD__)
// Exceptions and contexts are freed by reference counts that live in libraries which the sanitizer
// doesn't see into. Of our own code only the TLS callback runs on the library's threads.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libcpprest.so\nrace:pplx::\nrace:std::__exception_ptr::\n";
}
#endif

namespace zoe::client {
namespace {

using VendorConfig = web::http::client::http_client_config;

// Where a vendor exception struck decides whether the request may have been acted on.
enum class Failure { kConnect, kTimeout, kTransport };

Failure Classify(const web::http::http_exception& e) {
  const std::string_view what = e.what();
  const auto has = [&](std::string_view text) { return what.find(text) != std::string_view::npos; };
  if (has("connect") || has("resolving") || has("TLS handshake") || has("SSL handshake")) {
    return Failure::kConnect;
  }
  return e.error_code() == std::errc::timed_out ? Failure::kTimeout : Failure::kTransport;
}

Expected<VendorConfig> MakeConfig(const std::string& ca_file, Duration timeout) {
  VendorConfig config;
  config.set_timeout(std::chrono::milliseconds(timeout));
  config.set_validate_certificates(true);
  config.set_ssl_context_callback([ca_file](boost::asio::ssl::context& context) {
    context.set_options(boost::asio::ssl::context::default_workarounds |
                        boost::asio::ssl::context::no_sslv2 | boost::asio::ssl::context::no_sslv3 |
                        boost::asio::ssl::context::no_tlsv1 |
                        boost::asio::ssl::context::no_tlsv1_1);
    boost::system::error_code
        ignored;  // Open has looked at the file; without authorities the handshake fails.
    if (!ca_file.empty()) context.load_verify_file(ca_file, ignored);
  });
  return config;
}

// The library resolves a host as it stands, so an IPv6 address must stand without its brackets, and
// then needs a port behind it.
std::string VendorUri(const std::string& server) {
  const size_t open = server.find("://["), close = server.find(']');
  if (open == std::string::npos || close == std::string::npos) return server;
  const std::string rest = server.substr(close + 1);
  const std::string port = server.starts_with("https") ? ":443" : ":80";
  return server.substr(0, open + 3) + server.substr(open + 4, close - open - 4) +
         (rest.starts_with(':') ? rest : port + rest);
}

}  // namespace

// Continuations need a thread while another waits.
void SizePool() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      crossplat::threadpool::initialize_with_threads(3);
    } catch (const std::exception&) {  // Someone else in this process was first.
    }
  });
}

std::string Encode(std::string_view text) {
  return web::uri::encode_data_string(std::string(text));
}

std::string Target(std::string_view path, const Query& query) {
  std::string target(path);
  char separator = target.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, value] : query) {
    target += separator + Encode(name) + "=" + Encode(value);
    separator = '&';
  }
  return target;
}

// "299 - \"text\", 299 - \"another\"": the library joins fields of one name.
std::vector<std::string> ParseWarnings(std::string_view field) {
  std::vector<std::string> texts;
  while (!field.empty()) {
    const size_t open = field.find('"');
    if (open == std::string_view::npos) break;
    const std::string_view head = field.substr(0, open);
    std::string text;
    size_t at = open + 1;
    while (at < field.size() && field[at] != '"') {
      if (field[at] == '\\' && at + 1 < field.size()) ++at;
      text += field[at++];
    }
    if (at == field.size()) break;
    field.remove_prefix(at + 1);
    // A quoted text without a code before it is the date of the last one.
    if (head.find("299 ") != std::string_view::npos) texts.push_back(std::move(text));
  }
  return texts;
}

Error ErrorFromReply(const Reply& reply) {
  const auto status = codec::ParseJson(reply.body, kReplyBudget);
  if (!status.ok() || status->StringAt("kind") != "Status") {
    std::string text = reply.body.substr(0, 500);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return MakeError(CodeFromHttp(reply.status, ""),
                     "HTTP " + std::to_string(reply.status) + (text.empty() ? "" : ": " + text));
  }
  Error error = MakeError(CodeFromHttp(reply.status, status->StringAt("reason")),
                          status->StringAt("reason"), status->StringAt("message"));
  const codec::Value* causes = status->At("details.causes");
  if (causes == nullptr || !causes->is_array()) return error;
  for (const codec::Value& cause : causes->as_array()) {
    error.causes.push_back({.field = cause.StringAt("field"),
                            .reason = cause.StringAt("reason"),
                            .message = cause.StringAt("message")});
  }
  return error;
}

Error TransportError(const std::string& server, const web::http::http_exception& e, bool read) {
  switch (Classify(e)) {
    case Failure::kConnect: {
      const std::string_view what = e.what();
      if (what.find("handshake") != std::string_view::npos) {
        return MakeError(Code::kUnavailable, "can't make a secure connection to " + server + ": " +
                                                 e.what() +
                                                 ": does the context's certificate authority fit?");
      }
      return MakeError(
          Code::kUnavailable,
          "can't reach " + server + ": is zoe-controller running? set --server or ZOE_SERVER");
    }
    case Failure::kTimeout:
    case Failure::kTransport:
      break;
  }
  const std::string detail = server + ": " + e.what();
  if (read) return MakeError(Code::kUnavailable, "no answer from " + detail);
  return MakeError(
      Code::kOutcomeUnknown,
      "the answer from " + detail + " was lost: look whether it was done before you repeat it");
}

// Reads what has come, at most `limit` bytes. Empty at the end.
std::string ReadSome(concurrency::streams::streambuf<uint8_t>& buffer, size_t limit) {
  // getn waits for all that it is asked for, so one byte is awaited and the rest taken as far as it
  // is there.
  const auto first = buffer.bumpc().get();
  if (first == concurrency::streams::streambuf<uint8_t>::traits::eof()) return {};
  std::string bytes(1, static_cast<char>(first));
  const size_t more = std::min(buffer.in_avail(), limit - 1);
  if (more > 0) {
    bytes.resize(1 + more);
    bytes.resize(1 + buffer.getn(reinterpret_cast<uint8_t*>(bytes.data()) + 1, more).get());
  }
  return bytes;
}

// Everything up to the end, or an error past `limit` bytes.
Expected<std::string> ReadAll(const http_response& response, size_t limit) {
  auto buffer = response.body().streambuf();
  std::string body;
  for (;;) {
    const std::string some = ReadSome(buffer, size_t{256} << 10);
    if (some.empty()) return body;
    body += some;
    if (body.size() > limit)
      return MakeError(Code::kTooLarge,
                       "the answer is larger than " + std::to_string(limit) + " bytes");
  }
}

Expected<void> CheckAuthorities(const std::string& ca_file) {
  if (ca_file.empty()) return {};
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
  boost::system::error_code error;
  context.load_verify_file(ca_file, error);
  if (!error) return {};
  return MakeError(Code::kInvalid,
                   "the certificate authority " + ca_file + " can't be read: " + error.message());
}

std::string Base64(std::string_view bytes) {
  return utility::conversions::to_base64(std::vector<unsigned char>(bytes.begin(), bytes.end()));
}

Expected<std::shared_ptr<Vendor>> Client::State::Make(Duration timeout) const {
  ZOE_ASSIGN(const VendorConfig config, MakeConfig(options.ca_file, timeout));
  try {
    return std::make_shared<Vendor>(VendorUri(options.server), config);
  } catch (const std::exception& e) {
    return MakeError(Code::kInvalid,
                     "the server's address \"" + options.server + "\" can't be used: " + e.what());
  }
}

Expected<std::shared_ptr<Vendor>> Client::State::Connection(bool read,
                                                            std::optional<Duration> timeout) {
  if (!read) return Make(timeout.value_or(options.timeout));
  const std::lock_guard lock(mutex);
  if (!vendor) {
    ZOE_ASSIGN(vendor, Make(options.timeout));
  }
  return vendor;
}

void Client::State::Forget() {
  const std::lock_guard lock(mutex);
  vendor.reset();
}

http_request Client::State::Prepare(const web::http::method& method,
                                    const std::string& target) const {
  http_request request(method);
  request.set_request_uri(target);
  request.headers().add("Accept", "application/json");
  request.headers().add("User-Agent", "zoe");
  if (!host.empty()) request.headers().add("Host", host);
  if (!authorization.empty()) request.headers().add("Authorization", authorization);
  return request;
}

void Client::State::Trace(const std::string& method, const std::string& target, int status,
                          SteadyTime start) const {
  if (!options.on_request) return;
  const auto took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start);
  const std::string url = options.server + target;
  options.on_request({.method = method, .url = url, .status = status, .took = took});
}

Expected<Reply> Client::State::Send(const std::string& method, const std::string& target,
                                    const std::string* body, const std::string& content_type,
                                    std::optional<Duration> timeout) {
  const bool read = method == "GET";
  for (int attempt = 0;; ++attempt) {
    const auto start = std::chrono::steady_clock::now();
    ZOE_ASSIGN(const std::shared_ptr<Vendor> connection, Connection(read, timeout));
    try {
      http_request request = Prepare(method, target);
      if (body != nullptr) request.set_body(*body, content_type);
      const http_response response = connection->request(request).get();
      ZOE_ASSIGN(std::string text, ReadAll(response, kReplyBudget.bytes));
      Trace(method, target, response.status_code(), start);
      const auto warning = response.headers().find("Warning");
      return Reply{response.status_code(), std::move(text),
                   warning == response.headers().end() ? std::vector<std::string>{}
                                                       : ParseWarnings(warning->second)};
    } catch (const web::http::http_exception& e) {
      Trace(method, target, 0, start);
      Forget();
      if (read && attempt == 0 && Classify(e) == Failure::kTransport) continue;
      return TransportError(options.server, e, read);
    } catch (const std::exception& e) {
      Forget();
      return MakeError(read ? Code::kUnavailable : Code::kOutcomeUnknown,
                       options.server + ": " + e.what());
    }
  }
}

Expected<codec::Value> Client::State::Understand(const std::string& method,
                                                 const std::string& target,
                                                 const Reply& reply) const {
  if (reply.status < 200 || reply.status > 299) return ErrorFromReply(reply);
  if (reply.body.empty()) return codec::Value();
  auto value = codec::ParseJson(reply.body, kReplyBudget);
  if (value.ok()) return value;
  return MakeError(Code::kInternal, options.server + " answered " + method + " " + target +
                                        " with something that is no JSON: is it a zoe-controller?");
}

Expected<codec::Value> Client::State::Call(const std::string& method, const std::string& target,
                                           const codec::Value* body,
                                           const std::string& content_type,
                                           std::optional<Duration> timeout) {
  std::string text;
  if (body != nullptr) text = codec::ToJson(*body);
  ZOE_ASSIGN(const Reply reply,
             Send(method, target, body != nullptr ? &text : nullptr, content_type, timeout));
  if (options.on_warning) {
    for (const std::string& warning : reply.warnings) options.on_warning(warning);
  }
  return Understand(method, target, reply);
}

Expected<std::string> Fetch(const std::string& url, size_t limit) {
  SizePool();
  try {
    const web::uri uri(url);
    ZOE_ASSIGN(const VendorConfig config, MakeConfig("", std::chrono::seconds(30)));
    Vendor vendor(VendorUri(uri.authority().to_string()), config);
    http_request request(web::http::methods::GET);
    request.set_request_uri(uri.resource());
    if (uri.host().starts_with('['))
      request.headers().add("Host", uri.host() + ":" + std::to_string(uri.port()));
    const http_response response = vendor.request(request).get();
    if (response.status_code() != 200) {
      return MakeError(
          CodeFromHttp(response.status_code(), ""),
          "HTTP " + std::to_string(response.status_code()) + " " + response.reason_phrase());
    }
    return ReadAll(response, limit);
  } catch (const std::exception& e) {
    return MakeError(Code::kUnavailable, e.what());
  }
}

}  // namespace zoe::client

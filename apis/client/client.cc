#include "apis/client/client.h"

#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <mutex>

#if defined(__SANITIZE_THREAD__)
// Exceptions and contexts are freed by reference counts that live in libraries which the sanitizer
// doesn't see into. Of our own code only the TLS callback runs on the library's threads.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libcpprest.so\nrace:pplx::\nrace:std::__exception_ptr::\n";
}
#endif

namespace zoe::client {
namespace {

using web::http::http_request;
using web::http::http_response;
using Vendor = web::http::client::http_client;
using VendorConfig = web::http::client::http_client_config;

// Replies of our own server are as large as its store allows.
constexpr codec::Budget kReplyBudget{
    .bytes = size_t{1} << 30, .depth = 128, .nodes = 100'000'000, .alias_nodes = 0};
constexpr size_t kMaxErrorBytes = 1 << 20;
// The library's pool has 40 threads unless it is sized before its first use. Continuations need one
// while another waits.
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

struct Reply {
  int status = 0;
  std::string body;
};

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

}  // namespace

struct Client::State {
  Options options;
  std::string authorization;
  std::mutex mutex;
  std::shared_ptr<Vendor> vendor;  // for reads: holds the kept-alive connections

  Expected<std::shared_ptr<Vendor>> Make(Duration timeout) const {
    ZOE_ASSIGN(const VendorConfig config, MakeConfig(options.ca_file, timeout));
    try {
      return std::make_shared<Vendor>(options.server, config);
    } catch (const std::exception& e) {
      return MakeError(Code::kInvalid, "the server's address \"" + options.server +
                                           "\" can't be used: " + e.what());
    }
  }

  // The library sends a request again, whatever its method, when a kept-alive connection turns out
  // to be closed; the server may have acted on it. So only reads share connections, and a write has
  // one of its own.
  Expected<std::shared_ptr<Vendor>> Connection(bool read) {
    if (!read) return Make(options.timeout);
    const std::lock_guard lock(mutex);
    if (!vendor) {
      ZOE_ASSIGN(vendor, Make(options.timeout));
    }
    return vendor;
  }

  void Forget() {
    const std::lock_guard lock(mutex);
    vendor.reset();
  }

  http_request Prepare(const web::http::method& method, const std::string& target) const {
    http_request request(method);
    request.set_request_uri(target);
    request.headers().add("Accept", "application/json");
    request.headers().add("User-Agent", "zoe");
    if (!authorization.empty()) request.headers().add("Authorization", authorization);
    return request;
  }

  void Trace(const std::string& method, const std::string& target, int status,
             SteadyTime start) const {
    if (!options.on_request) return;
    const auto took =
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start);
    const std::string url = options.server + target;
    options.on_request({.method = method, .url = url, .status = status, .took = took});
  }

  Expected<Reply> Send(const std::string& method, const std::string& target,
                       const std::string* body, const std::string& content_type) {
    const bool read = method == "GET";
    for (int attempt = 0;; ++attempt) {
      const auto start = std::chrono::steady_clock::now();
      ZOE_ASSIGN(const std::shared_ptr<Vendor> connection, Connection(read));
      try {
        http_request request = Prepare(method, target);
        if (body != nullptr) request.set_body(*body, content_type);
        const http_response response = connection->request(request).get();
        ZOE_ASSIGN(std::string text, ReadAll(response, kReplyBudget.bytes));
        Trace(method, target, response.status_code(), start);
        return Reply{response.status_code(), std::move(text)};
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

  Expected<codec::Value> Call(const std::string& method, const std::string& target,
                              const codec::Value* body = nullptr,
                              const std::string& content_type = "application/json") {
    std::string text;
    if (body != nullptr) text = codec::ToJson(*body);
    ZOE_ASSIGN(const Reply reply,
               Send(method, target, body != nullptr ? &text : nullptr, content_type));
    if (reply.status < 200 || reply.status > 299) return ErrorFromReply(reply);
    auto value = codec::ParseJson(reply.body, kReplyBudget);
    if (!value.ok()) {
      return MakeError(Code::kInternal,
                       options.server + " answered " + method + " " + target +
                           " with something that is no JSON: is it a zoe-controller?");
    }
    return value;
  }
};

std::string ResourcePath(std::string_view base, std::string_view ns, std::string_view plural,
                         std::string_view name) {
  std::string path(base);
  if (!ns.empty()) path += "/namespaces/" + Encode(ns);
  path += "/" + Encode(plural);
  if (!name.empty()) path += "/" + Encode(name);
  return path;
}

Expected<std::string> Fetch(const std::string& url, size_t limit) {
  SizePool();
  try {
    const web::uri uri(url);
    ZOE_ASSIGN(const VendorConfig config, MakeConfig("", std::chrono::seconds(30)));
    Vendor vendor(uri.authority(), config);
    http_request request(web::http::methods::GET);
    request.set_request_uri(uri.resource());
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

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;

const std::string& Client::server() const { return state_->options.server; }

Expected<std::unique_ptr<Client>> Client::Open(Options options) {
  SizePool();
  if (options.server.find("://") == std::string::npos) options.server = "http://" + options.server;
  while (options.server.ends_with('/')) options.server.pop_back();
  if (!options.server.starts_with("http://") && !options.server.starts_with("https://")) {
    return MakeError(Code::kInvalid, "the server's address \"" + options.server +
                                         "\" is neither http:// nor https://");
  }
  if (!options.ca_file.empty()) {
    boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
    boost::system::error_code error;
    context.load_verify_file(options.ca_file, error);
    if (error)
      return MakeError(Code::kInvalid, "the certificate authority " + options.ca_file +
                                           " can't be read: " + error.message());
  }
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  if (!state->options.token.empty()) {
    state->authorization = "Bearer " + state->options.token;
  } else if (!state->options.user.empty()) {
    const std::string pair = state->options.user + ":" + state->options.password;
    state->authorization = "Basic " + utility::conversions::to_base64(
                                          std::vector<unsigned char>(pair.begin(), pair.end()));
  }
  if (state->authorization.find_first_of("\r\n") != std::string::npos) {
    return MakeError(Code::kInvalid, "the token holds a line break");
  }
  ZOE_ASSIGN(state->vendor, state->Make(state->options.timeout));
  return std::unique_ptr<Client>(new Client(std::move(state)));
}

Expected<codec::Value> Client::Get(std::string_view path, const Query& query) {
  return state_->Call("GET", Target(path, query));
}

Expected<codec::Value> Client::List(std::string_view path, Query query) {
  ZOE_ASSIGN(codec::Value list, Get(path, query));
  if (list.Find("items") == nullptr || !list.Find("items")->is_array())
    list.Set("items", codec::Array{});
  std::string token = list.StringAt("metadata.continue");
  query.emplace_back("continue", "");
  while (!token.empty()) {
    query.back().second = token;
    ZOE_ASSIGN(codec::Value page, Get(path, query));
    token = page.StringAt("metadata.continue");
    codec::Value* items = page.Find("items");
    if (items == nullptr || !items->is_array()) break;
    auto& all = list.Find("items")->as_array();
    std::move(items->as_array().begin(), items->as_array().end(), std::back_inserter(all));
  }
  if (codec::Value* meta = list.Find("metadata")) meta->Remove("continue");
  return list;
}

Expected<codec::Value> Client::Create(std::string_view path, const codec::Value& object,
                                      const Query& query) {
  return state_->Call("POST", Target(path, query), &object);
}

Expected<codec::Value> Client::Replace(std::string_view path, const codec::Value& object,
                                       const Query& query) {
  return state_->Call("PUT", Target(path, query), &object);
}

Expected<codec::Value> Client::MergePatch(std::string_view path, const codec::Value& patch,
                                          const Query& query) {
  return state_->Call("PATCH", Target(path, query), &patch, "application/merge-patch+json");
}

Expected<codec::Value> Client::Delete(std::string_view path, const Query& query) {
  return state_->Call("DELETE", Target(path, query));
}

Expected<std::string> Client::GetText(std::string_view path, const Query& query) {
  ZOE_ASSIGN(Reply reply, state_->Send("GET", Target(path, query), nullptr, ""));
  if (reply.status < 200 || reply.status > 299) return ErrorFromReply(reply);
  return std::move(reply.body);
}

Expected<void> Client::Stream(std::string_view path, const Query& query, std::stop_token stop,
                              Duration silence,
                              const std::function<bool(std::string_view)>& on_bytes) {
  const std::string target = Target(path, query);
  const auto start = std::chrono::steady_clock::now();
  // A client of its own: the timeout is the client's, and a cancelled connection must not go back
  // to a pool.
  ZOE_ASSIGN(const std::shared_ptr<Vendor> connection, state_->Make(silence));
  pplx::cancellation_token_source cancel;
  const std::stop_callback on_stop(stop, [&] { cancel.cancel(); });
  try {
    const http_response response =
        connection->request(state_->Prepare("GET", target), cancel.get_token()).get();
    state_->Trace("GET", target, response.status_code(), start);
    if (response.status_code() != 200) {
      ZOE_ASSIGN(std::string body, ReadAll(response, kMaxErrorBytes));
      return ErrorFromReply({response.status_code(), std::move(body)});
    }
    auto buffer = response.body().streambuf();
    for (;;) {
      const std::string bytes = ReadSome(buffer, size_t{64} << 10);
      if (bytes.empty()) return {};
      if (!on_bytes(bytes)) {
        cancel.cancel();
        return {};
      }
    }
  } catch (const web::http::http_exception& e) {
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
    return TransportError(state_->options.server, e, true);
  } catch (const std::exception& e) {
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
    return MakeError(Code::kUnavailable, state_->options.server + ": " + e.what());
  }
}

Expected<void> Client::Watch(std::string_view path, const Query& query, std::stop_token stop,
                             Duration silence, const std::function<bool(WatchEvent)>& on_event) {
  Query full = query;
  full.emplace_back("watch", "1");
  std::string pending;
  Expected<void> outcome;
  const auto on_line = [&](std::string_view line) {
    auto event = codec::ParseJson(line, kReplyBudget);
    if (!event.ok() || event->Find("object") == nullptr) {
      outcome = MakeError(Code::kInternal,
                          state_->options.server + " sent a watch event that can't be read");
      return false;
    }
    std::string type = event->StringAt("type");
    codec::Value& object = *event->Find("object");
    if (type == "ERROR") {
      const codec::Value* code = object.Find("code");
      const bool number = code != nullptr && code->kind() == codec::Value::Kind::kInt;
      outcome =
          ErrorFromReply({number ? static_cast<int>(code->as_int()) : 500, codec::ToJson(object)});
      return false;
    }
    return on_event({std::move(type), std::move(object)});
  };
  ZOE_TRY(Stream(path, full, std::move(stop), silence, [&](std::string_view bytes) {
    pending += bytes;
    size_t begin = 0;
    for (size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
      if (end > begin && !on_line(std::string_view(pending).substr(begin, end - begin)))
        return false;
    }
    pending.erase(0, begin);
    return true;
  }));
  return outcome;
}

}  // namespace zoe::client

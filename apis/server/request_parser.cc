#include "apis/server/request_parser.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <limits>

#include "apis/server/status.h"

namespace zoe::server {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Message = http::request<BytesBody>;

Method MethodOf(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::kGet;
    case http::verb::head:
      return Method::kHead;
    case http::verb::post:
      return Method::kPost;
    case http::verb::put:
      return Method::kPut;
    case http::verb::patch:
      return Method::kPatch;
    case http::verb::delete_:
      return Method::kDelete;
    default:
      return Method::kOther;
  }
}

Response Refusal(const error_code& error, const ServerLimits& limits) {
  if (error == http::error::body_limit) {
    return StatusResponse(
        413, "RequestEntityTooLarge",
        "the body is larger than " + std::to_string(limits.body_bytes) + " bytes");
  }
  if (error == http::error::header_limit) {
    return StatusResponse(
        431, "RequestHeaderFieldsTooLarge",
        "the header is larger than " + std::to_string(limits.header_bytes) + " bytes");
  }
  return ErrorResponse(
      MakeError(Code::kBadRequest, "this is no valid HTTP request: " + error.message()));
}

bool Impersonates(const Message& message) {
  static constexpr beast::string_view kPrefix = "Impersonate-";
  return std::any_of(message.begin(), message.end(), [](const auto& field) {
    return beast::iequals(field.name_string().substr(0, kPrefix.size()), kPrefix);
  });
}

void Fill(const Message& message, Request& request) {
  const auto set = [](std::string& to, beast::string_view value) {
    to.assign(value.data(), value.size());
  };
  request.method = MethodOf(message.method());
  set(request.target, message.target());
  set(request.host, message[http::field::host]);
  set(request.origin, message[http::field::origin]);
  set(request.fetch_site, message["Sec-Fetch-Site"]);
  set(request.accept, message[http::field::accept]);
  set(request.content_type, message[http::field::content_type]);
  set(request.authorization, message[http::field::authorization]);
  set(request.cookie, message[http::field::cookie]);
  set(request.csrf_token, message["X-CSRF-Token"]);
  set(request.user_agent, message[http::field::user_agent]);
  set(request.if_none_match, message[http::field::if_none_match]);
}

// Paths are looked at closely only where they may be of such a route: nearly none is.
bool Streams(std::string_view target, std::string_view method) {
  if (target.find("/proxy") == std::string_view::npos &&
      target.find("/pods/") == std::string_view::npos &&
      (method != "PUT" || target.find("/files") == std::string_view::npos))
    return false;
  target = PathAndQuery(target);
  const auto route = ParseRoute(target.substr(0, target.find('?')));
  return route.ok() && StreamsBody(*route, method);
}

void FillStreamed(const Message& message, Request& request) {
  request.stream = std::make_shared<RequestBody>();
  request.fields.clear();
  for (const auto& field : message)
    request.fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
  request.method_name = std::string(message.method_string());
}

}  // namespace

void RequestParser::Begin() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
  // Set when the header tells whose body it is. Beast 1.74 takes an absent limit for 0.
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  begun_ = header_done_ = false;
}

RequestParser::Step RequestParser::Put(beast::flat_buffer& buffer, Request& request) {
  if (header_done_ && parser_->is_done()) return Step::kDone;
  if (buffer.size() == 0) return Step::kMore;
  begun_ = true;
  error_code error;
  buffer.consume(parser_->put(buffer.data(), error));
  if (error == http::error::need_more) return Step::kMore;
  if (error) return Refuse(Refusal(error, limits_));
  if (!header_done_) {
    if (!parser_->is_header_done()) return Step::kMore;
    header_done_ = true;
    return OnHeader(request);
  }
  return parser_->is_done() ? Step::kDone : Step::kBody;
}

RequestParser::Step RequestParser::OnHeader(Request& request) {
  const auto& message = parser_->get();
  http11_ = message.version() >= 11;
  keep_alive_ = message.keep_alive();
  waits_for_continue_ = beast::iequals(message[http::field::expect], "100-continue");
  Fill(message, request);
  // RFC 9112 3.2 and 6.1: what is ambiguous between us and a proxy before us is refused.
  const char* wrong = nullptr;
  if (message.version() != 10 && message.version() != 11)
    wrong = "only HTTP/1.0 and HTTP/1.1 are spoken here";
  if (http11_ && message.count(http::field::host) != 1)
    wrong = "HTTP/1.1 needs exactly one Host header";
  // Beast takes whatever ends in chunked for it: what stands before would be lost.
  if (message.count(http::field::transfer_encoding) > 0 &&
      !beast::iequals(message[http::field::transfer_encoding], "chunked"))
    wrong = "the only transfer encoding is chunked";
  // Beast takes "5, 5" for 5; who reads it next may not.
  if (message[http::field::content_length].find(',') != beast::string_view::npos)
    wrong = "Content-Length must be one number";
  if (wrong != nullptr) return Refuse(ErrorResponse(MakeError(Code::kBadRequest, wrong)));
  // Who asks to act as somebody else must not be served as who they are.
  if (Impersonates(message)) {
    return Refuse(StatusResponse(403, "Forbidden",
                                 "impersonation (Impersonate-User and the like) is not served"));
  }
  const beast::string_view method = message.method_string();
  if (Streams(request.target, {method.data(), method.size()})) {
    FillStreamed(message, request);
    return Step::kHeader;
  }
  const auto length = parser_->content_length();
  if (length && *length > limits_.body_bytes)
    return Refuse(Refusal(http::error::body_limit, limits_));
  parser_->body_limit(limits_.body_bytes);
  return Step::kHeader;
}

RequestParser::Step RequestParser::Refuse(Response refusal) {
  refusal_ = std::move(refusal);
  return Step::kRefused;
}

}  // namespace zoe::server

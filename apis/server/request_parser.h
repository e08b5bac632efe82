// A request from the bytes of a connection, within the limits. Internal to apis/server.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>
#include <string>

#include "apis/server/bytes_body.h"
#include "apis/server/exchange.h"
#include "apis/server/server.h"

namespace zoe::server {

class RequestParser {
 public:
  enum class Step {
    kMore,     // the buffer holds too little to go on
    kHeader,   // the header is complete, and `request` filled from it; once
    kBody,     // a piece more stands in body()
    kDone,     // the request is complete
    kRefused,  // it won't be: refusal() says why
  };

  explicit RequestParser(const ServerLimits& limits) : limits_(limits) { Begin(); }

  // The next request.
  void Begin();
  // Consumes from the buffer what makes the next step.
  Step Put(boost::beast::flat_buffer& buffer, Request& request);

  bool begun() const { return begun_; }  // a byte of the request has come
  bool header_done() const { return header_done_; }
  bool done() const { return parser_->is_done(); }
  bool http11() const { return http11_; }
  bool keep_alive() const { return keep_alive_; }
  // The client sends its body only when it is told to go on.
  bool waits_for_continue() const { return waits_for_continue_; }
  std::string& body() { return parser_->get().body(); }
  const Response& refusal() const { return refusal_; }

 private:
  Step OnHeader(Request& request);
  Step Refuse(Response refusal);

  const ServerLimits& limits_;
  std::optional<boost::beast::http::request_parser<BytesBody>> parser_;
  bool begun_ = false, header_done_ = false;
  bool http11_ = true, keep_alive_ = false, waits_for_continue_ = false;
  Response refusal_;
};

}  // namespace zoe::server

#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "apis/server/loop.h"

namespace boost::asio::ssl {
class context;
}

namespace zoe::server {

// A connection that serves requests one after another: parsed by Beast within the limits, answered
// in order. `tls` may be null. The session holds itself until it is closed. Call on any thread; it
// starts on its loop.
void StartSession(Loop& loop, boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls);

// A peer that has vanished without a word is noticed within some minutes of silence.
void NoticeDeadPeer(boost::asio::ip::tcp::socket& socket);

}  // namespace zoe::server

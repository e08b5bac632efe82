#include "apis/server/socks.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <memory>

namespace zoe::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Names, user names and passwords stand behind one byte that holds their length.
constexpr size_t kMaxText = 255;

// A failure of what lies behind the gateway, in words, by RFC 1928's reply.
Error Refusal(unsigned reply, const std::string& target) {
  std::string message;
  switch (reply) {
    case 2:
      message = "the gateway does not allow connections to " + target;
      break;
    case 5:
      message = "no service answers at " + target +
                ": the connection was refused; does the program listen on all addresses (0.0.0.0)?";
      break;
    case 6:
      message = target + " does not answer: it took too long";
      break;
    default:
      message = target +
                " can't be reached: its name is unknown, or nothing answers there; is it "
                "running? (SOCKS reply " +
                std::to_string(reply) + ")";
  }
  return {Code::kUnavailable, std::string(kBadGateway), std::move(message)};
}

class Dial : public std::enable_shared_from_this<Dial> {
 public:
  Dial(tcp::socket& socket, const SocksServer& server, const std::string& host, uint16_t port,
       std::function<void(Expected<void>)> done)
      : socket_(socket),
        resolver_(socket.get_executor()),
        server_(server),
        host_(host),
        port_(port),
        done_(std::move(done)) {}

  void Start() {
    error_code error;
    const auto address = asio::ip::make_address(server_.host, error);
    if (server_.user.size() > kMaxText || server_.password.size() > kMaxText ||
        host_.size() > kMaxText || server_.password.empty()) {
      return asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->Fail("names and passwords of SOCKS5 have 1 to 255 bytes");
      });
    }
    if (!error) return Connect({address, server_.port});
    resolver_.async_resolve(
        server_.host, std::to_string(server_.port),
        [self = shared_from_this()](const error_code& failure, const auto& found) {
          if (failure || found.empty()) return self->Fail(failure.message());
          self->Connect(found.begin()->endpoint());
        });
  }

 private:
  using Step = void (Dial::*)();

  void Connect(const tcp::endpoint& endpoint) {
    socket_.async_connect(endpoint, [self = shared_from_this()](const error_code& error) {
      if (error) return self->Fail(error.message());
      error_code ignored;
      self->socket_.set_option(tcp::no_delay(true), ignored);
      self->Exchange(std::string("\x05\x01\x02", 3), 2, &Dial::OnMethod);
    });
  }

  // Sends, then reads exactly `size` bytes into answer_.
  void Exchange(std::string bytes, size_t size, Step next) {
    request_ = std::move(bytes);
    asio::async_write(socket_, asio::buffer(request_),
                      [self = shared_from_this(), size, next](const error_code& error, size_t) {
                        if (error) return self->Fail(error.message());
                        self->Read(size, next);
                      });
  }
  void Read(size_t size, Step next) {
    asio::async_read(socket_, asio::buffer(answer_, size),
                     [self = shared_from_this(), next](const error_code& error, size_t) {
                       if (error == asio::error::eof)
                         return self->Fail("it has closed the connection");
                       if (error) return self->Fail(error.message());
                       (self.get()->*next)();
                     });
  }

  void OnMethod() {
    if (answer_[0] != 5 || answer_[1] != 2)
      return Fail("it is no SOCKS5 proxy that takes user name and password");
    std::string login("\x01", 1);
    for (const std::string& text : {server_.user, server_.password})
      login.append(1, static_cast<char>(text.size())).append(text);
    Exchange(std::move(login), 2, &Dial::OnLogin);
  }
  void OnLogin() {
    if (answer_[1] != 0) return Fail("it does not take the account \"" + server_.user + "\"");
    std::string connect("\x05\x01\x00\x03", 4);
    connect.append(1, static_cast<char>(host_.size())).append(host_);
    connect.append(1, static_cast<char>(port_ >> 8)).append(1, static_cast<char>(port_ & 0xff));
    Exchange(std::move(connect), 5, &Dial::OnReply);
  }
  // Version, reply, reserved, address type and its first byte have come.
  void OnReply() {
    if (answer_[0] != 5) return Fail("its answer is not SOCKS5's");
    if (answer_[1] != 0) return Finish(Refusal(answer_[1], host_ + ":" + std::to_string(port_)));
    constexpr size_t kPort = 2;
    switch (answer_[3]) {
      case 1:
        return Read(3 + kPort, &Dial::OnOpen);
      case 3:
        return Read(size_t{answer_[4]} + kPort, &Dial::OnOpen);
      case 4:
        return Read(15 + kPort, &Dial::OnOpen);
      default:
        return Fail("its answer is not SOCKS5's");
    }
  }
  void OnOpen() { Finish({}); }

  void Fail(const std::string& why) {
    Finish(MakeError(Code::kUnavailable, "the namespace's gateway at " + server_.host + ":" +
                                             std::to_string(server_.port) +
                                             " can't be used: " + why));
  }
  void Finish(Expected<void> result) { std::exchange(done_, nullptr)(std::move(result)); }

  tcp::socket& socket_;
  tcp::resolver resolver_;
  const SocksServer server_;
  const std::string host_;
  const uint16_t port_;
  std::function<void(Expected<void>)> done_;
  std::string request_;
  std::array<unsigned char, kMaxText + 2> answer_{};
};

}  // namespace

void SocksConnect(tcp::socket& socket, const SocksServer& server, const std::string& host,
                  uint16_t port, std::function<void(Expected<void>)> done) {
  std::make_shared<Dial>(socket, server, host, port, std::move(done))->Start();
}

}  // namespace zoe::server

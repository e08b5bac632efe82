// The readiness scripts, run by a real shell with one tool at a time against a port of this
// process.
#include "reconcilers/execution/readiness.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

namespace zoe::execution {
namespace {

using testing::ElementsAre;

// Answers every connection with one line until it is destroyed.
class Server {
 public:
  explicit Server(std::string answer)
      : answer_(std::move(answer)), socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(socket_, 16), 0);
    socklen_t size = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~Server() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
  }
  int port() const { return port_; }

 private:
  void Serve() {
    for (;;) {
      const int client = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      const timeval patience{2, 0};
      setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      // Read to the end: closing with unread bytes would reset the connection.
      std::string request;
      char piece[4096];
      ssize_t size = 0;
      while (!request.ends_with("\r\n\r\n") && (size = recv(client, piece, sizeof piece, 0)) > 0)
        request.append(piece, static_cast<size_t>(size));
      send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      close(client);
    }
  }
  const std::string answer_;
  const int socket_;
  int port_ = 0;
  std::thread thread_;
};

std::string Find(const std::string& tool) {
  for (const char* dir : {"/usr/bin/", "/bin/"}) {
    if (std::filesystem::exists(dir + tool)) return dir + tool;
  }
  return "";
}

std::string Quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// True if the check passes where `tool` is the only program.
bool Passes(const v1::Readiness& readiness, const std::string& tool) {
  char directory[] = "/tmp/readiness.XXXXXX";
  EXPECT_NE(mkdtemp(directory), nullptr);
  if (!tool.empty())
    std::filesystem::create_symlink(Find(tool), std::string(directory) + "/" + tool);
  const std::string command = "PATH=" + std::string(directory) +
                              " HOSTNAME=localhost http_proxy=http://127.0.0.1:1 /bin/sh -c " +
                              Quote(ToHealthcheck(readiness).test.at(1)) + " >/dev/null 2>&1";
  const int status = std::system(command.c_str());
  std::filesystem::remove_all(directory);
  return status == 0;
}

v1::Readiness Http(int port, const std::string& path = "/") {
  v1::Readiness readiness;
  readiness.http = v1::HttpProbe{port, path};
  readiness.timeout_seconds = 5;
  return readiness;
}

v1::Readiness Tcp(int port) {
  v1::Readiness readiness;
  readiness.tcp = v1::TcpProbe{port};
  readiness.timeout_seconds = 5;
  return readiness;
}

// Those that are installed here: what an image lacks is another test.
std::vector<std::string> Installed(std::vector<std::string> tools) {
  std::erase_if(tools, [](const std::string& tool) { return Find(tool).empty(); });
  return tools;
}

using ReadinessTool = testing::TestWithParam<std::string>;
using HttpTool = ReadinessTool;
using TcpTool = ReadinessTool;

TEST_P(HttpTool, TellsReadyFromNotReady) {
  const Server good("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
      bad("HTTP/1.0 503 No\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(Passes(Http(good.port()), GetParam()));
  EXPECT_TRUE(Passes(Http(good.port(), "/it's?a=b&c=$(d)%20"), GetParam()));
  EXPECT_FALSE(Passes(Http(bad.port()), GetParam()));
  EXPECT_FALSE(Passes(Http(1), GetParam()));
}

TEST_P(TcpTool, TellsReadyFromNotReady) {
  const Server anything("hello\n");
  EXPECT_TRUE(Passes(Tcp(anything.port()), GetParam()));
  EXPECT_FALSE(Passes(Tcp(1), GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Readiness, HttpTool,
                         testing::ValuesIn(Installed({"curl", "wget", "python3", "bash"})),
                         [](const auto& tool) { return tool.param; });
INSTANTIATE_TEST_SUITE_P(Readiness, TcpTool,
                         testing::ValuesIn(Installed({"bash", "python3", "nc", "curl"})),
                         [](const auto& tool) { return tool.param; });

TEST(Readiness, AnImageWithoutAnyToolIsNeverReady) {
  const Server good("HTTP/1.0 200 OK\r\n\r\n");
  EXPECT_FALSE(Passes(Http(good.port()), ""));
  EXPECT_FALSE(Passes(Tcp(good.port()), ""));
}

TEST(Readiness, ExecRunsAsItIs) {
  v1::Readiness readiness;
  readiness.exec = v1::ExecProbe{{"test", "-f", "/ready"}};
  EXPECT_THAT(ToHealthcheck(readiness).test, ElementsAre("CMD", "test", "-f", "/ready"));
}

}  // namespace
}  // namespace zoe::execution

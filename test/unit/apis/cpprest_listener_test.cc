// Why the server is not cpprestsdk's (docs/decisions/0001): its listener dies of one anonymous
// request. A child process runs the listener; should a later version survive, this test says so,
// and the decision may be looked at again.
#include <arpa/inet.h>
#include <cpprest/http_listener.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "test/unit/apis/peer.h"

namespace zoe {
namespace {

uint16_t FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) return 0;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

[[noreturn]] void Listen(uint16_t port, int ready) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (freopen("/dev/null", "w", stderr) == nullptr) _exit(2);
  web::http::experimental::listener::http_listener listener("http://127.0.0.1:" +
                                                            std::to_string(port));
  listener.support([](const web::http::http_request& request) {
    request.reply(web::http::status_codes::OK, "ok");
  });
  listener.open().wait();
  if (write(ready, "r", 1) != 1) _exit(2);
  while (true) pause();
}

TEST(CpprestListener, DiesOfANegativeChunkSize) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers change what a failed allocation does";
#endif
  const uint16_t port = FreePort();
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) Listen(port, ready[1]);
  close(ready[1]);
  char byte = 0;
  const bool listening = read(ready[0], &byte, 1) == 1;
  close(ready[0]);
  if (listening) {
    EXPECT_EQ(Peer(port).Call("GET", "/").status, 200);
    Peer stranger(port, 1'500);
    stranger.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n");
    stranger.AwaitClose();
  }
  const int end = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  pollfd ended{end, POLLIN, 0};
  poll(&ended, 1, 1'500);
  close(end);
  int status = 0;
  const bool died = waitpid(child, &status, WNOHANG) == child;
  if (!died) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  ASSERT_TRUE(listening);
  EXPECT_TRUE(died) << "this cpprestsdk survives a negative chunk size";
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status;
}

}  // namespace
}  // namespace zoe

#include "test/conformance/store/zookeeper_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "test/conformance/store/backend.h"

namespace zoe::conformance {
namespace {

constexpr const char* kJava = "/usr/bin/java";
constexpr const char* kJar = "/usr/share/java/zookeeper.jar";
constexpr auto kStartTimeout = std::chrono::seconds(30);

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// The server can't be asked for port 0: a port that was free a moment ago is the best there is.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

}  // namespace

ZooKeeperServer::ZooKeeperServer() : dir_(std::make_unique<TempDir>()), port_(FreePort()) {}

ZooKeeperServer::~ZooKeeperServer() { Kill(); }

Expected<std::unique_ptr<ZooKeeperServer>> ZooKeeperServer::Start(bool sync) {
  for (const char* needed : {kJava, kJar}) {
    if (!std::filesystem::exists(needed))
      return MakeError(Code::kUnavailable,
                       std::string(needed) + " is missing: a real ZooKeeper server is needed");
  }
  std::unique_ptr<ZooKeeperServer> server(new ZooKeeperServer);
  std::ofstream(server->dir_->path() + "/zoo.cfg")
      << "tickTime=250\nminSessionTimeout=500\nmaxSessionTimeout=60000\n"
      << "dataDir=" << server->dir_->path() << "/data\n"
      << "clientPort=" << server->port_ << "\nclientPortAddress=127.0.0.1\n"
      << "admin.enableServer=false\nmaxClientCnxns=0\nforceSync=" << (sync ? "yes" : "no") << "\n"
      << "4lw.commands.whitelist=srvr\n";
  ZOE_TRY(server->Launch());
  return server;
}

Expected<void> ZooKeeperServer::Restart() { return Launch(); }

Expected<void> ZooKeeperServer::Launch() {
  const std::string config = dir_->path() + "/zoo.cfg", log = dir_->path() + "/log";
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, 1);
    dup2(out, 2);
    execl(kJava, kJava, "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
          "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp",
          "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar",
          "org.apache.zookeeper.server.quorum.QuorumPeerMain", config.c_str(), nullptr);
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (!Serves()) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return MakeError(Code::kUnavailable, "the ZooKeeper server ended at its start");
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return MakeError(Code::kUnavailable, "the ZooKeeper server did not come up within 30 s");
    }
    poll(nullptr, 0, 20);
  }
  return {};
}

// Asks "srvr", one of the server's four-letter words.
bool ZooKeeperServer::Serves() const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  const sockaddr_in address = Loopback(port_);
  std::string answer(4096, '\0');
  ssize_t size = 0;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      write(fd, "srvr", 4) == 4) {
    for (ssize_t n = 0;
         (n = read(fd, answer.data() + size, answer.size() - static_cast<size_t>(size))) > 0;)
      size += n;
  }
  close(fd);
  answer.resize(static_cast<size_t>(size));
  return answer.find("Mode:") != std::string::npos;
}

void ZooKeeperServer::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void ZooKeeperServer::Freeze() { kill(pid_, SIGSTOP); }
void ZooKeeperServer::Thaw() { kill(pid_, SIGCONT); }

}  // namespace zoe::conformance

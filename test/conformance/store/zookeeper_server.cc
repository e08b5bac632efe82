#include "test/conformance/store/zookeeper_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "test/conformance/store/backend.h"

namespace zoe::conformance {
namespace {

constexpr const char* kJava = "/usr/bin/java";
constexpr const char* kJar = "/usr/share/java/zookeeper.jar";
constexpr auto kStartTimeout = std::chrono::seconds(30);
constexpr int kTickMillis = 250;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// The server can't be asked for port 0: a port that was free a moment ago is the best there is.
// Below those that the kernel gives to outgoing connections, so that none of them takes it while
// the server is down.
int FreePort() {
  static std::minstd_rand random(std::random_device{}());
  for (int tries = 0; tries < 1000; ++tries) {
    const int port = 10'000 + static_cast<int>(random() % 22'000);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(port);
    const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    close(fd);
    if (bound) return port;
  }
  return 0;
}

Expected<void> Installed() {
  for (const char* needed : {kJava, kJar}) {
    if (!std::filesystem::exists(needed))
      return MakeError(Code::kUnavailable,
                       std::string(needed) + " is missing: a real ZooKeeper server is needed");
  }
  return {};
}

bool Stopped(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::ifstream stat(task.path() / "stat");
    const std::string text(std::istreambuf_iterator<char>(stat), {});
    const size_t name_end = text.rfind(')');
    if (name_end != text.npos && name_end + 2 < text.size() && text[name_end + 2] != 'T')
      return false;
  }
  return true;
}

}  // namespace

ZooKeeperServer::ZooKeeperServer() : dir_(std::make_unique<TempDir>()), port_(FreePort()) {}

ZooKeeperServer::~ZooKeeperServer() { Kill(); }

Expected<std::unique_ptr<ZooKeeperServer>> ZooKeeperServer::Start(bool sync) {
  ZOE_TRY(Installed());
  std::unique_ptr<ZooKeeperServer> server(new ZooKeeperServer);
  server->WriteConfig(sync, "");
  server->Spawn();
  ZOE_TRY(server->WaitServing());
  return server;
}

void ZooKeeperServer::WriteConfig(bool sync, const std::string& more) {
  std::ofstream(dir_->path() + "/zoo.cfg")
      << "tickTime=" << kTickMillis << "\nminSessionTimeout=500\nmaxSessionTimeout=60000\n"
      << "dataDir=" << dir_->path() << "/data\n"
      << "clientPort=" << port_ << "\nclientPortAddress=127.0.0.1\n"
      << "admin.enableServer=false\nmaxClientCnxns=0\nforceSync=" << (sync ? "yes" : "no") << "\n"
      << "4lw.commands.whitelist=srvr\n"
      << more;
}

Expected<void> ZooKeeperServer::Restart() {
  Spawn();
  return WaitServing();
}

void ZooKeeperServer::Spawn() {
  const std::string config = dir_->path() + "/zoo.cfg", log = dir_->path() + "/log";
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(out, 1);
  dup2(out, 2);
  execl(kJava, kJava, "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
        "-Dzookeeper.fastleader.maxNotificationInterval=400",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp",
        "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar",
        "org.apache.zookeeper.server.quorum.QuorumPeerMain", config.c_str(), nullptr);
  _exit(127);
}

Expected<void> ZooKeeperServer::WaitServing() {
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (Mode().empty()) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return MakeError(Code::kUnavailable, "the ZooKeeper server ended at its start:\n" + Log());
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return MakeError(Code::kUnavailable,
                       "the ZooKeeper server did not come up within 30 s:\n" + Log());
    }
    poll(nullptr, 0, 20);
  }
  return {};
}

// Asks "srvr", one of the server's four-letter words.
std::string ZooKeeperServer::Mode() const {
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
  const size_t at = answer.find("Mode: ");
  if (at == std::string::npos) return "";
  return answer.substr(at + 6, answer.find('\n', at) - at - 6);
}

std::string ZooKeeperServer::Log() const {
  std::ifstream in(dir_->path() + "/log");
  return {std::istreambuf_iterator<char>(in), {}};
}

void ZooKeeperServer::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void ZooKeeperServer::Freeze() {
  kill(pid_, SIGSTOP);
  // Its threads stop one after the other, each when it is its turn to run.
  while (!Stopped(pid_)) usleep(1'000);
}
void ZooKeeperServer::Thaw() { kill(pid_, SIGCONT); }

// ---- ZooKeeperEnsemble

Expected<std::unique_ptr<ZooKeeperEnsemble>> ZooKeeperEnsemble::Start(int size) {
  ZOE_TRY(Installed());
  std::unique_ptr<ZooKeeperEnsemble> ensemble(new ZooKeeperEnsemble);
  ensemble->Configure(size);
  for (int i = 0; i < size; ++i) ensemble->Spawn(i);
  ZOE_TRY(ensemble->WaitServing());
  return ensemble;
}

// Each server is told of the others under addresses of its own: a follower's connection to its
// leader goes through a proxy, the election's do not.
void ZooKeeperEnsemble::Configure(int size) {
  std::vector<int> quorum_ports, election_ports;
  for (int i = 0; i < size; ++i) {
    servers_.emplace_back(new ZooKeeperServer);
    quorum_ports.push_back(FreePort());
    election_ports.push_back(FreePort());
  }
  links_.resize(static_cast<size_t>(size));
  for (size_t i = 0; i < servers_.size(); ++i) {
    std::string more = "initLimit=16\nsyncLimit=" + std::to_string(kPatienceMillis / kTickMillis) +
                       "\nstandaloneEnabled=false\n";
    for (size_t j = 0; j < servers_.size(); ++j) {
      links_[i].push_back(
          i == j ? nullptr : std::make_unique<TcpProxy>(quorum_ports[j], TcpProxy::Absent::kWait));
      const std::string address =
          i == j ? "127.0.0.1:" + std::to_string(quorum_ports[j]) : links_[i][j]->hosts();
      more += "server." + std::to_string(j + 1) + "=" + address + ":" +
              std::to_string(election_ports[j]) + "\n";
    }
    servers_[i]->WriteConfig(false, more);
    const std::string data = servers_[i]->dir_->path() + "/data";
    std::filesystem::create_directory(data);
    std::ofstream(data + "/myid") << i + 1 << "\n";
  }
}

std::string ZooKeeperEnsemble::hosts() const {
  std::string all;
  for (const auto& server : servers_) all += (all.empty() ? "" : ",") + server->hosts();
  return all;
}

int ZooKeeperEnsemble::Leader() {
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (std::chrono::steady_clock::now() < deadline) {
    for (int i = 0; i < size(); ++i) {
      if (server(i).Mode() == "leader") return i;
    }
    poll(nullptr, 0, 20);
  }
  return -1;
}

int ZooKeeperEnsemble::Follower() {
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (std::chrono::steady_clock::now() < deadline) {
    for (int i = 0; i < size(); ++i) {
      if (server(i).Mode() == "follower") return i;
    }
    poll(nullptr, 0, 20);
  }
  return -1;
}

Expected<void> ZooKeeperEnsemble::Heal() {
  for (int i = 0; i < size(); ++i) {
    CatchUp(i);
    server(i).running() ? server(i).Thaw() : Spawn(i);
  }
  return WaitServing();
}

// A leader that was frozen believes in itself for a moment after it is thawed.
Expected<void> ZooKeeperEnsemble::WaitServing() {
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (true) {
    for (const auto& server : servers_) ZOE_TRY(server->WaitServing());
    const auto leaders = std::ranges::count_if(
        servers_, [](const auto& server) { return server->Mode() == "leader"; });
    if (leaders == 1) return {};
    if (std::chrono::steady_clock::now() > deadline)
      return MakeError(Code::kUnavailable, "the ZooKeeper ensemble elected no leader within 30 s");
    poll(nullptr, 0, 20);
  }
}

void ZooKeeperEnsemble::Lag(int follower) {
  for (const auto& link : links_[static_cast<size_t>(follower)]) {
    if (link) link->BlockReplies();
  }
}

void ZooKeeperEnsemble::CatchUp(int follower) {
  for (const auto& link : links_[static_cast<size_t>(follower)]) {
    if (link) link->Unblock();
  }
}

}  // namespace zoe::conformance

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/runtime/local_files.h"
#include "specs/codec/value.h"
#include "specs/v1/workspace.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFiles = "/apis/zoe/v1/namespaces/alice/workspaces/alice/files";

class ServerFiles : public testing::Test {
 protected:
  ServerFiles() { Serve(TestOptions()); }
  ~ServerFiles() override {
    served.server.reset();
    fs::remove_all(root);
  }

  void Serve(ServerOptions options) {
    served.server = std::make_unique<Server>(std::move(options), ServerDeps{*served.store,
                                                                            served.cache,
                                                                            *served.swarm,
                                                                            served.admission,
                                                                            served.metrics,
                                                                            served.clock,
                                                                            {},
                                                                            &files,
                                                                            root.string(),
                                                                            "zoe"});
    ASSERT_TRUE(served.server->Start().ok());
  }

  static fs::path MakeRoot() {
    std::string name = fs::temp_directory_path() / "zoe-served-XXXXXX";
    const fs::path made = mkdtemp(name.data());
    fs::create_directories(made / "zoe/alice");
    return made;
  }

  void PutWorkspace(const std::function<void(v1::Workspace&)>& change = {}) {
    v1::Workspace workspace;
    workspace.meta.name = workspace.meta.ns = "alice";
    workspace.meta.uid = "uid-1";
    if (change) change(workspace);
    const Key key{"Workspace", "alice", "alice"};
    const std::string bytes = v1::EncodeJson(*v1::FindKind("Workspace"), workspace);
    const auto old = served.store->Get(key);
    const auto written = old.ok() ? served.store->Replace(key, old->revision, bytes)
                                  : served.store->Create(key, bytes);
    ASSERT_TRUE(written.ok());
    ASSERT_TRUE(served.cache.WaitFor(*written, Duration(10'000)));
  }

  Answer Call(std::string_view method, const std::string& path, std::string_view body = {},
              std::string_view headers = {}) {
    return Peer(served.port()).Call(method, kFiles + path, body, headers);
  }
  static codec::Value Json(const Answer& answer) {
    const auto value = codec::ParseJson(answer.body);
    EXPECT_TRUE(value.ok()) << answer.body;
    return value.ok() ? *value : codec::Value{};
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(top)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string Content(const std::string& path) const {
    std::ifstream file(top / path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  const fs::path root = MakeRoot(), top = root / "zoe/alice";
  LocalFiles files;
  Served served;
};

TEST_F(ServerFiles, FilesAreUploadedListedDownloadedAndRemoved) {
  PutWorkspace();
  Answer answer = Call("PUT", "/hello.txt", "hello");
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(Json(answer).StringAt("name"), "hello.txt");
  EXPECT_EQ(Json(answer).StringAt("type"), "file");
  EXPECT_EQ(Call("PUT", "/hello.txt", "hello again").status, 200);
  EXPECT_EQ(Call("PUT", "/a/b/c?mkdir=true").status, 201);
  EXPECT_EQ(Call("PUT", "/a/b/c/?mkdir=true").status, 200);
  EXPECT_EQ(Call("PUT", "/a/b/c/d%20%C3%BC%2523", "x").status, 201);
  EXPECT_EQ(Content("a/b/c/d \xc3\xbc%23"), "x");
  EXPECT_EQ(Call("PUT", "/new/place/f?mkdir=true", "with its parents").status, 201);
  EXPECT_EQ(Content("new/place/f"), "with its parents");
  EXPECT_EQ(Call("DELETE", "/new?recursive=true").status, 200);
  EXPECT_EQ(Call("PUT", "/empty").status, 201);

  answer = Call("GET", "/hello.txt");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello again");
  EXPECT_EQ(answer.headers["content-length"], "11");
  EXPECT_EQ(answer.headers["content-type"], "application/octet-stream");
  EXPECT_EQ(answer.headers["x-content-type-options"], "nosniff");
  EXPECT_THAT(answer.headers["last-modified"], HasSubstr(" GMT"));
  const std::string tag = answer.headers["etag"];
  EXPECT_EQ(Call("GET", "/hello.txt").headers["etag"], tag);
  EXPECT_EQ(Call("GET", "/empty").headers["content-length"], "0");
  answer = Call("HEAD", "/hello.txt");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers["content-length"], "11");

  answer = Call("GET", "/");
  EXPECT_EQ(Json(answer).StringAt("kind"), "FileList");
  EXPECT_EQ(Json(answer).StringAt("path"), "");
  ASSERT_EQ(Json(answer).Find("items")->as_array().size(), 3u);
  EXPECT_EQ(Json(answer).Find("items")->as_array()[0].StringAt("type"), "directory");
  EXPECT_EQ(Json(Call("GET", "/a/b/c")).StringAt("path"), "a/b/c");
  EXPECT_EQ(Call("GET", "").body, answer.body);

  EXPECT_EQ(Call("DELETE", "/a").status, 409);
  answer = Call("DELETE", "/a?recursive=true");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(Json(answer).StringAt("status"), "Success");
  EXPECT_EQ(Call("DELETE", "/hello.txt").status, 200);
  EXPECT_EQ(Call("DELETE", "/hello.txt").status, 404);
  EXPECT_THAT(Names(), ElementsAre("empty"));
}

TEST_F(ServerFiles, LargeDirectoriesComeInPages) {
  PutWorkspace();
  for (int i = 100; i < 125; ++i) std::ofstream(top / std::to_string(i)) << "";
  std::vector<std::string> names;
  std::string token;
  int pages = 0;
  do {
    const codec::Value page =
        Json(Call("GET", "?limit=10" + (token.empty() ? "" : "&continue=" + token)));
    for (const codec::Value& item : page.Find("items")->as_array())
      names.push_back(item.StringAt("name"));
    token = page.StringAt("metadata.continue");
    ++pages;
  } while (!token.empty() && pages < 10);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(names.size(), 25u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(Call("GET", "?continue=nonsense").status, 400);
  EXPECT_EQ(Call("GET", "?limit=-1").status, 400);
}

TEST_F(ServerFiles, NothingOutsideIsReached) {
  PutWorkspace();
  fs::create_directories(root / "zoe/bob");
  std::ofstream(root / "zoe/bob/secret") << "secret";
  fs::create_directory_symlink("../bob", top / "bob");
  fs::create_symlink("/etc/passwd", top / "passwd");
  for (const char* path : {"/../bob/secret", "/%2e%2e/bob/secret", "/x/../../bob/secret",
                           "/bob/secret", "/passwd", "/..%2fbob%2fsecret"}) {
    const Answer answer = Call("GET", path);
    EXPECT_EQ(answer.status, 403) << path << ": " << answer.body;
    EXPECT_EQ(Json(answer).StringAt("reason"), "Forbidden") << path;
    EXPECT_EQ(answer.body.find(root), std::string::npos) << "the place is nobody's business";
  }
  EXPECT_EQ(Call("PUT", "/../bob/new", "x").status, 403);
  EXPECT_EQ(Call("PUT", "/bob/new", "x").status, 403);
  EXPECT_EQ(Call("PUT", "/bob/new?mkdir=true").status, 403);
  EXPECT_EQ(Call("DELETE", "/bob/secret").status, 403);
  EXPECT_EQ(Call("DELETE", "/../bob?recursive=true").status, 403);
  EXPECT_EQ(Call("DELETE", "?recursive=true").status, 403);
  EXPECT_EQ(Call("GET", "/a%00b").status, 400);
  EXPECT_EQ(Call("GET", "/a//b").status, 400);
  EXPECT_EQ(Call("GET", "//etc/passwd").status, 400);
  EXPECT_EQ(Call("GET", "/" + std::string(300, 'n')).status, 400);
  std::string deep;
  for (int i = 0; i < 5'000; ++i) deep += "/a";
  EXPECT_EQ(Call("GET", deep).status, 400);
  EXPECT_TRUE(fs::exists(root / "zoe/bob/secret"));
  EXPECT_FALSE(fs::exists(root / "zoe/bob/new"));
}

TEST_F(ServerFiles, WhatDoesNotFitIsSaid) {
  EXPECT_EQ(Call("GET", "/x").status, 404) << "no Workspace";
  PutWorkspace();
  EXPECT_EQ(Call("GET", "/none").status, 404);
  EXPECT_EQ(Call("PUT", "/none/file", "x").status, 404);
  EXPECT_EQ(Call("POST", "/x", "x").status, 405);
  fs::create_directory(top / "d");
  EXPECT_EQ(Call("PUT", "/d", "x").status, 409);
  EXPECT_EQ(Call("PUT", "", "x").status, 409);
  std::ofstream(top / "f") << "x";
  EXPECT_EQ(Call("PUT", "/f?mkdir=true").status, 409);
  EXPECT_EQ(Call("PUT", "/f/x", "x").status, 409);
  ASSERT_EQ(mkfifo((top / "fifo").c_str(), 0666), 0);
  EXPECT_EQ(Call("GET", "/fifo").status, 403);
  EXPECT_EQ(Call("PUT", "/fifo", "x").status, 409);
  EXPECT_EQ(Call("DELETE", "/fifo").status, 200);
  PutWorkspace([](v1::Workspace& w) { w.spec.volume = v1::WorkspaceVolume{}; });
  EXPECT_EQ(Call("GET", "/").status, 501);
  PutWorkspace([&](v1::Workspace& w) {
    w.meta.deletion_timestamp = served.clock.WallNow();
    w.meta.finalizers = {"zoe/workspace"};
  });
  EXPECT_EQ(Call("PUT", "/new", "x").status, 409);
  EXPECT_EQ(Call("GET", "/").status, 200);
  PutWorkspace();
  fs::remove_all(top);
  const Answer answer = Call("GET", "/");
  EXPECT_EQ(answer.status, 503) << answer.body;
}

TEST_F(ServerFiles, AFullDiskIsSaidAndNothingHalfIsLeft) {
  if (geteuid() != 0 || mount("tmpfs", top.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "needs root and the right to mount";
  PutWorkspace();
  const Answer answer = Call("PUT", "/big", std::string(4 << 20, 'x'));
  EXPECT_EQ(answer.status, 507) << answer.body;
  EXPECT_EQ(Json(answer).StringAt("reason"), "InsufficientStorage");
  EXPECT_TRUE(Names().empty());
  EXPECT_EQ(Call("PUT", "/small", "x").status, 201);
  ASSERT_EQ(mount(nullptr, top.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_EQ(Call("PUT", "/more", "x").status, 503);
  EXPECT_EQ(Call("GET", "/small").body, "x");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (umount(top.c_str()) != 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
}

TEST_F(ServerFiles, AnUploadThatIsCutLeavesNothing) {
  PutWorkspace();
  std::ofstream(top / "file") << "old";
  {
    Peer peer(served.port());
    ASSERT_TRUE(peer.Send("PUT " + kFiles +
                          "/file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" +
                          std::string(100'000, 'x')));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (Names().size() < 2) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (Names().size() > 1) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  EXPECT_EQ(Content("file"), "old");
}

TEST_F(ServerFiles, TransfersAreBoundedForEachUserAndHinderNothingElse) {
  ServerOptions options = TestOptions();
  options.limits.transfers = 2;
  Serve(std::move(options));
  PutWorkspace();
  Peer slow(served.port());
  ASSERT_TRUE(slow.Send("PUT " + kFiles +
                        "/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (Names().empty()) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  const Answer answer = Call("GET", "/");
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(Json(answer).StringAt("reason"), "TooManyRequests");
  const Answer other =
      Peer(served.port()).Call("DELETE", "/apis/zoe/v1/namespaces/alice/executions/none");
  EXPECT_EQ(other.status, 404);
  ASSERT_TRUE(slow.Send("67890"));
  EXPECT_EQ(slow.Read().status, 201);
  EXPECT_EQ(Content("slow"), "1234567890");
  while (Call("GET", "/").status != 200) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// A client without any memory.
class RawPeer {
 public:
  explicit RawPeer(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 30};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~RawPeer() { close(fd_); }
  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  ssize_t Receive(std::string& into) const { return recv(fd_, into.data(), into.size(), 0); }

 private:
  int fd_;
};

TEST_F(ServerFiles, HugeFilesGoUpAndDownInLittleMemory) {
  constexpr size_t kUpload = size_t{1} << 28, kSize = size_t{1} << 30;
  constexpr size_t kMuch = 48 << 20;
  PutWorkspace();
  const std::string piece(1 << 20, '\0');
  std::string received(1 << 20, '\0');
  const size_t before = ResidentBytes();
  size_t most = before;
  {
    const RawPeer peer(served.port());
    ASSERT_TRUE(peer.Send("PUT " + kFiles + "/big HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                          std::to_string(kUpload) + "\r\n\r\n"));
    for (size_t sent = 0; sent < kUpload; sent += piece.size()) {
      ASSERT_TRUE(peer.Send(piece));
      if (sent % (16 << 20) == 0) most = std::max(most, ResidentBytes());
    }
    const ssize_t got = peer.Receive(received);
    ASSERT_GT(got, 0);
    EXPECT_EQ(received.substr(0, 12), "HTTP/1.1 201");
  }
  EXPECT_EQ(fs::file_size(top / "big"), kUpload);
  // Only its size matters now: read from holes.
  ASSERT_EQ(truncate((top / "big").c_str(), 0), 0);
  ASSERT_EQ(truncate((top / "big").c_str(), kSize), 0);
  const RawPeer peer(served.port());
  ASSERT_TRUE(
      peer.Send("GET " + kFiles + "/big HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  size_t total = 0, reads = 0;
  for (ssize_t got = 1; got > 0;) {
    got = peer.Receive(received);
    if (got > 0) total += static_cast<size_t>(got);
    if (++reads % 256 == 0) most = std::max(most, ResidentBytes());
  }
  EXPECT_GT(total, kSize);
  EXPECT_LT(total, kSize + 4096);
  EXPECT_LT(most, before + kMuch);
}

TEST_F(ServerFiles, AFileThatBecomesShorterMeanwhileIsNoCompleteAnswer) {
  PutWorkspace();
  std::ofstream(top / "file") << "";
  fs::resize_file(top / "file", 64 << 20);
  Peer peer(served.port(), 10'000, 4096);
  ASSERT_TRUE(peer.Send("GET " + kFiles + "/file HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const Answer head = peer.ReadHead();
  EXPECT_EQ(head.status, 200);
  fs::resize_file(top / "file", 1 << 20);
  EXPECT_TRUE(peer.AwaitClose());
}

}  // namespace
}  // namespace zoe

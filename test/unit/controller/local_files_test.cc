#include "controller/runtime/local_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

namespace zoe {
namespace {

namespace fs = std::filesystem;
using State = TreeLook::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

bool IsRoot() { return geteuid() == 0; }

// A place of its own: outside/ with what nobody may reach, root/ with the trees.
class LocalFilesTest : public testing::Test {
 protected:
  LocalFilesTest() {
    std::string name = fs::temp_directory_path() / "zoe-files-XXXXXX";
    dir = mkdtemp(name.data());
    fs::create_directories(dir / "root/zoe");
    fs::create_directories(dir / "outside/deep");
    Put("outside/secret", "secret");
    Put("outside/deep/secret", "secret");
    tree = WorkspaceTree((dir / "root").string(), "zoe", "alice");
    top = dir / "root/zoe/alice";
  }
  ~LocalFilesTest() override {
    // What lies thousands of levels deep is too much for the library.
    EXPECT_EQ(std::system(("rm -rf " + dir.string()).c_str()), 0);
  }

  void Put(const std::string& path, const std::string& text) const {
    std::ofstream(dir / path) << text;
  }
  std::string Get(const std::string& path) const {
    std::ifstream file(dir / path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  struct stat Status(const fs::path& path) const {
    struct stat status {};
    EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
    return status;
  }
  // Paths within, made relative; sorted.
  std::vector<std::string> Everything() const {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(top))
      paths.push_back(entry.path().lexically_relative(top));
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  std::unique_ptr<FileTree> Open() {
    fs::create_directories(top);
    auto opened = files.Open(tree);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
    return std::move(opened).value();
  }
  static std::string ReadAll(FileTree& open, const std::string& path) {
    auto file = open.Read(path);
    if (!file.ok()) return file.error().reason + ": " + file.error().message;
    std::string text;
    while (true) {
      const auto piece = (*file)->Read(4096);
      if (!piece.ok()) return piece.error().message;
      if (piece->empty()) return text;
      text += *piece;
    }
  }
  static Expected<FileWriter::Committed> WriteAll(FileTree& open, const std::string& path,
                                                  const std::string& text) {
    ZOE_ASSIGN(const auto file, open.Write(path));
    ZOE_TRY(file->Write(text));
    return file->Commit();
  }
  static Expected<void> RemoveAll(FileTree& open, const std::string& path, StepBudget budget = {}) {
    while (true) {
      ZOE_ASSIGN(const bool gone, open.Remove(path, true, budget));
      if (gone) return {};
    }
  }

  fs::path dir, top;
  TreePath tree;
  LocalFiles files;
};

// ---- trees

TEST_F(LocalFilesTest, ATreeIsLookedAtLevelByLevel) {
  const auto state = [&](const std::string& root) {
    const auto look = files.Look(WorkspaceTree((dir / root).string(), "zoe", "alice"));
    return look.ok() ? look->state : State::kPresent;
  };
  EXPECT_EQ(state("none"), State::kNoRoot);
  EXPECT_EQ(state("outside"), State::kNoParent);
  EXPECT_EQ(state("root"), State::kMissing);
  EXPECT_EQ(state("outside/secret"), State::kNotDirectory);
  fs::create_directory_symlink(dir / "root", dir / "link");
  EXPECT_EQ(state("link"), State::kMissing) << "the root itself may be a link";
  fs::create_directory_symlink(dir / "outside", top);
  EXPECT_EQ(state("root"), State::kNotDirectory) << "what lies below it may not";
  fs::remove(top);
  Put("root/zoe/alice", "a file");
  EXPECT_EQ(state("root"), State::kNotDirectory);
  fs::remove(top);
  fs::create_directory(top);
  const auto look = files.Look(tree);
  ASSERT_TRUE(look.ok());
  EXPECT_EQ(look->state, State::kPresent);
  EXPECT_EQ(look->uid, geteuid());
  EXPECT_FALSE(look->read_only);
  EXPECT_GT(look->available_bytes, 0u);
  EXPECT_GE(look->capacity_bytes, look->available_bytes);
}

TEST_F(LocalFilesTest, WhatFstabWantsMountedIsMissedBeforeAnythingIsMadeInItsPlace) {
  Put("fstab", "server:/export " + (dir / "root").string() + " nfs defaults 0 0\n");
  LocalFiles careful({.fstab = (dir / "fstab").string()});
  EXPECT_EQ(careful.Look(tree)->state, State::kMissing) << "zoe/ is there: so it is mounted";
  fs::remove_all(dir / "root/zoe");
  EXPECT_EQ(careful.Look(tree)->state, State::kUnmounted);
  fs::remove_all(dir / "root");
  EXPECT_EQ(careful.Look(tree)->state, State::kUnmounted);
  EXPECT_EQ(files.Look(tree)->state, State::kNoRoot);
}

TEST_F(LocalFilesTest, ATreeIsMadeWithItsOwnerAndMode) {
  if (!IsRoot()) GTEST_SKIP() << "only root gives files away";
  umask(022);
  ASSERT_TRUE(
      files.EnsureTree(tree, {.uid = 1234, .gid = 1235, .mode = 02770}, Files::Make::kTop).ok());
  const auto status = Status(top);
  EXPECT_EQ(status.st_uid, 1234u);
  EXPECT_EQ(status.st_gid, 1235u);
  EXPECT_EQ(status.st_mode & 07777, 02770u);
}

TEST_F(LocalFilesTest, OwnerAndModeOfWhatIsThereAreMendedButNothingWithin) {
  if (!IsRoot()) GTEST_SKIP() << "only root gives files away";
  fs::create_directories(top / "sub");
  Put("root/zoe/alice/file", "x");
  ASSERT_TRUE(
      files.EnsureTree(tree, {.uid = 1234, .gid = 1234, .mode = 0700}, Files::Make::kTop).ok());
  EXPECT_EQ(Status(top).st_uid, 1234u);
  EXPECT_EQ(Status(top).st_mode & 07777, 0700u);
  EXPECT_EQ(Status(top / "file").st_uid, 0u);
  EXPECT_EQ(Status(top / "sub").st_uid, 0u);
}

TEST_F(LocalFilesTest, NothingIsMadeAboveWhatMayBeMade) {
  const auto ensure = [&](const std::string& root, Files::Make make) {
    const auto made =
        files.EnsureTree(WorkspaceTree((dir / root).string(), "zoe", "alice"), {}, make);
    return made.ok() ? std::string("ok") : made.error().reason;
  };
  fs::create_directory(dir / "empty");
  EXPECT_EQ(ensure("empty", Files::Make::kTop), "RootMissing");
  EXPECT_EQ(ensure("new", Files::Make::kBetween), "RootMissing");
  EXPECT_EQ(ensure("new/deep", Files::Make::kRoot), "RootMissing");
  EXPECT_TRUE(fs::is_empty(dir / "empty"));
  EXPECT_FALSE(fs::exists(dir / "new"));
  EXPECT_EQ(ensure("empty", Files::Make::kBetween), "ok");
  EXPECT_EQ(ensure("new", Files::Make::kRoot), "ok");
  EXPECT_EQ(ensure("more/deep", Files::Make::kAll), "ok");
  EXPECT_TRUE(fs::is_directory(dir / "more/deep/zoe/alice"));
  EXPECT_EQ(ensure("outside/secret", Files::Make::kAll), "NotADirectory");
}

TEST_F(LocalFilesTest, NothingIsMadeThroughALink) {
  fs::create_directory_symlink(dir / "outside", top);
  const auto made = files.EnsureTree(tree, {.mode = 0777}, Files::Make::kAll);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().reason, "NotADirectory");
  fs::remove_all(dir / "root/zoe");
  fs::create_directory_symlink(dir / "outside", dir / "root/zoe");
  EXPECT_FALSE(files.EnsureTree(tree, {}, Files::Make::kAll).ok());
  EXPECT_FALSE(fs::exists(dir / "outside/alice"));
}

// ---- counting

Expected<Usage> CountAll(Files& files, const TreePath& tree, StepBudget budget, int& steps) {
  ZOE_ASSIGN(const auto count, files.Measure(tree));
  while (true) {
    ++steps;
    ZOE_ASSIGN(const auto usage, count->Step(budget));
    if (usage) return *usage;
  }
}

TEST_F(LocalFilesTest, UseIsCountedInStepsAndWithoutLinksAndHoles) {
  fs::create_directories(top / "a/b/c");
  for (int i = 0; i < 500; ++i) Put("root/zoe/alice/a/b/" + std::to_string(i), "12345");
  Put("root/zoe/alice/big", std::string(1 << 20, 'x'));
  fs::create_hard_link(top / "big", top / "a/big");
  fs::create_directory_symlink(dir / "outside", top / "link");
  Put("root/zoe/alice/sparse", "");
  fs::resize_file(top / "sparse", uint64_t{1} << 40);
  sync();
  int steps = 0;
  const auto usage = CountAll(files, tree, {.entries = 100}, steps);
  ASSERT_TRUE(usage.ok());
  EXPECT_EQ(usage->files, 3 + 500 + 2 + 1 + 1);
  EXPECT_GE(usage->bytes, 1 << 20);
  EXPECT_LT(usage->bytes, 8 << 20);
  EXPECT_GE(steps, 5);
}

TEST_F(LocalFilesTest, ThousandsOfLevelsAreCountedWithFewOpenFilesAndRemoved) {
  constexpr int kLevels = 10'000;
  fs::create_directories(top);
  int at = open(top.c_str(), O_PATH);
  for (int i = 0; i < kLevels; ++i) {
    ASSERT_EQ(mkdirat(at, "d", 0755), 0);
    close(openat(at, "f", O_CREAT | O_WRONLY, 0644));
    const int next = openat(at, "d", O_PATH);
    close(at);
    at = next;
  }
  close(at);
  int steps = 0;
  const auto usage = CountAll(files, tree, {.entries = 1000, .time = Duration(10'000)}, steps);
  ASSERT_TRUE(usage.ok()) << usage.error().message;
  EXPECT_EQ(usage->files, 2 * kLevels);
  const auto used = fs::directory_iterator("/proc/self/fd");
  EXPECT_LT(std::distance(begin(used), end(used)), 100);

  auto open_tree = Open();
  ASSERT_TRUE(RemoveAll(*open_tree, "d", {.entries = 1000}).ok());
  EXPECT_THAT(Everything(), ElementsAre("f"));
  for (bool gone = false; !gone;) gone = *files.RemoveTree(tree, {.entries = 1000});
  EXPECT_FALSE(fs::exists(top));
}

TEST_F(LocalFilesTest, ATreeIsRemovedInStepsWithItsLinksAndNothingBehindThem) {
  fs::create_directories(top / "a/b");
  for (int i = 0; i < 300; ++i) Put("root/zoe/alice/a/" + std::to_string(i), "x");
  fs::create_directory_symlink(dir / "outside", top / "a/out");
  fs::create_symlink(dir / "outside/secret", top / "a/b/secret");
  fs::create_hard_link(dir / "outside/secret", top / "a/hard");
  fs::create_directories(dir / "root/zoe/bob");
  int steps = 0;
  for (bool gone = false; !gone; ++steps) {
    const auto removed = files.RemoveTree(tree, {.entries = 100});
    ASSERT_TRUE(removed.ok()) << removed.error().message;
    gone = *removed;
  }
  EXPECT_GE(steps, 3);
  EXPECT_FALSE(fs::exists(top));
  EXPECT_EQ(Get("outside/secret"), "secret");
  EXPECT_EQ(Get("outside/deep/secret"), "secret");
  EXPECT_TRUE(fs::exists(dir / "root/zoe/bob"));
  EXPECT_TRUE(*files.RemoveTree(tree, {})) << "what isn't there has gone";
}

TEST_F(LocalFilesTest, NothingIsRemovedThroughALink) {
  fs::create_directory_symlink(dir / "outside", top);
  EXPECT_FALSE(files.RemoveTree(tree, {}).ok());
  fs::remove_all(dir / "root/zoe");
  fs::create_directory_symlink(dir, dir / "root/zoe");
  const auto removed =
      files.RemoveTree(WorkspaceTree((dir / "root").string(), "zoe", "outside"), {});
  EXPECT_FALSE(removed.ok());
  EXPECT_EQ(Get("outside/secret"), "secret");
}

TEST_F(LocalFilesTest, AFilesystemThatDoesNotAnswerHoldsOneCallAndHeals) {
  std::promise<void> server_back;
  const std::shared_future<void> answers = server_back.get_future().share();
  std::atomic<bool> down{true};
  std::atomic<int> calls{0};
  LocalFiles slow({.patience = Duration(50), .before = [&, answers] {
                     ++calls;
                     if (down) answers.wait();
                   }});
  EXPECT_EQ(slow.Look(tree).error().reason, "NotResponding");
  EXPECT_EQ(slow.EnsureTree(tree, {}, Files::Make::kTop).error().reason, "NotResponding");
  EXPECT_EQ(slow.Look(tree).error().reason, "NotResponding");
  EXPECT_EQ(calls, 1) << "others were not tried";
  down = false;
  server_back.set_value();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!slow.Look(tree).ok()) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

// ---- access within

TEST_F(LocalFilesTest, FilesAreWrittenReadListedAndRemoved) {
  auto open = Open();
  EXPECT_TRUE(WriteAll(*open, "b", "one")->created);
  EXPECT_FALSE(WriteAll(*open, "b", "twenty")->created);
  EXPECT_EQ(ReadAll(*open, "b"), "twenty");
  EXPECT_TRUE(open->MakeDirectory("a/x/y")->created);
  EXPECT_FALSE(open->MakeDirectory("a/x/y")->created);
  EXPECT_TRUE(WriteAll(*open, "a/x/y/file", std::string(300'000, 'z')).ok());
  const auto item = open->Stat("a/x/y/file");
  EXPECT_EQ(item->name, "file");
  EXPECT_EQ(item->type, FileType::kFile);
  EXPECT_EQ(item->size, 300'000u);
  EXPECT_EQ(item->mode, 0644u);
  EXPECT_EQ(open->Stat("")->type, FileType::kDirectory);
  const auto list = open->List("", "", 10);
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->items[0].name, "a");
  EXPECT_EQ(list->items[0].type, FileType::kDirectory);
  EXPECT_EQ(list->items[1].size, 6u);
  EXPECT_FALSE(list->more);
  EXPECT_EQ(open->Remove("a", false, {}).error().reason, "NotEmpty");
  EXPECT_TRUE(RemoveAll(*open, "a").ok());
  EXPECT_TRUE(*open->Remove("b", false, {}));
  EXPECT_THAT(Everything(), IsEmpty());
}

TEST_F(LocalFilesTest, ListsComeInPagesInOrder) {
  auto open = Open();
  for (int i = 100; i < 350; ++i) Put("root/zoe/alice/" + std::to_string(i), "");
  std::vector<std::string> names;
  std::string after;
  for (bool more = true; more;) {
    const auto page = open->List("", after, 100);
    ASSERT_TRUE(page.ok());
    EXPECT_LE(page->items.size(), 100u);
    for (const FileItem& item : page->items) names.push_back(item.name);
    more = page->more;
    after = page->last;
  }
  ASSERT_EQ(names.size(), 250u);
  EXPECT_EQ(names.front(), "100");
  EXPECT_EQ(names.back(), "349");
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_F(LocalFilesTest, WhatIsMadeBelongsToWhomTheWorkspaceBelongsTo) {
  if (!IsRoot()) GTEST_SKIP() << "only root gives files away";
  ASSERT_TRUE(
      files.EnsureTree(tree, {.uid = 1234, .gid = 1235, .mode = 0750}, Files::Make::kTop).ok());
  umask(077);
  auto open = Open();
  ASSERT_TRUE(WriteAll(*open, "file", "x").ok());
  ASSERT_TRUE(open->MakeDirectory("a/b").ok());
  umask(022);
  for (const char* path : {"file", "a", "a/b"}) {
    EXPECT_EQ(Status(top / path).st_uid, 1234u) << path;
    EXPECT_EQ(Status(top / path).st_gid, 1235u) << path;
  }
  EXPECT_EQ(Status(top / "file").st_mode & 07777, 0644u);
  EXPECT_EQ(Status(top / "a").st_mode & 07777, 0755u);
}

TEST_F(LocalFilesTest, AReplacedFileKeepsItsPermissionsButNotSetUserId) {
  auto open = Open();
  Put("root/zoe/alice/run", "old");
  ASSERT_EQ(chmod((top / "run").c_str(), 04755), 0);
  ASSERT_TRUE(WriteAll(*open, "run", "new").ok());
  EXPECT_EQ(Status(top / "run").st_mode & 07777, 0755u);
}

TEST_F(LocalFilesTest, AnUploadThatIsCutLeavesNothingAndTheOldBytes) {
  auto open = Open();
  Put("root/zoe/alice/file", "old");
  {
    auto file = open->Write("file");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Write("new").ok());
    EXPECT_EQ(Everything().size(), 2u);
    EXPECT_EQ(Get("root/zoe/alice/file"), "old");
  }
  EXPECT_THAT(Everything(), ElementsAre("file"));
  EXPECT_EQ(Get("root/zoe/alice/file"), "old");
}

TEST_F(LocalFilesTest, HostilePathsAreRefusedByName) {
  auto open = Open();
  const auto code = [&](const std::string& path) {
    const auto stat = open->Stat(path);
    const auto write = open->Write(path);
    EXPECT_FALSE(write.ok()) << path;
    EXPECT_FALSE(open->MakeDirectory(path).ok()) << path;
    EXPECT_FALSE(open->Remove(path, true, {}).ok()) << path;
    EXPECT_FALSE(open->List(path, "", 1).ok()) << path;
    EXPECT_FALSE(open->Read(path).ok()) << path;
    EXPECT_FALSE(stat.ok()) << path;
    return stat.ok() ? Code::kInternal : stat.error().code;
  };
  EXPECT_EQ(code(".."), Code::kForbidden);
  EXPECT_EQ(code("../outside/secret"), Code::kForbidden);
  EXPECT_EQ(code("a/../../x"), Code::kForbidden);
  EXPECT_EQ(code("a/.."), Code::kForbidden);
  EXPECT_EQ(code("/etc/passwd"), Code::kBadRequest);
  EXPECT_EQ(code("/"), Code::kBadRequest);
  EXPECT_EQ(code("a//b"), Code::kBadRequest);
  EXPECT_EQ(code("a/"), Code::kBadRequest);
  EXPECT_EQ(code("./a"), Code::kBadRequest);
  EXPECT_EQ(code("."), Code::kBadRequest);
  EXPECT_EQ(code(std::string("a\0b", 3)), Code::kBadRequest);
  EXPECT_EQ(code(std::string(256, 'n')), Code::kBadRequest);
  EXPECT_EQ(code("x/" + std::string(256, 'n')), Code::kBadRequest);
  std::string deep = "a";
  for (int i = 0; i < 10'000; ++i) deep += "/a";
  EXPECT_EQ(code(deep), Code::kBadRequest);
  EXPECT_TRUE(WriteAll(*open, std::string(255, 'n'), "").ok());
  EXPECT_TRUE(WriteAll(*open, "..hidden", "").ok());
  std::string many = "a";
  while (many.size() < 4000) many += "/a";
  EXPECT_TRUE(open->MakeDirectory(many).ok());
  EXPECT_EQ(open->Remove("", true, {}).error().code, Code::kForbidden);
}

TEST_F(LocalFilesTest, LinksThatLeadOutAreNotFollowedAndThoseWithinAre) {
  auto open = Open();
  fs::create_directories(top / "in");
  Put("root/zoe/alice/in/file", "mine");
  fs::create_directory_symlink("in", top / "inner");
  fs::create_directory_symlink("../alice/in", top / "around");
  fs::create_directory_symlink(top / "in", top / "absolute");
  fs::create_directory_symlink("../../../outside", top / "relative");
  fs::create_directory_symlink(dir / "outside", top / "out");
  fs::create_symlink("/etc/passwd", top / "passwd");
  fs::create_symlink("/proc/self/root", top / "magic");
  fs::create_symlink("loop", top / "loop");
  EXPECT_EQ(ReadAll(*open, "inner/file"), "mine");
  for (const char* path : {"around/file", "absolute/file", "relative/secret", "out/secret",
                           "passwd", "magic/etc/passwd", "loop"}) {
    EXPECT_THAT(ReadAll(*open, path), HasSubstr("LeavesWorkspace")) << path;
    EXPECT_EQ(open->Stat(path).error().code, Code::kForbidden) << path;
  }
  for (const char* path : {"out/new", "relative/new", "magic/new"}) {
    EXPECT_EQ(open->Write(path).error().code, Code::kForbidden) << path;
    EXPECT_EQ(open->MakeDirectory(path).error().code, Code::kForbidden) << path;
  }
  EXPECT_EQ(open->Remove("out/secret", false, {}).error().code, Code::kForbidden);
  EXPECT_EQ(open->List("out", "", 10).error().code, Code::kForbidden);
  EXPECT_EQ(Get("outside/secret"), "secret");

  const auto list = open->List("", "", 100);
  const auto link = std::ranges::find(list->items, "passwd", &FileItem::name);
  ASSERT_NE(link, list->items.end());
  EXPECT_EQ(link->type, FileType::kSymlink);
  EXPECT_EQ(link->target, "/etc/passwd");
}

TEST_F(LocalFilesTest, ALinkIsRemovedOrReplacedItself) {
  auto open = Open();
  fs::create_symlink(dir / "outside/secret", top / "file");
  fs::create_directory_symlink(dir / "outside", top / "directory");
  ASSERT_TRUE(WriteAll(*open, "file", "mine").ok());
  EXPECT_EQ(Get("outside/secret"), "secret");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(top / "file")));
  EXPECT_TRUE(RemoveAll(*open, "directory").ok());
  EXPECT_TRUE(fs::exists(dir / "outside/deep/secret"));
  EXPECT_FALSE(fs::exists(fs::symlink_status(top / "directory")));
}

TEST_F(LocalFilesTest, OnlyFilesAreOpened) {
  auto open = Open();
  ASSERT_EQ(mkfifo((top / "fifo").c_str(), 0644), 0);
  const int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX};
  strncpy(address.sun_path, (top / "socket").c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(socket_fd);
  std::vector<std::string> special{"fifo", "socket"};
  if (IsRoot() && mknod((top / "device").c_str(), S_IFCHR | 0666, 0) == 0)
    special.push_back("device");
  for (const std::string& name : special) {
    EXPECT_EQ(open->Read(name).error().reason, "SpecialFile") << name;
    EXPECT_EQ(open->Write(name).error().reason, "SpecialFile") << name;
    EXPECT_EQ(open->Stat(name)->type, FileType::kOther) << name;
    EXPECT_TRUE(*open->Remove(name, false, {})) << name;
  }
}

TEST_F(LocalFilesTest, TypesThatDoNotFitAreConflicts) {
  auto open = Open();
  ASSERT_TRUE(open->MakeDirectory("d").ok());
  ASSERT_TRUE(WriteAll(*open, "f", "x").ok());
  fs::create_symlink("nowhere", top / "dangling");
  EXPECT_EQ(open->Write("d").error().reason, "IsDirectory");
  EXPECT_EQ(open->Write("").error().reason, "IsDirectory");
  EXPECT_EQ(open->Read("d").error().reason, "IsDirectory");
  EXPECT_EQ(open->List("f", "", 1).error().reason, "NotADirectory");
  EXPECT_EQ(open->MakeDirectory("f").error().reason, "NotADirectory");
  EXPECT_EQ(open->MakeDirectory("f/x").error().reason, "NotADirectory");
  EXPECT_EQ(open->MakeDirectory("dangling/x").error().reason, "NotADirectory");
  EXPECT_EQ(open->Write("f/x").error().reason, "NotADirectory");
  EXPECT_EQ(open->Write("none/x").error().code, Code::kNotFound);
  EXPECT_EQ(open->Remove("none", true, {}).error().code, Code::kNotFound);
}

// A container that may do anything in its workspace, while the API works in it.
TEST_F(LocalFilesTest, WhoeverSwapsDirectoriesForLinksMeanwhileGetsNothingFromOutside) {
  auto open = Open();
  fs::create_directory_symlink(dir / "outside", top / "link");
  fs::create_directories(top / "real/deep");
  Put("root/zoe/alice/real/secret", "mine");
  std::atomic<bool> stop{false};
  std::thread swapper([&] {
    const std::string a = top / "swap", real = top / "real", link = top / "link";
    while (!stop) {
      rename(real.c_str(), a.c_str());
      rename(a.c_str(), real.c_str());
      rename(link.c_str(), a.c_str());
      rename(a.c_str(), link.c_str());
    }
  });
  int done = 0;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1'000);
  while (std::chrono::steady_clock::now() < until) {
    for (const char* path : {"swap/secret", "swap/deep/secret"}) {
      auto file = open->Read(path);
      if (file.ok()) {
        const auto text = (*file)->Read(100);
        ASSERT_TRUE(text.ok());
        EXPECT_NE(*text, "secret");
        ++done;
      }
    }
    if (WriteAll(*open, "swap/new", "x").ok()) ++done;
    if (open->MakeDirectory("swap/made/deep").ok()) ++done;
    (void)open->Remove("swap/deep", true, {}).ok();
    (void)open->Remove("swap/secret", false, {}).ok();
    (void)open->Remove("swap", true, {.entries = 5}).ok();
    if (!fs::exists(top / "real") && !fs::exists(top / "swap"))
      (void)open->MakeDirectory("real/deep").ok();
    int steps = 0;
    (void)CountAll(files, tree, {}, steps).ok();
  }
  stop = true;
  swapper.join();
  EXPECT_GT(done, 0);
  EXPECT_EQ(Get("outside/secret"), "secret");
  EXPECT_EQ(Get("outside/deep/secret"), "secret");
  std::vector<std::string> outside;
  for (const auto& entry : fs::recursive_directory_iterator(dir / "outside"))
    outside.push_back(entry.path().filename());
  EXPECT_THAT(outside, testing::UnorderedElementsAre("deep", "secret", "secret"));
}

}  // namespace
}  // namespace zoe

// files: the workspace through the command line.
#include <sys/stat.h>

#include <filesystem>

#include "test/unit/cli/commands.h"
#include "test/unit/cli/fake_place.h"

namespace zoe::cli {
namespace {

namespace fs = std::filesystem;
using Texts = std::map<std::string, std::string>;

class FileCommands : public testing::Test {
 protected:
  FileCommands() {
    console.environment["ZOE_USER"] = "alice";
    console.environment["ZOE_PASS"] = "secret";
  }
  Ran Run(const std::vector<std::string>& args, const std::string& input = "") {
    std::vector<std::string> all{"files"};
    all.insert(all.end(), args.begin(), args.end());
    return console.Run(all, input);
  }
  std::string Local(const std::string& name) const { return console.directory() + "/" + name; }
  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // All names below a directory, hidden ones too.
  static std::vector<std::string> Names(const std::string& path) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(path))
      names.push_back(entry.path().lexically_relative(path).string());
    std::sort(names.begin(), names.end());
    return names;
  }

  FakeApi api;
  test::FakePlace place{api, "alice", "secret"};
  Console console{api.url()};
};

TEST_F(FileCommands, LsListsNamesOrAllAboutThem) {
  place.PutFile("a.txt", "hello");
  place.MakeDirectory("d");
  place.PutFile("d/b", "");
  place.MakeLink("l", "a.txt");
  EXPECT_EQ(Run({"ls"}).out, "a.txt\nd/\nl\n");
  EXPECT_EQ(Run({"ls", "/d/"}).out, "b\n");
  EXPECT_EQ(Run({"ls", "-R"}).out, "a.txt\nd/\nd/b\nl\n");
  EXPECT_EQ(Run({"ls", "a.txt"}).out, "a.txt\n");
  const Ran wide = Run({"ls", "-l"});
  EXPECT_EQ(wide.out,
            "TYPE        MODE   UID   GID   SIZE   MODIFIED   NAME\n"
            "file        0644   -     -     5      -          a.txt\n"
            "directory   0644   -     -     0      -          d/\n"
            "symlink     0644   -     -     0      -          l -> a.txt\n");
  EXPECT_EQ(codec::ParseJson(Run({"ls", "-o", "json"}).out)->StringAt("kind"), "FileList");
  const Ran none = Run({"ls", "nope"});
  EXPECT_EQ(none.code, kFailed);
  EXPECT_EQ(none.err, "Error from server (NotFound): \"nope\" is not there\n");
}

TEST_F(FileCommands, ALargeDirectoryComesInPages) {
  api.intercept = [](const FakeRequest& request) -> std::optional<FakeReply> {
    const bool second = request.query.contains("continue");
    return FakeReply{
        .body =
            second
                ? R"({"kind":"FileList","metadata":{},"items":[{"name":"b","type":"file"}]})"
                : R"({"kind":"FileList","metadata":{"continue":"61"},"items":[{"name":"a","type":"file"}]})"};
  };
  EXPECT_EQ(Run({"ls"}).out, "a\nb\n");
  EXPECT_EQ(api.requests()[1].query.at("continue"), "61");
}

TEST_F(FileCommands, NamesCannotDriveATerminal) {
  place.PutFile("a\x1b[31m", "");
  EXPECT_EQ(Run({"ls"}).out, "a^[[31m\n");
}

TEST_F(FileCommands, GetWritesAFileWholeOrNotAtAll) {
  place.PutFile("d/a.txt", "new");
  place.MakeDirectory("d");
  const std::string target = console.File("here/a.txt", "old");
  chmod(target.c_str(), 0600);
  const Ran got = Run({"get", "d/a.txt", target});
  EXPECT_EQ(got.code, kOk) << got.err;
  EXPECT_EQ(got.out + got.err, "");
  EXPECT_EQ(Read(target), "new");
  struct stat seen {};
  ASSERT_EQ(stat(target.c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777, 0600u);
  EXPECT_EQ(Run({"get", "d/a.txt", Local("here")}).code, kOk) << "into a directory";
  EXPECT_EQ(Run({"get", "d/a.txt", "-"}).out, "new");
  EXPECT_EQ(Run({"get", "d/a.txt", "/dev/null"}).code, kOk);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));

  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.body = "ha", .type = "application/octet-stream", .claimed = 4};
  };
  EXPECT_EQ(Run({"get", "d/a.txt", target}).code, kFailed);
  EXPECT_EQ(Read(target), "new");
  EXPECT_EQ(Run({"get", "d/a.txt", Local("here/b")}).code, kFailed);
  EXPECT_EQ(Names(Local("here")), std::vector<std::string>{"a.txt"});
}

TEST_F(FileCommands, AnEmptyFileIsAFileToo) {
  place.PutFile("empty", "");
  EXPECT_EQ(Run({"get", "empty", Local("e")}).code, kOk);
  EXPECT_TRUE(fs::is_regular_file(Local("e")));
  EXPECT_EQ(Run({"put", Local("e"), "again"}).code, kOk);
  EXPECT_EQ(place.files().at("again"), "");
}

TEST_F(FileCommands, GetTakesDirectoriesWithRAndSaysWhatItLeft) {
  place.MakeDirectory("d");
  place.MakeDirectory("d/sub");
  place.PutFile("d/a", "1");
  place.PutFile("d/sub/b", "2");
  EXPECT_EQ(Run({"get", "d"}).err, "error: \"d\" is a directory: -r takes it whole\n");
  Ran ran = Run({"get", "-r", "d", Local("copy")});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.err, "got 2 files, 2B\n");
  EXPECT_EQ(Names(Local("copy")), (std::vector<std::string>{"a", "sub", "sub/b"}));
  EXPECT_EQ(Run({"get", "-r", "d", Local("copy")}).code, kOk);
  EXPECT_TRUE(fs::exists(Local("copy/d/sub/b"))) << "an existing directory takes it in";
  place.MakeLink("d/out", "/etc");
  ran = Run({"get", "-r", "d", Local("third")});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(ran.err,
            "error: d/out: neither file nor directory but a link to /etc\n"
            "got 2 files, 2B; 1 were not copied\n");
}

TEST_F(FileCommands, NamesFromTheServerCannotLeadElsewhere) {
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{
        .body =
            R"({"kind":"FileList","items":[{"name":"../evil","type":"file"},{"name":"..","type":"directory"}]})"};
  };
  const Ran ran = Run({"get", "-r", "/", Local("copy")});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(api.Count("GET"), 1u) << "nothing of that name is asked for";
  EXPECT_EQ(Names(Local("copy")), std::vector<std::string>{});
}

TEST_F(FileCommands, PutSendsFilesStdinAndDirectories) {
  place.MakeDirectory("in");
  const std::string file = console.File("a.csv", "1,2\n");
  EXPECT_EQ(Run({"put", file}).code, kOk);
  EXPECT_EQ(Run({"put", file, "b.csv"}).code, kOk);
  EXPECT_EQ(Run({"put", file, "in"}).code, kOk) << "an existing directory takes it in";
  EXPECT_EQ(Run({"put", file, "new/"}).err,
            "error: \"new\" is no directory in the workspace: \"zoe files mkdir new\" makes it\n");
  place.MakeDirectory("new");
  EXPECT_EQ(Run({"put", file, "new/"}).code, kOk);
  EXPECT_EQ(Run({"put", "-", "c"}, "from stdin").code, kOk);
  EXPECT_EQ(place.files(), (Texts{{"a.csv", "1,2\n"},
                                  {"b.csv", "1,2\n"},
                                  {"in/a.csv", "1,2\n"},
                                  {"new/a.csv", "1,2\n"},
                                  {"c", "from stdin"}}));
  console.File("tree/x", "x");
  console.File("tree/sub/y", "y");
  EXPECT_EQ(Run({"put", Local("tree"), "t"}).code, kFailed) << "needs -r";
  const Ran ran = Run({"put", "-r", Local("tree"), "t"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(place.files().at("t/sub/y"), "y");
  EXPECT_EQ(Run({"put", "-r", Local("tree"), "in"}).code, kOk);
  EXPECT_EQ(place.files().at("in/tree/x"), "x");
  EXPECT_EQ(Run({"put", "-", "in"}, "x").code, kFailed) << "stdin has no name";
  EXPECT_EQ(Run({"put", Local("nowhere"), "x"}).code, kFailed);
}

TEST_F(FileCommands, PutSendsNothingWhereItMayNot) {
  console.environment["ZOE_USER"] = "mallory";
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.status = 403, .body = test::StatusBody(403, "Forbidden", "not yours")};
  };
  const Ran ran = Run({"put", console.File("a", "x"), "a"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(ran.err, "Error from server (Forbidden): not yours\n");
  EXPECT_EQ(api.Count("PUT"), 0u);
}

TEST_F(FileCommands, PutSaysThatThereIsNoWorkspace) {
  api.intercept = [](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeReply{.status = 404,
                     .body = test::StatusBody(404, "NotFound", "workspaces.zoe \"x\" not found")};
  };
  EXPECT_EQ(Run({"put", console.File("a", "x"), "a"}).err,
            "Error from server (NotFound): workspaces.zoe \"x\" not found\n");
}

TEST_F(FileCommands, RmAndMkdirSayWhatTheyDid) {
  EXPECT_EQ(Run({"mkdir", "d", "e"}).out, "\"d\" created\n\"e\" created\n");
  place.PutFile("d/a", "");
  EXPECT_EQ(Run({"rm", "d"}).code, kFailed);
  EXPECT_EQ(Run({"rm", "-r", "d"}).out, "\"d\" deleted\n");
  EXPECT_EQ(place.files(), Texts{});
  const Ran some = Run({"rm", "nope", "e"});
  EXPECT_EQ(some.code, kFailed);
  EXPECT_EQ(some.out, "\"e\" deleted\n");
  EXPECT_EQ(Run({"rm", "-r", "/"}).code, kFailed);
  EXPECT_EQ(api.Count("DELETE", "/apis/zoe/v1/namespaces/alice/workspaces/alice/files"), 4u);
}

TEST_F(FileCommands, WrongUsageIsExit2) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{},
                                               {"lsx"},
                                               {"get"},
                                               {"put"},
                                               {"rm"},
                                               {"ls", "a", "b"},
                                               {"get", "a", "b", "c"},
                                               {"get", "../x"},
                                               {"put", "-"}}) {
    EXPECT_EQ(Run(args).code, kUsage) << (args.empty() ? "" : args[0]);
  }
  EXPECT_EQ(api.requests().size(), 0u);
}

TEST_F(FileCommands, OddNamesTravelUnharmed) {
  const std::string name = "a b%2F&?#+ü";
  EXPECT_EQ(Run({"put", "-", name}, "x").code, kOk);
  EXPECT_EQ(place.files(), (Texts{{name, "x"}}));
  EXPECT_EQ(Run({"get", name, "-"}).out, "x");
}

}  // namespace
}  // namespace zoe::cli

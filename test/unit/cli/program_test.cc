// The programs themselves: zoe against zoe-controller with a simulated Swarm.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "specs/codec/value.h"
#include "test/unit/cli/console.h"

namespace zoe::test {
namespace {

// A child process whose output can be read; ended with it.
class Child {
 public:
  Child(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) std::abort();
    std::vector<char*> argv, envp;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    for (const std::string& pair : environment) envp.push_back(const_cast<char*>(pair.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      dup2(err[1], STDERR_FILENO);
      dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
      execve(argv[0], argv.data(), envp.data());
      _exit(127);
    }
    close(out[1]);
    close(err[1]);
    out_ = fdopen(out[0], "r");
    err_ = err[0];
  }
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    fclose(out_);
    close(err_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next line of stdout; empty at its end.
  std::string Line() {
    char* line = nullptr;
    size_t size = 0;
    const ssize_t n = getline(&line, &size, out_);
    std::string text(line, n > 0 ? static_cast<size_t>(n) : 0);
    free(line);
    return text;
  }
  std::string Out() {
    std::string text;
    for (std::string line; !(line = Line()).empty();) text += line;
    return text;
  }
  std::string Err() {
    std::string text;
    char block[4096];
    for (ssize_t n; (n = read(err_, block, sizeof block)) > 0;)
      text.append(block, static_cast<size_t>(n));
    return text;
  }
  void Signal(int signal) { kill(pid_, signal); }
  // Waits until the process handles `signal` itself; false if it ended or 10 s have passed.
  bool Blocks(int signal) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
      for (std::string line; std::getline(status, line);) {
        if (line.starts_with("SigBlk:") &&
            (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0)
          return true;
      }
    }
    return false;
  }
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  FILE* out_ = nullptr;
  int err_ = -1;
};

// A controller of its own for every test.
class Programs : public testing::Test {
 protected:
  Programs()
      : controller_({ZOE_CONTROLLER_PROGRAM, "--store", "memory:", "--swarm",
                     "sim:nodes=3,cpus=8,memory=16Gi", "--auth", "none", "--listen", "127.0.0.1:0",
                     "--log-level", "error"},
                    {"HOME=" + files_.directory()}) {
    constexpr std::string_view kBegin = "listening on ";
    std::string line;
    do line = controller_.Line();
    while (!line.empty() && !line.starts_with(kBegin));
    if (!line.empty()) server_ = line.substr(kBegin.size(), line.size() - kBegin.size() - 1);
  }

  void SetUp() override { ASSERT_NE(server_, "") << controller_.Err(); }

  std::vector<std::string> Environment() const {
    return {"ZOE_SERVER=" + server_, "ZOE_CONFIG=" + files_.directory() + "/config",
            "PATH=/usr/bin:/bin"};
  }
  static std::vector<std::string> Command(std::vector<std::string> args) {
    args.insert(args.begin(), ZOE_PROGRAM);
    return args;
  }
  Ran Zoe(const std::vector<std::string>& args) {
    Child child(Command(args), Environment());
    std::string out = child.Out(), err = child.Err();
    return {child.Wait(), std::move(out), std::move(err)};
  }
  std::string File(const std::string& name, const std::string& command,
                   const std::string& extra = "") {
    return files_.File(name + ".yaml",
                       "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: " + name +
                           "}\nspec:\n  application:\n    services:\n    - name: web\n      image: "
                           "nginx\n      command: " +
                           command + "\n" + extra);
  }

  Console files_;
  Child controller_;
  std::string server_;
};

TEST_F(Programs, AChangeIsShownBeforeItIsMadeAndFieldsHaveOneOwner) {
  const std::string file = File("x", "[serve]", "      replicas: {total: 3, essential: 1}\n");
  ASSERT_EQ(Zoe({"apply", "-f", file, "--wait", "--timeout=30s"}).code, 0);
  EXPECT_EQ(Zoe({"apply", "-f", file}).out, "execution.zoe/x unchanged\n");
  File("x", "[serve, now]", "      replicas: {total: 3, essential: 1}\n");
  Ran ran = Zoe({"apply", "-f", file, "--dry-run=server"});
  EXPECT_EQ(ran.out, "execution.zoe/x configured (server dry run)\n");
  EXPECT_EQ(
      ran.err,
      "Warning: execution.zoe/x: service web: 3 containers would be restarted (command)\n"
      "  spec.application.services[name=\"web\"].command: [\"serve\"] -> [\"serve\",\"now\"]\n");
  ran = Zoe({"diff", "-f", file});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("\n+      - now\n"), std::string::npos) << ran.out;
  ASSERT_EQ(Zoe({"patch", "exec", "x", "-p", "spec: {priority: 7}"}).code, 0);
  File("x", "[serve]", "      replicas: {total: 3, essential: 1}\n  priority: 5\n");
  ran = Zoe({"apply", "-f", file});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("spec.priority: conflict with \"zoe-patch\""), std::string::npos)
      << ran.err;
  EXPECT_GE(Zoe({"diff", "-f", file}).code, 2);
  EXPECT_EQ(Zoe({"apply", "-f", file, "--force-conflicts"}).out, "execution.zoe/x configured\n");
  File("x", "[serve]", "      replicas: {total: 3, essential: 1}\n");
  EXPECT_EQ(Zoe({"apply", "-f", file}).out, "execution.zoe/x configured\n");
  EXPECT_EQ(Zoe({"get", "exec", "x", "-o", "jsonpath={.spec.priority}"}).out, "0");
}

TEST_F(Programs, AnExecutionLivesFromApplyToDelete) {
  const std::string file = File("x", "[serve]");
  Ran ran = Zoe({"apply", "-f", file, "--wait", "--timeout=30s"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "execution.zoe/x created\n");
  EXPECT_EQ(Zoe({"apply", "-f", file}).out, "execution.zoe/x unchanged\n");
  File("x", "[serve]", "      replicas: {total: 3}\n");
  EXPECT_EQ(Zoe({"apply", "-f", file, "--wait", "--timeout=30s"}).out,
            "execution.zoe/x configured\n");
  EXPECT_EQ(Zoe({"get", "exec", "x", "--no-headers"}).out.substr(0, 23), "x     Running   3/3   0");
  EXPECT_EQ(Zoe({"apply", "-f", file}).out, "execution.zoe/x unchanged\n");
  ran = Zoe({"describe", "exec", "x"});
  EXPECT_NE(ran.out.find("Phase:          Running"), std::string::npos) << ran.out;
  EXPECT_EQ(Zoe({"suspend", "x"}).code, 0);
  EXPECT_EQ(
      Zoe({"wait", "exec/x", "--for=jsonpath={.status.phase}=Suspended", "--timeout=30s"}).code, 0);
  EXPECT_EQ(Zoe({"resume", "x"}).code, 0);
  EXPECT_EQ(Zoe({"wait", "exec/x", "--for=condition=Ready", "--timeout=30s"}).code, 0);
  EXPECT_NE(Zoe({"status"}).out.find("Nodes:       3 ready of 3"), std::string::npos);
  EXPECT_EQ(Zoe({"delete", "-f", file, "--timeout=30s"}).out, "execution.zoe \"x\" deleted\n");
  EXPECT_EQ(Zoe({"get", "exec", "x"}).code, 1);
}

TEST_F(Programs, AJobThatFailsEndsTheWaitWithItsReason) {
  const Ran ran = Zoe({"apply", "-f",
                       File("job", "[sh, -c, \"echo to pieces; exit 3\"]", "      monitor: true\n"),
                       "--wait", "--timeout=30s"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("exit code 3"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("to pieces"), std::string::npos) << ran.err;
}

TEST_F(Programs, WhatCannotBePlacedTimesOutWith124) {
  const Ran ran =
      Zoe({"apply", "-f", File("big", "[serve]", "      resources: {requests: {cpu: 100}}\n"),
           "--wait", "--timeout=5s"});
  EXPECT_EQ(ran.code, 124);
  EXPECT_NE(ran.err.find("no node is large enough for one replica of web: it wants cpu=100"),
            std::string::npos)
      << ran.err;
}

TEST_F(Programs, AdmissionsRefusalIsShownAtItsPlaceInTheFile) {
  ASSERT_EQ(Zoe({"apply", "-f",
                 files_.File("app.yaml",
                             "apiVersion: zoe/v1\nkind: Application\nmetadata: {name: "
                             "app}\nspec:\n  parameters: [{name: n, type: integer, default: 1}]\n  "
                             "services: [{name: web, image: nginx}]\n")})
                .code,
            0);
  const std::string file =
      files_.File("e.yaml",
                  "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: e}\nspec:\n  "
                  "applicationRef: {name: app}\n  parameters:\n    n: many\n");
  const Ran ran = Zoe({"apply", "-f", file});
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(ran.err.starts_with(file + ":7:8: spec.parameters.n: ")) << ran.err;
}

TEST_F(Programs, AWatchShowsEveryChangeUntilItIsInterrupted) {
  Child watch(Command({"get", "exec", "-w", "-o",
                       "custom-columns=NAME:.metadata.name,GENERATION:.metadata.generation"}),
              Environment());
  ASSERT_EQ(Zoe({"apply", "-f", File("x", "[serve]")}).code, 0);
  EXPECT_EQ(watch.Line(), "NAME   GENERATION\n");
  EXPECT_EQ(watch.Line(), "x      1\n");
  ASSERT_EQ(Zoe({"patch", "exec", "x", "-p", "{\"spec\":{\"priority\":3}}"}).code, 0);
  std::string line;
  do line = watch.Line();
  while (line == "x      1\n");
  EXPECT_EQ(line, "x      2\n");
  watch.Signal(SIGINT);
  EXPECT_EQ(watch.Wait(), 128 + SIGINT);
}

TEST_F(Programs, WithoutAControllerItSaysSo) {
  controller_.Signal(SIGTERM);
  ASSERT_EQ(controller_.Wait(), 0);
  const Ran ran = Zoe({"get", "exec"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.err, "error: can't reach " + server_ +
                         ": is zoe-controller running? set --server or ZOE_SERVER\n");
}

TEST(ControllerProgram, StopsAtOnceWhileItStillWaitsForItsStore) {
  Child controller({ZOE_CONTROLLER_PROGRAM, "--store", "zk://127.0.0.1:1", "--swarm",
                    "sim:nodes=1,cpus=1,memory=1Gi", "--auth", "none", "--listen", "127.0.0.1:0"},
                   {});
  ASSERT_TRUE(controller.Blocks(SIGTERM));
  const auto begun = std::chrono::steady_clock::now();
  controller.Signal(SIGTERM);
  EXPECT_EQ(controller.Wait(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
}

TEST_F(Programs, AFullDiskBehindStdoutIsAFailure) {
  Child child({"/bin/sh", "-c", std::string(ZOE_PROGRAM) + " status > /dev/full"}, Environment());
  EXPECT_EQ(child.Err(), "error: can't write the output\n");
  EXPECT_EQ(child.Wait(), 1);
}

}  // namespace
}  // namespace zoe::test

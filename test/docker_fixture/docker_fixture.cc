#include "test/docker_fixture/docker_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

namespace zoe::testing {
namespace {

// Output of a shell command, stderr included; kUnavailable with it unless the command exits 0.
Expected<std::string> Shell(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "re");
  if (!pipe) return MakeError(Code::kUnavailable, "no shell");
  std::string out;
  char buffer[4096];
  for (size_t n; (n = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  const int status = ::pclose(pipe);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return MakeError(Code::kUnavailable, out.empty() ? command + " failed" : out);
  return out;
}

Expected<std::string> Script(const std::string& arguments) {
  return Shell(std::string("ZOE_DOCKERD_OWNER=") + std::to_string(::getpid()) + " '" +
               ZOE_DOCKERD_SCRIPT + "' " + arguments);
}

}  // namespace

std::string DockerFixture::WhyNot() {
  const auto checked = Script("check");
  return checked ? "" : checked.error().message;
}

Expected<std::unique_ptr<DockerFixture>> DockerFixture::Start() {
  std::string dir = (std::filesystem::temp_directory_path() / "zoe-docker-XXXXXX").string();
  if (!::mkdtemp(dir.data())) return MakeError(Code::kUnavailable, "no directory " + dir);
  std::unique_ptr<DockerFixture> fixture(new DockerFixture(dir));
  auto host = Script("start '" + dir + "'");
  if (!host) return std::move(host).error();
  fixture->host_ = *std::move(host);
  return fixture;
}

DockerFixture::~DockerFixture() {
  const auto stopped = Script("stop '" + dir_ + "'");
  if (!stopped) std::fprintf(stderr, "%s\n", stopped.error().message.c_str());
}

Expected<void> DockerFixture::StopEngine() {
  ZOE_TRY(Script("engine-stop '" + dir_ + "'"));
  return {};
}

Expected<void> DockerFixture::StartEngine() {
  ZOE_TRY(Script("engine-start '" + dir_ + "'"));
  return {};
}

Expected<std::string> DockerFixture::Run(const std::string& command) const {
  return Script("run '" + dir_ + "' " + command);
}

Expected<std::string> DockerFixture::Docker(const std::string& arguments) const {
  return Shell("docker -H '" + host_ + "' " + arguments);
}

}  // namespace zoe::testing

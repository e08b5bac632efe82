#include "test/conformance/store/writer_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

namespace zoe::conformance {

WriterProcess::WriterProcess(const std::vector<std::string>& arguments) {
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "store_writer";
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) std::abort();
  pid_ = fork();
  if (pid_ == 0) {
    dup2(fds[1], STDOUT_FILENO);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  close(fds[1]);
  out_ = fds[0];
  reader_ = std::thread([this] {
    char bytes[65536];
    for (ssize_t n = 0; (n = read(out_, bytes, sizeof(bytes))) > 0;) {
      const std::lock_guard lock(mutex_);
      journal_.append(bytes, static_cast<size_t>(n));
    }
  });
}

void WriterProcess::Freeze() { kill(pid_, SIGSTOP); }
void WriterProcess::Thaw() { kill(pid_, SIGCONT); }

void WriterProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  killed_ = std::chrono::steady_clock::now();
  pid_ = -1;
  reader_.join();
  close(out_);
}

std::vector<Operation> WriterProcess::Operations(SteadyTime latest) const {
  const std::lock_guard lock(mutex_);
  return ReadJournal(journal_, latest);
}

}  // namespace zoe::conformance

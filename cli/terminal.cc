#include "cli/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

extern char** environ;

namespace zoe::cli {
namespace {

void Write(int fd, const std::string& text) {
  [[maybe_unused]] const ssize_t n = write(fd, text.data(), text.size());
}

// Key by key, because a terminal that has died with its echo off would stay so.
std::optional<std::string> ReadKeys(int fd) {
  std::string line;
  for (char key; read(fd, &key, 1) == 1;) {
    switch (key) {
      case '\n':
      case '\r':
        return line;
      case 3:  // ^C
      case 4:  // ^D
        return std::nullopt;
      case 21:  // ^U
        line.clear();
        break;
      case 8:
      case 127:
        while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80)
          line.pop_back();
        if (!line.empty()) line.pop_back();
        break;
      default:
        line += key;
    }
  }
  return std::nullopt;
}

std::vector<char*> Argv(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  return argv;
}

}  // namespace

std::optional<std::string> AskSecret(const std::string& prompt) {
  const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  termios before{};
  std::optional<std::string> line;
  if (tcgetattr(fd, &before) == 0) {
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    Write(fd, prompt);
    if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) line = ReadKeys(fd);
    tcsetattr(fd, TCSAFLUSH, &before);
    Write(fd, "\n");
  }
  close(fd);
  return line;
}

std::optional<int> RunProgram(const std::vector<std::string>& command) {
  std::vector<char*> argv = Argv(command);
  pid_t pid = 0;
  if (posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return std::nullopt;
  // ^C is for the program: an editor's or a pager's own affair.
  const auto interrupt = signal(SIGINT, SIG_IGN), quit = signal(SIGQUIT, SIG_IGN);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  signal(SIGINT, interrupt);
  signal(SIGQUIT, quit);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool Launch(const std::vector<std::string>& command) {
  std::vector<char*> argv = Argv(command);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  for (int fd = 0; fd < 3; ++fd)
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0;
}

}  // namespace zoe::cli

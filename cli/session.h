// One run of one command: its arguments, where it talks to, and how it reports.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apis/client/client.h"
#include "cli/config.h"
#include "cli/io.h"
#include "cli/options.h"

namespace zoe::cli {

class Session {
 public:
  // Resolves flag > environment > context > default. `command` is told to the server as who
  // writes.
  static Expected<Session> Open(Io& io, Arguments arguments, std::string_view command);
  // For a command that needs neither: not even a broken config file stops it.
  static Expected<Session> Bare(Io& io, Arguments arguments) {
    return Session(io, std::move(arguments));
  }

  const Arguments& args() const { return arguments_; }
  const std::vector<std::string>& words() const { return arguments_.words(); }
  Io& io() const { return *io_; }
  std::ostream& out() const { return io_->out; }
  std::ostream& err() const { return io_->err; }

  // Connected to on first use. The session keeps it.
  Expected<client::Client*> Connect();
  const std::string& server() const { return options_.server; }
  const client::Options& options() const { return options_; }
  // Whom the credentials name; empty if they don't.
  std::string user() const { return UserOf(options_); }
  static std::string UserOf(const client::Options& options);
  const std::string& ns() const { return ns_; }
  bool ns_given() const { return ns_given_; }  // by --namespace
  // "" with --all-namespaces.
  std::string ListNamespace() const { return arguments_.Is("all-namespaces") ? "" : ns_; }

  // "Warning: …" on stderr.
  void Warn(const std::string& text) const;
  // Say what went wrong on stderr; return the exit code.
  int Fail(const Error& error) const;
  int Fail(const std::string& message) const;
  int Usage(const std::string& message) const;

 private:
  Session(Io& io, Arguments arguments) : io_(&io), arguments_(std::move(arguments)) {}
  Io* io_;
  Arguments arguments_;
  client::Options options_;
  std::string ns_ = "default";
  bool ns_given_ = false;
  std::unique_ptr<client::Client> client_;
};

// "Error from server (NotFound): …" or "error: …" with causes below. Never with a line break at the
// end.
std::string Explain(const Error& error);

// The flags that every command has.
const std::vector<Flag>& GlobalFlags();

}  // namespace zoe::cli

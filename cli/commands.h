// The commands. Each takes a session and returns an exit code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/io.h"
#include "cli/manifest.h"
#include "cli/options.h"
#include "cli/session.h"

namespace zoe::cli {

struct Command {
  std::string_view name;
  std::string_view usage;    // "-f FILE…"
  std::string_view summary;  // one line
  std::string_view examples;
  std::vector<Flag> flags;  // its own; GlobalFlags come on top
  int (*run)(Session& session) = nullptr;
  bool standalone = false;  // needs no config file and no server
  std::string_view verbs;   // what its first word is one of, "ls get put"; empty: anything
};

const std::vector<Command>& Commands();

// The whole program.
int Main(const std::vector<std::string>& args, Io& io);

int Apply(Session& session);
int Diff(Session& session);
int Edit(Session& session);
int Get(Session& session);
int Describe(Session& session);
int Delete(Session& session);
int Logs(Session& session);
int WaitFor(Session& session);
int Events(Session& session);
int Validate(Session& session);
int Suspend(Session& session);
int Resume(Session& session);
int Restart(Session& session);
int Run(Session& session);
int Label(Session& session);
int Annotate(Session& session);
int Patch(Session& session);
int Status(Session& session);
int Top(Session& session);
int Version(Session& session);
int ExplainKind(Session& session);
int ApiResources(Session& session);
int ApiVersions(Session& session);
int Completion(Session& session);
int ConfigCommand(Session& session);
int ConfigKubeconfig(Session& session);  // of a session with a server
int Files(Session& session);
int GatewayCommand(Session& session);
int OpenEndpoint(Session& session);
int Login(Session& session);
int Logout(Session& session);
int TokenCommand(Session& session);
int Passwd(Session& session);

// Pieces that several commands share.
ReadOptions FileOptions(const Session& session, bool validate);
// -l and --field-selector as query parameters.
client::Query Selectors(const Session& session);
// Keeps what carries the labels of -l, and tells of the rest.
Expected<void> KeepSelected(const Session& session, std::vector<Manifest>& objects);
// The problems on stderr; kFailed.
int Complain(const Session& session, const std::vector<std::string>& problems);
// " (dry run)", " (server dry run)" or "".
std::string DryRunNote(const Session& session);
// {{"dryRun", "All"}} with --dry-run=server.
client::Query DryRunQuery(const Session& session);
// After objects were created or changed: --wait and --timeout of apply and run, for those that
// become ready.
int AwaitObjects(Session& session, const std::vector<codec::Value>& objects);
// Events of an object, oldest first.
Expected<std::vector<codec::Value>> EventsOf(client::Client& client, const codec::Value& object);

}  // namespace zoe::cli

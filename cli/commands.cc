#include "cli/commands.h"

#include <algorithm>

#include "cli/table.h"

namespace zoe::cli {
namespace {

using Flags = std::vector<Flag>;

const Flag kFile{.name = "filename",
                 .letter = 'f',
                 .kind = FlagKind::kList,
                 .value = "FILE",
                 .help = "a file, a directory, a URL, or - for stdin; may be repeated"};
const Flag kRecursive{
    .name = "recursive", .letter = 'R', .help = "take the folders of directories too"};
const Flag kSelector{.name = "selector",
                     .letter = 'l',
                     .kind = FlagKind::kValue,
                     .value = "LABELS",
                     .help = "only objects with these labels, such as a=b,c!=d"};
const Flag kFieldSelector{.name = "field-selector",
                          .kind = FlagKind::kValue,
                          .value = "FIELDS",
                          .help = "only objects with these fields, such as status.phase=Running"};
const Flag kEverywhere{.name = "all-namespaces", .letter = 'A', .help = "of all namespaces"};
const Flag kOutput{
    .name = "output",
    .letter = 'o',
    .kind = FlagKind::kValue,
    .value = "FORMAT",
    .help = "wide, json, yaml, name, jsonpath=TEMPLATE, custom-columns=NAME:.path,…"};
const Flag kDryRun{.name = "dry-run",
                   .kind = FlagKind::kOptional,
                   .value = "none|client|server",
                   .help = "only say what would be done; \"server\" lets the server check it",
                   .standard = "none",
                   .bare = "client",
                   .choices = {"none", "client", "server"}};
const Flag kServerDryRun{.name = "dry-run",
                         .kind = FlagKind::kOptional,
                         .value = "none|server",
                         .help = "let the server check it, change nothing",
                         .standard = "none",
                         .bare = "server",
                         .choices = {"none", "server"}};
const Flag kWatch{.name = "watch", .letter = 'w', .help = "then go on with every change"};
const Flag kNoHeaders{.name = "no-headers", .help = "leave the line of column names out"};
const Flag kUser{.name = "user",
                 .letter = 'u',
                 .kind = FlagKind::kValue,
                 .value = "NAME",
                 .help = "another user"};
const Flag kPasswordStdin{.name = "password-stdin",
                          .help = "take the password from stdin, a line of it"};
const Flag kExpires{.name = "expires",
                    .kind = FlagKind::kValue,
                    .value = "DURATION",
                    .help = "how long the token is good; 0: for ever",
                    .standard = "720h"};
const Flag kAuthority{.name = "certificate-authority",
                      .kind = FlagKind::kValue,
                      .value = "FILE",
                      .help = "PEM file that the server's certificate is checked with"};
const Flag kAll{.name = "all", .help = "all objects of the kind in the namespace"};

const Flag kForceConflicts{.name = "force-conflicts",
                           .help = "take over fields that others hold, and members of other sets"};
const Flag kFieldManager{.name = "field-manager",
                         .kind = FlagKind::kValue,
                         .value = "NAME",
                         .help = "who holds the fields that are applied",
                         .standard = "zoe"};
const Flag kApplySet{.name = "apply-set",
                     .kind = FlagKind::kValue,
                     .value = "NAME",
                     .help = "the set that these objects become members of"};

Flag Timeout(std::string_view standard, std::string_view help) {
  return {.name = "timeout",
          .kind = FlagKind::kValue,
          .value = "DURATION",
          .help = help,
          .standard = standard};
}

std::vector<Command> MakeCommands() {
  return {
      {"apply", "-f FILE…", "make objects as files say: created, configured or unchanged",
       "zoe apply -f wordcount.yaml --wait\nzoe apply -R -f samples/ --dry-run=server\ncat "
       "app.yaml | zoe apply -f -\n"
       "zoe apply -f project/ --prune --apply-set books",
       Flags{kFile,
             kRecursive,
             kSelector,
             kDryRun,
             kOutput,
             kForceConflicts,
             kFieldManager,
             kApplySet,
             {.name = "prune",
              .help =
                  "delete what an earlier apply made, belongs to --apply-set or carries -l, and is "
                  "in these files no more"},
             {.name = "server-side", .help = "the only way there is", .standard = "true"},
             {.name = "wait", .help = "until all is ready, or executions with a monitor complete"},
             Timeout("5m", "how long --wait waits (exit 124); 0: without end")},
       Apply},
      {"diff", "-f FILE…", "show what apply would change: exit 1 if anything, 2 on errors",
       "zoe diff -f wordcount.yaml\nzoe diff -R -f project/ --prune --apply-set books\n"
       "ZOE_EXTERNAL_DIFF='diff -u --color' zoe diff -f wordcount.yaml",
       Flags{kFile,
             kRecursive,
             kSelector,
             kForceConflicts,
             kFieldManager,
             kApplySet,
             {.name = "prune", .help = "show what apply --prune would delete, too"}},
       Diff},
      {"edit", "KIND NAME… | KIND/NAME…", "change objects in an editor",
       "zoe edit exec wordcount\nZOE_EDITOR='code --wait' zoe edit exec/wordcount", Flags{}, Edit},
      {"get", "KIND [NAME…] | KIND/NAME… | all", "list objects, or show them",
       "zoe get executions\nzoe get exec,app -A -o wide\nzoe get exec wordcount -o "
       "jsonpath='{.status.phase}'\nzoe get exec -l project=books -w",
       Flags{kOutput,
             kEverywhere,
             kSelector,
             kFieldSelector,
             kWatch,
             kNoHeaders,
             kFile,
             kRecursive,
             {.name = "show-labels", .help = "with a column of labels"},
             {.name = "show-kind", .help = "names as KIND/NAME"},
             {.name = "show-managed-fields", .help = "json and yaml: with metadata.managedFields"},
             {.name = "sort-by",
              .kind = FlagKind::kValue,
              .value = "PATH",
              .help = "in order of a field, such as .metadata.creationTimestamp"},
             {.name = "ignore-not-found", .help = "a missing object is no error"}},
       Get},
      {"describe", "KIND [NAME…] | KIND/NAME…",
       "all about objects: services, endpoints, conditions, events", "zoe describe exec wordcount",
       Flags{kEverywhere, kSelector, kFile, kRecursive}, Describe},
      {"delete", "KIND NAME… | KIND/NAME… | -f FILE…",
       "delete objects and wait until they are gone",
       "zoe delete exec wordcount\nzoe delete -f wordcount.yaml --ignore-not-found\nzoe delete "
       "exec --all --wait=false",
       Flags{kFile,
             kRecursive,
             kSelector,
             kFieldSelector,
             kEverywhere,
             kAll,
             kDryRun,
             kOutput,
             {.name = "wait", .help = "until they are gone", .standard = "true"},
             {.name = "ignore-not-found", .help = "a missing object is no error"},
             Timeout("0", "how long to wait (exit 124); 0: without end")},
       Delete},
      {"run", "APPLICATION", "start an application of the catalog or of the own namespace",
       "zoe run spark --param workers=3 --wait\nzoe run notebook --name mine",
       Flags{{.name = "name",
              .kind = FlagKind::kValue,
              .value = "NAME",
              .help = "the execution's name; else APPLICATION-xxxxx"},
             {.name = "param",
              .kind = FlagKind::kList,
              .value = "NAME=VALUE",
              .help = "a parameter; may be repeated"},
             kDryRun,
             kOutput,
             {.name = "wait", .help = "until it is ready, or complete if it has a monitor"},
             Timeout("5m", "how long --wait waits (exit 124); 0: without end")},
       Run},
      {"logs", "EXECUTION", "print what an execution's services wrote",
       "zoe logs wordcount -s client\nzoe logs wordcount -f --tail 20 --timestamps",
       Flags{{.name = "service",
              .letter = 's',
              .kind = FlagKind::kValue,
              .value = "SERVICE",
              .help = "only this service"},
             {.name = "replica",
              .kind = FlagKind::kValue,
              .value = "N",
              .help = "only this replica (1…)"},
             {.name = "follow", .letter = 'f', .help = "go on as lines come"},
             {.name = "tail",
              .kind = FlagKind::kValue,
              .value = "N",
              .help = "only the last N lines",
              .standard = "-1"},
             {.name = "since",
              .kind = FlagKind::kValue,
              .value = "DURATION",
              .help = "only lines younger than this"},
             {.name = "timestamps", .help = "with the time of each line"}},
       Logs},
      {"wait", "KIND NAME… --for=…", "until a condition is true",
       "zoe wait exec/wordcount --for=condition=Complete --timeout=10m\nzoe wait exec wordcount "
       "--for=delete\n"
       "zoe wait exec wordcount --for=jsonpath='{.status.phase}'=Running",
       Flags{{.name = "for",
              .kind = FlagKind::kValue,
              .value = "WHAT",
              .help = "condition=NAME[=VALUE], delete, create or jsonpath={PATH}[=VALUE]"},
             Timeout("30s", "how long (exit 124); 0: look once; negative: without end"),
             kSelector,
             kFieldSelector,
             kEverywhere,
             kAll,
             kFile,
             kRecursive},
       WaitFor},
      {"events", "", "what happened, oldest first",
       "zoe events --for exec/wordcount\nzoe events -A -w --types=Warning",
       Flags{{.name = "for",
              .kind = FlagKind::kValue,
              .value = "KIND/NAME",
              .help = "only of this object"},
             {.name = "types",
              .kind = FlagKind::kValue,
              .value = "Normal|Warning",
              .help = "only of this type",
              .choices = {"Normal", "Warning"}},
             kEverywhere,
             kWatch,
             kOutput,
             kNoHeaders},
       Events},
      {"validate", "-f FILE…", "check files without a server",
       "zoe validate -f wordcount.yaml\nzoe validate -R -f samples/", Flags{kFile, kRecursive},
       Validate},
      {"suspend", "EXECUTION…", "remove an execution's services, keep the object",
       "zoe suspend wordcount", Flags{kServerDryRun}, Suspend},
      {"resume", "EXECUTION…", "let a suspended execution go on", "zoe resume wordcount",
       Flags{kServerDryRun}, Resume},
      {"restart", "EXECUTION…", "restart all containers of an execution", "zoe restart wordcount",
       Flags{kServerDryRun}, Restart},
      {"label", "KIND NAME… KEY=VALUE… KEY-…", "set or remove labels",
       "zoe label exec wordcount project=books old-",
       Flags{{.name = "overwrite", .help = "change values that are there"}, kServerDryRun}, Label},
      {"annotate", "KIND NAME… KEY=VALUE… KEY-…", "set or remove annotations",
       "zoe annotate exec wordcount note='first try'",
       Flags{{.name = "overwrite", .help = "change values that are there"}, kServerDryRun},
       Annotate},
      {"patch", "KIND NAME… -p PATCH", "change fields by a merge patch",
       "zoe patch exec wordcount -p '{\"spec\":{\"priority\":5}}'",
       Flags{{.name = "patch",
              .letter = 'p',
              .kind = FlagKind::kValue,
              .value = "PATCH",
              .help = "JSON or YAML; null removes a field"},
             {.name = "type",
              .kind = FlagKind::kValue,
              .value = "merge",
              .help = "merge is the only one",
              .standard = "merge",
              .choices = {"merge"}},
             kServerDryRun},
       Patch},
      {"open", "EXECUTION [ENDPOINT]", "print the address of an endpoint, and open it in a browser",
       "zoe open notebook\nzoe open spark web --print",
       Flags{{.name = "print", .help = "only print it"}}, OpenEndpoint},
      {"files", "ls [PATH] | get PATH [LOCAL|-] | put LOCAL|- [PATH] | rm PATH… | mkdir PATH…",
       "list and copy the files of the workspace",
       "zoe files ls -l results\nzoe files get -r results .\nzoe files put data.csv in/\ncat "
       "data.csv | zoe files put - in/data.csv\nzoe files rm -r in",
       Flags{{.name = "recursive", .letter = 'r', .help = "get, put, rm: whole directories"},
             {.name = "recurse", .letter = 'R', .help = "ls: also what is in the directories"},
             {.name = "long", .letter = 'l', .help = "ls: with permissions, owner, size and time"},
             kOutput},
       Files, false, "ls get put rm mkdir"},
      {"gateway", "[--pac [FILE]]", "how to reach the network: SSH and SOCKS5",
       "zoe gateway\nzoe gateway --pac zoe.pac\nzoe gateway -o jsonpath='{.status.ssh}'",
       Flags{{.name = "pac", .help = "write a browser's proxy file (PAC) to FILE, or to stdout"},
             {.name = "proxy",
              .kind = FlagKind::kValue,
              .value = "HOST:PORT",
              .help = "the SOCKS5 proxy in it: the local end of ssh -D",
              .standard = "127.0.0.1:1080"},
             {.name = "show-credentials", .help = "show what its SOCKS5 takes from programs"},
             kOutput},
       GatewayCommand},
      {"status", "", "the platform at a glance: nodes, capacity, executions, queue", "zoe status",
       Flags{}, Status},
      {"top", "[nodes|executions|services|pods]",
       "what is used, next to what is reserved, by node and by execution",
       "zoe top\nzoe top nodes\nzoe top services -A --sort-by=memory\nzoe top executions -o json",
       Flags{kEverywhere,
             kSelector,
             kFieldSelector,
             kOutput,
             kNoHeaders,
             {.name = "sort-by",
              .kind = FlagKind::kValue,
              .value = "cpu|memory",
              .help = "what uses most of it first",
              .choices = {"cpu", "memory"}}},
       Top, false, "nodes executions services pods"},
      {"login", "[SERVER]", "log in: keep a token in the config file",
       "zoe login https://zoe.example:4850 -u alice\nzoe login -u alice --password-stdin <secret",
       Flags{{.name = "user",
              .letter = 'u',
              .kind = FlagKind::kValue,
              .value = "NAME",
              .help = "as whom; else ZOE_USER, or it is asked for"},
             kPasswordStdin,
             {.name = "token-name",
              .kind = FlagKind::kValue,
              .value = "NAME",
              .help = "the token's name; else zoe-HOST-xxxxx"},
             kExpires,
             kAuthority},
       Login, true},
      {"logout", "", "revoke and forget the token of the context", "zoe logout", Flags{}, Logout,
       true},
      {"token", "create [NAME] | list | delete NAME…", "tokens for programs",
       "zoe token create ci --expires 2160h\nzoe token list\nzoe token delete ci",
       Flags{kUser,
             kExpires,
             {.name = "description",
              .kind = FlagKind::kValue,
              .value = "TEXT",
              .help = "create: what it is for"},
             kOutput},
       TokenCommand, false, "create list delete"},
      {"passwd", "[USER]", "change a password", "zoe passwd\nzoe passwd alice",
       Flags{{.name = "password-stdin",
              .help = "take the new password from stdin, after a line with the current one if a "
                      "token is used"}},
       Passwd},
      {"config",
       "view | get-contexts | current-context | use-context NAME | set-context NAME | "
       "delete-context NAME | kubeconfig",
       "servers and users to choose from; a kubeconfig for kubectl",
       "zoe config set-context lab --server https://zoe.example:4850 --user alice --password "
       "secret\nzoe config use-context lab\nzoe config kubeconfig && kubectl --context zoe get "
       "executions",
       Flags{{.name = "user",
              .kind = FlagKind::kValue,
              .value = "NAME",
              .help = "user of the context"},
             {.name = "password",
              .kind = FlagKind::kValue,
              .value = "PASSWORD",
              .help = "password of the context"},
             {.name = "token",
              .kind = FlagKind::kValue,
              .value = "TOKEN",
              .help = "token of the context; wins over user and password"},
             kAuthority,
             {.name = "current", .help = "change the current context"},
             {.name = "raw", .help = "view: show secrets"},
             {.name = "name",
              .kind = FlagKind::kValue,
              .value = "NAME",
              .help = "kubeconfig: of its cluster, user and context",
              .standard = "zoe"},
             {.name = "set-current", .help = "kubeconfig: make its context the current one"},
             {.name = "token-name",
              .kind = FlagKind::kValue,
              .value = "NAME",
              .help = "kubeconfig: the token's name; else kubectl-HOST-xxxxx"},
             kExpires,
             {.name = "insecure-skip-tls-verify",
              .help = "kubeconfig: kubectl shall not check the server's certificate"},
             {.name = "output",
              .letter = 'o',
              .kind = FlagKind::kValue,
              .value = "FORMAT",
              .help = "view: yaml, json, jsonpath=TEMPLATE; kubeconfig: FILE or -, else "
                      "$KUBECONFIG or ~/.kube/config"}},
       ConfigCommand, true,
       "view get-contexts current-context use-context set-context delete-context kubeconfig"},
      {"explain", "KIND[.FIELD…]", "what a kind or a field means",
       "zoe explain execution\nzoe explain exec.spec.application.services --recursive",
       Flags{{.name = "recursive", .help = "all that is in it, names only"}}, ExplainKind, true},
      {"api-resources", "", "the resources that the server has",
       "zoe api-resources\nzoe api-resources -o wide --api-group=zoe --namespaced=true",
       Flags{{.name = "output",
              .letter = 'o',
              .kind = FlagKind::kValue,
              .value = "wide|name",
              .help = "more columns, or names only"},
             {.name = "namespaced", .help = "only those in namespaces; =false: the others"},
             {.name = "api-group",
              .kind = FlagKind::kValue,
              .value = "GROUP",
              .help = "only of this group; '' is Kubernetes' core"},
             kNoHeaders},
       ApiResources},
      {"api-versions", "", "the groups and versions that the server has", "zoe api-versions",
       Flags{}, ApiVersions},
      {"completion", "bash | zsh | fish", "a shell's completion script",
       "source <(zoe completion bash)", Flags{}, Completion, true, "bash zsh fish"},
      {"version", "", "versions of client and server", "zoe version --client",
       Flags{{.name = "client", .help = "only the client's"}, kOutput}, Version},
  };
}

std::string FlagUsage(const Flag& flag) {
  std::string text = flag.letter != 0 ? std::string("-") + flag.letter + ", --" : "    --";
  text += flag.name;
  if (flag.kind == FlagKind::kOptional) return text + "[=" + std::string(flag.value) + "]";
  return flag.value.empty() ? text : text + " " + std::string(flag.value);
}

void PrintFlags(std::ostream& out, const std::vector<Flag>& flags) {
  Table table({}, 2, 0);
  for (const Flag& flag : flags) {
    std::string help(flag.help);
    if (!flag.standard.empty() && flag.kind == FlagKind::kValue)
      help += " (" + std::string(flag.standard) + ")";
    if (flag.kind == FlagKind::kBool && flag.standard == "true") help += " (true)";
    table.Add({FlagUsage(flag), help});
  }
  table.Flush(out, "  ");
}

void PrintHelp(std::ostream& out) {
  out << "Zoe runs distributed applications, declared in YAML, on a Docker Swarm.\n\nUsage: zoe "
         "COMMAND [words and flags in any order]\n\nCommands:\n";
  Table table({}, 2, 0);
  for (const Command& command : Commands())
    table.Add({std::string(command.name), std::string(command.summary)});
  table.Flush(out, "  ");
  out << "\nFlags of every command:\n";
  PrintFlags(out, GlobalFlags());
  out << "\nEnvironment: ZOE_SERVER, ZOE_USER, ZOE_PASS, ZOE_TOKEN, ZOE_CONFIG\n"
         "Exit codes: 0 done, 1 failed, 2 wrong usage, 124 a --timeout passed\n"
         "Examples: zoe apply -f wordcount.yaml --wait; zoe get executions -w\n"
         "\"zoe COMMAND --help\" tells more.\n";
}

void PrintHelp(std::ostream& out, const Command& command) {
  out << "zoe " << command.name << ": " << command.summary << "\n\nUsage: zoe " << command.name
      << (command.usage.empty() ? "" : " ") << command.usage << "\n\nExamples:\n";
  std::string_view examples = command.examples;
  while (!examples.empty()) {
    const size_t end = std::min(examples.find('\n'), examples.size());
    out << "  " << examples.substr(0, end) << '\n';
    examples.remove_prefix(std::min(end + 1, examples.size()));
  }
  if (!command.flags.empty()) {
    out << "\nFlags:\n";
    PrintFlags(out, command.flags);
  }
  out << "\nFlags of every command:\n";
  PrintFlags(out, GlobalFlags());
}

const Command* FindCommand(std::string_view name) {
  const auto& commands = Commands();
  const auto it = std::find_if(commands.begin(), commands.end(),
                               [&](const Command& c) { return c.name == name; });
  return it == commands.end() ? nullptr : &*it;
}

int UnknownCommand(Io& io, const std::string& name) {
  std::vector<std::string_view> names;
  for (const Command& command : Commands()) names.push_back(command.name);
  const std::string close = Closest(name, names);
  io.err << "error: unknown command \"" << name << "\""
         << (close.empty() ? "" : "; did you mean \"" + close + "\"?") << "\nSee \"zoe --help\".\n";
  return kUsage;
}

int RunCommand(const Command& command, const std::vector<std::string>& rest, Io& io) {
  std::vector<Flag> flags = command.flags;
  flags.insert(flags.end(), GlobalFlags().begin(), GlobalFlags().end());
  auto arguments = ParseArguments(rest, flags);
  if (!arguments.ok()) {
    io.err << "error: " << arguments.error().message << "\nSee \"zoe " << command.name
           << " --help\".\n";
    return kUsage;
  }
  if (arguments->Is("help")) {
    PrintHelp(io.out, command);
    return kOk;
  }
  auto session = command.standalone ? Session::Bare(io, std::move(*arguments))
                                    : Session::Open(io, std::move(*arguments), command.name);
  if (!session.ok()) {
    io.err << "error: " << session.error().message << '\n';
    return session.error().code == Code::kBadRequest ? kUsage : kFailed;
  }
  const int code = command.run(*session);
  if (code == kUsage) io.err << "See \"zoe " << command.name << " --help\".\n";
  return code;
}

}  // namespace

const std::vector<Command>& Commands() {
  static const std::vector<Command> commands = MakeCommands();
  return commands;
}

int Main(const std::vector<std::string>& args, Io& io) {
  // -o may stand before the command, as the other flags that every command has.
  std::vector<Flag> before = GlobalFlags();
  before.push_back(kOutput);
  const size_t at = FirstWord(args, before);
  const bool help = std::any_of(
      args.begin(), args.begin() + static_cast<std::ptrdiff_t>(std::min(at, args.size())),
      [](const std::string& a) { return a == "--help" || a == "-h"; });
  if (at >= args.size()) {
    if (args.size() == 1 && args[0] == "--version") return Main({"version", "--client"}, io);
    if (const auto unknown = ParseArguments(args, before); !unknown.ok()) {
      io.err << "error: " << unknown.error().message << "\nSee \"zoe --help\".\n";
      return kUsage;
    }
    PrintHelp(help ? io.out : io.err);
    return help ? kOk : kUsage;
  }
  std::string name = args[at];
  std::vector<std::string> rest = args;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  if (name == "help") {
    if (rest.empty()) {
      PrintHelp(io.out);
      return kOk;
    }
    name = rest[0];
    rest = {"--help"};
  }
  const Command* command = FindCommand(name);
  if (command == nullptr) return UnknownCommand(io, name);
  const int code = RunCommand(*command, rest, io);
  io.out.flush();
  if (!io.out.good()) {
    io.err << "error: can't write the output\n";
    return code == kOk ? kFailed : code;
  }
  return code;
}

ReadOptions FileOptions(const Session& session, bool validate) {
  return {.files = session.args().All("filename"),
          .recursive = session.args().Is("recursive"),
          .validate = validate,
          .ns = session.ns(),
          .ns_given = session.ns_given()};
}

client::Query Selectors(const Session& session) {
  client::Query query;
  if (session.args().Has("selector"))
    query.emplace_back("labelSelector", session.args().Get("selector"));
  if (session.args().Has("field-selector"))
    query.emplace_back("fieldSelector", session.args().Get("field-selector"));
  return query;
}

int Complain(const Session& session, const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) session.err() << problem << '\n';
  return kFailed;
}

std::string DryRunNote(const Session& session) {
  const std::string& mode = session.args().Get("dry-run");
  return mode == "server" ? " (server dry run)" : mode == "client" ? " (dry run)" : "";
}

client::Query DryRunQuery(const Session& session) {
  if (session.args().Get("dry-run") == "server") return {{"dryRun", "All"}};
  return {};
}

}  // namespace zoe::cli

#include "controller/options.h"

#include <arpa/inet.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include "controller/option_checks.h"
#include "specs/schema/names.h"

namespace zoe {
namespace {

namespace po = boost::program_options;

// What is accepted, or "" if the value is.
using Check = std::string (*)(std::string_view value);

struct Setting {
  const char* name;
  const char* default_value;
  const char* help;
  std::string Options::*field;
  Check check;
};

// ---- the table

const std::vector<Setting>& Settings() {
  static const std::vector<Setting> settings = {
      {"store", "sqlite:/var/lib/zoe/state.db",
       "where objects are kept: sqlite:PATH (embedded), memory: (nothing is kept), or "
       "zk://HOST:PORT[,HOST:PORT...][/CHROOT] (ZooKeeper)",
       &Options::store, CheckStore},
      {"swarm", "unix:///var/run/docker.sock",
       "the Docker Swarm: its managers (unix:///PATH, tcp://HOST:PORT, https://HOST:PORT; several "
       "separated by commas), or zk://HOST:PORT[,HOST:PORT...]/PATH (the ZooKeeper node that holds "
       "such a list; followed when it changes), or sim:nodes=N,cpus=N,memory=Q (simulated, needs "
       "no Docker)",
       &Options::swarm, CheckSwarm},
      {"swarm-tls-ca", "", "file (PEM): the authority that signed the managers' certificates",
       &Options::swarm_tls_ca, Anything},
      {"swarm-tls-cert", "", "file (PEM): our certificate towards Docker", &Options::swarm_tls_cert,
       Anything},
      {"swarm-tls-key", "", "file (PEM): the key of that certificate", &Options::swarm_tls_key,
       Anything},
      {"node-engine", "",
       "the Docker Engine of each node, for commands in containers (kubectl exec, attach): "
       "https://{{address}}:2376 with a node's address, or {{name}}; none: only containers on "
       "managers of --swarm are reached",
       &Options::node_engine, CheckNodeEngine},
      {"deployment", "zoe",
       "name of this deployment; several can share one Swarm and one ZooKeeper and never touch "
       "each other's objects",
       &Options::deployment, CheckDeployment},
      {"listen", "127.0.0.1:4850",
       "address of the HTTP API and the web client; port 0 picks one and prints it",
       &Options::listen, CheckListen},
      {"tls-cert", "", "file (PEM): serve HTTPS with this certificate (and --tls-key)",
       &Options::tls_cert, Anything},
      {"tls-key", "", "file (PEM): the key of --tls-cert", &Options::tls_key, Anything},
      {"workspace-root", "/var/lib/zoe/workspaces",
       "directory of the shared filesystem, the same path on every Docker host",
       &Options::workspace_root, CheckPath},
      {"state-dir", "/var/lib/zoe",
       "directory of this host where the ZooKeeper session is kept while the controller runs, so "
       "that one which is started after a crash can lead at once; what lies there is secret",
       &Options::state_dir, CheckPath},
      {"gateway-image", "zoe/gateway:latest", "default image of gateways", &Options::gateway_image,
       CheckImage},
      {"network-pool", "10.192.0.0/11",
       "subnets (CIDR, separated by commas) that private networks are taken from; what overlaps "
       "another network of the Swarm is left out",
       &Options::network_pool, CheckPool},
      {"network-encrypted", "false",
       "true: all private networks are encrypted between nodes, whatever their User says",
       &Options::network_encrypted, CheckBoolean},
      {"public-url", "",
       "the address by which users reach this API, for links to endpoints: "
       "https://HOST[:PORT][/PATH]; none: that of --listen",
       &Options::public_url, CheckUrl},
      {"allow-host-paths", "",
       "directories of the nodes that services may mount: PATH[:ro][@ROLE] separated by commas; of "
       "those for reading only also what lies below",
       &Options::allow_host_paths, CheckAllowedPaths},
      {"allow-capabilities", "",
       "Linux capabilities that services may ask for: NAME[@ROLE] separated by commas, such as "
       "SYS_PTRACE or NET_ADMIN@admin",
       &Options::allow_capabilities, CheckAllowedCapabilities},
      {"guest-idle-timeout", "3600",
       "seconds without use after which an execution of a guest is ended, at most",
       &Options::guest_idle_timeout, CheckSeconds},
      {"scheduler-policy", "priority",
       "who of those that wait starts first: fifo, priority, size (smallest), dynamic-size (the "
       "same, "
       "smaller with the time waited), shortest-remaining (by expectedDurationSeconds), fair-share "
       "(of the user who has least); all but fifo put higher priority first. none: nobody waits, "
       "everything starts at once",
       &Options::scheduler_policy, CheckPolicy},
      {"placement-policy", "swarm",
       "where replicas go: swarm (Docker decides), spread (least used nodes), pack (as few nodes "
       "as "
       "possible)",
       &Options::placement_policy, CheckPlacement},
      {"queue-patience", "14400",
       "seconds in the queue after which an execution goes before all that came later, whatever "
       "the "
       "policy",
       &Options::queue_patience, CheckSeconds},
      {"queue-backfill", "600",
       "seconds for which others may start past the first in the queue; then what becomes free is "
       "kept for it",
       &Options::queue_backfill, CheckSecondsOrNone},
      {"elastic-reclaim", "true",
       "true: elastic replicas give way to executions that wait for their essential ones",
       &Options::elastic_reclaim, CheckBoolean},
      {"preemption", "never",
       "priority: executions that run are put back into the queue for others of higher priority; "
       "never",
       &Options::preemption, CheckPreemption},
      {"gelf-address", "", "udp://HOST:PORT: all containers log there", &Options::gelf_address,
       CheckGelf},
      {"auth", "password",
       "password (users with passwords or tokens), or none (everyone is admin; only on a loopback "
       "address)",
       &Options::auth, CheckAuth},
      {"log-format", "text", "text or json", &Options::log_format, CheckLogFormat},
      {"log-level", "info", "debug, info, warn or error", &Options::log_level, CheckLogLevel},
  };
  return settings;
}

std::vector<std::string_view> Names(bool command_line) {
  std::vector<std::string_view> names;
  for (const Setting& setting : Settings()) names.push_back(setting.name);
  if (command_line)
    names.insert(names.end(), {"config", "write-config", "backup", "restore", "from-deployment",
                               "help", "version"});
  return names;
}

po::options_description Description(bool command_line) {
  po::options_description description;
  for (const Setting& s : Settings()) {
    description.add_options()(s.name, po::value<std::string>(), s.help);
  }
  if (command_line) {
    description.add_options()("config", po::value<std::string>(), "")(
        "write-config", po::value<std::string>(), "")("backup", po::value<std::string>(), "")(
        "restore", po::value<std::string>(), "")("from-deployment", po::value<std::string>(), "")(
        "help,h", "")("version", "");
  }
  return description;
}

std::string EnvironmentName(std::string_view option) {
  std::string name = "ZOE_";
  for (const char c : option) name += c == '-' ? '_' : static_cast<char>(c >= 'a' ? c - 32 : c);
  return name;
}

// ---- the three sources

struct Given {
  std::string value;
  std::string where;  // "--listen", "ZOE_LISTEN", "listen in /etc/zoe/controller.conf:3"
};
using GivenOptions = std::map<std::string, Given>;

Error Wrong(std::string message) {
  return MakeError(Code::kInvalid, "InvalidOption", std::move(message));
}

Expected<GivenOptions> FromCommandLine(const std::vector<std::string>& arguments) {
  GivenOptions given;
  try {
    const po::options_description description = Description(true);
    const po::positional_options_description no_positions;
    const auto style = po::command_line_style::unix_style ^ po::command_line_style::allow_guessing;
    const po::parsed_options parsed = po::command_line_parser(arguments)
                                          .options(description)
                                          .positional(no_positions)
                                          .style(style)
                                          .run();
    for (const auto& option : parsed.options) {
      const std::string value = option.value.empty() ? "" : option.value.front();
      if (!given.emplace(option.string_key, Given{value, "--" + option.string_key}).second) {
        return Wrong("--" + option.string_key + " is given twice");
      }
    }
  } catch (const po::unknown_option& e) {
    std::string name = e.get_option_name();
    name = name.substr(0, name.find('='));
    const size_t dashes = std::min(name.find_first_not_of('-'), name.size());
    const std::string_view closest = schema::Closest(name.substr(dashes), Names(true));
    return Wrong("unknown option " + name +
                 (closest.empty() ? "; --help lists them"
                                  : ", did you mean --" + std::string(closest) + "?"));
  } catch (const po::too_many_positional_options_error&) {
    for (const std::string& argument : arguments) {
      if (argument.starts_with('-')) continue;
      return Wrong("unexpected argument " + schema::Quote(argument) +
                   " (options are --name VALUE or --name=VALUE; --help lists them)");
    }
    return Wrong("unexpected argument");
  } catch (const std::exception& e) {
    return Wrong(e.what());
  }
  return given;
}

GivenOptions FromEnvironment(const Environment& environment) {
  GivenOptions given;
  for (const Setting& setting : Settings()) {
    const std::string name = EnvironmentName(setting.name);
    const char* value = environment(name.c_str());
    if (value && *value != '\0') given[setting.name] = {value, name};
  }
  return given;
}

// The line of `text` on which `name` is set, for messages.
std::string LineOf(const std::string& text, std::string_view name) {
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin != std::string::npos && std::string_view(line).substr(begin).starts_with(name)) {
      return ":" + std::to_string(number);
    }
  }
  return "";
}

// zk://user:password@host: the middle is nobody's business, in a mistyped URL (zk:/...) neither.
std::string WithoutPassword(const std::string& url) {
  const size_t end = url.rfind('@');
  const size_t scheme = url.find("://");
  const size_t begin = scheme != std::string::npos ? scheme + 3 : url.find("zk");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return url;
  return url.substr(0, begin) + "***" + url.substr(end);
}

Expected<GivenOptions> FromFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  try {
    text.str(std::string(std::istreambuf_iterator<char>(file), {}));
  } catch (const std::ios_base::failure&) {  // it is a directory
    file.close();
  }
  if (!file.is_open() || file.bad()) return Wrong("--config: can't read " + path);
  GivenOptions given;
  try {
    const po::parsed_options parsed = po::parse_config_file(text, Description(false), true);
    for (const auto& option : parsed.options) {
      const std::string where = path + LineOf(text.str(), option.string_key);
      if (option.unregistered) {
        return Wrong(where + ": unknown option " + schema::Quote(option.string_key) +
                     schema::DidYouMean(option.string_key, Names(false)));
      }
      const std::string value = option.value.empty() ? "" : option.value.front();
      const Given entry{value, option.string_key + " in " + where};
      if (!given.emplace(option.string_key, entry).second) {
        return Wrong(path + ": " + option.string_key + " is set twice");
      }
    }
  } catch (const po::invalid_config_file_syntax& e) {
    return Wrong(path + ": " + schema::Quote(WithoutPassword(e.tokens())) +
                 " is not a `name = value` line");
  } catch (const std::exception& e) {
    return Wrong(path + ": " + e.what());
  }
  return given;
}

// ---- checks across options

// --backup, --restore: what to do with the store instead of serving it.
Expected<void> ReadTask(const GivenOptions& given, Invocation& invocation) {
  for (const auto& [name, action] : {std::pair("backup", Invocation::Action::kBackup),
                                     std::pair("restore", Invocation::Action::kRestore)}) {
    const auto it = given.find(name);
    if (it == given.end()) continue;
    if (invocation.action != Invocation::Action::kRun)
      return Wrong("--backup and --restore can't be done at once: give one of them");
    if (it->second.value.empty())
      return Wrong(std::string("--") + name + ": a file is missing (- for " +
                   (action == Invocation::Action::kBackup ? "stdout)" : "stdin)"));
    invocation.action = action;
    invocation.backup = it->second.value;
  }
  const auto from = given.find("from-deployment");
  if (from == given.end()) return {};
  if (invocation.action != Invocation::Action::kRestore)
    return Wrong("--from-deployment belongs to --restore");
  invocation.from_deployment = from->second.value;
  return {};
}

bool Exists(const std::string& path) { return std::ifstream(path).good(); }

std::vector<std::string> CheckTogether(const Options& o) {
  std::vector<std::string> wrong;
  if (o.auth == "none" && !IsLoopback(o.listen)) {
    wrong.push_back("--auth none lets everyone in who reaches --listen " + o.listen +
                    ": it is accepted only with a loopback address (127.0.0.1, [::1], localhost)");
  }
  if (o.tls_cert.empty() != o.tls_key.empty()) {
    wrong.push_back("--tls-cert and --tls-key belong together: one of them is missing");
  }
  if (o.swarm_tls_cert.empty() != o.swarm_tls_key.empty()) {
    wrong.push_back("--swarm-tls-cert and --swarm-tls-key belong together: one of them is missing");
  }
  return wrong;
}

}  // namespace

Expected<Invocation> ReadOptions(const std::vector<std::string>& arguments,
                                 const Environment& environment,
                                 const std::string& default_config) {
  ZOE_ASSIGN(GivenOptions given, FromCommandLine(arguments));
  Invocation invocation;
  if (given.contains("help")) {
    invocation.action = Invocation::Action::kHelp;
    return invocation;
  }
  if (given.contains("version")) {
    invocation.action = Invocation::Action::kVersion;
    return invocation;
  }
  if (given.contains("write-config")) {
    invocation.action = Invocation::Action::kWriteConfig;
    invocation.config_to_write = given["write-config"].value;
    return invocation;
  }

  ZOE_TRY(ReadTask(given, invocation));

  std::string config;
  if (given.contains("config")) {
    config = given["config"].value;
  } else if (Exists(default_config)) {
    config = default_config;
  }
  given.merge(FromEnvironment(environment));
  if (!config.empty()) {
    ZOE_ASSIGN(GivenOptions from_file, FromFile(config));
    given.merge(from_file);
  }

  std::vector<std::string> wrong;
  for (const Setting& setting : Settings()) {
    const auto it = given.find(setting.name);
    const Given chosen =
        it == given.end() ? Given{setting.default_value, setting.name} : it->second;
    const std::string accepted = setting.check(chosen.value);
    if (!accepted.empty()) {
      wrong.push_back(chosen.where + ": " + schema::Quote(WithoutPassword(chosen.value)) +
                      " is not accepted; accepted: " + accepted);
    }
    invocation.options.*setting.field = chosen.value;
  }
  if (wrong.empty()) wrong = CheckTogether(invocation.options);
  if (wrong.empty()) return invocation;
  std::string message;
  for (const std::string& line : wrong) message += (message.empty() ? "" : "\n") + line;
  return Wrong(message);
}

namespace {

// `text` in lines of at most 76, each after `indent`.
std::string Wrap(std::string_view text, const std::string& indent) {
  std::string out, line;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    if (!line.empty() && indent.size() + line.size() + 1 + word.size() > 78) {
      out += indent + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + indent + line + "\n";
}

}  // namespace

std::string HelpText() {
  std::string text =
      "zoe-controller: runs analytics applications, declared in YAML, on a Docker Swarm.\n\n"
      "Usage: zoe-controller [--OPTION VALUE]...\n\n"
      "Every option can also stand in the environment (--log-level as ZOE_LOG_LEVEL) or in a file\n"
      "of `name = value` lines. The command line goes before the environment, that before the "
      "file.\n\n";
  for (const Setting& setting : Settings()) {
    text += std::string("  --") + setting.name + "\n" + Wrap(setting.help, "        ");
    const std::string value = setting.default_value;
    text += "        default: " + (value.empty() ? "none" : value) + "\n";
  }
  text +=
      "  --config FILE\n        read options from FILE (default: /etc/zoe/controller.conf if it "
      "exists)\n"
      "  --write-config FILE\n        write all options with their defaults to FILE, and end\n"
      "  --backup FILE\n        write all that --store holds to FILE (-: stdout), and end; "
      "controllers may run on.\n        The file is secret: it holds keys and password hashes\n"
      "  --restore FILE\n        write a backup (-: stdin) into --store, which must be empty, and "
      "end\n"
      "  --from-deployment NAME\n        with --restore: the backup is of deployment NAME, not of "
      "--deployment\n"
      "  --help\n  --version\n\n"
      "With --auth password and no user in the store, user admin is made, with the password from\n"
      "ZOE_ADMIN_PASSWORD or a random one that is printed once.\n"
      "SIGTERM ends it in order.\n";
  return text;
}

std::string ConfigText() {
  std::string text =
      "# Options of zoe-controller with their defaults; one without a default is commented out. "
      "The\n"
      "# command line and the environment go before this file.\n";
  for (const Setting& setting : Settings()) {
    text += "\n" + Wrap(setting.help, "# ");
    const bool unset = std::string_view(setting.default_value).empty();
    text += (unset ? "#" : "") + std::string(setting.name) + " = " + setting.default_value + "\n";
  }
  return text;
}

SwarmUrl SplitSwarmUrl(std::string_view url) {
  SwarmUrl result;
  if (ConsumePrefix(url, "sim:")) {
    result.simulated = true;
    result.simulation = url;
  } else if (url.starts_with("zk://")) {
    result.zookeeper = url;
  } else {
    result.endpoints = Split(url, ',');
  }
  return result;
}

bool IsLoopback(std::string_view listen) {
  const auto address = ParseHostPort(listen);
  if (!address) return false;
  in_addr v4;
  if (inet_pton(AF_INET, address->host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6;
  if (inet_pton(AF_INET6, address->host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return address->host == "localhost";
}

}  // namespace zoe

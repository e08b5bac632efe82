#include "controller/options.h"

#include <arpa/inet.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include "controller/runtime/log.h"
#include "specs/meta/subnet.h"
#include "specs/schema/names.h"
#include "specs/v1/allow_list.h"

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

// ---- checks

bool ConsumePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

struct HostPort {
  std::string host;
  int port = 0;
};

// "host:port" or "[IPv6]:port".
std::optional<HostPort> ParseHostPort(std::string_view text) {
  HostPort result;
  if (ConsumePrefix(text, "[")) {
    const size_t end = text.find("]:");
    if (end == std::string_view::npos) return std::nullopt;
    result.host = text.substr(0, end);
    text.remove_prefix(end + 2);
    in6_addr ignored;
    if (inet_pton(AF_INET6, result.host.c_str(), &ignored) != 1) return std::nullopt;
  } else {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    result.host = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result.port);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || result.host.empty() || result.port < 0 || result.port > 65535) return std::nullopt;
  return result;
}

bool IsIpOrLocalhost(const std::string& host) {
  in_addr v4;
  in6_addr v6;
  return host == "localhost" || inet_pton(AF_INET, host.c_str(), &v4) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

std::string CheckStore(std::string_view value) {
  static constexpr char kAccepted[] =
      "sqlite:PATH, memory:, or zk://HOST:PORT[,HOST:PORT...][/CHROOT]";
  if (value == "memory:") return "";
  if (ConsumePrefix(value, "sqlite:")) return value.empty() ? kAccepted : "";
  if (ConsumePrefix(value, "zk://")) return value.empty() || value[0] == '/' ? kAccepted : "";
  return kAccepted;
}

// HOSTS/PATH after zk://, roughly: ZooKeeper's adapter reads it exactly.
bool NamesZnode(std::string_view value) {
  if (const size_t at = value.rfind('@'); at != std::string_view::npos) value.remove_prefix(at + 1);
  const size_t slash = value.find('/');
  return slash != std::string_view::npos && slash > 0 &&
         value.find_first_not_of('/', slash) != std::string_view::npos;
}

std::string CheckSwarm(std::string_view value) {
  static constexpr char kAccepted[] =
      "a list of unix:///PATH, tcp://HOST:PORT, https://HOST:PORT separated by commas, "
      "zk://HOST:PORT[,HOST:PORT...]/PATH, or sim:nodes=N,cpus=N,memory=Q";
  if (ConsumePrefix(value, "zk://")) return NamesZnode(value) ? "" : kAccepted;
  if (value.starts_with("sim:")) return "";  // the simulator reads the rest
  for (const std::string& part : Split(value, ',')) {
    std::string_view endpoint = part;
    if (ConsumePrefix(endpoint, "unix://")) {
      if (endpoint.size() < 2 || endpoint[0] != '/') return kAccepted;
    } else if (ConsumePrefix(endpoint, "tcp://") || ConsumePrefix(endpoint, "https://")) {
      if (endpoint.ends_with('/')) endpoint.remove_suffix(1);
      const auto address = ParseHostPort(endpoint);
      if (!address || address->port == 0) return kAccepted;
    } else {
      return kAccepted;
    }
  }
  return "";
}

std::string CheckListen(std::string_view value) {
  const auto address = ParseHostPort(value);
  if (address && IsIpOrLocalhost(address->host)) return "";
  return "ADDRESS:PORT or [IPV6]:PORT with an IP address or localhost; port 0 picks one";
}

std::string CheckGelf(std::string_view value) {
  if (value.empty()) return "";
  const bool udp = ConsumePrefix(value, "udp://");
  const auto address = ParseHostPort(value);
  return udp && address && address->port != 0 ? "" : "udp://HOST:PORT";
}

std::string CheckImage(std::string_view value) {
  const bool blank = value.find_first_of(" \t") != std::string_view::npos;
  return value.empty() || blank ? "an image reference such as registry:5000/zoe/gateway:1.0" : "";
}

std::string CheckAuth(std::string_view value) {
  return value == "password" || value == "none" ? "" : "password or none";
}

std::string CheckLogFormat(std::string_view value) {
  return value == "text" || value == "json" ? "" : "text or json";
}

std::string CheckLogLevel(std::string_view value) {
  log::Level level;
  return log::ParseLevel(value, level) ? "" : "debug, info, warn or error";
}

// What stands for a node is filled in, then it is an endpoint like another.
std::string CheckNodeEngine(std::string_view value) {
  static constexpr char kAccepted[] =
      "https://HOST:PORT, tcp://HOST:PORT or unix:///PATH with {{address}} or {{name}} of the node "
      "in it, such as https://{{address}}:2376";
  if (value.empty()) return "";
  std::string filled(value);
  bool any = false;
  for (const std::string_view mark : {"{{address}}", "{{name}}"}) {
    for (size_t at = filled.find(mark); at != std::string::npos; at = filled.find(mark)) {
      filled.replace(at, mark.size(), "node");
      any = true;
    }
  }
  const bool good = any && filled.find_first_of(",{}") == std::string::npos &&
                    !filled.starts_with("sim:") && !filled.starts_with("zk:") &&
                    CheckSwarm(filled).empty();
  return good ? "" : kAccepted;
}

std::string CheckDeployment(std::string_view value) {
  // Swarm's names are at most 63 long and hold more than this one.
  return value.size() <= 32 && schema::MustBeDnsLabel(value).empty()
             ? ""
             : "at most 32 of a-z, 0-9 and '-', beginning and ending with a letter or digit";
}

std::string CheckPath(std::string_view value) {
  return schema::MustBeAbsolutePath(value).empty() ? "" : "an absolute path without \"..\"";
}

std::string CheckPool(std::string_view value) {
  static constexpr char kAccepted[] =
      "IPv4 subnets of /8 to /28 that don't overlap, separated by commas, such as 10.192.0.0/11";
  std::vector<Subnet> pool;
  for (const std::string& part : Split(value, ',')) {
    const auto subnet = ParseSubnet(part);
    if (!subnet || subnet->prefix < 8 || subnet->prefix > 28 || subnet->ToString() != part)
      return kAccepted;
    for (const Subnet& other : pool) {
      if (subnet->Overlaps(other)) return kAccepted;
    }
    pool.push_back(*subnet);
  }
  return "";
}

std::string CheckBoolean(std::string_view value) {
  return value == "true" || value == "false" ? "" : "true or false";
}

std::string CheckUrl(std::string_view value) {
  static constexpr char kAccepted[] = "http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]";
  if (value.empty()) return "";
  if (!ConsumePrefix(value, "http://") && !ConsumePrefix(value, "https://")) return kAccepted;
  const bool good = !value.empty() && value[0] != '/' && value[0] != ':' && value.back() != '/' &&
                    value.find_first_of(" \t?#@\"") == std::string_view::npos;
  return good ? "" : kAccepted;
}

std::string CheckAllowedPaths(std::string_view value) {
  const auto allowed = v1::ParseAllowedPaths(value);
  return allowed.ok() ? "" : "PATH[:ro][@ROLE],... (" + allowed.error().message + ")";
}

std::string CheckAllowedCapabilities(std::string_view value) {
  const auto allowed = v1::ParseAllowedCapabilities(value);
  return allowed.ok() ? "" : "NAME[@ROLE],... (" + allowed.error().message + ")";
}

std::string CheckSeconds(std::string_view value) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  const bool whole = error == std::errc() && end == value.data() + value.size();
  return whole && seconds >= 1 ? "" : "a number of seconds, at least 1";
}

std::string Anything(std::string_view) { return ""; }

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

#include "cli/session.h"

#include <mutex>
#include <set>

#include "cli/table.h"

namespace zoe::cli {
namespace {

bool FromServer(Code code) {
  switch (code) {
    case Code::kUnavailable:
    case Code::kOutcomeUnknown:
    case Code::kCancelled:
      return false;
    default:
      return true;
  }
}

}  // namespace

const std::vector<Flag>& GlobalFlags() {
  static const std::vector<Flag> flags = {
      {.name = "server",
       .kind = FlagKind::kValue,
       .value = "URL",
       .help = "the API's address (ZOE_SERVER)"},
      {.name = "context",
       .kind = FlagKind::kValue,
       .value = "NAME",
       .help = "a context of the config file"},
      {.name = "namespace",
       .letter = 'n',
       .kind = FlagKind::kValue,
       .value = "NAMESPACE",
       .help = "the namespace to work in"},
      {.name = "verbose", .letter = 'v', .help = "show the requests on stderr"},
      {.name = "help", .letter = 'h', .help = "show a command's help"},
  };
  return flags;
}

std::string Explain(const Error& error) {
  std::string text = "error: ";
  if (FromServer(error.code)) {
    const std::string reason(error.reason.empty() ? CodeName(error.code)
                                                  : std::string_view(error.reason));
    text = "Error from server (" + reason + "): ";
  }
  text += error.message;
  for (const Cause& cause : error.causes) {
    if (error.message.find(cause.message) != std::string::npos) continue;  // said already
    text += "\n* " + (cause.field.empty() ? "" : cause.field + ": ") + cause.message;
  }
  if (error.code == Code::kUnauthorized) {
    text += "\nuse \"zoe login\", or set ZOE_USER and ZOE_PASS, or ZOE_TOKEN";
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// A token says whose it is: zoe_USER_SECRET.
std::string Session::UserOf(const client::Options& options) {
  constexpr std::string_view kPrefix = "zoe_";
  const std::string& token = options.token;
  if (token.empty()) return options.user;
  const size_t end = token.find('_', kPrefix.size());
  if (!token.starts_with(kPrefix) || end == std::string::npos) return "";
  return token.substr(kPrefix.size(), end - kPrefix.size());
}

Expected<Session> Session::Open(Io& io, Arguments arguments, std::string_view command) {
  Session session(io, std::move(arguments));
  const Arguments& args = session.arguments_;
  ZOE_ASSIGN(const Config config, LoadConfig(ConfigPath(io)));
  Context context;
  const std::string name = args.Has("context") ? args.Get("context") : config.current;
  if (const Context* found = config.Find(name)) {
    context = *found;
  } else if (args.Has("context")) {
    return MakeError(Code::kInvalid, "no context \"" + name + "\" in " + ConfigPath(io) +
                                         ": see \"zoe config get-contexts\"");
  }
  const auto env = [&](const char* variable) { return io.env(variable).value_or(""); };
  client::Options& options = session.options_;
  const std::string standard = options.server;
  const std::string given = args.Has("server") ? args.Get("server") : env("ZOE_SERVER");
  options.server = !given.empty() ? given : !context.server.empty() ? context.server : standard;
  // A context's secrets go to the context's server alone.
  if (given.empty() || given == context.server) {
    options.token = context.token;
    options.user = context.user;
    options.password = context.password;
    options.ca_file = context.ca_file;
  }
  if (const std::string user = env("ZOE_USER"); !user.empty()) {
    options.user = user;
    options.password = env("ZOE_PASS");
    options.token.clear();
  }
  if (const std::string token = env("ZOE_TOKEN"); !token.empty()) options.token = token;
  if (const std::string ca = env("ZOE_CA_FILE"); !ca.empty()) options.ca_file = ca;
  options.field_manager = "zoe-" + std::string(command);
  // apply sends side by side
  const auto mutex = std::make_shared<std::mutex>();
  options.on_warning = [&io, mutex,
                        said = std::set<std::string>()](const std::string& text) mutable {
    const std::lock_guard lock(*mutex);
    if (said.insert(text).second) io.err << "Warning: " << OneLine(text) << '\n';
  };
  if (args.Is("verbose")) {
    options.on_request = [&io, mutex](const client::Request& request) {
      const std::lock_guard lock(*mutex);
      io.err << request.method << ' ' << request.url << ' ' << request.status << " in "
             << request.took.count() << " ms\n";
    };
  }
  if (const std::string user = session.user(); !user.empty()) session.ns_ = user;
  if (!context.ns.empty()) session.ns_ = context.ns;
  if (args.Has("namespace")) {
    session.ns_ = args.Get("namespace");
    session.ns_given_ = true;
    if (session.ns_.empty()) return MakeError(Code::kBadRequest, "--namespace can't be empty");
  }
  return session;
}

Expected<client::Client*> Session::Connect() {
  if (!client_) {
    client::Options options = options_;
    if (options.password.empty()) options.user.clear();  // known, but logged out
    ZOE_ASSIGN(client_, client::Client::Open(std::move(options)));
  }
  return client_.get();
}

void Session::Warn(const std::string& text) const {
  err() << "Warning: " << OneLine(text) << std::endl;
}

int Session::Fail(const Error& error) const {
  err() << Explain(error) << '\n';
  return kFailed;
}

int Session::Fail(const std::string& message) const {
  err() << "error: " << message << '\n';
  return kFailed;
}

int Session::Usage(const std::string& message) const {
  err() << "error: " << message << '\n';
  return kUsage;
}

}  // namespace zoe::cli

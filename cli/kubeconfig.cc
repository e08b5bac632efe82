#include "cli/kubeconfig.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apis/client/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/table.h"
#include "cli/token.h"

namespace zoe::cli {
namespace {

namespace fs = std::filesystem;
using codec::Value;

// `content` as `key` of the item with that name in a list of the kubeconfig. True: it was there.
Expected<bool> Put(Value& config, std::string_view list, const std::string& name,
                   std::string_view key, Value content) {
  Value* items = config.Find(list);
  if (items == nullptr || items->is_null()) items = &config.Set(list, codec::Array{});
  if (!items->is_array()) return MakeError(Code::kInvalid, std::string(list) + " is no list");
  for (Value& item : items->as_array()) {
    if (item.StringAt("name") != name) continue;
    item.Set(key, std::move(content));
    return true;
  }
  Value item;
  item.Set("name", name);
  item.Set(key, std::move(content));
  items->as_array().push_back(std::move(item));
  return false;
}

void TakeOut(Value& config, std::string_view list, const std::string& name) {
  Value* items = config.Find(list);
  if (items == nullptr || !items->is_array()) return;
  std::erase_if(items->as_array(), [&](const Value& v) { return v.StringAt("name") == name; });
}

// Taken by who writes the file; kubectl gives up where it finds one.
class Lock {
 public:
  explicit Lock(const std::string& path)
      : path_(path + ".lock"),
        fd_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {}
  ~Lock() {
    if (fd_ < 0) return;
    close(fd_);
    unlink(path_.c_str());
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  bool taken() const { return fd_ >= 0; }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const int fd_;
};

Expected<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file) text << file.rdbuf();
  if (!file || fs::is_directory(path))
    return MakeError(Code::kInvalid, path + " can't be read: " + std::strerror(errno));
  return text.str();
}

bool HasComments(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t hash = line.find('#');
    if (hash != std::string::npos && (hash == 0 || line[hash - 1] == ' ')) return true;
  }
  return false;
}

Expected<Value> ParseKubeconfig(const std::string& path, const std::string& text) {
  auto documents = codec::ParseYaml(text);
  if (!documents.ok())
    return MakeError(Code::kInvalid, path + ":" + documents.error().ToString() + "; not touched");
  if (documents->empty()) return Value();
  if (documents->size() > 1)
    return MakeError(Code::kInvalid, path + " holds several documents; not touched");
  return std::move(documents->front());
}

// True where nobody needs to log in.
Expected<bool> IsOpen(const client::Options& options, const std::string& ns) {
  ZOE_ASSIGN(const auto stranger, client::Client::Open({.server = options.server,
                                                        .ca_file = options.ca_file,
                                                        .on_request = options.on_request}));
  const auto answer =
      stranger->Get(client::ResourcePath("/apis/zoe/v1", ns, "executions"), {{"limit", "1"}});
  if (answer.ok()) return true;
  const Code code = answer.error().code;
  if (code == Code::kUnauthorized || code == Code::kForbidden) return false;
  return answer.error();
}

// A token of its own, so that it can be revoked alone; else the session's.
Expected<std::string> TokenFor(Session& session, client::Client& client) {
  const client::Options& options = session.options();
  if (options.token.empty() && options.password.empty())
    return MakeError(Code::kUnauthorized, "nobody is logged in");
  if (session.user().empty()) return options.token;
  const Arguments& args = session.args();
  ZOE_ASSIGN(const Value request,
             TokenRequest(args.Has("token-name") ? args.Get("token-name") : TokenName("kubectl"),
                          args.Get("expires")));
  ZOE_ASSIGN(const Value created, client.Create(UserPath(session.user(), "tokens"), request));
  const std::string expires = created.StringAt("expiresAt");
  session.err() << "token \"" << OneLine(created.StringAt("name")) << "\" of " << session.user()
                << (expires.empty() ? ", which never expires" : ", valid until " + expires)
                << ": \"zoe token delete\" revokes it\n";
  return created.StringAt("token");
}

Expected<KubeEntry> EntryFor(Session& session) {
  const Arguments& args = session.args();
  ZOE_ASSIGN(client::Client * client, session.Connect());
  KubeEntry entry{.name = args.Get("name"),
                  .server = client->server(),
                  .ns = session.ns(),
                  .insecure = args.Is("insecure-skip-tls-verify")};
  if (const std::string& file = session.options().ca_file; !file.empty() && !entry.insecure) {
    ZOE_ASSIGN(entry.authority, ReadFile(file));
  }
  ZOE_ASSIGN(const bool open, IsOpen(session.options(), session.ns()));
  if (open) return entry;
  ZOE_ASSIGN(entry.token, TokenFor(session, *client));
  if (entry.server.starts_with("http://")) {
    session.Warn("kubectl and other Kubernetes clients send tokens over https only, and " +
                 entry.server +
                 " is not: start zoe-controller with --tls-cert and --tls-key, then do this again");
  }
  return entry;
}

}  // namespace

std::string KubeconfigPath(const Io& io) {
  std::string list = io.env("KUBECONFIG").value_or("");
  while (list.starts_with(':')) list.erase(0, 1);
  if (!list.empty()) return list.substr(0, list.find(':'));
  return io.env("HOME").value_or("") + "/.kube/config";
}

Expected<void> AddEntry(Value& config, const KubeEntry& entry, bool current) {
  const bool fits =
      config.is_null() || (config.is_object() &&
                           (config.Find("kind") == nullptr || config.StringAt("kind") == "Config"));
  if (!fits) return MakeError(Code::kInvalid, "it is no kubeconfig");
  if (config.Find("apiVersion") == nullptr) config.Set("apiVersion", "v1");
  if (config.Find("kind") == nullptr) config.Set("kind", "Config");
  Value cluster, user, context;
  if (!entry.authority.empty())
    cluster.Set("certificate-authority-data", client::Base64(entry.authority));
  if (entry.insecure) cluster.Set("insecure-skip-tls-verify", true);
  cluster.Set("server", entry.server);
  context.Set("cluster", entry.name);
  context.Set("namespace", entry.ns);
  if (!entry.token.empty()) {
    context.Set("user", entry.name);
    user.Set("token", entry.token);
    ZOE_TRY(Put(config, "users", entry.name, "user", std::move(user)));
  } else {
    TakeOut(config, "users", entry.name);
  }
  ZOE_TRY(Put(config, "clusters", entry.name, "cluster", std::move(cluster)));
  ZOE_TRY(Put(config, "contexts", entry.name, "context", std::move(context)));
  if (current || config.StringAt("current-context").empty())
    config.Set("current-context", entry.name);
  return {};
}

Expected<KubeconfigWritten> WriteKubeconfig(const std::string& path, const KubeEntry& entry,
                                            bool current) {
  std::error_code error;
  // What a symbolic link leads to is written, not the link replaced.
  const bool exists = fs::exists(path, error);
  const std::string file = exists ? fs::canonical(path, error).string() : path;
  const fs::path directory = fs::path(file).parent_path();
  if (!directory.empty() && !fs::exists(directory, error)) {
    fs::create_directories(directory, error);
    if (error)
      return MakeError(Code::kInvalid, "can't make " + directory.string() + ": " + error.message());
    fs::permissions(directory, fs::perms::owner_all, error);
  }
  const Lock lock(file);
  if (!lock.taken())
    return MakeError(Code::kInvalid, lock.path() + ": " + std::strerror(errno) +
                                         (errno == EEXIST ? ": somebody writes the file just now; "
                                                            "remove it if nobody does"
                                                          : ""));
  std::string text;
  if (exists) {
    ZOE_ASSIGN(text, ReadFile(file));
  }
  ZOE_ASSIGN(Value config, ParseKubeconfig(path, text));
  KubeconfigWritten written{.lost_comments = HasComments(text)};
  if (const Value* contexts = config.Find("contexts"); contexts != nullptr && contexts->is_array())
    for (const Value& known : contexts->as_array())
      written.replaced |= known.StringAt("name") == entry.name;
  if (const auto added = AddEntry(config, entry, current); !added.ok())
    return MakeError(Code::kInvalid, path + ": " + added.error().message + "; not touched");
  ZOE_TRY(WritePrivate(file, codec::ToYaml(config)));
  written.current = config.StringAt("current-context") == entry.name;
  return written;
}

int ConfigKubeconfig(Session& session) {
  const Arguments& args = session.args();
  if (session.words().size() > 1) return session.Usage("config kubeconfig takes flags only");
  if (args.Get("name").empty()) return session.Usage("--name can't be empty");
  if (const auto life = TokenRequest("", args.Get("expires")); !life.ok())
    return session.Usage("--expires: " + life.error().message);
  const auto entry = EntryFor(session);
  if (!entry.ok()) return session.Fail(entry.error());
  const std::string& output = args.Get("output");
  if (output == "-") {
    Value config;
    if (const auto added = AddEntry(config, *entry, true); !added.ok())
      return session.Fail(added.error().message);
    session.out() << codec::ToYaml(config);
    return kOk;
  }
  const std::string path = output.empty() ? KubeconfigPath(session.io()) : output;
  const auto written = WriteKubeconfig(path, *entry, args.Is("set-current"));
  if (!written.ok()) return session.Fail(written.error().message);
  if (written->lost_comments)
    session.Warn(path + " had comments, which are lost; all else in it stands");
  session.out() << "Context \"" << entry->name << "\" "
                << (written->replaced ? "modified" : "created") << " in " << path << ": kubectl"
                << (written->current ? "" : " --context " + entry->name) << " get executions\n";
  return kOk;
}

}  // namespace zoe::cli

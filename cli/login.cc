// login, logout, token, passwd: who the caller is.
#include <algorithm>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/token.h"

namespace zoe::cli {
namespace {

using codec::Value;

Expected<std::string> FirstLine(std::istream& in) {
  std::string line;
  if (!std::getline(in, line)) return MakeError(Code::kBadRequest, "stdin holds no password");
  while (line.ends_with('\r')) line.pop_back();
  return line;
}

Expected<std::string> Secret(Session& session, const std::string& prompt) {
  const Io& io = session.io();
  const auto typed = io.ask_secret ? io.ask_secret(prompt) : std::nullopt;
  if (!typed) {
    return MakeError(Code::kBadRequest,
                     "no password was given: type it on a terminal, or use --password-stdin");
  }
  return *typed;
}

// Which context a login is for, and what is known of it.
Context LoginContext(Session& session, const Config& config) {
  const Arguments& args = session.args();
  const std::string server = session.words().empty() ? args.Get("server") : session.words()[0];
  const auto env = [&](const char* name) { return session.io().env(name).value_or(""); };
  std::string wanted = !server.empty() ? server : env("ZOE_SERVER");
  if (!wanted.empty() && wanted.find("://") == std::string::npos) wanted = "http://" + wanted;
  while (wanted.ends_with('/')) wanted.pop_back();
  Context context;
  const std::string name = args.Has("context") ? args.Get("context") : config.current;
  const Context* known = config.Find(name);
  if (!args.Has("context") && !wanted.empty() && (known == nullptr || known->server != wanted)) {
    const auto it = std::find_if(config.contexts.begin(), config.contexts.end(),
                                 [&](const Context& c) { return c.server == wanted; });
    known = it == config.contexts.end() ? nullptr : &*it;
  }
  if (known != nullptr) context = *known;
  const bool other = !wanted.empty() && wanted != context.server;
  if (other) context = {.name = context.name, .server = wanted};
  if (context.server.empty()) context.server = client::Options{}.server;
  if (context.name.empty()) {
    const size_t host = context.server.find("://") + 3;
    context.name = args.Has("context") ? name : context.server.substr(host);
  }
  if (args.Has("certificate-authority")) context.ca_file = args.Get("certificate-authority");
  if (const std::string ca = env("ZOE_CA_FILE"); !ca.empty()) context.ca_file = ca;
  if (args.Has("namespace")) context.ns = args.Get("namespace");
  return context;
}

Expected<std::string> LoginUser(Session& session, const Context& context) {
  if (session.args().Has("user")) return session.args().Get("user");
  if (const auto user = session.io().env("ZOE_USER"); user && !user->empty()) return *user;
  if (session.io().in_is_terminal) {
    session.err() << "User" << (context.user.empty() ? "" : " [" + context.user + "]") << ": "
                  << std::flush;
    std::string line;
    std::getline(session.io().in, line);
    if (!line.empty()) return line;
  }
  if (!context.user.empty()) return context.user;
  return MakeError(Code::kBadRequest, "as whom? zoe login -u USER");
}

Expected<std::string> LoginPassword(Session& session, const std::string& user) {
  if (session.args().Is("password-stdin")) return FirstLine(session.io().in);
  const auto env = [&](const char* name) { return session.io().env(name).value_or(""); };
  if (env("ZOE_USER") == user && !env("ZOE_PASS").empty()) return env("ZOE_PASS");
  return Secret(session, "Password of " + user + ": ");
}

// Whose tokens or password are meant.
Expected<std::string> Subject(Session& session, const std::string& word) {
  if (!word.empty()) return word;
  if (session.args().Has("user")) return session.args().Get("user");
  if (!session.user().empty()) return session.user();
  return MakeError(Code::kBadRequest, "whose? nobody is logged in: say -u USER");
}

int ListTokens(Session& session, client::Client& client, const std::string& user) {
  const auto output = ParseOutput(session.args().Get("output"));
  if (!output.ok()) return session.Usage(output.error().message);
  const auto list = client.List(UserPath(user, "tokens"));
  if (!list.ok()) return session.Fail(list.error());
  const codec::Array& items = list->Find("items")->as_array();
  if (output->format == Output::Format::kName) {
    for (const Value& token : items) session.out() << OneLine(token.StringAt("name")) << '\n';
    return kOk;
  }
  if (!output->IsTable()) {
    PrintObject(session.out(), *output, *list);
    return kOk;
  }
  if (items.empty()) {
    session.err() << "No tokens found\n";
    return kOk;
  }
  Table table({"NAME", "KIND", "AGE", "EXPIRES", "DESCRIPTION"});
  for (const Value& token : items) {
    const std::string expires = token.StringAt("expiresAt"), kind = token.StringAt("kind");
    table.Add({token.StringAt("name"), kind.empty() ? "token" : kind,
               Age(token.StringAt("createdAt"), Now()), expires.empty() ? "<never>" : expires,
               token.StringAt("description")});
  }
  table.Flush(session.out());
  return kOk;
}

int CreateToken(Session& session, client::Client& client, const std::string& user,
                const std::string& name) {
  auto request =
      TokenRequest(name.empty() ? TokenName("zoe") : name, session.args().Get("expires"));
  if (!request.ok()) return session.Usage("--expires: " + request.error().message);
  if (session.args().Has("description"))
    request->Set("description", session.args().Get("description"));
  const auto created = client.Create(UserPath(user, "tokens"), *request);
  if (!created.ok()) return session.Fail(created.error());
  const std::string expires = created->StringAt("expiresAt");
  session.err() << "token \"" << OneLine(created->StringAt("name")) << "\" of " << user
                << (expires.empty() ? ", which never expires" : ", valid until " + expires)
                << "; it is not shown again:\n"
                << std::flush;
  session.out() << OneLine(created->StringAt("token")) << '\n';
  return kOk;
}

}  // namespace

int Login(Session& session) {
  if (session.words().size() > 1)
    return session.Usage("login takes one server: zoe login [SERVER]");
  const std::string path = ConfigPath(session.io());
  auto config = LoadConfig(path);
  if (!config.ok()) return session.Fail(config.error().message);
  Context context = LoginContext(session, *config);
  const auto user = LoginUser(session, context);
  if (!user.ok()) return session.Usage(user.error().message);
  const auto password = LoginPassword(session, *user);
  if (!password.ok()) return session.Usage(password.error().message);
  const std::string name =
      session.args().Has("token-name") ? session.args().Get("token-name") : TokenName("zoe");
  const auto request = TokenRequest(name, session.args().Get("expires"));
  if (!request.ok()) return session.Usage("--expires: " + request.error().message);
  const auto client = client::Client::Open(
      {.server = context.server, .user = *user, .password = *password, .ca_file = context.ca_file});
  if (!client.ok()) return session.Fail(client.error().message);
  const auto created = (*client)->Create(UserPath(*user, "tokens"), *request);
  if (!created.ok()) {
    if (created.error().code == Code::kUnauthorized)
      return session.Fail("user and password don't fit at " + context.server);
    return session.Fail(created.error());
  }
  const bool again = context.user == *user && !context.token_name.empty();
  const std::string before = again ? context.token_name : "";
  if (context.ns == context.user && context.user != *user) context.ns.clear();
  context.user = *user;
  context.password.clear();
  context.token = created->StringAt("token");
  context.token_name = created->StringAt("name");
  config->At(context.name) = context;
  config->current = context.name;
  if (const auto saved = SaveConfig(path, *config); !saved.ok())
    return session.Fail(saved.error().message);
  if (!before.empty() && before != context.token_name) [[maybe_unused]]
    const auto revoked = (*client)->Delete(TokenPath(*user, before));
  const std::string expires = created->StringAt("expiresAt");
  session.out() << "Logged in to " << context.server << " as " << *user
                << (expires.empty() ? "" : " until " + expires) << " (context \"" << context.name
                << "\").\n";
  return kOk;
}

int Logout(Session& session) {
  const std::string path = ConfigPath(session.io());
  auto config = LoadConfig(path);
  if (!config.ok()) return session.Fail(config.error().message);
  const std::string name =
      session.args().Has("context") ? session.args().Get("context") : config->current;
  if (config->Find(name) == nullptr)
    return session.Fail("no context to log out of: see \"zoe config get-contexts\"");
  Context& context = config->At(name);
  if (context.token.empty() && context.password.empty())
    return session.Fail("nobody is logged in in context \"" + name + "\"");
  Expected<void> revoked;
  const client::Options options{.server = context.server,
                                .token = context.token,
                                .user = context.user,
                                .password = context.password,
                                .ca_file = context.ca_file};
  if (!context.token_name.empty()) {
    const auto client = client::Client::Open(options);
    const auto answer = client.ok() ? (*client)->Delete(TokenPath(context.user, context.token_name))
                                    : Expected<Value>(client.error());
    const bool gone = !answer.ok() && (answer.error().code == Code::kUnauthorized ||
                                       answer.error().code == Code::kNotFound);
    if (!answer.ok() && !gone) revoked = answer.error();
  }
  context.token.clear();
  context.token_name.clear();
  context.password.clear();
  if (const auto saved = SaveConfig(path, *config); !saved.ok())
    return session.Fail(saved.error().message);
  session.out() << "Logged out of " << context.server << " (context \"" << name << "\").\n";
  if (revoked.ok()) return kOk;
  return session.Fail("the token is forgotten here, but could not be revoked at the server: " +
                      revoked.error().message);
}

int TokenCommand(Session& session) {
  const std::vector<std::string>& words = session.words();
  const std::string verb = words.empty() ? "" : words[0];
  if (verb != "create" && verb != "list" && verb != "delete")
    return session.Usage("token takes one of create, list, delete");
  if (verb == "delete" ? words.size() < 2 : words.size() > (verb == "create" ? 2 : 1))
    return session.Usage(verb == "delete" ? "which token? see \"zoe token list\""
                                          : "token " + verb + " takes fewer words");
  const auto user = Subject(session, "");
  if (!user.ok()) return session.Usage(user.error().message);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  if (verb == "list") return ListTokens(session, **client, *user);
  if (verb == "create")
    return CreateToken(session, **client, *user, words.size() > 1 ? words[1] : "");
  int code = kOk;
  for (size_t i = 1; i < words.size(); ++i) {
    const auto deleted = (*client)->Delete(TokenPath(*user, words[i]));
    if (deleted.ok()) {
      session.out() << "token \"" << OneLine(words[i]) << "\" deleted" << std::endl;
    } else {
      code = session.Fail(deleted.error());
    }
  }
  return code;
}

int Passwd(Session& session) {
  if (session.words().size() > 1) return session.Usage("passwd takes one user: zoe passwd [USER]");
  const auto user = Subject(session, session.words().empty() ? "" : session.words()[0]);
  if (!user.ok()) return session.Usage(user.error().message);
  const bool piped = session.args().Is("password-stdin");
  Value request;
  if (!session.options().token.empty()) {  // A token alone doesn't change a password.
    auto current = piped ? FirstLine(session.io().in)
                         : Secret(session, "Current password of " + session.user() + ": ");
    if (!current.ok()) return session.Usage(current.error().message);
    request.Set("currentPassword", std::move(*current));
  }
  auto password =
      piped ? FirstLine(session.io().in) : Secret(session, "New password of " + *user + ": ");
  if (!password.ok()) return session.Usage(password.error().message);
  if (!piped) {
    const auto again = Secret(session, "Once more: ");
    if (!again.ok()) return session.Usage(again.error().message);
    if (*again != *password) return session.Fail("the two are not the same; nothing was changed");
  }
  request.Set("password", *password);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const auto changed = (*client)->Replace(UserPath(*user, "password"), request);
  if (!changed.ok()) return session.Fail(changed.error());
  session.out() << "password of " << *user << " changed\n";
  // A context that keeps the password must not keep the old one.
  const std::string path = ConfigPath(session.io());
  auto config = LoadConfig(path);
  if (!config.ok()) return kOk;
  bool kept = false;
  for (Context& context : config->contexts) {
    if (context.user != *user || context.server != session.server() || context.password.empty())
      continue;
    context.password = *password;
    kept = true;
  }
  if (kept) {
    if (const auto saved = SaveConfig(path, *config); !saved.ok())
      return session.Fail(saved.error().message);
  }
  return kOk;
}

}  // namespace zoe::cli

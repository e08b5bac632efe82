// files: the workspace.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/workspace.h"

namespace zoe::cli {
namespace {

using codec::Value;

std::string Shown(const std::string& path) { return path.empty() ? "/" : OneLine(path); }

std::string NameText(const Value& item, const std::string& prefix) {
  return OneLine(Below(prefix, item.StringAt("name"))) +
         (item.StringAt("type") == "directory" ? "/" : "");
}

std::vector<std::string> LongRow(const Value& item, const std::string& prefix) {
  const auto text = [&](std::string_view key) {
    const Value* value = item.Find(key);
    return value == nullptr || value->is_null() ? std::string("-") : value->ScalarText();
  };
  std::string name = NameText(item, prefix);
  if (const std::string target = item.StringAt("target"); !target.empty())
    name += " -> " + OneLine(target);
  return {item.StringAt("type"), text("mode"),  text("uid"),    text("gid"),
          text("size"),          text("mtime"), std::move(name)};
}

// All that is below a directory, depth first, with paths from where the listing began.
Expected<void> Collect(Workspace& workspace, const Value& listing, const std::string& path,
                       const std::string& prefix, bool recursive, const Output& output,
                       Table& table, std::ostream& out, bool wide) {
  for (const Value& item : listing.Find("items")->as_array()) {
    if (wide) {
      table.Add(LongRow(item, prefix));
    } else {
      out << NameText(item, prefix) << '\n';
    }
    if (!recursive || item.StringAt("type") != "directory") continue;
    const std::string name = item.StringAt("name");
    ZOE_ASSIGN(const auto below, workspace.List(Below(path, name)));
    if (!below) continue;  // replaced meanwhile
    ZOE_TRY(Collect(workspace, *below, Below(path, name), Below(prefix, name), recursive, output,
                    table, out, wide));
  }
  return {};
}

int List(Session& session, Workspace& workspace, const std::string& path) {
  const Arguments& args = session.args();
  const auto output = ParseOutput(args.Get("output"));
  if (!output.ok()) return session.Usage(output.error().message);
  const auto listing = workspace.List(path);
  if (!listing.ok()) return session.Fail(listing.error());
  if (!listing->has_value()) {  // as ls does with a file
    session.out() << Shown(path) << '\n';
    return kOk;
  }
  if (!output->IsTable() && output->format != Output::Format::kName) {
    PrintObject(session.out(), *output, **listing);
    return kOk;
  }
  Table table({"TYPE", "MODE", "UID", "GID", "SIZE", "MODIFIED", "NAME"});
  const bool wide = args.Is("long") || output->format == Output::Format::kWide;
  const auto collected = Collect(workspace, **listing, path, "", args.Is("recurse"), *output, table,
                                 session.out(), wide);
  if (wide) table.Flush(session.out());
  return collected.ok() ? kOk : session.Fail(collected.error());
}

int Remove(Session& session, Workspace& workspace, const std::vector<std::string>& paths) {
  int code = kOk;
  for (const std::string& path : paths) {
    if (path.empty()) {
      code = session.Fail("the workspace itself stays: name what is in it");
      continue;
    }
    const auto removed = workspace.Remove(path, session.args().Is("recursive"));
    if (removed.ok()) {
      session.out() << '"' << Shown(path) << "\" deleted" << std::endl;
    } else {
      code = session.Fail(removed.error());
    }
  }
  return code;
}

int MakeDirectories(Session& session, Workspace& workspace, const std::vector<std::string>& paths) {
  int code = kOk;
  for (const std::string& path : paths) {
    const auto made = workspace.MakeDirectory(path);
    if (made.ok()) {
      session.out() << '"' << Shown(path) << "\" created" << std::endl;
    } else {
      code = session.Fail(made.error());
    }
  }
  return code;
}

}  // namespace

int Files(Session& session) {
  const std::vector<std::string>& words = session.words();
  const std::string verb = words.empty() ? "" : words[0];
  const size_t count = words.empty() ? 0 : words.size() - 1;
  if (verb != "ls" && verb != "get" && verb != "put" && verb != "rm" && verb != "mkdir") {
    return session.Usage("files takes one of ls, get, put, rm, mkdir" +
                         (verb.empty() ? "" : ", not \"" + verb + "\""));
  }
  if (verb == "ls" ? count > 1 : count == 0 || ((verb == "get" || verb == "put") && count > 2)) {
    return session.Usage(verb == "ls"    ? "files ls takes one path: zoe files ls [PATH]"
                         : verb == "get" ? "say what: zoe files get PATH [LOCAL|-]"
                         : verb == "put" ? "say what: zoe files put LOCAL|- [PATH]"
                                         : "say what: zoe files " + verb + " PATH…");
  }
  // Of put the second word is a path in the workspace, of get the first, of the others all.
  std::vector<std::string> paths;
  for (size_t i = verb == "put" ? 2 : 1; i < (verb == "get" ? 2 : words.size()); ++i) {
    auto path = WorkspacePath(words[i]);
    if (!path.ok()) return session.Usage(path.error().message);
    paths.push_back(std::move(*path));
  }
  if (verb == "put" && words[1] == "-" && (paths.empty() || paths[0].empty()))
    return session.Usage("stdin needs a name: zoe files put - PATH");
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  Workspace workspace(**client, session.ns());
  if (verb == "ls") return List(session, workspace, paths.empty() ? "" : paths[0]);
  if (verb == "rm") return Remove(session, workspace, paths);
  if (verb == "mkdir") return MakeDirectories(session, workspace, paths);
  const bool recursive = session.args().Is("recursive");
  Copier copier(session, workspace);
  if (verb == "get") return copier.Get(paths[0], count == 2 ? words[2] : "", recursive);
  const bool into = count == 2 && (words[2].ends_with('/') || paths[0].empty());
  return copier.Put(words[1], paths.empty() ? "" : paths[0], into, recursive);
}

}  // namespace zoe::cli

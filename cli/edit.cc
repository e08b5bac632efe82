// edit: objects in an editor.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace zoe::cli {
namespace {

using codec::Value;

constexpr std::string_view kHead =
    "# Change what you like, save and leave the editor. Lines that begin with # don't count; an\n"
    "# empty file cancels. If the server refuses it, the editor opens again and shows why.\n#\n";

struct Edited {
  One one;
  Value before;
};

// A file of one's own, as an editor likes it; kept if `keep`.
class Draft {
 public:
  Draft() {
    std::error_code error;
    path_ = (std::filesystem::temp_directory_path(error) / "zoe-edit-XXXXXX.yaml").string();
    const int fd = mkostemps(path_.data(), 5, O_CLOEXEC);
    ok_ = !error && fd >= 0;
    if (ok_) close(fd);
  }
  ~Draft() {
    if (ok_ && !keep) unlink(path_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  bool Write(const std::string& text) const {
    std::ofstream file(path_, std::ios::trunc);
    file << text;
    return ok_ && file.flush().good();
  }
  std::string Read() const {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  const std::string& path() const { return path_; }
  bool keep = false;

 private:
  std::string path_;
  bool ok_ = false;
};

std::string WithoutComments(const std::string& text) {
  std::istringstream lines(text);
  std::string rest;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with('#')) rest += line + "\n";
  return rest;
}

std::string AsComments(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& message : lines) {
    std::istringstream parts(message);
    for (std::string line; std::getline(parts, line);) text += "# " + line + "\n";
  }
  return text.empty() ? "" : text + "#\n";
}

// The user's editor may be a command with flags, quoted as for a shell.
std::vector<std::string> Editor(const Io& io, const std::string& file) {
  std::string editor = "vi";
  for (const char* variable : {"ZOE_EDITOR", "KUBE_EDITOR", "VISUAL", "EDITOR"}) {
    if (const auto set = io.env(variable); set && !set->empty()) {
      editor = *set;
      break;
    }
  }
  return {"/bin/sh", "-c", editor + " \"$@\"", "editor", file};
}

std::string Identity(const Value& object) {
  return object.StringAt("apiVersion") + " " + object.StringAt("kind") + " " +
         object.StringAt("metadata.namespace") + "/" + object.StringAt("metadata.name");
}

class Editing {
 public:
  Editing(Session& session, client::Client& client, std::vector<Edited> objects)
      : session_(session), client_(client), rest_(std::move(objects)) {}

  int Run() {
    std::string text = Text(), sent;
    std::vector<std::string> problems;
    for (;;) {
      if (!draft_.Write(std::string(kHead) + AsComments(problems) + text))
        return session_.Fail("can't write " + draft_.path());
      session_.out().flush();
      const auto code = session_.io().run(Editor(session_.io(), draft_.path()));
      if (!code || *code != 0) return Keep("the editor failed", problems.empty());
      const std::string saved = WithoutComments(draft_.Read());
      if (saved.find_first_not_of(" \t\r\n-") == std::string::npos)
        return Cancelled("saved file was empty", problems);
      if (saved == WithoutComments(text)) {
        return problems.empty() ? Cancelled("no changes made", problems)
                                : Keep("Edit cancelled, no valid changes were saved", false);
      }
      text = saved;
      problems = Save(saved);
      if (problems.empty()) return kOk;
      for (const std::string& problem : problems) session_.err() << problem << '\n';
    }
  }

 private:
  // Status is for controllers to write.
  static Value Shown(const Value& object) {
    Value shown = object;
    shown.Remove("status");
    shown.Find("metadata")->Remove("managedFields");
    return shown;
  }

  std::string Text() const {
    std::string text;
    for (const Edited& edited : rest_) {
      if (!text.empty()) text += "---\n";
      text += codec::ToYaml(Shown(edited.before));
      if (!text.ends_with('\n')) text += '\n';
    }
    return text;
  }

  int Cancelled(const std::string& why, const std::vector<std::string>& problems) const {
    session_.err() << "Edit cancelled, " << why << ".\n";
    return problems.empty() ? kOk : kFailed;
  }

  int Keep(const std::string& message, bool untouched) {
    draft_.keep = !untouched;
    session_.Fail(message);
    if (draft_.keep) session_.err() << "your changes are in " << draft_.path() << '\n';
    return kFailed;
  }

  // What went wrong; who is saved is done with.
  std::vector<std::string> Save(const std::string& text) {
    const auto documents = codec::ParseYaml(text);
    if (!documents.ok()) return {documents.error().ToString()};
    std::vector<std::string> problems;
    std::vector<Edited> again;
    for (const Value& document : *documents) {
      const auto of = std::ranges::find_if(
          rest_, [&](const Edited& e) { return Identity(e.before) == Identity(document); });
      if (of == rest_.end()) {
        problems.push_back("apiVersion, kind, name and namespace can't be edited: there is no " +
                           Identity(document) + " here");
      }
    }
    if (!problems.empty()) return problems;
    for (Edited& edited : rest_) {
      const auto document = std::ranges::find_if(
          *documents, [&](const Value& d) { return Identity(edited.before) == Identity(d); });
      if (document == documents->end()) continue;  // taken out: left as it is
      const auto problem = Send(edited, *document);
      if (!problem) continue;
      problems.push_back(*problem);
      again.push_back(std::move(edited));
    }
    rest_ = std::move(again);
    return problems;
  }

  std::optional<std::string> Send(const Edited& edited, const Value& document) {
    const std::string label = edited.one.resource.Label(edited.one.name);
    const Value patch = codec::CreateMergePatch(Shown(edited.before), document);
    if (patch.is_object() && patch.as_object().empty()) {
      session_.out() << label << " skipped (no change)" << std::endl;
      return {};
    }
    const auto changed = client_.MergePatch(
        edited.one.resource.Path(edited.before.StringAt("metadata.namespace"), edited.one.name),
        patch);
    if (!changed.ok()) return label + ": " + Explain(changed.error());
    session_.out() << label << " edited" << std::endl;
    return {};
  }

  Session& session_;
  client::Client& client_;
  Draft draft_;
  std::vector<Edited> rest_;
};

}  // namespace

int Edit(Session& session) {
  const auto ones = ParseOnes(session.words());
  if (!ones.ok()) return session.Usage(ones.error().message);
  if (!session.io().run) return session.Fail("no editor can be started");
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  std::vector<Edited> objects;
  for (const One& one : *ones) {
    auto object = (*client)->Get(one.resource.Path(session.ns(), one.name));
    if (!object.ok()) return session.Fail(object.error());
    objects.push_back({one, std::move(*object)});
  }
  return Editing(session, **client, std::move(objects)).Run();
}

}  // namespace zoe::cli

// diff: what apply would change.
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "cli/applier.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/prune.h"

namespace zoe::cli {
namespace {

namespace fs = std::filesystem;
using codec::Value;

constexpr int kDiffFailed = 3;  // 2 is wrong usage

// Two directories with a file for each object as it is and as it would be; removed with it.
class Sides {
 public:
  Sides() {
    std::error_code error;
    std::string pattern = (fs::temp_directory_path(error) / "zoe-diff-XXXXXX").string();
    if (error || mkdtemp(pattern.data()) == nullptr) return;
    root_ = pattern;
    fs::create_directory(live(), error);
    fs::create_directory(merged(), error);
  }
  ~Sides() {
    std::error_code ignored;
    if (!root_.empty()) fs::remove_all(root_, ignored);
  }
  Sides(const Sides&) = delete;
  Sides& operator=(const Sides&) = delete;

  bool ok() const { return !root_.empty(); }
  std::string live() const { return root_ + "/LIVE"; }
  std::string merged() const { return root_ + "/MERGED"; }

  // A null value: it isn't there on that side.
  bool Add(const std::string& name, const Value& before, const Value& after) const {
    return Write(live() + "/" + name, before) && Write(merged() + "/" + name, after);
  }

 private:
  static bool Write(const std::string& path, const Value& object) {
    if (object.is_null()) return true;
    std::ofstream file(path);
    file << codec::ToYaml(Declared(object));
    return file.flush().good();
  }
  std::string root_;
};

// As kubectl names them.
std::string FileName(const Resource& resource, const std::string& ns, const std::string& name) {
  return "zoe.v1." + resource.kind + "." + ns + "." + name;
}

// 0 and 1 as diff has them.
int Show(Session& session, const Sides& sides) {
  if (!session.io().run) return session.Fail("no program can be started"), kDiffFailed;
  session.out().flush();
  session.err().flush();
  for (const char* variable : {"ZOE_EXTERNAL_DIFF", "KUBECTL_EXTERNAL_DIFF"}) {
    const std::string program = session.io().env(variable).value_or("");
    if (program.empty()) continue;
    // May be a command with flags.
    const auto code = session.io().run(
        {"/bin/sh", "-c", program + " \"$@\"", "diff", sides.live(), sides.merged()});
    if (code && *code != 126 && *code != 127) return *code;
    session.Fail(std::string(variable) + "=" + program + " can't be run");
    return kDiffFailed;
  }
  const auto code = session.io().run({"diff", "-u", "-N", sides.live(), sides.merged()});
  if (code) return *code;
  session.Fail("the program diff is missing: install diffutils, or set ZOE_EXTERNAL_DIFF");
  return kDiffFailed;
}

void Explain(Session& session, const Manifest& manifest, const Error& error) {
  if (error.causes.empty()) {
    session.Fail(error);
  } else {
    Complain(session, Locate(manifest, error));
  }
}

}  // namespace

int Diff(Session& session) {
  const Arguments& args = session.args();
  if (!args.Has("filename")) return session.Usage("diff needs -f FILE");
  const bool prunes = args.Is("prune");
  if (prunes && !args.Has("apply-set") && !args.Has("selector"))
    return session.Usage("--prune needs --apply-set NAME, or -l SELECTOR");
  ApplyOptions options{.mode = ApplyOptions::Mode::kServerDryRun,
                       .manager = args.Get("field-manager"),
                       .force = args.Is("force-conflicts")};
  if (args.Has("apply-set")) {
    const auto id = ApplySetId(args.Get("apply-set"), session.ns());
    if (!id.ok()) return session.Usage(id.error().message);
    options.set = *id;
  }
  const auto failed = [](int) { return kDiffFailed; };
  Manifests manifests = ReadManifests(session.io(), FileOptions(session, true));
  if (!manifests.problems.empty()) return failed(Complain(session, manifests.problems));
  if (const auto kept = KeepSelected(session, manifests.objects); !kept.ok())
    return session.Usage(kept.error().message);
  SortByKind(manifests.objects);
  const auto client = session.Connect();
  if (!client.ok()) return failed(session.Fail(client.error().message));
  const Sides sides;
  if (!sides.ok()) return failed(session.Fail("can't make a directory for temporary files"));

  Applier applier(**client, options);
  bool refused = false, written = true;
  for (const Manifest& manifest : manifests.objects) {
    const auto outcome = applier.Apply(manifest);
    if (!outcome.ok()) {
      Explain(session, manifest, outcome.error());
      refused = true;
      if (outcome.error().code == Code::kUnavailable) break;
      continue;
    }
    for (const std::string& warning : outcome->warnings) session.Warn(warning);
    if (outcome->verb == "unchanged") continue;
    written &= sides.Add(FileName(manifest.resource, manifest.ns, manifest.name), outcome->before,
                         outcome->object);
  }
  if (refused) return kDiffFailed;
  if (prunes) {
    const auto pruned = FindPruned(
        session, **client, manifests.objects,
        {.set = options.set, .selector = args.Get("selector"), .manager = options.manager});
    if (!pruned.ok()) return failed(session.Fail(pruned.error()));
    for (const Pruned& one : *pruned)
      written &= sides.Add(FileName(one.resource, one.ns, one.name), one.object, Value());
  }
  if (!written) return failed(session.Fail("can't write temporary files"));
  return Show(session, sides);
}

}  // namespace zoe::cli

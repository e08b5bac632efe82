#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>

#include "cli/applier.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/prune.h"
#include "cli/waiter.h"
#include "specs/meta/selector.h"

namespace zoe::cli {
namespace {

using codec::Value;
using Mode = ApplyOptions::Mode;

// Applies objects side by side: a server that makes writes durable in groups answers many about as
// fast as one. `on_result` is called on the calling thread, in the order of the objects. After
// kUnavailable nothing new is begun.
class Batch {
 public:
  using OnResult = std::function<void(const Manifest&, Expected<Outcome>)>;

  Batch(Applier& applier, std::span<const Manifest> objects)
      : applier_(applier), objects_(objects), results_(objects.size()) {}

  void Run(const OnResult& on_result) {
    constexpr size_t kWorkers = 8;
    std::vector<std::jthread> workers;
    for (size_t i = 0; i < std::min(kWorkers, objects_.size()); ++i)
      workers.emplace_back([this] { Work(); });
    for (size_t i = 0; i < objects_.size(); ++i) {
      std::unique_lock lock(mutex_);
      done_.wait(lock, [&] { return results_[i].has_value() || (stopped_ && i >= next_); });
      if (!results_[i]) return;
      Expected<Outcome> result = std::move(*results_[i]);
      lock.unlock();
      on_result(objects_[i], std::move(result));
    }
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    while (next_ < objects_.size() && !stopped_) {
      const size_t i = next_++;
      lock.unlock();
      Expected<Outcome> result = applier_.Apply(objects_[i]);
      lock.lock();
      stopped_ = stopped_ || (!result.ok() && result.error().code == Code::kUnavailable);
      results_[i] = std::move(result);
      done_.notify_all();
    }
  }

  Applier& applier_;
  std::span<const Manifest> objects_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<std::optional<Expected<Outcome>>> results_;
  size_t next_ = 0;
  bool stopped_ = false;
};

// How many objects from the front may be applied side by side: one kind, none twice.
size_t BatchSize(std::span<const Manifest> objects) {
  std::set<std::string> seen;
  size_t size = 0;
  while (size < objects.size() && objects[size].resource.kind == objects[0].resource.kind &&
         seen.insert(objects[size].Path()).second)
    ++size;
  return size;
}

void Refuse(const Session& session, const Manifest& manifest, const Error& error) {
  if (!error.causes.empty()) {
    Complain(session, Locate(manifest, error));
    return;
  }
  Error placed = error;
  const bool ours = error.code != Code::kUnavailable;
  if (ours)
    placed.message =
        "when applying " + manifest.Label() + " of " + manifest.file + ": " + error.message;
  session.err() << Explain(placed) << '\n';
}

Expected<void> Prune(Session& session, client::Client& client, const Applier& applier,
                     const std::vector<Manifest>& objects) {
  const Arguments& args = session.args();
  ZOE_ASSIGN(const std::vector<Pruned> pruned, FindPruned(session, client, objects,
                                                          {.set = applier.options().set,
                                                           .selector = args.Get("selector"),
                                                           .manager = applier.options().manager}));
  for (const Pruned& one : pruned) {
    if (applier.options().mode != Mode::kClientDryRun) {
      const auto deleted = client.Delete(one.resource.Path(one.ns, one.name), applier.DryRun());
      if (!deleted.ok() && deleted.error().code != Code::kNotFound) return deleted.error();
    }
    session.out() << one.resource.Label(one.name) << " pruned" << DryRunNote(session) << std::endl;
  }
  return {};
}

// Wrong usage, before anything is read; empty if there is none.
std::string Wrong(const Arguments& args) {
  if (!args.Has("filename")) return "apply needs -f FILE";
  if (args.Get("field-manager").empty()) return "--field-manager can't be empty";
  if (!args.Is("server-side")) return "apply is always done by the server";
  if (!args.Is("prune")) return "";
  const bool set = !args.Get("apply-set").empty(), selector = !args.Get("selector").empty();
  if (!set && !selector)
    return "--prune needs --apply-set NAME, or -l SELECTOR: it says what belongs to this set";
  return set && selector ? "--prune takes --apply-set or -l, not both" : "";
}

Expected<ApplyOptions> OptionsOf(const Session& session) {
  const Arguments& args = session.args();
  ApplyOptions options{.manager = args.Get("field-manager"), .force = args.Is("force-conflicts")};
  if (args.Get("dry-run") == "client") options.mode = Mode::kClientDryRun;
  if (args.Get("dry-run") == "server") options.mode = Mode::kServerDryRun;
  if (args.Has("apply-set")) {
    ZOE_ASSIGN(options.set, ApplySetId(args.Get("apply-set"), session.ns()));
  }
  return options;
}

// What one object's turn has to say beside its line.
void Tell(const Session& session, const Outcome& outcome, Mode mode) {
  for (const std::string& warning : outcome.warnings) session.Warn(warning);
  if (mode != Mode::kServerDryRun || outcome.before.is_null()) return;
  for (const std::string& line : Differences(outcome.before, outcome.object))
    session.err() << "  " << line << '\n';
  session.err() << std::flush;
}

}  // namespace

Expected<void> KeepSelected(const Session& session, std::vector<Manifest>& objects) {
  ZOE_ASSIGN(const Selector selector, Selector::Parse(session.args().Get("selector")));
  std::erase_if(objects, [&](const Manifest& manifest) {
    std::map<std::string, std::string> labels;
    const Value* written = manifest.object.At("metadata.labels");
    if (written != nullptr && written->is_object()) {
      for (const codec::Member& label : written->as_object())
        labels[label.key] = label.value.ScalarText();
    }
    if (selector.Matches(labels)) return false;
    session.err() << "skipped " << manifest.Label() << ": it doesn't carry "
                  << session.args().Get("selector") << '\n';
    return true;
  });
  return {};
}

int AwaitObjects(Session& session, const std::vector<Value>& objects) {
  const auto timeout = ParseTimeout(session.args().Get("timeout"));
  if (!timeout.ok()) return session.Usage("--timeout: " + timeout.error().message);
  std::vector<Awaited> awaited;
  for (const Value& object : objects) {
    const auto resource = ResourceOf(object);
    if (!resource.ok() || resource->known == nullptr || !BecomesReady(*resource)) continue;
    const int64_t generation = IntAt(object, "metadata.generation");
    awaited.push_back({.resource = *resource,
                       .ns = object.StringAt("metadata.namespace"),
                       .name = object.StringAt("metadata.name"),
                       .judge = resource->kind == "Execution" ? ExecutionJudge(generation)
                                                              : ReadyJudge(generation)});
  }
  const WaitOptions options{
      .timeout = *timeout, .show = true, .tell = true, .on_met = [&](const Awaited& one) {
        session.err() << one.resource.Label(one.name) << " is "
                      << (one.object->StringAt("status.phase") == "Succeeded" ? "complete"
                                                                              : "ready")
                      << '\n';
      }};
  const int code = Wait(session, awaited, options);
  for (const Awaited& one : awaited) {
    if (code == kFailed && one.judgement.verdict == Verdict::kHopeless) ShowFailure(session, one);
  }
  return code;
}

int Apply(Session& session) {
  const Arguments& args = session.args();
  const auto output = ParseOutput(args.Get("output"));
  if (!output.ok()) return session.Usage(output.error().message);
  if (const std::string wrong = Wrong(args); !wrong.empty()) return session.Usage(wrong);
  const auto options = OptionsOf(session);
  if (!options.ok()) return session.Usage(options.error().message);
  Manifests manifests = ReadManifests(session.io(), FileOptions(session, true));
  if (!manifests.problems.empty()) return Complain(session, manifests.problems);
  if (const auto filtered = KeepSelected(session, manifests.objects); !filtered.ok())
    return session.Usage(filtered.error().message);
  if (manifests.objects.empty()) return session.Fail("no objects passed to apply");
  SortByKind(manifests.objects);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);

  Applier applier(**client, *options);
  std::vector<Value> results;
  bool failed = false, away = false, owned = false;
  const auto on_result = [&](const Manifest& manifest, Expected<Outcome> applied) {
    if (!applied.ok()) {
      const bool unreachable = applied.error().code == Code::kUnavailable;
      if (!away || !unreachable) Refuse(session, manifest, applied.error());  // said once is enough
      failed = true;
      away = away || unreachable;
      owned = owned || IsOwnedByOthers(applied.error());
      return;
    }
    if (output->format == Output::Format::kTable) {
      session.out() << manifest.Label() << ' ' << applied->verb << DryRunNote(session) << std::endl;
    }
    Tell(session, *applied, options->mode);
    results.push_back(std::move(applied->object));
  };
  for (std::span<const Manifest> rest = manifests.objects; !rest.empty() && !away;) {
    const size_t size = BatchSize(rest);
    Batch(applier, rest.first(size)).Run(on_result);
    rest = rest.subspan(size);
  }
  if (output->format != Output::Format::kTable && !results.empty()) {
    if (results.size() == 1) {
      PrintObject(session.out(), *output, results[0]);
    } else {
      PrintList(session.out(), *output, results);
    }
  }
  if (owned)
    session.Fail(
        "these fields are held by others: leave them out of the files, so that who set them keeps "
        "them, or take them over with --force-conflicts");
  if (failed)
    return kFailed;  // Nothing is pruned after a failure: the set isn't known to be whole.
  if (args.Is("prune")) {
    if (const auto pruned = Prune(session, **client, applier, manifests.objects); !pruned.ok())
      return session.Fail(pruned.error());
  }
  if (!args.Is("wait") || !args.Get("dry-run").starts_with("none")) return kOk;
  return AwaitObjects(session, results);
}

}  // namespace zoe::cli

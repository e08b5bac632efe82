#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>

#include "cli/commands.h"
#include "cli/merge.h"
#include "cli/output.h"
#include "cli/waiter.h"
#include "specs/meta/selector.h"

namespace zoe::cli {
namespace {

using codec::Value;

constexpr int kAttempts = 5;

struct Applied {
  std::string verb;  // created, configured, unchanged
  Value object;
  std::string warning;
};

struct Applier {
  Session& session;
  client::Client& client;
  const client::Query query = DryRunQuery(session);
  const bool client_only = session.args().Get("dry-run") == "client";

  Expected<Applied> Create(const Manifest& manifest) {
    Value object = WithLastApplied(manifest.object);
    if (client_only) return Applied{"created", std::move(object), ""};
    ZOE_ASSIGN(Value created, client.Create(manifest.resource.Path(manifest.ns), object, query));
    return Applied{"created", std::move(created), ""};
  }

  Expected<Applied> Change(const Manifest& manifest, Value live) {
    const Value patch = ThreeWayPatch(manifest.object, manifest.complete, live);
    if (patch.as_object().empty()) return Applied{"unchanged", std::move(live), ""};
    std::string warning;
    if (live.At("metadata.deletionTimestamp") != nullptr) {
      warning = manifest.Label() + " is being deleted; its changes go with it";
    } else if (LastApplied(live).is_null()) {
      warning =
          manifest.Label() + " was not made by apply: fields that this file doesn't mention stay";
    }
    if (client_only) {
      codec::MergePatch(live, WithoutSecrets(patch, manifest));
      return Applied{Verb(patch, manifest), std::move(live), std::move(warning)};
    }
    ZOE_ASSIGN(Value changed, client.MergePatch(manifest.Path(), patch, query));
    // A password that is sent again changes nothing, and only the server knows that it is the same.
    const bool same =
        changed.StringAt("metadata.resourceVersion") == live.StringAt("metadata.resourceVersion");
    return Applied{same ? Verb(patch, manifest) : "configured", std::move(changed),
                   std::move(warning)};
  }

  static Value WithoutSecrets(Value patch, const Manifest& manifest) {
    patch.Set("kind", manifest.resource.kind);
    RemoveSecrets(patch);
    patch.Remove("kind");
    if (const Value* spec = patch.Find("spec"); spec != nullptr && spec->as_object().empty())
      patch.Remove("spec");
    return patch;
  }

  // Of a patch that has left the object as it was, or would leave it so.
  static std::string Verb(const Value& patch, const Manifest& manifest) {
    return WithoutSecrets(patch, manifest).as_object().empty() ? "unchanged" : "configured";
  }

  // Whoever changes the object meanwhile makes us look again.
  Expected<Applied> Apply(const Manifest& manifest) {
    for (int attempt = 1;; ++attempt) {
      Expected<Value> live = client.Get(manifest.Path());
      const bool absent = !live.ok() && live.error().code == Code::kNotFound;
      if (!live.ok() && !absent) return live.error();
      Expected<Applied> result = absent ? Create(manifest) : Change(manifest, std::move(*live));
      if (result.ok() || attempt == kAttempts) return result;
      const Code code = result.error().code;
      const bool raced = absent ? code == Code::kAlreadyExists
                                : code == Code::kConflict || code == Code::kNotFound;
      const bool pinned = manifest.object.At("metadata.resourceVersion") != nullptr;
      if (!raced || (pinned && code == Code::kConflict)) return result;
    }
  }
};

// Applies objects side by side: a server that makes writes durable in groups answers many about as
// fast as one. `on_result` is called on the calling thread, in the order of the objects. After
// kUnavailable nothing new is begun.
class Batch {
 public:
  using OnResult = std::function<void(const Manifest&, Expected<Applied>)>;

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
      Expected<Applied> result = std::move(*results_[i]);
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
      Expected<Applied> result = applier_.Apply(objects_[i]);
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
  std::vector<std::optional<Expected<Applied>>> results_;
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

// Keeps what carries the labels of -l.
Expected<void> Filter(const Session& session, std::vector<Manifest>& objects) {
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

// Removes what an earlier apply made, carries the selector and is in this set no more.
Expected<void> Prune(Applier& applier, const std::vector<Manifest>& objects) {
  Session& session = applier.session;
  std::set<std::string> kept, namespaces;
  for (const Manifest& manifest : objects) {
    kept.insert(manifest.Path());
    if (manifest.resource.namespaced) namespaces.insert(manifest.ns);
  }
  for (const char* kind : {"Execution", "Application"}) {
    ZOE_ASSIGN(const Resource resource, FindResource(kind));
    for (const std::string& ns : namespaces) {
      ZOE_ASSIGN(const Value list,
                 applier.client.List(resource.Path(ns),
                                     {{"labelSelector", session.args().Get("selector")}}));
      for (const Value& item : list.Find("items")->as_array()) {
        const std::string name = item.StringAt("metadata.name");
        const bool ours =
            !LastApplied(item).is_null() && item.At("metadata.deletionTimestamp") == nullptr;
        if (!ours || kept.contains(resource.Path(ns, name))) continue;
        if (!applier.client_only) {
          const auto deleted = applier.client.Delete(resource.Path(ns, name), applier.query);
          if (!deleted.ok() && deleted.error().code != Code::kNotFound) return deleted.error();
        }
        session.out() << resource.Label(name) << " pruned" << DryRunNote(session) << '\n';
      }
    }
  }
  return {};
}

}  // namespace

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
  if (!args.Has("filename")) return session.Usage("apply needs -f FILE");
  if (args.Is("prune") && args.Get("selector").empty())
    return session.Usage("--prune needs -l SELECTOR: it says what belongs to this set");
  Manifests manifests = ReadManifests(session.io(), FileOptions(session, true));
  if (!manifests.problems.empty()) return Complain(session, manifests.problems);
  if (const auto filtered = Filter(session, manifests.objects); !filtered.ok())
    return session.Usage(filtered.error().message);
  if (manifests.objects.empty()) return session.Fail("no objects passed to apply");
  SortByKind(manifests.objects);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);

  Applier applier{.session = session, .client = **client};
  std::vector<Value> results;
  bool failed = false, away = false;
  const auto on_result = [&](const Manifest& manifest, Expected<Applied> applied) {
    if (!applied.ok()) {
      const bool unreachable = applied.error().code == Code::kUnavailable;
      if (!away || !unreachable) Refuse(session, manifest, applied.error());  // said once is enough
      failed = true;
      away = away || unreachable;
      return;
    }
    if (!applied->warning.empty()) session.err() << "Warning: " << applied->warning << '\n';
    if (output->format == Output::Format::kTable) {
      session.out() << manifest.Label() << ' ' << applied->verb << DryRunNote(session) << std::endl;
    }
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
  if (failed)
    return kFailed;  // Nothing is pruned after a failure: the set isn't known to be whole.
  if (args.Is("prune")) {
    if (const auto pruned = Prune(applier, manifests.objects); !pruned.ok())
      return session.Fail(pruned.error());
  }
  if (!args.Is("wait") || !args.Get("dry-run").starts_with("none")) return kOk;
  return AwaitObjects(session, results);
}

}  // namespace zoe::cli

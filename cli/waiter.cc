#include "cli/waiter.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "cli/follow.h"
#include "cli/output.h"
#include "cli/progress.h"

namespace zoe::cli {
namespace {

using codec::Value;

class Room {
 public:
  Room(Session& session, client::Client& client, std::vector<Awaited>& awaited,
       const WaitOptions& options)
      : session_(session),
        client_(client),
        awaited_(awaited),
        options_(options),
        view_(session.io()) {}

  int Run() {
    const auto start = std::chrono::steady_clock::now();
    StartFollowers();
    const int code = Loop(start);
    stop_.request_stop();
    threads_.clear();
    return code;
  }

 private:
  void StartFollowers() {
    std::map<std::string, std::vector<size_t>> collections;
    for (size_t i = 0; i < awaited_.size(); ++i) {
      collections[awaited_[i].resource.Path(awaited_[i].ns)].push_back(i);
    }
    for (const auto& [path, indexes] : collections) {
      threads_.emplace_back([this, path = path, indexes = indexes] { FollowOne(path, indexes); });
    }
  }

  void FollowOne(const std::string& path, const std::vector<size_t>& indexes) {
    client::Query query;
    if (indexes.size() == 1)
      query.emplace_back("fieldSelector", "metadata.name=" + awaited_[indexes[0]].name);
    const Follower follower{
        .on_object =
            [&](Seen seen, const Value& object) {
              const std::lock_guard lock(mutex_);
              for (const size_t i : indexes) {
                if (awaited_[i].name != object.StringAt("metadata.name")) continue;
                awaited_[i].object = seen == Seen::kDeleted ? std::nullopt : std::optional(object);
                Changed();
              }
              return true;
            },
        .on_listed =
            [&] {
              const std::lock_guard lock(mutex_);
              for (const size_t i : indexes) awaited_[i].listed = true;
              Changed();
              return true;
            },
        .on_trouble =
            [&](const Error& error) {
              const std::lock_guard lock(mutex_);
              trouble_ = error.message;
              Changed();
            }};
    const auto result = Follow(client_, path, query, stop_.get_token(), follower);
    if (result.ok() || result.error().code == Code::kCancelled) return;
    const std::lock_guard lock(mutex_);
    refused_ = result.error();
    Changed();
  }

  void Changed() {
    changed_ = true;
    condition_.notify_all();
  }

  // Judges what has changed. True when the waiting is over.
  bool Decide() {
    bool all = true;
    for (Awaited& one : awaited_) {
      if (!one.listed || one.judgement.verdict == Verdict::kMet) {
        all = all && one.listed;
        continue;
      }
      one.judgement = one.judge(one.object ? &*one.object : nullptr);
      if (one.judgement.verdict == Verdict::kHopeless) {
        hopeless_ = &one;
        return true;
      }
      if (one.judgement.verdict == Verdict::kMet) {
        view_.Clear();
        if (options_.on_met) options_.on_met(one);
      } else {
        all = false;
      }
    }
    return all || refused_.has_value();
  }

  int Loop(std::chrono::steady_clock::time_point start) {
    std::unique_lock lock(mutex_);
    const auto deadline = start + options_.timeout;
    bool over = false;
    for (;;) {
      changed_ = false;
      over = Decide();
      const auto now = std::chrono::steady_clock::now();
      const bool looked = options_.once && std::all_of(awaited_.begin(), awaited_.end(),
                                                       [](const Awaited& a) { return a.listed; });
      if (over || looked || (options_.timeout.count() > 0 && now >= deadline)) break;
      Show(std::chrono::duration_cast<Duration>(now - start));
      auto until = now + (view_.enabled() && options_.show ? std::chrono::milliseconds(250)
                                                           : std::chrono::milliseconds(60'000));
      if (options_.timeout.count() > 0) until = std::min(until, deadline);
      condition_.wait_until(lock, until, [&] { return changed_; });
    }
    view_.Clear();
    return Verdict(over);
  }

  int Verdict(bool over) {
    using enum zoe::cli::Verdict;
    if (hopeless_ != nullptr) {
      session_.err() << "error: " << hopeless_->resource.Label(hopeless_->name) << ": "
                     << hopeless_->judgement.why << '\n';
      return kFailed;
    }
    if (refused_) return session_.Fail(*refused_);
    if (over) return kOk;
    for (const Awaited& one : awaited_) {
      if (one.judgement.verdict == kMet) continue;
      session_.err() << "error: timed out waiting for the condition on " << one.resource.plural
                     << "/" << one.name;
      if (const std::string state = State(one); !state.empty())
        session_.err() << " (" << state << ")";
      if (!one.listed && !trouble_.empty()) session_.err() << " (" << trouble_ << ")";
      session_.err() << '\n';
    }
    return kTimedOut;
  }

  // What an object is doing, in a few words.
  static std::string State(const Awaited& one) {
    if (!one.object) return "";
    if (one.resource.kind == "Execution") return PhaseLine(*one.object);
    const Value* ready = Condition(*one.object, "Ready");
    if (ready == nullptr || ready->StringAt("status") == "True") return "";
    const std::string message = ready->StringAt("message");
    return message.empty() ? ready->StringAt("reason") : message;
  }

  void Show(Duration elapsed) {
    if (options_.tell && !view_.enabled()) {
      for (const Awaited& one : awaited_) {
        if (!one.object) continue;
        const std::string state = State(one);
        if (state.empty()) continue;
        const std::string line = one.resource.Label(one.name) + ": " + state;
        if (std::exchange(told_[&one], line) != line) session_.err() << line << std::endl;
      }
    }
    if (!options_.show || !view_.enabled()) return;
    std::vector<std::string> lines;
    for (const Awaited& one : awaited_) {
      if (one.judgement.verdict == zoe::cli::Verdict::kMet) continue;
      std::string state = State(one);
      if (state.empty()) state = "waiting";
      lines.push_back(one.name + "  " + state + "  (" + FormatAge(elapsed) + ")");
      if (awaited_.size() == 1 && one.object) {
        const auto services = ServiceLines(*one.object);
        lines.insert(lines.end(), services.begin(), services.end());
      }
    }
    if (!trouble_.empty() &&
        std::none_of(awaited_.begin(), awaited_.end(), [](const Awaited& a) { return a.listed; })) {
      lines.push_back(trouble_);
    }
    view_.Draw(std::move(lines));
  }

  Session& session_;
  client::Client& client_;
  std::vector<Awaited>& awaited_;
  const WaitOptions& options_;
  LiveView view_;
  std::mutex mutex_;
  std::condition_variable condition_;
  bool changed_ = false;
  const Awaited* hopeless_ = nullptr;
  std::optional<Error> refused_;
  std::string trouble_;
  std::map<const Awaited*, std::string> told_;
  std::stop_source stop_;
  std::vector<std::jthread> threads_;
};

bool HasMonitor(const Value& execution) {
  const Value* services = execution.At("spec.application.services");
  if (services == nullptr || !services->is_array()) return false;
  return std::any_of(services->as_array().begin(), services->as_array().end(),
                     [](const Value& service) {
                       const Value* monitor = service.Find("monitor");
                       return monitor != nullptr && *monitor == Value(true);
                     });
}

bool IsTrue(const Value& object, std::string_view type) {
  const Value* condition = Condition(object, type);
  return condition != nullptr && condition->StringAt("status") == "True";
}

}  // namespace

int Wait(Session& session, std::vector<Awaited>& awaited, const WaitOptions& options) {
  if (awaited.empty()) return kOk;
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error());
  return Room(session, **client, awaited, options).Run();
}

Judge ExecutionJudge(int64_t generation) {
  return [generation](const Value* object) -> Judgement {
    if (object == nullptr) return {Verdict::kHopeless, "was deleted"};
    const std::string phase = object->StringAt("status.phase");
    if (object->At("metadata.deletionTimestamp") != nullptr)
      return {Verdict::kHopeless, "is being deleted"};
    if (IntAt(*object, "status.observedGeneration") < generation) return {};
    if (phase == "Failed") {
      const std::string reason = Reason(*object);
      return {Verdict::kHopeless, "Failed" + (reason.empty() ? "" : ": " + reason)};
    }
    if (phase == "Suspended")
      return {Verdict::kHopeless, "is suspended; \"zoe resume\" lets it go on"};
    if (phase == "Succeeded") return {Verdict::kMet, ""};
    const Value* degraded = Condition(*object, "Degraded");
    if (degraded != nullptr && degraded->StringAt("status") == "True" &&
        degraded->StringAt("reason").starts_with("Update")) {
      return {Verdict::kHopeless,
              degraded->StringAt("reason") + ": " + degraded->StringAt("message")};
    }
    if (!HasMonitor(*object) && IsTrue(*object, "Ready")) return {Verdict::kMet, ""};
    return {};
  };
}

bool BecomesReady(const Resource& resource) {
  constexpr std::string_view kKinds[] = {"User", "Workspace", "Gateway", "Execution"};
  return std::find(std::begin(kKinds), std::end(kKinds), resource.kind) != std::end(kKinds);
}

Judge ReadyJudge(int64_t generation) {
  return [generation](const Value* object) -> Judgement {
    if (object == nullptr) return {Verdict::kHopeless, "was deleted"};
    if (object->At("metadata.deletionTimestamp") != nullptr)
      return {Verdict::kHopeless, "is being deleted"};
    if (IntAt(*object, "status.observedGeneration") < generation) return {};
    if (IsTrue(*object, "Ready")) return {Verdict::kMet, ""};
    const Value* ready = Condition(*object, "Ready");
    if (ready != nullptr && ready->StringAt("reason") == "Disabled")
      return {Verdict::kHopeless, "is disabled: " + ready->StringAt("message")};
    return {};
  };
}

void ShowFailure(Session& session, const Awaited& awaited) {
  if (!awaited.object || awaited.resource.kind != "Execution") return;
  const std::string service = FailedService(*awaited.object);
  const auto client = session.Connect();
  if (service.empty() || !client.ok()) return;
  const auto log = (*client)->GetText(awaited.resource.Path(awaited.ns, awaited.name) + "/log",
                                      {{"service", service}, {"tailLines", "20"}});
  if (!log.ok() || log->empty()) return;
  session.err() << "last lines of service " << service << ":\n"
                << *log << (log->ends_with('\n') ? "" : "\n");
}

}  // namespace zoe::cli

#include "apis/docker/usage.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <span>
#include <thread>

#include "apis/docker/json.h"
#include "controller/runtime/log.h"

namespace zoe::docker {
namespace {

constexpr Duration kFresh{5'000}, kPause{600}, kShortest{500}, kLongest{60'000};
constexpr Duration kTroubleKept{30'000};
constexpr Duration kEngineLimit{5'000};
// Docker 20.10 reads counters once a second and answers "one-shot" with the next reading: what is
// asked one after the other takes a second each. So many threads ask, each for so many containers.
constexpr size_t kAtOnce = 32, kPiece = 4;

const SwarmNode* NodeOf(const UsageMeter::Wanted& wanted, const std::string& id) {
  const auto it = std::ranges::find(wanted.nodes, id, &SwarmNode::id);
  return it == wanted.nodes.end() ? nullptr : &*it;
}

// The mean between two readings; nullopt: they are too close together, or of different containers.
std::optional<SwarmUsage> Between(const UsageSample& first, const UsageSample& last) {
  const Duration window = last.at - first.at;
  if (window < kShortest || last.cpu_ns < first.cpu_ns) return std::nullopt;
  SwarmUsage usage;
  usage.cpu_nano = (last.cpu_ns - first.cpu_ns) / window.count() * 1'000;
  usage.memory_bytes = last.memory_bytes;
  usage.at = last.at;
  usage.window = window;
  return usage;
}

void InParallel(size_t count, const std::function<void(size_t)>& act) {
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) act(i);
  };
  std::vector<std::jthread> others;
  for (size_t i = 1; i < std::min(kAtOnce, count); ++i) others.emplace_back(work);
  work();
}

}  // namespace

std::optional<UsageSample> DecodeStats(std::string_view json) {
  const Json stats = Json::parse(json, nullptr, false);
  UsageSample sample;
  sample.at = ReadTime(stats, "read");
  const Json& memory = Child(stats, "memory_stats");
  // "0001-01-01T00:00:00Z", and no memory: it has ended.
  if (sample.at <= WallTime{} || !Child(memory, "usage").is_number()) return std::nullopt;
  sample.cpu_ns = Number(Child(Child(stats, "cpu_stats"), "cpu_usage"), "total_usage");
  // cgroup v1 has the whole tree's under its own name, and only the group's own under the other.
  const Json& detail = Child(memory, "stats");
  const bool v1 = Child(detail, "total_inactive_file").is_number();
  const int64_t cache = Number(detail, v1 ? "total_inactive_file" : "inactive_file");
  sample.memory_bytes = Number(memory, "usage");
  if (cache < sample.memory_bytes) sample.memory_bytes -= cache;
  return sample;
}

Expected<std::vector<SwarmUsage>> UsageMeter::Read(const Context& ctx, const List& list) {
  std::unique_lock lock(mutex_);
  const std::stop_callback wake(ctx.stop, [this] {
    const std::lock_guard stopped(mutex_);
    measured_.notify_all();
  });
  while (measuring_) {
    if (ctx.Done()) return MakeError(Code::kCancelled, "cancelled");
    ctx.clock.WaitUntil(measured_, lock, ctx.deadline);
  }
  if (measured_at_ && ctx.clock.Now() - *measured_at_ < kFresh) return usage_;
  measuring_ = true;
  lock.unlock();
  const auto measure = [&]() -> Expected<std::vector<SwarmUsage>> {
    ZOE_ASSIGN(const Wanted wanted, list());
    return Measure(ctx, wanted);
  };
  Expected<std::vector<SwarmUsage>> result = measure();
  lock.lock();
  measuring_ = false;
  if (result.ok()) {
    usage_ = *result;
    measured_at_ = ctx.clock.Now();
  }
  measured_.notify_all();
  return result;
}

Expected<std::vector<SwarmUsage>> UsageMeter::Measure(const Context& ctx, const Wanted& wanted) {
  const SteadyTime begin = ctx.clock.Now();
  std::erase_if(known_, [&](const auto& k) { return begin - k.second.taken > kLongest; });
  const auto all = [](const SwarmTask&) { return true; };
  Samples last = Sample(ctx, wanted, all);
  std::map<std::string, UsageSample> first;
  for (const auto& [container, sample] : last) {
    const auto before = known_.find(container);
    if (before != known_.end() && Between(before->second.sample, sample))
      first[container] = before->second.sample;
  }
  const auto lacks = [&](const SwarmTask& task) {
    return last.contains(task.container_id) && !first.contains(task.container_id);
  };
  if (std::ranges::any_of(wanted.tasks, lacks)) {
    std::mutex mutex;
    std::condition_variable pause;
    const std::stop_callback wake(ctx.stop, [&] { pause.notify_all(); });
    const SteadyTime until = ctx.clock.Now() + kPause;
    for (std::unique_lock lock(mutex); !ctx.Done() && ctx.clock.Now() < until;)
      ctx.clock.WaitUntil(pause, lock, std::min(until, ctx.clock.Now() + Duration(100)));
    for (const auto& [container, sample] : Sample(ctx, wanted, lacks)) {
      first[container] = last[container];
      last[container] = sample;
    }
  }
  if (ctx.Done()) return MakeError(Code::kCancelled, "cancelled");
  std::vector<SwarmUsage> found;
  for (const SwarmTask& task : wanted.tasks) {
    const auto from = first.find(task.container_id), to = last.find(task.container_id);
    if (from == first.end() || to == last.end()) continue;
    known_[task.container_id] = {to->second, ctx.clock.Now()};
    auto usage = Between(from->second, to->second);
    if (!usage) continue;
    usage->task_id = task.id;
    usage->node_id = task.node_id;
    found.push_back(*std::move(usage));
  }
  return found;
}

UsageMeter::Samples UsageMeter::Sample(const Context& ctx, const Wanted& wanted,
                                       const std::function<bool(const SwarmTask&)>& is_wanted) {
  std::map<const SwarmNode*, std::vector<std::string>> by_node;
  for (const SwarmTask& task : wanted.tasks) {
    const SwarmNode* node = NodeOf(wanted, task.node_id);
    if (node != nullptr && node->ready && !task.container_id.empty() && is_wanted(task))
      by_node[node].push_back(task.container_id);
  }
  const std::vector<std::pair<const SwarmNode*, std::vector<std::string>>> nodes(by_node.begin(),
                                                                                 by_node.end());
  std::vector<std::shared_ptr<EngineClient>> engines(nodes.size());
  InParallel(nodes.size(), [&](size_t i) { engines[i] = EngineOf(ctx, *nodes[i].first); });
  struct Piece {
    const SwarmNode* node;
    EngineClient* engine;
    std::span<const std::string> containers;
    Samples found = {};
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < nodes.size(); ++i) {
    std::span<const std::string> rest = nodes[i].second;
    while (engines[i] && !rest.empty()) {
      const size_t n = std::min(kPiece, rest.size());
      pieces.push_back({nodes[i].first, engines[i].get(), rest.first(n)});
      rest = rest.subspan(n);
    }
  }
  InParallel(pieces.size(), [&](size_t i) {
    Piece& piece = pieces[i];
    piece.found = SamplePiece(ctx, *piece.node, *piece.engine, piece.containers);
  });
  Samples all;
  for (Piece& piece : pieces) all.merge(piece.found);
  return all;
}

std::shared_ptr<EngineClient> UsageMeter::EngineOf(const Context& ctx, const SwarmNode& node) {
  {
    const std::lock_guard lock(mutex_);
    const auto trouble = trouble_.find(node.id);
    if (trouble != trouble_.end() && ctx.clock.Now() < trouble->second.until) return nullptr;
  }
  auto engine = engines_.Find(ctx.WithTimeout(kEngineLimit), node);
  if (engine) return *std::move(engine);
  SetTrouble(node, ctx, engine.error().message);
  return nullptr;
}

UsageMeter::Samples UsageMeter::SamplePiece(const Context& ctx, const SwarmNode& node,
                                            EngineClient& engine,
                                            std::span<const std::string> containers) {
  std::vector<EngineRequest> requests;
  for (const std::string& container : containers)
    requests.push_back(
        {"GET", "/containers/" + Escape(container) + "/stats?stream=false&one-shot=true"});
  Samples found;
  std::string why;
  const auto answers = engine.DoAll(ctx.WithTimeout(kEngineLimit), requests);
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) {
      if (answers[i].error().code != Code::kNotFound) why = answers[i].error().message;
    } else if (const auto sample = DecodeStats(*answers[i])) {
      found[containers[i]] = *sample;
    }
  }
  if (!why.empty()) engines_.Forget(node.id);
  if (!why.empty() || !found.empty()) SetTrouble(node, ctx, found.empty() ? why : "");
  return found;
}

void UsageMeter::SetTrouble(const SwarmNode& node, const Context& ctx, const std::string& why) {
  if (ctx.Done()) return;
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    const auto it = trouble_.find(node.id);
    if (it != trouble_.end()) before = it->second.why;
    if (why.empty()) {
      trouble_.erase(node.id);
    } else {
      trouble_[node.id] = {ctx.clock.Now() + kTroubleKept, why};
    }
  }
  if (!why.empty() && before.empty())
    log::Warn("what containers use isn't known", {{"node", node.name}, {"reason", why}});
  if (why.empty() && !before.empty())
    log::Info("what containers use is known again", {{"node", node.name}});
}

}  // namespace zoe::docker

#include "apis/server/usage.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "specs/core/kinds.h"
#include "specs/core/metrics.h"

namespace zoe::server {
namespace {

constexpr Duration kReadLimit{20'000};

core::Usage Amounts(int64_t cpu_nano, int64_t memory_bytes) {
  return {{"cpu", std::to_string(cpu_nano) + "n"},
          {"memory", std::to_string(memory_bytes / 1024) + "Ki"}};
}

// As Go writes a duration: "10.5s".
std::string Window(Duration window) {
  std::string text(32, '\0');
  text.resize(static_cast<size_t>(
      std::snprintf(text.data(), text.size(), "%.3f", static_cast<double>(window.count()) / 1000)));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + "s";
}

WallTime Seconds(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

std::vector<std::shared_ptr<ObjectBase>> MakePodMetrics(const SwarmPicture& picture,
                                                        const std::vector<SwarmUsage>& usage,
                                                        const LabelsOf& labels_of) {
  std::map<std::string_view, const SwarmUsage*> of_task;
  for (const SwarmUsage& each : usage) of_task[each.task_id] = &each;
  std::vector<std::shared_ptr<ObjectBase>> all;
  for (const PodTasks& slot : SlotsOf(picture)) {
    const auto used = of_task.find(slot.tasks.back()->id);
    if (used == of_task.end()) continue;
    const SwarmUsage& of = *used->second;
    auto metrics = std::make_shared<core::PodMetrics>();
    const Meta pod = PodMetaOf(slot, labels_of);
    metrics->meta.name = pod.name;
    metrics->meta.ns = pod.ns;
    metrics->meta.labels = pod.labels;
    metrics->meta.creation_timestamp = metrics->timestamp = Seconds(of.at);
    metrics->window = Window(of.window);
    metrics->containers = {{ContainerNameOf(*slot.service), Amounts(of.cpu_nano, of.memory_bytes)}};
    all.push_back(std::move(metrics));
  }
  return all;
}

std::vector<std::shared_ptr<ObjectBase>> MakeNodeMetrics(const SwarmPicture& picture,
                                                         const std::vector<SwarmUsage>& usage,
                                                         WallTime now) {
  struct Sum {
    int64_t cpu_nano = 0, memory_bytes = 0;
    WallTime at{};
    Duration window{0};
  };
  std::map<std::string_view, Sum> sums;
  for (const SwarmUsage& each : usage) {
    Sum& sum = sums[each.node_id];
    sum.cpu_nano += each.cpu_nano;
    sum.memory_bytes += each.memory_bytes;
    sum.at = std::max(sum.at, each.at);
    sum.window = std::max(sum.window, each.window);
  }
  std::set<std::string_view> ours, busy;
  for (const SwarmService& service : picture.services) ours.insert(service.id);
  for (const SwarmTask& task : picture.tasks) {
    if (task.state == TaskState::kRunning && ours.contains(task.service_id))
      busy.insert(task.node_id);
  }
  const auto names = NodeNames(picture.nodes);
  std::vector<std::shared_ptr<ObjectBase>> all;
  for (const SwarmNode& node : picture.nodes) {
    const auto sum = sums.find(node.id);
    if (!node.ready || (sum == sums.end() && busy.contains(node.id))) continue;
    const Sum used = sum == sums.end() ? Sum{.at = now} : sum->second;
    auto metrics = std::make_shared<core::NodeMetrics>();
    metrics->meta.name = names.at(node.id);
    metrics->meta.labels = NodeLabelsOf(node, metrics->meta.name);
    metrics->meta.creation_timestamp = metrics->timestamp = Seconds(used.at);
    metrics->window = Window(used.window);
    metrics->usage = Amounts(used.cpu_nano, used.memory_bytes);
    all.push_back(std::move(metrics));
  }
  return all;
}

UsageViews::UsageViews(Swarm& swarm, const Clock& clock, LabelsOf labels_of)
    : swarm_(swarm),
      clock_(clock),
      labels_of_(std::move(labels_of)),
      node_kind_(core::FindMetricsKind("NodeMetrics")),
      pod_kind_(core::FindMetricsKind("PodMetrics")),
      nodes_(*node_kind_),
      pods_(*pod_kind_) {
  const auto begin =
      std::chrono::duration_cast<std::chrono::microseconds>(clock.WallNow().time_since_epoch());
  nodes_.Advance(begin.count());
  pods_.Advance(begin.count());
}

UsageViews::~UsageViews() { Stop(); }

const Cache* UsageViews::CacheOf(const v1::Kind& kind) const {
  if (&kind == node_kind_) return &nodes_.cache();
  return &kind == pod_kind_ ? &pods_.cache() : nullptr;
}

void UsageViews::Refresh(Done done) {
  std::unique_lock lock(mutex_);
  if (stopped_) {
    lock.unlock();
    return done(MakeError(Code::kUnavailable, "the server stops"));
  }
  waiting_.push_back(std::move(done));
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  wake_.notify_all();
}

void UsageViews::Stop() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void UsageViews::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    const std::vector<Done> waiting = std::exchange(waiting_, {});
    const bool stops = stopped_;
    lock.unlock();
    const Expected<void> result =
        stops ? MakeError(Code::kUnavailable, "the server stops") : Read();
    for (const Done& done : waiting) done(result);
    if (stops) return;
    lock.lock();
  }
}

Expected<void> UsageViews::Read() {
  const Context ctx = Context{clock_, stop_.get_token()}.WithTimeout(kReadLimit);
  SwarmPicture picture;
  ZOE_ASSIGN(const std::vector<SwarmUsage> usage, swarm_.Usage(ctx));
  ZOE_ASSIGN(picture.tasks, swarm_.ListTasks(ctx));
  ZOE_ASSIGN(picture.services, swarm_.ListServices(ctx));
  ZOE_ASSIGN(picture.nodes, swarm_.ListNodes(ctx));
  nodes_.Replace(MakeNodeMetrics(picture, usage, clock_.WallNow()));
  pods_.Replace(MakePodMetrics(picture, usage, labels_of_));
  return {};
}

}  // namespace zoe::server

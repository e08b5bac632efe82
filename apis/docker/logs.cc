#include "apis/docker/logs.h"

#include <algorithm>
#include <set>

#include "apis/docker/engine_error.h"
#include "apis/docker/object_codec.h"

namespace zoe::docker {
namespace {

constexpr size_t kHeader = 8;
// The Engine cuts lines at 16 KiB; a frame much larger is no frame.
constexpr size_t kMaxFrame = size_t{1} << 20;
// "2026-01-31T12:00:00.123456789Z ", which compares as text.
constexpr size_t kStamp = 31;
// A stream that is followed is looked after so often.
constexpr Duration kCheck{700};

struct Options {
  bool follow = false, timestamps = false;
  std::optional<int64_t> tail;
};

class LogReader {
 public:
  LogReader(EngineClient& client, const Context& ctx, const LogQuery& query, const LogSink& sink)
      : client_(client), ctx_(ctx), query_(query), sink_(sink) {}

  Expected<void> Run() {
    if (!query_.task_id.empty()) return Task();
    if (query_.slot == 0) return Whole();
    return query_.follow ? FollowSlot() : Slot();
  }

 private:
  std::string Target(const std::string& object, const Options& options) const {
    std::string target = object + "/logs?stdout=1&stderr=1";
    if (options.follow) target += "&follow=1";
    if (options.timestamps) target += "&timestamps=1";
    if (options.tail) target += "&tail=" + std::to_string(std::max<int64_t>(0, *options.tail));
    if (query_.since_seconds) {
      const auto now = std::chrono::floor<std::chrono::seconds>(ctx_.clock.WallNow());
      target += "&since=" + std::to_string(now.time_since_epoch().count() - *query_.since_seconds);
    }
    return target;
  }

  // True in `ended_` when the sink has had enough.
  Expected<void> Read(const std::string& object, const Options& options, const LogSink& sink,
                      const std::function<bool()>& keep_following = nullptr) {
    LogFrames frames;
    HttpStream stream;
    stream.on_chunk = [&](std::string_view piece) {
      if (frames.Feed(piece, sink)) return true;
      ended_ = !frames.error();
      return false;
    };
    if (keep_following) stream.on_tick = keep_following;
    ZOE_TRY(client_.Stream(ctx_, Target(object, options), stream));
    // A task without a place yet has no output; the Engine calls that an error.
    if (frames.error() && frames.error()->message.find("not been scheduled") == std::string::npos)
      return *frames.error();
    return {};
  }

  // The Engine's filter by service fails once the service is gone, whose tasks may still write.
  Expected<std::vector<SwarmTask>> Tasks() {
    auto answer =
        client_.Do(ctx_, {"GET", "/tasks?filters=" + Filters({{"service", {query_.service_id}}})});
    if (!answer && answer.error().code == Code::kNotFound)
      answer = client_.Do(ctx_, {"GET", "/tasks"});
    ZOE_ASSIGN(const std::string json, std::move(answer));
    ZOE_ASSIGN(auto tasks, DecodeTasks(json));
    std::erase_if(tasks, [&](const SwarmTask& t) {
      return t.service_id != query_.service_id || (query_.slot != 0 && t.slot != query_.slot);
    });
    std::ranges::stable_sort(tasks, {}, &SwarmTask::created_at);
    return tasks;
  }

  // kNotFound if the service is gone.
  Expected<void> CheckService() {
    const auto found = client_.Do(ctx_, {"GET", "/services/" + Escape(query_.service_id)});
    if (!found) return found.error();
    return {};
  }

  // True while something may still be written. Asks now and then; an Engine that doesn't answer
  // changes nothing. Two looks: a restarted task's successor may be a moment late.
  bool StillAlive() {
    const SteadyTime now = ctx_.clock.Now();
    if (now < next_check_) return true;
    next_check_ = now + kCheck;
    const auto tasks = Tasks();
    if (!tasks) return true;
    const bool live =
        std::ranges::any_of(*tasks, [](const SwarmTask& t) { return !IsTerminal(t.state); });
    quiet_checks_ = live ? 0 : quiet_checks_ + 1;
    return quiet_checks_ < 2;
  }

  Expected<void> Whole() {
    const std::string object = "/services/" + Escape(query_.service_id);
    if (query_.tail && !query_.follow) {
      return Tail(
          [&](const Options& options, const LogSink& sink) { return Read(object, options, sink); });
    }
    const Options options{query_.follow, query_.timestamps, query_.tail};
    if (!query_.follow) return Read(object, options, sink_);
    return Read(object, options, sink_, [this] { return StillAlive(); });
  }

  Expected<void> Task() {
    const Options options{query_.follow, query_.timestamps, query_.tail};
    const std::string object = "/tasks/" + Escape(query_.task_id);
    if (!query_.follow) return Read(object, options, sink_);
    return Read(object, options, sink_, [this] { return TaskAlive(query_.task_id); });
  }

  // The Engine's tail counts per task: takes the last of all by time.
  Expected<void> Tail(const std::function<Expected<void>(const Options&, const LogSink&)>& read) {
    std::vector<std::string> lines;
    const auto keep = static_cast<size_t>(std::max<int64_t>(0, *query_.tail));
    const Options options{false, true, query_.tail};
    auto result = read(options, [&](std::string_view line) {
      lines.emplace_back(line);
      return true;
    });
    if (!result && lines.empty()) return result;
    std::ranges::stable_sort(lines, {}, [](const std::string& l) { return l.substr(0, kStamp); });
    for (size_t i = lines.size() > keep ? lines.size() - keep : 0; i < lines.size(); ++i) {
      std::string_view line = lines[i];
      if (!query_.timestamps) line.remove_prefix(std::min(kStamp, line.size()));
      if (!sink_(line)) return {};
    }
    return result;
  }

  Expected<void> Slot() {
    ZOE_TRY(CheckService());
    ZOE_ASSIGN(const auto tasks, Tasks());
    const auto all = [&](const Options& options, const LogSink& sink) -> Expected<void> {
      for (const SwarmTask& task : tasks) {
        if (task.container_id.empty() || ended_) continue;
        ZOE_TRY(Read("/tasks/" + task.id, options, sink));
      }
      return {};
    };
    return query_.tail ? Tail(all) : all({false, query_.timestamps, std::nullopt}, sink_);
  }

  // One task of the slot after the other, each to its end.
  Expected<void> FollowSlot() {
    ZOE_TRY(CheckService());
    std::set<std::string> read;
    std::mutex mutex;
    std::condition_variable pause;
    const std::stop_callback wake(ctx_.stop, [&] { pause.notify_all(); });
    while (!ctx_.Done() && !ended_) {
      ZOE_ASSIGN(auto tasks, Tasks());
      std::erase_if(tasks, [&](const SwarmTask& t) {
        return t.container_id.empty() || t.state < TaskState::kStarting || read.contains(t.id);
      });
      // With a tail only the present task's lines count.
      if (read.empty() && query_.tail && tasks.size() > 1) {
        for (const SwarmTask& t : tasks) read.insert(t.id);
        tasks.erase(tasks.begin(), tasks.end() - 1);
      }
      for (const SwarmTask& task : tasks) {
        const auto tail = read.empty() || read.contains(task.id) ? query_.tail : std::nullopt;
        read.insert(task.id);
        quiet_checks_ = 0;
        ZOE_TRY(Read("/tasks/" + task.id, {true, query_.timestamps, tail}, sink_,
                     [&] { return TaskAlive(task.id); }));
        if (ended_ || ctx_.Done()) return {};
      }
      if (tasks.empty() && !StillAlive()) return {};
      std::unique_lock lock(mutex);
      ctx_.clock.WaitUntil(pause, lock, ctx_.clock.Now() + Duration(100));
    }
    return {};
  }

  bool TaskAlive(const std::string& id) {
    const SteadyTime now = ctx_.clock.Now();
    if (now < next_check_) return true;
    next_check_ = now + kCheck;
    const auto tasks = Tasks();
    if (!tasks) return true;
    const auto it = std::ranges::find(*tasks, id, &SwarmTask::id);
    quiet_checks_ = it != tasks->end() && !IsTerminal(it->state) ? 0 : quiet_checks_ + 1;
    return quiet_checks_ < 2;
  }

  EngineClient& client_;
  const Context& ctx_;
  const LogQuery& query_;
  const LogSink& sink_;
  bool ended_ = false;
  SteadyTime next_check_{};
  int quiet_checks_ = 0;
};

}  // namespace

bool LogFrames::Feed(std::string_view piece, const LogSink& sink) {
  pending_ += piece;
  size_t at = 0;
  bool more = true;
  while (more && pending_.size() - at >= kHeader) {
    const auto* head = reinterpret_cast<const unsigned char*>(pending_.data() + at);
    const size_t length =
        size_t{head[4]} << 24 | size_t{head[5]} << 16 | size_t{head[6]} << 8 | size_t{head[7]};
    if (head[0] > 3 || head[1] || head[2] || head[3] || length > kMaxFrame) {
      error_ = Nonsense("a request for logs", std::string_view(pending_).substr(at));
      return false;
    }
    if (pending_.size() - at < kHeader + length) break;
    const std::string_view text = std::string_view(pending_).substr(at + kHeader, length);
    at += kHeader + length;
    if (head[0] == 3) {
      error_ = MakeError(Code::kUnavailable, std::string(text.substr(0, 500)));
      return false;
    }
    more = sink(text);
  }
  pending_.erase(0, at);
  return more;
}

Expected<void> ReadLogs(EngineClient& client, const Context& ctx, const LogQuery& query,
                        const LogSink& sink) {
  return LogReader(client, ctx, query, sink).Run();
}

}  // namespace zoe::docker

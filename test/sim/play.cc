#include "test/sim/play.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>
#include <sstream>

#include "controller/runtime/log.h"
#include "specs/v1/gateway.h"
#include "specs/v1/user.h"
#include "test/sim/allowed.h"
#include "test/sim/read.h"

namespace zoe::sim_test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

constexpr Duration kPatience = 500ms;  // of a user whose act can't be done yet

int Number(const std::string& word) {
  if (word == "leader") return kLeader;
  if (word == "calling") return kCalling;
  if (word == "any") return kAny;
  return static_cast<int>(std::strtol(word.c_str(), nullptr, 10));
}
Duration Milliseconds(const std::string& word) { return Duration(std::atoll(word.c_str())); }
Hints HintsOf(const std::string& word) {
  return word == "lost" ? Hints::kLost : word == "reordered" ? Hints::kReordered : Hints::kAll;
}

WorldOptions OptionsOf(const std::map<std::string, std::string>& world) {
  WorldOptions options;
  options.admission = Allowed();
  for (const auto& [name, value] : world) {
    if (name == "seed") options.seed = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "controllers") options.controllers = Number(value);
    if (name == "hints") options.luck.hints = HintsOf(value);
    if (name == "faults") options.luck.faults = std::strtod(value.c_str(), nullptr);
    if (name == "feed") options.feed_delay = Milliseconds(value);
  }
  return options;
}

class Player {
 public:
  Player(const Schedule& schedule, const PlayOptions& options)
      : schedule_(schedule), options_(options), world_(OptionsOf(schedule.world)) {
    const auto api = schedule.world.find("api");
    if (api != schedule.world.end()) world_.api = Number(api->second);
    for (size_t i = 0; i < schedule.steps.size(); ++i) {
      if (Find(schedule.steps[i].act)->by_user) of_users_.push_back(i);
    }
  }

  Ending Run() {
    if (options_.prepare) options_.prepare(world_);
    for (size_t i = 0; i < schedule_.steps.size() && !testing::Test::HasFatalFailure(); ++i) {
      const Step& step = schedule_.steps[i];
      PassUntil(start_ + step.at);
      if (Find(step.act)->by_user) {
        while (!of_users_.empty() && of_users_.front() <= i) NextOfUsers();
      } else {
        Trace(step);
        Nemesis(step.act, step.words);
      }
    }
    world_.EndFaults();
    world_.SetHints(Hints::kAll);
    world_.SetFaults(0);
    world_.api = kAny;
    const SteadyTime enough = world_.clock.Now() + 20min;
    while (Waiting() && world_.clock.Now() < enough) PassUntil(world_.clock.Now() + kPatience);
    for (const auto& [place, queue] : queues_) {
      if (!queue.empty())
        ADD_FAILURE() << "never done: " << ToString(*queue.front()) << ": " << refusal_;
    }
    world_.Settle();
    world_.ExpectAtRest();
    ExpectAsMeant();
    return {{},
            world_.Describe(),
            world_.ledger(),
            world_.excused(),
            std::chrono::duration_cast<Duration>(world_.clock.Now() - start_),
            world_.writes(),
            world_.calls()};
  }

  static const Act* Find(std::string_view name) {
    const auto it = std::ranges::find(Acts(), name, &Act::name);
    return it == Acts().end() ? nullptr : &*it;
  }

 private:
  void Trace(const Step& step) {
    if (!options_.trace) return;
    const auto now = std::chrono::duration_cast<Duration>(world_.clock.Now() - start_);
    options_.trace(std::to_string(now.count()) + " ms: " + ToString(step));
  }

  // ---- users: of each namespace one act after the other, each as soon as it can be done

  bool Waiting() const {
    return std::ranges::any_of(queues_, [](const auto& queue) { return !queue.second.empty(); });
  }
  void NextOfUsers() {
    const Step& step = schedule_.steps[of_users_.front()];
    of_users_.pop_front();
    Trace(step);
    const Key key = KeyOf(step);
    queues_[key.ns.empty() ? key.name : key.ns].push_back(&step);
    Serve();
  }
  // Not within itself: a call that one act makes of the API may call up the next one.
  void Serve() {
    if (std::exchange(serving_, true)) return;
    for (auto& [place, queue] : queues_) {
      while (!queue.empty() && DoneByUser(*queue.front())) queue.pop_front();
    }
    serving_ = false;
  }
  void PassUntil(SteadyTime when) {
    while (Waiting() && world_.clock.Now() + kPatience < when) {
      world_.Run(kPatience);
      Serve();
    }
    if (when > world_.clock.Now())
      world_.Run(std::chrono::duration_cast<Duration>(when - world_.clock.Now()));
    Serve();
  }
  static Key KeyOf(const Step& step) {
    if (step.act == "put")
      return {step.document.StringAt("kind"), step.document.StringAt("metadata.namespace"),
              step.document.StringAt("metadata.name")};
    const bool named = step.act == "delete";
    const std::string& name = step.words[named ? 1 : 0];
    const std::string kind = named ? step.words[0] : "Execution";
    const size_t slash = name.find('/');
    if (slash == std::string::npos) return {kind, "", name};
    return {kind, name.substr(0, slash), name.substr(slash + 1)};
  }
  bool IsGoing(const Key& key) {
    const auto record = world_.truth().Get(key);
    if (!record.ok()) return false;
    return (*v1::DecodeStored(*v1::FindKind(key.kind), record->bytes))
        ->meta.deletion_timestamp.has_value();
  }
  bool DoneByUser(const Step& step) {
    const Key key = KeyOf(step);
    if (step.act != "delete" && (IsGoing(key) || IsGoing({"User", "", key.ns}))) return false;
    Expected<void> done;
    if (step.act == "put") done = world_.Put(step.document);
    if (step.act == "put") last_[key] = &step;
    if (step.act == "delete") done = world_.Remove(key);
    if (step.act == "restart") done = Restart(key, step.words[1]);
    if (done.ok() || (step.act != "put" && done.error().code == Code::kNotFound)) return true;
    refusal_ = done.error().ToString();
    return false;
  }
  Expected<void> Restart(const Key& key, const std::string& value) {
    ZOE_ASSIGN(const Record record, world_.truth().Get(key));
    ZOE_ASSIGN(codec::Value document, codec::ParseJson(record.bytes));
    codec::Value& meta = *document.Find("metadata");
    if (meta.Find("annotations") == nullptr) meta.Set("annotations", codec::Object{});
    meta.Find("annotations")->Set(v1::kRestartedAt, value);
    return world_.Put(document);
  }

  // What is good runs in the end, what ends has ended.
  void ExpectAsMeant() {
    for (const auto& [key, step] : last_) {
      if (key.kind != "Execution") continue;
      const auto execution = world_.Get(key.ns + "/" + key.name);
      if (!execution || execution->spec.suspend) continue;
      const std::string& phase = execution->status.phase;
      if (step->words[0] == "good") {
        EXPECT_EQ(phase, v1::kRunning) << key.ToString() << " is good";
      } else if (step->words[0] == "ends") {
        EXPECT_TRUE(v1::IsFinished(execution->status)) << key.ToString() << " is " << phase;
      }
    }
  }

  // ---- nemeses

  void Nemesis(const std::string& act, const Words& w) {
    if (act == "oncall") return OnCall(w);
    if (act == "next") {
      if (!of_users_.empty()) NextOfUsers();
    } else if (act == "crash") {
      world_.CrashController(Number(w[0]), Milliseconds(w[1]));
    } else if (act == "stop") {
      world_.StopController(Number(w[0]), Milliseconds(w[1]));
    } else if (act == "pause") {
      world_.PauseController(Number(w[0]), Milliseconds(w[1]));
    } else if (act == "cut") {
      world_.CutFromStore(Number(w[0]), Milliseconds(w[1]));
    } else if (act == "expire") {
      world_.ExpireSession(Number(w[0]));
    } else if (act == "lag") {
      world_.LagStore(Number(w[0]), Milliseconds(w[1]));
    } else if (act == "lone") {
      world_.LoneServer(Number(w[0]), Milliseconds(w[1]));
    } else if (act == "away") {
      world_.StoreAway(Milliseconds(w[0]));
    } else if (act == "trim") {
      world_.TrimLog();
    } else if (act == "deaf") {
      world_.CutFromSwarm(Number(w[0]), Milliseconds(w[1]));
    } else if (act == "leaderless") {
      world_.SwarmLeaderLost(Milliseconds(w[0]));
    } else if (act == "hints") {
      world_.SetHints(HintsOf(w[0]));
    } else if (act == "faults") {
      For(Milliseconds(w[1]), [this] { world_.SetFaults(0); });
      world_.SetFaults(std::strtod(w[0].c_str(), nullptr));
    } else if (act == "jump") {
      world_.JumpWallClock(Milliseconds(w[0]));
    } else if (act == "skew") {
      world_.SkewWallClock(Number(w[0]), Milliseconds(w[1]));
    } else if (act == "lose") {
      world_.LoseReply();
    } else if (act == "refuse") {
      world_.RefuseCall();
    } else {
      Killing(act, w);
    }
  }
  void Killing(const std::string& act, const Words& w) {
    if (act == "node") {
      For(Milliseconds(w[1]), [this, node = w[0]] { world_.NodeUp(node, true); });
      world_.NodeUp(w[0], false);
    } else if (act == "drain") {
      For(Milliseconds(w[1]), [this, node = w[0]] { world_.NodeAvailability(node, "active"); });
      world_.NodeAvailability(w[0], "drain");
    } else if (act == "end") {
      world_.EndTask(w[0], ServiceOf(w), 1, Number(w[2]));
    } else if (act == "remove") {
      world_.RemoveByHand(w[0], ServiceOf(w));
    } else if (act == "change") {
      world_.ChangeByHand(w[0], ServiceOf(w), [&w](SwarmServiceSpec& spec) {
        if (w[2] == "image") spec.image = "strange:1";
        if (w[2] == "replicas") spec.replicas += 1;
        if (w[2] == "labels") spec.labels["theirs"] = "x";
      });
    } else if (act == "network") {
      world_.RemoveNetworkByHand(w[0]);
    }
  }
  // The k-th of the execution's services, round and round.
  std::string ServiceOf(const Words& w) {
    const auto execution = world_.Get(w[0]);
    if (!execution || !execution->spec.application) return "";
    const auto& services = execution->spec.application->services;
    return services.empty() ? ""
                            : services[static_cast<size_t>(Number(w[1])) % services.size()].name;
  }
  void For(Duration d, std::function<void()> end) { world_.At(d, std::move(end)); }
  // CONTROLLER WHERE NTH CALL ACT ...
  void OnCall(const Words& w) {
    CallPoint point;
    point.controller = Number(w[0]);
    point.where = w[1] == "before"  ? CallPoint::kBefore
                  : w[1] == "after" ? CallPoint::kAfter
                                    : CallPoint::kInFlight;
    point.nth = Number(w[2]);
    if (w[3] != "any") point.call = w[3];
    world_.OnCall(
        point, [this, act = w[4], words = Words(w.begin() + 5, w.end())] { Nemesis(act, words); });
  }

  const Schedule& schedule_;
  const PlayOptions& options_;
  World world_;
  const SteadyTime start_ = world_.clock.Now();
  std::deque<size_t> of_users_;  // indexes of the steps that are still to come
  std::map<std::string, std::deque<const Step*>> queues_;
  std::map<Key, const Step*> last_;  // that was put
  bool serving_ = false;
  std::string refusal_;
};

bool IsCalm(const Schedule& schedule) {
  Duration last = -1h;
  for (const Step& step : schedule.steps) {
    const Act& act = *Player::Find(step.act);
    if (act.kills || std::ranges::count(step.words, "next") > 0) return false;
    if (!act.by_user || (step.act == "put" && step.words[0] == "application")) continue;
    if (step.at - last < 10s) return false;
    last = step.at;
  }
  return true;
}

void CompareLedgers(const Schedule& schedule, const Ending& expected, const Ending& found,
                    std::vector<std::string>& wrong) {
  for (const auto& [line, times] : found.ledger) {
    // What users wrote by the API of a controller is in its ledger.
    if (schedule.world.contains("api") && line.starts_with("Store.")) continue;
    const auto count = [&line](const std::map<std::string, int>& in) {
      const auto it = in.find(line);
      return it == in.end() ? 0 : it->second;
    };
    const int usual = count(expected.ledger), excused = count(found.excused);
    if (times > usual + excused)
      wrong.push_back("B: " + line + " " + std::to_string(times) + " times, undisturbed " +
                      std::to_string(usual) + ", faults that hit it " + std::to_string(excused));
  }
}

// Lines that one of two texts has, or has more often.
std::string Difference(const std::string& expected, const std::string& found) {
  std::string text;
  const auto lines = [](const std::string& of) {
    std::vector<std::string> all;
    std::istringstream in(of);
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  };
  const auto a = lines(expected), b = lines(found);
  for (const std::string& line : a) {
    if (std::ranges::count(b, line) < std::ranges::count(a, line))
      text += "\n  undisturbed: " + line;
  }
  for (const std::string& line : b) {
    if (std::ranges::count(a, line) < std::ranges::count(b, line))
      text += "\n  here:        " + line;
  }
  return text.empty() ? "\n  the same lines in another order" : text;
}

}  // namespace

const std::vector<Act>& Acts() {
  static const std::vector<Act> acts = {
      {"put", "HOW", true},
      {"delete", "KIND NAME", true},
      {"restart", "NAME VALUE", true},
      {"crash", "WHO MS"},
      {"stop", "WHO MS"},
      {"pause", "WHO MS"},
      {"cut", "WHO MS"},
      {"expire", "WHO"},
      {"lag", "WHO MS"},
      {"lone", "WHO MS"},
      {"away", "MS"},
      {"trim", ""},
      {"deaf", "WHO MS"},
      {"leaderless", "MS"},
      {"hints", "all|lost|reordered"},
      {"faults", "PROBABILITY MS"},
      {"jump", "MS"},
      {"skew", "WHO MS"},
      {"next", ""},
      {"lose", ""},
      {"refuse", ""},
      {"oncall", "WHO before|inflight|after NTH CALL ACT..."},
      {"node", "NAME MS", false, true},
      {"drain", "NAME MS", false, true},
      {"end", "NAME SERVICE CODE", false, true},
      {"remove", "NAME SERVICE", false, true},
      {"change", "NAME SERVICE image|replicas|labels", false, true},
      {"network", "NAMESPACE", false, true},
  };
  return acts;
}

Expected<void> Check(const Schedule& schedule) {
  const auto check = [](const std::string& name, const Words& words) {
    const Act* act = Player::Find(name);
    if (act == nullptr) return false;
    const auto spaces = static_cast<size_t>(std::ranges::count(act->arguments, ' '));
    if (name == "oncall") return words.size() > spaces;
    return words.size() == (act->arguments.empty() ? 0 : spaces + 1);
  };
  for (const Step& step : schedule.steps) {
    bool good = check(step.act, step.words);
    if (good && step.act == "oncall")
      good = check(step.words[4], Words(step.words.begin() + 5, step.words.end()));
    if (good) continue;
    const Act* act = Player::Find(step.act);
    return MakeError(
        Code::kInvalid,
        "not a step: " + ToString(step) +
            (act ? "; it is: " + std::string(act->name) + " " + std::string(act->arguments) : ""));
  }
  return {};
}

Ending Play(const Schedule& schedule, const PlayOptions& options) {
  const int errors = log::ErrorCount();
  testing::TestPartResultArray results;
  Ending ending;
  {
    const testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    try {
      ending = Player(schedule, options).Run();
    } catch (const std::exception& e) {
      ADD_FAILURE() << "exception: " << e.what();
    }
  }
  for (int i = 0; i < results.size(); ++i) {
    const testing::TestPartResult& result = results.GetTestPartResult(i);
    if (!result.failed()) continue;
    std::string file = result.file_name() ? result.file_name() : "";
    file = file.substr(file.rfind('/') + 1);
    ending.failures.push_back(file + ":" + std::to_string(result.line_number()) + ": " +
                              result.message());
  }
  if (log::ErrorCount() != errors) ending.failures.push_back("log: an error was logged");
  return ending;
}

Schedule Undisturbed(const Schedule& schedule) {
  Schedule calm;
  calm.world["seed"] = schedule.world.contains("seed") ? schedule.world.at("seed") : "1";
  std::ranges::copy_if(schedule.steps, std::back_inserter(calm.steps),
                       [](const Step& step) { return Player::Find(step.act)->by_user; });
  return calm;
}

std::vector<std::string> Jury::Judge(const Schedule& schedule) {
  const Schedule calm = Undisturbed(schedule);
  std::string text = ToString(Schedule{{}, calm.steps});
  if (text != text_) {
    undisturbed_ = Play(calm, {.prepare = options_.prepare});
    text_ = std::move(text);
  }
  if (!undisturbed_.failures.empty()) {
    std::vector<std::string> wrong = undisturbed_.failures;
    for (std::string& failure : wrong) failure = "undisturbed: " + failure;
    return wrong;
  }
  ending_ = Play(schedule, options_);
  std::vector<std::string> wrong = ending_.failures;
  if (!wrong.empty()) return wrong;
  if (ending_.world != undisturbed_.world)
    wrong.push_back("A: it ends otherwise:" + Difference(undisturbed_.world, ending_.world));
  if (IsCalm(schedule)) CompareLedgers(schedule, undisturbed_, ending_, wrong);
  return wrong;
}

std::string Signature(const std::vector<std::string>& failures) {
  if (failures.empty()) return "";
  const std::string& first = failures[0];
  const size_t end = first.find(": ", first.starts_with("undisturbed: ") ? 13 : 0);
  return first.substr(0, end);
}

Shrunk ShrinkFailure(const Schedule& schedule, const std::string& signature, Jury& jury,
                     std::chrono::seconds longest) {
  const auto begin = std::chrono::steady_clock::now();
  // What is smaller fails in the same way, and in no way that the whole does not: a document that
  // lost what it needs, say, is refused, which explains nothing.
  std::set<std::string> ways;
  for (const std::string& failure : jury.Judge(schedule)) ways.insert(Signature({failure}));
  const auto same = [&](const Schedule& s) {
    if (std::chrono::steady_clock::now() - begin > longest) return false;
    const auto failures = jury.Judge(s);
    return Signature(failures) == signature && std::ranges::all_of(failures, [&](const auto& f) {
             return ways.contains(Signature({f}));
           });
  };
  Shrunk shrunk;
  shrunk.kept = Shrink(schedule.steps.size(), 400, [&](const std::vector<size_t>& indexes) {
    return same(Keep(schedule, indexes));
  });
  shrunk.simple = Simplify(Keep(schedule, shrunk.kept), 400, same);
  return shrunk;
}

}  // namespace zoe::sim_test

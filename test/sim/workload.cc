#include "test/sim/workload.h"

#include <algorithm>
#include <random>

#include "test/sim/generate.h"
#include "test/sim/judge.h"

namespace zoe::sim_test {
namespace {

using codec::Value;

const v1::Kind& ExecutionKind() { return *v1::FindKind("Execution"); }
const v1::Kind& UserKind() { return *v1::FindKind("User"); }

std::vector<std::string> EverywhereIn(std::vector<std::string> fields) {
  for (std::string& field : fields) field = "spec.application.services[]." + field;
  fields.push_back("spec.activeDeadlineSeconds");
  fields.push_back("spec.suspend");
  return fields;
}

// What could end an execution for good.
std::vector<std::string> EndingFields() {
  return EverywhereIn({"monitor", "restart.policy", "restart.maxAttempts", "restart.rules"});
}

const Judge& SharedJudge() {
  static const Judge judge = ApiJudge();
  return judge;
}

class Author {
 public:
  Author(uint64_t seed, const WorkloadOptions& options)
      : options_(options),
        random_(seed),
        good_(seed + 1, Without(SharedJudge(), options.kills ? EndingFields() : EverywhereIn({}))),
        troubled_(seed + 2, Without(SharedJudge(), EndingFields()), Programs::kTroubled),
        people_(seed + 3, Without(SharedJudge(),
                                  {"spec.uid", "spec.gid", "spec.password", "spec.passwordHash",
                                   "spec.network.subnet", "spec.network.addresses"})) {}

  std::vector<Step> Write() {
    for (const Value& application : KnownApplications()) Put("application", application);
    const uint64_t places = 1 + Below(3);
    for (uint64_t i = 0; i < places; ++i) places_.push_back({kPlaces[i], i > 0, false});
    for (Place& place : places_) {
      for (uint64_t n = 1 + Below(2); n > 0; --n)
        lives_.push_back({&place, place.ns.substr(0, 1) + std::to_string(n), Below(4) == 0});
    }
    for (int i = 0; i < options_.acts; ++i) {
      Pass();
      Act();
    }
    for (Life& life : lives_) SetRight(life);
    // Whoever was never let in never got what the gateway keeps.
    for (Place& place : places_) {
      if (place.user_there && !place.enabled) PutUser(place, true);
    }
    return std::move(steps_);
  }

 private:
  static constexpr const char* kPlaces[] = {"alice", "ann", "bob"};
  struct Place {
    std::string ns;
    bool has_user, user_there, enabled = true;
  };
  struct Life {
    Place* place;
    std::string name;
    bool ends = false;
    bool there = false, good = true, suspended = false;
    Value spec{};
  };

  uint64_t Below(uint64_t n) { return random_() % n; }
  bool Chance(double p) { return std::uniform_real_distribution<>()(random_) < p; }
  void Pass() {
    if (options_.calm)
      return now_ += Duration(static_cast<int64_t>(20'000 + Below(10'000))), void();
    const uint64_t longest = Chance(0.5) ? 300 : 12'000;
    now_ += Duration(static_cast<int64_t>(Below(longest)));
  }
  void Add(std::string act, std::vector<std::string> words, Value document = {}) {
    steps_.push_back({now_, std::move(act), std::move(words), std::move(document)});
  }
  void Put(std::string how, Value document) { Add("put", {std::move(how)}, std::move(document)); }
  std::string Name(const Life& life) { return life.place->ns + "/" + life.name; }

  void PutLife(Life& life, std::string how) {
    EnsureUser(*life.place);
    Value document = codec::Object{};
    document.Set("apiVersion", "zoe/v1");
    document.Set("kind", "Execution");
    document.Set("metadata", Named(life.name, life.place->ns));
    Value spec = life.spec;
    if (life.suspended) spec.Set("suspend", true);
    document.Set("spec", spec);
    life.there = true;
    Put(std::move(how), std::move(document));
  }
  void EnsureUser(Place& place) {
    if (!place.has_user || place.user_there) return;
    place.user_there = true;
    PutUser(place);
  }
  void PutUser(Place& place, bool let_in = false) {
    Put("user", *people_.Make(UserKind(), Named(place.ns)));
    Value& spec = *steps_.back().document.Find("spec");
    if (let_in || !Chance(0.2)) spec.Set("enabled", true);
    place.enabled = spec.Find("enabled") == nullptr || spec.Find("enabled")->as_bool();
  }

  void Act() {
    Life& life = lives_[Below(lives_.size())];
    Place& place = *life.place;
    if (place.has_user && Chance(0.15)) return ActOnUser(place);
    if (!life.there) return Begin(life);
    if (Chance(0.2)) return End(life);
    if (!life.ends) Edit(life);
  }
  void ActOnUser(Place& place) {
    if (!place.user_there || Chance(0.6)) {
      place.user_there = true;
      return PutUser(place);
    }
    Add("delete", {"User", place.ns});
    place.user_there = false;
    for (Life& life : lives_) {
      if (life.place == &place) life.there = false;
    }
  }
  void Begin(Life& life) {
    life.suspended = false;
    if (life.ends) {
      life.spec = Ending();
      return PutLife(life, "ends");
    }
    Renew(life);
  }
  void End(Life& life) {
    life.there = false;
    Add("delete", {"Execution", Name(life)});
    if (!Chance(0.4)) return;
    if (Chance(0.5)) Pass();
    Begin(life);
  }
  // Another spec altogether.
  void Renew(Life& life) {
    life.good = !Chance(0.25);
    Generator& generator = life.good ? good_ : troubled_;
    life.spec = *generator.Make(ExecutionKind(), Named(life.name, life.place->ns))->Find("spec");
    PutLife(life, life.good ? "good" : "troubled");
  }
  void Edit(Life& life) {
    const Value before = life.spec;
    switch (Below(6)) {
      case 0:
        life.suspended = !life.suspended;
        return PutLife(life, life.good ? "good" : "troubled");
      case 1:
        return Add("restart", {Name(life), std::to_string(Below(1000))});
      case 2:
        return Renew(life);
      default:
        break;
    }
    for (uint64_t n = 1 + Below(3); n > 0; --n) {
      if (!ChangeOne(life)) return Renew(life);
      PutLife(life, life.good ? "good" : "troubled");
      now_ += Duration(static_cast<int64_t>(Below(40)));
    }
    if (!life.good || !Chance(0.2)) return;
    life.spec = before;  // and back
    PutLife(life, "good");
  }
  bool ChangeOne(Life& life) {
    Value document = codec::Object{};
    document.Set("apiVersion", "zoe/v1");
    document.Set("kind", "Execution");
    document.Set("metadata", Named(life.name, life.place->ns));
    document.Set("spec", life.spec);
    static const std::vector<Leaf> leaves = LeavesOf(ExecutionKind());
    const std::set<std::string> present = LeavesIn(ExecutionKind(), document);
    std::vector<const Leaf*> candidates;
    for (const Leaf& leaf : leaves) {
      if (present.contains(leaf.path)) candidates.push_back(&leaf);
    }
    const Leaf& leaf = *candidates[Below(candidates.size())];
    const auto changed = (life.good ? good_ : troubled_).Change(document, leaf);
    if (changed) life.spec = *changed->Find("spec");
    return changed.has_value();
  }
  void SetRight(Life& life) {
    if (!life.there || (life.good && !life.suspended)) return;
    Pass();
    life.suspended = false;
    if (life.good) return PutLife(life, "good");
    life.good = true;
    life.spec = *good_.Make(ExecutionKind(), Named(life.name, life.place->ns))->Find("spec");
    PutLife(life, "good");
  }
  Value Ending() {
    static constexpr const char* kKilled =
        R"({application: {services: [{name: main, image: "j:1", monitor: true,
            restart: {policy: on-failure}, command: [sh, -c, "sleep SECONDS; exit 0"]}]}})";
    static constexpr const char* kJob =
        R"({application: {services: [{name: side, image: "s:1"}, {name: main, image: "j:1",
            startupOrder: 1, monitor: true, replicas: {total: 2},
            command: [sh, -c, "sleep SECONDS; exit CODE"]}]}})";
    static constexpr const char* kDeadline =
        R"({activeDeadlineSeconds: 9, application: {services: [{name: web, image: "w:1"}]}})";
    std::string yaml = options_.kills ? kKilled : (Chance(0.3) ? kDeadline : kJob);
    const auto fill = [&yaml](const std::string& word, uint64_t number) {
      if (const size_t at = yaml.find(word); at != yaml.npos)
        yaml.replace(at, word.size(), std::to_string(number));
    };
    fill("SECONDS", Below(8));
    fill("CODE", Chance(0.3) ? 3 : 0);
    const auto parsed = codec::ParseYaml(yaml);
    Value spec = parsed->at(0);
    if (Chance(0.4)) spec.Set("ttlSecondsAfterFinished", static_cast<int64_t>(Below(20)));
    return spec;
  }

  const WorkloadOptions options_;
  std::mt19937_64 random_;
  Generator good_, troubled_, people_;
  Duration now_{0};
  std::vector<Step> steps_;
  std::vector<Place> places_;
  std::vector<Life> lives_;
};

}  // namespace

std::vector<Step> MakeWorkload(uint64_t seed, const WorkloadOptions& options) {
  return Author(seed, options).Write();
}

}  // namespace zoe::sim_test

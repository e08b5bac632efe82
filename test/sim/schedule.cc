#include "test/sim/schedule.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <sstream>

namespace zoe::sim_test {
namespace {

using codec::Value;

Expected<Step> ParseStep(std::string_view line) {
  Step step;
  std::string_view head = line;
  if (const size_t brace = line.find('{'); brace != std::string_view::npos) {
    ZOE_ASSIGN(step.document, codec::ParseJson(line.substr(brace)));
    head = line.substr(0, brace);
  }
  std::istringstream in{std::string(head)};
  std::string at;
  in >> at >> step.act;
  int64_t ms = 0;
  const auto [end, error] = std::from_chars(at.data() + 1, at.data() + at.size(), ms);
  if (at.empty() || at[0] != '@' || error != std::errc() || *end != '\0' || step.act.empty())
    return MakeError(Code::kInvalid, "must be @MILLISECONDS ACT ..., found " + std::string(line));
  step.at = Duration(ms);
  for (std::string word; in >> word;) step.words.push_back(word);
  return step;
}

// Every way to leave one member or item out.
void Smaller(const Value& value, const std::function<void(Value)>& each) {
  if (value.is_object()) {
    for (const codec::Member& member : value.as_object()) {
      Value without = value;
      without.Remove(member.key);
      each(std::move(without));
    }
    for (const codec::Member& member : value.as_object()) {
      Smaller(member.value, [&](Value smaller) {
        Value changed = value;
        changed.Set(member.key, std::move(smaller));
        each(std::move(changed));
      });
    }
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.as_array().size(); ++i) {
      Value without = value;
      without.as_array().erase(without.as_array().begin() + static_cast<std::ptrdiff_t>(i));
      each(std::move(without));
    }
    for (size_t i = 0; i < value.as_array().size(); ++i) {
      Smaller(value.as_array()[i], [&](Value smaller) {
        Value changed = value;
        changed.as_array()[i] = std::move(smaller);
        each(std::move(changed));
      });
    }
  }
}

class Simplifier {
 public:
  Simplifier(Schedule schedule, int tries, const std::function<bool(const Schedule&)>& fails)
      : schedule_(std::move(schedule)), tries_(tries), fails_(fails) {}

  Schedule Run() {
    for (bool better = true; better && tries_ > 0;) {
      better = false;
      for (size_t i = 0; i < schedule_.steps.size(); ++i) better |= Document(i);
      for (size_t i = 0; i < schedule_.steps.size(); ++i) better |= Gap(i);
    }
    return std::move(schedule_);
  }

 private:
  bool Try(Schedule candidate) {
    if (tries_-- <= 0 || !fails_(candidate)) return false;
    schedule_ = std::move(candidate);
    return true;
  }
  bool Document(size_t i) {
    bool better = false;
    for (bool again = true; again && tries_ > 0;) {
      again = false;
      std::vector<Value> smaller;
      const Value* spec = schedule_.steps[i].document.Find("spec");
      if (spec != nullptr) Smaller(*spec, [&](Value v) { smaller.push_back(std::move(v)); });
      for (Value& value : smaller) {
        Schedule candidate = schedule_;
        candidate.steps[i].document.Set("spec", std::move(value));
        if (!Try(std::move(candidate))) continue;
        again = better = true;
        break;
      }
    }
    return better;
  }
  // The time before a step, halved: all that follows comes earlier.
  bool Gap(size_t i) {
    const Duration before = i == 0 ? Duration(0) : schedule_.steps[i - 1].at;
    const Duration gap = schedule_.steps[i].at - before;
    if (gap <= Duration(1)) return false;
    Schedule candidate = schedule_;
    for (size_t j = i; j < candidate.steps.size(); ++j) candidate.steps[j].at -= gap - gap / 2;
    return Try(std::move(candidate));
  }

  Schedule schedule_;
  int tries_;
  const std::function<bool(const Schedule&)>& fails_;
};

}  // namespace

std::string ToString(const Step& step) {
  std::string text = "@" + std::to_string(step.at.count()) + " " + step.act;
  for (const std::string& word : step.words) text += " " + word;
  if (!step.document.is_null()) text += " " + codec::ToJson(step.document);
  return text;
}

std::string ToString(const Schedule& schedule) {
  std::string text = "world";
  for (const auto& [name, value] : schedule.world) text += " " + name + "=" + value;
  text += "\n";
  for (const Step& step : schedule.steps) text += ToString(step) + "\n";
  return text;
}

Expected<Schedule> ParseSchedule(std::string_view text) {
  Schedule schedule;
  std::istringstream in{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    line.erase(0, line.find_first_not_of(' '));
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("world")) {
      std::istringstream options(line.substr(5));
      for (std::string option; options >> option;)
        schedule.world[option.substr(0, option.find('='))] = option.substr(option.find('=') + 1);
      continue;
    }
    auto step = ParseStep(line);
    if (!step.ok())
      return MakeError(Code::kInvalid,
                       "line " + std::to_string(number) + ": " + step.error().ToString());
    schedule.steps.push_back(std::move(*step));
  }
  return schedule;
}

Schedule Keep(const Schedule& schedule, const std::vector<size_t>& indexes) {
  Schedule kept{schedule.world, {}};
  for (const size_t i : indexes) {
    if (i < schedule.steps.size()) kept.steps.push_back(schedule.steps[i]);
  }
  return kept;
}

std::vector<size_t> Shrink(size_t count, int tries,
                           const std::function<bool(const std::vector<size_t>&)>& fails) {
  std::vector<size_t> kept(count);
  std::iota(kept.begin(), kept.end(), size_t{0});
  for (size_t run = std::max<size_t>(count / 2, 1); tries > 0;) {
    bool better = false;
    for (size_t from = 0; from < kept.size() && tries > 0;) {
      std::vector<size_t> fewer = kept;
      const size_t to = std::min(from + run, kept.size());
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(from),
                  fewer.begin() + static_cast<std::ptrdiff_t>(to));
      --tries;
      if (fails(fewer)) {
        kept = std::move(fewer);
        better = true;
      } else {
        from = to;
      }
    }
    if (run == 1 && !better) break;
    run = std::max<size_t>(run / 2, 1);
  }
  return kept;
}

Schedule Simplify(Schedule schedule, int tries, const std::function<bool(const Schedule&)>& fails) {
  return Simplifier(std::move(schedule), tries, fails).Run();
}

}  // namespace zoe::sim_test

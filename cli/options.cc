#include "cli/options.h"

#include <algorithm>
#include <numeric>

namespace zoe::cli {
namespace {

const Flag* ByName(const std::vector<Flag>& flags, std::string_view name) {
  const auto it =
      std::find_if(flags.begin(), flags.end(), [&](const Flag& f) { return f.name == name; });
  return it == flags.end() ? nullptr : &*it;
}

const Flag* ByLetter(const std::vector<Flag>& flags, char letter) {
  const auto it =
      std::find_if(flags.begin(), flags.end(), [&](const Flag& f) { return f.letter == letter; });
  return it == flags.end() ? nullptr : &*it;
}

bool TakesWord(const Flag& flag) {
  return flag.kind == FlagKind::kValue || flag.kind == FlagKind::kList;
}

Error Unknown(const std::string& flag, std::string_view name, const std::vector<Flag>& flags) {
  std::vector<std::string_view> names;
  for (const Flag& f : flags) names.push_back(f.name);
  const std::string close = Closest(name, names);
  return MakeError(Code::kBadRequest, "unknown flag: " + flag +
                                          (close.empty() ? "" : "; did you mean --" + close + "?"));
}

Expected<std::string> CheckValue(const Flag& flag, std::string value) {
  const std::string name = "--" + std::string(flag.name);
  if (flag.kind == FlagKind::kBool && value != "true" && value != "false") {
    return MakeError(Code::kBadRequest, name + " takes true or false, not \"" + value + "\"");
  }
  if (flag.choices.empty() ||
      std::find(flag.choices.begin(), flag.choices.end(), value) != flag.choices.end())
    return value;
  std::string choices;
  for (const auto choice : flag.choices)
    choices += (choices.empty() ? "" : ", ") + std::string(choice);
  return MakeError(Code::kBadRequest,
                   name + " takes one of " + choices + ", not \"" + value + "\"");
}

size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1), previous, before;
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::move(previous);
    previous = row;
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, substituted});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

bool Arguments::Has(std::string_view name) const { return values_.contains(name); }
bool Arguments::Is(std::string_view name) const { return Get(name) == "true"; }

const std::string& Arguments::Get(std::string_view name) const {
  static const std::string empty;
  if (const auto it = values_.find(name); it != values_.end()) return it->second.back();
  const auto it = standards_.find(name);
  return it == standards_.end() ? empty : it->second;
}

std::vector<std::string> Arguments::All(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>{} : it->second;
}

std::string Closest(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string best;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  for (const auto candidate : candidates) {
    const size_t distance = Distance(word, candidate);
    const bool begins = word.size() >= 3 && candidate.starts_with(word);
    if (distance < least || (begins && best.empty())) {
      least = std::min(least, distance);
      best = candidate;
    }
  }
  return best;
}

Expected<Arguments> ParseArguments(const std::vector<std::string>& args,
                                   const std::vector<Flag>& flags) {
  Arguments result;
  for (const Flag& flag : flags) result.standards_[std::string(flag.name)] = flag.standard;
  const auto add = [&](const Flag& flag, std::string value) -> Expected<void> {
    ZOE_ASSIGN(std::string checked, CheckValue(flag, std::move(value)));
    result.values_[std::string(flag.name)].push_back(std::move(checked));
    return {};
  };
  const auto missing = [](const std::string& flag) {
    return MakeError(Code::kBadRequest, "flag " + flag + " needs a value");
  };
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--") {
      result.words_.insert(result.words_.end(), args.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                           args.end());
      break;
    }
    if (arg.size() < 2 || arg[0] != '-') {
      result.words_.push_back(arg);
      continue;
    }
    if (arg[1] == '-') {
      const size_t equal = arg.find('=');
      const std::string name = arg.substr(2, equal == std::string::npos ? equal : equal - 2);
      const Flag* flag = ByName(flags, name);
      if (flag == nullptr) return Unknown("--" + name, name, flags);
      if (equal != std::string::npos) {
        ZOE_TRY(add(*flag, arg.substr(equal + 1)));
      } else if (!TakesWord(*flag)) {
        ZOE_TRY(add(*flag, flag->kind == FlagKind::kBool ? "true" : std::string(flag->bare)));
      } else if (i + 1 == args.size()) {
        return missing("--" + name);
      } else {
        ZOE_TRY(add(*flag, args[++i]));
      }
      continue;
    }
    for (size_t at = 1; at < arg.size(); ++at) {
      const Flag* flag = ByLetter(flags, arg[at]);
      if (flag == nullptr) return Unknown(std::string("-") + arg[at], arg.substr(1), flags);
      const bool assigned = at + 1 < arg.size() && arg[at + 1] == '=';
      if (!TakesWord(*flag) && !assigned) {
        ZOE_TRY(add(*flag, flag->kind == FlagKind::kBool ? "true" : std::string(flag->bare)));
        continue;
      }
      if (at + 1 < arg.size()) {
        ZOE_TRY(add(*flag, arg.substr(at + (assigned ? 2 : 1))));
      } else if (i + 1 == args.size()) {
        return missing(std::string("-") + arg[at]);
      } else {
        ZOE_TRY(add(*flag, args[++i]));
      }
      break;
    }
  }
  return result;
}

size_t FirstWord(const std::vector<std::string>& args, const std::vector<Flag>& flags) {
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg.size() < 2 || arg[0] != '-') return i;
    if (arg == "--") return i + 1;
    const Flag* flag = nullptr;
    if (arg[1] == '-') {
      flag = arg.find('=') == std::string::npos ? ByName(flags, std::string_view(arg).substr(2))
                                                : nullptr;
    } else if (arg.size() == 2) {
      flag = ByLetter(flags, arg[1]);
    }
    if (flag != nullptr && TakesWord(*flag)) ++i;
  }
  return args.size();
}

Expected<Duration> ParseTimeout(const std::string& text) {
  if (!text.empty() && text[0] == '-') return Duration::zero();
  return ParseDuration(text);
}

}  // namespace zoe::cli

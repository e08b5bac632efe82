#include "specs/meta/time.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace zoe {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

void PutDigits(char* out, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// A cursor over text with the few shapes that times are made of. Every Take* returns false and may
// have moved on a mismatch.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool empty() const { return rest_.empty(); }
  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeAny(std::string_view set) {
    if (rest_.empty() || set.find(rest_.front()) == set.npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakePrefix(std::string_view prefix) {
    if (!rest_.starts_with(prefix)) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }
  bool TakeNumber(size_t width, int& value) {
    value = 0;
    if (rest_.size() < width) return false;
    for (size_t i = 0; i < width; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(width);
    return true;
  }
  std::string_view TakeDigits() {
    size_t n = 0;
    while (n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') ++n;
    const std::string_view digits = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return digits;
  }

 private:
  std::string_view rest_;
};

Error BadTime(std::string_view text) {
  return MakeError(Code::kInvalid, "\"" + std::string(text) +
                                       "\" is not a time: write it as RFC 3339 has it, as in "
                                       "2026-01-31T12:00:00Z or 2026-01-31T13:00:00.5+01:00");
}

bool TakeClock(Scanner& in, milliseconds& since_midnight) {
  int hour = 0, minute = 0, second = 0, millis = 0;
  if (!in.TakeNumber(2, hour) || !in.Take(':') || !in.TakeNumber(2, minute) || !in.Take(':') ||
      !in.TakeNumber(2, second)) {
    return false;
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  if (in.Take('.')) {
    const std::string_view digits = in.TakeDigits();
    if (digits.empty() || digits.size() > 9) return false;
    for (size_t i = 0; i < 3; ++i) millis = millis * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  }
  since_midnight = hours(hour) + minutes(minute) + seconds(second) + milliseconds(millis);
  return true;
}

bool TakeOffset(Scanner& in, minutes& offset) {
  if (in.TakeAny("Zz")) return true;
  const bool west = in.Take('-');
  int hour = 0, minute = 0;
  if ((!west && !in.Take('+')) || !in.TakeNumber(2, hour) || !in.Take(':') ||
      !in.TakeNumber(2, minute) || hour > 23 || minute > 59) {
    return false;
  }
  offset = (hours(hour) + minutes(minute)) * (west ? -1 : 1);
  return true;
}

}  // namespace

std::string FormatTime(WallTime time) {
  // RFC 3339 has four digits for the year.
  constexpr WallTime kMin = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
  constexpr WallTime kMax =
      std::chrono::sys_days(std::chrono::year(10000) / 1 / 1) - milliseconds(1);
  time = std::clamp(time, kMin, kMax);
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const auto ms = static_cast<unsigned>((time - day).count());
  char buffer[] = "0000-00-00T00:00:00.000Z";
  PutDigits(buffer, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  PutDigits(buffer + 5, static_cast<unsigned>(date.month()), 2);
  PutDigits(buffer + 8, static_cast<unsigned>(date.day()), 2);
  PutDigits(buffer + 11, ms / 3'600'000, 2);
  PutDigits(buffer + 14, ms / 60'000 % 60, 2);
  PutDigits(buffer + 17, ms / 1000 % 60, 2);
  if (ms % 1000 == 0) {
    buffer[19] = 'Z';
    return std::string(buffer, 20);
  }
  PutDigits(buffer + 20, ms % 1000, 3);
  return std::string(buffer, 24);
}

Expected<WallTime> ParseTime(std::string_view text) {
  Scanner in(text);
  int year = 0, month = 0, day = 0;
  milliseconds since_midnight{0};
  minutes offset{0};
  if (!in.TakeNumber(4, year) || !in.Take('-') || !in.TakeNumber(2, month) || !in.Take('-') ||
      !in.TakeNumber(2, day) || !in.TakeAny("Tt ") || !TakeClock(in, since_midnight) ||
      !TakeOffset(in, offset) || !in.empty()) {
    return BadTime(text);
  }
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return BadTime(text);
  return WallTime(std::chrono::sys_days(date)) + since_midnight - offset;
}

std::string FormatAge(Duration age) {
  // The steps are those of k8s.io/apimachinery/pkg/util/duration.HumanDuration, whose output people
  // know from kubectl.
  const auto two = [](int64_t big, const char* big_unit, int64_t small, const char* small_unit) {
    std::string out = std::to_string(big) + big_unit;
    if (small != 0) out += std::to_string(small) + small_unit;
    return out;
  };
  const int64_t s = std::chrono::duration_cast<seconds>(age).count();
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < 120) return std::to_string(s) + "s";
  const int64_t m = s / 60;
  if (m < 10) return two(m, "m", s % 60, "s");
  if (m < 180) return std::to_string(m) + "m";
  const int64_t h = m / 60;
  if (h < 8) return two(h, "h", m % 60, "m");
  if (h < 48) return std::to_string(h) + "h";
  const int64_t d = h / 24;
  if (d < 8) return two(d, "d", h % 24, "h");
  if (d < 365 * 2) return std::to_string(d) + "d";
  if (d < 365 * 8) return two(d / 365, "y", d % 365, "d");
  return std::to_string(d / 365) + "y";
}

Expected<Duration> ParseDuration(std::string_view text) {
  const auto bad = [&](const char* why) {
    return MakeError(Code::kInvalid, "\"" + std::string(text) + "\" is not a duration" + why +
                                         ": write seconds, or numbers with the units ms, s, m or "
                                         "h, as in 300ms, 5s, 1m30s or 2h");
  };
  struct Unit {
    std::string_view name;
    double nanoseconds;
  };
  // Longest first where one begins with another.
  static constexpr Unit kUnits[] = {{"ns", 1},   {"us", 1e3}, {"\u00b5s", 1e3}, {"\u03bcs", 1e3},
                                    {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},      {"h", 3600e9}};
  Scanner in(text);
  if (in.empty()) return bad("");
  in.Take('+');
  double total = 0;
  bool first = true;
  do {
    const std::string_view whole = in.TakeDigits();
    double number = 0;
    for (const char c : whole) number = number * 10 + (c - '0');
    std::string_view fraction;
    if (in.Take('.')) fraction = in.TakeDigits();
    double place = 0.1;
    for (const char c : fraction) {
      number += (c - '0') * place;
      place /= 10;
    }
    if (whole.empty() && fraction.empty()) return bad("");
    if (first && in.empty()) {
      total = number * 1e9;
      break;
    }
    first = false;
    const Unit* unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                    [&](const Unit& u) { return in.TakePrefix(u.name); });
    if (unit == std::end(kUnits)) return bad("");
    total += number * unit->nanoseconds;
  } while (!in.empty());
  // A hundred years, so that adding it to any time is safe.
  if (!(total <= 100 * 365.25 * 86400e9)) return bad(" that fits (100 years at most)");
  const auto whole_ms = static_cast<int64_t>(total / 1e6 + 1e-6);
  // What is not zero must not become zero, which often means "no limit".
  return Duration(whole_ms == 0 && total > 0 ? 1 : whole_ms);
}

}  // namespace zoe

#include "specs/meta/quantity.h"

#include <array>
#include <limits>

namespace zoe {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kFractionDigits = 18;
constexpr auto kMaxMilli = static_cast<Wide>(std::numeric_limits<int64_t>::max());

constexpr Wide PowerOfTen(int exponent) {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// A suffix multiplies by 10^decimal or by 2^binary.
struct Suffix {
  std::string_view name;
  int decimal, binary;
};
constexpr std::array kSuffixes = {
    Suffix{"", 0, 0},    Suffix{"n", -9, 0},  Suffix{"u", -6, 0},  Suffix{"m", -3, 0},
    Suffix{"k", 3, 0},   Suffix{"M", 6, 0},   Suffix{"G", 9, 0},   Suffix{"T", 12, 0},
    Suffix{"P", 15, 0},  Suffix{"E", 18, 0},  Suffix{"Ki", 0, 10}, Suffix{"Mi", 0, 20},
    Suffix{"Gi", 0, 30}, Suffix{"Ti", 0, 40}, Suffix{"Pi", 0, 50}, Suffix{"Ei", 0, 60},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The written number in units of 10^-18, rounded up.
struct Mantissa {
  Wide value = 0;
  bool overflow = false;
  size_t length = 0;  // characters read; 0: there is no number
};

Mantissa ReadMantissa(std::string_view text) {
  Mantissa m;
  size_t digits = 0;
  size_t i = 0;
  for (; i < text.size() && IsDigit(text[i]); ++i, ++digits) {
    m.value = m.value * 10 + static_cast<unsigned>(text[i] - '0');
    if (m.value > kMaxMilli) m.overflow = true;
    if (m.overflow) m.value = 0;
  }
  m.value *= PowerOfTen(kFractionDigits);
  if (i < text.size() && text[i] == '.') {
    Wide place = PowerOfTen(kFractionDigits);
    bool rest = false;
    for (++i; i < text.size() && IsDigit(text[i]); ++i, ++digits) {
      place /= 10;
      if (place == 0) {
        rest = rest || text[i] != '0';
      } else {
        m.value += place * static_cast<unsigned>(text[i] - '0');
      }
    }
    if (rest) ++m.value;
  }
  m.length = digits == 0 ? 0 : i;
  return m;
}

// "e3", "E-2": true, and the exponent, cut to what can make a difference.
bool ReadExponent(std::string_view text, int& exponent) {
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return false;
  size_t i = 1;
  const bool negative = text[i] == '-';
  if (text[i] == '-' || text[i] == '+') ++i;
  if (i == text.size()) return false;
  exponent = 0;
  for (; i < text.size(); ++i) {
    if (!IsDigit(text[i])) return false;
    if (exponent < 1000) exponent = exponent * 10 + (text[i] - '0');
  }
  if (negative) exponent = -exponent;
  return true;
}

// value (in 10^-18) times 10^decimal times 2^binary, in thousandths, rounded up; false if that
// doesn't fit.
bool Scale(Wide value, int decimal, int binary, int64_t& milli) {
  const int power = decimal + 3 - kFractionDigits;
  Wide result = value;
  if (power >= 0) {
    if (value != 0 && (power > 37 || value > kMaxMilli / PowerOfTen(power))) return false;
    if (value != 0) result = value * PowerOfTen(power);
  } else if (power < -37) {
    result = value == 0 ? 0 : 1;
  } else {
    const Wide divisor = PowerOfTen(-power);
    if (binary != 0) {
      if (value > (kMaxMilli * divisor) >> binary) return false;
      result = value << binary;
    }
    result = result / divisor + (result % divisor == 0 ? 0 : 1);
  }
  if (result > kMaxMilli) return false;
  milli = static_cast<int64_t>(result);
  return true;
}

Error Bad(std::string_view text, std::string_view why) {
  return MakeError(Code::kInvalid, "\"" + std::string(text.substr(0, 64)) + "\" is not a quantity" +
                                       std::string(why));
}

constexpr std::string_view kAccepted =
    ": write a number, with a suffix if you like (n, u, m, k, M, G, T, P, E or Ki, Mi, Gi, Ti, Pi, "
    "Ei), as in 500m, 1.5, 1e3 or 512Mi";

Error BadSuffix(std::string_view text, std::string_view number, std::string_view suffix) {
  // What people write for it elsewhere.
  struct Habit {
    std::string_view wrong, right;
  };
  static constexpr Habit kHabits[] = {
      {"K", "k"},   {"KB", "k"},   {"kB", "k"},   {"kb", "k"},   {"MB", "M"},   {"mb", "M"},
      {"GB", "G"},  {"gb", "G"},   {"g", "G"},    {"TB", "T"},   {"t", "T"},    {"B", ""},
      {"b", ""},    {"KiB", "Ki"}, {"MiB", "Mi"}, {"GiB", "Gi"}, {"TiB", "Ti"}, {"ki", "Ki"},
      {"mi", "Mi"}, {"gi", "Gi"},  {"ti", "Ti"}};
  for (const Habit& habit : kHabits) {
    if (habit.wrong != suffix) continue;
    return Bad(text, ": write " + std::string(number) + std::string(habit.right));
  }
  return Bad(text, kAccepted);
}

}  // namespace

Quantity Quantity::Milli(int64_t thousandths) {
  Quantity q;
  q.milli_ = thousandths;
  q.text_ = thousandths % 1000 == 0 ? std::to_string(thousandths / 1000)
                                    : std::to_string(thousandths) + "m";
  return q;
}

Quantity Quantity::Whole(int64_t units) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max() / 1000;
  if (units > kMax) units = kMax;
  Quantity q;
  q.milli_ = units * 1000;
  static constexpr const char* kNames[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
  size_t step = 0;
  while (units != 0 && units % 1024 == 0 && step + 1 < std::size(kNames)) {
    units /= 1024;
    ++step;
  }
  q.text_ = std::to_string(units) + kNames[step];
  return q;
}

Expected<Quantity> Quantity::Parse(std::string_view text) {
  if (text.starts_with('-')) return Bad(text, ": it can't be negative");
  const std::string_view unsigned_text = text.substr(text.starts_with('+') ? 1 : 0);
  const Mantissa mantissa = ReadMantissa(unsigned_text);
  if (mantissa.length == 0) return Bad(text, kAccepted);
  const std::string_view suffix = unsigned_text.substr(mantissa.length);
  int decimal = 0, binary = 0;
  if (!ReadExponent(suffix, decimal)) {
    const Suffix* found = nullptr;
    for (const Suffix& s : kSuffixes) {
      if (s.name == suffix) found = &s;
    }
    if (found == nullptr) return BadSuffix(text, unsigned_text.substr(0, mantissa.length), suffix);
    decimal = found->decimal;
    binary = found->binary;
  }
  Quantity q;
  if (mantissa.overflow || !Scale(mantissa.value, decimal, binary, q.milli_)) {
    return Bad(text, " that fits: the largest is 9223372036854775 (about 8Pi)");
  }
  q.text_ = text;
  return q;
}

}  // namespace zoe

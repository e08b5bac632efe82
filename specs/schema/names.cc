#include "specs/schema/names.h"

#include <algorithm>
#include <limits>

namespace zoe::schema {
namespace {

bool IsLower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsAlnum(char c) { return IsLower(c) || (c >= 'A' && c <= 'Z'); }

bool IsDnsLabel(std::string_view text) {
  if (text.empty() || !IsLower(text.front()) || !IsLower(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return IsLower(c) || c == '-'; });
}

bool IsDnsSubdomain(std::string_view text) {
  while (true) {
    const size_t dot = text.find('.');
    if (!IsDnsLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsQualifiedName(std::string_view text) {
  if (text.empty() || text.size() > kDnsLabelLength) return false;
  if (!IsAlnum(text.front()) || !IsAlnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool HasParentComponent(std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
  return false;
}

std::string AtMost(size_t limit, size_t found) {
  return "must have at most " + std::to_string(limit) + " characters (it has " +
         std::to_string(found) + ")";
}

std::string Lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Damerau-Levenshtein with adjacent transpositions (optimal string alignment).
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string MustBeDnsLabel(std::string_view text) {
  if (text.size() > kDnsLabelLength) return AtMost(kDnsLabelLength, text.size());
  if (IsDnsLabel(text)) return "";
  return "must be a DNS label: lower-case letters, digits and \"-\", with a letter or digit at "
         "both ends";
}

std::string MustBeDnsSubdomain(std::string_view text) {
  if (text.size() > 253) return AtMost(253, text.size());
  if (IsDnsSubdomain(text)) return "";
  return "must be a DNS name: lower-case letters, digits, \"-\" and \".\", with a letter or digit "
         "at both ends of each part";
}

std::string MustBeLabelKey(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view name = slash == std::string_view::npos ? text : text.substr(slash + 1);
  const bool prefix_good =
      slash == std::string_view::npos || (slash <= 253 && IsDnsSubdomain(text.substr(0, slash)));
  if (prefix_good && IsQualifiedName(name)) return "";
  return "must be a name of at most 63 letters, digits, \"-\", \"_\" and \".\", with a letter or "
         "digit at both ends, "
         "optionally after a DNS name and \"/\"";
}

std::string MustBeLabelValue(std::string_view text) {
  if (text.empty() || IsQualifiedName(text)) return "";
  return "must be at most 63 letters, digits, \"-\", \"_\" and \".\", with a letter or digit at "
         "both ends";
}

std::string MustBeAbsolutePath(std::string_view text) {
  if (!text.starts_with('/')) return "must be an absolute path, starting with \"/\"";
  if (HasParentComponent(text)) return "must not contain \"..\"";
  return "";
}

std::string MustBeRelativePath(std::string_view text) {
  if (text.starts_with('/')) return "must be a relative path, not starting with \"/\"";
  if (HasParentComponent(text)) return "must not contain \"..\"";
  return "";
}

std::string MustNotBeEmpty(std::string_view text) {
  return text.empty() ? "must not be empty" : "";
}

std::string_view Closest(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string lowered = Lowered(word.substr(0, 100));
  const size_t bound = lowered.size() <= 3 ? 1 : lowered.size() <= 6 ? 2 : 3;
  size_t best = std::numeric_limits<size_t>::max();
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    const size_t distance = Distance(lowered, Lowered(candidate));
    if (distance <= bound && distance < candidate.size() && distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string_view closest = Closest(word, candidates);
  return closest.empty() ? "" : ", did you mean \"" + std::string(closest) + "\"?";
}

std::string Quote(std::string_view text) {
  constexpr size_t kShown = 60;
  std::string out = "\"";
  size_t end = std::min(text.size(), kShown);
  if (end < text.size()) {
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  }
  for (const char c : text.substr(0, end))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  out += end < text.size() ? "...\"" : "\"";
  return out;
}

std::string Join(const std::vector<std::string_view>& words) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

}  // namespace zoe::schema

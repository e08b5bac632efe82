// What names may look like, by Kubernetes' rules, and what a misspelled one was meant to be. Each
// check is a schema::Check.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zoe::schema {

inline constexpr size_t kDnsLabelLength = 63;

std::string MustBeDnsLabel(std::string_view text);      // RFC 1123 label: a-z, 0-9, "-"; at most 63
std::string MustBeDnsSubdomain(std::string_view text);  // labels joined by "."; at most 253
std::string MustBeLabelKey(
    std::string_view text);  // [prefix/]name; the prefix a DNS subdomain, the name at most 63
std::string MustBeLabelValue(
    std::string_view text);  // empty, or at most 63 of A-Z a-z 0-9 "-" "_" "."
std::string MustBeAbsolutePath(std::string_view text);  // "/...", no ".." component
std::string MustBeRelativePath(
    std::string_view text);  // below something: no leading "/", no ".." component
std::string MustNotBeEmpty(std::string_view text);

// The candidate that `word` most likely was meant to be, or "". Ignores case; swapped neighbours
// count as one mistake.
std::string_view Closest(std::string_view word, const std::vector<std::string_view>& candidates);
// `, did you mean "X"?` or "".
std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates);
// `"text"`, cut after 60 bytes (at a character) with "..."; control characters as "?".
std::string Quote(std::string_view text);
// "a, b, c".
std::string Join(const std::vector<std::string_view>& words);

}  // namespace zoe::schema

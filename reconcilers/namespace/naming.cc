#include "reconcilers/namespace/naming.h"

#include <cstdio>

namespace zoe {

Fingerprint& Fingerprint::Add(std::string_view text) {
  for (const char c : text) Byte(static_cast<unsigned char>(c));
  Byte(0);
  return *this;
}

Fingerprint& Fingerprint::Add(int64_t number) { return Add(std::to_string(number)); }

Fingerprint& Fingerprint::Add(const std::vector<std::string>& list) {
  Add(static_cast<int64_t>(list.size()));
  for (const std::string& text : list) Add(text);
  return *this;
}

std::string Fingerprint::Hex(size_t digits) const {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash_));
  return std::string(text, digits);
}

std::string Shorten(std::string_view text, size_t size) {
  std::string cut(text.substr(0, size));
  while (cut.ends_with('-')) cut.pop_back();
  return cut;
}

}  // namespace zoe

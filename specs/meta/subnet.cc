#include "specs/meta/subnet.h"

#include <charconv>

namespace zoe {
namespace {

// A number of at most `limit` at the front of `text`, which it takes off.
std::optional<uint32_t> TakeNumber(std::string_view& text, uint32_t limit) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto digits = static_cast<size_t>(end - text.data());
  if (error != std::errc() || value > limit || (digits > 1 && text.front() == '0')) return {};
  text.remove_prefix(digits);
  return value;
}

}  // namespace

std::string Subnet::ToString() const {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8)
    text += std::to_string(address >> shift & 0xff) + (shift > 0 ? "." : "/");
  return text + std::to_string(prefix);
}

std::optional<Subnet> ParseSubnet(std::string_view text) {
  Subnet subnet{0, 32};
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (!text.starts_with('.')) return {};
      text.remove_prefix(1);
    }
    const auto byte = TakeNumber(text, 255);
    if (!byte) return {};
    subnet.address = subnet.address << 8 | *byte;
  }
  if (!text.empty()) {
    if (text.front() != '/') return {};
    text.remove_prefix(1);
    const auto prefix = TakeNumber(text, 32);
    if (!prefix || !text.empty()) return {};
    subnet.prefix = static_cast<int>(*prefix);
  }
  const uint64_t mask = ~uint64_t{0} << (32 - subnet.prefix);
  subnet.address &= static_cast<uint32_t>(mask);
  return subnet;
}

}  // namespace zoe

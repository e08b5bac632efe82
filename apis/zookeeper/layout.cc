#include "apis/zookeeper/layout.h"

#include <charconv>
#include <cstdio>

namespace zoe::zookeeper {
namespace {

constexpr std::string_view kSet = "set ", kDelete = "delete ";

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

void AppendEscaped(std::string& out, char c) {
  constexpr char kHex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += {'%', kHex[byte >> 4], kHex[byte & 15]};
}

}  // namespace

std::string EncodeSegment(std::string_view name) {
  if (name.empty()) return "_";
  const bool reserved = name == "." || name == ".." || name == "_";
  std::string out;
  for (const char c : name) {
    if (IsPlain(c) && !reserved) {
      out += c;
    } else {
      AppendEscaped(out, c);
    }
  }
  return out;
}

std::string DecodeSegment(std::string_view segment) {
  if (segment == "_") return "";
  std::string out;
  for (size_t i = 0; i < segment.size(); ++i) {
    unsigned byte = 0;
    const char* hex = segment.data() + i + 1;
    if (segment[i] == '%' && i + 2 < segment.size() &&
        std::from_chars(hex, hex + 2, byte, 16).ptr == hex + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += segment[i];
    }
  }
  return out;
}

Layout::Layout(std::string_view chroot, std::string_view deployment)
    : base_(std::string(chroot) + "/" + EncodeSegment(deployment)),
      objects_(base_ + "/objects"),
      changes_(base_ + "/changes"),
      election_(base_ + "/election") {}

std::string Layout::KindPath(std::string_view kind) const {
  return objects_ + "/" + EncodeSegment(kind);
}

std::string Layout::NamespacePath(const Key& key) const {
  return KindPath(key.kind) + "/" + EncodeSegment(key.ns);
}

std::string Layout::ObjectPath(const Key& key) const {
  return NamespacePath(key) + "/" + EncodeSegment(key.name);
}

std::string Layout::ChangePath(int32_t sequence) const {
  char digits[16];
  std::snprintf(digits, sizeof(digits), "%010d", sequence);  // as the server formats it
  return ChangePrefix() + digits;
}

std::string EncodeChange(const Key& key, bool deleted) {
  return std::string(deleted ? kDelete : kSet) + EncodeSegment(key.kind) + "/" +
         EncodeSegment(key.ns) + "/" + EncodeSegment(key.name);
}

std::optional<Change> DecodeChange(std::string_view bytes, Revision revision) {
  const bool deleted = bytes.starts_with(kDelete);
  if (!deleted && !bytes.starts_with(kSet)) return std::nullopt;
  bytes.remove_prefix(deleted ? kDelete.size() : kSet.size());
  const size_t first = bytes.find('/'), second = bytes.find('/', first + 1);
  if (first == bytes.npos || second == bytes.npos) return std::nullopt;
  return Change{{DecodeSegment(bytes.substr(0, first)),
                 DecodeSegment(bytes.substr(first + 1, second - first - 1)),
                 DecodeSegment(bytes.substr(second + 1))},
                revision,
                deleted};
}

std::optional<int32_t> SequenceOf(std::string_view node) {
  const size_t dash = node.find('-', node.size() > 11 ? node.size() - 12 : 0);
  if (node.size() < 11 || dash == node.npos) return std::nullopt;
  const char* end = node.data() + node.size();
  int32_t sequence = 0;
  const auto [stop, error] = std::from_chars(node.data() + dash + 1, end, sequence);
  if (error != std::errc() || stop != end) return std::nullopt;
  return sequence;
}

int32_t Distance(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b));
}

int32_t Next(int32_t sequence, int32_t by) {
  return static_cast<int32_t>(static_cast<uint32_t>(sequence) + static_cast<uint32_t>(by));
}

}  // namespace zoe::zookeeper

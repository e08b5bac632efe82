#include "specs/v1/checks.h"

#include <algorithm>
#include <vector>

#include "specs/meta/subnet.h"
#include "specs/meta/time.h"
#include "specs/schema/names.h"

namespace zoe::v1 {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsLetter(char c) { return IsLower(c) || (c >= 'A' && c <= 'Z'); }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// A component of a repository's path: lower-case words joined by ".", "_", "__" or dashes.
bool IsPathComponent(std::string_view text) {
  const auto word = [](char c) { return IsLower(c) || IsDigit(c); };
  if (text.empty() || !word(text.front()) || !word(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return word(c) || c == '.' || c == '_' || c == '-'; });
}

bool IsRegistry(std::string_view text) {
  return text == "localhost" || text.find_first_of(".:") != std::string_view::npos;
}

bool IsHostAndPort(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  });
}

bool IsTag(std::string_view text) {
  if (text.empty() || text.size() > 128 || text.front() == '.' || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '_' || c == '.' || c == '-';
  });
}

bool IsDigest(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos || text.size() - colon - 1 < 32) return false;
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(),
                     [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); });
}

bool IsConstraintKey(std::string_view key) {
  for (const std::string_view prefix : {"node.labels.", "engine.labels."}) {
    if (key.starts_with(prefix))
      return key.size() > prefix.size() && key.find(' ') == std::string_view::npos;
  }
  return key == "node.id" || key == "node.hostname" || key == "node.ip" || key == "node.role" ||
         key == "node.platform.os" || key == "node.platform.arch";
}

}  // namespace

std::string MustBeImage(std::string_view text) {
  if (text.empty()) return "must name an image";
  if (text.find("{{") != std::string_view::npos) {
    return "must be an image: templates work in env values, command and args only";
  }
  static constexpr char kForm[] = "must be an image, [HOST[:PORT]/]NAME[:TAG][@DIGEST]";
  std::string_view rest = text;
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    if (!IsDigest(rest.substr(at + 1)))
      return std::string(kForm) + ", with a digest such as sha256:0123...";
    rest = rest.substr(0, at);
  }
  const size_t slash = rest.rfind('/');
  if (const size_t colon = rest.find(':', slash == std::string_view::npos ? 0 : slash);
      colon != std::string_view::npos) {
    if (!IsTag(rest.substr(colon + 1))) {
      return std::string(kForm) + ", with a tag of letters, digits, \"_\", \".\" and \"-\"";
    }
    rest = rest.substr(0, colon);
  }
  if (rest.size() > 255) return std::string(kForm) + " of at most 255 characters before the tag";
  bool first = true;
  while (true) {
    const size_t end = rest.find('/');
    const std::string_view part = rest.substr(0, end);
    const bool host = first && end != std::string_view::npos && IsRegistry(part);
    if (host ? !IsHostAndPort(part) : !IsPathComponent(part)) {
      return std::string(kForm) +
             "; a NAME has lower-case letters, digits, \".\", \"_\", \"-\" and \"/\" only";
    }
    if (end == std::string_view::npos) return "";
    rest.remove_prefix(end + 1);
    first = false;
  }
}

// Source: swarmkit's manager/constraint. Keys and values are compared without regard to case.
std::string MustBeConstraint(std::string_view text) {
  static constexpr char kForm[] = "must be KEY == VALUE or KEY != VALUE";
  size_t sign = text.find("==");
  if (sign == std::string_view::npos) sign = text.find("!=");
  if (sign == std::string_view::npos) return kForm;
  const std::string_view key = Trim(text.substr(0, sign)), value = Trim(text.substr(sign + 2));
  if (!IsConstraintKey(key)) {
    static const std::vector<std::string_view> kKeys = {"node.id",          "node.hostname",
                                                        "node.ip",          "node.role",
                                                        "node.platform.os", "node.platform.arch"};
    return std::string(kForm) +
           " with a KEY of node.id, node.hostname, node.ip, node.role, node.platform.os, " +
           "node.platform.arch, node.labels.NAME or engine.labels.NAME" +
           schema::DidYouMean(key, kKeys);
  }
  if (value.empty()) return std::string(kForm) + " with a VALUE";
  if (value.find('=') != std::string_view::npos) return std::string(kForm) + " with one sign only";
  if (key == "node.role" && value != "manager" && value != "worker") {
    return std::string(kForm) + "; a node.role is manager or worker";
  }
  return "";
}

std::string MustBeEnvName(std::string_view text) {
  if (text.empty()) return "must not be empty";
  if (text.find('=') != std::string_view::npos)
    return "must not contain \"=\": the text after it belongs in value";
  return "";
}

std::string MustBeParameterName(std::string_view text) {
  const bool good =
      !text.empty() && text.size() <= 63 && (IsLetter(text.front()) || text.front() == '_') &&
      std::all_of(text.begin(), text.end(),
                  [](char c) { return IsLetter(c) || IsDigit(c) || c == '_' || c == '-'; });
  return good ? ""
              : "must be a name of at most 63 letters, digits, \"_\" and \"-\" that starts with a "
                "letter or \"_\"";
}

std::string MustBeUser(std::string_view text) {
  const auto part = [](std::string_view name) {
    return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
      return static_cast<unsigned char>(c) <= 0x20 || c == ':' || c == '/';
    });
  };
  const size_t colon = text.find(':');
  const bool good = part(text.substr(0, colon)) &&
                    (colon == std::string_view::npos || part(text.substr(colon + 1)));
  return good ? "" : "must be USER or USER:GROUP, as names or numbers";
}

std::string MustBeScheme(std::string_view text) {
  const bool good =
      !text.empty() && IsLower(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
        return IsLower(c) || IsDigit(c) || c == '+' || c == '-' || c == '.';
      });
  return good ? ""
              : "must be the scheme of a URL: lower-case letters, digits, \"+\", \"-\" and \".\"";
}

std::string MustBeSubnet(std::string_view text) {
  const auto subnet = ParseSubnet(text);
  const bool good =
      subnet && subnet->prefix >= 8 && subnet->prefix <= 29 && subnet->ToString() == text;
  return good ? "" : "must be an IPv4 subnet of /8 to /29 without host bits, such as 10.20.30.0/24";
}

std::string MustBeSshKey(std::string_view text) {
  static constexpr std::string_view kTypes[] = {"ssh-ed25519",
                                                "ssh-rsa",
                                                "ecdsa-sha2-nistp256",
                                                "ecdsa-sha2-nistp384",
                                                "ecdsa-sha2-nistp521",
                                                "sk-ssh-ed25519@openssh.com",
                                                "sk-ecdsa-sha2-nistp256@openssh.com"};
  const size_t space = text.find(' ');
  const bool known =
      std::find(std::begin(kTypes), std::end(kTypes), text.substr(0, space)) != std::end(kTypes);
  std::string_view key = space == std::string_view::npos ? "" : text.substr(space + 1);
  const std::string_view blob = key.substr(0, key.find(' '));
  const auto base64 = [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '+' || c == '/' || c == '=';
  };
  const bool printable = std::all_of(text.begin(), text.end(),
                                     [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
  const bool good = known && printable && text.size() <= 8192 && blob.starts_with("AAAA") &&
                    blob.size() >= 60 && std::all_of(blob.begin(), blob.end(), base64);
  return good ? ""
              : "must be a public SSH key on one line, TYPE BASE64 [COMMENT], as in a .pub file, "
                "without options before it";
}

std::string MustBeArgon2id(std::string_view text) {
  const bool good = text.starts_with("$argon2id$v=19$m=") &&
                    std::count(text.begin(), text.end(), '$') == 5 &&
                    std::all_of(text.begin(), text.end(), [](char c) {
                      return IsLetter(c) || IsDigit(c) ||
                             std::string_view("$=,+/").find(c) != std::string_view::npos;
                    });
  return good ? "" : "must be an Argon2id hash: $argon2id$v=19$m=...,t=...,p=...$SALT$HASH";
}

std::string MustBeMode(std::string_view text) {
  const bool good =
      text.size() >= 3 && text.size() <= 5 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; }) &&
      (text.size() < 5 || text.front() == '0');
  return good ? "" : "must be permissions in octal, in quotes, such as \"0750\"";
}

std::string MustBeCapability(std::string_view text) {
  const bool good = !text.empty() && text.size() <= 40 && !text.starts_with("CAP_") &&
                    std::all_of(text.begin(), text.end(),
                                [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
  return good ? "" : "must be the name of a Linux capability without CAP_, such as NET_RAW";
}

std::string MustBeRuntime(std::string_view text) {
  constexpr Duration kLeast{1'000}, kMost{std::chrono::seconds{int64_t{1} << 31}};
  const auto runtime = ParseDuration(text);
  const bool good = runtime.ok() && *runtime >= kLeast && *runtime <= kMost;
  return good ? "" : "must be seconds, or numbers with the units s, m or h, such as 8h or 1h30m";
}

}  // namespace zoe::v1

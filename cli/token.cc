#include "cli/token.h"

#include <unistd.h>

#include <cctype>
#include <chrono>
#include <random>

#include "apis/client/client.h"
#include "specs/meta/time.h"

namespace zoe::cli {

std::string UserPath(const std::string& user, std::string_view what) {
  return client::ResourcePath("/apis/zoe/v1", "", "users", user) + "/" + std::string(what);
}

std::string TokenPath(const std::string& user, const std::string& name) {
  return client::JoinPath(UserPath(user, "tokens"), name);
}

std::string TokenName(std::string_view prefix) {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  std::string name = std::string(prefix) + "-";
  for (const char* c = host; *c != 0 && *c != '.' && name.size() < 40; ++c) {
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
    name += std::isalnum(static_cast<unsigned char>(lower)) != 0 ? lower : '-';
  }
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::random_device random;
  name += '-';
  for (int i = 0; i < 5; ++i) name += kLetters[random() % kLetters.size()];
  return name;
}

Expected<codec::Value> TokenRequest(const std::string& name, const std::string& expires) {
  codec::Value request;
  request.Set("name", name);
  ZOE_ASSIGN(const Duration life, ParseDuration(expires));
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(life).count();
  if (seconds > 0) request.Set("expirationSeconds", static_cast<int64_t>(seconds));
  return request;
}

}  // namespace zoe::cli

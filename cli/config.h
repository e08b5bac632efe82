// The file of contexts: which server, as whom, in which namespace.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/io.h"
#include "specs/codec/value.h"
#include "specs/meta/expected.h"

namespace zoe::cli {

struct Context {
  std::string name, server, ns, user, password, token, ca_file;
  std::string token_name;  // as the server knows the token, to revoke it
};

struct Config {
  std::string current;
  std::vector<Context> contexts;

  const Context* Find(std::string_view name) const;
  Context& At(std::string_view name);  // added if there is none
  // With secrets replaced by REDACTED unless `raw`.
  codec::Value ToValue(bool raw) const;
};

// ZOE_CONFIG, or $XDG_CONFIG_HOME/zoe/config.yaml, or ~/.config/zoe/config.yaml.
std::string ConfigPath(const Io& io);
// An absent file is an empty Config. Errors name the file, line and column.
Expected<Config> LoadConfig(const std::string& path);
// Written whole or not at all, mode 0600, directories made with mode 0700.
Expected<void> WritePrivate(const std::string& path, const std::string& text);
Expected<void> SaveConfig(const std::string& path, const Config& config);

}  // namespace zoe::cli

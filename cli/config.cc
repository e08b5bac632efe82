#include "cli/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace zoe::cli {
namespace {

struct Field {
  std::string_view key;
  std::string Context::*member;
  bool secret = false;
};
constexpr Field kFields[] = {{"name", &Context::name},
                             {"server", &Context::server},
                             {"namespace", &Context::ns},
                             {"user", &Context::user},
                             {"password", &Context::password, true},
                             {"token", &Context::token, true},
                             {"token-name", &Context::token_name},
                             {"certificate-authority", &Context::ca_file}};

Error At(const std::string& path, const codec::Position& position, const std::string& message) {
  return MakeError(Code::kInvalid, path + ":" + std::to_string(position.line) + ":" +
                                       std::to_string(position.column) + ": " + message);
}

Expected<Context> ReadContext(const std::string& path, const codec::Value& item) {
  Context context;
  if (!item.is_object()) return At(path, item.position, "a context must be a mapping");
  for (const codec::Member& member : item.as_object()) {
    const auto field = std::find_if(std::begin(kFields), std::end(kFields),
                                    [&](const Field& f) { return f.key == member.key; });
    if (field == std::end(kFields))
      return At(path, member.position, "unknown field \"" + member.key + "\"");
    if (member.value.is_array() || member.value.is_object()) {
      return At(path, member.value.position, member.key + " must be a text");
    }
    context.*(field->member) = member.value.is_null() ? "" : member.value.ScalarText();
  }
  if (context.name.empty()) return At(path, item.position, "a context needs a name");
  return context;
}

}  // namespace

const Context* Config::Find(std::string_view name) const {
  const auto it = std::find_if(contexts.begin(), contexts.end(),
                               [&](const Context& c) { return c.name == name; });
  return it == contexts.end() ? nullptr : &*it;
}

Context& Config::At(std::string_view name) {
  const auto it = std::find_if(contexts.begin(), contexts.end(),
                               [&](const Context& c) { return c.name == name; });
  if (it != contexts.end()) return *it;
  contexts.push_back({.name = std::string(name)});
  return contexts.back();
}

codec::Value Config::ToValue(bool raw) const {
  codec::Value value;
  value.Set("current-context", current);
  codec::Array list;
  for (const Context& context : contexts) {
    codec::Value item;
    for (const Field& field : kFields) {
      const std::string& text = context.*(field.member);
      if (!text.empty()) item.Set(field.key, field.secret && !raw ? std::string("REDACTED") : text);
    }
    list.push_back(std::move(item));
  }
  value.Set("contexts", std::move(list));
  return value;
}

std::string ConfigPath(const Io& io) {
  if (const auto path = io.env("ZOE_CONFIG"); path && !path->empty()) return *path;
  if (const auto base = io.env("XDG_CONFIG_HOME"); base && !base->empty())
    return *base + "/zoe/config.yaml";
  return io.env("HOME").value_or("") + "/.config/zoe/config.yaml";
}

Expected<Config> LoadConfig(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return Config{};
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return MakeError(Code::kInvalid, path + ": " + std::strerror(errno));
  const auto documents = codec::ParseYaml(text.str());
  if (!documents.ok()) return MakeError(Code::kInvalid, path + ":" + documents.error().ToString());
  Config config;
  if (documents->empty()) return config;
  const codec::Value& root = documents->front();
  if (!root.is_object()) return At(path, root.position, "expected a mapping with contexts");
  for (const codec::Member& member : root.as_object()) {
    if (member.key == "current-context") {
      config.current = member.value.is_null() ? "" : member.value.ScalarText();
    } else if (member.key == "contexts" && (member.value.is_array() || member.value.is_null())) {
      if (member.value.is_null()) continue;
      for (const codec::Value& item : member.value.as_array()) {
        ZOE_ASSIGN(Context context, ReadContext(path, item));
        config.contexts.push_back(std::move(context));
      }
    } else {
      return At(path, member.position, "unknown field \"" + member.key + "\"");
    }
  }
  return config;
}

Expected<void> WritePrivate(const std::string& path, const std::string& text) {
  const auto failed = [&](const std::string& what) {
    return MakeError(Code::kInvalid, "can't write " + what + ": " + std::strerror(errno));
  };
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (!directory.empty() && !std::filesystem::exists(directory)) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error)
      return MakeError(Code::kInvalid, "can't make " + directory.string() + ": " + error.message());
    chmod(directory.c_str(), 0700);
  }
  const std::string temporary = path + ".new";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed(temporary);
  fchmod(fd, 0600);
  const bool written =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  const bool closed = close(fd) == 0;
  if (!written || !closed || rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = failed(path);
    unlink(temporary.c_str());
    return error;
  }
  return {};
}

Expected<void> SaveConfig(const std::string& path, const Config& config) {
  return WritePrivate(path, codec::ToYaml(config.ToValue(true)));
}

}  // namespace zoe::cli

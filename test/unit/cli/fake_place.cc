#include "test/unit/cli/fake_place.h"

#include "specs/codec/value.h"

namespace zoe::test {
namespace {

using codec::Value;

std::string Base64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    unsigned three = 0;
    for (size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? kDigits[three >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

FakeReply Refused(int code, const std::string& reason, const std::string& message) {
  return {.status = code, .body = StatusBody(code, reason, message)};
}

}  // namespace

FakePlace::FakePlace(FakeApi& api, std::string user, std::string password)
    : user_(std::move(user)), password_(std::move(password)) {
  directories_[""] = true;
  api.intercept = [this](const FakeRequest& request) { return Answer(request); };
}

std::map<std::string, std::string> FakePlace::files() const {
  const std::lock_guard lock(mutex_);
  return files_;
}
std::map<std::string, std::string> FakePlace::tokens() const {
  const std::lock_guard lock(mutex_);
  return tokens_;
}
std::string FakePlace::password() const {
  const std::lock_guard lock(mutex_);
  return password_;
}
void FakePlace::PutFile(const std::string& path, const std::string& text) {
  const std::lock_guard lock(mutex_);
  files_[path] = text;
}
void FakePlace::MakeDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  directories_[path] = true;
}
void FakePlace::MakeLink(const std::string& path, const std::string& target) {
  const std::lock_guard lock(mutex_);
  links_[path] = target;
}

std::optional<FakeReply> FakePlace::Answer(const FakeRequest& request) {
  const std::lock_guard lock(mutex_);
  const std::string users = "/apis/zoe/v1/users/" + user_ + "/";
  const std::string files = "/apis/zoe/v1/namespaces/" + user_ + "/workspaces/" + user_ + "/files";
  if (request.path.starts_with(users)) return Account(request, request.path.substr(users.size()));
  if (request.path == files) return File(request, "");
  if (request.path.starts_with(files + "/"))
    return File(request, request.path.substr(files.size() + 1));
  return std::nullopt;
}

FakeReply FakePlace::Account(const FakeRequest& request, const std::string& what) {
  const auto header = request.headers.find("authorization");
  const std::string given = header == request.headers.end() ? "" : header->second;
  bool known = given == "Basic " + Base64(user_ + ":" + password_);
  for (const auto& [name, secret] : tokens_) known = known || given == "Bearer " + secret;
  if (!known) return Refused(401, "Unauthorized", "Unauthorized");
  if (what == "password") {
    const auto body = codec::ParseJson(request.body);
    if (given.starts_with("Bearer") && body->StringAt("currentPassword") != password_)
      return Refused(403, "Forbidden", "the current password is another");
    password_ = body->StringAt("password");
    return {.status = 204, .body = ""};
  }
  if (what == "tokens" && request.method == "POST") {
    const auto body = codec::ParseJson(request.body);
    const std::string name = body->StringAt("name");
    if (tokens_.contains(name)) return Refused(409, "AlreadyExists", name + " already exists");
    tokens_[name] = "zoe_" + user_ + "_s" + std::to_string(tokens_.size());
    Value answer;
    answer.Set("name", name);
    answer.Set("token", tokens_[name]);
    if (body->At("expirationSeconds") != nullptr) answer.Set("expiresAt", "2027-01-01T00:00:00Z");
    return {.status = 201, .body = codec::ToJson(answer)};
  }
  if (what == "tokens") {
    codec::Array items;
    for (const auto& [name, secret] : tokens_) {
      Value item;
      item.Set("name", name);
      items.push_back(std::move(item));
    }
    Value list;
    list.Set("items", std::move(items));
    return {.body = codec::ToJson(list)};
  }
  if (tokens_.erase(what.substr(7)) == 0) return Refused(404, "NotFound", "no such token");
  return {.body = R"({"kind":"Status","status":"Success"})"};
}

std::string FakePlace::Listing(const std::string& path) const {
  codec::Array items;
  const auto add = [&](const std::string& full, const char* type, size_t size,
                       const std::string& target) {
    const size_t slash = full.rfind('/');
    if (full.empty() || (slash == std::string::npos ? "" : full.substr(0, slash)) != path) return;
    Value item;
    item.Set("name", full.substr(slash == std::string::npos ? 0 : slash + 1));
    item.Set("type", type);
    item.Set("size", static_cast<int64_t>(size));
    item.Set("mode", "0644");
    if (!target.empty()) item.Set("target", target);
    items.push_back(std::move(item));
  };
  for (const auto& [name, text] : files_) add(name, "file", text.size(), "");
  for (const auto& [name, there] : directories_) add(name, "directory", 0, "");
  for (const auto& [name, target] : links_) add(name, "symlink", 0, target);
  Value list;
  list.Set("kind", "FileList");
  list.Set("path", path);
  list.Set("items", std::move(items));
  return codec::ToJson(list);
}

FakeReply FakePlace::File(const FakeRequest& request, const std::string& path) {
  const auto file = files_.find(path);
  const bool directory = directories_.contains(path);
  if (request.method == "PUT" && request.query.contains("mkdir")) {
    directories_[path] = true;
    return {.status = 201, .body = "{}"};
  }
  if (request.method == "PUT") {
    if (directory) return Refused(409, "Conflict", "\"" + path + "\" is a directory");
    files_[path] = request.body;
    return {.status = 201, .body = "{}"};
  }
  if (file == files_.end() && !directory)
    return Refused(404, "NotFound", "\"" + path + "\" is not there");
  if (request.method == "DELETE") {
    const bool full =
        directory && codec::ParseJson(Listing(path))->Find("items")->as_array().size();
    if (full && !request.query.contains("recursive"))
      return Refused(409, "Conflict", "\"" + path + "\" is not empty");
    std::erase_if(files_, [&](const auto& f) { return f.first.starts_with(path + "/"); });
    files_.erase(path);
    directories_.erase(path);
    return {.body = "{}"};
  }
  if (directory) return {.body = Listing(path)};
  return {.body = file->second, .type = "application/octet-stream"};
}

}  // namespace zoe::test

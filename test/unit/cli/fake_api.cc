#include "test/unit/cli/fake_api.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "specs/meta/selector.h"

namespace zoe::test {
namespace {

using codec::Value;

std::string Decode(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

// Reads one request; false at the end of the connection.
bool Read(int fd, std::string& buffer, FakeRequest& request) {
  char block[4096];
  size_t end;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    const ssize_t n = recv(fd, block, sizeof block, 0);
    if (n <= 0) return false;
    buffer.append(block, static_cast<size_t>(n));
  }
  const std::string head = buffer.substr(0, end);
  buffer.erase(0, end + 4);
  request = {};
  const size_t space = head.find(' '), second = head.find(' ', space + 1);
  request.method = head.substr(0, space);
  const std::string target = head.substr(space + 1, second - space - 1);
  const size_t question = target.find('?');
  request.path = Decode(target.substr(0, question));
  for (size_t at = question; at != std::string::npos && at + 1 < target.size();) {
    const size_t next = target.find('&', at + 1);
    const std::string pair =
        target.substr(at + 1, next == std::string::npos ? next : next - at - 1);
    const size_t equal = pair.find('=');
    request.query[Decode(pair.substr(0, equal))] =
        equal == std::string::npos ? "" : Decode(pair.substr(equal + 1));
    at = next;
  }
  for (size_t at = head.find("\r\n"); at != std::string::npos;) {
    const size_t next = head.find("\r\n", at + 2);
    const std::string line = head.substr(at + 2, next == std::string::npos ? next : next - at - 2);
    const size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (colon != std::string::npos)
      request.headers[name] = line.substr(line.find_first_not_of(' ', colon + 1));
    at = next;
  }
  const auto more = [&] {
    const ssize_t n = recv(fd, block, sizeof block, 0);
    if (n > 0) buffer.append(block, static_cast<size_t>(n));
    return n > 0;
  };
  if (request.headers.contains("transfer-encoding")) {
    for (;;) {
      size_t line;
      while ((line = buffer.find("\r\n")) == std::string::npos) {
        if (!more()) return false;
      }
      const size_t size = std::stoul(buffer.substr(0, line), nullptr, 16);
      while (buffer.size() < line + 2 + size + 2) {
        if (!more()) return false;
      }
      request.body += buffer.substr(line + 2, size);
      buffer.erase(0, line + 2 + size + 2);
      if (size == 0) return true;
    }
  }
  size_t length = 0;
  if (const auto it = request.headers.find("content-length"); it != request.headers.end())
    length = std::stoul(it->second);
  while (buffer.size() < length) {
    if (!more()) return false;
  }
  request.body = buffer.substr(0, length);
  buffer.erase(0, length);
  return true;
}

bool Send(int fd, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

bool SendChunk(int fd, const std::string& bytes) {
  char size[32];
  snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return Send(fd, size + bytes + "\r\n");
}

// Takes out of `object` what stands in `last` and in `now` no more.
void Drop(Value& object, const Value& last, const Value& now) {
  if (!last.is_object() || !object.is_object()) return;
  for (const codec::Member& member : last.as_object()) {
    const Value* again = now.Find(member.key);
    if (again == nullptr) {
      object.Remove(member.key);
    } else if (Value* inner = object.Find(member.key); inner != nullptr) {
      Drop(*inner, member.value, *again);
    }
  }
}

std::pair<std::string, std::string> SplitPath(const std::string& path) {
  const size_t slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// "/apis/zoe/v1/executions" holds what "/apis/zoe/v1/namespaces/x/executions" holds.
bool Holds(const std::string& collection, const std::string& other) {
  if (collection == other) return true;
  const auto [base, plural] = SplitPath(collection);
  return collection.find("/namespaces/") == std::string::npos &&
         other.starts_with(base + "/namespaces/") && other.ends_with("/" + plural);
}

bool Selected(const FakeRequest& request, const Value& object) {
  if (const auto it = request.query.find("fieldSelector"); it != request.query.end()) {
    const auto fields = ParseFieldSelector(it->second);
    if (!fields.ok()) return false;
    for (const FieldRequirement& field : *fields) {
      if ((object.StringAt(field.path) == field.value) != field.equal) return false;
    }
  }
  if (const auto it = request.query.find("labelSelector"); it != request.query.end()) {
    std::map<std::string, std::string> labels;
    if (const Value* written = object.At("metadata.labels");
        written != nullptr && written->is_object()) {
      for (const codec::Member& m : written->as_object()) labels[m.key] = m.value.ScalarText();
    }
    const auto selector = Selector::Parse(it->second);
    return selector.ok() && selector->Matches(labels);
  }
  return true;
}

FakeReply NotFound(const std::string& path) {
  const auto [collection, name] = SplitPath(path);
  return {.status = 404,
          .body = StatusBody(404, "NotFound",
                             SplitPath(collection).second + ".zoe \"" + name + "\" not found")};
}

}  // namespace

std::string StatusBody(int code, const std::string& reason, const std::string& message,
                       const std::string& causes) {
  std::string text =
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)";
  codec::AppendJsonString(text, message);
  return text + R"(,"reason":")" + reason + R"(","details":{"causes":)" + causes + R"(},"code":)" +
         std::to_string(code) + "}";
}

FakeApi::FakeApi(bool ipv6) : ipv6_(ipv6) {
  listener_ = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 wide{};
  wide.sin6_family = AF_INET6;
  wide.sin6_addr = in6addr_loopback;
  auto* bound = ipv6 ? reinterpret_cast<sockaddr*>(&wide) : reinterpret_cast<sockaddr*>(&address);
  socklen_t length = ipv6 ? sizeof wide : sizeof address;
  const bool listens = bind(listener_, bound, length) == 0 && listen(listener_, 64) == 0 &&
                       getsockname(listener_, bound, &length) == 0;
  if (!listens && !ipv6) std::abort();
  if (listens) port_ = ntohs(ipv6 ? wide.sin6_port : address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

FakeApi::~FakeApi() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  changed_.notify_all();
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
}

void FakeApi::Accept() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) close(fd);
      return;
    }
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void FakeApi::Serve(int fd) {
  std::string buffer;
  FakeRequest request;
  while (Read(fd, buffer, request) && Answer(fd, request)) {
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  close(fd);
}

bool FakeApi::Answer(int fd, const FakeRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  std::optional<FakeReply> own;
  if (intercept) own = intercept(request);
  if (own && own->drop) return false;
  if (!own && request.query.contains("watch")) {
    ServeWatch(fd, request);
    return false;
  }
  const FakeReply reply = own ? *own : Handle(request);
  if (reply.claimed) {
    Send(fd, "HTTP/1.1 200 X\r\nContent-Type: " + reply.type +
                 "\r\nContent-Length: " + std::to_string(*reply.claimed) + "\r\n\r\n" + reply.body);
    return false;
  }
  return Send(fd, "HTTP/1.1 " + std::to_string(reply.status) + " X\r\nContent-Type: " + reply.type +
                      "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n" +
                      reply.headers + "\r\n" + reply.body);
}

void FakeApi::ServeWatch(int fd, const FakeRequest& request) {
  std::unique_lock lock(mutex_);
  const uint64_t drops = drops_;
  const auto since = request.query.find("resourceVersion");
  int64_t version = since == request.query.end() ? 0 : std::atoll(since->second.c_str());
  if (!Send(fd,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
            "chunked\r\n\r\n"))
    return;
  if (version < oldest_) {
    SendChunk(fd, R"({"type":"ERROR","object":)" +
                      StatusBody(410, "Expired", "too old resource version") + "}\n");
    SendChunk(fd, "");
    return;
  }
  ++watches_;
  changed_.notify_all();
  for (bool alive = true; alive;) {
    for (const Change& change : history_) {
      if (change.version <= version) continue;
      version = change.version;
      if (!Holds(request.path, change.collection) || !Selected(request, change.object)) continue;
      // In two pieces, so that a reader which takes a piece for a line fails.
      const std::string line =
          R"({"type":")" + change.type + R"(","object":)" + codec::ToJson(change.object) + "}\n";
      alive = SendChunk(fd, line.substr(0, line.size() / 2)) &&
              SendChunk(fd, line.substr(line.size() / 2));
      if (!alive) break;
    }
    if (!alive) break;
    changed_.wait(lock, [&] {
      return stopping_ || drops_ != drops ||
             (!history_.empty() && history_.back().version > version);
    });
    alive = !stopping_ && drops_ == drops;
  }
  --watches_;
}

FakeReply FakeApi::List(const FakeRequest& request) {
  Value list, meta;
  list.Set("apiVersion", "zoe/v1");
  const std::string plural = SplitPath(request.path).second;
  std::string kind = plural.substr(0, plural.size() - 1);
  kind[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(kind[0])));
  list.Set("kind", kind + "List");
  meta.Set("resourceVersion", std::to_string(version_));
  list.Set("metadata", std::move(meta));
  codec::Array items;
  for (const auto& [path, object] : objects_) {
    if (Holds(request.path, SplitPath(path).first) && Selected(request, object))
      items.push_back(object);
  }
  list.Set("items", std::move(items));
  return {.body = codec::ToJson(list)};
}

FakeReply FakeApi::Apply(const FakeRequest& request, bool dry) {
  const auto parsed = codec::ParseYaml(request.body);
  if (!parsed.ok() || parsed->size() != 1)
    return {.status = 400, .body = StatusBody(400, "BadRequest", "no YAML")};
  const Value& written = parsed->front();
  const auto manager = request.query.find("fieldManager");
  if (manager == request.query.end())
    return {.status = 400, .body = StatusBody(400, "BadRequest", "fieldManager is required")};
  const auto found = objects_.find(request.path);
  const bool created = found == objects_.end();
  Value object = created ? Value(codec::Object{}) : found->second;
  Value& last = applied_[{request.path, manager->second}];
  Value next = object;
  Drop(next, last, written);
  codec::MergePatch(next, written);
  Value& meta = *next.Find("metadata");
  if (meta.Find("managedFields") == nullptr) meta.Set("managedFields", codec::Array{});
  codec::Array& entries = meta.Find("managedFields")->as_array();
  const bool known = std::ranges::any_of(
      entries, [&](const Value& e) { return e.StringAt("manager") == manager->second; });
  if (!known) {
    Value entry;
    entry.Set("manager", manager->second);
    entry.Set("operation", "Apply");
    entries.push_back(std::move(entry));
  }
  if (created) {
    meta.Set("uid", "uid-" + std::to_string(version_));
    meta.Set("generation", 1);
    meta.Set("creationTimestamp", "2026-01-01T00:00:00Z");
  }
  if (!dry) last = written;
  if (!dry && !(next == object)) Record(created ? "ADDED" : "MODIFIED", request.path, next);
  return {.status = created ? 201 : 200, .body = codec::ToJson(next)};
}

FakeReply FakeApi::Handle(const FakeRequest& request) {
  const std::lock_guard lock(mutex_);
  const bool dry = request.query.contains("dryRun");
  const auto found = objects_.find(request.path);
  const bool collection =
      request.path.ends_with("s") && (SplitPath(request.path).first.ends_with("/v1") ||
                                      SplitPath(request.path).first.ends_with("/v1beta1"));
  const bool in_namespace = SplitPath(SplitPath(request.path).first).first.ends_with("/namespaces");
  if (request.method == "GET" && (collection || in_namespace)) return List(request);
  if (request.method == "POST") {
    auto object = codec::ParseJson(request.body);
    if (!object.ok()) return {.status = 400, .body = StatusBody(400, "BadRequest", "no JSON")};
    const std::string path = request.path + "/" + object->StringAt("metadata.name");
    if (objects_.contains(path))
      return {.status = 409, .body = StatusBody(409, "AlreadyExists", path + " already exists")};
    object->Find("metadata")->Set("uid", "uid-" + std::to_string(version_));
    object->Find("metadata")->Set("generation", 1);
    object->Find("metadata")->Set("creationTimestamp", "2026-01-01T00:00:00Z");
    if (!dry) Record("ADDED", path, *object);
    return {.status = 201, .body = codec::ToJson(*object)};
  }
  if (request.method == "PATCH" && request.headers.contains("content-type") &&
      request.headers.at("content-type").starts_with("application/apply-patch+yaml"))
    return Apply(request, dry);
  if (found == objects_.end()) return NotFound(request.path);
  if (request.method == "PATCH") {
    const auto patch = codec::ParseJson(request.body);
    if (!patch.ok()) return {.status = 400, .body = StatusBody(400, "BadRequest", "no JSON")};
    Value object = found->second;
    codec::MergePatch(object, *patch);
    if (!dry) Record("MODIFIED", request.path, object);
    return {.body = codec::ToJson(object)};
  }
  if (request.method == "DELETE") {
    Value object = found->second;
    if (!dry && keep_deleted) {
      object.Find("metadata")->Set("deletionTimestamp", "2026-01-01T00:00:00Z");
      Record("MODIFIED", request.path, object);
    } else if (!dry) {
      Record("DELETED", request.path, object);
    }
    return {.body = codec::ToJson(object)};
  }
  return {.body = codec::ToJson(found->second)};
}

void FakeApi::Record(const std::string& type, const std::string& path, Value& object) {
  object.Find("metadata")->Set("resourceVersion", std::to_string(++version_));
  const auto [collection, name] = SplitPath(path);
  history_.push_back({version_, type, collection, name, object});
  if (type == "DELETED") {
    objects_.erase(path);
  } else {
    objects_[path] = object;
  }
  changed_.notify_all();
}

void FakeApi::Put(const std::string& path, Value object) {
  const std::lock_guard lock(mutex_);
  Record(objects_.contains(path) ? "MODIFIED" : "ADDED", path, object);
}

void FakeApi::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  Value object = objects_.at(path);
  Record("DELETED", path, object);
}

std::optional<Value> FakeApi::Find(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto it = objects_.find(path);
  return it == objects_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<FakeRequest> FakeApi::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t FakeApi::Count(const std::string& method, const std::string& prefix) {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(
      requests_.begin(), requests_.end(),
      [&](const FakeRequest& r) { return r.method == method && r.path.starts_with(prefix); }));
}

void FakeApi::DropWatches() {
  const std::lock_guard lock(mutex_);
  ++drops_;
  changed_.notify_all();
}

void FakeApi::ForgetHistory() {
  const std::lock_guard lock(mutex_);
  oldest_ = version_ + 1;
  ++version_;
  history_.clear();
}

bool FakeApi::AwaitWatches(size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return watches_ >= count; });
}

}  // namespace zoe::test

#include "apis/client/client.h"

#include <algorithm>

#include "apis/client/transport.h"

namespace zoe::client {

std::string ResourcePath(std::string_view base, std::string_view ns, std::string_view plural,
                         std::string_view name) {
  std::string path(base);
  if (!ns.empty()) path += "/namespaces/" + Encode(ns);
  path += "/" + Encode(plural);
  if (!name.empty()) path += "/" + Encode(name);
  return path;
}

std::string JoinPath(std::string_view base, std::string_view path) {
  std::string joined(base);
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (end > 0) joined += "/" + Encode(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return joined;
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;

const std::string& Client::server() const { return state_->options.server; }

Expected<std::unique_ptr<Client>> Client::Open(Options options) {
  SizePool();
  if (options.server.find("://") == std::string::npos) options.server = "http://" + options.server;
  while (options.server.ends_with('/')) options.server.pop_back();
  if (!options.server.starts_with("http://") && !options.server.starts_with("https://")) {
    return MakeError(Code::kInvalid, "the server's address \"" + options.server +
                                         "\" is neither http:// nor https://");
  }
  ZOE_TRY(CheckAuthorities(options.ca_file));
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  if (!state->options.token.empty()) {
    state->authorization = "Bearer " + state->options.token;
  } else if (!state->options.user.empty()) {
    state->authorization = "Basic " + Base64(state->options.user + ":" + state->options.password);
  }
  if (state->authorization.find_first_of("\r\n") != std::string::npos) {
    return MakeError(Code::kInvalid, "the token holds a line break");
  }
  const std::string& server = state->options.server;
  if (const size_t open = server.find("://["); open != std::string::npos) {
    if (server.find(']') == std::string::npos)
      return MakeError(Code::kInvalid, "the server's address \"" + server + "\" lacks a ]");
    state->host = server.substr(open + 3, server.find('/', open + 3) - open - 3);
  }
  ZOE_ASSIGN(state->vendor, state->Make(state->options.timeout));
  return std::unique_ptr<Client>(new Client(std::move(state)));
}

Expected<codec::Value> Client::Get(std::string_view path, const Query& query) {
  return state_->Call("GET", Target(path, query));
}

Expected<codec::Value> Client::List(std::string_view path, Query query) {
  ZOE_ASSIGN(codec::Value list, Get(path, query));
  if (list.Find("items") == nullptr || !list.Find("items")->is_array())
    list.Set("items", codec::Array{});
  std::string token = list.StringAt("metadata.continue");
  query.emplace_back("continue", "");
  while (!token.empty()) {
    query.back().second = token;
    ZOE_ASSIGN(codec::Value page, Get(path, query));
    token = page.StringAt("metadata.continue");
    codec::Value* items = page.Find("items");
    if (items == nullptr || !items->is_array()) break;
    auto& all = list.Find("items")->as_array();
    std::move(items->as_array().begin(), items->as_array().end(), std::back_inserter(all));
  }
  if (codec::Value* meta = list.Find("metadata")) meta->Remove("continue");
  return list;
}

Query Client::State::Written(Query query) const {
  const bool named =
      std::ranges::any_of(query, [](const auto& p) { return p.first == "fieldManager"; });
  if (!options.field_manager.empty() && !named)
    query.emplace_back("fieldManager", options.field_manager);
  return query;
}

Expected<codec::Value> Client::Create(std::string_view path, const codec::Value& object,
                                      const Query& query) {
  return state_->Call("POST", Target(path, state_->Written(query)), &object);
}

Expected<codec::Value> Client::Replace(std::string_view path, const codec::Value& object,
                                       const Query& query) {
  return state_->Call("PUT", Target(path, state_->Written(query)), &object);
}

Expected<codec::Value> Client::MergePatch(std::string_view path, const codec::Value& patch,
                                          const Query& query) {
  return state_->Call("PATCH", Target(path, state_->Written(query)), &patch,
                      "application/merge-patch+json");
}

Expected<Applied> Client::Apply(std::string_view path, const codec::Value& object,
                                const Query& query) {
  const std::string body = codec::ToJson(object), target = Target(path, query);
  ZOE_ASSIGN(Reply reply, state_->Send("PATCH", target, &body, "application/apply-patch+yaml"));
  ZOE_ASSIGN(codec::Value applied, state_->Understand("PATCH", target, reply));
  return Applied{std::move(applied), reply.status == 201, std::move(reply.warnings)};
}

Expected<codec::Value> Client::Delete(std::string_view path, const Query& query,
                                      std::optional<Duration> timeout) {
  return state_->Call("DELETE", Target(path, query), nullptr, "", timeout);
}

Expected<std::string> Client::GetText(std::string_view path, const Query& query) {
  ZOE_ASSIGN(Reply reply, state_->Send("GET", Target(path, query), nullptr, ""));
  if (reply.status < 200 || reply.status > 299) return ErrorFromReply(reply);
  return std::move(reply.body);
}

}  // namespace zoe::client

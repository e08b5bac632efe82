#include "cli/workspace.h"

namespace zoe::cli {
namespace {

using codec::Value;

constexpr std::chrono::minutes kSilence{5};  // A server may have to flush what it was sent.
constexpr std::chrono::hours kRemoval{24};   // A directory may hold millions of files.
constexpr codec::Budget kListBudget{
    .bytes = size_t{256} << 20, .depth = 16, .nodes = 20'000'000, .alias_nodes = 0};

// Files are bytes, whatever they hold.
bool IsListing(const client::Head& head) { return head.content_type == "application/json"; }

}  // namespace

Expected<std::string> WorkspacePath(std::string_view text) {
  std::string path;
  while (!text.empty()) {
    const size_t end = std::min(text.find('/'), text.size());
    const std::string_view step = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (step.empty() || step == ".") continue;
    if (step == "..") {
      return MakeError(Code::kBadRequest, "a path in the workspace begins at its root: no \"..\"");
    }
    path = Below(path, std::string(step));
  }
  return path;
}

std::string Below(const std::string& directory, const std::string& name) {
  return directory.empty() || name.empty() || directory.ends_with('/') ? directory + name
                                                                       : directory + "/" + name;
}

Expected<Fetched> Workspace::Fetch(const std::string& path, const OnBytes& on_bytes,
                                   const client::Query& query) {
  Fetched fetched;
  std::string listing;
  bool large = false;
  const auto take = [&](const client::Head& head, std::string_view bytes) {
    if (!IsListing(head)) {
      fetched.bytes += bytes.size();
      return on_bytes(bytes, head.length);
    }
    listing += bytes;
    large = listing.size() > kListBudget.bytes;
    return !large;
  };
  ZOE_ASSIGN(const client::Head head,
             client_.Download(client::JoinPath(base_, path), query, {}, kSilence, take));
  fetched.directory = IsListing(head);
  if (!fetched.directory) return fetched;
  auto value = codec::ParseJson(listing, kListBudget);
  if (large || !value.ok() || value->StringAt("kind") != "FileList") {
    return MakeError(Code::kInternal, "the listing of \"" + path + "\" can't be read");
  }
  fetched.listing = std::move(*value);
  if (fetched.listing.Find("items") == nullptr || !fetched.listing.Find("items")->is_array())
    fetched.listing.Set("items", codec::Array{});
  if (query.empty()) ZOE_TRY(Complete(path, fetched.listing));
  return fetched;
}

// A large directory comes in pages.
Expected<void> Workspace::Complete(const std::string& path, Value& listing) {
  std::string token = listing.StringAt("metadata.continue");
  while (!token.empty()) {
    ZOE_ASSIGN(Value page, client_.Get(client::JoinPath(base_, path), {{"continue", token}}));
    Value* items = page.Find("items");
    if (items == nullptr || !items->is_array() || items->as_array().empty()) break;
    auto& all = listing.Find("items")->as_array();
    std::move(items->as_array().begin(), items->as_array().end(), std::back_inserter(all));
    token = page.StringAt("metadata.continue");
  }
  if (Value* metadata = listing.Find("metadata")) metadata->Remove("continue");
  return {};
}

Expected<Workspace::Seen> Workspace::Look(const std::string& path) {
  const auto fetched =
      Fetch(path, [](std::string_view, const auto&) { return false; }, {{"limit", "1"}});
  if (fetched.ok()) return fetched->directory ? Seen::kDirectory : Seen::kFile;
  // Where not even the root is, there is no workspace.
  if (fetched.error().code == Code::kNotFound && !path.empty()) return Seen::kNothing;
  return fetched.error();
}

Expected<std::optional<Value>> Workspace::List(const std::string& path) {
  ZOE_ASSIGN(Fetched fetched, Fetch(path, [](std::string_view, const auto&) { return false; }));
  if (!fetched.directory) return std::optional<Value>();
  return std::optional(std::move(fetched.listing));
}

Expected<void> Workspace::Put(const std::string& path, std::optional<uint64_t> length,
                              const client::Source& source) {
  const auto answer =
      client_.Upload(client::JoinPath(base_, path), {}, {}, kSilence, length, source);
  if (answer.ok()) return {};
  return answer.error();
}

Expected<void> Workspace::MakeDirectory(const std::string& path) {
  const auto answer = client_.Upload(client::JoinPath(base_, path), {{"mkdir", "true"}}, {},
                                     kSilence, 0, [](char*, size_t) { return size_t{0}; });
  if (answer.ok()) return {};
  return answer.error();
}

Expected<void> Workspace::Remove(const std::string& path, bool recursive) {
  client::Query query;
  if (recursive) query.emplace_back("recursive", "true");
  const auto answer = client_.Delete(client::JoinPath(base_, path), query, kRemoval);
  if (answer.ok()) return {};
  return answer.error();
}

std::string Bytes(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "Ki", "Mi", "Gi", "Ti"};
  size_t unit = 0;
  int64_t tenths = bytes * 10;
  while (unit + 1 < std::size(kUnits) && tenths >= 10240) {
    tenths /= 1024;
    ++unit;
  }
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
  return text + kUnits[unit];
}

}  // namespace zoe::cli

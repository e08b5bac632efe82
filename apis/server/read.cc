#include <algorithm>
#include <charconv>
#include <tuple>

#include "apis/server/api.h"
#include "apis/server/status.h"
#include "apis/server/table.h"
#include "apis/server/watch.h"

namespace zoe::server {
namespace {

constexpr std::string_view kTableType = "application/json;as=Table;v=v1;g=meta.k8s.io";

// Where the next page begins, and of which moment: "REVISION~NAMESPACE~NAME". Opaque to clients.
struct Continue {
  Revision revision = 0;
  std::string ns, name;
};

std::string FormatContinue(Revision revision, const Key& last) {
  return std::to_string(revision) + "~" + last.ns + "~" + last.name;
}

Expected<Continue> ParseContinue(std::string_view token) {
  const size_t first = token.find('~');
  const size_t second = first == std::string_view::npos ? first : token.find('~', first + 1);
  Continue parsed;
  if (second == std::string_view::npos ||
      std::from_chars(token.data(), token.data() + first, parsed.revision).ptr !=
          token.data() + first) {
    return MakeError(Code::kBadRequest, "query parameter continue: this is no token of a list");
  }
  parsed.ns = token.substr(first + 1, second - first - 1);
  parsed.name = token.substr(second + 1);
  return parsed;
}

std::string ListHead(const v1::Kind& kind, Revision revision, const std::string& more = {}) {
  return "{\"apiVersion\":\"zoe/v1\",\"kind\":\"" + std::string(kind.name) +
         "List\",\"metadata\":{\"resourceVersion\":\"" + std::to_string(revision) + "\"" + more +
         "},\"items\":";
}

TableObject IncludeObject(const Query& query) {
  const std::string_view include = query.Get("includeObject");
  if (include == "None") return TableObject::kNone;
  return include == "Object" ? TableObject::kObject : TableObject::kMetadata;
}

}  // namespace

void Api::Read(const ExchangePtr& exchange) {
  const Route& route = exchange->route;
  const auto fail = [&](const Error& error) { Reply(exchange, ErrorResponse(error, &route)); };
  const Format format = ParseAccept(exchange->request.accept);
  if (format == Format::kNone) {
    return Reply(exchange,
                 StatusResponse(406, "NotAcceptable",
                                "only application/json (also as=Table;v=v1;g=meta.k8s.io) and "
                                "application/yaml are served"));
  }
  if (!route.name.empty()) {
    auto response = Get(*exchange, format);
    return response.ok() ? Reply(exchange, std::move(response).value()) : fail(response.error());
  }
  auto options = ParseListOptions(exchange->query, *route.kind, route.ns);
  if (!options.ok()) return fail(options.error());
  if (options->watch && exchange->request.method == Method::kGet) {
    Count(*exchange, 200);
    return ServeWatch(exchange, deps_.cache, std::move(options).value(), format == Format::kTable,
                      options_.limits.bookmark_interval);
  }
  auto response = List(*exchange, *options, format);
  return response.ok() ? Reply(exchange, std::move(response).value()) : fail(response.error());
}

Expected<Response> Api::Get(const Exchange& exchange, Format format) {
  const Key key = exchange.route.key();
  const EntryPtr entry = deps_.cache.Get(key);
  if (!entry) {
    if (!deps_.cache.Unreadable(key)) return NotFound(key);
    return MakeError(
        Code::kInternal,
        key.ToString() +
            " stands in the store, but can't be read: it is damaged, or a later version wrote it");
  }
  if (format == Format::kTable) {
    return Response{.content_type = kTableType,
                    .prefix = EncodeTable(
                        *entry->kind, {&entry, 1}, entry->revision,
                        {.object = IncludeObject(exchange.query), .now = deps_.clock.WallNow()})};
  }
  return Response{.body = Body(entry, &entry->json)};
}

// The list of everything, from text that is kept while nothing changes. Its resourceVersion is the
// newest at which the kept items were true, so that a watch from it never starts in the distant
// past.
Response Api::WholeList(const v1::Kind& kind, const std::string& ns) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    const uint64_t version = deps_.cache.KindVersion(kind.name);
    Body items = lists_.Find(kind, ns, version);
    const Revision revision = deps_.cache.revision();
    if (!items) {
      items = std::make_shared<std::string>(JoinItems(deps_.cache.List(kind.name, ns).entries));
      if (deps_.cache.KindVersion(kind.name) == version) lists_.Keep(kind, ns, version, items);
    }
    if (deps_.cache.KindVersion(kind.name) != version) continue;  // something changed meanwhile
    return {.prefix = ListHead(kind, revision), .body = std::move(items), .suffix = "}\n"};
  }
  const Snapshot snapshot = deps_.cache.List(kind.name, ns);
  return {.prefix = ListHead(kind, snapshot.revision) + JoinItems(snapshot.entries) + "}\n"};
}

Expected<Response> Api::List(const Exchange& exchange, const ListOptions& options, Format format) {
  const Selection& selection = options.selection;
  const v1::Kind& kind = *selection.kind;
  if (selection.whole() && options.limit == 0 && options.continue_token.empty() &&
      format != Format::kTable)
    return WholeList(kind, selection.ns);
  Pages::SnapshotPtr snapshot;
  size_t at = 0;
  if (options.continue_token.empty()) {
    snapshot = std::make_shared<Snapshot>(deps_.cache.List(kind.name, selection.ns));
  } else {
    ZOE_ASSIGN(const Continue from, ParseContinue(options.continue_token));
    snapshot = pages_.Find(kind, selection.ns, from.revision);
    if (!snapshot)
      return MakeError(
          Code::kExpired,
          "the list that this page belongs to is no longer kept: list again from the start");
    while (at < snapshot->entries.size() &&
           std::tie(snapshot->entries[at]->key.ns, snapshot->entries[at]->key.name) <=
               std::tie(from.ns, from.name))
      ++at;
  }
  std::vector<EntryPtr> entries;
  std::string more;
  for (; at < snapshot->entries.size(); ++at) {
    if (!selection.Matches(*snapshot->entries[at])) continue;
    if (options.limit > 0 && entries.size() == static_cast<size_t>(options.limit)) {
      more = ",\"continue\":\"" + FormatContinue(snapshot->revision, entries.back()->key) + "\"";
      if (selection.whole())
        more += ",\"remainingItemCount\":" + std::to_string(snapshot->entries.size() - at);
      if (options.continue_token.empty()) pages_.Keep(kind, selection.ns, snapshot);
      break;
    }
    entries.push_back(snapshot->entries[at]);
  }
  if (format == Format::kTable) {
    return Response{
        .content_type = kTableType,
        .prefix = EncodeTable(
            kind, entries, snapshot->revision,
            {.object = IncludeObject(exchange.query), .now = deps_.clock.WallNow(), .more = more})};
  }
  return Response{.prefix = ListHead(kind, snapshot->revision, more) + JoinItems(entries) + "}\n"};
}

}  // namespace zoe::server

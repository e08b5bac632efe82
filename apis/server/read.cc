#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <tuple>

#include "apis/server/api.h"
#include "apis/server/resources.h"
#include "apis/server/status.h"
#include "apis/server/table.h"
#include "apis/server/watch.h"

namespace zoe::server {
namespace {

// Kubernetes' own patience with a revision that a replica has not seen yet.
constexpr Duration kFreshPatience{3'000};
constexpr Duration kFreshLook{10};

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

Response NotAcceptable() {
  return StatusResponse(406, "NotAcceptable",
                        "only the following media types are accepted: application/json (also "
                        "as=Table, as=PartialObjectMetadata and, of a list, "
                        "as=PartialObjectMetadataList, g=meta.k8s.io, v=v1 or v1beta1), "
                        "application/yaml");
}

// Looks at the cache until it shows a revision. Looking costs next to nothing, and nobody else has
// to know who waits; a thread is not kept.
class FreshWait : public std::enable_shared_from_this<FreshWait> {
 public:
  FreshWait(ExchangePtr exchange, const Cache& cache, Revision revision,
            std::function<void(bool fresh)> then)
      : exchange_(std::move(exchange)),
        cache_(cache),
        revision_(revision),
        then_(std::move(then)),
        timer_(exchange_->context()) {}

  void Look() {
    if (cache_.revision() >= revision_) return then_(true);
    if (std::chrono::steady_clock::now() >= until_ || exchange_->stop().stop_requested())
      return then_(false);
    timer_.expires_after(kFreshLook);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->Look();
    });
  }

 private:
  const ExchangePtr exchange_;
  const Cache& cache_;
  const Revision revision_;
  const std::function<void(bool)> then_;
  const SteadyTime until_ = std::chrono::steady_clock::now() + kFreshPatience;
  boost::asio::steady_timer timer_;
};

}  // namespace

// On the connection's thread, at once or later.
void Api::WhenFresh(const ExchangePtr& exchange, const Cache& cache, Revision revision,
                    std::function<void()> then) {
  if (cache.revision() >= revision) return then();
  const auto answer = [this, exchange, &cache, revision, then = std::move(then)](bool fresh) {
    if (fresh) return then();
    Reply(exchange, TooLargeRevision(revision, cache.revision()));
  };
  std::make_shared<FreshWait>(exchange, cache, revision, answer)->Look();
}

void Api::Read(const ExchangePtr& exchange) {
  const Route& route = exchange->route;
  const auto fail = [&](const Error& error) { Reply(exchange, ErrorResponse(error, &route)); };
  const auto include = ParseIncludeObject(exchange->query);
  if (!include.ok()) return fail(include.error());
  if (route.name.empty()) return ReadList(exchange);
  const Accepted accepted = ParseAccept(exchange->request.accept);
  if (accepted.format == Format::kNone) return Reply(exchange, NotAcceptable());
  const auto revision = ParseResourceVersion(exchange->query);
  if (!revision.ok()) return fail(revision.error());
  WhenFresh(exchange, CacheOf(*route.kind), *revision, [this, exchange, accepted] {
    auto response = Get(*exchange, accepted);
    Reply(exchange, response.ok() ? std::move(response).value()
                                  : ErrorResponse(response.error(), &exchange->route));
  });
}

// And watches.
void Api::ReadList(const ExchangePtr& exchange) {
  const Route& route = exchange->route;
  auto parsed = ParseListOptions(exchange->query, *route.kind, route.ns);
  if (!parsed.ok()) return Reply(exchange, ErrorResponse(parsed.error(), &route));
  Narrow(*exchange, *parsed);
  const bool watch = parsed->watch && exchange->request.method == Method::kGet;
  if (watch && !HasVerb(VerbsOf(*route.kind), "watch"))
    return Reply(exchange, StatusResponse(405, "MethodNotAllowed",
                                          "what is measured when asked for can't be watched"));
  const Accepted accepted = ParseAccept(exchange->request.accept, !watch);
  if (accepted.format == Format::kNone) return Reply(exchange, NotAcceptable());
  const Cache& cache = CacheOf(*route.kind);
  // A watch waits by itself, but for a snapshot of at least that revision.
  Revision revision = watch && !parsed->send_initial.value_or(false) ? 0 : parsed->resource_version;
  // Another replica has begun the list, and is ahead.
  if (const auto page = ParseContinue(parsed->continue_token); page.ok()) revision = page->revision;
  WhenFresh(exchange, cache, revision,
            [this, exchange, &cache, watch, accepted, options = std::move(*parsed)] {
              if (watch) {
                Count(*exchange, 200);
                const TableObject include = *ParseIncludeObject(exchange->query);
                return ServeWatch(exchange, cache, options, {accepted, include},
                                  options_.limits.bookmark_interval);
              }
              auto response = List(*exchange, options, accepted);
              Reply(exchange, response.ok() ? std::move(response).value()
                                            : ErrorResponse(response.error(), &exchange->route));
            });
}

Expected<Response> Api::Get(const Exchange& exchange, Accepted accepted) {
  const Key key = exchange.route.key();
  const Cache& cache = CacheOf(*exchange.route.kind);
  const EntryPtr entry = cache.Get(key);
  if (!entry) {
    if (!cache.Unreadable(key)) return NotFound(exchange.route);
    return MakeError(
        Code::kInternal,
        key.ToString() +
            " stands in the store, but can't be read: it is damaged, or a later version wrote it");
  }
  return EncodeOne(entry, accepted, *ParseIncludeObject(exchange.query), deps_.clock.WallNow());
}

// The list of everything, from text that is kept while nothing changes. Its resourceVersion is the
// newest at which the kept items were true, so that a watch from it never starts in the distant
// past.
Response Api::WholeList(const v1::Kind& kind, const std::string& ns) {
  const Cache& cache = CacheOf(kind);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const uint64_t version = cache.KindVersion(kind.name);
    Body items = lists_.Find(kind, ns, version);
    const Revision revision = cache.revision();
    if (!items) {
      items = std::make_shared<std::string>(JoinItems(cache.List(kind.name, ns).entries));
      if (cache.KindVersion(kind.name) == version) lists_.Keep(kind, ns, version, items);
    }
    if (cache.KindVersion(kind.name) != version) continue;  // something changed meanwhile
    return {.prefix = ListHead(kind.api_version, kind.name, revision),
            .body = std::move(items),
            .suffix = "}\n"};
  }
  const Snapshot snapshot = cache.List(kind.name, ns);
  return {.prefix = ListHead(kind.api_version, kind.name, snapshot.revision) +
                    JoinItems(snapshot.entries) + "}\n"};
}

// What the list is cut from, and where it begins in it.
Expected<Pages::SnapshotPtr> Api::FindSnapshot(const ListOptions& options, size_t& at) const {
  const Selection& selection = options.selection;
  const Cache& cache = CacheOf(*selection.kind);
  at = 0;
  if (!options.continue_token.empty()) {
    ZOE_ASSIGN(const Continue from, ParseContinue(options.continue_token));
    auto kept = pages_.Find(*selection.kind, selection.ns, from.revision);
    if (!kept) {
      // Another replica's, perhaps: the history may still reach back to that moment.
      auto past = SnapshotAt(cache, *selection.kind, selection.ns, from.revision);
      if (!past.ok())
        return MakeError(
            Code::kExpired,
            "the list that this page belongs to is no longer kept: list again from the start");
      kept = std::make_shared<const Snapshot>(std::move(*past));
    }
    const auto next = std::ranges::upper_bound(
        kept->entries, std::tie(from.ns, from.name), std::less<>(),
        [](const EntryPtr& entry) { return std::tie(entry->key.ns, entry->key.name); });
    at = static_cast<size_t>(next - kept->entries.begin());
    return kept;
  }
  if (options.match != RevisionMatch::kExact)
    return std::make_shared<const Snapshot>(cache.List(selection.kind->name, selection.ns));
  if (auto kept = pages_.Find(*selection.kind, selection.ns, options.resource_version)) return kept;
  ZOE_ASSIGN(Snapshot past,
             SnapshotAt(cache, *selection.kind, selection.ns, options.resource_version));
  return std::make_shared<const Snapshot>(std::move(past));
}

Expected<Page> Api::CutPage(const ListOptions& options) {
  const Selection& selection = options.selection;
  Page page;
  size_t at = 0;
  ZOE_ASSIGN(page.snapshot, FindSnapshot(options, at));
  for (; at < page.snapshot->entries.size(); ++at) {
    if (!selection.Matches(*page.snapshot->entries[at])) continue;
    if (options.limit > 0 && page.entries.size() == static_cast<size_t>(options.limit)) {
      page.more = ",\"continue\":\"" +
                  FormatContinue(page.snapshot->revision, page.entries.back()->key) + "\"";
      // Kubernetes counts only what no selector has to be asked about.
      if (selection.whole())
        page.more +=
            ",\"remainingItemCount\":" + std::to_string(page.snapshot->entries.size() - at);
      if (options.continue_token.empty()) pages_.Keep(*selection.kind, selection.ns, page.snapshot);
      break;
    }
    page.entries.push_back(page.snapshot->entries[at]);
  }
  return page;
}

Expected<Response> Api::List(const Exchange& exchange, const ListOptions& options,
                             Accepted accepted) {
  const Selection& selection = options.selection;
  const v1::Kind& kind = *selection.kind;
  const bool plain = accepted.format == Format::kJson || accepted.format == Format::kYaml;
  if (selection.whole() && options.limit == 0 && options.continue_token.empty() && plain &&
      options.match != RevisionMatch::kExact)
    return WholeList(kind, selection.ns);
  ZOE_ASSIGN(const Page page, CutPage(options));
  if (accepted.format == Format::kTable) {
    return Response{.content_type = kTableTypes[accepted.beta],
                    .prefix = EncodeTable(kind, page.entries, page.snapshot->revision,
                                          {.object = *ParseIncludeObject(exchange.query),
                                           .now = deps_.clock.WallNow(),
                                           .more = page.more,
                                           .version = accepted.meta_version()})};
  }
  if (accepted.format == Format::kMetadata) {
    const std::string version = "meta.k8s.io/" + std::string(accepted.meta_version());
    return Response{
        .prefix = ListHead(version, "PartialObjectMetadata", page.snapshot->revision, page.more) +
                  JoinMetadata(page.entries, accepted.meta_version()) + "}\n"};
  }
  return Response{.prefix =
                      ListHead(kind.api_version, kind.name, page.snapshot->revision, page.more) +
                      JoinItems(page.entries) + "}\n"};
}

}  // namespace zoe::server

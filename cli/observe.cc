// logs, events, version: what is going on.
#include <algorithm>

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "cli/table.h"

#ifndef ZOE_VERSION
#define ZOE_VERSION "0.0.0"
#endif

namespace zoe::cli {
namespace {

using codec::Value;

std::string EventSeen(const Value& event, WallTime now) {
  const std::string last = Age(event.StringAt("lastTimestamp"), now);
  const int64_t count = IntAt(event, "count");
  if (count <= 1) return last;
  return last + " (x" + std::to_string(count) + " over " +
         Age(event.StringAt("firstTimestamp"), now) + ")";
}

std::vector<std::string> EventRow(const Value& event, bool with_namespace, WallTime now) {
  std::vector<std::string> row{
      EventSeen(event, now), event.StringAt("type"), event.StringAt("reason"),
      event.StringAt("involvedObject.kind") + "/" + event.StringAt("involvedObject.name"),
      event.StringAt("message")};
  if (with_namespace) row.insert(row.begin(), event.StringAt("metadata.namespace"));
  return row;
}

}  // namespace

int Logs(Session& session) {
  const Arguments& args = session.args();
  const auto ones = ParseOnes(session.words(), "executions");
  if (!ones.ok()) return session.Usage(ones.error().message);
  if (ones->size() != 1)
    return session.Usage("logs takes one execution: zoe logs EXECUTION [-s SERVICE]");
  if (ones->front().resource.kind != "Execution" && ones->front().resource.kind != "Pod") {
    return session.Usage("only executions have logs");
  }
  client::Query query;
  if (args.Has("service")) query.emplace_back("service", args.Get("service"));
  if (args.Has("replica")) query.emplace_back("replica", args.Get("replica"));
  if (args.Is("follow")) query.emplace_back("follow", "true");
  if (args.Is("timestamps")) query.emplace_back("timestamps", "true");
  if (args.Has("tail") && args.Get("tail") != "-1") {
    const std::string& tail = args.Get("tail");
    if (tail.empty() || tail.size() > 9 ||
        tail.find_first_not_of("0123456789") != std::string::npos) {
      return session.Usage("--tail takes a number of lines");
    }
    query.emplace_back("tailLines", tail);
  }
  if (args.Has("since")) {
    const auto since = ParseDuration(args.Get("since"));
    if (!since.ok()) return session.Usage("--since: " + since.error().message);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*since).count();
    query.emplace_back("sinceSeconds", std::to_string(std::max<int64_t>(1, seconds)));
  }
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const One& one = ones->front();
  // A container may be silent for as long as it likes.
  constexpr std::chrono::hours kAnyTime{24 * 300};
  const auto result =
      (*client)->Stream(one.resource.Path(session.ns(), one.name) + "/log", query, {},
                        args.Is("follow") ? Duration(kAnyTime) : Duration(std::chrono::minutes(2)),
                        [&](std::string_view bytes) {
                          session.out() << bytes << std::flush;
                          return session.out().good();
                        });
  return result.ok() ? kOk : session.Fail(result.error());
}

int Events(Session& session) {
  const Arguments& args = session.args();
  const auto output = ParseOutput(args.Get("output"));
  if (!output.ok()) return session.Usage(output.error().message);
  if (!session.words().empty())
    return session.Usage("events takes no words; for one object: --for KIND/NAME");
  std::optional<One> about;
  if (args.Has("for")) {
    const auto ones = ParseOnes({args.Get("for")});
    if (!ones.ok() || ones->size() != 1)
      return session.Usage("--for takes KIND/NAME" +
                           (ones.ok() ? "" : ": " + ones.error().message));
    about = ones->front();
  }
  const auto resource = FindResource("events");
  if (!resource.ok()) return session.Fail(resource.error().message);
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const auto wanted = [&](const Value& event) {
    if (args.Has("types") && event.StringAt("type") != args.Get("types")) return false;
    return !about || (event.StringAt("involvedObject.kind") == about->resource.kind &&
                      event.StringAt("involvedObject.name") == about->name);
  };
  const bool everywhere = args.Is("all-namespaces");
  std::vector<std::string> headers{"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"};
  if (everywhere) headers.insert(headers.begin(), "NAMESPACE");
  if (args.Is("no-headers")) headers.clear();
  Table table(headers);
  std::vector<Value> events;
  const auto show = [&] {
    std::stable_sort(events.begin(), events.end(), [](const Value& a, const Value& b) {
      return a.StringAt("lastTimestamp") < b.StringAt("lastTimestamp");
    });
    for (const Value& event : events) {
      if (output->IsTable()) {
        table.Add(EventRow(event, everywhere, Now()));
      } else if (args.Is("watch")) {
        PrintObject(session.out(), *output, event);
      }
    }
    if (!output->IsTable() && !args.Is("watch")) PrintList(session.out(), *output, events);
    if (output->IsTable()) table.Flush(session.out());
    session.out().flush();
    events.clear();
  };
  const std::string path = resource->Path(session.ListNamespace());
  if (!args.Is("watch")) {
    auto list = (*client)->List(path);
    if (!list.ok()) return session.Fail(list.error());
    for (Value& item : list->Find("items")->as_array()) {
      if (wanted(item)) events.push_back(std::move(item));
    }
    if (events.empty() && output->IsTable()) {
      session.err() << "No events found" << (everywhere ? "" : " in " + session.ns() + " namespace")
                    << ".\n";
    } else {
      show();
    }
    return kOk;
  }
  bool listed = false;
  const Follower follower{.on_object =
                              [&](Seen seen, const Value& event) {
                                if (seen == Seen::kDeleted || !wanted(event)) return true;
                                events.push_back(event);
                                if (listed) show();
                                return session.out().good();
                              },
                          .on_listed =
                              [&] {
                                listed = true;
                                show();
                                return true;
                              },
                          .on_trouble =
                              [&](const Error& error) {
                                session.err()
                                    << "watch: " << error.message << "; trying again" << std::endl;
                              }};
  const auto result = Follow(**client, path, {}, {}, follower);
  return result.ok() ? kOk : session.Fail(result.error());
}

int Version(Session& session) {
  const auto output = ParseOutput(session.args().Get("output"));
  if (!output.ok() ||
      (output->format != Output::Format::kTable && output->format != Output::Format::kJson &&
       output->format != Output::Format::kYaml)) {
    return session.Usage("version takes -o json or -o yaml");
  }
  Value versions, own;
  own.Set("gitVersion", std::string("v") + ZOE_VERSION);
  versions.Set("clientVersion", std::move(own));
  Expected<Value> server = MakeError(Code::kCancelled, "");
  if (!session.args().Is("client")) {
    const auto client = session.Connect();
    server = client.ok() ? (*client)->Get("/version") : Expected<Value>(client.error());
    if (server.ok()) versions.Set("serverVersion", *server);
  }
  if (output->format == Output::Format::kTable) {
    session.out() << "Client Version: v" << ZOE_VERSION << '\n';
    if (server.ok()) session.out() << "Server Version: " << server->StringAt("gitVersion") << '\n';
  } else {
    PrintObject(session.out(), *output, versions);
  }
  if (server.ok() || session.args().Is("client")) return kOk;
  return session.Fail(server.error());
}

}  // namespace zoe::cli

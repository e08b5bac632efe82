#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "apis/server/body.h"
#include "apis/server/documents.h"
#include "apis/server/json_patch.h"
#include "apis/server/query.h"
#include "apis/server/router.h"

namespace zoe::server {
namespace {

// The document after the patch, or its error's code.
std::string Patched(const std::string& document, const std::string& patch) {
  auto value = codec::ParseJson(document);
  const auto result = ApplyJsonPatch(*value, *codec::ParseJson(patch));
  return result.ok() ? codec::ToJson(*value) : std::string(CodeName(result.error().code));
}

TEST(JsonPatch, FollowsRfc6902) {
  const struct {
    const char *document, *patch, *result;
  } rows[] = {
      {R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])", R"({"a":1,"b":2})"},
      {R"({"a":[1,3]})", R"([{"op":"add","path":"/a/1","value":2}])", R"({"a":[1,2,3]})"},
      {R"({"a":[1]})", R"([{"op":"add","path":"/a/-","value":2}])", R"({"a":[1,2]})"},
      {R"({"a":[1]})", R"([{"op":"add","path":"/a/2","value":2}])", "Invalid"},
      {R"({"a":1})", R"([{"op":"remove","path":"/a"}])", "{}"},
      {R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/0"}])", R"({"a":[2]})"},
      {R"({"a":1})", R"([{"op":"remove","path":"/b"}])", "Invalid"},
      {R"({"a":1})", R"([{"op":"replace","path":"/b","value":1}])", "Invalid"},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a/b","path":"/c"}])", R"({"a":{},"c":1})"},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/b/c"}])", "Invalid"},
      {R"({"a":1})", R"([{"op":"copy","from":"/a","path":"/b"}])", R"({"a":1,"b":1})"},
      {R"({"a/b":1,"m~n":2})",
       R"([{"op":"test","path":"/a~1b","value":1},{"op":"test","path":"/m~0n","value":2}])",
       R"({"a/b":1,"m~n":2})"},
      {R"({"~1":1})", R"([{"op":"test","path":"/~01","value":1}])", R"({"~1":1})"},
      {R"({"a":1})", R"([{"op":"add","path":"","value":{"b":2}}])", R"({"b":2})"},
      {R"({"a":1})", R"([{"op":"add","path":"/a/b","value":2}])", "Invalid"},
      {R"({"a":1})", R"([{"op":"add","path":"b","value":2}])", "BadRequest"},
      {R"({"a":1})", R"([{"op":"add","path":"/b"}])", "BadRequest"},
      {R"({"a":1})", R"({"op":"add"})", "BadRequest"},
  };
  for (const auto& row : rows) EXPECT_EQ(Patched(row.document, row.patch), row.result) << row.patch;
}

TEST(JsonPatch, CopiesThatDoubleTheDocumentEndInAnError) {
  std::string patch = R"([{"op":"add","path":"/a","value":["0123456789"]})";
  for (int i = 0; i < 40; ++i) patch += R"(,{"op":"copy","from":"/a","path":"/a/-"})";
  EXPECT_EQ(Patched("{}", patch + "]"), "RequestEntityTooLarge");
}

// Ten thousand steps are few bytes; what each of them touches may be a whole document.
TEST(JsonPatch, StepsThatMoveMuchCostLittleOrEndInAnError) {
  std::string many = "[0", patch;
  for (int i = 1; i < 50'000; ++i) many += ",0";
  many += "]";
  const auto patched = [&](const std::string& steps, int times) {
    patch = R"([{"op":"add","path":"/z","value":{"a":)" + many + R"(,"b":1}})";
    for (int i = 0; i < times; ++i) patch += "," + steps;
    patch += R"(,{"op":"remove","path":"/z"}])";
    const auto begin = std::chrono::steady_clock::now();
    const std::string result = Patched("{}", patch);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << steps;
    return result;
  };
  EXPECT_EQ(patched(R"({"op":"move","from":"/z/a","path":"/z/c"},)"
                    R"({"op":"move","from":"/z/c","path":"/z/a"})",
                    1'500),
            "{}");
  EXPECT_EQ(patched(R"({"op":"copy","from":"/z/b","path":"/z/c"})", 9'900), "{}");
  EXPECT_EQ(patched(R"({"op":"add","path":"/z/a/0","value":1})", 9'900), "RequestEntityTooLarge");
  EXPECT_EQ(patched(R"({"op":"remove","path":"/z/a/0"})", 9'900), "RequestEntityTooLarge");
}

// Clients take so many headers and no more.
TEST(Warnings, AreBounded) {
  Written written;
  written.warnings.emplace_back(10'000, 'x');
  for (int i = 0; i < 20'000; ++i) written.warnings.push_back("unknown field " + std::to_string(i));
  const Response response = WrittenResponse(written);
  ASSERT_EQ(response.headers.size(), 64u);
  EXPECT_EQ(response.headers[0].second, "299 - \"unknown field 0\"");
  EXPECT_EQ(response.headers[63].second, "299 - \"19938 more warnings are left out\"");
  written.warnings.assign(40, std::string(1'000, 'x'));
  size_t bytes = 0;
  for (const auto& [name, value] : WrittenResponse(written).headers) bytes += value.size();
  EXPECT_GT(bytes, 7'000u);
  EXPECT_LE(bytes, 8'192u);
}

TEST(Router, KnowsEveryPath) {
  const auto route = ParseRoute("/apis/zoe/v1/namespaces/alice/executions/wordcount/status");
  ASSERT_TRUE(route.ok());
  EXPECT_EQ(route->key().ToString(), "Execution/alice/wordcount");
  EXPECT_EQ(route->subresource, "status");
  EXPECT_TRUE(ParseRoute("/apis/zoe/v1/executions").ok());
  for (const char* path :
       {"", "x", "/x", "//", "/apis//v1", "/apis/zoe/v1/namespaces",
        "/apis/zoe/v1/namespaces/alice", "/apis/zoe/v1/executions/a",
        "/apis/zoe/v1/namespaces/alice/executions/a/files",
        "/apis/zoe/v1/namespaces/alice/events/a/status", "/apis/zoe/v1/namespaces/a%2fb/executions",
        "/apis/zoe/v1/namespaces/alice/executions/a%00", "/api/v2"}) {
    EXPECT_FALSE(ParseRoute(path).ok()) << path;
  }
}

TEST(Router, TakesSubresourcesApart) {
  const std::string ns = "/apis/zoe/v1/namespaces/alice/", users = "/apis/zoe/v1/users/alice/";
  const std::string proxy = ns + "executions/lab/endpoints/web/proxy";
  const struct {
    std::string path, subresource, rest, endpoint_id;
  } rows[] = {
      {users + "password", "password", "", ""},
      {users + "tokens", "tokens", "", ""},
      {users + "tokens/laptop", "tokens", "laptop", ""},
      {ns + "gateways/alice/credentials", "credentials", "", ""},
      {ns + "workspaces/alice/files", "files", "", ""},
      {ns + "workspaces/alice/files/", "files", "", ""},
      {ns + "workspaces/alice/files/a%20b/c.txt", "files", "a b/c.txt", ""},
      {ns + "workspaces/alice/files/a/../b/..", "files", "a/../b/..", ""},
      {ns + "workspaces/alice/files/%2Fetc/%2e%2e", "files", "/etc/..", ""},
      {ns + "workspaces/alice/files/1/2/3/4/5/6/7/8/9/", "files", "1/2/3/4/5/6/7/8/9", ""},
      {proxy, "proxy", "", "web"},
      {proxy + "/", "proxy", "/", "web"},
      {proxy + "/a%2Fb//c/%zz/../d/", "proxy", "/a%2Fb//c/%zz/../d/", "web"},
      {ns + "executions/lab/endpoints/jupyter.web/proxy/x", "proxy", "/x", "jupyter.web"},
  };
  for (const auto& row : rows) {
    const auto route = ParseRoute(row.path);
    ASSERT_TRUE(route.ok()) << row.path;
    EXPECT_EQ(route->subresource, row.subresource) << row.path;
    EXPECT_EQ(route->rest, row.rest) << row.path;
    EXPECT_EQ(route->endpoint_id, row.endpoint_id) << row.path;
  }
  EXPECT_EQ(ParseRoute("/login")->endpoint, Endpoint::kLogin);
  EXPECT_EQ(ParseRoute("/logout")->endpoint, Endpoint::kLogout);
}

TEST(Router, HasNoSubresourcesOfOtherKindsAndNoOthers) {
  const std::string ns = "/apis/zoe/v1/namespaces/alice/";
  for (const std::string& path :
       {ns + "users/alice", ns + "users/alice/password",
        std::string("/apis/zoe/v1/users/a/tokens/b/c"), std::string("/apis/zoe/v1/users/a/files"),
        ns + "gateways/alice/credentials/x", ns + "applications/a/files/b",
        ns + "workspaces/alice/files/%00", ns + "executions/a/proxy",
        ns + "workspaces/alice/files/%2", ns + "executions/a/endpoints",
        ns + "executions/a/endpoints/b", ns + "executions/a/endpoints/b/proxyx",
        ns + "gateways/a/endpoints/b/proxy", ns + "executions/a/endpoints/B_/proxy",
        ns + "executions/a/log/b", ns + "credentials/login", std::string("/login/x"),
        ns + "executions/a/status/status/status/status"}) {
    EXPECT_FALSE(ParseRoute(path).ok()) << path;
  }
}

TEST(Router, SaysWhoseBodiesAreTakenAsTheyCome) {
  const std::string ns = "/apis/zoe/v1/namespaces/alice/";
  const auto streams = [](const std::string& path, std::string_view method) {
    return StreamsBody(*ParseRoute(path), method);
  };
  EXPECT_TRUE(streams(ns + "workspaces/alice/files/a", "PUT"));
  EXPECT_FALSE(streams(ns + "workspaces/alice/files/a", "GET"));
  EXPECT_TRUE(streams(ns + "executions/lab/endpoints/web/proxy", "GET"));
  EXPECT_FALSE(streams(ns + "executions/lab", "PUT"));
}

TEST(RequestBody, HoldsTheSenderBackUntilItIsAskedFor) {
  RequestBody body;
  int resumed = 0, told = 0;
  body.OnRoom([&] { ++resumed; });
  body.OnReadable([&] { ++told; });
  bool ended = true;
  EXPECT_EQ(*body.TryNext(ended), "");
  EXPECT_FALSE(ended);
  EXPECT_EQ(resumed, 1);
  EXPECT_TRUE(body.Put("piece"));
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(body.Put(std::string(RequestBody::kMaxBuffered, 'x')));
  EXPECT_EQ(body.Next()->size(), RequestBody::kMaxBuffered + 5);
  EXPECT_EQ(resumed, 2);
  EXPECT_EQ(*body.TryNext(ended), "");
  EXPECT_EQ(resumed, 2);
  body.End();
  EXPECT_EQ(*body.Next(), "");
  body.Cancel();
  EXPECT_EQ(body.Next().error().code, Code::kCancelled);
}

TEST(Query, DecodesAndReadsNumbersAndBooleans) {
  const auto query = Query::Parse("a=x+y%26&b&c=false&d=12&e=-1&f=1e3&&g==");
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(query->Get("a"), "x y&");
  EXPECT_TRUE(*query->Bool("b", false));
  EXPECT_FALSE(*query->Bool("c", true));
  EXPECT_TRUE(*query->Bool("absent", true));
  EXPECT_FALSE(query->Bool("d", true).ok());
  EXPECT_EQ(*query->Int("d", 0), 12);
  EXPECT_FALSE(query->Int("e", 0).ok());
  EXPECT_FALSE(query->Int("f", 0).ok());
  EXPECT_EQ(query->Get("g"), "=");
  EXPECT_FALSE(Query::Parse("a=%f").ok());
}

TEST(Accept, TakesTheFirstThatCanBeWritten) {
  const auto format = [](std::string_view accept) { return ParseAccept(accept).format; };
  EXPECT_EQ(format(""), Format::kJson);
  EXPECT_EQ(format("text/html, */*;q=0.8"), Format::kJson);
  EXPECT_EQ(format("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"),
            Format::kTable);
  EXPECT_EQ(
      format(
          "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"),
      Format::kJson);
  EXPECT_EQ(format("application/vnd.kubernetes.protobuf, application/yaml"), Format::kYaml);
  EXPECT_EQ(format("application/vnd.kubernetes.protobuf"), Format::kNone);
  EXPECT_EQ(format("application/json;stream=watch"), Format::kJson);
  EXPECT_EQ(format("application/json;as=Table;v=v2;g=meta.k8s.io"), Format::kNone);
  EXPECT_EQ(format("application/yaml;as=Table;v=v1;g=meta.k8s.io"), Format::kNone);
}

TEST(Accept, TakesWhatTheSenderLikesBest) {
  EXPECT_EQ(ParseAccept("application/json;q=0.5, application/yaml").format, Format::kYaml);
  EXPECT_EQ(ParseAccept("application/json;q=0, application/yaml;q=0.1").format, Format::kYaml);
  EXPECT_EQ(ParseAccept("application/json;q=0").format, Format::kNone);
  EXPECT_EQ(ParseAccept("application/json;q=nonsense").format, Format::kJson);
}

TEST(Accept, KnowsBothVersionsOfTablesAndMetadata) {
  const Accepted beta = ParseAccept("application/json;as=Table;v=v1beta1;g=meta.k8s.io");
  EXPECT_TRUE(beta.format == Format::kTable && beta.beta);
  const std::string one = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
  const std::string list = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
  EXPECT_EQ(ParseAccept(one).format, Format::kMetadata);
  EXPECT_EQ(ParseAccept(list, true).format, Format::kMetadata);
  EXPECT_EQ(ParseAccept(one, true).format, Format::kNone);
  EXPECT_EQ(ParseAccept(list).format, Format::kNone);
}

}  // namespace
}  // namespace zoe::server

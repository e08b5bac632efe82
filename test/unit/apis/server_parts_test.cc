#include <gtest/gtest.h>

#include <string>

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
  EXPECT_EQ(ParseAccept(""), Format::kJson);
  EXPECT_EQ(ParseAccept("text/html, */*;q=0.8"), Format::kJson);
  EXPECT_EQ(ParseAccept("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"),
            Format::kTable);
  EXPECT_EQ(
      ParseAccept(
          "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"),
      Format::kJson);
  EXPECT_EQ(ParseAccept("application/vnd.kubernetes.protobuf, application/yaml"), Format::kYaml);
  EXPECT_EQ(ParseAccept("application/vnd.kubernetes.protobuf"), Format::kNone);
}

}  // namespace
}  // namespace zoe::server

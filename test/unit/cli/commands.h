// Whole commands against an API server with state: what tests of them share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "test/unit/cli/console.h"
#include "test/unit/cli/fake_api.h"

namespace zoe::cli {

using test::Console;
using test::FakeApi;
using test::FakeReply;
using test::FakeRequest;
using test::Ran;

inline constexpr const char* kExecutions = "/apis/zoe/v1/namespaces/default/executions/";

inline std::string Yaml(const std::string& name, const std::string& extra = "") {
  return "apiVersion: zoe/v1\nkind: Execution\nmetadata:\n  name: " + name +
         "\n  labels: {set: one}\nspec:\n" + extra +
         "  application:\n    services:\n    - name: web\n      image: nginx\n";
}

inline codec::Value Object(const std::string& name, const std::string& phase,
                           const std::string& status = "") {
  const std::string text =
      R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":")" + name +
      R"(","namespace":"default","uid":"u-)" + name +
      R"(","generation":1,"labels":{"set":"one"},"creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"application":{"services":[{"name":"web","image":"nginx"}]}},)" +
      R"("status":{"observedGeneration":1,"phase":")" + phase + "\"" + status + "}}";
  auto value = codec::ParseJson(text);
  EXPECT_TRUE(value.ok()) << text;
  return *value;
}

class Commands : public testing::Test {
 protected:
  FakeApi api;
  Console console{api.url()};
  Ran Run(const std::vector<std::string>& args, const std::string& input = "") {
    return console.Run(args, input);
  }
};

// Plays the controller: once someone watches, the object becomes `next`.
inline std::thread Play(FakeApi& api, const codec::Value& next) {
  return std::thread([&api, next] {
    if (api.AwaitWatches(1))
      api.Put(std::string(kExecutions) + next.StringAt("metadata.name"), next);
  });
}

}  // namespace zoe::cli

// T30: whatever may not stand in a field is refused whole, and the refusal names the field.
#include "test/sim/wrong.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/sim/generate.h"
#include "test/sim/judge.h"

namespace zoe::sim_test {
namespace {

class WrongTest : public testing::TestWithParam<const char*> {
 protected:
  const v1::Kind& kind() { return *v1::FindKind(GetParam()); }
  codec::Value Metadata() { return kind().namespaced ? Named("alice", "alice") : Named("alice"); }
  // What the API says of a text.
  std::vector<Cause> Refusal(const std::string& text) {
    const auto documents = codec::ParseYaml(text);
    if (!documents.ok()) return documents.error().causes;
    return judge_(documents->at(0));
  }
  const Judge judge_ = ApiJudge();
};

TEST_P(WrongTest, EveryFieldRefusesWhatItsSchemaForbids) {
  Generator generator(5, judge_);
  for (const Leaf& leaf : LeavesOf(kind())) {
    const auto document = generator.Make(kind(), Metadata(), leaf.path);
    ASSERT_TRUE(document) << leaf.path;
    const std::vector<Wrong> wrongs = WrongsOf(*document, leaf);
    EXPECT_GE(wrongs.size(), 3u) << leaf.path;
    for (const Wrong& wrong : wrongs) {
      ASSERT_FALSE(wrong.name.empty())
          << "no value is known that the check refuses: " << wrong.path;
      const std::vector<Cause> causes = Refusal(wrong.json);
      ASSERT_FALSE(causes.empty()) << wrong.path << " " << wrong.name << " is accepted";
      const bool named = std::ranges::any_of(causes, [&](const Cause& cause) {
        // Of a text with a key that stands there twice nothing is read: it is named by its place.
        if (wrong.name == "twice")
          return cause.line > 0 && cause.reason == "FieldValueDuplicate" &&
                 cause.message.find(leaf.field->name) != std::string::npos;
        return cause.field == wrong.path;
      });
      EXPECT_TRUE(named) << wrong.path << " " << wrong.name << ": " << causes[0].field << ": "
                         << causes[0].message;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, WrongTest,
                         testing::Values("Execution", "Application", "User", "Workspace", "Gateway",
                                         "Quota"),
                         [](const auto& kind) { return std::string(kind.param); });

struct Row {
  const char* name;
  const char* spec;
  const char* path;
};

class CrossReferenceTest : public testing::TestWithParam<Row> {};

TEST_P(CrossReferenceTest, IsRefusedWithItsField) {
  const auto documents = codec::ParseYaml(
      "{apiVersion: zoe/v1, kind: Execution, metadata: {name: x, namespace: "
      "alice}, spec: " +
      std::string(GetParam().spec) + "}");
  ASSERT_TRUE(documents.ok()) << documents.error().ToString();
  const std::vector<Cause> causes = ApiJudge()(documents->at(0));
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_EQ(causes[0].field, GetParam().path) << causes[0].message;
}

INSTANTIATE_TEST_SUITE_P(
    Of, CrossReferenceTest,
    testing::Values(
        Row{"AMissingApplication", "{applicationRef: {name: nowhere}}", "spec.applicationRef.name"},
        Row{"AnUndeclaredParameter", "{applicationRef: {name: tuned}, parameters: {wrkers: 3}}",
            "spec.parameters.wrkers"},
        Row{"AParameterOutOfBounds", "{applicationRef: {name: tuned}, parameters: {workers: 6}}",
            "spec.parameters.workers"},
        Row{"AServiceThatIsNotThere",
            "{application: {services: [{name: a, image: i, env: [{name: X, value: "
            "'{{dns.b}}'}]}]}}",
            "spec.application.services[0].env[0].value"},
        Row{"AParameterThatIsNotThere",
            "{application: {services: [{name: a, image: i, args: ['{{param.x}}']}]}}",
            "spec.application.services[0].args[0]"},
        Row{"AWorkspaceThatIsNotMounted",
            "{application: {services: [{name: a, image: i, command: ['{{workspace}}']}]}}",
            "spec.application.services[0].command[0]"},
        Row{"MoreEssentialThanTotal",
            "{application: {services: [{name: a, image: i, replicas: {total: 1, essential: 2}}]}}",
            "spec.application.services[0].replicas.essential"},
        Row{"MoreRequestedThanTheLimit",
            "{application: {services: [{name: a, image: i, resources: {requests: {cpu: 2}, limits: "
            "{cpu: 1}}}]}}",
            "spec.application.services[0].resources.requests.cpu"},
        Row{"AMonitorThatNeverEnds",
            "{application: {services: [{name: a, image: i, monitor: true, restart: {policy: "
            "always}}]}}",
            "spec.application.services[0].restart.policy"},
        Row{"TwoServicesOfOneName",
            "{application: {services: [{name: a, image: i}, {name: a, image: i}]}}",
            "spec.application.services[1].name"},
        Row{"AHostPathThatIsNotAllowed",
            "{application: {services: [{name: a, image: i, mounts: [{hostPath: /etc, path: "
            "/e}]}]}}",
            "spec.application.services[0].mounts[0].hostPath"},
        Row{"ACapabilityThatIsNotAllowed",
            "{application: {services: [{name: a, image: i, capabilities: [SYS_ADMIN]}]}}",
            "spec.application.services[0].capabilities[0]"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace zoe::sim_test

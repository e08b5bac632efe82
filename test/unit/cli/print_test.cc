#include <gtest/gtest.h>

#include <sstream>

#include "cli/jsonpath.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/table.h"

namespace zoe::cli {
namespace {

codec::Value Json(const std::string& text) {
  auto value = codec::ParseJson(text);
  EXPECT_TRUE(value.ok()) << text;
  return *value;
}

const codec::Value kList = Json(R"({"items": [
  {"metadata": {"name": "a", "labels": {"zoe/x.y": "1"}}, "n": 3, "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Complete", "status": "False"}]}},
  {"metadata": {"name": "b"}, "n": 5, "ok": true, "nothing": null}]})");

std::string Print(const std::string& text) {
  const auto path = JsonPath::Parse(text);
  return path.ok() ? path->Print(kList) : "error: " + path.error().message;
}

TEST(JsonPath, PrintsAsKubectlDoes) {
  const std::pair<const char*, const char*> kRows[] = {
      {"{.items[0].metadata.name}", "a"},
      {"{.items[-1].metadata.name}", "b"},
      {"{.items[*].metadata.name}", "a b"},
      {"{.items..name}", "a b"},
      {"{$.items[0].n}", "3"},
      {"{.items[0:1].metadata.name}", "a"},
      {"{.items[0,1].n}", "3 5"},
      {"{.items[0].metadata['name']}", "a"},
      {"{.items[0]['n', 'metadata']['name']}", "a"},
      {"{.items[0].metadata.labels.zoe/x\\.y}", "1"},
      {"{.items[0].metadata.labels['zoe/x.y']}", "1"},
      {"{.items[?(@.metadata.name==\"b\")].n}", "5"},
      {"{.items[?(@.n>3)].metadata.name}", "b"},
      {"{.items[?(@.n!=3)].metadata.name}", "b"},
      {"{.items[?(@.ok)].metadata.name}", "b"},
      {"{.items[?(@.ok==true)].metadata.name}", "b"},
      {"{.items[0].status.conditions[?(@.type=='Ready')].status}", "True"},
      {"{range .items[*]}{.metadata.name}{\"\\t\"}{.n}{\"\\n\"}{end}", "a\t3\nb\t5\n"},
      {"{range .items[*]}{range .status.conditions[*]}{.type},{end};{end}", "Ready,Complete,;;"},
      {"name is {.items[0].metadata.name}!", "name is a!"},
      {"{.items[0].metadata}", R"({"name":"a","labels":{"zoe/x.y":"1"}})"},
      {"{.missing.field}", ""},
      {"{.items[7]}", ""},
      {"{.items[1].nothing}", ""},
      {"", ""},
  };
  for (const auto& [text, expected] : kRows) EXPECT_EQ(Print(text), expected) << text;
}

TEST(JsonPath, SaysWhereATemplateIsWrong) {
  EXPECT_EQ(Print("{.a"), "error: jsonpath \"{.a\", character 4: expected \"}\"");
  EXPECT_EQ(Print("{.a[}"),
            "error: jsonpath \"{.a[}\", character 5: expected an index, a quoted name, * or ?( )");
  EXPECT_EQ(Print("{end}"), "error: jsonpath \"{end}\", character 5: \"end\" without \"range\"");
  EXPECT_EQ(Print("{range .a}x"),
            "error: jsonpath \"{range .a}x\", character 12: \"range\" without \"end\"");
  EXPECT_EQ(Print("{'x}"), "error: jsonpath \"{'x}\", character 5: the quote is not closed");
  EXPECT_EQ(Print("{.a[0:3:0]}"),
            "error: jsonpath \"{.a[0:3:0]}\", character 10: a slice's step must be at least 1");
}

TEST(JsonPath, ABarePathMayLeaveBracesAndDotOut) {
  for (const char* text : {"{.items[0].n}", ".items[0].n", "items[0].n"}) {
    const auto path = JsonPath::ParseRelaxed(text);
    ASSERT_TRUE(path.ok()) << text;
    ASSERT_EQ(path->Select(kList).size(), 1u);
    EXPECT_EQ(PathText(*path->Select(kList)[0]), "3");
  }
}

TEST(JsonPath, DeepNestingEndsWithAnError) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "{range .a}";
  EXPECT_NE(Print(text).find("too many ranges"), std::string::npos);
}

TEST(Table, LooksLikeKubectls) {
  Table table({"NAME", "PHASE", "AGE"});
  table.Add({"wordcount", "Running", "3m20s"});
  table.Add({"pi", "Queued", "5s"});
  std::ostringstream out;
  table.Flush(out);
  EXPECT_EQ(out.str(),
            "NAME        PHASE     AGE\n"
            "wordcount   Running   3m20s\n"
            "pi          Queued    5s\n");
}

TEST(Table, AColumnHasAtLeastSixCharactersEvenWithoutHeaders) {
  Table table({});
  table.Add({"a", "b"});
  std::ostringstream out;
  table.Flush(out);
  EXPECT_EQ(out.str(), "a     b\n");
}

TEST(Table, ColumnsOnlyGrowOverAWatch) {
  Table table({"NAME", "PHASE"});
  table.Add({"long-name-here", "Running"});
  std::ostringstream out;
  table.Flush(out);
  table.Add({"x", "Failed"});
  table.Flush(out);
  EXPECT_EQ(out.str(),
            "NAME             PHASE\nlong-name-here   Running\nx                Failed\n");
}

TEST(Table, CellsStayOnOneLineAndCannotDriveATerminal) {
  EXPECT_EQ(OneLine("first\nsecond"), "first...");
  EXPECT_EQ(OneLine("\x1b[31mred"), "^[[31mred");
  EXPECT_EQ(Width("größe"), 5u);
}

TEST(Rows, ComeFromTheKindsColumns) {
  const auto execution = Json(R"({"apiVersion": "zoe/v1", "kind": "Execution",
    "metadata": {"name": "wordcount", "namespace": "alice", "labels": {"project": "books"}, "creationTimestamp": "2026-01-31T12:00:00Z"},
    "status": {"phase": "Running", "services": [{"name": "master", "total": 1, "ready": 1}, {"name": "worker", "total": 4, "ready": 2, "restarts": 3}]}})");
  const Resource resource = *FindResource("exec");
  const WallTime now = *ParseTime("2026-01-31T12:05:00Z");
  const auto text = [&](const Output& output, const RowStyle& style) {
    Table table(Headers(resource, output, style));
    table.Add(Row(resource, execution, output, style, now));
    std::ostringstream out;
    table.Flush(out);
    return out.str();
  };
  EXPECT_EQ(text({}, {}),
            "NAME        PHASE     READY   RESTARTS   AGE\nwordcount   Running   3/5     3         "
            " 5m\n");
  EXPECT_EQ(
      text({}, {.with_namespace = true, .with_kind = true, .with_labels = true}),
      "NAMESPACE   NAME                      PHASE     READY   RESTARTS   AGE   LABELS\n"
      "alice       execution.zoe/wordcount   Running   3/5     3          5m    project=books\n");
  EXPECT_EQ(text(*ParseOutput("custom-columns=N:.metadata.name,P:.spec.priority"), {}),
            "N           P\nwordcount   <none>\n");
}

TEST(Output, FormatsAreRead) {
  for (const char* good : {"", "wide", "json", "yaml", "name", "jsonpath={.a}",
                           "custom-columns=A:.a,B:.b[?(@.x==1,2)]"}) {
    EXPECT_EQ(ParseOutput(good).ok(), std::string(good).find("1,2") == std::string::npos) << good;
  }
  for (const char* bad : {"jsn", "jsonpath={", "custom-columns=", "custom-columns=A"})
    EXPECT_FALSE(ParseOutput(bad).ok()) << bad;
}

TEST(Progress, SaysPhaseServicesAndWhy) {
  const auto starting = Json(
      R"({"status": {"phase": "Starting", "services": [{"name": "a", "total": 1, "ready": 1}, {"name": "b", "total": 2, "ready": 0, "message": "no such image"}],
    "conditions": [{"type": "Admitted", "status": "True", "message": "admitted"}, {"type": "EssentialReady", "status": "False", "reason": "Waiting", "message": "waiting for b"}]}})");
  EXPECT_EQ(PhaseLine(starting), "Starting, 1/2 services ready: waiting for b");
  EXPECT_EQ(PhaseLine(Json("{}")), "Pending");
  EXPECT_EQ(
      PhaseLine(Json(
          R"({"status": {"phase": "Running", "services": [{"name": "a", "total": 4, "granted": 2, "ready": 2}]}})")),
      "Running, 1/1 services ready");
  EXPECT_EQ(FailedService(starting), "b");
  EXPECT_EQ(
      ServiceLines(starting),
      (std::vector<std::string>{"  a     1/1 ready   ", "  b     0/2 ready   no such image"}));
}

}  // namespace
}  // namespace zoe::cli

// Sets of fields, and documents compared, merged and pruned by them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "specs/codec/value.h"
#include "specs/schema/field_merge.h"
#include "specs/schema/field_set.h"
#include "specs/v1/describe.h"

namespace zoe::schema {
namespace {

using codec::Value;

const Type& kExecution = Describe<v1::Execution>();

Value Yaml(const std::string& text) {
  auto documents = codec::ParseYaml(text);
  EXPECT_TRUE(documents.ok()) << text;
  return documents.ok() && !documents->empty() ? documents->front() : Value(codec::Object{});
}

Value Normalized(const std::string& yaml) {
  Value value = Yaml(yaml);
  std::vector<Cause> causes;
  Normalize(kExecution, value, causes);
  EXPECT_TRUE(causes.empty()) << yaml;
  return value;
}

FieldSet Set(const std::string& json) {
  auto set = ReadFieldsV1(codec::ParseJson(json).value());
  EXPECT_TRUE(set.ok()) << json;
  return set.ok() ? *set : FieldSet();
}

std::string Fields(const std::string& yaml) {
  return WriteFieldsV1(FieldsOf(kExecution, Normalized(yaml)));
}

std::string Merged(const std::string& target, const std::string& applied) {
  Value value = Normalized(target);
  Merge(kExecution, value, Normalized(applied));
  return codec::ToJson(value);
}

std::string Pruned(const std::string& target, const std::string& last, const std::string& keep) {
  Value value = Normalized(target);
  Prune(kExecution, value, FieldsOf(kExecution, Normalized(last)),
        FieldsOf(kExecution, Normalized(keep)));
  return codec::ToJson(value);
}

std::string Compared(const std::string& before, const std::string& after) {
  const Changes changes = Compare(kExecution, Normalized(before), Normalized(after));
  return "+" + WriteFieldsV1(changes.added) + " ~" + WriteFieldsV1(changes.modified) + " -" +
         WriteFieldsV1(changes.removed);
}

TEST(FieldSets, AreUnitedSubtractedAndCut) {
  const FieldSet a = Set(R"({"f:a":{},"f:b":{".":{},"f:c":{}}})");
  const FieldSet b = Set(R"({"f:b":{"f:c":{},"f:d":{}},"f:e":{}})");
  EXPECT_EQ(WriteFieldsV1(Union(a, b)), R"({"f:a":{},"f:b":{".":{},"f:c":{},"f:d":{}},"f:e":{}})");
  EXPECT_EQ(WriteFieldsV1(Intersection(a, b)), R"({"f:b":{"f:c":{}}})");
  EXPECT_EQ(WriteFieldsV1(Difference(a, b)), R"({"f:a":{},"f:b":{}})");
  EXPECT_EQ(WriteFieldsV1(Difference(b, a)), R"({"f:b":{"f:d":{}},"f:e":{}})");
  EXPECT_EQ(WriteFieldsV1(Without(a, Set(R"({"f:b":{}})"))), R"({"f:a":{}})");
  EXPECT_TRUE(Difference(a, a).empty());
  EXPECT_EQ(a.size(), 3U);
}

TEST(FieldSets, ForgetAPlaceWithWhatBecomesEmptyAboveIt) {
  FieldSet set = Set(R"({"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:b":{}}})");
  set.Remove({"f:metadata", "f:labels", "f:other"});
  EXPECT_EQ(set.size(), 2U);
  set.Remove({"f:metadata", "f:labels", "f:a"});
  EXPECT_EQ(WriteFieldsV1(set), R"({"f:spec":{"f:b":{}}})");
}

TEST(FieldSets, AreReadBackAsTheyWereWritten) {
  for (const char* text :
       {R"({})", R"({"f:spec":{"f:priority":{}}})",
        R"({"f:spec":{"k:{\"name\":\"web\"}":{".":{},"f:image":{}}}})",
        R"({"f:metadata":{"f:finalizers":{"v:\"zoe/execution\"":{}}}})", R"({"f:a":{"i:3":{}}})"})
    EXPECT_EQ(WriteFieldsV1(Set(text)), text);
}

TEST(FieldSets, KeysOfItemsAreTheSameInAnyOrderAndSpacing) {
  EXPECT_EQ(Set(R"({"k:{\"port\": 80, \"protocol\":\"tcp\"}":{}})"),
            Set(R"({"k:{\"protocol\":\"tcp\",\"port\":80}":{}})"));
}

TEST(FieldSets, RefuseWhatIsNoElement) {
  for (const char* text :
       {R"({"spec":{}})", R"({"k:{":{}})", R"({"k:[]":{}})", R"({"k:{}":{}})",
        R"({"k:{\"a\":[1]}":{}})", R"({"v:{}":{}})", R"({"i:":{}})", R"({"i:x":{}})",
        R"({"i:-1":{}})", R"({"f:a":3})", R"([])", R"({"k:{\"a\":1}":{},"k:{ \"a\":1}":{}})"})
    EXPECT_FALSE(ReadFieldsV1(codec::ParseJson(text).value()).ok()) << text;
}

TEST(FieldSets, NameTheirPathsAsKubernetesDoes) {
  const FieldSet set = Set(
      R"({"f:metadata":{"f:labels":{"f:a.b/c":{}},"f:finalizers":{"v:\"x\"":{}}},)"
      R"("f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"tcp\"}":{".":{},"f:name":{}}},"f:l":{"i:3":{}}}})");
  EXPECT_EQ(PathsOf(set),
            (std::vector<std::string>{R"(.metadata.finalizers[="x"])", ".metadata.labels.a.b/c",
                                      ".spec.l[3]", R"(.spec.ports[port=80,protocol="tcp"])",
                                      R"(.spec.ports[port=80,protocol="tcp"].name)"}));
}

TEST(FieldsOfDocuments, GoIntoStructsMapsAndListsWithKeysAndStopAtTheRest) {
  const struct {
    const char *yaml, *fields;
  } kRows[] = {
      {"{apiVersion: zoe/v1, kind: Execution}", "{}"},
      {"spec: {priority: 3, suspend: null}", R"({"f:spec":{"f:priority":{}}})"},
      {"metadata: {labels: {a: b, c: d}}", R"({"f:metadata":{"f:labels":{"f:a":{},"f:c":{}}}})"},
      {"metadata: {finalizers: [x, y]}",
       R"({"f:metadata":{"f:finalizers":{"v:\"x\"":{},"v:\"y\"":{}}}})"},
      {"spec: {application: {services: [{name: web, args: [a, b]}]}}",
       R"({"f:spec":{"f:application":{"f:services":{"k:{\"name\":\"web\"}":{".":{},"f:args":{},"f:name":{}}}}}})"},
      {"spec: {application: {services: [{name: w, ports: [{port: 80}]}]}}",
       R"({"f:spec":{"f:application":{"f:services":{"k:{\"name\":\"w\"}":{".":{},"f:name":{},"f:ports":{"k:{\"port\":80,\"protocol\":\"tcp\"}":{".":{},"f:port":{},"f:protocol":{}}}}}}}})"},
      {"spec: {application: {services: [{name: w, readiness: {exec: [a]}}]}}",
       R"({"f:spec":{"f:application":{"f:services":{"k:{\"name\":\"w\"}":{".":{},"f:name":{},"f:readiness":{"f:exec":{"f:command":{}}}}}}}})"},
      {"spec: {nobody: {knows: this}, parameters: {n: 3}}",
       R"({"f:spec":{"f:parameters":{"f:n":{}}}})"},
  };
  for (const auto& row : kRows) EXPECT_EQ(Fields(row.yaml), row.fields) << row.yaml;
}

TEST(Normalize, SaysWhichItemsOfAListCannotBeToldApart) {
  Value value = Yaml(
      "metadata: {finalizers: [x, x]}\n"
      "spec:\n"
      "  application:\n"
      "    services:\n"
      "    - {name: web, ports: [{port: 80}, {port: 80, protocol: tcp}]}\n"
      "    - {image: nameless}\n"
      "    - {name: web}\n");
  std::vector<Cause> causes;
  Normalize(kExecution, value, causes);
  std::vector<std::string> found;
  for (const Cause& cause : causes) found.push_back(cause.field + " " + cause.reason);
  EXPECT_EQ(found,
            (std::vector<std::string>{"metadata.finalizers[1] FieldValueDuplicate",
                                      "spec.application.services[0].ports[1] FieldValueDuplicate",
                                      "spec.application.services[1].name FieldValueRequired",
                                      "spec.application.services[2] FieldValueDuplicate"}));
  EXPECT_EQ(causes.back().line, 7U);
}

TEST(Merge, LaysOneDocumentOverAnother) {
  const struct {
    const char *target, *applied, *merged;
  } kRows[] = {
      {"{spec: {priority: 1}}", "{spec: {suspend: true}}",
       R"({"spec":{"priority":1,"suspend":true}})"},
      {"{metadata: {labels: {a: b}}}", "{metadata: {labels: {a: c, d: e}}}",
       R"({"metadata":{"labels":{"a":"c","d":"e"}}})"},
      {"{metadata: {finalizers: [x, y]}}", "{metadata: {finalizers: [z, y]}}",
       R"({"metadata":{"finalizers":["z","x","y"]}})"},
      {"{spec: {application: {services: [{name: a, image: i, args: [x]}, {name: b}]}}}",
       "{spec: {application: {services: [{name: a, args: [y]}, {name: c}]}}}",
       R"({"spec":{"application":{"services":[{"name":"a","image":"i","args":["y"]},{"name":"c"},{"name":"b"}]}}})"},
      {"{spec: {application: {services: [{name: a}, {name: x}, {name: b}]}}}",
       "{spec: {application: {services: [{name: b}, {name: a}]}}}",
       R"({"spec":{"application":{"services":[{"name":"x"},{"name":"b"},{"name":"a"}]}}})"},
      {"{spec: {application: {services: [{name: a}]}}}", "{spec: {application: {services: 3}}}",
       R"({"spec":{"application":{"services":3}}})"},
  };
  for (const auto& row : kRows) EXPECT_EQ(Merged(row.target, row.applied), row.merged);
}

TEST(Prune, TakesAwayWhatNobodyWantsAnyMore) {
  const struct {
    const char *target, *last, *keep, *left;
  } kRows[] = {
      {"{spec: {priority: 1, suspend: true}}", "{spec: {priority: 1}}", "{}",
       R"({"spec":{"suspend":true}})"},
      {"{spec: {priority: 1}}", "{spec: {priority: 1}}", "{spec: {priority: 2}}",
       R"({"spec":{"priority":1}})"},
      // Of maps and lists only what was named.
      {"{metadata: {labels: {a: b, c: d}, finalizers: [x, y]}}",
       "{metadata: {labels: {a: b}, finalizers: [x]}}", "{}",
       R"({"metadata":{"labels":{"c":"d"},"finalizers":["y"]}})"},
      // A struct goes with the defaults that nobody owns.
      {"{spec: {idle: {timeoutSeconds: 5, probe: x}}}", "{spec: {idle: {timeoutSeconds: 5}}}", "{}",
       R"({"spec":{}})"},
      {"{spec: {idle: {timeoutSeconds: 5, probe: x}}}", "{spec: {idle: {timeoutSeconds: 5}}}",
       "{spec: {idle: {probe: x}}}", R"({"spec":{"idle":{"probe":"x"}}})"},
      // An item goes as a whole, unless somebody has a part of it; its key stays with it.
      {"{spec: {application: {services: [{name: a, image: i}, {name: b}]}}}",
       "{spec: {application: {services: [{name: a}]}}}",
       "{spec: {application: {services: [{name: b}]}}}",
       R"({"spec":{"application":{"services":[{"name":"b"}]}}})"},
  };
  for (const auto& row : kRows)
    EXPECT_EQ(Pruned(row.target, row.last, row.keep), row.left) << row.target;
  Value value = Normalized("{spec: {application: {services: [{name: a, image: i, user: u}]}}}");
  Prune(
      kExecution, value,
      Set(R"({"f:spec":{"f:application":{"f:services":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:user":{}}}}}})"),
      Set(R"({"f:spec":{"f:application":{"f:services":{"k:{\"name\":\"a\"}":{"f:image":{}}}}}})"));
  EXPECT_EQ(codec::ToJson(value),
            R"({"spec":{"application":{"services":[{"name":"a","image":"i"}]}}})");
}

TEST(Compare, SaysWhatWasAddedChangedAndRemoved) {
  const struct {
    const char *before, *after, *changes;
  } kRows[] = {
      {"{spec: {priority: 1}}", "{spec: {priority: 1}}", "+{} ~{} -{}"},
      {"{spec: {priority: 1}}", "{spec: {priority: 2}}",
       R"(+{} ~{"f:spec":{"f:priority":{}}} -{})"},
      {"{metadata: {labels: {a: b}}}", "{metadata: {labels: {c: d}}}",
       R"(+{"f:metadata":{"f:labels":{"f:c":{}}}} ~{} -{"f:metadata":{"f:labels":{"f:a":{}}}})"},
      // Order doesn't matter where items have keys.
      {"{spec: {application: {services: [{name: a}, {name: b}]}}}",
       "{spec: {application: {services: [{name: b}, {name: a}]}}}", "+{} ~{} -{}"},
      {"{metadata: {finalizers: [x, y]}}", "{metadata: {finalizers: [y, z]}}",
       R"(+{"f:metadata":{"f:finalizers":{"v:\"z\"":{}}}} ~{} -{"f:metadata":{"f:finalizers":{"v:\"x\"":{}}}})"},
      {"{spec: {application: {services: [{name: a, args: [x]}]}}}",
       "{spec: {application: {services: [{name: a, args: [y]}]}}}",
       R"(+{} ~{"f:spec":{"f:application":{"f:services":{"k:{\"name\":\"a\"}":{"f:args":{}}}}}} -{})"},
      // What it means counts, not how it is written.
      {"{spec: {application: {services: [{name: a, shmSize: 1Gi}]}}}",
       "{spec: {application: {services: [{name: a, shmSize: 1024Mi}]}}}", "+{} ~{} -{}"},
      {"{spec: {parameters: {n: 3}}}", "{spec: {parameters: {n: \"3\"}}}", "+{} ~{} -{}"},
      {"{spec: {parameters: {n: 3}}}", "{spec: {parameters: {n: 4}}}",
       R"(+{} ~{"f:spec":{"f:parameters":{"f:n":{}}}} -{})"},
  };
  for (const auto& row : kRows) EXPECT_EQ(Compared(row.before, row.after), row.changes);
}

TEST(FieldSets, OfLargeDocumentsAreFoundInTime) {
  codec::Array services;
  codec::Object many;
  for (int i = 0; i < 50'000; ++i) many.push_back({"key" + std::to_string(i), i, {}});
  for (int i = 0; i < 20'000; ++i) {
    Value service;
    service.Set("name", "s" + std::to_string(i));
    services.push_back(std::move(service));
  }
  Value document, metadata, spec, application;
  metadata.Set("labels", Value(std::move(many)));
  application.Set("services", Value(std::move(services)));
  spec.Set("application", std::move(application));
  document.Set("metadata", std::move(metadata));
  document.Set("spec", std::move(spec));
  Value merged = document;
  std::vector<Cause> causes;
  Normalize(kExecution, merged, causes);
  Merge(kExecution, merged, document);
  EXPECT_EQ(merged, document);
  const FieldSet fields = FieldsOf(kExecution, merged);
  EXPECT_EQ(fields.size(), 90'000U);
  EXPECT_TRUE(Compare(kExecution, document, merged).empty());
  Prune(kExecution, merged, fields, {});
  EXPECT_TRUE(FieldsOf(kExecution, merged).empty());
}

}  // namespace
}  // namespace zoe::schema

#include "cli/merge.h"

#include <gtest/gtest.h>

namespace zoe::cli {
namespace {

codec::Value Json(const std::string& text) {
  auto value = codec::ParseJson(text);
  EXPECT_TRUE(value.ok()) << text;
  return *value;
}

// The patch for: what was applied last ("" for nothing), what is there beyond it, what is applied
// now, what that means in full.
std::string Patch(const std::string& last, const std::string& live, const std::string& now,
                  const std::string& complete = "null") {
  codec::Value there = Json(live);
  if (!last.empty()) {
    if (there.Find("metadata") == nullptr) there.Set("metadata", codec::Object{});
    codec::Value annotations;
    annotations.Set(kLastApplied, codec::ToJson(Configuration(Json(last))));
    there.Find("metadata")->Set("annotations", annotations);
  }
  const codec::Value patch = ThreeWayPatch(Json(now), Json(complete), there, "zoe");
  return codec::ToJson(patch);
}

TEST(ThreeWayPatch, Rows) {
  const struct {
    const char *name, *last, *live, *now, *complete, *patch;
  } kRows[] = {
      {"nothing changed", R"({"spec":{"a":1}})", R"({"spec":{"a":1}})", R"({"spec":{"a":1}})",
       "null", "{}"},
      {"changed by us", R"({"spec":{"a":1}})", R"({"spec":{"a":1}})", R"({"spec":{"a":2}})", "null",
       R"({"spec":{"a":2}})"},
      {"changed by another, ours again", R"({"spec":{"a":1}})", R"({"spec":{"a":5}})",
       R"({"spec":{"a":1}})", "null", R"({"spec":{"a":1}})"},
      {"added by another, never ours", R"({"spec":{"a":1}})", R"({"spec":{"a":1,"b":2}})",
       R"({"spec":{"a":1}})", "null", "{}"},
      {"left out by us", R"({"spec":{"a":1,"b":2}})", R"({"spec":{"a":1,"b":2}})",
       R"({"spec":{"a":1}})", "null", R"({"spec":{"b":null}})"},
      {"left out by us, gone already", R"({"spec":{"a":1,"b":2}})", R"({"spec":{"a":1}})",
       R"({"spec":{"a":1}})", "null", "{}"},
      {"left out, and the default is what is there", R"({"spec":{"a":1,"b":0}})",
       R"({"spec":{"a":1,"b":0}})", R"({"spec":{"a":1}})", R"({"spec":{"a":1,"b":0}})", "{}"},
      {"deep: one changed, one left out", R"({"spec":{"x":{"a":1,"b":2}}})",
       R"({"spec":{"x":{"a":1,"b":2,"c":3}}})", R"({"spec":{"x":{"a":9}}})", "null",
       R"({"spec":{"x":{"a":9,"b":null}}})"},
      {"arrays are whole", R"({"spec":{"l":[1,2]}})", R"({"spec":{"l":[1,2]}})",
       R"({"spec":{"l":[2]}})", "null", R"({"spec":{"l":[2]}})"},
      {"defaults within arrays", R"({"spec":{"l":[{"n":"x"}]}})",
       R"({"spec":{"l":[{"n":"x","p":"tcp"}]}})", R"({"spec":{"l":[{"n":"x"}]}})",
       R"({"spec":{"l":[{"n":"x","p":"tcp"}]}})", "{}"},
      {"defaults within arrays, changed by another", R"({"spec":{"l":[{"n":"x"}]}})",
       R"({"spec":{"l":[{"n":"x","p":"udp"}]}})", R"({"spec":{"l":[{"n":"x"}]}})",
       R"({"spec":{"l":[{"n":"x","p":"tcp"}]}})", R"({"spec":{"l":[{"n":"x"}]}})"},
      {"another spelling of the same", R"({"spec":{"p":3}})", R"({"spec":{"p":"3"}})",
       R"({"spec":{"p":3}})", R"({"spec":{"p":"3"}})", "{}"},
      {"empty means nothing", R"({"spec":{"r":{}}})", R"({"spec":{}})", R"({"spec":{"r":{}}})",
       R"({"spec":{}})", "{}"},
      {"a map became a scalar", R"({"spec":{"r":{"a":1}}})", R"({"spec":{"r":{"a":1}}})",
       R"({"spec":{"r":5}})", "null", R"({"spec":{"r":5}})"},
      {"not made by apply: nothing is removed", "", R"({"spec":{"a":1,"b":2}})",
       R"({"spec":{"a":1}})", "null", "{}"},
      {"status is not ours", R"({"spec":{"a":1}})",
       R"({"spec":{"a":1},"status":{"phase":"Running"}})",
       R"({"spec":{"a":1},"status":{"phase":"x"}})", "null", "{}"},
      {"a whole section left out", R"({"spec":{"a":1},"x":{"b":1}})",
       R"({"spec":{"a":1},"x":{"b":1}})", R"({"spec":{"a":1}})", "null", R"({"x":null})"},
  };
  for (const auto& row : kRows)
    EXPECT_EQ(Patch(row.last, row.live, row.now, row.complete), row.patch) << row.name;
}

TEST(ThreeWayPatch, WhatTheManagerOwnsAndTheFileLacksGoes) {
  const codec::Value live = Json(R"({"metadata":{"labels":{"a":"1","b":"2"},"managedFields":[
      {"manager":"zoe","operation":"Update","fieldsV1":{"f:spec":{"f:c":{}}}},
      {"manager":"zoe","operation":"Apply","fieldsV1":
        {"f:metadata":{"f:labels":{"f:a":{},"f:b":{}}},"f:spec":{"f:a":{},"f:b":{}}}}]},
      "spec":{"a":1,"b":2,"c":3}})");
  const codec::Value now = Json(R"({"metadata":{"labels":{"a":"1"}},"spec":{"a":1}})");
  EXPECT_EQ(ThreeWayPatch(now, codec::Value(), live, "zoe"),
            Json(R"({"metadata":{"labels":{"b":null}},"spec":{"b":null}})"));
  EXPECT_EQ(ThreeWayPatch(now, codec::Value(), live, "other"), Json("{}"));
}

TEST(ThreeWayPatch, AnExportedObjectCanBeAppliedAgain) {
  const codec::Value live = Json(
      R"({"metadata":{"name":"x","resourceVersion":"7","labels":{"a":"b"},"managedFields":[]},"spec":{"a":1},"status":{}})");
  EXPECT_EQ(ThreeWayPatch(live, codec::Value(), live, "zoe"), Json("{}"));
}

TEST(Adoption, TakesOverWhatTheAnnotationRemembersOnce) {
  codec::Value live = Json(R"({"apiVersion":"zoe/v1","kind":"Execution","metadata":{"name":"x",
      "resourceVersion":"7","labels":{"a":"b"},"annotations":{"note":"mine"}},"spec":{"priority":5}})");
  const codec::Value last =
      Json(R"({"metadata":{"name":"x","labels":{"a":"b"}},"spec":{"priority":5,"suspend":false}})");
  live.Find("metadata")->Find("annotations")->Set(kLastApplied, codec::ToJson(last));
  const codec::Value written = Json(R"({"spec":{"suspend":true}})");
  ASSERT_TRUE(NeedsAdoption(live));
  const codec::Value patch = AdoptionPatch(*v1::FindKind("Execution"), written, live, "zoe");
  EXPECT_EQ(patch.StringAt("metadata.resourceVersion"), "7") << "of this very state";
  codec::MergePatch(live, patch);
  EXPECT_FALSE(NeedsAdoption(live));
  EXPECT_TRUE(WasApplied(live, "zoe"));
  EXPECT_EQ(codec::ToJson(*live.At("metadata.annotations")), R"({"note":"mine"})");
  const codec::Value& entry = live.At("metadata.managedFields")->as_array().at(0);
  EXPECT_EQ(codec::ToJson(*entry.At("fieldsV1.f:spec")), R"({"f:priority":{},"f:suspend":{}})");
}

TEST(Adoption, OfWhatNobodyAppliedTakesWhatIsWritten) {
  const codec::Value live = Json(R"({"metadata":{"name":"x"},"spec":{"priority":5}})");
  const codec::Value patch =
      AdoptionPatch(*v1::FindKind("Execution"), Json(R"({"spec":{"suspend":true}})"), live, "zoe");
  const codec::Value& entry = patch.At("metadata.managedFields")->as_array().at(0);
  EXPECT_EQ(codec::ToJson(*entry.At("fieldsV1")), R"({"f:spec":{"f:suspend":{}}})");
}

TEST(Adoption, LeavesOthersTheirs) {
  const codec::Value live = Json(R"({"metadata":{"name":"x","annotations":
      {"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"priority\":5}}"},
      "managedFields":[{"manager":"kubectl-client-side-apply","operation":"Update","fieldsV1":{}},
      {"manager":"zoe","operation":"Update","fieldsV1":{}},
      {"manager":"kubectl-edit","operation":"Update","fieldsV1":{"f:spec":{"f:suspend":{}}}}]},
      "spec":{"priority":5}})");
  ASSERT_TRUE(NeedsAdoption(live));
  const codec::Value patch = AdoptionPatch(*v1::FindKind("Execution"), Json("{}"), live, "zoe");
  const codec::Array& entries = patch.At("metadata.managedFields")->as_array();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].StringAt("manager"), "kubectl-edit");
  EXPECT_EQ(entries[1].StringAt("manager"), "zoe");
}

TEST(LastApplied, GarbageIsAsNothing) {
  EXPECT_TRUE(
      LastApplied(Json(R"({"metadata":{"annotations":{"zoe/last-applied-configuration":"{"}}})"))
          .is_null());
  EXPECT_TRUE(
      LastApplied(Json(R"({"metadata":{"annotations":{"zoe/last-applied-configuration":"[1]"}}})"))
          .is_null());
  EXPECT_TRUE(LastApplied(Json("{}")).is_null());
}

}  // namespace
}  // namespace zoe::cli

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
  codec::Value patch = ThreeWayPatch(Json(now), Json(complete), there);
  if (codec::Value* meta =
          patch.Find("metadata")) {  // the annotation is looked at by tests of its own
    if (codec::Value* annotations = meta->Find("annotations")) annotations->Remove(kLastApplied);
    if (meta->Find("annotations") != nullptr && meta->Find("annotations")->as_object().empty())
      meta->Remove("annotations");
    if (meta->as_object().empty()) patch.Remove("metadata");
  }
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

TEST(ThreeWayPatch, TheAnnotationFollowsWhatWasWritten) {
  const codec::Value first =
      WithLastApplied(Json(R"({"metadata":{"name":"x"},"spec":{"a":1,"b":2}})"));
  EXPECT_EQ(ThreeWayPatch(Json(R"({"spec":{"b":2,"a":1},"metadata":{"name":"x"}})"), codec::Value(),
                          first),
            Json("{}"))
      << "only the order of keys differs";
  const codec::Value patch =
      ThreeWayPatch(Json(R"({"metadata":{"name":"x"},"spec":{"a":1}})"), codec::Value(), first);
  codec::Value second = first;
  codec::MergePatch(second, patch);
  EXPECT_EQ(LastApplied(second), Json(R"({"metadata":{"name":"x"},"spec":{"a":1}})"));
  EXPECT_EQ(
      ThreeWayPatch(Json(R"({"metadata":{"name":"x"},"spec":{"a":1}})"), codec::Value(), second),
      Json("{}"));
}

TEST(ThreeWayPatch, AnExportedObjectCanBeAppliedAgain) {
  const codec::Value live =
      WithLastApplied(Json(R"({"metadata":{"name":"x","labels":{"a":"b"}},"spec":{"a":1}})"));
  EXPECT_EQ(ThreeWayPatch(live, codec::Value(), live), Json("{}"));
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

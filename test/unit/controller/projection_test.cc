#include "controller/cache/projection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "specs/core/kinds.h"
#include "specs/core/namespace.h"

namespace zoe {
namespace {

std::shared_ptr<ObjectBase> Place(const std::string& name, const std::string& phase = "Active") {
  auto place = std::make_shared<core::Namespace>();
  place->meta.name = name;
  place->status.phase = phase;
  return place;
}

std::vector<std::shared_ptr<ObjectBase>> Places(int count, const std::string& phase) {
  std::vector<std::shared_ptr<ObjectBase>> places;
  for (int i = 0; i < count; ++i) places.push_back(Place("p" + std::to_string(i), phase));
  return places;
}

// "+a ~b -c", with revisions.
std::string Changes(const Cache& cache, Revision since) {
  const auto changes = cache.Since("Namespace", since, 100);
  if (!changes.ok()) return "expired";
  std::string text;
  for (const CacheEvent& event : changes->events) {
    const char mark = event.type == ChangeType::kAdded      ? '+'
                      : event.type == ChangeType::kModified ? '~'
                                                            : '-';
    text += (text.empty() ? "" : " ") + std::string(1, mark) + event.entry->key.name +
            std::to_string(event.revision);
  }
  return text;
}

class ProjectionTest : public ::testing::Test {
 protected:
  Projection projection_{*core::FindKind("Namespace")};
  const Cache& cache_ = projection_.cache();
};

TEST_F(ProjectionTest, OnlyDifferencesBecomeChangesEachWithItsRevision) {
  projection_.Advance(100);
  EXPECT_FALSE(cache_.synced());
  projection_.Replace({Place("a"), Place("b")});
  EXPECT_TRUE(cache_.synced());
  EXPECT_EQ(cache_.revision(), 100);
  projection_.Replace({Place("a"), Place("b")});
  EXPECT_EQ(cache_.revision(), 100);
  projection_.Replace({Place("a", "Terminating"), Place("c")});
  EXPECT_EQ(Changes(cache_, 100), "-b101 ~a102 +c103");
  EXPECT_EQ(cache_.List("Namespace").entries.size(), 2U);
  EXPECT_EQ(cache_.Get({"Namespace", "", "a"})->object->meta.resource_version, 102);
  EXPECT_EQ(Changes(cache_, 99), "expired");
}

TEST_F(ProjectionTest, FollowersTakeTheRevisionsOfWhatTheyFollow) {
  projection_.Replace({Place("a")}, 5);
  projection_.Replace({Place("a"), Place("b")}, 9);
  EXPECT_EQ(Changes(cache_, 5), "+b9");
  projection_.Put(Place("c"), 11);
  projection_.Erase("", "a", 12);
  projection_.Advance(20);
  EXPECT_EQ(Changes(cache_, 9), "+c11 -a12");
  EXPECT_EQ(cache_.revision(), 20);
}

TEST_F(ProjectionTest, MoreChangesOfOneRevisionThanAWatchReadsAtOnceExpireIt) {
  projection_.Replace({}, 5);
  projection_.Replace(Places(100, "Active"), 6);
  EXPECT_EQ(Changes(cache_, 5), "expired");
  EXPECT_EQ(cache_.List("Namespace").entries.size(), 100U);
  projection_.Replace(Places(100, "Active"), 7);
  EXPECT_EQ(Changes(cache_, 6), "");
}

TEST_F(ProjectionTest, OfTwoObjectsOfOneNameTheFirstStands) {
  projection_.Replace({});
  projection_.Replace({Place("a", "Active"), Place("a", "Terminating")});
  EXPECT_EQ(cache_.Get<core::Namespace>({"Namespace", "", "a"})->status.phase, "Active");
}

}  // namespace
}  // namespace zoe

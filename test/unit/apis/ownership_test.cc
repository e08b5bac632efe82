// Who owns what: entries of managedFields, and many managers at random against a model.
#include "apis/server/ownership.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "specs/v1/describe.h"

namespace zoe::server {
namespace {

using codec::Value;
using schema::Changes;
using schema::FieldSet;

const schema::Type& kExecution = schema::Describe<v1::Execution>();
const WallTime kNow{Duration(1'700'000'000'000)};

FieldSet Set(const std::string& json) {
  return schema::ReadFieldsV1(codec::ParseJson(json).value()).value();
}

ManagedFields EntryOf(const std::string& manager, const std::string& operation,
                      const std::string& fields) {
  return {.manager = manager,
          .operation = operation,
          .api_version = "zoe/v1",
          .time = kNow,
          .fields_type = "FieldsV1",
          .fields = {fields},
          .subresource = ""};
}

std::string Text(const std::vector<ManagedFields>& entries) {
  std::string text;
  for (const ManagedFields& entry : entries)
    text += entry.manager + " " + entry.operation + " " + entry.fields.text + "\n";
  return text;
}

std::string Text(const Ownership& ownership) { return Text(ownership.Write().value()); }

TEST(Ownership, OfAnUpdateIsWhatTheRequestSaysUnlessItSaysNothingReadable) {
  const std::vector<ManagedFields> live = {EntryOf("a", "Update", R"({"f:spec":{"f:x":{}}})")};
  const std::vector<ManagedFields> given = {EntryOf("b", "Apply", R"({"f:spec":{"f:y":{}}})")};
  EXPECT_EQ(Text(Ownership::OfUpdate(live, given)), Text(given));
  EXPECT_EQ(Text(Ownership::OfUpdate(live, {})), Text(live));
  EXPECT_EQ(Text(Ownership::OfUpdate(live, {ManagedFields{}})), "");
  for (ManagedFields wrong :
       {EntryOf("b", "Destroy", R"({"f:spec":{}})"), EntryOf("b", "Apply", R"({"spec":{}})"),
        EntryOf(std::string(129, 'b'), "Apply", R"({"f:spec":{}})"), EntryOf("b", "Apply", "[")})
    EXPECT_EQ(Text(Ownership::OfUpdate(live, {wrong})), Text(live)) << wrong.fields.text;
}

TEST(Ownership, GoesToWhoChangesAFieldAndEndsWithTheField) {
  Ownership ownership = Ownership::OfUpdate(
      {EntryOf("a", "Apply", R"({"f:spec":{"f:x":{},"f:y":{},"f:z":{}}})")}, {});
  Changes changes;
  changes.modified = Set(R"({"f:spec":{"f:x":{}}})");
  changes.removed = Set(R"({"f:spec":{"f:y":{}}})");
  ownership.Settle({.name = "edit"}, changes.modified, changes, kNow);
  EXPECT_EQ(Text(ownership),
            "a Apply {\"f:spec\":{\"f:z\":{}}}\nedit Update {\"f:spec\":{\"f:x\":{}}}\n");
}

TEST(Ownership, OfAnApplierIsWhatItAppliedLast) {
  Ownership ownership =
      Ownership::OfUpdate({EntryOf("a", "Apply", R"({"f:spec":{"f:x":{},"f:y":{}}})")}, {});
  ownership.Settle({.name = "a", .applies = true}, Set(R"({"f:spec":{"f:x":{}}})"), {}, kNow);
  EXPECT_EQ(Text(ownership), "a Apply {\"f:spec\":{\"f:x\":{}}}\n");
  ownership.Settle({.name = "a", .applies = true}, {}, {}, kNow);
  EXPECT_TRUE(ownership.Write()->empty());
}

TEST(Ownership, KeepsItsTimeWhereNothingChanges) {
  Ownership ownership = Ownership::OfUpdate({EntryOf("a", "Apply", R"({"f:x":{}})")}, {});
  ownership.Settle({.name = "a", .applies = true}, Set(R"({"f:x":{}})"), {},
                   kNow + Duration(60'000));
  EXPECT_EQ(ownership.Write()->front().time, kNow);
}

TEST(Ownership, NamesEveryConflictAsKubernetesDoes) {
  std::vector<ManagedFields> entries = {
      EntryOf("kubectl-edit", "Update", R"({"f:spec":{"f:priority":{}}})")};
  const Manager me{.name = "me", .applies = true};
  const FieldSet wanted = Set(R"({"f:spec":{"f:priority":{},"f:suspend":{},"f:free":{}}})");
  Error error = Ownership::OfUpdate(entries, {}).CheckConflicts(me, wanted, {}).error();
  EXPECT_EQ(error.code, Code::kConflict);
  EXPECT_EQ(error.message,
            "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using zoe/v1: "
            ".spec.priority");
  EXPECT_EQ(error.causes, (std::vector<Cause>{{".spec.priority", "FieldManagerConflict",
                                               "conflict with \"kubectl-edit\" using zoe/v1"}}));
  entries.push_back(EntryOf("other", "Apply", R"({"f:spec":{"f:priority":{},"f:suspend":{}}})"));
  entries.back().subresource = "scale";
  const Ownership both = Ownership::OfUpdate(entries, {});
  error = both.CheckConflicts(me, wanted, {}).error();
  EXPECT_EQ(error.message,
            "Apply failed with 3 conflicts: conflicts with \"kubectl-edit\" using zoe/v1:\n"
            "- .spec.priority\n"
            "conflicts with \"other\" with subresource \"scale\":\n"
            "- .spec.priority\n"
            "- .spec.suspend");
  EXPECT_EQ(error.causes.size(), 3U);
  EXPECT_TRUE(both.CheckConflicts(me, wanted, wanted).ok());
  EXPECT_TRUE(both.CheckConflicts(me, Set(R"({"f:spec":{"f:free":{}}})"), {}).ok());
}

TEST(Ownership, OfManyUpdatersIsThatOfTenAndOfTheAncients) {
  Ownership ownership;
  for (int i = 0; i < 14; ++i) {
    const FieldSet field = Set(R"({"f:f)" + std::to_string(100 + i) + R"(":{}})");
    ownership.Settle({.name = "m" + std::to_string(100 + i)}, field, {.added = field},
                     kNow + Duration(1000 * i));
  }
  const auto entries = ownership.Write().value();
  ASSERT_EQ(entries.size(), 10U);
  EXPECT_EQ(entries[0].manager, "ancient-changes");
  EXPECT_EQ(entries[0].fields.text,
            R"({"f:f100":{},"f:f101":{},"f:f102":{},"f:f103":{},"f:f104":{}})");
  EXPECT_EQ(entries[9].manager, "m113");
}

TEST(Ownership, OfMoreThanAnObjectShouldCarryIsRefused) {
  std::vector<ManagedFields> entries;
  for (int i = 0; i < 3'000; ++i)
    entries.push_back(EntryOf("m" + std::to_string(i), "Apply", R"({"f:x":{}})"));
  const auto written = Ownership::Read(entries)->Write();
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Code::kTooLarge);
}

// An applied document: some of a few fields of everything that a list or map can be.
class RandomDocuments {
 public:
  explicit RandomDocuments(uint64_t seed) : random_(seed) {}

  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  bool Maybe() { return Below(2) == 0; }

  // `place`: all names of keys and items begin with it; struct fields only where `scalars`.
  Value Make(const std::string& place, bool scalars) {
    Value document, spec, metadata, application;
    if (scalars && Maybe()) spec.Set("priority", static_cast<int>(Below(3)));
    if (scalars && Maybe()) spec.Set("suspend", Maybe());
    if (scalars && Maybe()) spec.Set("idle", Some({"timeoutSeconds", "probe"}));
    if (Maybe()) spec.Set("parameters", Some({place + "p", place + "q"}));
    if (Maybe()) metadata.Set("labels", Some({place + "a", place + "b", place + "c"}));
    if (Maybe()) metadata.Set("finalizers", codec::Array{Value(place + "/x")});
    codec::Array services;
    for (const char* name : {"a", "b", "c"}) {
      if (Maybe()) services.push_back(Service(place + name));
    }
    if (!services.empty()) application.Set("services", std::move(services));
    if (!application.is_null()) spec.Set("application", std::move(application));
    if (!spec.is_null()) document.Set("spec", std::move(spec));
    if (!metadata.is_null()) document.Set("metadata", std::move(metadata));
    return document.is_null() ? Value(codec::Object{}) : document;
  }

 private:
  Value Some(const std::vector<std::string>& names) {
    Value value{codec::Object{}};
    for (const std::string& name : names) {
      if (Maybe()) value.Set(name, std::to_string(Below(3)));
    }
    if (value.as_object().empty()) value.Set(names.front(), "9");
    return value;
  }

  Value Service(const std::string& name) {
    Value service;
    service.Set("name", name);
    if (Maybe()) service.Set("args", codec::Array{Value(static_cast<int>(Below(3)))});
    if (Maybe()) service.Set("restart", Some({"policy", "maxAttempts"}));
    codec::Array ports;
    for (int port = 1; port < 4; ++port) {
      if (!Maybe()) continue;
      Value item;
      item.Set("port", port);
      item.Set("protocol", "tcp");
      if (Maybe()) item.Set("name", "n" + std::to_string(Below(3)));
      ports.push_back(std::move(item));
    }
    if (!ports.empty()) service.Set("ports", std::move(ports));
    return service;
  }

  std::mt19937_64 random_;
};

// The object, by the steps that Writer::Apply takes.
struct Object {
  Value document{codec::Object{}};
  Ownership ownership;

  Expected<void> Apply(const Manager& manager, const Value& applied, bool force) {
    FieldSet fields = schema::FieldsOf(kExecution, applied);
    Value wanted = document;
    schema::Merge(kExecution, wanted, applied);
    FieldSet keep = ownership.OfAllBut(manager);
    keep.Add(fields);
    schema::Prune(kExecution, wanted, ownership.Of(manager), keep);
    const Changes changes = schema::Compare(kExecution, document, wanted);
    FieldSet changed = changes.added;
    changed.Add(changes.modified);
    if (!force)
      ZOE_TRY(ownership.CheckConflicts(manager, schema::Intersection(fields, changed), {}));
    ownership.Settle(manager, fields, changes, kNow);
    document = std::move(wanted);
    return {};
  }
};

class ManyManagers : public ::testing::TestWithParam<uint64_t> {
 protected:
  ManyManagers() : documents_(GetParam()) {}
  RandomDocuments documents_;
};

TEST_P(ManyManagers, LeaveWhatTheirLastDocumentsSayAndNothingElse) {
  Object object;
  std::map<std::string, Value> last;
  for (int step = 0; step < 40; ++step) {
    const std::string name = "m" + std::to_string(documents_.Below(3));
    last[name] = documents_.Make("", true);
    ASSERT_TRUE(object.Apply({.name = name, .applies = true}, last[name], true).ok());
    FieldSet owned, present = schema::FieldsOf(kExecution, object.document);
    for (const auto& [manager, document] : last) {
      const FieldSet mine = object.ownership.Of({.name = manager, .applies = true});
      owned.Add(mine);
      // What somebody still owns has the value that it gave.
      const Changes off = schema::Compare(kExecution, document, object.document);
      EXPECT_TRUE(schema::Intersection(mine, off.modified).empty());
      EXPECT_TRUE(schema::Intersection(mine, off.removed).empty());
    }
    EXPECT_EQ(schema::WriteFieldsV1(present), schema::WriteFieldsV1(owned));
    EXPECT_TRUE(schema::Compare(kExecution, last[name], object.document).modified.empty());
  }
}

TEST_P(ManyManagers, ChangeNothingByApplyingAgain) {
  Object object;
  for (int step = 0; step < 20; ++step) {
    const Manager manager{.name = "m" + std::to_string(documents_.Below(3)), .applies = true};
    const Value document = documents_.Make("", true);
    ASSERT_TRUE(object.Apply(manager, document, true).ok());
    const Object before = object;
    ASSERT_TRUE(object.Apply(manager, document, false).ok());
    EXPECT_EQ(codec::ToJson(object.document), codec::ToJson(before.document));
    EXPECT_EQ(Text(object.ownership), Text(before.ownership));
  }
}

TEST_P(ManyManagers, OfDifferentFieldsNeverConflict) {
  Object object;
  for (int step = 0; step < 40; ++step) {
    const bool first = documents_.Maybe();
    const Manager manager{.name = first ? "one" : "two", .applies = true};
    EXPECT_TRUE(object.Apply(manager, documents_.Make(first ? "x" : "y", first), false).ok());
  }
}

TEST_P(ManyManagers, LoseExactlyTheFieldThatTheyNoLongerApply) {
  Object object;
  const Manager one{.name = "one", .applies = true};
  Value document = documents_.Make("x", true), spec = Value(codec::Object{});
  if (const Value* found = document.Find("spec")) spec = *found;
  Value without = document;
  spec.Set("activeDeadlineSeconds", 5);
  document.Set("spec", std::move(spec));
  ASSERT_TRUE(
      object.Apply({.name = "two", .applies = true}, documents_.Make("y", false), false).ok());
  ASSERT_TRUE(object.Apply(one, document, false).ok());
  const Value full = object.document;
  ASSERT_TRUE(object.Apply(one, without, false).ok());
  const Changes changes = schema::Compare(kExecution, full, object.document);
  EXPECT_EQ(schema::WriteFieldsV1(changes.removed), R"({"f:spec":{"f:activeDeadlineSeconds":{}}})");
  EXPECT_TRUE(changes.added.empty() && changes.modified.empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, ManyManagers, ::testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace zoe::server

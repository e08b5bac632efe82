#include "specs/meta/meta.h"

#include <gtest/gtest.h>

#include <limits>
#include <regex>
#include <set>

#include "specs/meta/error.h"
#include "specs/meta/expected.h"
#include "specs/meta/quantity.h"
#include "specs/meta/selector.h"
#include "specs/meta/time.h"

namespace zoe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Error, EveryCodeComesBackFromItsNameAndStatus) {
  const Code codes[] = {Code::kBadRequest,      Code::kUnauthorized,  Code::kForbidden,
                        Code::kNotFound,        Code::kAlreadyExists, Code::kConflict,
                        Code::kExpired,         Code::kInvalid,       Code::kTooLarge,
                        Code::kTooManyRequests, Code::kUnavailable,   Code::kOutcomeUnknown,
                        Code::kCancelled,       Code::kInternal};
  std::set<std::string_view> names;
  for (const Code code : codes) {
    EXPECT_TRUE(names.insert(CodeName(code)).second) << CodeName(code);
    EXPECT_EQ(CodeFromHttp(HttpStatus(code), CodeName(code)), code) << CodeName(code);
  }
}

TEST(Error, AStatusWithoutReasonIsReadByItsNumber) {
  EXPECT_EQ(CodeFromHttp(404, ""), Code::kNotFound);
  EXPECT_EQ(CodeFromHttp(409, ""), Code::kConflict);
  EXPECT_EQ(CodeFromHttp(410, ""), Code::kExpired);
  EXPECT_EQ(CodeFromHttp(422, "Nonsense"), Code::kInvalid);
  EXPECT_EQ(CodeFromHttp(502, ""), Code::kUnavailable);
  EXPECT_EQ(CodeFromHttp(418, ""), Code::kBadRequest);
  EXPECT_EQ(CodeFromHttp(599, ""), Code::kInternal);
}

TEST(Error, CausesArePrintedOnePerLineWithTheirPlace) {
  Error error = MakeError(Code::kInvalid, "Invalid", "two errors");
  EXPECT_EQ(error.ToString(), "two errors");
  error.causes.push_back(
      {.field = "spec.a", .reason = "", .message = "is wrong", .line = 3, .column = 5});
  error.causes.push_back({.field = "", .reason = "", .message = "is missing"});
  EXPECT_EQ(error.ToString(), "3:5: spec.a: is wrong\nis missing");
}

Expected<int> Half(int n) {
  if (n % 2 != 0) return MakeError(Code::kInvalid, "odd");
  return n / 2;
}
Expected<int> Quarter(int n) {
  ZOE_ASSIGN(const int half, Half(n));
  return Half(half);
}

TEST(Expected, CarriesTheValueOrTheFirstError) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd");
  EXPECT_EQ(Quarter(3).value_or(7), 7);
}

struct QuantityRow {
  const char* text;
  int64_t milli;
};

TEST(Quantity, ReadsWhatKubernetesReads) {
  const QuantityRow rows[] = {{"0", 0},
                              {"1", 1000},
                              {"+2", 2000},
                              {"500m", 500},
                              {"1.5", 1500},
                              {".5", 500},
                              {"5.", 5000},
                              {"0.001", 1},
                              {"0.0001", 1},
                              {"1n", 1},
                              {"1u", 1},
                              {"1000u", 1},
                              {"1500u", 2},
                              {"1k", 1'000'000},
                              {"1M", 1'000'000'000},
                              {"1.5G", 1'500'000'000'000},
                              {"2T", 2'000'000'000'000'000},
                              {"9P", 9'000'000'000'000'000'000},
                              {"1Ki", 1'024'000},
                              {"512Mi", 536'870'912'000},
                              {"1Gi", 1'073'741'824'000},
                              {"1.5Gi", 1'610'612'736'000},
                              {"1Ti", 1'099'511'627'776'000},
                              {"7Pi", 7'881'299'347'898'368'000},
                              {"1e3", 1'000'000},
                              {"1E3", 1'000'000},
                              {"1e-3", 1},
                              {"12e-4", 2},
                              {"1e+2", 100'000},
                              {"0e999", 0},
                              {"0E", 0},
                              {"0.1Ki", 102'400},
                              {"1e-999", 1},
                              {"0.000000000000000000000000000001", 1},
                              {"00012", 12'000},
                              {"9223372036854775807m", std::numeric_limits<int64_t>::max()}};
  for (const QuantityRow& row : rows) {
    const Expected<Quantity> q = Quantity::Parse(row.text);
    ASSERT_TRUE(q.ok()) << row.text << ": " << q.error().message;
    EXPECT_EQ(q->milli(), row.milli) << row.text;
    EXPECT_EQ(q->text(), row.text);
  }
}

TEST(Quantity, RoundsUpToWholeUnitsAlsoTheLargest) {
  EXPECT_EQ(Quantity::Milli(0).whole(), 0);
  EXPECT_EQ(Quantity::Milli(1).whole(), 1);
  EXPECT_EQ(Quantity::Milli(2000).whole(), 2);
  EXPECT_EQ(Quantity::Parse("9223372036854775")->whole(), 9'223'372'036'854'775);
  EXPECT_EQ(Quantity::Parse("9223372036854775807m")->whole(), 9'223'372'036'854'776);
}

TEST(Quantity, RefusesTheRestAndSaysWhatToWrite) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "write a number"},
      {"m", "write a number"},
      {"abc", "write a number"},
      {"1 Gi", "write a number"},
      {"1,5", "write a number"},
      {"-1", "can't be negative"},
      {"-0", "can't be negative"},
      {"1GB", "write 1G"},
      {"512MB", "write 512M"},
      {"1.5KiB", "write 1.5Ki"},
      {"2K", "write 2k"},
      {"10E", "largest"},
      {"9Pi", "largest"},
      {"1e30", "largest"},
      {"1e999999999999", "largest"},
      {"99999999999999999999", "largest"},
      {"9223372036854775808m", "largest"},
      {"1e", "write a number"},
      {"1e+", "write a number"},
      {"1e1.5", "write a number"},
      {"0x10", "write a number"},
      {"1Zi", "write a number"},
      {"1mm", "write a number"},
      {"99999999999999999999999999999999999999999999n", "largest"}};
  for (const auto& [text, says] : rows) {
    const Expected<Quantity> q = Quantity::Parse(text);
    ASSERT_FALSE(q.ok()) << text;
    EXPECT_EQ(q.error().code, Code::kInvalid);
    EXPECT_NE(q.error().message.find(says), std::string::npos) << text << ": " << q.error().message;
  }
}

TEST(Quantity, ComparesByValueAndMakesCanonicalText) {
  EXPECT_EQ(*Quantity::Parse("1024Mi"), *Quantity::Parse("1Gi"));
  EXPECT_EQ(*Quantity::Parse("0.5"), Quantity::Milli(500));
  EXPECT_LT(*Quantity::Parse("1G"), *Quantity::Parse("1Gi"));
  EXPECT_EQ(Quantity::Milli(1500).text(), "1500m");
  EXPECT_EQ(Quantity::Milli(2000).text(), "2");
  EXPECT_EQ(Quantity::Whole(0).text(), "0");
  EXPECT_EQ(Quantity::Whole(1000).text(), "1000");
  EXPECT_EQ(Quantity::Whole(1536).text(), "1536");
  EXPECT_EQ(Quantity::Whole(1 << 20).text(), "1Mi");
  EXPECT_EQ(Quantity::Whole(int64_t{3} << 30).text(), "3Gi");
  EXPECT_EQ(Quantity::Parse("1500m")->whole(), 2);
  for (const int64_t n :
       {int64_t{1}, int64_t{1024}, int64_t{5} << 40, int64_t{999}, int64_t{7} << 50}) {
    const Quantity q = Quantity::Whole(n);
    EXPECT_EQ(Quantity::Parse(q.text())->whole(), n);
  }
}

WallTime At(int64_t ms) { return WallTime(milliseconds(ms)); }

TEST(Time, IsWrittenAsRfc3339WithMillisecondsOnlyWhereThereAreSome) {
  EXPECT_EQ(FormatTime(At(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(At(1769860800000)), "2026-01-31T12:00:00Z");
  EXPECT_EQ(FormatTime(At(1769860800007)), "2026-01-31T12:00:00.007Z");
  EXPECT_EQ(FormatTime(At(951782399999)), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(FormatTime(At(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatTime(At(std::numeric_limits<int64_t>::max() / 4)), "9999-12-31T23:59:59.999Z");
}

TEST(Time, IsReadWithOffsetsAndFractions) {
  const std::pair<const char*, int64_t> rows[] = {{"2026-01-31T12:00:00Z", 1769860800000},
                                                  {"2026-01-31t12:00:00z", 1769860800000},
                                                  {"2026-01-31T13:00:00+01:00", 1769860800000},
                                                  {"2026-01-31T06:30:00-05:30", 1769860800000},
                                                  {"2026-01-31T12:00:00.5Z", 1769860800500},
                                                  {"2026-01-31T12:00:00.123456789Z", 1769860800123},
                                                  {"2026-01-31 12:00:00.999999Z", 1769860800999},
                                                  {"2024-02-29T00:00:00Z", 1709164800000}};
  for (const auto& [text, ms] : rows) {
    const Expected<WallTime> time = ParseTime(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(*time, At(ms)) << text;
  }
  for (const char* bad :
       {"", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z", "2025-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:60Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00.0123456789Z",
        "2026-01-31T12:00:00Zx", "2026-1-31T12:00:00Z", "2026-01-31T12:00:00+1:00", "yesterday"}) {
    const Expected<WallTime> time = ParseTime(bad);
    ASSERT_FALSE(time.ok()) << bad;
    EXPECT_EQ(time.error().code, Code::kInvalid);
  }
}

TEST(Time, ComesBackFromItsText) {
  for (int64_t ms = -62135596800000; ms < 253402300799999; ms += 7'654'321'987'654) {
    EXPECT_EQ(*ParseTime(FormatTime(At(ms))), At(ms)) << FormatTime(At(ms));
  }
}

TEST(Time, AgesReadAsKubectlPrintsThem) {
  const std::pair<int64_t, const char*> rows[] = {{-5, "<invalid>"},
                                                  {-1, "0s"},
                                                  {0, "0s"},
                                                  {5, "5s"},
                                                  {119, "119s"},
                                                  {120, "2m"},
                                                  {200, "3m20s"},
                                                  {599, "9m59s"},
                                                  {600, "10m"},
                                                  {10799, "179m"},
                                                  {10800, "3h"},
                                                  {10860, "3h1m"},
                                                  {28800, "8h"},
                                                  {172799, "47h"},
                                                  {172800, "2d"},
                                                  {176400, "2d1h"},
                                                  {691200, "8d"},
                                                  {63072000, "2y"},
                                                  {63072000 + 86400, "2y1d"},
                                                  {252288000, "8y"}};
  for (const auto& [s, text] : rows) EXPECT_EQ(FormatAge(seconds(s)), text) << s;
}

TEST(Time, DurationsAreGosOrBareSeconds) {
  const std::pair<const char*, int64_t> rows[] = {
      {"0", 0},          {"300ms", 300}, {"5s", 5000},           {"1m30s", 90000}, {"2h", 7200000},
      {"1.5h", 5400000}, {"90", 90000},  {"0.25", 250},          {".5s", 500},     {"1us", 1},
      {"1500us", 1},     {"0s", 0},      {"1h2m3s4ms", 3723004}, {"24h", 86400000}};
  for (const auto& [text, ms] : rows) {
    const Expected<Duration> d = ParseDuration(text);
    ASSERT_TRUE(d.ok()) << text;
    EXPECT_EQ(d->count(), ms) << text;
  }
  for (const char* bad : {"", "s", "-5s", "5x", "5 s", "1d", "5s5", "1h-2m", ".", "9999999999h",
                          "1e3s", "5mss", "99999999999999999999999"}) {
    const Expected<Duration> d = ParseDuration(bad);
    ASSERT_FALSE(d.ok()) << bad;
    EXPECT_EQ(d.error().code, Code::kInvalid);
  }
}

TEST(Condition, TransitionTimeMovesOnlyWithStatus) {
  std::vector<Condition> conditions;
  SetCondition(conditions, {.type = "Ready", .status = "False", .reason = "A"}, At(1));
  SetCondition(conditions, {.type = "Complete", .status = "False"}, At(2));
  SetCondition(conditions, {.type = "Ready", .status = "False", .reason = "B"}, At(3));
  ASSERT_EQ(conditions.size(), 2U);
  EXPECT_EQ(conditions[0].reason, "B");
  EXPECT_EQ(conditions[0].last_transition_time, At(1));
  SetCondition(conditions, {.type = "Ready", .status = "True"}, At(4));
  EXPECT_EQ(FindCondition(conditions, "Ready")->last_transition_time, At(4));
  EXPECT_EQ(FindCondition(conditions, "Degraded"), nullptr);
}

TEST(Uid, IsARandomVersion4Uuid) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uid = NewUid();
    ASSERT_TRUE(std::regex_match(uid, form)) << uid;
    ASSERT_TRUE(seen.insert(uid).second);
  }
}

TEST(Selector, MatchesAsKubernetesDoes) {
  const std::map<std::string, std::string> labels = {
      {"app", "web"}, {"zoe/tier", "front"}, {"empty", ""}};
  const std::pair<const char*, bool> rows[] = {{"", true},
                                               {"  ", true},
                                               {"app=web", true},
                                               {"app==web", true},
                                               {"app = web", true},
                                               {"app=db", false},
                                               {"app!=web", false},
                                               {"app!=db", true},
                                               {"missing!=x", true},
                                               {"app in (web,db)", true},
                                               {"app in ( db )", false},
                                               {"app notin (web)", false},
                                               {"missing notin (a,b)", true},
                                               {"app", true},
                                               {"missing", false},
                                               {"!app", false},
                                               {"!missing", true},
                                               {"zoe/tier=front,app", true},
                                               {"zoe/tier=front,!app", false},
                                               {"empty=", true},
                                               {"empty", true},
                                               {"app in (web),zoe/tier notin (back),!x", true}};
  for (const auto& [text, matches] : rows) {
    const Expected<Selector> selector = Selector::Parse(text);
    ASSERT_TRUE(selector.ok()) << text << ": " << selector.error().message;
    EXPECT_EQ(selector->Matches(labels), matches) << text;
  }
  for (const char* bad : {",", "a,", "=x", "a=b c", "a in", "a in x", "a in (x", "a near (x)",
                          "a=b,,c", "!", "a<5", "a=\"b\""}) {
    const Expected<Selector> selector = Selector::Parse(bad);
    ASSERT_FALSE(selector.ok()) << bad;
    EXPECT_EQ(selector.error().code, Code::kBadRequest);
  }
}

TEST(Selector, FieldsAreComparedForEqualityOnly) {
  const auto fields = ParseFieldSelector("metadata.name=a,status.phase!=Failed,x==b\\,c\\=d,y=");
  ASSERT_TRUE(fields.ok());
  ASSERT_EQ(fields->size(), 4U);
  EXPECT_EQ((*fields)[0].path, "metadata.name");
  EXPECT_TRUE((*fields)[0].equal);
  EXPECT_EQ((*fields)[1].value, "Failed");
  EXPECT_FALSE((*fields)[1].equal);
  EXPECT_EQ((*fields)[2].value, "b,c=d");
  EXPECT_EQ((*fields)[3].value, "");
  EXPECT_TRUE(ParseFieldSelector("")->empty());
  for (const char* bad : {"a", "a,b=c", "=x", "a=b,", "a!b", "a=b=c"}) {
    const auto refused = ParseFieldSelector(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code, Code::kBadRequest);
  }
}

}  // namespace
}  // namespace zoe

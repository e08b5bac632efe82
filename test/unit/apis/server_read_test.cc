// resourceVersion and its matches, the forms of an answer, what watches begin with: as Kubernetes
// documents them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "specs/codec/value.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe {
namespace {

using codec::Value;

const std::string kPath = "/apis/zoe/v1/namespaces/alice/applications";
const std::string kMetadata =
    "Accept: application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io\r\n";
const std::string kMetadataList =
    "Accept: application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io\r\n";
const std::string kTableBeta = "Accept: application/json;as=Table;v=v1beta1;g=meta.k8s.io\r\n";

Value Json(const Answer& answer) {
  auto value = codec::ParseJson(answer.body);
  EXPECT_TRUE(value.ok()) << answer.body;
  return value.ok() ? std::move(value).value() : Value();
}

class ServerRead : public ::testing::Test {
 protected:
  explicit ServerRead(size_t history = 8192) : served_(TestOptions(), history) {}
  void SetUp() override { ASSERT_TRUE(served_.server->Start().ok()); }

  Answer Call(std::string_view method, const std::string& target, std::string_view body = {},
              std::string_view headers = "Content-Type: application/json\r\n") {
    return Peer(served_.port()).Call(method, target, body, headers);
  }
  // The new resourceVersion.
  std::string Create(const std::string& name) {
    const Answer answer =
        Call("POST", kPath,
             R"({"kind":"Application","metadata":{"name":")" + name + R"(","labels":{"l":")" +
                 name + R"("}},"spec":{"services":[{"name":"a","image":"x"}]}})");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return Json(answer).StringAt("metadata.resourceVersion");
  }
  std::string Label(const std::string& name, const std::string& value) {
    return Json(Call("PATCH", kPath + "/" + name,
                     R"({"metadata":{"labels":{"l":")" + value + "\"}}}",
                     "Content-Type: application/merge-patch+json\r\n"))
        .StringAt("metadata.resourceVersion");
  }
  std::string Names(const std::string& query) {
    const Answer answer = Call("GET", kPath + query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    const Value list = Json(answer);
    std::string names;
    for (const Value& item : list.At("items")->as_array())
      names += item.StringAt("metadata.name") + "=" + item.StringAt("metadata.labels.l") + " ";
    return names;
  }
  Peer Watch(const std::string& query, const std::string& headers = "") {
    Peer peer(served_.port());
    peer.Send("GET " + kPath + "?watch=true" + query + " HTTP/1.1\r\nHost: localhost\r\n" +
              headers + "\r\n");
    head_ = peer.ReadHead();
    return peer;
  }
  static Value Next(Peer& peer) {
    const auto value = codec::ParseJson(peer.ReadLine());
    return value.ok() ? *value : Value();
  }

  Served served_;
  Answer head_;
};

TEST_F(ServerRead, ExactRevisionShowsThePastAsItWas) {
  Create("a");
  const std::string first = Create("b");
  Label("a", "changed");
  Call("DELETE", kPath + "/b");
  const std::string last = Create("c");
  EXPECT_EQ(Names("?resourceVersionMatch=Exact&resourceVersion=" + first), "a=a b=b ");
  EXPECT_EQ(Names("?resourceVersionMatch=Exact&resourceVersion=" + last), "a=changed c=c ");
  EXPECT_EQ(Names("?labelSelector=l%3Da&resourceVersionMatch=Exact&resourceVersion=" + first),
            "a=a ");
  const Value list =
      Json(Call("GET", kPath + "?resourceVersionMatch=Exact&resourceVersion=" + first));
  EXPECT_EQ(list.StringAt("metadata.resourceVersion"), first);
}

class ServerReadShortHistory : public ServerRead {
 protected:
  ServerReadShortHistory() : ServerRead(4) {}
};

TEST_F(ServerReadShortHistory, ExactRevisionFromBeforeTheHistoryIsGone) {
  const std::string first = Create("a");
  for (int i = 0; i < 8; ++i) Label("a", std::to_string(i));
  const Answer answer = Call("GET", kPath + "?resourceVersionMatch=Exact&resourceVersion=" + first);
  EXPECT_EQ(answer.status, 410);
  EXPECT_EQ(Json(answer).StringAt("reason"), "Expired");
}

TEST_F(ServerRead, AnyNotOlderThanAndMostRecentShowWhatIsThere) {
  const std::string first = Create("a");
  Create("b");
  for (const std::string& query :
       {std::string(), std::string("?resourceVersion=0"), "?resourceVersion=" + first,
        "?resourceVersionMatch=NotOlderThan&resourceVersion=" + first,
        std::string("?resourceVersionMatch=NotOlderThan&resourceVersion=0")})
    EXPECT_EQ(Names(query), "a=a b=b ") << query;
  EXPECT_EQ(Names("?resourceVersion=0&limit=1"), "a=a ");
  EXPECT_EQ(Call("GET", kPath + "/a?resourceVersion=" + first).status, 200);
}

TEST_F(ServerRead, RevisionThatIsStillToComeIsWaitedFor) {
  const std::string last = Create("a");
  Peer waiting(served_.port());
  waiting.Send("GET " + kPath + "?resourceVersion=" + std::to_string(std::stoll(last) + 1) +
               " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  Create("b");
  EXPECT_EQ(Json(waiting.Read()).At("items")->as_array().size(), 2U);
}

TEST_F(ServerRead, RevisionThatDoesNotComeTimesOutInTheFormThatClientsKnow) {
  Create("a");
  for (const std::string& target :
       {kPath + "?resourceVersion=999999", kPath + "/a?resourceVersion=999999"}) {
    const Answer answer = Call("GET", target);
    EXPECT_EQ(answer.status, 504);
    const Value status = Json(answer);
    EXPECT_EQ(status.StringAt("reason"), "Timeout");
    EXPECT_EQ(status.At("details.causes")->as_array().front().StringAt("reason"),
              "ResourceVersionTooLarge");
    EXPECT_EQ(status.At("details.retryAfterSeconds")->as_int(), 1);
  }
}

TEST_F(ServerRead, OptionsThatExcludeEachOtherAreInvalid) {
  for (const char* query :
       {"?resourceVersionMatch=Exact", "?resourceVersionMatch=Exact&resourceVersion=0",
        "?resourceVersionMatch=Sometimes&resourceVersion=1", "?sendInitialEvents=true",
        "?resourceVersionMatch=NotOlderThan&resourceVersion=1&continue=1~a~b",
        "?watch=1&sendInitialEvents=true", "?watch=1&resourceVersionMatch=NotOlderThan",
        "?watch=1&sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1"}) {
    const Answer answer = Call("GET", kPath + query);
    EXPECT_EQ(answer.status, 422) << query;
    EXPECT_EQ(Json(answer).StringAt("message").find("ListOptions.meta.k8s.io \"\" is invalid: "),
              0U)
        << answer.body;
  }
  for (const char* query :
       {"?continue=1~a~b&resourceVersion=5", "?resourceVersion=abc", "?resourceVersion=-1",
        "?limit=-1", "?limit=99999999999999999999", "?timeoutSeconds=-1&watch=1",
        "?includeObject=All", "?fieldSelector=spec.title%3Dx"})
    EXPECT_EQ(Call("GET", kPath + query).status, 400) << query;
}

TEST_F(ServerRead, HugeLimitsAndZeroAreNoLimit) {
  Create("a");
  Create("b");
  EXPECT_EQ(Names("?limit=0"), "a=a b=b ");
  EXPECT_EQ(Names("?limit=9223372036854775807"), "a=a b=b ");
}

TEST_F(ServerRead, MetadataAloneIsServedForOneForAListAndForAWatch) {
  Create("a");
  const Value one = Json(Call("GET", kPath + "/a", {}, kMetadata));
  EXPECT_EQ(one.StringAt("kind"), "PartialObjectMetadata");
  EXPECT_EQ(one.StringAt("apiVersion"), "meta.k8s.io/v1");
  EXPECT_EQ(one.StringAt("metadata.labels.l"), "a");
  EXPECT_EQ(one.Find("spec"), nullptr);
  const Value list = Json(Call("GET", kPath, {}, kMetadataList));
  EXPECT_EQ(list.StringAt("kind"), "PartialObjectMetadataList");
  EXPECT_EQ(list.StringAt("apiVersion"), "meta.k8s.io/v1beta1");
  EXPECT_FALSE(list.StringAt("metadata.resourceVersion").empty());
  EXPECT_EQ(list.At("items")->as_array().front().StringAt("apiVersion"), "meta.k8s.io/v1beta1");
  EXPECT_EQ(Call("GET", kPath, {}, kMetadata).status, 406);
  EXPECT_EQ(Call("GET", kPath + "/a", {}, kMetadataList).status, 406);
  Peer peer = Watch("&allowWatchBookmarks=true&timeoutSeconds=1", kMetadata);
  EXPECT_EQ(Next(peer).StringAt("object.kind"), "PartialObjectMetadata");
  const Value bookmark = Next(peer);
  EXPECT_EQ(bookmark.StringAt("type"), "BOOKMARK");
  EXPECT_EQ(bookmark.StringAt("object.kind"), "PartialObjectMetadata");
}

TEST_F(ServerRead, TablesTellTheirVersionAndHoldWhatIsAsked) {
  Create("a");
  const Value table = Json(Call("GET", kPath + "?includeObject=Object", {}, kTableBeta));
  EXPECT_EQ(table.StringAt("apiVersion"), "meta.k8s.io/v1beta1");
  EXPECT_EQ(table.At("rows")->as_array().front().StringAt("object.kind"), "Application");
  const Value none = Json(Call("GET", kPath + "/a?includeObject=None", {}, kTableBeta));
  EXPECT_EQ(none.At("rows")->as_array().front().Find("object"), nullptr);
  Peer peer = Watch("&includeObject=Object", kTableBeta);
  const Value event = Next(peer);
  EXPECT_EQ(event.At("object.rows")->as_array().front().StringAt("object.kind"), "Application");
}

TEST_F(ServerRead, WatchWithInitialEventsEndsThemAndWithoutThemBeginsNow) {
  const std::string first = Create("a");
  Peer with = Watch(
      "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&"
      "resourceVersion=" +
      first);
  EXPECT_EQ(Next(with).StringAt("object.metadata.name"), "a");
  const Value end = Next(with);
  EXPECT_EQ(end.StringAt("type"), "BOOKMARK");
  EXPECT_EQ(end.At("object.metadata.annotations")->Find("k8s.io/initial-events-end")->as_string(),
            "true");
  Peer without = Watch("&sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
  Create("b");
  EXPECT_EQ(Next(without).StringAt("object.metadata.name"), "b");
}

TEST_F(ServerRead, ObjectThatLeavesTheSelectionIsShownAsItWas) {
  Create("a");
  Peer peer = Watch("&labelSelector=l%3Da");
  EXPECT_EQ(Next(peer).StringAt("type"), "ADDED");
  const std::string revision = Label("a", "other");
  const Value gone = Next(peer);
  EXPECT_EQ(gone.StringAt("type"), "DELETED");
  EXPECT_EQ(gone.StringAt("object.metadata.labels.l"), "a");
  EXPECT_EQ(gone.StringAt("object.metadata.resourceVersion"), revision);
}

TEST_F(ServerRead, DeletionCarriesItsOwnRevision) {
  const std::string made = Create("a");
  Peer peer = Watch("&fieldSelector=metadata.name%3Da&resourceVersion=" + made);
  Call("DELETE", kPath + "/a");
  const Value gone = Next(peer);
  EXPECT_EQ(gone.StringAt("type"), "DELETED");
  EXPECT_GT(std::stoll(gone.StringAt("object.metadata.resourceVersion")), std::stoll(made));
}

TEST_F(ServerRead, HeadAnswersAsGetWithoutABody) {
  Create("a");
  Peer peer(served_.port());
  peer.Send("HEAD " + kPath + "/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Answer head = peer.Read(/*head=*/true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"),
            std::to_string(Call("GET", kPath + "/a").body.size()));
}

}  // namespace
}  // namespace zoe

// apis/docker against a scripted engine: what Swarm says when it is in trouble, and how answers end
// that never arrive whole.
#include <gtest/gtest.h>

#include <atomic>

#include "test/unit/apis/fake_engine.h"

namespace zoe::docker {
namespace {

FakeEngine Saying(int status, const string& words) {
  return FakeEngine([=](const string&, const string&) { return Reply(status, Message(words)); });
}

Code UpdateCode(Swarm& swarm) {
  const auto updated = swarm.UpdateService(Soon(), "id", 7, {});
  return updated.ok() ? Code::kBadRequest : updated.error().code;
}

Code CreateCode(Swarm& swarm, int ms = 5'000) {
  const SwarmServiceSpec spec;
  return CodeOf(swarm.CreateServices(Soon(ms), {&spec, 1})[0]);
}

Code ListCode(Swarm& swarm, int ms = 5'000) {
  const auto listed = swarm.ListServices(Soon(ms));
  return listed.ok() ? Code::kBadRequest : listed.error().code;
}

TEST(DockerTrouble, T39AnUpdateOutOfSequenceIsAConflict) {
  FakeEngine engine = Saying(500, "rpc error: code = Unknown desc = update out of sequence");
  const auto swarm = Open({engine.endpoint()});
  EXPECT_EQ(UpdateCode(*swarm), Code::kConflict);
  EXPECT_EQ(engine.Count("POST /v1.41/services/id/update?version=7"), 1);
}

TEST(DockerTrouble, T39ANameThatIsTakenIsSaidSoAndItsHolderCanBeFound) {
  FakeEngine engine([](const string& request, const string&) {
    if (request.starts_with("POST"))
      return Reply(409, Message("rpc error: code = AlreadyExists desc = name conflicts with an "
                                "existing object: service ours already exists"));
    return Reply(200, R"([{"ID":"0","Version":{"Index":1},"Spec":{"Name":"ours-too"}},
      {"ID":"1","Version":{"Index":1},"Spec":{"Name":"ours","Labels":{"zoe.uid":"u"}}}])");
  });
  const auto swarm = Open({engine.endpoint()});
  EXPECT_EQ(CreateCode(*swarm), Code::kAlreadyExists);
  const auto holder = swarm->FindService(Soon(), "ours");
  ASSERT_TRUE(holder.ok()) << holder.error().message;
  EXPECT_EQ(holder->id, "1");
  EXPECT_EQ(holder->spec.labels.at("zoe.uid"), "u");
}

TEST(DockerTrouble, T39WithoutALeaderNothingIsDoneAndAnotherManagerIsAsked) {
  for (const auto& [status, words] : std::vector<std::pair<int, string>>{
           {500,
            "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible "
            "that too few managers are online."},
           {503, "rpc error: code = Unavailable desc = has no leader"}}) {
    FakeEngine leaderless = Saying(status, words);
    const auto alone = Open({leaderless.endpoint()});
    EXPECT_EQ(ListCode(*alone), Code::kUnavailable);
    EXPECT_EQ(CreateCode(*alone), Code::kUnavailable);  // nothing was done: it may be tried again
    FakeEngine other([](const string& request, const string&) {
      return request.starts_with("POST") ? Reply(201, "{\"ID\":\"x\"}") : Reply(200, "[]");
    });
    const auto both = Open({leaderless.endpoint(), other.endpoint()});
    EXPECT_EQ(CreateCode(*both), Code::kBadRequest) << "made by the other one";
    EXPECT_EQ(other.Count("POST"), 1);
  }
}

// An isolated leader answers after 20 s, with 500.
TEST(DockerTrouble, T39AManagerThatGivesUpAfterALongTimeHasPerhapsDoneIt) {
  FakeEngine isolated =
      Saying(500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded");
  FakeEngine other([](const string&, const string&) { return Reply(200, "[]"); });
  const auto swarm = Open({isolated.endpoint(), other.endpoint()});
  EXPECT_EQ(CreateCode(*swarm), Code::kOutcomeUnknown);
  EXPECT_EQ(other.Count("POST"), 0);
  EXPECT_EQ(ListCode(*swarm), Code::kBadRequest) << "read from the other one";
}

TEST(DockerTrouble, T39AManagerThatHangsIsNotWaitedForLongerThanTheCallAllows) {
  FakeEngine hanging([](const string&, const string&) { return FakeEngine::kSilence; });
  const auto alone = Open({hanging.endpoint()});
  const SteadyTime begin = kClock.Now();
  EXPECT_EQ(ListCode(*alone, 300), Code::kUnavailable);
  EXPECT_EQ(CreateCode(*alone, 300), Code::kOutcomeUnknown);
  EXPECT_LT(kClock.Now() - begin, std::chrono::seconds(3));
  FakeEngine other([](const string&, const string&) { return Reply(200, "[]"); });
  const auto both = Open({hanging.endpoint(), other.endpoint()});
  EXPECT_EQ(ListCode(*both, 1'000), Code::kBadRequest) << "read from the other one in its share";
  EXPECT_EQ(CreateCode(*both, 1'000), Code::kOutcomeUnknown) << "asked of the one that answers";
  EXPECT_EQ(hanging.Count("POST"), 1) << "of the first call";
}

TEST(DockerTrouble, T39AChunkedBodyThatIsCutIsNoAnswer) {
  FakeEngine engine([](const string& request, const string&) {
    const string head = string("HTTP/1.1 ") + (request.starts_with("POST") ? "201" : "200") +
                        " X\r\nX-Close: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    return head + "2\r\n[]\r\n";  // a whole list, but for the chunk that ends the body
  });
  const auto swarm = Open({engine.endpoint()});
  EXPECT_EQ(ListCode(*swarm), Code::kUnavailable);
  EXPECT_EQ(CreateCode(*swarm), Code::kOutcomeUnknown);
}

TEST(DockerTrouble, T39AConnectionThatIsResetInTheMiddleOfAReplyIsNoAnswer) {
  for (const string& before :
       {string(""), string("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[]")}) {
    FakeEngine engine([&](const string&, const string&) { return before + FakeEngine::kReset; },
                      "1.41", Wire::kTcp);
    const auto swarm = Open({engine.endpoint()});
    EXPECT_EQ(ListCode(*swarm), Code::kUnavailable);
    EXPECT_EQ(CreateCode(*swarm), Code::kOutcomeUnknown);
    EXPECT_EQ(engine.Count("POST"), 1);
  }
}

// Lists without anything in them: what is made after that meets what is there.
TEST(DockerTrouble, T11AfterAnEmptyListWhatStandsIsFoundByItsName) {
  std::atomic<bool> lying = true;
  FakeEngine engine([&](const string& request, const string&) {
    if (request.starts_with("POST"))
      return Reply(409, Message("rpc error: code = AlreadyExists desc = name conflicts with an "
                                "existing object: service ours already exists"));
    const bool by_name = request.find("name%22") != string::npos;
    if (request.find("/services") == string::npos || (lying && !by_name)) return Reply(200, "[]");
    return Reply(200, R"([{"ID":"1","Version":{"Index":1},"Spec":{"Name":"ours"}}])");
  });
  const auto swarm = Open({engine.endpoint()});
  const auto seen = swarm->Observe(Soon(), "uid");
  ASSERT_TRUE(seen.ok());
  EXPECT_TRUE(seen->services.empty());
  EXPECT_EQ(CreateCode(*swarm), Code::kAlreadyExists);
  EXPECT_EQ(swarm->FindService(Soon(), "ours")->id, "1");
  lying = false;
  EXPECT_EQ(swarm->Observe(Soon(), "uid")->services.size(), 1u);
  EXPECT_EQ(engine.Count("DELETE"), 0);
}

TEST(DockerTrouble, T41ATaskWithoutAnAddressIsNewSinceItWasMade) {
  FakeEngine engine([](const string& request, const string&) {
    if (request.find("/tasks") == string::npos) return Reply(200, "[]");
    return Reply(200, R"([{"ID":"t","ServiceID":"s","Slot":1,"DesiredState":"running",
      "CreatedAt":"2024-01-01T00:00:00Z","Status":{"State":"new","Message":"created"}}])");
  });
  const auto seen = Open({engine.endpoint()})->Observe(Soon(), "uid");
  ASSERT_TRUE(seen.ok()) << seen.error().message;
  EXPECT_EQ(seen->tasks.at(0).state, TaskState::kNew);
  EXPECT_EQ(seen->tasks.at(0).created_at, WallTime(std::chrono::seconds(1'704'067'200)));
  EXPECT_EQ(seen->tasks.at(0).error, "");  // Swarm has no word for it
}

TEST(DockerTrouble, T44TheRegistryIsAskedByNodesAloneAndNotOftenerThanEveryFiveSeconds) {
  string sent, target;
  FakeEngine engine([&](const string& request, const string& body) {
    target = request;
    sent = body;
    return Reply(201, "{\"ID\":\"x\"}");
  });
  const auto swarm = Open({engine.endpoint()});
  EXPECT_EQ(CreateCode(*swarm), Code::kBadRequest);
  EXPECT_EQ(target, "POST /v1.41/services/create");  // no queryRegistry, no credentials of ours
  EXPECT_NE(sent.find("\"Delay\":5000000000"), string::npos) << sent;
  EXPECT_EQ(UpdateCode(*swarm), Code::kBadRequest);
  EXPECT_EQ(target, "POST /v1.41/services/id/update?version=7");
}

}  // namespace
}  // namespace zoe::docker

// Programs in containers: their streams, terminals and exit codes; what can't be reached.
#include <thread>

#include "test/conformance/swarm/suite.h"

namespace zoe::testing {
namespace {

class SwarmExec : public SwarmConformance {
 protected:
  SwarmTask Running(const std::string& script = "sleep 1000") {
    const std::string id = Create(Spec("web", script));
    if (!UntilRunning(id, 1)) return {};
    return Tasks(id, TaskState::kRunning).front();
  }
  static ExecRequest Of(const SwarmTask& task, const std::string& script) {
    return {.node_id = task.node_id,
            .container_id = task.container_id,
            .command = {"sh", "-c", script},
            .in = true,
            .out = true,
            .err = true};
  }
  std::unique_ptr<ExecSession> Start(const ExecRequest& request) {
    auto session = swarm().Exec(Ctx(), request);
    if (session) return *std::move(session);
    ADD_FAILURE() << session.error().message;
    return nullptr;
  }

  struct Output {
    std::string out, err;
  };
  // To the end.
  Output ReadAll(ExecSession& session) {
    Output all;
    while (true) {
      auto piece = session.Read(Ctx());
      if (!piece) ADD_FAILURE() << piece.error().message;
      if (!piece || piece->bytes.empty()) return all;
      (piece->stream == ExecStream::kOut ? all.out : all.err) += piece->bytes;
    }
  }
  int ExitCode(ExecSession& session) {
    const auto code = session.ExitCode(Ctx());
    return code.ok() ? code->value_or(-1) : -2;
  }
};

TEST_F(SwarmExec, GivesACommandItsInputAndTellsItsStreamsApart) {
  const auto session = Start(Of(Running(), "cat; echo oh >&2; exit 3"));
  ASSERT_TRUE(session);
  ASSERT_TRUE(session->Write(Ctx(), "hello ").ok());
  ASSERT_TRUE(session->Write(Ctx(), "world").ok());
  ASSERT_TRUE(session->CloseInput().ok());
  const Output all = ReadAll(*session);
  EXPECT_EQ(all.out, "hello world");
  EXPECT_EQ(all.err, "oh\n");
  EXPECT_EQ(ExitCode(*session), 3);
  EXPECT_TRUE(session->Write(Ctx(), "nobody reads this").ok());
}

TEST_F(SwarmExec, TellsWhatCannotBeRunByItsExitCode) {
  const SwarmTask task = Running();
  ExecRequest request = Of(task, "");
  request.command = {"no-such-command"};
  const auto missing = Start(request);
  ASSERT_TRUE(missing);
  const Output said = ReadAll(*missing);
  EXPECT_NE((said.out + said.err).find("executable file not found"), std::string::npos) << said.out;
  const int code = ExitCode(*missing);
  EXPECT_TRUE(code == 126 || code == 127) << code;
  request.command = {"/etc/passwd"};
  const auto forbidden = Start(request);
  ASSERT_TRUE(forbidden);
  ReadAll(*forbidden);
  EXPECT_EQ(ExitCode(*forbidden), 126);
}

TEST_F(SwarmExec, LosesNoByteOfMuchInBothDirections) {
  constexpr size_t kMuch = 16 << 20;
  const auto session = Start(Of(Running(), "cat"));
  ASSERT_TRUE(session);
  std::string sent(kMuch, '\0');
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 >> 3);
  std::thread writer([&] {
    EXPECT_TRUE(session->Write(Ctx(), sent).ok());
    EXPECT_TRUE(session->CloseInput().ok());
  });
  const Output all = ReadAll(*session);
  writer.join();
  EXPECT_TRUE(all.out == sent) << all.out.size() << " bytes came back";
  EXPECT_EQ(ExitCode(*session), 0);
}

TEST_F(SwarmExec, GivesATerminalOfTheSizeThatIsSet) {
  ExecRequest request = Of(Running(), "read go; sleep 0; echo $LINES $COLUMNS; echo oh >&2");
  request.tty = true;
  const auto session = Start(request);
  ASSERT_TRUE(session);
  ASSERT_TRUE(session->Resize(Ctx(), 97, 31).ok());
  ASSERT_TRUE(session->Write(Ctx(), "go\n").ok());
  const Output all = ReadAll(*session);
  EXPECT_NE(all.out.find("31 97\r\n"), std::string::npos) << all.out;
  EXPECT_NE(all.out.find("oh\r\n"), std::string::npos) << all.out;
  EXPECT_EQ(all.err, "");
}

TEST_F(SwarmExec, AttachesToTheMainProcess) {
  ExecRequest request = Of(Running("while :; do echo tick; echo tock >&2; sleep 0.05; done"), "");
  request.command.clear();
  request.in = false;
  const auto session = Start(request);
  ASSERT_TRUE(session);
  Output all;
  ASSERT_TRUE(Until("both streams", [&] {
    const auto piece = session->Read(Ctx());
    if (piece.ok()) (piece->stream == ExecStream::kOut ? all.out : all.err) += piece->bytes;
    return all.out.find("tick\n") != std::string::npos &&
           all.err.find("tock\n") != std::string::npos;
  }));
  const auto code = session->ExitCode(Ctx());
  ASSERT_TRUE(code.ok());
  EXPECT_FALSE(code->has_value());
}

TEST_F(SwarmExec, EndsWhenItIsStopped) {
  const auto session = Start(Of(Running(), "sleep 1000"));
  ASSERT_TRUE(session);
  std::stop_source stop;
  Context ctx = Ctx();
  ctx.stop = stop.get_token();
  std::thread stopper([&] { stop.request_stop(); });
  const auto piece = session->Read(ctx);
  stopper.join();
  ASSERT_FALSE(piece.ok());
  EXPECT_EQ(piece.error().code, Code::kCancelled);
}

TEST_F(SwarmExec, RefusesWhatDoesNotRunOrIsNotThere) {
  SwarmServiceSpec spec = Spec("job", "exit 0");
  spec.restart_condition = RestartCondition::kNone;
  const std::string id = Create(spec);
  ASSERT_TRUE(Until("complete", [&] { return Tasks(id, TaskState::kComplete).size() == 1; }));
  const SwarmTask task = Tasks(id).front();
  ExecRequest request = Of(task, "true");
  auto session = swarm().Exec(Ctx(), request);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code, Code::kConflict) << session.error().message;
  EXPECT_NE(session.error().message.find("is not running"), std::string::npos);
  request.command.clear();
  session = swarm().Exec(Ctx(), request);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code, Code::kConflict) << session.error().message;
  request.container_id = std::string(64, 'a');
  session = swarm().Exec(Ctx(), request);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code, Code::kNotFound) << session.error().message;
  request.node_id = "no-such-node";
  session = swarm().Exec(Ctx(), request);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code, Code::kUnavailable) << session.error().message;
}

}  // namespace
}  // namespace zoe::testing

#include "apis/server/exec_session.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "apis/server/status.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Value;

constexpr size_t kMaxResize = 1024;

std::string FailedExit(int exit_code) {
  const std::string number = std::to_string(exit_code);
  Value cause, details, status;
  cause.Set("reason", "ExitCode");
  cause.Set("message", number);
  details.Set("causes", codec::Array{cause});
  status.Set("metadata", codec::Object{});
  status.Set("status", "Failure");
  status.Set("message", "command terminated with non-zero exit code: exit status " + number);
  status.Set("reason", "NonZeroExitCode");
  status.Set("details", std::move(details));
  return codec::ToJson(status);
}

class Exec {
 public:
  Exec(const Context& ctx, Channels& channels, ExecSession& session, ExecStreams streams,
       Duration idle)
      : clock_(ctx.clock),
        channels_(channels),
        session_(session),
        streams_(streams),
        idle_(idle),
        on_stop_(ctx.stop, [this] { stop_.request_stop(); }) {
    Touch();
  }

  void Run() {
    // Clients that wait for a sign that it has begun get this one.
    channels_.Send(streams_.out ? kStdoutChannel : (streams_.err ? kStderrChannel : kErrorChannel),
                   "");
    std::thread input([this] { Input(); });
    const auto ended = Output();
    const std::string last = ended.ok() ? LastWord() : StatusJson(ended.error());
    if (!client_gone_) channels_.SendAll(kErrorChannel, last);
    channels_.End();
    stop_.request_stop();
    input.join();
  }

 private:
  Context Ctx() const { return {clock_, stop_.get_token()}; }
  void Touch() { touched_ = clock_.Now().time_since_epoch().count(); }
  SteadyTime IdleAt() const { return SteadyTime(SteadyTime::duration(touched_.load())) + idle_; }

  // Of the program, until its end.
  Expected<void> Output() {
    while (true) {
      Context ctx = Ctx();
      ctx.deadline = IdleAt();
      auto piece = session_.Read(ctx);
      if (!piece.ok() && piece.error().code == Code::kCancelled && !ctx.stop.stop_requested()) {
        if (clock_.Now() < IdleAt()) continue;
        return MakeError(Code::kCancelled, "ended: nothing was said for " +
                                               std::to_string(idle_.count() / 1000) + " s");
      }
      if (!piece.ok()) return piece.error();
      if (piece->bytes.empty()) return {};
      Touch();
      const bool out = piece->stream == ExecStream::kOut;
      if (!(out ? streams_.out : streams_.err)) continue;
      if (!channels_.SendAll(out ? kStdoutChannel : kStderrChannel, piece->bytes)) {
        client_gone_ = true;
        return {};
      }
    }
  }

  std::string LastWord() {
    if (client_gone_) return {};
    const auto code = session_.ExitCode(Ctx());
    if (!code.ok()) return StatusJson(code.error());
    return ExitStatus(code->value_or(0));
  }

  // Of the client, until its end: then the program sees that of its input, and nobody waits for it.
  void Input() {
    while (true) {
      const auto piece = channels_.Next();
      if (!piece.ok()) break;
      Touch();
      if (!Take(*piece).ok()) break;
    }
    (void)session_.CloseInput();
    if (stop_.stop_requested()) return;
    client_gone_ = true;
    stop_.request_stop();
  }

  Expected<void> Take(const ChannelPiece& piece) {
    if (piece.channel == kStdinChannel && streams_.in)
      return piece.closed ? session_.CloseInput() : session_.Write(Ctx(), piece.bytes);
    if (piece.channel != kResizeChannel || !streams_.tty) return {};
    const auto size = resize_.Feed(piece.bytes);
    // A size that can't be set is no reason to end the session.
    if (size) (void)session_.Resize(Ctx(), size->width, size->height);
    return {};
  }

  const Clock& clock_;
  Channels& channels_;
  ExecSession& session_;
  const ExecStreams streams_;
  const Duration idle_;
  ResizeReader resize_;
  std::atomic<int64_t> touched_{0};
  std::atomic<bool> client_gone_{false};
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace

std::string ExitStatus(int exit_code) {
  return exit_code == 0 ? R"({"metadata":{},"status":"Success"})" : FailedExit(exit_code);
}

std::optional<ResizeReader::Size> ResizeReader::Feed(std::string_view bytes) {
  std::optional<Size> last;
  for (const char c : bytes) {
    pending_ += c;
    if (pending_.size() > kMaxResize) pending_.clear();
    if (c != '}') continue;
    const auto value = codec::ParseJson(pending_);
    pending_.clear();
    if (!value.ok()) continue;
    const Value* width = value->Find("Width");
    const Value* height = value->Find("Height");
    const auto sane = [](const Value* v) {
      return v != nullptr && v->kind() == Value::Kind::kInt && v->as_int() > 0 &&
             v->as_int() <= 0xffff;
    };
    if (sane(width) && sane(height)) {
      last = Size{static_cast<uint16_t>(width->as_int()), static_cast<uint16_t>(height->as_int())};
    }
  }
  return last;
}

void ServeExec(const Context& ctx, Channels& channels, ExecSession& session, ExecStreams streams,
               Duration idle) {
  Exec(ctx, channels, session, streams, idle).Run();
}

}  // namespace zoe::server

// Answers and bodies that are taken as they come.
#include <cpprest/interopstream.h>

#include <condition_variable>
#include <thread>

#include "apis/client/client.h"
#include "apis/client/transport.h"

namespace zoe::client {
namespace {

// Ends a transfer whose other side is silent. What our own side takes doesn't count.
class Watchdog {
 public:
  Watchdog(Duration silence, std::function<void()> bark)
      : silence_(silence),
        bark_(std::move(bark)),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  bool barked() const {
    const std::lock_guard lock(mutex_);
    return barked_;
  }

  template <class Work>
  auto Ours(const Work& work) {
    Note(true);
    auto result = work();
    Note(false);
    return result;
  }

 private:
  void Note(bool ours) {
    const std::lock_guard lock(mutex_);
    ours_ = ours;
    since_ = std::chrono::steady_clock::now();
  }

  void Run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      const SteadyTime now = std::chrono::steady_clock::now();
      if (!ours_ && now >= since_ + silence_) {
        barked_ = true;
        lock.unlock();
        bark_();
        return;
      }
      waking_.wait_until(lock, stop, (ours_ ? now : since_) + silence_, [] { return false; });
    }
  }

  const Duration silence_;
  const std::function<void()> bark_;
  mutable std::mutex mutex_;
  std::condition_variable_any waking_;
  SteadyTime since_ = std::chrono::steady_clock::now();
  bool ours_ = false, barked_ = false;
  std::jthread thread_;  // last: it uses the others
};

// Where the library writes an answer's body, on a thread of its own. It begins before the caller
// has seen the head, so the first bytes wait until the caller has said what they are. The library
// may hold it for longer than the call lasts: nothing of the call is used once it is closed.
class Sink : public std::streambuf {
 public:
  using OnBytes = std::function<bool(std::string_view)>;

  // Empty: the bytes are the text of an error.
  void Begin(OnBytes on_bytes) {
    const std::lock_guard lock(mutex_);
    on_bytes_ = std::move(on_bytes);
    begun_ = true;
    begin_.notify_all();
  }
  void Close() { Begin({}); }
  const std::string& error_text() const { return error_text_; }
  uint64_t count() const { return count_; }
  bool refused() const { return refused_; }

 protected:
  // Always takes everything: the library would offer the rest again for ever.
  std::streamsize xsputn(const char* bytes, std::streamsize size) override {
    std::unique_lock lock(mutex_);
    begin_.wait(lock, [&] { return begun_; });
    const std::string_view text(bytes, static_cast<size_t>(size));
    count_ += text.size();
    if (!on_bytes_) {
      error_text_ += text.substr(0, kMaxErrorBytes - std::min(kMaxErrorBytes, error_text_.size()));
    } else if (!refused_) {
      refused_ = !on_bytes_(text);
    }
    return size;
  }
  int_type overflow(int_type c) override {
    const char byte = traits_type::to_char_type(c);
    xsputn(&byte, 1);
    return traits_type::not_eof(c);
  }

 private:
  std::mutex mutex_;
  std::condition_variable begin_;
  bool begun_ = false;
  std::atomic<bool> refused_{false};
  OnBytes on_bytes_;
  std::string error_text_;
  std::atomic<uint64_t> count_{0};
};

// Where the library reads a request's body from, on a thread of its own; held and closed as a Sink.
class Well : public std::streambuf {
 public:
  explicit Well(std::function<size_t(char*, size_t)> read) : read_(std::move(read)) {}
  void Close() {
    const std::lock_guard lock(mutex_);
    read_ = nullptr;
  }

 protected:
  std::streamsize xsgetn(char* buffer, std::streamsize size) override {
    const std::lock_guard lock(mutex_);
    return read_ ? static_cast<std::streamsize>(read_(buffer, static_cast<size_t>(size))) : 0;
  }

 private:
  std::mutex mutex_;
  std::function<size_t(char*, size_t)> read_;
};

template <class Buffer>
struct Closing {
  std::shared_ptr<Buffer> buffer;
  ~Closing() { buffer->Close(); }
};

// The library's own view of a standard stream, made to hold the stream's buffer too.
template <class Buffer>
concurrency::streams::streambuf<char> Hold(concurrency::streams::streambuf<char> view,
                                           std::shared_ptr<Buffer> buffer) {
  using Base = concurrency::streams::details::basic_streambuf<char>;
  const std::shared_ptr<Base> base = view.get_base();
  return std::shared_ptr<Base>(base.get(), [base, buffer = std::move(buffer)](Base*) {});
}

Error Silent(const std::string& server, Duration silence) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silence).count();
  return MakeError(Code::kUnavailable,
                   server + " has been silent for " + std::to_string(seconds) + " s");
}

}  // namespace

Expected<void> Client::Stream(std::string_view path, const Query& query, std::stop_token stop,
                              Duration silence,
                              const std::function<bool(std::string_view)>& on_bytes) {
  const std::string target = Target(path, query);
  const auto start = std::chrono::steady_clock::now();
  // A client of its own: the timeout is the client's, and a cancelled connection must not go back
  // to a pool.
  ZOE_ASSIGN(const std::shared_ptr<Vendor> connection, state_->Make(silence));
  pplx::cancellation_token_source cancel;
  const std::stop_callback on_stop(stop, [&] { cancel.cancel(); });
  try {
    const http_response response =
        connection->request(state_->Prepare("GET", target), cancel.get_token()).get();
    state_->Trace("GET", target, response.status_code(), start);
    if (response.status_code() != 200) {
      ZOE_ASSIGN(std::string body, ReadAll(response, kMaxErrorBytes));
      return ErrorFromReply({response.status_code(), std::move(body)});
    }
    auto buffer = response.body().streambuf();
    for (;;) {
      const std::string bytes = ReadSome(buffer, size_t{64} << 10);
      if (bytes.empty()) return {};
      if (!on_bytes(bytes)) {
        cancel.cancel();
        return {};
      }
    }
  } catch (const web::http::http_exception& e) {
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
    return TransportError(state_->options.server, e, true);
  } catch (const std::exception& e) {
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
    return MakeError(Code::kUnavailable, state_->options.server + ": " + e.what());
  }
}

Expected<void> Client::Watch(std::string_view path, const Query& query, std::stop_token stop,
                             Duration silence, const std::function<bool(WatchEvent)>& on_event) {
  Query full = query;
  full.emplace_back("watch", "1");
  std::string pending;
  Expected<void> outcome;
  const auto on_line = [&](std::string_view line) {
    auto event = codec::ParseJson(line, kReplyBudget);
    if (!event.ok() || event->Find("object") == nullptr) {
      outcome = MakeError(Code::kInternal,
                          state_->options.server + " sent a watch event that can't be read");
      return false;
    }
    std::string type = event->StringAt("type");
    codec::Value& object = *event->Find("object");
    if (type == "ERROR") {
      const codec::Value* code = object.Find("code");
      const bool number = code != nullptr && code->kind() == codec::Value::Kind::kInt;
      outcome =
          ErrorFromReply({number ? static_cast<int>(code->as_int()) : 500, codec::ToJson(object)});
      return false;
    }
    return on_event({std::move(type), std::move(object)});
  };
  ZOE_TRY(Stream(path, full, std::move(stop), silence, [&](std::string_view bytes) {
    pending += bytes;
    size_t begin = 0;
    for (size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
      if (end > begin && !on_line(std::string_view(pending).substr(begin, end - begin)))
        return false;
    }
    pending.erase(0, begin);
    return true;
  }));
  return outcome;
}

Expected<Head> Client::Download(std::string_view path, const Query& query,
                                const std::stop_token& stop, Duration silence,
                                const OnDownload& on_bytes) {
  const std::string target = Target(path, query);
  const std::string& server = state_->options.server;
  const auto start = std::chrono::steady_clock::now();
  ZOE_ASSIGN(const std::shared_ptr<Vendor> connection, state_->Make(kAnyTime));
  pplx::cancellation_token_source cancel;
  const std::stop_callback on_stop(stop, [&] { cancel.cancel(); });
  Watchdog watchdog(silence, [&] { cancel.cancel(); });
  Head head;
  const auto sink = std::make_shared<Sink>();
  const Closing<Sink> closing{sink};
  try {
    http_request request = state_->Prepare("GET", target);
    std::ostream stream(sink.get());
    request.set_response_stream(concurrency::streams::basic_ostream<uint8_t>(
        Hold(concurrency::streams::stdio_ostream<char>(stream).streambuf(), sink)));
    const http_response response = connection->request(request, cancel.get_token()).get();
    state_->Trace("GET", target, response.status_code(), start);
    const bool good = response.status_code() == 200;
    head.content_type = response.headers().content_type();
    if (response.headers().has("Content-Length")) head.length = response.headers().content_length();
    Sink::OnBytes take = [&](std::string_view bytes) {
      const bool more = watchdog.Ours([&] { return on_bytes(head, bytes); });
      if (!more) cancel.cancel();
      return more;
    };
    sink->Begin(good ? std::move(take) : Sink::OnBytes());
    response.content_ready().get();
    if (!good) return ErrorFromReply({response.status_code(), sink->error_text()});
    if (head.length && *head.length != sink->count() && !sink->refused()) {
      return MakeError(Code::kUnavailable, server + " sent " + std::to_string(sink->count()) +
                                               " of " + std::to_string(*head.length) + " bytes");
    }
    return head;
  } catch (const web::http::http_exception& e) {
    if (sink->refused()) return head;
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
    if (watchdog.barked()) return Silent(server, silence);
    return TransportError(server, e, true);
  } catch (const std::exception& e) {
    if (sink->refused()) return head;
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
    if (watchdog.barked()) return Silent(server, silence);
    return MakeError(Code::kUnavailable, server + ": " + e.what());
  }
}

Expected<codec::Value> Client::Upload(std::string_view path, const Query& query,
                                      const std::stop_token& stop, Duration silence,
                                      std::optional<uint64_t> length, const Source& source) {
  const std::string target = Target(path, query);
  const std::string& server = state_->options.server;
  const auto start = std::chrono::steady_clock::now();
  ZOE_ASSIGN(const std::shared_ptr<Vendor> connection, state_->Make(kAnyTime));
  pplx::cancellation_token_source cancel;
  const std::stop_callback on_stop(stop, [&] { cancel.cancel(); });
  Watchdog watchdog(silence, [&] { cancel.cancel(); });
  std::optional<Error> broken;  // of the source
  const auto well = std::make_shared<Well>([&](char* buffer, size_t size) -> size_t {
    const Expected<size_t> got = watchdog.Ours([&] { return source(buffer, size); });
    if (got.ok()) return *got;
    // An end of what has no length would look like a whole body: there is none, until the library
    // sees that the connection has gone.
    broken = got.error();
    cancel.cancel();
    if (length) return 0;
    *buffer = 0;
    return 1;
  });
  const Closing<Well> closing{well};
  try {
    http_request request = state_->Prepare("PUT", target);
    std::istream stream(well.get());
    const concurrency::streams::basic_istream<uint8_t> body(
        Hold(concurrency::streams::stdio_istream<char>(stream).streambuf(), well));
    constexpr const char* kType = "application/octet-stream";
    if (length) {
      request.set_body(body, static_cast<utility::size64_t>(*length), kType);
    } else {
      request.set_body(body, kType);
    }
    const http_response response = connection->request(request, cancel.get_token()).get();
    ZOE_ASSIGN(std::string text, ReadAll(response, kReplyBudget.bytes));
    state_->Trace("PUT", target, response.status_code(), start);
    if (broken) return *broken;
    return state_->Understand("PUT", target, {response.status_code(), std::move(text)});
  } catch (const web::http::http_exception& e) {
    state_->Trace("PUT", target, 0, start);
    if (broken) return *broken;
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
    if (watchdog.barked()) return Silent(server, silence);
    if (std::string_view(e.what()).find("write request body") != std::string_view::npos) {
      // The library sends to the end before it reads, so what the server said is lost.
      return MakeError(
          Code::kUnavailable,
          server + " took only a part: it has refused the rest, or the connection broke");
    }
    return TransportError(server, e, false);
  } catch (const std::exception& e) {
    if (broken) return *broken;
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
    if (watchdog.barked()) return Silent(server, silence);
    return MakeError(Code::kOutcomeUnknown, server + ": " + e.what());
  }
}

}  // namespace zoe::client

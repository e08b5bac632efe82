// The body of a request that is taken as it comes, of any size: uploads, and what is proxied.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "specs/meta/expected.h"

namespace zoe::server {

// Between the connection, which puts in what it reads and stops reading while this is full, and one
// reader on any thread. It counts as full until the reader asks for the first time: a refusal costs
// no upload. After an upgrade (101) it carries every byte that the client sends.
class RequestBody {
 public:
  static constexpr size_t kMaxBuffered = 256 * 1024;

  // ---- the reader
  // The next piece, waited for; "" at the end. kCancelled: the client has gone or the server stops.
  Expected<std::string> Next();
  // The same without waiting: nothing yet is ok and "", and `ended` says whether that is the end.
  Expected<std::string> TryNext(bool& ended);
  // Called, on the connection's thread, whenever TryNext has something new to say since; not for
  // what it would say at once. Forgotten after Cancel.
  void OnReadable(std::function<void()> callback);

  // ---- the connection
  // Takes the piece in any case. False: full; `resume` will be called, on any thread, once there is
  // room again.
  bool Put(std::string_view piece);
  void OnRoom(std::function<void()> resume);
  void End();
  void Reopen();  // after End(): an upgrade goes on with what the client sends
  void Cancel();

 private:
  // What is there, with the lock held; `resume` is to be called without it.
  std::string Take(std::function<void()>& resume);
  void Tell(std::unique_lock<std::mutex> lock);

  std::mutex mutex_;
  std::condition_variable readable_;
  std::string buffer_;
  bool ended_ = false, cancelled_ = false, full_ = true;
  std::function<void()> on_readable_, on_room_;
};

}  // namespace zoe::server

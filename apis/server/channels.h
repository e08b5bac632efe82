// Numbered channels of bytes over one upgraded connection, as Kubernetes' exec, attach and
// port-forward speak them, whichever protocol carries them (websocket.h). Internal to apis/server.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "specs/meta/expected.h"

namespace zoe::server {

// Of exec and attach.
inline constexpr int kStdinChannel = 0, kStdoutChannel = 1, kStderrChannel = 2, kErrorChannel = 3,
                     kResizeChannel = 4;

// A piece of what the client sends in a channel. Channels are streams: a message may come in
// several pieces, never several channels in one.
struct ChannelPiece {
  int channel = 0;
  std::string bytes;
  bool closed = false;  // the client sends no more in this channel; `bytes` is empty then
};

// One thread at a time reads; any threads send. Bounded both ways: who doesn't read stops the
// client, a client that doesn't read fills it.
class Channels {
 public:
  static constexpr size_t kMaxBuffered = 256 * 1024;

  virtual ~Channels() = default;

  // ---- from the client
  // The next piece, waited for. kCancelled: the client has gone, has sent nonsense (and was told),
  // or End() was called.
  virtual Expected<ChannelPiece> Next() = 0;
  // The same without waiting; nullopt: nothing yet.
  virtual Expected<std::optional<ChannelPiece>> TryNext() = 0;
  // Called, on the connection's thread, whenever TryNext has something new to say since; forgotten
  // when the client has gone, after a last call.
  virtual void OnReadable(std::function<void()> callback) = 0;

  // ---- to the client
  // Takes it in any case, also empty (some clients wait for a first message). False: full; wait for
  // room before sending more.
  virtual bool Send(int channel, std::string_view bytes) = 0;
  // Blocks while it is full. False: nobody reads any more.
  virtual bool WaitForRoom() = 0;
  // Called, on the connection's thread, whenever what was full has room again.
  virtual void OnRoom(std::function<void()> callback) = 0;
  // We send no more in this channel; says nothing where the protocol can't.
  virtual void Close(int channel) = 0;
  // What was sent goes out, then the connection ends in order. Reading ends at once.
  virtual void End() = 0;

  // True if the client can say that a channel ends while the connection stays.
  virtual bool closes_channels() const = 0;

  // Sends piece by piece, waiting for room. False: nobody reads any more.
  bool SendAll(int channel, std::string_view bytes) {
    return Send(channel, bytes) || WaitForRoom();
  }
};
using ChannelsPtr = std::shared_ptr<Channels>;

}  // namespace zoe::server

// The frames of SPDY/3.1 as kubectl speaks it: bytes to frames and back. No I/O; Kubernetes'
// clients use SPDY for nothing but streams over one connection, without its flow control (their
// library, moby/spdystream, neither sends nor minds WINDOW_UPDATE), so the connection's own is all
// there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "specs/meta/expected.h"

namespace zoe::server::spdy {

enum class Type : uint16_t {
  kData = 0,  // ours: data frames have no type
  kSynStream = 1,
  kSynReply = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kHeaders = 8,
  kWindowUpdate = 9,
};

// Statuses of RST_STREAM.
inline constexpr uint32_t kProtocolError = 1, kRefusedStream = 3, kCancel = 5;

using Headers = std::vector<std::pair<std::string, std::string>>;

// The value of a header, "" if there is none; names are in lower case.
std::string_view Find(const Headers& headers, std::string_view name);

struct Frame {
  Type type = Type::kData;
  // The stream; of PING its number, of GOAWAY the last stream that was accepted. 31 bits.
  uint32_t id = 0;
  bool fin = false;            // the sender sends no more on this stream
  uint32_t value = 0;          // the status of RST_STREAM and GOAWAY, the delta of WINDOW_UPDATE
  Headers headers;             // of SYN_STREAM, SYN_REPLY and HEADERS
  std::string_view data = {};  // of data frames; of decoded ones into what was given to Next
};

// What is larger is refused: clients send a handful of short headers.
inline constexpr size_t kMaxControl = 16 * 1024;  // bytes of a control frame
inline constexpr size_t kMaxHeaders = 32 * 1024;  // bytes of a header block, inflated
inline constexpr size_t kMaxHeaderCount = 64;
inline constexpr size_t kMaxData = (1 << 24) - 1;

// Neither is thread-safe. Header blocks share a compression state, so each connection has one of
// each, and every frame passes them in order.
class Decoder {
 public:
  Decoder();
  ~Decoder();

  // Takes the next frame off the front of `bytes`. False: there is none yet, `bytes` is used up and
  // what it began is kept. A data frame comes in as many pieces as its bytes do (never held back),
  // `fin` at the last. Frames of unknown types are passed over. kInvalid: this is no SPDY/3, or too
  // much of it; the connection is beyond help then.
  Expected<bool> Next(std::string_view& bytes, Frame& frame);

 private:
  struct Inflater;
  bool Gather(std::string_view& bytes, size_t size);
  Expected<bool> BeginFrame();
  bool TakeData(std::string_view& bytes, Frame& frame);
  Expected<bool> Control(Frame& frame);
  Expected<void> DecodeHeaders(std::string_view block, Headers& headers);

  std::string pending_;  // a control frame, or a head, that is not complete
  // Of the data frame that is under way.
  uint32_t data_id_ = 0;
  size_t data_left_ = 0;
  bool in_data_ = false, data_fin_ = false;
  size_t skip_ = 0;  // bytes of a frame of unknown type
  std::unique_ptr<Inflater> inflater_;
};

class Encoder {
 public:
  Encoder();
  ~Encoder();

  // Appends the frame. Data is cut into frames of at most kMaxData; headers stay within the bounds
  // above (the caller's duty).
  void Put(const Frame& frame, std::string& out);

 private:
  struct Deflater;
  std::unique_ptr<Deflater> deflater_;
};

}  // namespace zoe::server::spdy

#include "apis/server/spdy.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace zoe::server::spdy {
namespace {

constexpr size_t kHead = 8;
constexpr uint32_t kControlBit = 0x8000'0000, kIdMask = 0x7fff'ffff;
constexpr uint16_t kVersion = 3;
constexpr uint8_t kFin = 1;
// Deflate with 2 KiB of window holds the dictionary and costs 10 KB instead of 256 KB a connection.
constexpr int kWindowBits = 11, kMemoryLevel = 1;

uint32_t Load(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

void Store(uint32_t value, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void StoreText(std::string_view text, std::string& out) {
  Store(static_cast<uint32_t>(text.size()), out);
  out += text;
}

// SPDY/3, 2.6.10.1: words behind their lengths, then text that follows no rule.
std::string MakeDictionary() {
  static constexpr std::string_view kWords[] = {"options",
                                                "head",
                                                "post",
                                                "put",
                                                "delete",
                                                "trace",
                                                "accept",
                                                "accept-charset",
                                                "accept-encoding",
                                                "accept-language",
                                                "accept-ranges",
                                                "age",
                                                "allow",
                                                "authorization",
                                                "cache-control",
                                                "connection",
                                                "content-base",
                                                "content-encoding",
                                                "content-language",
                                                "content-length",
                                                "content-location",
                                                "content-md5",
                                                "content-range",
                                                "content-type",
                                                "date",
                                                "etag",
                                                "expect",
                                                "expires",
                                                "from",
                                                "host",
                                                "if-match",
                                                "if-modified-since",
                                                "if-none-match",
                                                "if-range",
                                                "if-unmodified-since",
                                                "last-modified",
                                                "location",
                                                "max-forwards",
                                                "pragma",
                                                "proxy-authenticate",
                                                "proxy-authorization",
                                                "range",
                                                "referer",
                                                "retry-after",
                                                "server",
                                                "te",
                                                "trailer",
                                                "transfer-encoding",
                                                "upgrade",
                                                "user-agent",
                                                "vary",
                                                "via",
                                                "warning",
                                                "www-authenticate",
                                                "method",
                                                "get",
                                                "status",
                                                "200 OK",
                                                "version",
                                                "HTTP/1.1",
                                                "url",
                                                "public",
                                                "set-cookie",
                                                "keep-alive",
                                                "origin"};
  std::string dictionary;
  for (const std::string_view word : kWords) StoreText(word, dictionary);
  dictionary +=
      "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
      "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 "
      "Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 "
      "Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, "
      "Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
      "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,"
      "sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
  return dictionary;
}

const std::string& Dictionary() {
  static const std::string dictionary = MakeDictionary();
  return dictionary;
}

const Bytef* BytesOf(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

Error Broken(std::string why) {
  return MakeError(Code::kInvalid, "not SPDY/3.1: " + std::move(why));
}

// Bytes in front of the header block; the whole body of frames that have none. SETTINGS has entries
// that nobody minds behind its first four.
size_t FixedSize(Type type) {
  switch (type) {
    case Type::kSynStream:
      return 10;
    case Type::kRstStream:
    case Type::kGoAway:
    case Type::kWindowUpdate:
      return 8;
    default:
      return 4;
  }
}

bool HasHeaders(Type type) {
  return type == Type::kSynStream || type == Type::kSynReply || type == Type::kHeaders;
}

bool IsKnown(uint16_t type) { return type >= 1 && type <= 9 && type != 5; }

// A block's length counts before its text is believed in.
bool TakeText(std::string_view& block, std::string& text) {
  if (block.size() < 4) return false;
  const size_t size = Load(block, 0);
  block.remove_prefix(4);
  if (size > block.size()) return false;
  text.assign(block.substr(0, size));
  block.remove_prefix(size);
  return true;
}

}  // namespace

std::string_view Find(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

struct Decoder::Inflater {
  Inflater() {
    if (inflateInit(&stream) != Z_OK) std::abort();
  }
  ~Inflater() { inflateEnd(&stream); }

  Expected<std::string> Inflate(std::string_view block) {
    std::string text;
    std::array<char, 4096> piece;
    stream.next_in = const_cast<Bytef*>(BytesOf(block));
    stream.avail_in = static_cast<uInt>(block.size());
    while (true) {
      stream.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream.avail_out = piece.size();
      const int result = inflate(&stream, Z_SYNC_FLUSH);
      text.append(piece.data(), piece.size() - stream.avail_out);
      if (text.size() > kMaxHeaders)
        return Broken("headers of more than " + std::to_string(kMaxHeaders) + " bytes");
      if (result == Z_NEED_DICT) {
        const std::string& words = Dictionary();
        if (inflateSetDictionary(&stream, BytesOf(words), static_cast<uInt>(words.size())) != Z_OK)
          return Broken("headers compressed with an unknown dictionary");
        continue;
      }
      if (result != Z_OK && result != Z_BUF_ERROR) return Broken("headers that don't inflate");
      if (stream.avail_out > 0) break;
    }
    if (stream.avail_in > 0) return Broken("headers that don't inflate");
    return text;
  }

  z_stream stream{};
};

Decoder::Decoder() : inflater_(std::make_unique<Inflater>()) {}
Decoder::~Decoder() = default;

// True once pending_ holds `size` bytes.
bool Decoder::Gather(std::string_view& bytes, size_t size) {
  if (pending_.size() < size) {
    const size_t taken = std::min(size - pending_.size(), bytes.size());
    pending_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
  }
  return pending_.size() >= size;
}

bool Decoder::TakeData(std::string_view& bytes, Frame& frame) {
  if (bytes.empty() && data_left_ > 0) return false;
  frame = {.type = Type::kData, .id = data_id_};
  frame.data = bytes.substr(0, std::min(data_left_, bytes.size()));
  bytes.remove_prefix(frame.data.size());
  data_left_ -= frame.data.size();
  in_data_ = data_left_ > 0;
  frame.fin = !in_data_ && data_fin_;
  return true;
}

Expected<bool> Decoder::Next(std::string_view& bytes, Frame& frame) {
  while (true) {
    const size_t skipped = std::min(skip_, bytes.size());
    bytes.remove_prefix(skipped);
    skip_ -= skipped;
    if (skip_ > 0) return false;
    if (in_data_) return TakeData(bytes, frame);
    if (!Gather(bytes, kHead)) return false;
    if (pending_.size() == kHead) {
      ZOE_ASSIGN(const bool is_control, BeginFrame());
      if (!is_control) continue;
    }
    if (!Gather(bytes, kHead + (Load(pending_, 4) & 0xff'ffff))) return false;
    ZOE_TRY(Control(frame));
    pending_.clear();
    return true;
  }
}

// A head stands in pending_. False: nothing is to be gathered behind it.
Expected<bool> Decoder::BeginFrame() {
  const uint32_t first = Load(pending_, 0), second = Load(pending_, 4);
  const size_t size = second & 0xff'ffff;
  if ((first & kControlBit) == 0) {
    pending_.clear();
    if (first == 0) return Broken("a data frame of stream 0");
    in_data_ = true;
    data_id_ = first;
    data_left_ = size;
    data_fin_ = (second >> 24 & kFin) != 0;
    return false;
  }
  if ((first >> 16 & 0x7fff) != kVersion) return Broken("another version");
  const auto type = static_cast<uint16_t>(first);
  if (!IsKnown(type)) {
    pending_.clear();
    skip_ = size;
    return false;
  }
  if (size > kMaxControl)
    return Broken("a control frame of more than " + std::to_string(kMaxControl) + " bytes");
  const size_t fixed = FixedSize(static_cast<Type>(type));
  const bool open = HasHeaders(static_cast<Type>(type)) || type == uint16_t{4};
  if (open ? size < fixed : size != fixed) return Broken("a control frame of the wrong size");
  return true;
}

// A whole control frame stands in pending_.
Expected<bool> Decoder::Control(Frame& frame) {
  frame = {.type = static_cast<Type>(Load(pending_, 0) & 0xffff)};
  const std::string_view body = std::string_view(pending_).substr(kHead);
  const auto flags = static_cast<uint8_t>(pending_[4]);
  frame.id = Load(body, 0) & kIdMask;
  if (frame.type == Type::kPing) frame.id = Load(body, 0);
  switch (frame.type) {
    case Type::kSettings:
      frame.id = 0;
      break;
    case Type::kRstStream:
    case Type::kGoAway:
    case Type::kWindowUpdate:
      frame.value = Load(body, 4);
      break;
    default:
      break;
  }
  if (HasHeaders(frame.type)) {
    if (frame.id == 0) return Broken("stream 0");
    frame.fin = (flags & kFin) != 0;
    ZOE_TRY(DecodeHeaders(body.substr(FixedSize(frame.type)), frame.headers));
  }
  return true;
}

Expected<void> Decoder::DecodeHeaders(std::string_view block, Headers& headers) {
  ZOE_ASSIGN(const std::string text, inflater_->Inflate(block));
  std::string_view rest = text;
  if (rest.size() < 4) return Broken("headers that end too early");
  const size_t count = Load(rest, 0);
  rest.remove_prefix(4);
  if (count > kMaxHeaderCount)
    return Broken("more than " + std::to_string(kMaxHeaderCount) + " headers");
  for (size_t i = 0; i < count; ++i) {
    std::string name, value;
    if (!TakeText(rest, name) || !TakeText(rest, value))
      return Broken("headers that end too early");
    headers.emplace_back(std::move(name), std::move(value));
  }
  if (!rest.empty()) return Broken("headers with something behind them");
  return {};
}

struct Encoder::Deflater {
  Deflater() {
    const std::string& words = Dictionary();
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindowBits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK ||
        deflateSetDictionary(&stream, BytesOf(words), static_cast<uInt>(words.size())) != Z_OK)
      std::abort();
  }
  ~Deflater() { deflateEnd(&stream); }

  std::string Deflate(std::string_view text) {
    std::string block;
    std::array<char, 4096> piece;
    stream.next_in = const_cast<Bytef*>(BytesOf(text));
    stream.avail_in = static_cast<uInt>(text.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream.avail_out = piece.size();
      deflate(&stream, Z_SYNC_FLUSH);
      block.append(piece.data(), piece.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    return block;
  }

  z_stream stream{};
};

Encoder::Encoder() : deflater_(std::make_unique<Deflater>()) {}
Encoder::~Encoder() = default;

void Encoder::Put(const Frame& frame, std::string& out) {
  if (frame.type == Type::kData) {
    std::string_view rest = frame.data;
    do {
      const std::string_view piece = rest.substr(0, kMaxData);
      rest.remove_prefix(piece.size());
      Store(frame.id, out);
      Store((frame.fin && rest.empty() ? uint32_t{kFin} << 24 : 0) |
                static_cast<uint32_t>(piece.size()),
            out);
      out += piece;
    } while (!rest.empty());
    return;
  }
  std::string body;
  Store(frame.type == Type::kSettings ? 0 : frame.id, body);
  if (FixedSize(frame.type) == 8) Store(frame.value, body);
  body.resize(FixedSize(frame.type), '\0');
  if (HasHeaders(frame.type)) {
    std::string text;
    Store(static_cast<uint32_t>(frame.headers.size()), text);
    for (const auto& [name, value] : frame.headers) {
      StoreText(name, text);
      StoreText(value, text);
    }
    body += deflater_->Deflate(text);
  }
  const bool fin = frame.fin && HasHeaders(frame.type);
  Store(kControlBit | uint32_t{kVersion} << 16 | static_cast<uint32_t>(frame.type), out);
  Store((fin ? uint32_t{kFin} << 24 : 0) | static_cast<uint32_t>(body.size()), out);
  out += body;
}

}  // namespace zoe::server::spdy

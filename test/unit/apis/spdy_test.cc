#include "apis/server/spdy.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>
#include <vector>

namespace zoe::server::spdy {
namespace {

// What stays of a frame when the bytes that it was decoded from are gone.
struct Kept {
  Frame frame;
  std::string data;
};

// Fed in pieces of at most `step` bytes.
Expected<std::vector<Kept>> Decode(std::string_view bytes, size_t step) {
  Decoder decoder;
  std::vector<Kept> frames;
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::string_view piece = bytes.substr(at, step);
    Frame frame;
    while (true) {
      ZOE_ASSIGN(const bool is_frame, decoder.Next(piece, frame));
      if (!is_frame) break;
      frames.push_back({frame, std::string(frame.data)});
    }
    EXPECT_TRUE(piece.empty());
  }
  return frames;
}

std::string Word(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}
std::string Control(uint16_t type, const std::string& body, uint8_t flags = 0) {
  return Word(0x8003'0000u | type) +
         Word(uint32_t{flags} << 24 | static_cast<uint32_t>(body.size())) + body;
}
std::string Data(uint32_t id, const std::string& body) {
  return Word(id) + Word(static_cast<uint32_t>(body.size())) + body;
}

// A header block without the dictionary, as zlib alone makes it.
std::string Deflated(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit(&stream, 9), Z_OK);
  std::string block(text.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(block.data());
  stream.avail_out = static_cast<uInt>(block.size());
  EXPECT_EQ(deflate(&stream, Z_SYNC_FLUSH), Z_OK);
  block.resize(block.size() - stream.avail_out);
  deflateEnd(&stream);
  return block;
}
std::string SynStream(const std::string& headers, uint32_t id = 1) {
  return Control(1, Word(id) + Word(0) + std::string(2, '\0') + Deflated(headers));
}

void ExpectRefused(const std::string& bytes, const std::string& words) {
  for (const size_t step : {size_t{1}, bytes.size()}) {
    const auto frames = Decode(bytes, step);
    ASSERT_FALSE(frames.ok()) << words;
    EXPECT_NE(frames.error().message.find(words), std::string::npos) << frames.error().message;
  }
}

TEST(Spdy, BringsEveryFrameThroughInAnyCut) {
  const Headers headers{{"streamtype", "error"}, {"port", "8080"}, {"requestid", "0"}};
  const std::vector<Frame> sent = {
      {.type = Type::kSynStream, .id = 1, .headers = headers},
      {.type = Type::kSynReply, .id = 1},
      {.id = 1, .data = "hello"},
      {.type = Type::kSynStream, .id = 3, .fin = true, .headers = headers},
      {.type = Type::kHeaders, .id = 3, .headers = {{"a", std::string(5000, 'x')}, {"", ""}}},
      {.type = Type::kPing, .id = 0xffff'ffff},
      {.type = Type::kSettings},
      {.type = Type::kWindowUpdate, .id = 1, .value = 65536},
      {.id = 1, .fin = true},
      {.type = Type::kRstStream, .id = 3, .value = kCancel},
      {.type = Type::kGoAway, .id = 3, .value = 0},
  };
  Encoder encoder;
  std::string bytes;
  for (const Frame& frame : sent) encoder.Put(frame, bytes);
  const auto whole = Decode(bytes, bytes.size());
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  ASSERT_EQ(whole->size(), sent.size());
  for (size_t i = 0; i < sent.size(); ++i) {
    const Frame& got = (*whole)[i].frame;
    EXPECT_EQ(got.type, sent[i].type) << i;
    EXPECT_EQ(got.id, sent[i].id) << i;
    EXPECT_EQ(got.fin, sent[i].fin) << i;
    EXPECT_EQ(got.value, sent[i].value) << i;
    EXPECT_EQ(got.headers, sent[i].headers) << i;
    EXPECT_EQ((*whole)[i].data, sent[i].data) << i;
  }
  for (const size_t step : {1, 2, 3, 7, 64}) {
    const auto cut = Decode(bytes, step);
    ASSERT_TRUE(cut.ok()) << cut.error().message;
    std::string data;
    size_t ends = 0;
    for (const Kept& kept : *cut) {
      data += kept.data;
      ends += kept.frame.type == Type::kData && kept.frame.fin ? 1 : 0;
    }
    EXPECT_EQ(data, "hello");
    EXPECT_EQ(ends, 1u);
    EXPECT_EQ(cut->back().frame.type, Type::kGoAway);
  }
}

TEST(Spdy, CompressesHeadersWithTheDictionaryOfSpdy3) {
  Encoder encoder;
  std::string bytes;
  encoder.Put({.type = Type::kSynStream, .id = 1, .headers = {{"accept-encoding", "gzip,deflate"}}},
              bytes);
  // All but the lengths stands in the dictionary, whose checksum zlib's header names.
  EXPECT_LT(bytes.size(), 48u);
  EXPECT_EQ(bytes.substr(18 + 2, 4), "\xe3\xc6\xa7\xc2");
}

TEST(Spdy, GivesDataAsItComesAndHoldsNoneBack) {
  const std::string bytes = Data(5, std::string(100'000, 'x'));
  Decoder decoder;
  Frame frame;
  std::string_view first = std::string_view(bytes).substr(0, 10);
  ASSERT_TRUE(decoder.Next(first, frame).value());
  EXPECT_EQ(frame.data, "xx");
  EXPECT_FALSE(decoder.Next(first, frame).value());
  std::string_view rest = std::string_view(bytes).substr(10);
  ASSERT_TRUE(decoder.Next(rest, frame).value());
  EXPECT_EQ(frame.data.size(), 99'998u);
  EXPECT_FALSE(decoder.Next(rest, frame).value());
}

TEST(Spdy, CutsDataToWhatAFrameHolds) {
  Encoder encoder;
  std::string bytes;
  const std::string data(kMaxData + 5, 'x');
  encoder.Put({.id = 1, .fin = true, .data = data}, bytes);
  const auto frames = Decode(bytes, bytes.size());
  ASSERT_TRUE(frames.ok());
  ASSERT_EQ(frames->size(), 2u);
  EXPECT_FALSE((*frames)[0].frame.fin);
  EXPECT_TRUE((*frames)[1].frame.fin);
  EXPECT_EQ((*frames)[1].data, "xxxxx");
}

TEST(Spdy, PassesOverFramesOfUnknownTypes) {
  const auto frames =
      Decode(Control(10, std::string(100'000, 'x')) + Control(5, "") + Data(1, "a"), 9999);
  ASSERT_TRUE(frames.ok());
  ASSERT_EQ(frames->size(), 1u);
  EXPECT_EQ((*frames)[0].data, "a");
}

TEST(Spdy, RefusesWhatIsNoSpdy) {
  ExpectRefused(Data(0, "x"), "stream 0");
  ExpectRefused(Word(0x8002'0001) + Word(10) + std::string(10, 'x'), "another version");
  ExpectRefused(Control(6, "12345"), "wrong size");
  ExpectRefused(Control(3, "1234"), "wrong size");
  ExpectRefused(Control(4, "123"), "wrong size");
  ExpectRefused(Control(1, "123456789"), "wrong size");
  ExpectRefused(SynStream(Word(0), 0), "stream 0");
  ExpectRefused(Control(1, std::string(kMaxControl + 1, 'x')), "of more than 16384 bytes");
}

TEST(Spdy, BelievesNoHeadersThatLie) {
  ExpectRefused(SynStream("abc"), "end too early");
  ExpectRefused(SynStream(Word(1)), "end too early");
  ExpectRefused(SynStream(Word(1) + Word(0xffff'ffff) + "x"), "end too early");
  ExpectRefused(SynStream(Word(1) + Word(1) + "x"), "end too early");
  ExpectRefused(SynStream(Word(0xffff'ffff)), "more than 64 headers");
  ExpectRefused(SynStream(Word(0) + "x"), "something behind them");
  ExpectRefused(Control(2, Word(1) + "no zlib at all"), "don't inflate");
  ExpectRefused(Control(2, Word(1)), "end too early");
  const std::string other("\x78\xbb\x01\x02\x03\x04 and so on", 18);
  ExpectRefused(Control(2, Word(1) + other), "unknown dictionary");
}

TEST(Spdy, StopsInflatingABomb) {
  const std::string bomb =
      SynStream(Word(1) + Word(1) + "a" + Word(10'000'000) + std::string(10'000'000, 'x'));
  ASSERT_LT(bomb.size(), kMaxControl);
  ExpectRefused(bomb, "of more than 32768 bytes");
}

}  // namespace
}  // namespace zoe::server::spdy

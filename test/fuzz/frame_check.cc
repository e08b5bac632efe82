#include "test/fuzz/frame_check.h"

#include <algorithm>
#include <vector>

#include "apis/server/spdy.h"
#include "apis/server/websocket.h"

namespace zoe::fuzz {
namespace {

namespace spdy = server::spdy;

std::string Quoted(std::string_view text) {
  return std::to_string(text.size()) + ":" + std::string(text) + ";";
}

struct Read {
  std::string meaning;  // data of a frame is one, in however many pieces it came
  std::string error, problem;
  bool short_headers = true;  // short enough for a frame, however well they are compressed
};

// Appends what the frame says; `data_of` is the stream whose data was last, 0 if none.
void Add(const spdy::Frame& frame, uint32_t& data_of, std::string& data, Read& read) {
  const auto flush = [&] {
    if (!data.empty()) read.meaning += "data " + std::to_string(data_of) + " " + Quoted(data);
    data.clear();
  };
  if (frame.type == spdy::Type::kData) {
    if (frame.id != data_of) flush();
    data_of = frame.id;
    data += frame.data;
    if (!frame.fin) return;
    flush();
    read.meaning += "end " + std::to_string(frame.id) + ";";
    return;
  }
  flush();
  read.meaning += std::to_string(static_cast<int>(frame.type)) + " " + std::to_string(frame.id) +
                  " " + std::to_string(frame.value) + (frame.fin ? " fin" : "") + ";";
  size_t bytes = 0;
  for (const auto& [name, value] : frame.headers) {
    read.meaning += Quoted(name) + Quoted(value);
    bytes += name.size() + value.size();
  }
  if (bytes > spdy::kMaxHeaders || frame.headers.size() > spdy::kMaxHeaderCount)
    read.problem = "headers beyond their bounds";
  read.short_headers = read.short_headers && bytes < spdy::kMaxControl / 2;
}

Read ReadSpdy(std::string_view bytes, size_t step, std::string* again) {
  Read read;
  spdy::Decoder decoder;
  spdy::Encoder encoder;
  std::string data;
  uint32_t data_of = 0;
  for (size_t at = 0; at < bytes.size() && read.error.empty(); at += step) {
    std::string_view piece = bytes.substr(at, step);
    while (true) {
      spdy::Frame frame;
      const auto is_frame = decoder.Next(piece, frame);
      if (!is_frame.ok()) read.error = is_frame.error().message;
      if (!is_frame.ok() || !*is_frame) break;
      Add(frame, data_of, data, read);
      if (again != nullptr) encoder.Put(frame, *again);
    }
  }
  if (!data.empty()) read.meaning += "data " + std::to_string(data_of) + " " + Quoted(data);
  return read;
}

Read ReadWebSocket(std::string_view bytes, size_t step) {
  Read read;
  server::WebSocketParser parser;
  bool in_message = false;
  std::string data;
  for (size_t at = 0; at < bytes.size() && read.error.empty(); at += step) {
    std::vector<server::WebSocketEvent> events;
    if (!parser.Feed(bytes.substr(at, step), events)) read.error = parser.error() + "!";
    for (const auto& event : events) {
      if (event.kind != server::WebSocketEvent::kData) {
        if (event.bytes.size() > server::WebSocketParser::kMaxControl)
          read.problem = "a control frame beyond its bounds";
        read.meaning += Quoted(data) + std::to_string(event.kind) + " " +
                        std::to_string(event.code) + Quoted(event.bytes);
        data.clear();
        continue;
      }
      if (event.begins == in_message) read.problem = "messages that begin within one another";
      in_message = !event.ends;
      data += event.bytes;
      if (event.ends) data += "|";
    }
  }
  read.meaning += Quoted(data);
  return read;
}

std::string Differ(const Read& whole, const Read& cut) {
  if (!whole.problem.empty()) return whole.problem;
  if (!cut.problem.empty()) return cut.problem;
  if (whole.error != cut.error)
    return "in pieces: \"" + cut.error + "\", not \"" + whole.error + "\"";
  if (whole.meaning != cut.meaning) return "in pieces it means something else";
  return "";
}

}  // namespace

std::string CheckSpdy(std::string_view bytes) {
  std::string again;
  const Read whole = ReadSpdy(bytes, std::max<size_t>(bytes.size(), 1), &again);
  for (const size_t step : {1, 7}) {
    std::string problem = Differ(whole, ReadSpdy(bytes, step, nullptr));
    if (!problem.empty()) return problem;
  }
  if (!whole.short_headers) return "";
  const Read read = ReadSpdy(again, std::max<size_t>(again.size(), 1), nullptr);
  if (!read.error.empty()) return "encoded again it is no SPDY: " + read.error;
  return read.meaning == whole.meaning ? "" : "encoded again it means something else";
}

std::string CheckWebSocket(std::string_view bytes) {
  const Read whole = ReadWebSocket(bytes, std::max<size_t>(bytes.size(), 1));
  for (const size_t step : {1, 7}) {
    std::string problem = Differ(whole, ReadWebSocket(bytes, step));
    if (!problem.empty()) return problem;
  }
  return "";
}

}  // namespace zoe::fuzz

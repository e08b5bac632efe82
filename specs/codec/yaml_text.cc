#include "specs/codec/yaml_text.h"

#include <yaml-cpp/exceptions.h>

#include <algorithm>
#include <string>

#include "specs/codec/text.h"

namespace zoe::codec {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// What the library says, and what people need to hear.
struct Complaint {
  std::string_view theirs, ours;
};
const Complaint kComplaints[] = {
    {YAML::ErrorMsg::MAP_VALUE,
     "a ':' can't stand here: check the indentation and the ':' of the line above, and quote "
     "text that contains \": \""},
    {YAML::ErrorMsg::END_OF_MAP,
     "this does not fit the mapping above it: check the indentation, and that each key ends in "
     "\": \""},
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a ',' or ']' is missing in this list"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "a ',' or '}' is missing in this mapping"},
    {YAML::ErrorMsg::END_OF_SEQ,
     "this does not fit the list above it: begin each item with \"- \" at the same indentation"},
    {YAML::ErrorMsg::FLOW_END, "this bracket closes nothing: remove it, or quote the text"},
    {YAML::ErrorMsg::BLOCK_ENTRY,
     "a list item can't begin here: put it on a line of its own and check the indentation"},
    {YAML::ErrorMsg::MAP_KEY, "a key can't begin here: check the indentation"},
    {YAML::ErrorMsg::CHAR_IN_SCALAR, "this character can't stand here: quote the text"},
    {YAML::ErrorMsg::DOC_IN_SCALAR,
     "a line \"---\" or \"...\" within quotes: is a quote not closed?"},
    {YAML::ErrorMsg::TAB_IN_INDENTATION, "a tab can't indent: use spaces"},
    {YAML::ErrorMsg::UNKNOWN_TOKEN, "text can't begin with this character: quote it"},
    {YAML::ErrorMsg::ALIAS_NOT_FOUND,
     "after '*' comes the name of an anchor: quote the text if it is meant as text"},
    {YAML::ErrorMsg::ANCHOR_NOT_FOUND,
     "after '&' comes a name: quote the text if it is meant as text"},
    {YAML::ErrorMsg::CHAR_IN_ALIAS,
     "this character can't be in the name of an alias: quote text that begins with '*'"},
    {YAML::ErrorMsg::CHAR_IN_ANCHOR,
     "this character can't be in the name of an anchor: quote text that begins with '&'"},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR,
     "there is no anchor of this name above: quote text that begins with '*'"},
    {YAML::ErrorMsg::ALIAS_CONTENT, "an alias can't have a tag or an anchor"},
    {YAML::ErrorMsg::MULTIPLE_TAGS, "one value can't have two tags"},
    {YAML::ErrorMsg::MULTIPLE_ANCHORS, "one value can't have two anchors"},
    {YAML::ErrorMsg::INVALID_HEX,
     "an escape such as \\x41 takes hexadecimal digits: write \\\\ for a backslash, or use "
     "single quotes"},
    {YAML::ErrorMsg::INVALID_ESCAPE,
     "double quotes don't know this escape: write \\\\ for a backslash, or use single quotes"},
    {YAML::ErrorMsg::INVALID_UNICODE, "this escape names no Unicode character"},
    {YAML::ErrorMsg::ZERO_INDENT_IN_BLOCK, "the indentation of a text block can't be 0"},
    {YAML::ErrorMsg::CHAR_IN_BLOCK,
     "after '|' or '>' the line must end: the text begins on the next line"},
    {YAML::ErrorMsg::CHAR_IN_TAG_HANDLE,
     "this tag isn't understood: quote text that begins with '!'"},
    {YAML::ErrorMsg::TAG_WITH_NO_SUFFIX,
     "this tag isn't understood: quote text that begins with '!'"},
    {YAML::ErrorMsg::END_OF_VERBATIM_TAG,
     "this tag isn't understood: quote text that begins with '!'"},
    {YAML::ErrorMsg::YAML_VERSION, "this version of YAML isn't understood: remove the %YAML line"},
    {YAML::ErrorMsg::YAML_MAJOR_VERSION,
     "this version of YAML isn't understood: remove the %YAML line"},
    {YAML::ErrorMsg::BAD_FILE, "nested too deep"},
};

}  // namespace

size_t ClosingQuote(std::string_view text, size_t open) {
  const char quote = text[open];
  for (size_t i = open + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != '\'') return i;
      ++i;
    }
  }
  return text.npos;
}

size_t SkipProperties(std::string_view text, size_t offset) {
  while (offset < text.size() && (text[offset] == '&' || text[offset] == '!')) {
    while (offset < text.size() && !IsBlank(text[offset])) ++offset;
    while (offset < text.size() && IsBlank(text[offset])) ++offset;
  }
  return offset;
}

bool HasDocumentEnd(std::string_view text, size_t from, size_t to) {
  for (size_t at = text.find("...", from); at < to; at = text.find("...", at + 1)) {
    const bool begins_line = at == 0 || text[at - 1] == '\n';
    if (begins_line && (at + 3 == text.size() || IsBlank(text[at + 3]))) return true;
  }
  return false;
}

size_t UnclosedQuote(std::string_view text, size_t from) {
  static constexpr std::string_view kBefore = "[{,:";
  size_t i = from;
  while (i < text.size()) {
    const bool token_start =
        i == 0 || IsBlank(text[i - 1]) || kBefore.find(text[i - 1]) != kBefore.npos;
    if (token_start && text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (token_start && (text[i] == '"' || text[i] == '\'')) {
      const size_t end = ClosingQuote(text, i);
      if (end == text.npos) return i;
      i = end + 1;
    } else {
      ++i;
    }
  }
  return text.npos;
}

std::string RepairEscapes(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text, i);
    if (length == 0) out += '\xc2';
    out.append(text, i, std::max(length, size_t{1}));
    i += std::max(length, size_t{1});
  }
  return out;
}

std::string_view PlainWords(std::string_view message) {
  for (const Complaint& row : kComplaints) {
    if (message.starts_with(row.theirs)) return row.ours;
  }
  return {};
}

Expected<void> CheckCharacters(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x7f) {
      ++i;
      continue;
    }
    if (c == '\n' || c == '\t' || (c == '\r' && text.substr(i + 1).starts_with('\n'))) {
      ++i;
      continue;
    }
    const size_t length = Utf8Length(text, i);
    const uint32_t point = length == 0 ? 0 : Utf8Decode(text, i, length);
    if (length > 1 && (point >= 0xa0 || point == 0x85)) {
      i += length;
      continue;
    }
    const Position position = Locator(text).At(i);
    if (length == 0) return SyntaxError(position, "this byte is no UTF-8: save the file as UTF-8");
    if (c == '\r')
      return SyntaxError(
          position, "a carriage return without a line feed: save the file with Unix line ends");
    static constexpr char kHex[] = "0123456789abcdef";
    return SyntaxError(position, std::string("control character 0x") + kHex[point >> 4] +
                                     kHex[point & 15] +
                                     ": remove it, or write it as an escape within double quotes");
  }
  return {};
}

}  // namespace zoe::codec

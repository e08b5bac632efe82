// Looking at YAML text beside the parser: what it lets pass, and what its complaints mean. Private
// to this folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "specs/meta/expected.h"

namespace zoe::codec {

// What YAML forbids and yaml-cpp lets pass: invalid UTF-8 and control characters. kInvalid with the
// place.
Expected<void> CheckCharacters(std::string_view text);

// Offset of the quote that closes the one at `open`, or npos.
size_t ClosingQuote(std::string_view text, size_t open);
// Offset of the first quote, from the offset of a token on, that is never closed; npos if there is
// none.
size_t UnclosedQuote(std::string_view text, size_t from);

// Where a scalar's own text begins: behind the tag and anchor at `offset`.
size_t SkipProperties(std::string_view text, size_t offset);

// True if a line that begins within [from, to) is a document end marker.
bool HasDocumentEnd(std::string_view text, size_t from, size_t to);

// Text as YAML means it, of text that yaml-cpp made from valid UTF-8: of the escapes \N and \_ it
// makes the lone bytes 0x85 and 0xa0, for U+0085 and U+00A0.
std::string RepairEscapes(std::string_view text);

// What a message of yaml-cpp's means and what to do; empty for one that isn't known.
std::string_view PlainWords(std::string_view message);

}  // namespace zoe::codec

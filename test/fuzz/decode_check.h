// What must hold of every input of the decoders, whoever made it: the fuzzer or the mutation test.
#pragma once

#include <string>
#include <string_view>

namespace zoe::fuzz {

// Empty if all is well, else what is wrong. Checked: an error has a message and, when the syntax is
// to blame, a place within the text; what is read survives being written as YAML and as JSON, and
// read again.
std::string CheckYaml(std::string_view text);
std::string CheckJson(std::string_view text);

}  // namespace zoe::fuzz

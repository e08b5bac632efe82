// Checks of texts whose syntax is Docker's or ours; each is a schema::Check.
#pragma once

#include <string>
#include <string_view>

namespace zoe::v1 {

std::string MustBeImage(std::string_view text);  // [HOST[:PORT]/]NAME[/NAME...][:TAG][@DIGEST]
std::string MustBeConstraint(
    std::string_view text);  // KEY == VALUE or KEY != VALUE, as Swarm takes them
std::string MustBeEnvName(std::string_view text);  // not empty, no "="
std::string MustBeParameterName(std::string_view text);
std::string MustBeUser(std::string_view text);    // USER[:GROUP], names or numbers
std::string MustBeScheme(std::string_view text);  // of a URL

}  // namespace zoe::v1

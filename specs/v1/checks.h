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
std::string MustBeUser(std::string_view text);        // USER[:GROUP], names or numbers
std::string MustBeScheme(std::string_view text);      // of a URL
std::string MustBeSubnet(std::string_view text);      // IPv4, CIDR, no host bits, /8 to /29
std::string MustBeSshKey(std::string_view text);      // TYPE BASE64 [COMMENT], one line, no options
std::string MustBeArgon2id(std::string_view text);    // $argon2id$v=19$m=...,t=...,p=...$SALT$HASH
std::string MustBeMode(std::string_view text);        // octal permissions: 0 to 07777
std::string MustBeCapability(std::string_view text);  // Linux': NET_RAW, without CAP_
std::string MustBeRuntime(std::string_view text);     // seconds, or "1h30m"; 1 s to 68 years

}  // namespace zoe::v1

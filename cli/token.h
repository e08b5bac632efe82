// Tokens of users, as the API makes them.
#pragma once

#include <string>
#include <string_view>

#include "specs/codec/value.h"
#include "specs/meta/expected.h"

namespace zoe::cli {

// "tokens" or "password" of a user.
std::string UserPath(const std::string& user, std::string_view what);
std::string TokenPath(const std::string& user, const std::string& name);

// "zoe-HOST-x7k2m" for the prefix "zoe": a name of its own for each.
std::string TokenName(std::string_view prefix);

// The body of a POST to UserPath(user, "tokens"). `expires`: a duration, 0: never. kBadRequest.
Expected<codec::Value> TokenRequest(const std::string& name, const std::string& expires);

}  // namespace zoe::cli

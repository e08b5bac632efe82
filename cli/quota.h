// What is used of Quotas, counted as the server counts it.
#pragma once

#include <ostream>

#include "apis/client/client.h"
#include "specs/codec/value.h"

namespace zoe::cli {

// A table of the users whom `object` limits, if it is a Quota, or of itself, if it is a User: what
// each has of each limit. Who may not list users is shown as the one `self`.
Expected<void> DescribeQuotas(client::Client& client, const codec::Value& object,
                              const std::string& self, std::ostream& out);

}  // namespace zoe::cli

#pragma once

#include <string>

namespace zoe::v1 {

// docs/kinds.md: the reference of every kind, from the declarations of its fields.
std::string KindsMarkdown();

}  // namespace zoe::v1

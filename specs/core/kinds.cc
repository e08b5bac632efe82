#include "specs/core/kinds.h"

namespace zoe::core {

const std::vector<v1::Kind>& Kinds() {
  static const std::vector<v1::Kind> kinds;
  return kinds;
}

}  // namespace zoe::core

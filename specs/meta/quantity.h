#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "specs/meta/expected.h"

namespace zoe {

// A Kubernetes resource quantity: "500m", "2", "1.5", "512Mi", "1G", "1e3". Kept exactly in
// thousandths, with the text that the user wrote so that it is shown again as it was. Compared by
// value. Source: Kubernetes API conventions, resource.Quantity.
class Quantity {
 public:
  Quantity() = default;
  static Quantity Milli(int64_t thousandths);
  static Quantity Whole(int64_t units);  // canonical text: Ki/Mi/Gi where exact, else plain
  static Expected<Quantity> Parse(
      std::string_view text);  // kInvalid says what is accepted; no negative, no overflow

  int64_t milli() const { return milli_; }                                // cpu: millicores
  int64_t whole() const { return milli_ / 1000 + (milli_ % 1000 != 0); }  // bytes; rounded up
  const std::string& text() const { return text_; }

  bool operator==(const Quantity& o) const { return milli_ == o.milli_; }
  auto operator<=>(const Quantity& o) const { return milli_ <=> o.milli_; }

 private:
  int64_t milli_ = 0;
  std::string text_ = "0";
};

}  // namespace zoe

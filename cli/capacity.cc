#include "cli/capacity.h"

#include "specs/meta/quantity.h"

namespace zoe::cli {
namespace {

using codec::Value;

int64_t QuantityAt(const Value& value, const std::string& path, bool milli) {
  const Value* found = value.At(path);
  if (found == nullptr) return 0;
  const auto quantity = Quantity::Parse(found->ScalarText());
  if (!quantity.ok()) return 0;
  return milli ? quantity->milli() : quantity->whole();
}

}  // namespace

Capacity CapacityAt(const Value& value, std::string_view path) {
  const std::string at(path);
  return {QuantityAt(value, at + ".cpu", true), QuantityAt(value, at + ".memory", false)};
}

Capacity CapacityOfNode(const Value& node) {
  const bool told = node.At("status.allocatable") != nullptr;
  return CapacityAt(node, told ? "status.allocatable" : "status.capacity");
}

std::string Cores(int64_t milli) {
  std::string text = std::to_string(milli / 1000);
  if (milli % 1000 != 0) {
    std::string rest = std::to_string(1000 + milli % 1000).substr(1);
    while (rest.ends_with('0')) rest.pop_back();
    text += "." + rest;
  }
  return text;
}

std::string Percent(int64_t part, int64_t whole) {
  return whole == 0 ? "-" : std::to_string(part * 100 / whole) + "%";
}

}  // namespace zoe::cli

// What may not stand in a field, from the schema.
#pragma once

#include <string>
#include <vector>

#include "specs/codec/value.h"
#include "test/sim/generate.h"

namespace zoe::sim_test {

// One way to make a field wrong.
struct Wrong {
  std::string
      name;  // what is wrong: "too low"; empty: the schema refuses nothing that is known here
  std::string json;  // the whole document
  std::string path;  // the field that the refusal must name: "spec.services[0].image"
};
// Every way of the schema in which the first place of `leaf` in `document` can be made wrong.
std::vector<Wrong> WrongsOf(const codec::Value& document, const Leaf& leaf);

}  // namespace zoe::sim_test

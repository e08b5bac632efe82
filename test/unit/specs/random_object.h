// Random objects that satisfy the constraints of their schema, the same for the same seed.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "specs/schema/type.h"
#include "test/unit/specs/random_value.h"

namespace zoe::schema {

class RandomObject {
 public:
  explicit RandomObject(uint64_t seed) : random_(seed) {}

  void Fill(const Type& type, void* object) {
    for (const Field& field : type.fields) {
      if (!field.constant.empty() || (!field.required && OneIn(3))) continue;
      FillValue(*field.type, field, field.At(object));
    }
  }

 private:
  bool OneIn(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_) == 0; }
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  std::string Text(const Field& field) {
    if (!field.values.empty()) return std::string(field.values[Below(field.values.size())]);
    static const std::vector<std::string> kScalars = {"3",    "-17",  "0",   "-0",
                                                      "007",  "1.5",  "1e3", "true",
                                                      "yes",  "null", "",    "123456789012345678",
                                                      "64Mi", "a b"};
    static const std::vector<std::string> kNames = {
        "a",
        "web-1",
        "x9",
        "/",
        "/mnt/data",
        "data/sub",
        "zoe/mini:latest",
        "r:5000/a/b@sha256:00112233445566778899aabbccddeeff",
        "node.labels.gpu == true",
        "node.role!=manager",
        "http",
        "1000:1000",
        "example.com/x",
        "A_b.c",
        "NET_RAW",
        "0750",
        "10.20.30.0/24",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ a b",
        "$argon2id$v=19$m=65536,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
        ""};
    for (int tries = 0; tries < 200; ++tries) {
      const auto& nasty = codec::NastyStrings();
      std::string text = field.check != nullptr ? kNames[Below(kNames.size())]
                         : field.any_scalar     ? kScalars[Below(kScalars.size())]
                                                : nasty[Below(nasty.size())];
      if (text.find('\0') != std::string::npos || (field.required && text.empty())) continue;
      if (field.max_length > 0 && text.size() > field.max_length) continue;
      if (field.check == nullptr || field.check(text).empty()) return text;
    }
    ADD_FAILURE() << "no text for " << field.name;
    return "";
  }

  int64_t Integer(const Type& type, const Field& field) {
    const int64_t low = field.minimum.value_or(type.bits == 32 || field.integer_as_string ? 0 : -5);
    const int64_t high = field.maximum.value_or(type.bits == 32 ? INT32_MAX : INT64_MAX);
    if (OneIn(4)) return low;
    if (OneIn(4)) return high;
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }

  void FillMap(const Field& field, std::map<std::string, std::string>& map) {
    for (const char* key : {"a", "b_c", "d-e", "Z"}) {
      if (OneIn(2) && (field.key_check == nullptr || field.key_check(key).empty()))
        map[key] = Text(field);
    }
  }

  void FillValue(const Type& type, const Field& field, void* target) {
    static const char* const kQuantities[] = {"500m", "2", "1.5", "8Mi", "1e3", "64Mi", "3Gi"};
    switch (type.shape) {
      case Shape::kString:
        *static_cast<std::string*>(target) = Text(field);
        return;
      case Shape::kInteger:
        if (type.bits == 32) {
          *static_cast<int32_t*>(target) = static_cast<int32_t>(Integer(type, field));
        } else {
          *static_cast<int64_t*>(target) = Integer(type, field);
        }
        return;
      case Shape::kBoolean:
        *static_cast<bool*>(target) = OneIn(2);
        return;
      case Shape::kQuantity: {
        Quantity quantity;
        do {
          quantity = Quantity::Parse(kQuantities[Below(std::size(kQuantities))]).value();
        } while (!field.least.empty() && quantity < Quantity::Parse(field.least).value());
        *static_cast<Quantity*>(target) = quantity;
        return;
      }
      case Shape::kTime:
        *static_cast<WallTime*>(target) = WallTime(
            Duration(std::uniform_int_distribution<int64_t>(0, 4'000'000'000'000)(random_)));
        return;
      case Shape::kRaw:
        static_cast<RawJson*>(target)->text = R"({"f:spec":{"f:priority":{}}})";
        return;
      case Shape::kOptional:
        return FillValue(*type.element, field, type.emplace(target));
      case Shape::kList:
        for (size_t n = field.min_items + Below(3); n > 0; --n)
          FillValue(*type.element, field, type.append(target));
        return;
      case Shape::kMap:
        return FillMap(field, *static_cast<std::map<std::string, std::string>*>(target));
      case Shape::kStruct:
        return Fill(type, target);
    }
  }

  std::mt19937_64 random_;
};

}  // namespace zoe::schema

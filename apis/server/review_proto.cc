#include "apis/server/review_proto.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace zoe::server {
namespace {

using codec::Value;

constexpr std::string_view kMagic("k8s\0", 4);
// Field numbers of Kubernetes' runtime.Unknown and of reviews.
constexpr uint64_t kRaw = 2, kSpec = 2;
using Names = std::span<const std::pair<uint64_t, std::string_view>>;
constexpr std::pair<uint64_t, std::string_view> kResourceNames[] = {
    {1, "namespace"}, {2, "verb"},        {3, "group"}, {4, "version"},
    {5, "resource"},  {6, "subresource"}, {7, "name"},
};
constexpr std::pair<uint64_t, std::string_view> kPathNames[] = {{1, "path"}, {2, "verb"}};
constexpr std::pair<uint64_t, std::string_view> kRulesNames[] = {{1, "namespace"}};

// Reads one message's fields; stops at the first that makes no sense.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  // The next field of bytes, number and content; others are passed over.
  std::optional<std::pair<uint64_t, std::string_view>> Next() {
    while (!bytes_.empty()) {
      const auto key = Varint();
      if (!key) break;
      const uint64_t wire = *key & 7;
      if (wire == 2) {
        const auto length = Varint();
        if (!length || (*length > bytes_.size() && !Fail())) break;
        return std::pair(*key >> 3, Take(*length));
      }
      if (wire == 0 ? !Varint() : !Skip(wire)) break;
    }
    good_ = bytes_.empty();
    return std::nullopt;
  }
  bool good() const { return good_; }

 private:
  std::string_view Take(size_t length) {
    const std::string_view taken = bytes_.substr(0, length);
    bytes_.remove_prefix(length);
    return taken;
  }
  bool Skip(uint64_t wire) {
    const size_t length = wire == 1 ? 8 : 4;
    if ((wire != 1 && wire != 5) || length > bytes_.size()) return Fail();
    Take(length);
    return true;
  }
  std::optional<uint64_t> Varint() {
    uint64_t number = 0;
    for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(Take(1).front());
      number |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return number;
    }
    Fail();
    return std::nullopt;
  }
  bool Fail() {
    bytes_ = "?";  // not empty: Next() ends here, and not well
    return false;
  }

  std::string_view bytes_;
  bool good_ = true;
};

// The last field of that number; empty: none.
Expected<std::map<uint64_t, std::string_view>> FieldsOf(std::string_view message) {
  std::map<uint64_t, std::string_view> fields;
  Reader reader(message);
  while (const auto field = reader.Next()) fields[field->first] = field->second;
  if (!reader.good())
    return MakeError(Code::kBadRequest, "the body is no message of protocol buffers");
  return fields;
}

Expected<Value> Strings(std::string_view message, Names names) {
  ZOE_ASSIGN(const auto fields, FieldsOf(message));
  Value object = codec::Object{};
  for (const auto& [number, name] : names) {
    if (const auto field = fields.find(number); field != fields.end())
      object.Set(name, std::string(field->second));
  }
  return object;
}

Expected<Value> AccessSpec(std::string_view message) {
  ZOE_ASSIGN(const auto fields, FieldsOf(message));
  Value spec = codec::Object{};
  if (const auto field = fields.find(1); field != fields.end()) {
    ZOE_ASSIGN(Value attributes, Strings(field->second, kResourceNames));
    spec.Set("resourceAttributes", std::move(attributes));
  }
  if (const auto field = fields.find(2); field != fields.end()) {
    ZOE_ASSIGN(Value attributes, Strings(field->second, kPathNames));
    spec.Set("nonResourceAttributes", std::move(attributes));
  }
  return spec;
}

}  // namespace

Expected<Value> ReviewFromProto(std::string_view body, std::string_view kind) {
  if (!body.starts_with(kMagic))
    return MakeError(Code::kBadRequest, "the body doesn't begin as Kubernetes' messages do");
  ZOE_ASSIGN(const auto envelope, FieldsOf(body.substr(kMagic.size())));
  const auto raw = envelope.find(kRaw);
  Value review = codec::Object{};
  if (raw == envelope.end() || kind == "SelfSubjectReview") return review;
  ZOE_ASSIGN(const auto fields, FieldsOf(raw->second));
  const auto found = fields.find(kSpec);
  const std::string_view message = found == fields.end() ? std::string_view() : found->second;
  ZOE_ASSIGN(Value spec, kind == "SelfSubjectRulesReview" ? Strings(message, kRulesNames)
                                                          : AccessSpec(message));
  review.Set("spec", std::move(spec));
  return review;
}

}  // namespace zoe::server

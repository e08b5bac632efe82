#include "specs/codec/builder.h"

#include <utility>

namespace zoe::codec {

Value* Builder::Add(Value value, size_t weight) {
  nodes_ += weight;
  if (nodes_ > budget_.nodes) {
    problem_ = "more than " + std::to_string(budget_.nodes) + " values: split the text";
    return nullptr;
  }
  if (frames_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  Value& parent = *frames_.back().node;
  if (parent.is_array()) return &parent.as_array().emplace_back(std::move(value));
  Value& slot = parent.as_object().back().value;
  slot = std::move(value);
  return &slot;
}

Value* Builder::Open(Value container) {
  if (depth() >= budget_.depth) {
    problem_ = "nested deeper than " + std::to_string(budget_.depth) + " levels";
    return nullptr;
  }
  Value* node = Add(std::move(container));
  if (node != nullptr) frames_.push_back({.node = node, .index = nullptr});
  return node;
}

Value& Builder::Close() {
  Value& node = *frames_.back().node;
  frames_.pop_back();
  return node;
}

const Member* Builder::FindKey(std::string_view key) const {
  const Frame& frame = frames_.back();
  const Object& members = frame.node->as_object();
  if (frame.index != nullptr) {
    const auto at = frame.index->find(std::string(key));
    return at == frame.index->end() ? nullptr : &members[at->second];
  }
  for (const Member& member : members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

Member& Builder::AddKey(std::string key, Position position) {
  Frame& frame = frames_.back();
  Object& members = frame.node->as_object();
  if (frame.index != nullptr) {
    frame.index->emplace(key, members.size());
  } else if (members.size() == kIndexFrom) {
    frame.index = std::make_unique<std::unordered_map<std::string, size_t>>();
    for (size_t i = 0; i < members.size(); ++i) frame.index->emplace(members[i].key, i);
    frame.index->emplace(key, members.size());
  }
  return members.emplace_back(
      Member{.key = std::move(key), .value = Value(), .position = position});
}

Value Builder::TakeRoot() {
  frames_.clear();
  return std::exchange(root_, Value());
}

}  // namespace zoe::codec

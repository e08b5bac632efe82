// Builds one tree from a parser's events, in place and within a budget. Private to this folder.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "specs/codec/value.h"

namespace zoe::codec {

class Builder {
 public:
  explicit Builder(const Budget& budget) : budget_(budget) {}

  // Containers that are open. 0: the root is still to come, or complete.
  int depth() const { return static_cast<int>(frames_.size()); }
  bool in_object() const { return !frames_.empty() && frames_.back().node->is_object(); }

  // Places a value where the text is: the root, the next item, or the value of the key before. It
  // stays there until its container is closed. `weight` nodes are counted. nullptr: too many nodes.
  Value* Add(Value value, size_t weight = 1);
  // Places an empty container and opens it. nullptr: too many nodes, or too deep.
  Value* Open(Value container);
  // Closes the container that was opened last; it stays where it is until the one around it is
  // closed.
  Value& Close();

  // The member of that name of the open object, or nullptr. Constant time on the average.
  const Member* FindKey(std::string_view key) const;
  // Adds a key. Precondition: in_object(), and there is none of that name.
  Member& AddKey(std::string key, Position position);

  // Removes that key's member from the open object; the object must be closed next.
  void RemoveKey(std::string_view key) { frames_.back().node->Remove(key); }

  // Why Add or Open gave nullptr.
  const std::string& problem() const { return problem_; }
  Value TakeRoot();

 private:
  struct Frame {
    Value* node;
    // Index by key of an object that has grown large; a few keys are found faster without.
    std::unique_ptr<std::unordered_map<std::string, size_t>> index;
  };
  static constexpr size_t kIndexFrom = 24;

  const Budget& budget_;
  Value root_;
  std::vector<Frame> frames_;
  size_t nodes_ = 0;
  std::string problem_;
};

}  // namespace zoe::codec

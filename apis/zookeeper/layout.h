// Where things are in ZooKeeper, and how keys become paths.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/ports/store.h"

namespace zoe::zookeeper {

// One element of a path. Everything but letters, digits, '-', '.' and '_' is percent-encoded, as
// are ".", ".." and "_" where they are the whole name; "_" stands for the empty one. Reversible,
// and different names never meet.
std::string EncodeSegment(std::string_view name);
std::string DecodeSegment(std::string_view segment);

class Layout {
 public:
  Layout(std::string_view chroot, std::string_view deployment);

  const std::string& base() const { return base_; }
  const std::string& objects() const { return objects_; }
  const std::string& changes() const { return changes_; }  // its data is the head of the change log
  const std::string& election() const { return election_; }

  std::string KindPath(std::string_view kind) const;
  std::string NamespacePath(const Key& key) const;
  std::string ObjectPath(const Key& key) const;
  std::string ChangePrefix() const { return changes_ + "/c-"; }
  std::string ChangePath(int32_t sequence) const;

 private:
  const std::string base_, objects_, changes_, election_;
};

// "set KIND/NAMESPACE/NAME", the data of an entry of the change log.
std::string EncodeChange(const Key& key, bool deleted);
std::optional<Change> DecodeChange(std::string_view bytes, Revision revision);

// The number at the end of a sequential node's name. The server counts in 32 bits, signed, and
// wraps around.
std::optional<int32_t> SequenceOf(std::string_view node);
// a - b of two such numbers, right across the wrap.
int32_t Distance(int32_t a, int32_t b);
// The one after it.
int32_t Next(int32_t sequence, int32_t by = 1);

}  // namespace zoe::zookeeper

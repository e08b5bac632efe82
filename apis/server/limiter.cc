#include "apis/server/limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace zoe::server {
namespace {

constexpr size_t kMaxBuckets = 16 * 1024, kMaxKnown = 4096, kMaxName = 64;

// Who has one IPv6 address has 2^64 of them.
std::string Place(std::string_view remote) {
  const std::string text(remote);
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  return std::string(bytes.begin(), bytes.begin() + 8);
}

struct Keys {
  Keys(std::string_view remote, std::string_view user)
      : address("a" + Place(remote)),
        name("u" + std::string(user.substr(0, kMaxName))),
        pair("p" + Place(remote) + " " + std::string(user.substr(0, kMaxName))) {}
  const std::string address, name, pair;
};

}  // namespace

double FailureLimiter::LevelOf(const Bucket& bucket) const {
  const std::chrono::duration<double> passed = clock_.Now() - bucket.at;
  return std::max(0.0, bucket.level - passed.count() * bucket.per_second);
}

bool FailureLimiter::HasRoom(const std::string& key, const Rate& rate) const {
  const auto it = buckets_.find(key);
  return it == buckets_.end() || LevelOf(it->second) + 1 <= rate.burst;
}

void FailureLimiter::Add(const std::string& key, const Rate& rate, double amount) {
  if (buckets_.size() >= kMaxBuckets) MakeRoom();
  Bucket& bucket = buckets_[key];
  bucket.per_second = rate.per_second;
  bucket.level = std::max(0.0, LevelOf(bucket) + amount);
  bucket.at = clock_.Now();
}

// The fullest stay: filling the table with fresh names must not empty the bucket that matters.
void FailureLimiter::MakeRoom() {
  for (double least = 0; buckets_.size() > kMaxBuckets / 2; least = least * 2 + 1)
    std::erase_if(buckets_, [&](const auto& item) { return LevelOf(item.second) <= least; });
}

bool FailureLimiter::Take(std::string_view remote, std::string_view user) {
  const Keys keys(remote, user);
  const std::lock_guard lock(mutex_);
  if (!HasRoom(keys.pair, kPair) || !HasRoom(keys.address, kAddress)) return false;
  if (!known_.contains(keys.pair) && !HasRoom(keys.name, kUser)) return false;
  Add(keys.pair, kPair, 1);
  Add(keys.address, kAddress, 1);
  Add(keys.name, kUser, 1);
  return true;
}

bool FailureLimiter::TakeSecret(std::string_view remote) {
  const std::string key = "s" + Place(remote);
  const std::lock_guard lock(mutex_);
  if (!HasRoom(key, kSecret)) return false;
  Add(key, kSecret, 1);
  return true;
}

void FailureLimiter::Succeeded(std::string_view remote, std::string_view user) {
  GiveBack(remote, user);
  const Keys keys(remote, user);
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_.insert(keys.pair);
}

void FailureLimiter::GiveBack(std::string_view remote, std::string_view user) {
  const Keys keys(remote, user);
  const std::lock_guard lock(mutex_);
  Add(keys.pair, kPair, -1);
  Add(keys.address, kAddress, -1);
  Add(keys.name, kUser, -1);
}

}  // namespace zoe::server

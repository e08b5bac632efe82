// Slows down who guesses passwords, and as few others as possible.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "controller/ports/clock.h"

namespace zoe::server {

// Counts wrong passwords in buckets that leak, in memory, bounded. Three things fill up:
//  - an address with a user name: 10, then one every two seconds. Others at that address (a proxy,
//    a shared machine) and that user elsewhere go on.
//  - an address with whatever names: 100, then two a second.
//  - a user name from whatever addresses: 60, then one a second; more than one address can keep
//    full. Addresses from which that user has logged in before are not held by it, so that many
//    strangers together can't lock the user out.
// Who has logged in already (a token, a session, a password that was right just now) is never asked
// about here. IPv6 addresses count by /64. Thread-safe.
class FailureLimiter {
 public:
  explicit FailureLimiter(const Clock& clock) : clock_(clock) {}

  // Takes one attempt, before it is known whether it is right: many at once are no way around.
  // False: too many were wrong, this one must not be tried.
  bool Take(std::string_view remote, std::string_view user);
  // It was right: as if it had not been; the address is known from now on.
  void Succeeded(std::string_view remote, std::string_view user);
  // A wrong token or session: they can't be guessed, so this only bounds the noise. False: too
  // many.
  bool TakeSecret(std::string_view remote);
  // It was not tried.
  void GiveBack(std::string_view remote, std::string_view user);

 private:
  struct Rate {
    double burst = 0, per_second = 0;
  };
  struct Bucket {
    double level = 0;
    double per_second = 0;
    SteadyTime at{};
  };
  static constexpr Rate kPair{10, 0.5}, kAddress{100, 2}, kUser{60, 1}, kSecret{100, 5};

  double LevelOf(const Bucket& bucket) const;
  bool HasRoom(const std::string& key, const Rate& rate) const;
  void Add(const std::string& key, const Rate& rate, double amount);
  void MakeRoom();

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
  std::set<std::string> known_;  // pairs
};

}  // namespace zoe::server

// What a user has behind a FakeApi: a password, tokens, and a workspace's files.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "test/unit/cli/fake_api.h"

namespace zoe::test {

class FakePlace {
 public:
  // Answers for users and files; everything else is the FakeApi's own. Both live equally long.
  FakePlace(FakeApi& api, std::string user, std::string password);

  std::map<std::string, std::string> files() const;   // by path
  std::map<std::string, std::string> tokens() const;  // secret by name
  std::string password() const;
  void PutFile(const std::string& path, const std::string& text);
  void MakeDirectory(const std::string& path);
  // Something that is neither file nor directory.
  void MakeLink(const std::string& path, const std::string& target);

 private:
  std::optional<FakeReply> Answer(const FakeRequest& request);
  FakeReply Account(const FakeRequest& request, const std::string& what);
  FakeReply File(const FakeRequest& request, const std::string& path);
  std::string Listing(const std::string& path) const;

  mutable std::mutex mutex_;
  std::string user_, password_;
  std::map<std::string, std::string> files_, links_, tokens_;
  std::map<std::string, bool> directories_;
};

}  // namespace zoe::test

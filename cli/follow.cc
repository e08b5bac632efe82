#include "cli/follow.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

namespace zoe::cli {
namespace {

using codec::Value;

// The server ends each watch after this time; a connection that is silent for longer is dead.
constexpr std::chrono::seconds kWatchFor{240};
constexpr std::chrono::seconds kSilence{270};
constexpr Duration kFirstPause{100}, kLongestPause{2000};

std::string Identity(const Value& object) {
  return object.StringAt("metadata.namespace") + "/" + object.StringAt("metadata.name");
}

class Loop {
 public:
  Loop(client::Client& client, const std::string& path, const client::Query& selectors,
       std::stop_token stop, const Follower& follower)
      : client_(client),
        path_(path),
        selectors_(selectors),
        stop_(std::move(stop)),
        follower_(follower) {}

  Expected<void> Run() {
    ZOE_TRY(List());
    bool expired = false;
    while (!done_) {
      if (stop_.stop_requested()) return MakeError(Code::kCancelled, "stopped");
      const Expected<void> result = expired ? List() : Watch();
      expired = false;
      if (done_ || result.ok()) continue;
      if (result.error().code == Code::kExpired) {
        expired = true;
      } else if (result.error().code == Code::kUnavailable ||
                 result.error().code == Code::kTooManyRequests) {
        if (follower_.on_trouble && pause_ == kFirstPause) follower_.on_trouble(result.error());
        Pause();
      } else {
        return result;
      }
    }
    return {};
  }

 private:
  Expected<void> List() {
    ZOE_ASSIGN(Value list, client_.List(path_, selectors_));
    version_ = list.StringAt("metadata.resourceVersion");
    pause_ = kFirstPause;
    std::set<std::string> present;
    for (Value& item : list.Find("items")->as_array()) {
      // Items of a list may leave out what the list says of all of them.
      if (item.Find("kind") == nullptr && list.StringAt("kind").ends_with("List")) {
        const std::string kind = list.StringAt("kind");
        item.Set("kind", kind.substr(0, kind.size() - 4));
        item.Set("apiVersion", list.StringAt("apiVersion"));
      }
      present.insert(Identity(item));
      const auto known = known_.find(Identity(item));
      const bool news = known == known_.end();
      if (!news && known->second.StringAt("metadata.resourceVersion") ==
                       item.StringAt("metadata.resourceVersion"))
        continue;
      if (!Report(!listed_ ? Seen::kListed : news ? Seen::kAdded : Seen::kModified, item))
        return {};
    }
    std::vector<Value> gone;
    for (const auto& [identity, object] : known_) {
      if (!present.contains(identity)) gone.push_back(object);
    }
    for (const Value& object : gone) {
      if (!Report(Seen::kDeleted, object)) return {};
    }
    if (!listed_ && follower_.on_listed && !follower_.on_listed()) done_ = true;
    listed_ = true;
    return {};
  }

  Expected<void> Watch() {
    client::Query query = selectors_;
    query.emplace_back("resourceVersion", version_);
    query.emplace_back("allowWatchBookmarks", "true");
    query.emplace_back("timeoutSeconds", std::to_string(kWatchFor.count()));
    const auto start = std::chrono::steady_clock::now();
    bool heard = false;
    const auto result =
        client_.Watch(path_, query, stop_, kSilence, [&](const client::WatchEvent& event) {
          heard = true;
          pause_ = kFirstPause;
          if (const std::string version = event.object.StringAt("metadata.resourceVersion");
              !version.empty())
            version_ = version;
          if (event.type == "ADDED") return Report(Seen::kAdded, event.object);
          if (event.type == "MODIFIED") return Report(Seen::kModified, event.object);
          if (event.type == "DELETED") return Report(Seen::kDeleted, event.object);
          return true;
        });
    // A server that ends every watch at once must not be asked without a pause.
    if (result.ok() && !done_ && !heard &&
        std::chrono::steady_clock::now() - start < std::chrono::seconds(1))
      Pause();
    return result;
  }

  bool Report(Seen seen, const Value& object) {
    if (seen == Seen::kDeleted) {
      known_.erase(Identity(object));
    } else {
      Value& remembered = known_[Identity(object)];
      remembered = object;
    }
    if (!follower_.on_object(seen, object)) done_ = true;
    return !done_;
  }

  void Pause() {
    std::mutex mutex;
    std::condition_variable_any condition;
    std::unique_lock lock(mutex);
    condition.wait_for(lock, stop_, pause_, [] { return false; });
    pause_ = std::min(pause_ * 2, kLongestPause);
  }

  client::Client& client_;
  const std::string& path_;
  const client::Query& selectors_;
  std::stop_token stop_;
  const Follower& follower_;
  std::map<std::string, Value> known_;
  std::string version_;
  Duration pause_ = kFirstPause;
  bool listed_ = false, done_ = false;
};

}  // namespace

Expected<void> Follow(client::Client& client, const std::string& path,
                      const client::Query& selectors, std::stop_token stop,
                      const Follower& follower) {
  return Loop(client, path, selectors, std::move(stop), follower).Run();
}

}  // namespace zoe::cli

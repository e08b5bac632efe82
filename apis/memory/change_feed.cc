#include "apis/memory/change_feed.h"

#include <algorithm>
#include <utility>

namespace zoe {

struct Subscribers::Subscriber {
  std::mutex mutex;  // held while a callback runs: that is what the end of a Watch waits for
  Feed feed;
  Revision after = 0;
  bool active = true;
};

class Subscribers::Subscription : public Watch {
 public:
  Subscription(std::shared_ptr<Subscribers> all, std::shared_ptr<Subscriber> one)
      : all_(std::move(all)), one_(std::move(one)) {}
  ~Subscription() override {
    {
      const std::lock_guard lock(one_->mutex);
      one_->active = false;
    }
    const std::lock_guard lock(all_->mutex_);
    std::erase(all_->subscribers_, one_);
  }

 private:
  const std::shared_ptr<Subscribers> all_;
  const std::shared_ptr<Subscriber> one_;
};

std::unique_ptr<Watch> Subscribers::Add(Feed feed, Revision after) {
  auto one = std::make_shared<Subscriber>();
  one->feed = std::move(feed);
  one->after = after;
  const std::lock_guard lock(mutex_);
  subscribers_.push_back(one);
  return std::make_unique<Subscription>(shared_from_this(), std::move(one));
}

std::vector<std::shared_ptr<Subscribers::Subscriber>> Subscribers::Snapshot() const {
  const std::lock_guard lock(mutex_);
  return subscribers_;
}

void Subscribers::Deliver(const Change& change) {
  for (const auto& one : Snapshot()) {
    const std::lock_guard lock(one->mutex);
    if (one->active && change.revision > one->after && one->feed.on_change)
      one->feed.on_change(change);
  }
}

void Subscribers::DeliverGap() {
  for (const auto& one : Snapshot()) {
    const std::lock_guard lock(one->mutex);
    if (one->active && one->feed.on_gap) one->feed.on_gap();
  }
}

ChangeFeed::ChangeFeed(bool threaded) : threaded_(threaded) {
  if (threaded_) thread_ = std::thread([this] { Run(); });
}

ChangeFeed::~ChangeFeed() {
  if (!threaded_) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::unique_ptr<Watch> ChangeFeed::Subscribe(Feed feed, Revision after) {
  return subscribers_->Add(std::move(feed), after);
}

void ChangeFeed::Publish(Change change) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(change));
  }
  if (threaded_) wake_.notify_one();
}

void ChangeFeed::Drain() {
  std::unique_lock lock(mutex_);
  if (draining_) return;
  draining_ = true;
  while (!queue_.empty()) {
    const Change change = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    subscribers_->Deliver(change);
    lock.lock();
  }
  draining_ = false;
}

void ChangeFeed::Run() {
  std::unique_lock lock(mutex_);
  std::deque<Change> batch;
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    batch.swap(queue_);
    lock.unlock();
    for (const Change& change : batch) subscribers_->Deliver(change);
    batch.clear();
    lock.lock();
  }
}

}  // namespace zoe

#include "test/sim/sim_store.h"

#include <algorithm>
#include <utility>

#include "apis/memory/store_errors.h"

namespace zoe::sim_test {

// ---- the servers

std::unique_ptr<SimStore> Ensemble::Connect(Duration feed_delay) {
  return std::unique_ptr<SimStore>(new SimStore(*this, feed_delay));
}

SteadyTime Ensemble::RunDue() {
  SteadyTime next = SteadyTime::max();
  for (size_t i = 0; i < sessions_.size(); ++i) {
    const Session& session = sessions_[i];
    if (session.over || !session.silent_since || !quorum_) continue;
    const SteadyTime end = *session.silent_since + timeout_;
    if (clock_.Now() < end) {
      next = std::min(next, end);
    } else {
      EndSession(static_cast<int>(i) + 1);
    }
  }
  return next;
}

// A new leader of the servers gives every session its whole timeout again.
void Ensemble::SetQuorum(bool quorum) {
  if (quorum_ == quorum) return;
  quorum_ = quorum;
  for (Session& session : sessions_) {
    if (session.silent_since) session.silent_since = clock_.Now();
  }
}

void Ensemble::TrimLog() {
  trimmed_ += log_.size();
  trimmed_at_ = ++head_;
  log_.clear();
}

void Ensemble::EndSession(int session) {
  Session& ended = sessions_.at(static_cast<size_t>(session) - 1);
  if (std::exchange(ended.over, true)) return;
  DeleteNodes(session);
}

void Ensemble::DeleteNodes(int session) {
  for (Node& node : line_) {
    if (node.session == session && node.deleted == 0) node.deleted = ++head_;
  }
}

int Ensemble::Leader() const {
  for (const Node& node : line_) {
    if (node.deleted == 0) return node.session;
  }
  return 0;
}

const Ensemble::Version* Ensemble::At(const Versions& versions, Revision at) {
  for (auto it = versions.rbegin(); it != versions.rend(); ++it) {
    if (it->revision <= at) return &*it;
  }
  return nullptr;
}

Revision Ensemble::LastChange(Revision at) const {
  return *std::prev(std::upper_bound(changes_.begin(), changes_.end(), at));
}

Expected<Record> Ensemble::Get(const Key& key, Revision at) const {
  const auto it = objects_.find(key);
  const Version* version = it == objects_.end() ? nullptr : At(it->second, at);
  if (version == nullptr || !version->bytes) return NotFoundError(key);
  return Record{key, version->revision, *version->bytes};
}

Revision Ensemble::Commit(const Key& key, Versions& versions,
                          std::shared_ptr<const std::string> bytes) {
  const bool deleted = bytes == nullptr;
  if (lagging_ == 0) versions.clear();
  versions.push_back({++head_, std::move(bytes)});
  log_.push_back({{key, head_, deleted}, clock_.Now()});
  changes_.push_back(head_);
  return head_;
}

Expected<Revision> Ensemble::Create(const Key& key, std::string bytes) {
  if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
  Versions& versions = objects_[key];
  if (!versions.empty() && versions.back().bytes) return AlreadyExistsError(key);
  return Commit(key, versions, std::make_shared<const std::string>(std::move(bytes)));
}

Expected<Revision> Ensemble::Replace(const Key& key, Revision expected, std::string bytes) {
  if (bytes.size() > kMaxRecordBytes) return TooLargeError(key, bytes.size());
  const auto it = objects_.find(key);
  if (it == objects_.end() || !it->second.back().bytes) return NotFoundError(key);
  const Revision found = it->second.back().revision;
  if (found != expected) return ConflictError(key, expected, found);
  return Commit(key, it->second, std::make_shared<const std::string>(std::move(bytes)));
}

Expected<Revision> Ensemble::Delete(const Key& key, Revision expected) {
  const auto it = objects_.find(key);
  if (it == objects_.end() || !it->second.back().bytes) return NotFoundError(key);
  const Revision found = it->second.back().revision;
  if (found != expected) return ConflictError(key, expected, found);
  const Revision revision = Commit(key, it->second, nullptr);
  if (lagging_ == 0) objects_.erase(it);
  return revision;
}

Revision Ensemble::Turn(const Key& place, Revision at) const {
  const auto turns = turns_.find({place.kind, place.ns, ""});
  if (turns == turns_.end()) return 0;
  const auto next = std::ranges::upper_bound(turns->second, at);
  return next == turns->second.begin() ? 0 : *std::prev(next);
}

Expected<Revision> Ensemble::WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                         Revision turn) {
  if (Turn(key, head_) != turn) return TurnTakenError(key);
  Expected<Revision> written =
      expected == 0 ? Create(key, std::move(bytes)) : Replace(key, expected, std::move(bytes));
  if (written.ok()) turns_[{key.kind, key.ns, ""}].push_back(*written);
  return written;
}

// ---- a client

// What ends with a Watch. Either may be destroyed first.
class SimStore::Ended : public Watch {
 public:
  explicit Ended(std::function<void()> end) : end_(std::move(end)) {}
  ~Ended() override { end_(); }

 private:
  const std::function<void()> end_;
};

// The store of the control loop.
class SimStore::Fenced : public Store {
 public:
  explicit Fenced(SimStore& store) : store_(store) {}
  Expected<Record> Get(const Key& key) override { return store_.Get(key); }
  Expected<Listing> List(std::string_view kind) override { return store_.List(kind); }
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    return store_.Commit(true, [&] { return store_.ensemble_.Create(key, std::move(bytes)); });
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    return store_.Swap(key, expected, true,
                       [&] { return store_.ensemble_.Replace(key, expected, std::move(bytes)); });
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    return store_.Swap(key, expected, true, [&] { return store_.ensemble_.Delete(key, expected); });
  }
  Expected<Revision> Turn(const Key& place) override { return store_.Turn(place); }
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    return store_.WriteInTurn(key, expected, std::move(bytes), turn, true);
  }
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    return store_.Subscribe(std::move(feed));
  }
  Expected<std::unique_ptr<Watch>> Campaign(std::string identity,
                                            LeaderCallback callback) override {
    return store_.Campaign(std::move(identity), std::move(callback));
  }
  Expected<std::vector<Candidate>> Candidates() override { return store_.Candidates(); }
  Store& ForLeader() override { return *this; }
  Expected<void> Ping() override { return store_.Ping(); }

 private:
  SimStore& store_;
};

SimStore::SimStore(Ensemble& ensemble, Duration feed_delay)
    : ensemble_(ensemble), feed_delay_(feed_delay), fenced_(std::make_unique<Fenced>(*this)) {
  Begin();
}

SimStore::~SimStore() {
  SetLagging(false);
  SetAlone(false);
  const bool told = answered() && !abandoned_;
  cut_ = true;
  UpdateSilence();
  if (told) ensemble_.EndSession(session_);
}

// What has been read is true once the server has caught up, which a new connection waits for.
void SimStore::Begin() {
  ensemble_.sessions_.push_back({});
  session_ = static_cast<int>(ensemble_.sessions_.size());
  heard_ = ensemble_.trimmed_ + ensemble_.log_.size();
  connected_ = true;
  asked_ = beat_ = ensemble_.clock_.Now();
  if (view_) view_ = ensemble_.head_;
  UpdateSilence();
}

bool SimStore::answered() const {
  return !cut_ && ensemble_.quorum_ && !ensemble_.sessions_[static_cast<size_t>(session_) - 1].over;
}

// Until something ends it, questions are asked and answered.
void SimStore::AskAgain() {
  if (!connected_ || !answered() || alone_ || paused_) return;
  const Duration beat = ensemble_.timeout_ / 6;
  const auto since = std::chrono::duration_cast<Duration>(ensemble_.clock_.Now() - beat_);
  const SteadyTime asked = beat_ + beat * (since / beat);
  if (asked <= asked_) return;
  asked_ = asked;
  if (leading_) CatchUp();  // who leads asks by writing
}

void SimStore::UpdateSilence() {
  auto& session = ensemble_.sessions_[static_cast<size_t>(session_) - 1];
  const bool silent = cut_ || paused_ || alone_;
  if (silent && !session.silent_since) session.silent_since = ensemble_.clock_.Now();
  if (!silent && !session.over) session.silent_since.reset();
}

void SimStore::UpdateView() {
  const bool still = lagging_ || alone_;
  if (still == view_.has_value()) return;
  ensemble_.lagging_ += still ? 1 : -1;
  view_ = still ? std::optional(ensemble_.head_) : std::nullopt;
}

void SimStore::CatchUp() {
  if (view_) view_ = ensemble_.head_;
}

void SimStore::SetCut(bool cut) {
  if (cut_ == cut) return;
  AskAgain();
  cut_ = cut;
  UpdateSilence();
}

void SimStore::SetPaused(bool paused) {
  if (paused_ == paused) return;
  AskAgain();
  paused_ = paused;
  UpdateSilence();
}

void SimStore::SetLagging(bool lagging) {
  lagging_ = lagging;
  UpdateView();
}

void SimStore::SetAlone(bool alone) {
  if (alone_ == alone) return;
  AskAgain();
  alone_ = alone;
  UpdateSilence();
  UpdateView();
}

Error SimStore::Away() const {
  return MakeError(Code::kUnavailable, "the store is away (simulated)");
}

Expected<Record> SimStore::Get(const Key& key) {
  if (!answered()) return Away();
  return ensemble_.Get(key, view());
}

Expected<Listing> SimStore::List(std::string_view kind) {
  if (!answered()) return Away();
  Listing listing{.revision = ensemble_.LastChange(view())};
  if (lists_empty_) return listing;
  ensemble_.Each(kind, view(), [&](const Key& key, Revision revision, const std::string& bytes) {
    listing.records.push_back({key, revision, bytes});
  });
  return listing;
}

Expected<Revision> SimStore::Commit(bool fenced, const Write& write) {
  const auto not_leading = [] {
    return MakeError(Code::kUnavailable, "NotLeading",
                     "this process is not the leader: nothing was written");
  };
  if (fenced && !leading_) return not_leading();
  if (alone_ || (connected_ && !answered()))
    return MakeError(Code::kOutcomeUnknown, "the store did not confirm a write (simulated)");
  if (!answered()) return Away();
  const bool proven = !fenced || (node_ && ensemble_.line_[*node_].deleted == 0);
  Expected<Revision> written = proven ? write() : Expected<Revision>(not_leading());
  CatchUp();
  return written;
}

// The object is looked at first, through the same server as every read.
Expected<Revision> SimStore::Swap(const Key& key, Revision expected, bool fenced,
                                  const Write& write) {
  if (!answered()) return Commit(fenced, write);
  const auto seen = ensemble_.Get(key, view());
  if (!seen.ok()) return seen.error();
  if (seen->revision != expected) return ConflictError(key, expected, seen->revision);
  return Commit(fenced, write);
}

Expected<Revision> SimStore::Create(const Key& key, std::string bytes) {
  return Commit(false, [&] { return ensemble_.Create(key, std::move(bytes)); });
}

Expected<Revision> SimStore::Replace(const Key& key, Revision expected, std::string bytes) {
  return Swap(key, expected, false,
              [&] { return ensemble_.Replace(key, expected, std::move(bytes)); });
}

Expected<Revision> SimStore::Delete(const Key& key, Revision expected) {
  return Swap(key, expected, false, [&] { return ensemble_.Delete(key, expected); });
}

Expected<Revision> SimStore::Turn(const Key& place) {
  if (!answered()) return Away();
  return ensemble_.Turn(place, view());
}

Expected<Revision> SimStore::WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                         Revision turn) {
  return WriteInTurn(key, expected, std::move(bytes), turn, false);
}

Expected<Revision> SimStore::WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                         Revision turn, bool fenced) {
  const auto write = [&] { return ensemble_.WriteInTurn(key, expected, std::move(bytes), turn); };
  return expected == 0 ? Commit(fenced, write) : Swap(key, expected, fenced, write);
}

Store& SimStore::ForLeader() { return *fenced_; }

Expected<void> SimStore::Ping() {
  if (!answered()) return Away();
  return {};
}

Expected<std::unique_ptr<Watch>> SimStore::Subscribe(Feed feed) {
  if (!answered()) return Away();
  auto one = std::make_shared<Subscriber>(Subscriber{std::move(feed), view()});
  subscribers_.push_back(one);
  return std::unique_ptr<Watch>(std::make_unique<Ended>([one] { one->feed = {}; }));
}

Expected<std::unique_ptr<Watch>> SimStore::Campaign(std::string identity, LeaderCallback callback) {
  identity_ = std::move(identity);
  callback_ = std::make_shared<LeaderCallback>(std::move(callback));
  const std::weak_ptr<LeaderCallback> alive = callback_;
  Evaluate();
  return std::unique_ptr<Watch>(std::make_unique<Ended>([this, alive] {
    if (alive.expired()) return;
    callback_.reset();
    leading_ = false;
    told_ = kNotLeading;
    node_.reset();
    if (answered() && !alone_ && !abandoned_) ensemble_.DeleteNodes(session_);
  }));
}

Expected<std::vector<Candidate>> SimStore::Candidates() {
  if (!answered()) return Away();
  std::vector<Candidate> candidates;
  for (const Ensemble::Node& node : ensemble_.line_) {
    if (ensemble_.Stands(node, view())) candidates.push_back({node.identity, candidates.empty()});
  }
  return candidates;
}

// ---- what the adapter does by itself

bool SimStore::Pump() {
  bool told = false;
  if (!answered()) {
    connected_ = false;
    const bool over = ensemble_.sessions_[static_cast<size_t>(session_) - 1].over;
    if (cut_ || !ensemble_.quorum_ || !over) return Evaluate();
    // Reached again, and told that it was too late.
    told |= SetLease(kNotLeading);
    node_.reset();
    Begin();
    gap_ = true;
  } else if (!connected_) {
    connected_ = true;
    asked_ = beat_ = ensemble_.clock_.Now();
    CatchUp();
  }
  AskAgain();
  told |= Evaluate();
  if (gap_) told |= TellGap();
  return TellChanges() || told;
}

// Where it stands in line, as its server sees it.
bool SimStore::Evaluate() {
  if (!callback_) return false;
  const SteadyTime lease_end = asked_ + ensemble_.timeout_ * 2 / 3;
  const bool lasts = ensemble_.clock_.Now() < lease_end;
  if (!connected_) return lasts ? false : SetLease(kNotLeading);
  if (!node_ && !alone_) {
    ensemble_.line_.push_back({session_, identity_, ++ensemble_.head_, 0});
    node_ = ensemble_.line_.size() - 1;
    CatchUp();
  }
  if (!node_) return false;
  for (const Ensemble::Node& node : ensemble_.line_) {
    if (!ensemble_.Stands(node, view())) continue;
    if (&node != &ensemble_.line_[*node_] || !lasts) break;
    return SetLease(lease_end);
  }
  return SetLease(kNotLeading);
}

bool SimStore::SetLease(SteadyTime until) {
  leading_ = until != kNotLeading;
  if (std::exchange(told_, until) == until) return false;
  if (const auto callback = callback_) (*callback)(until);
  return true;
}

bool SimStore::TellGap() {
  gap_ = false;
  std::erase_if(subscribers_, [](const auto& one) { return !one->feed.on_change; });
  for (const auto& one : subscribers_) {
    if (one->feed.on_gap) one->feed.on_gap();
  }
  return !subscribers_.empty();
}

bool SimStore::TellChanges() {
  bool told = false;
  // Whose server stands still sees the log as it was; what of it is lost here, it hears later.
  if (heard_ < ensemble_.trimmed_ && view() >= ensemble_.trimmed_at_) {
    heard_ = ensemble_.trimmed_;
    told = TellGap();
  }
  while (heard_ >= ensemble_.trimmed_ && heard_ < ensemble_.trimmed_ + ensemble_.log_.size()) {
    const Ensemble::Change entry = ensemble_.log_[heard_ - ensemble_.trimmed_];
    if (entry.change.revision > view() || entry.at + feed_delay_ > ensemble_.clock_.Now()) break;
    ++heard_;
    for (const auto& one : std::vector(subscribers_)) {
      if (entry.change.revision <= one->after || !one->feed.on_change) continue;
      one->feed.on_change(entry.change);
      told = true;
    }
  }
  return told;
}

SteadyTime SimStore::NextDue() const {
  SteadyTime next = SteadyTime::max();
  if (leading_ && !connected_) next = asked_ + ensemble_.timeout_ * 2 / 3;
  if (connected_ && heard_ >= ensemble_.trimmed_ &&
      heard_ < ensemble_.trimmed_ + ensemble_.log_.size()) {
    const Ensemble::Change& entry = ensemble_.log_[heard_ - ensemble_.trimmed_];
    if (entry.change.revision <= view()) next = std::min(next, entry.at + feed_delay_);
  }
  return next;
}

}  // namespace zoe::sim_test

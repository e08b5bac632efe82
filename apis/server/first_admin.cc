#include "apis/server/first_admin.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "apis/server/credentials.h"
#include "apis/server/writer.h"
#include "controller/crypto/crypto.h"
#include "controller/runtime/log.h"
#include "specs/v1/user.h"

namespace zoe {
namespace {

constexpr char kAdmin[] = "admin";
constexpr Duration kRetry{1'000};

std::string RandomPassword() {
  // Without characters that look alike.
  constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(kAlphabet.size() == 32, "each byte gives 5 bits");
  std::string password = crypto::RandomBytes(20);
  for (char& c : password) c = kAlphabet[static_cast<unsigned char>(c) % kAlphabet.size()];
  return password;
}

Expected<void> MakeUser(server::Writer& writer) {
  codec::Value spec, metadata, document;
  spec.Set("role", std::string(v1::kRoleAdmin));
  metadata.Set("name", kAdmin);
  document.Set("metadata", std::move(metadata));
  document.Set("spec", std::move(spec));
  const auto written = writer.Create(*v1::FindKind("User"), {"User", "", ""}, std::move(document),
                                     {}, {.name = kAdmin});
  if (written.ok() || written.error().code == Code::kAlreadyExists) return {};
  return written.error();
}

}  // namespace

Expected<bool> MakeFirstAdmin(Store& store, const Cache& cache, const Admission& admission,
                              const Clock& clock, const std::string& password) {
  server::Credentials credentials(store, cache, clock);
  server::Writer writer(store, cache, admission, credentials, clock);
  ZOE_ASSIGN(const Listing users, store.List("User"));
  if (users.records.empty()) ZOE_TRY(MakeUser(writer));
  const auto record = store.Get({"User", "", kAdmin});
  if (!record.ok()) {
    if (record.error().code == Code::kNotFound) return false;
    return record.error();
  }
  ZOE_ASSIGN(const auto object, v1::DecodeStored(*v1::FindKind("User"), record->bytes));
  const auto& admin = static_cast<const v1::User&>(*object);
  if (admin.spec.role != v1::kRoleAdmin || admin.meta.deletion_timestamp) return false;
  return credentials.SetFirstPassword(admin, password);
}

FirstAdmin::FirstAdmin(Store& store, const Cache& cache, const Admission& admission,
                       const Clock& clock, std::string password,
                       std::function<void(const std::string&)> announce)
    : store_(store),
      cache_(cache),
      admission_(admission),
      clock_(clock),
      password_(std::move(password)),
      chosen_(password_.empty() ? RandomPassword() : password_),
      announce_(std::move(announce)) {}

Expected<void> FirstAdmin::Make() {
  if (!cache_.synced()) return MakeError(Code::kUnavailable, "the store has not been read yet");
  const auto made = MakeFirstAdmin(store_, cache_, admission_, clock_, chosen_);
  if (!made.ok()) {
    perhaps_made_ = perhaps_made_ || made.error().code == Code::kOutcomeUnknown;
    return made.error();
  }
  const bool ours = *made || (perhaps_made_ && IsPassword(chosen_));
  if (ours && password_.empty()) announce_(chosen_);
  return {};
}

// As the store has it now.
bool FirstAdmin::IsPassword(const std::string& password) const {
  constexpr Duration kCatchUp{2'000};
  const auto now = store_.List("User");
  if (now.ok()) cache_.WaitFor(now->revision, kCatchUp);
  return server::Credentials(store_, cache_, clock_).VerifyPassword(kAdmin, password);
}

Expected<void> FirstAdmin::Start() {
  auto made = Make();
  // What was written in vain, or perhaps not, is made again.
  if (made.ok() ||
      (made.error().code != Code::kUnavailable && made.error().code != Code::kOutcomeUnknown &&
       made.error().code != Code::kConflict))
    return made;
  log::Warn("whether there is an admin is not known yet", {{"reason", made.error().message}});
  thread_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested() && !Make().ok())
      stopped.wait_for(lock, stop, kRetry, [] { return false; });
  });
  return {};
}

void FirstAdmin::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

}  // namespace zoe

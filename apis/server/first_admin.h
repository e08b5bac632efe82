// The one who lets the others in.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "controller/cache/cache.h"
#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "specs/meta/expected.h"
#include "webhooks/admission/admission.h"

namespace zoe {

// With no User in the store, makes User `admin`; if that User then has no password, gives it this
// one. True: it is admin's password now. False: there was nothing to do, or another process was
// first. Each step is decided by the store, and may be repeated after a crash at any point. Blocks;
// errors are the store's.
Expected<bool> MakeFirstAdmin(Store& store, const Cache& cache, const Admission& admission,
                              const Clock& clock, const std::string& password);

// The same at the start of a controller: tried again, on a thread of its own, while the store is
// away. Start and Stop once each, from one thread.
class FirstAdmin {
 public:
  // `password` empty: one is made up and given to `announce`, once it is admin's, on any thread.
  FirstAdmin(Store& store, const Cache& cache, const Admission& admission, const Clock& clock,
             std::string password, std::function<void(const std::string&)> announce);
  ~FirstAdmin() { Stop(); }

  Expected<void> Start();
  void Stop();

 private:
  Expected<void> Make();
  bool IsPassword(const std::string& password) const;

  Store& store_;
  const Cache& cache_;
  const Admission& admission_;
  const Clock& clock_;
  const std::string password_;  // given
  const std::string chosen_;    // that, or made up; the same in every attempt
  const std::function<void(const std::string&)> announce_;
  bool perhaps_made_ = false;  // an attempt's outcome is not known
  std::jthread thread_;
};

}  // namespace zoe

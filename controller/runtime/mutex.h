// A mutex that clang's -Wthread-safety understands: members say which lock protects them
// (ZOE_GUARDED_BY), functions which one they need (ZOE_REQUIRES). Source: clang's Thread Safety
// Analysis. Other compilers ignore the annotations.
//
//   Mutex mutex_;
//   std::condition_variable changed_;
//   bool ready_ ZOE_GUARDED_BY(mutex_) = false;
//
//   MutexLock lock(mutex_);
//   while (!ready_) clock.WaitUntil(changed_, lock.native(), deadline);
#pragma once

#include <mutex>

#if defined(__clang__)
#define ZOE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define ZOE_THREAD_ANNOTATION(x)
#endif

#define ZOE_GUARDED_BY(mutex) ZOE_THREAD_ANNOTATION(guarded_by(mutex))
#define ZOE_REQUIRES(...) ZOE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define ZOE_EXCLUDES(...) ZOE_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace zoe {

class ZOE_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void Lock() ZOE_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void Unlock() ZOE_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Holds the mutex from construction to destruction.
class ZOE_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ZOE_THREAD_ANNOTATION(acquire_capability(mutex))
      : lock_(mutex.mutex_) {}
  ~MutexLock() ZOE_THREAD_ANNOTATION(release_capability()) = default;
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  // For waiting on a condition variable, which gives the mutex away while it waits. To the analysis
  // it is held throughout: state that was read before the wait must be read again.
  std::unique_lock<std::mutex>& native() { return lock_; }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace zoe

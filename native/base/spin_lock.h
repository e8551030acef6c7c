// A lock for critical sections of a few dozen nanoseconds that contain no system call and no allocation that
// can block for long. Contention is rare; a holder that lost its core is waited for by yielding.
#pragma once

#include <atomic>

namespace odradek {

// Satisfies Lockable: use std::lock_guard and std::unique_lock.
class SpinLock {
 public:
  void lock() noexcept {
    if (!held_.exchange(true, std::memory_order_acquire)) return;
    lock_contended();
  }
  bool try_lock() noexcept { return !held_.exchange(true, std::memory_order_acquire); }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  void lock_contended() noexcept;
  std::atomic<bool> held_{false};
};

}  // namespace odradek

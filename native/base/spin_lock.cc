#include "base/spin_lock.h"

#include <sched.h>

namespace odradek {

namespace {
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}
}  // namespace

void SpinLock::lock_contended() noexcept {
  for (;;) {
    for (int spin = 0; spin < 64; ++spin) {
      if (!held_.load(std::memory_order_relaxed) && try_lock()) return;
      relax();
    }
    sched_yield();
  }
}

}  // namespace odradek
